//! One mailbox: drawn in constant time from the seed and its key.

use mock_server::draw::{Purpose, hash, normal, unit};
use mock_server::wire::id::MailboxKey;

use crate::sample::quantile::Quantiles;
use crate::sample::{categorical, log_normal};

use super::preset::{Cohort, CohortLaw, Preset, QuotaLaw};

/// A mailbox.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Mailbox {
    /// What kind it is.
    pub cohort: Cohort,
    /// The organisation that it belongs to.
    pub organisation: u32,
    /// Size of the primary mailbox in bytes; its folders sum exactly to this.
    pub bytes: u64,
    /// Items in it; its folders sum exactly to this.
    pub items: u64,
    /// Its folders: the root, the default folders and those that users made.
    pub folders: u32,
    /// Messages received and sent per calendar day, averaged over a week: each is a change that a delta must carry.
    pub changes_per_day: f64,
    /// Size of its online archive in bytes, if it has one.
    pub archive_bytes: Option<u64>,
    /// Items whose content cannot be read.
    pub corrupt_items: u32,
    /// Size in bytes of an item far above the ordinary largest, if it holds one and has room for it.
    pub oversize_item: Option<u32>,
}

/// Above this share of the quota, users prune. Assumed.
const CROWDED: f64 = 0.95;
/// Pruned mailboxes lie between this share of the quota and all of it, by a Beta law. Assumed.
const PRUNED_FROM: f64 = 0.80;

/// Messages sent for each one received (EmailAnalytics 2021: 24.5 to 59.9, so 0.41; damped to 0.25, assumed).
const SENT_PER_RECEIVED: f64 = 0.25;
/// Most messages received per day. Assumed.
const RECEIVED_MOST: f64 = 2_000.0;

/// Folders that users made: median for 9,000 items, growth with items, spread (Enron, 150 mailboxes: slope 0.61 and
/// residual 0.77; the smaller slope and the larger spread are assumed, because the measured law extrapolates badly).
const USER_FOLDERS_LN: f64 = 2.38;
const USER_FOLDERS_EXPONENT: f64 = 0.35;
const USER_FOLDERS_SIGMA: f64 = 0.95;
const USER_FOLDERS_REFERENCE: f64 = 9_000.0;
const USER_FOLDERS_MOST: f64 = 3_000.0;

/// Share of mailboxes with corrupt items, and their mean number if any; share with over a hundred. Assumed: no public
/// statistic exists.
const CORRUPT_SHARE: f64 = 0.005;
const CORRUPT_MEAN: f64 = 4.0;
const CORRUPT_MANY_SHARE: f64 = 0.0002;
const CORRUPT_MANY: f64 = 100.0;

/// Share of mailboxes that hold an item above the ordinary largest, one to four times as large. Assumed.
const OVERSIZE_SHARE: f64 = 0.0005;
const OVERSIZE_FACTOR: f64 = 3.0;

/// What a draw is for; one number each, so that none disturbs another.
#[derive(Copy, Clone)]
enum Part {
    Cohort,
    Size,
    Larger,
    LargerQuota,
    Pruned,
    ItemMean,
    Folders,
    Received,
    Archive,
    ArchiveSize,
    Corrupt,
    CorruptCount,
    Oversize,
    OversizeSize,
}

/// What is known of a mailbox before it is drawn.
#[derive(Copy, Clone, Debug)]
pub(super) struct Known {
    pub(super) cohort: Cohort,
    pub(super) bytes: u64,
    pub(super) items: Option<u64>,
    pub(super) archive_bytes: Option<u64>,
}

/// Draws mailboxes by the parameters of a preset.
#[derive(Clone, Debug)]
pub(super) struct Drawer {
    pub(super) preset: Preset,
    pub(super) seed: u64,
    pub(super) change_factor: f64,
    pub(super) corrupt_factor: f64,
    /// Where pruned mailboxes lie between [`PRUNED_FROM`] and the quota.
    pruned: Quantiles,
}

impl Drawer {
    pub(super) fn new(preset: Preset, seed: u64, change_factor: f64, corrupt_factor: f64) -> Self {
        // Assumed.
        let pruned = Quantiles::beta(4.0, 1.5, 1_024);
        Self { preset, seed, change_factor, corrupt_factor, pruned }
    }

    fn word(&self, key: MailboxKey, part: Part) -> u64 {
        hash(self.seed, Purpose::Mailbox, u64::from(key.0), part as u64, 0)
    }

    /// A mailbox of an organisation that multiplies sizes by a factor.
    pub(super) fn draw(&self, key: MailboxKey, organisation: u32, factor: f64) -> Mailbox {
        let cohorts = &self.preset.cohorts;
        let law = &cohorts[categorical(self.word(key, Part::Cohort), cohorts.iter().map(|law| law.share))];
        let bytes = self.size(key, law, factor);
        let archive_bytes = self.archive(key, law.cohort);
        self.complete(key, organisation, law, Known { cohort: law.cohort, bytes, items: None, archive_bytes })
    }

    /// A mailbox of which some is known, the rest drawn.
    pub(super) fn fill_in(&self, key: MailboxKey, organisation: u32, known: Known) -> Mailbox {
        let cohorts = &self.preset.cohorts;
        let law = cohorts.iter().find(|law| law.cohort == known.cohort).unwrap_or(&cohorts[0]);
        self.complete(key, organisation, law, known)
    }

