//! Several workers of one mailbox in one task, without a spawn or an allocation per request.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use mock_server::time::Moment;

use crate::world::World;

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
        self.raised_and(|| true).await;
    }

    /// Waits until somebody says that something changed and a condition holds then. Only for futures inside [`workers`].
    pub(super) async fn raised_and(&self, mut holds: impl FnMut() -> bool) {
        let mut seen = self.generation.get();
        self.until(|| self.generation.get() != std::mem::replace(&mut seen, self.generation.get()) && holds()).await;
    }

    /// Waits until a condition holds. Only for futures inside [`workers`], which looks again after every change.
    pub(super) async fn until(&self, mut holds: impl FnMut() -> bool) {
        poll_fn(|_| if holds() { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

/// A worker, and before which moment it need not be polled.
struct Running<F> {
    not_before: Moment,
    future: Pin<Box<F>>,
}

/// Runs `count` workers made by `start` until all have ended. Whenever the task wakes, all of them are polled that may
/// have something to do, and again as long as one of them changes what another may wait for.
pub(super) async fn workers<W: World, F: Future<Output = ()>>(
    world: &W,
    signal: &Signal,
    count: usize,
    start: impl Fn(usize) -> F,
) {
    if count == 1 {
        // Boxed like those of several, so that whoever waits for the workers is small.
        return Box::pin(start(0)).await;
    }
    let mut running: Vec<Running<F>> =
        (0..count).map(|worker| Running { not_before: Moment::START, future: Box::pin(start(worker)) }).collect();
    poll_fn(|context| {
        let now = world.now();
        loop {
            let before = signal.generation.get();
            let mut place = 0;
            while let Some(worker) = running.get_mut(place) {
                if now < worker.not_before {
                    place += 1;
                    continue;
                }
                world.take_wait();
                if worker.future.as_mut().poll(context).is_ready() {
                    drop(running.remove(place));
                } else {
                    worker.not_before = world.take_wait();
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

    use mock_server::wire::call::Call;

    use crate::world::{Outcome, Route};

    /// A world in which nothing ever happens.
    struct Nowhere;

    impl World for Nowhere {
        fn now(&self) -> Moment {
            Moment::START
        }

        async fn sleep_until(&self, _: Moment) {}

        async fn call(&self, _: Route, _: &Call) -> Outcome {
            std::future::pending().await
        }
    }

    #[test]
    fn a_worker_that_waits_for_a_later_one_is_polled_again_in_the_same_wake() {
        let signal = Signal::default();
        let done = Cell::new(false);
        let (signal, done) = (&signal, &done);
        let all = workers(&Nowhere, signal, 2, |worker| async move {
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
