//! Several workers of one mailbox in one task, without a spawn or an allocation per request.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Tells the workers of a mailbox that something changed which another of them may wait for: a place became free, work
/// arrived, work ran out.
#[derive(Default)]
pub(super) struct Signal {
    generation: Cell<u64>,
}

impl Signal {
    /// Says that something changed.
    pub(super) fn raise(&self) {
        self.generation.set(self.generation.get().wrapping_add(1));
    }

    /// Waits until somebody says that something changed. Only for futures inside [`workers`], like [`Signal::until`].
    pub(super) async fn raised(&self) {
        let before = self.generation.get();
        self.until(|| self.generation.get() != before).await;
    }

    /// Waits until a condition holds. Only for futures inside [`workers`], which looks again after every change.
    pub(super) async fn until(&self, mut holds: impl FnMut() -> bool) {
        poll_fn(|_| if holds() { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

/// Runs `count` workers made by `start` until all have ended. Whenever the task wakes, all of them are polled, and again
/// as long as one of them changes what another may wait for.
pub(super) async fn workers<F: Future<Output = ()>>(signal: &Signal, count: usize, start: impl Fn(usize) -> F) {
    if count == 1 {
        return start(0).await;
    }
    let mut running: Vec<Pin<Box<F>>> = (0..count).map(|worker| Box::pin(start(worker))).collect();
    poll_fn(|context| {
        loop {
            let before = signal.generation.get();
            let mut place = 0;
            while place < running.len() {
                if running[place].as_mut().poll(context).is_ready() {
                    drop(running.remove(place));
                } else {
                    place += 1;
                }
            }
            if running.is_empty() {
                return Poll::Ready(());
            }
            if signal.generation.get() == before {
                return Poll::Pending;
            }
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[test]
    fn a_worker_that_waits_for_a_later_one_is_polled_again_in_the_same_wake() {
        let signal = Signal::default();
        let done = Cell::new(false);
        let (signal, done) = (&signal, &done);
        let all = workers(signal, 2, |worker| async move {
            if worker == 0 {
                signal.until(|| done.get()).await;
            } else {
                done.set(true);
                signal.raise();
            }
        });
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(all).poll(&mut context).is_ready());
    }
}
