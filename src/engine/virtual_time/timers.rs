//! Which task is due next: an exact priority queue of moments.
//!
//! Ties are served in the order in which the timers were set, so that a run has one order of events and no other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use mock_server::time::Moment;

/// The number of a task within its executor.
pub type TaskNumber = u32;

/// Timers of tasks, earliest first, then in the order of setting.
#[derive(Default, Debug)]
pub struct Timers {
    heap: BinaryHeap<Reverse<(Moment, u64, TaskNumber)>>,
    set: u64,
}

impl Timers {
    /// Sets a timer for a task.
    #[inline]
    pub fn set(&mut self, at: Moment, task: TaskNumber) {
        self.set += 1;
        self.heap.push(Reverse((at, self.set, task)));
    }

    /// Takes the next timer out.
    #[inline]
    pub fn next(&mut self) -> Option<(Moment, TaskNumber)> {
        self.heap.pop().map(|Reverse((at, _, task))| (at, task))
    }

    /// How many timers are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether no timer is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}
