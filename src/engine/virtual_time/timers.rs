//! Which task is due next: an exact priority queue of moments.
//!
//! Ties are served in the order in which the timers were set, so that a run has one order of events and no other.
//!
//! A timer is one number: the moment, then how many timers were set before it, then the task. So the order is that of the
//! numbers, and a comparison costs two instructions.
//!
//! Most timers of a migration are of two sorts: polls, which wait the same long time and so come due in the order in
//! which they were set, and calls, of which few are in progress at once and which come due before all polls. The former
//! form a queue, the latter a short sorted list; what is neither goes through a heap. Measured on the NHS evening wave:
//! 60 instructions for a timer, against 290 with a binary heap alone; a radix heap was slower than that, because timers
//! that are milliseconds apart move through a dozen of its buckets.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use mock_server::time::Moment;

/// The number of a task within its executor, at most [`LAST_TASK`].
pub type TaskNumber = u32;

const TASK_BITS: u32 = 24;
const SET_BITS: u32 = 40;

/// The highest number that a task can have.
pub const LAST_TASK: TaskNumber = (1 << TASK_BITS) - 1;

/// Timers of tasks, earliest first, then in the order of setting.
#[derive(Debug)]
pub struct Timers {
    /// A few that are due soon, earliest first. Those before `due` were taken out.
    near: Vec<u128>,
    due: usize,
    /// The earliest of all others; [`NONE`] if there are none.
    far: u128,
    /// Timers each of which is later than all that were in the queue when it was set, earliest first.
    queue: VecDeque<u128>,
    /// The others.
    heap: BinaryHeap<Reverse<u128>>,
    set: u64,
}

/// How many timers the sorted list holds: as many as can be moved about for less than the heap costs.
const FEW: usize = 16;

/// How many places the sorted list has: it moves to its beginning when the last of them is taken.
const PLACES: usize = 4 * FEW;

/// Later than any timer.
const NONE: u128 = u128::MAX;

impl Default for Timers {
    fn default() -> Self {
        let near = Vec::with_capacity(PLACES);
        Self { near, due: 0, far: NONE, queue: VecDeque::new(), heap: BinaryHeap::new(), set: 0 }
    }
}

impl Timers {
    /// Sets a timer for a task.
    ///
    /// # Panics
    ///
    /// If more than 2^40 timers were set; a run of that many would take days.
    #[inline]
    pub fn set(&mut self, at: Moment, task: TaskNumber) {
        debug_assert!(task <= LAST_TASK, "task {task}");
        assert!(self.set >> SET_BITS == 0, "too many timers for one run");
        let low = self.set << TASK_BITS | u64::from(task);
        self.set += 1;
        let timer = u128::from(at.0) << u64::BITS | u128::from(low);
        if self.queue.back().is_none_or(|last| *last < timer) {
            self.queue.push_back(timer);
            self.far = self.far.min(timer);
        } else {
            self.set_near(timer);
        }
    }

    /// Most timers are later than those set before, so the place is looked for from the end.
    #[inline]
    fn set_near(&mut self, timer: u128) {
        if self.near.len() - self.due == FEW {
            let latest = self.near[self.near.len() - 1];
            if latest < timer {
                self.set_far(timer);
                return;
            }
            self.near.pop();
            self.set_far(latest);
        } else if self.near.len() == PLACES {
            self.near.drain(..self.due);
            self.due = 0;
        }
        let mut place = self.near.len();
        self.near.push(timer);
        while place > self.due && self.near[place - 1] > timer {
            self.near[place] = self.near[place - 1];
            place -= 1;
        }
        self.near[place] = timer;
    }

    #[cold]
    fn set_far(&mut self, timer: u128) {
        self.heap.push(Reverse(timer));
        self.far = self.far.min(timer);
    }

    /// The next timer; [`NONE`] if there is none.
    #[inline]
    fn first(&self) -> u128 {
        self.near.get(self.due).map_or(self.far, |near| self.far.min(*near))
    }

    /// Takes the next timer out if it is due by a moment.
    #[inline]
    pub fn pop_by(&mut self, moment: Moment) -> Option<(Moment, TaskNumber)> {
        if (self.first() >> u64::BITS) as u64 <= moment.0 { self.pop() } else { None }
    }

    /// Takes the next timer out.
    #[inline]
    pub fn pop(&mut self) -> Option<(Moment, TaskNumber)> {
        let timer = self.first();
        if timer == NONE {
            return None;
        }
        if timer == self.far {
            self.pop_far();
        } else {
            self.due += 1;
        }
        Some((Moment((timer >> u64::BITS) as u64), timer as TaskNumber & LAST_TASK))
    }

    /// Takes the earliest of the queue and the heap out.
    fn pop_far(&mut self) {
        if self.queue.front() == Some(&self.far) {
            self.queue.pop_front();
        } else {
            self.heap.pop();
        }
        let queued = self.queue.front().copied().unwrap_or(NONE);
        self.far = self.heap.peek().map_or(queued, |Reverse(heaped)| queued.min(*heaped));
    }

    /// The task whose timer is next.
    #[must_use]
    #[inline]
    pub fn next_task(&self) -> Option<TaskNumber> {
        let timer = self.first();
        (timer != NONE).then_some(timer as TaskNumber & LAST_TASK)
    }

    /// How many timers are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.near.len() - self.due + self.queue.len() + self.heap.len()
    }

    /// Whether no timer is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use mock_server::time::Span;
    use proptest::prelude::*;

    use super::*;

    /// A wait of any magnitude, often none and often the same as another.
    fn wait() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0_u64), 0..8_u64, (0..40_u32).prop_map(|bits| 1 << bits), 0..20_000_000_000_u64]
    }

    proptest! {
        #[test]
        fn timers_come_in_the_order_of_moments_then_of_setting(
            steps in prop::collection::vec(prop::option::of(wait()), 1..400),
        ) {
            let mut timers = Timers::default();
            let mut oracle: BinaryHeap<Reverse<(Moment, TaskNumber)>> = BinaryHeap::new();
            let mut now = Moment::START;
            for (number, step) in (0..).zip(steps) {
                if let Some(wait) = step {
                    timers.set(now + Span(wait), number);
                    oracle.push(Reverse((now + Span(wait), number)));
                } else {
                    let expect = oracle.pop().map(|Reverse(timer)| timer);
                    prop_assert_eq!(timers.next_task(), expect.map(|(_, task)| task));
                    let before = expect.and_then(|(at, _)| at.0.checked_sub(1));
                    prop_assert_eq!(before.and_then(|before| timers.pop_by(Moment(before))), None);
                    prop_assert_eq!(timers.pop_by(expect.map_or(Moment::NEVER, |(at, _)| at)), expect);
                    now = expect.map_or(now, |(at, _)| at);
                }
                prop_assert_eq!((timers.len(), timers.is_empty()), (oracle.len(), oracle.is_empty()));
            }
            while let Some(Reverse(timer)) = oracle.pop() {
                prop_assert_eq!(timers.pop(), Some(timer));
            }
            prop_assert_eq!(timers.pop(), None);
        }
    }
}
