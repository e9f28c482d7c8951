//! A replication in the fluid model: the wave at which virtual runs are made, and how time grows around it.
//!
//! Mostly time grows evenly with the size of a wave, and two waves tell how much. But mailboxes that all take the same time
//! go in rounds of as many as there are places, and a wave of one more than a round takes a round longer. Where the fluid
//! model is seen to finish many at once, waves of all sizes nearby are walked, and nothing is assumed between them. The same
//! where a wave is so small that the share that has to be done is all of it: its time is that of its heaviest mailbox, which
//! one more mailbox may be or not.

use super::fluid::Flow;
use super::size::Cutovers;

/// A second, smaller wave is walked to see how time grows with size: this share of the first.
const SMALLER: f64 = 0.95;

/// Mailboxes finish together if no more time lies between them than this share of what the wave takes (assumed).
const TOGETHER: f64 = 1e-3;

/// The share of a wave that finishes together from which on it goes in rounds (assumed: less makes no difference to the
/// size that anybody would see).
const ROUND: f64 = 0.01;

/// How far from the wave others are walked where it goes in rounds, as a share of it: farther than estimates are used.
const REACH: f64 = 0.1;

/// Sizes on either side of the wave that are walked at most.
const MOST_ASIDE: u32 = 20;

/// The largest wave of which every mailbox matters that is looked at more closely: other waves of up to twice its size are
/// walked, so many on either side at most. What larger ones take grows evenly enough.
const SMALL: u32 = 500;
const SMALL_ASIDE: u32 = 100;

/// A wave, and how time grows around it.
#[derive(Debug)]
pub struct Walk {
    size: f64,
    /// Seconds until the required share is done.
    pub share_at: f64,
    /// Seconds until the last mailbox is done.
    pub last_at: f64,
    /// When the mailboxes are done.
    pub flow: Flow,
    growth: Growth,
}

#[derive(Debug)]
enum Growth {
    /// Seconds that one more mailbox adds.
    Even(f64),
    /// Sizes, ascending, and the seconds until the required share of each is done.
    Walked(Vec<(f64, f64)>),
}

impl Walk {
    /// Walks a wave that was drawn, and others of the same replication. `share` is the required one; `draw` draws a larger
    /// wave of the replication.
    #[must_use]
    pub fn of(cutovers: &Cutovers, share: f64, draw: impl FnOnce(u32) -> Cutovers) -> Self {
        let size = cutovers.len();
        let flow = cutovers.flow(size);
        let time = |flow: &Flow| flow.time_of_share(share).as_seconds();
        let share_at = time(&flow);
        let is_for_all = size <= SMALL && (f64::from(size) * share).ceil() as u32 == size;
        let growth = if is_for_all || goes_in_rounds(&flow) {
            let (reach, aside) =
                if is_for_all { (size, SMALL_ASIDE) } else { ((f64::from(size) * REACH).ceil() as u32, MOST_ASIDE) };
            let apart = reach.div_ceil(aside) as usize;
            let (least, most) = (size.saturating_sub(reach).max(1), size.saturating_add(reach));
            let all = draw(most);
            let smaller = (least..size).rev().step_by(apart);
            let mut sizes: Vec<u32> = smaller.chain((size..=all.len()).step_by(apart)).collect();
            sizes.sort_unstable();
            Growth::Walked(sizes.into_iter().map(|size| (f64::from(size), time(&all.flow(size)))).collect())
        } else {
            let smaller = ((f64::from(size) * SMALLER) as u32).max(1);
            let before = time(&cutovers.flow(smaller));
            // A wave that one round of lanes carries takes no longer for one mailbox more: then assume proportion.
            let proportional = share_at / f64::from(size);
            let slope = if smaller < size { (share_at - before) / f64::from(size - smaller) } else { proportional };
            Growth::Even(if slope > proportional * 0.1 { slope } else { proportional })
        };
        Self { size: f64::from(size), share_at, last_at: flow.last().as_seconds(), flow, growth }
    }

    /// The wave of which the share is done within `open` seconds, if the virtual world takes `ratio` times as long as the
    /// fluid model; `mean` is the ratio at which that is looked up where time grows evenly.
    #[must_use]
    pub fn size_within(&self, open: f64, mean: f64, ratio: f64) -> f64 {
        match &self.growth {
            Growth::Even(slope) => {
                let size = self.size + (open / mean - self.share_at) / slope;
                size.max(0.0) * mean / ratio
            }
            Growth::Walked(waves) => {
                let open = open / ratio;
                let in_proportion = |(size, time): (f64, f64)| size * open / time.max(1e-9);
                match waves.iter().rposition(|(_, time)| *time <= open) {
                    None => in_proportion(waves[0]),
                    // What lies beyond is walked when virtual runs are made there.
                    Some(last) if last + 1 == waves.len() => in_proportion(waves[last]),
                    Some(place) => waves[place].0,
                }
            }
        }
    }

    /// Seconds by which a wave of another size takes longer.
    #[must_use]
    pub fn added(&self, size: f64) -> f64 {
        match &self.growth {
            Growth::Even(slope) => (size - self.size) * slope,
            Growth::Walked(waves) => {
                let place = waves.partition_point(|(walked, _)| *walked < size).min(waves.len() - 1);
                waves[place].1 - self.share_at
            }
        }
    }
}

/// Whether many mailboxes of a wave finish together near its end.
fn goes_in_rounds(flow: &Flow) -> bool {
    let done = &flow.done;
    let apart = flow.last().scale(TOGETHER);
    let many = (done.len() as f64 * ROUND).ceil() as usize;
    let late = done.len() / 2;
    done[late..].windows(many.max(1)).any(|together| together[many - 1].saturating_sub(together[0]) <= apart)
}
