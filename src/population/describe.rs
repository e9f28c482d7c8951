//! A population in numbers, for reports.

use mock_server::wire::id::MailboxKey;

use super::Population;
use super::preset::Cohort;

/// Shares at which quantiles are given.
pub const SHARES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

/// Totals and quantiles of a population, or of an evenly spaced sample scaled up to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Description {
    /// Mailboxes in the population.
    pub mailboxes: u32,
    /// Mailboxes that were drawn for this description; all others are extrapolated.
    pub drawn: u32,
    /// Organisations in the population.
    pub organisations: u32,
    /// Bytes in primary mailboxes.
    pub bytes: u64,
    /// Items in primary mailboxes.
    pub items: u64,
    /// Folders, default folders included.
    pub folders: u64,
    /// Online archives.
    pub archives: u64,
    /// Bytes in online archives.
    pub archive_bytes: u64,
    /// Changes per calendar day.
    pub changes_per_day: f64,
    /// Items that cannot be read.
    pub corrupt_items: u64,
    /// Mailboxes of each kind that occurs.
    pub cohorts: Vec<(Cohort, u64)>,
    /// Bytes per mailbox.
    pub size_bytes: Spread,
    /// Items per mailbox.
    pub item_count: Spread,
    /// Changes per mailbox and calendar day.
    pub changes: Spread,
}

/// How a quantity spreads over mailboxes.
#[derive(Clone, PartialEq, Debug)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The quantiles at [`SHARES`].
    pub quantiles: [f64; SHARES.len()],
    /// The greatest.
    pub greatest: f64,
}

impl Spread {
    /// The spread of some values; all zero if there are none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        Self { mean, quantiles: SHARES.map(|share| quantile(&values, share)), greatest: quantile(&values, 1.0) }
    }
}

/// The quantile of sorted values, interpolated between neighbours (Hyndman and Fan 1996, type 7); zero if there are none.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (sorted[place as usize], sorted[(place as usize + 1).min(last)]);
    low + (high - low) * (place - libm::floor(place))
}

impl Population {
    /// Draws up to `most` mailboxes, evenly spaced, and sums them up; all of them if `most` is at least their number.
    #[must_use]
    pub fn describe(&self, most: u32) -> Description {
        let drawn = most.clamp(1, self.len());
        let step = |n: u32| (u64::from(n) * u64::from(self.len()) / u64::from(drawn)) as u32;
        let scale = f64::from(self.len()) / f64::from(drawn);
        let (mut bytes, mut items, mut folders, mut archives, mut archive_bytes, mut corrupt) = (0, 0, 0, 0, 0, 0);
        let mut changes_per_day = 0.0;
        let mut cohorts = [0; Cohort::ALL.len()];
        let (mut sizes, mut counts, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for key in (0..drawn).map(|n| MailboxKey(step(n))) {
            let mailbox = self.mailbox(key);
            bytes += mailbox.bytes;
            items += mailbox.items;
            folders += u64::from(mailbox.folders);
            archives += u64::from(mailbox.archive_bytes.is_some());
            archive_bytes += mailbox.archive_bytes.unwrap_or(0);
            corrupt += u64::from(mailbox.corrupt_items);
            changes_per_day += mailbox.changes_per_day;
            cohorts[mailbox.cohort as usize] += 1;
            sizes.push(mailbox.bytes as f64);
            counts.push(mailbox.items as f64);
            changes.push(mailbox.changes_per_day);
        }
        let scaled = |sum: u64| if drawn == self.len() { sum } else { (sum as f64 * scale).round() as u64 };
        Description {
            mailboxes: self.len(),
            drawn,
            organisations: self.organisations(),
            bytes: scaled(bytes),
            items: scaled(items),
            folders: scaled(folders),
            archives: scaled(archives),
            archive_bytes: scaled(archive_bytes),
            changes_per_day: changes_per_day * scale,
            corrupt_items: scaled(corrupt),
            cohorts: Cohort::ALL
                .into_iter()
                .zip(cohorts)
                .filter(|&(_, count)| count > 0)
                .map(|(cohort, count)| (cohort, scaled(count)))
                .collect(),
            size_bytes: Spread::of(sizes),
            item_count: Spread::of(counts),
            changes: Spread::of(changes),
        }
    }
}
