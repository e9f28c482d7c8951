//! The pace of all mailboxes together on one side.
//!
//! Most limits belong to a mailbox. Two kinds of refusal concern everybody: a limit of the whole app, and too many
//! connections although the refused mailbox had only one. The first fences the whole side; the second halves the number
//! of calls in progress on it, which then grows back one by one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use mock_server::time::Moment;

/// Calls that must succeed, for each call that may be in progress, before one more is tried (assumed: one more in each
/// round, as in AIMD; Chiu and Jain 1989).
const GROWTH_ROUNDS: u32 = 16;

/// The pace of one side.
#[derive(Default)]
pub struct SidePace {
    fence: Cell<Moment>,
    in_progress: Cell<u32>,
    width: Cell<Option<u32>>,
    run: Cell<u32>,
    waiting: RefCell<VecDeque<Waker>>,
}

impl SidePace {
    /// Before this moment nothing may go to the side.
    #[must_use]
    pub fn fence(&self) -> Moment {
        self.fence.get()
    }

    /// Whether one more call may be in progress.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.width.get().is_none_or(|width| self.in_progress.get() < width)
    }

    /// Waits until there may be room. Ask again afterwards.
    pub async fn room(&self) {
        let mut asked = false;
        poll_fn(|context| {
            if self.has_room() {
                return Poll::Ready(());
            }
            // Queue once for each wait: a task that is polled for other reasons keeps its place.
            if !asked {
                asked = true;
                self.waiting.borrow_mut().push_back(context.waker().clone());
            } else if self.waiting.borrow().iter().all(|waker| !waker.will_wake(context.waker())) {
                self.waiting.borrow_mut().push_back(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn wake(&self) {
        let Some(width) = self.width.get() else { return };
        let mut waiting = self.waiting.borrow_mut();
        for _ in self.in_progress.get()..width {
            match waiting.pop_front() {
                Some(waker) => waker.wake(),
                None => break,
            }
        }
    }

    /// A call goes.
    pub fn start(&self) {
        self.in_progress.set(self.in_progress.get() + 1);
    }

    /// A call ended, other than by a limit.
    pub fn passed(&self) {
        self.in_progress.set(self.in_progress.get() - 1);
        if let Some(width) = self.width.get() {
            self.run.set(self.run.get() + 1);
            if self.run.get() >= width.saturating_mul(GROWTH_ROUNDS) {
                self.run.set(0);
                self.width.set(Some(width + 1));
            }
            self.wake();
        }
    }

    /// A limit of one mailbox refused a call.
    pub fn refused(&self) {
        self.in_progress.set(self.in_progress.get() - 1);
        self.wake();
    }

    /// A limit of the whole side refused a call; nothing goes before `until`.
    pub fn fence_until(&self, until: Moment) {
        self.fence.set(self.fence.get().max(until));
    }

    /// Too many calls were in progress on the whole side when one was refused. Call before [`SidePace::refused`].
    pub fn crowded(&self) {
        let at_once = self.in_progress.get();
        // Of a crowd that was refused together only the first halves.
        if self.width.get().is_none_or(|width| at_once <= width) {
            self.width.set(Some((at_once / 2).max(1)));
            self.run.set(0);
        }
    }

    /// Calls that may be in progress at once; absent as long as no refusal has said that there is a limit.
    #[must_use]
    pub fn width(&self) -> Option<u32> {
        self.width.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_that_is_refused_together_halves_the_width_once() {
        let pace = SidePace::default();
        for _ in 0..64 {
            pace.start();
        }
        for _ in 0..20 {
            pace.crowded();
            pace.refused();
        }
        assert_eq!(pace.width(), Some(32));
        assert!(!pace.has_room());
        for _ in 0..44 {
            pace.passed();
        }
        assert!(pace.has_room());
    }

    #[test]
    fn the_width_grows_again_while_calls_succeed() {
        let pace = SidePace::default();
        pace.start();
        pace.start();
        pace.crowded();
        pace.refused();
        pace.passed();
        for _ in 0..GROWTH_ROUNDS * 10 {
            pace.start();
            pace.passed();
        }
        assert!(pace.width() >= Some(4));
    }
}
