//! Lanes: how many calls are in progress.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Moment;

/// The calls in progress, by the moment at which each is answered.
///
/// A call is in progress until the moment of its answer; at that moment its lane is free.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    answers: BinaryHeap<Reverse<Moment>>,
}

impl Lanes {
    /// How many calls are in progress at `now`; forgets those that are answered.
    #[inline]
    pub(super) fn busy(&mut self, now: Moment) -> usize {
        while let Some(&Reverse(ready)) = self.answers.peek() {
            if now < ready {
                break;
            }
            self.answers.pop();
        }
        self.answers.len()
    }

    /// Takes a lane until `ready`.
    #[inline]
    pub(super) fn take(&mut self, ready: Moment) {
        self.answers.push(Reverse(ready));
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
}
