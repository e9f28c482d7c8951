//! The lives of the pipeline's process: it dies at the moments that the plan names, with everything it had in memory,
//! and goes on by its checkpoint. The servers live on, and carry out what was on its way to them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use mock_server::time::Moment;
use mock_server::wire::id::MailboxKey;

use super::executor::Clock;
use crate::checkpoint::Checkpoint;
use crate::event::{Event, Listener};
use crate::pipeline::run::{Run, lane};
use crate::scenario::plan::Crash;
use crate::world::World;

/// Passes events on and notes which mailboxes have come to their end.
pub(super) struct Register<L> {
    ear: L,
    ended: RefCell<BTreeSet<MailboxKey>>,
}

impl<L> Register<L> {
    pub(super) fn new(ear: L) -> Self {
        Self { ear, ended: RefCell::default() }
    }

    pub(super) fn into_ear(self) -> L {
        self.ear
    }
}

impl<L: Listener> Listener for Register<L> {
    fn note(&self, at: Moment, event: &Event) {
        self.ear.note(at, event);
        if let Event::MailboxEnded { mailbox, .. } = event {
            self.ended.borrow_mut().insert(*mailbox);
        }
    }
}

/// One process of the pipeline.
type Process<W, C, L> = Run<W, C, Rc<Register<L>>>;

/// The process that lives, and which one it is.
type Present<W, C, L> = RefCell<Option<(usize, Rc<Process<W, C, L>>)>>;

/// All lives of a pipeline.
pub(super) struct Lives<'r, W, C, L> {
    pub(super) clock: &'r Clock,
    pub(super) crashes: &'r [Crash],
    pub(super) wave: &'r [MailboxKey],
    pub(super) register: Rc<Register<L>>,
    /// Starts a process for the mailboxes that are left.
    pub(super) start: &'r dyn Fn(Vec<MailboxKey>) -> Process<W, C, L>,
    pub(super) present: Present<W, C, L>,
}

impl<W: World, C: Checkpoint, L: Listener> Lives<'_, W, C, L> {
    /// One lane through all lives.
    pub(super) async fn lane(&self) {
        for (life, crash) in self.crashes.iter().enumerate() {
            if self.is_over() {
                return;
            }
            let death = Moment::START + crash.at;
            self.until(death, lane(self.process(life))).await;
            self.clock.sleep_until(death + crash.restart).await;
        }
        if !self.is_over() {
            lane(self.process(self.crashes.len())).await;
        }
    }

    /// Whether every mailbox has come to its end.
    fn is_over(&self) -> bool {
        self.register.ended.borrow().len() == self.wave.len()
    }

    /// The process of a life; the first lane that asks starts it.
    fn process(&self, life: usize) -> Rc<Process<W, C, L>> {
        let mut present = self.present.borrow_mut();
        match &*present {
            Some((number, process)) if *number == life => Rc::clone(process),
            _ => {
                let ended = self.register.ended.borrow();
                let left = self.wave.iter().filter(|mailbox| !ended.contains(mailbox)).copied().collect();
                let process = Rc::new((self.start)(left));
                *present = Some((life, Rc::clone(&process)));
                process
            }
        }
    }

    /// Lives until the moment of death at most, and waits for it if life is over sooner but for others.
    async fn until(&self, death: Moment, life: impl Future<Output = ()>) {
        let mut life = pin!(life);
        let mut end = pin!(self.clock.sleep_until(death));
        let mut lives = true;
        poll_fn(|context| {
            if end.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            if lives && life.as_mut().poll(context).is_ready() {
                lives = false;
                if self.is_over() {
                    return Poll::Ready(());
                }
            }
            Poll::Pending
        })
        .await;
    }
}
