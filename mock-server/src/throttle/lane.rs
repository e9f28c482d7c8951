//! Lanes: how many calls are in progress.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Moment;

/// How many lanes are kept without a heap; the Outlook limit has four.
const FEW: usize = 4;

/// The calls in progress, by the moment at which each is answered.
///
/// A call is in progress until the moment of its answer; at that moment its lane is free.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    /// The first few; [`Moment::START`], at which no call can still be in progress, where a lane is free.
    few: [Moment; FEW],
    /// The rest.
    #[expect(clippy::box_collection, reason = "keeps the machines of millions of mailboxes small")]
    more: Option<Box<BinaryHeap<Reverse<Moment>>>>,
}

impl Lanes {
    /// How many calls are in progress at `now`; forgets those that are answered.
    #[inline]
    pub(super) fn busy(&mut self, now: Moment) -> usize {
        let mut busy = 0;
        for ready in &mut self.few {
            let over = *ready <= now;
            *ready = if over { Moment::START } else { *ready };
            busy += usize::from(!over);
        }
        if let Some(more) = &mut self.more {
            while more.peek().is_some_and(|&Reverse(ready)| ready <= now) {
                more.pop();
            }
            busy += more.len();
        }
        busy
    }

    /// When the first of the lanes in use is free, as of the last question; none if none is in use.
    pub(super) fn first_free(&self) -> Option<Moment> {
        let few = self.few.iter().copied().filter(|ready| *ready != Moment::START).min();
        let more = self.more.as_ref().and_then(|more| more.peek().map(|&Reverse(ready)| ready));
        few.into_iter().chain(more).min()
    }

    /// Takes a lane until `ready`.
    #[inline]
    pub(super) fn take(&mut self, ready: Moment) {
        match self.few.iter_mut().find(|lane| **lane == Moment::START) {
            Some(lane) => *lane = ready,
            None => self.more.get_or_insert_default().push(Reverse(ready)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_free_at_the_moment_of_the_answer() {
        let mut lanes = Lanes::default();
        lanes.take(Moment(9));
        lanes.take(Moment(5));
        assert_eq!(lanes.busy(Moment(4)), 2);
        assert_eq!(lanes.busy(Moment(5)), 1);
        assert_eq!(lanes.busy(Moment(9)), 0);
    }

    #[test]
    fn many_lanes_are_counted_as_few_are() {
        let mut lanes = Lanes::default();
        for ready in (1..=50).rev() {
            lanes.take(Moment(ready));
        }
        for now in 0..60 {
            assert_eq!(lanes.busy(Moment(now)), 50_usize.saturating_sub(now as usize));
        }
    }
}