    fn complete(&self, key: MailboxKey, organisation: u32, law: &CohortLaw, known: Known) -> Mailbox {
        let items = known.items.unwrap_or_else(|| self.items(key, known.bytes));
        Mailbox {
            cohort: known.cohort,
            organisation,
            bytes: known.bytes,
            items,
            folders: super::folder::FIRST_USER_FOLDER + self.user_folders(key, known.cohort, items),
            changes_per_day: self.changes_per_day(key, law),
            archive_bytes: known.archive_bytes,
            corrupt_items: self.corrupt_items(key).min(u32::try_from(items).unwrap_or(u32::MAX)),
            oversize_item: self.oversize_item(key),
        }
    }

    fn size(&self, key: MailboxKey, law: &CohortLaw, factor: f64) -> u64 {
        // The factor of the organisation takes its part of the spread, so that the law of all mailboxes stays as it is.
        let between = self.preset.organisations.effect_ln_sigma;
        let within = libm::sqrt((law.ln_sigma * law.ln_sigma - between * between).max(0.0));
        let drawn = factor * log_normal(self.word(key, Part::Size), law.median_bytes, within);
        (self.below_quota(key, &law.quota, drawn)).max(super::item::SMALLEST as f64) as u64
    }

    fn below_quota(&self, key: MailboxKey, quota: &QuotaLaw, drawn: f64) -> f64 {
        let has_larger = quota.larger_share > 0.0 && unit(self.word(key, Part::Larger)) < quota.larger_share;
        let (size, limit) = if has_larger {
            let shares = quota.larger.iter().map(|&(share, _)| share);
            let chosen = categorical(self.word(key, Part::LargerQuota), shares);
            (drawn * quota.larger_factor, quota.larger.get(chosen).map_or(quota.bytes, |&(_, bytes)| bytes))
        } else {
            (drawn, quota.bytes)
        };
        if size > CROWDED * limit {
            let share = self.pruned.at(unit(self.word(key, Part::Pruned)));
            limit * (PRUNED_FROM + (1.0 - PRUNED_FROM) * share)
        } else {
            size
        }
    }

    fn items(&self, key: MailboxKey, bytes: u64) -> u64 {
        if bytes == 0 {
            return 0;
        }
        let law = &self.preset.items;
        let median = law.median_bytes * libm::pow(bytes as f64 / law.reference_bytes, law.exponent);
        let mean = log_normal(self.word(key, Part::ItemMean), median, law.ln_sigma);
        ((bytes as f64 / mean).round() as u64).clamp(1, (bytes / super::item::SMALLEST).max(1))
    }

    fn user_folders(&self, key: MailboxKey, cohort: Cohort, items: u64) -> u32 {
        let items = items.max(1) as f64;
        let ln = USER_FOLDERS_LN + USER_FOLDERS_EXPONENT * libm::log(items / USER_FOLDERS_REFERENCE);
        let drawn = log_normal(self.word(key, Part::Folders), libm::exp(ln), USER_FOLDERS_SIGMA);
        let folders = if cohort.is_in_use() { drawn } else { 0.5 * drawn };
        folders.min(USER_FOLDERS_MOST).round() as u32
    }

    fn changes_per_day(&self, key: MailboxKey, law: &CohortLaw) -> f64 {
        let received = log_normal(self.word(key, Part::Received), law.received.median, law.received.ln_sigma);
        received.min(RECEIVED_MOST) * (1.0 + SENT_PER_RECEIVED) * self.change_factor
    }

    fn archive(&self, key: MailboxKey, cohort: Cohort) -> Option<u64> {
        let law = self.preset.archives;
        if cohort == Cohort::Room || unit(self.word(key, Part::Archive)) >= law.share {
            return None;
        }
        let size = log_normal(self.word(key, Part::ArchiveSize), law.median_bytes, law.ln_sigma);
        Some(size.min(law.largest_bytes) as u64)
    }

    /// How many items cannot be read.
    pub(super) fn corrupt_items(&self, key: MailboxKey) -> u32 {
        let draw = unit(self.word(key, Part::Corrupt));
        if draw >= CORRUPT_SHARE * self.corrupt_factor {
            return 0;
        }
        let log = libm::log(unit(self.word(key, Part::CorruptCount)));
        if draw < CORRUPT_MANY_SHARE * self.corrupt_factor {
            (CORRUPT_MANY * (1.0 - log)) as u32 + 1
        } else {
            1 + (log / libm::log(1.0 - 1.0 / CORRUPT_MEAN)) as u32
        }
    }

    /// Size of the item far above the ordinary largest.
    pub(super) fn oversize_item(&self, key: MailboxKey) -> Option<u32> {
        (unit(self.word(key, Part::Oversize)) < OVERSIZE_SHARE).then(|| {
            let factor = 1.0 + OVERSIZE_FACTOR * unit(self.word(key, Part::OversizeSize));
            (f64::from(self.preset.largest_item) * factor) as u32
        })
    }

    /// A standard normal number for a folder.
    pub(super) fn folder_normal(&self, key: MailboxKey, folder: u32, part: u64) -> f64 {
        normal(self.folder_word(key, folder, part))
    }

    /// A hash for a folder.
    pub(super) fn folder_word(&self, key: MailboxKey, folder: u32, part: u64) -> u64 {
        hash(self.seed, Purpose::Folder, u64::from(key.0), u64::from(folder), part)
    }
}
