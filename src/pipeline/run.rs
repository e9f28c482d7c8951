//! One run: a wave of mailboxes, the lanes that take them, and what the lanes share.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use mock_server::time::Moment;
use mock_server::wire::call::Protocol;
use mock_server::wire::id::MailboxKey;
use tokio::sync::Semaphore;

use super::mailbox;
use super::pace::side::SidePace;
use super::planted::{Bug, Planted};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::event::Listener;
use crate::scenario::plan::{PipelinePlan, Plan};
use crate::world::{Side, World};

/// What a run needs to know beyond its wave.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// How the pipeline works.
    pub plan: PipelinePlan,
    /// The protocol of the source and of the target.
    pub protocols: [Protocol; 2],
    /// Whether a mailbox's move ends with the cutover; otherwise it is copied and verified only.
    pub cutover: bool,
    /// When the window closes: from then on no mailbox is begun and none is cut over that was not about to be.
    /// [`Moment::NEVER`] without a window.
    pub deadline: Moment,
    /// The seed of jitter.
    pub seed: u64,
    /// Whether `ServerBusy` from the source or the target means the budget of the whole app rather than of one mailbox.
    pub busy_is_shared: [bool; 2],
}

impl RunOptions {
    /// The options that a scenario asks for.
    #[must_use]
    pub fn from_plan(plan: &Plan, seed: u64, deadline: Moment) -> Self {
        Self {
            plan: plan.pipeline.clone(),
            protocols: [plan.source.protocol, plan.target.protocol],
            cutover: plan.wave.cutover,
            deadline,
            seed,
            busy_is_shared: [plan.source.busy_is_shared(), plan.target.busy_is_shared()],
        }
    }
}

/// One run. Shared by its lanes, which all live on one thread.
pub struct Run<W, C, L> {
    pub(super) world: W,
    pub(super) checkpoint: C,
    pub(super) listener: L,
    pub(super) plan: PipelinePlan,
    pub(super) protocols: [Protocol; 2],
    pub(super) cutover: bool,
    pub(super) seed: u64,
    pub(super) busy_is_shared: [bool; 2],
    pub(super) sides: [SidePace; 2],
    pub(super) switches: Semaphore,
    planted: Planted,
    deadline: Moment,
    stopped: Cell<bool>,
    wave: RefCell<VecDeque<MailboxKey>>,
    error: RefCell<Option<CheckpointError>>,
}

impl<W: World, C: Checkpoint, L: Listener> Run<W, C, L> {
    /// A run of a wave, in the order in which its mailboxes are to be taken up.
    pub fn new(world: W, options: RunOptions, wave: Vec<MailboxKey>, checkpoint: C, listener: L) -> Self {
        let places = (options.plan.open_switches.max(1) as usize).min(Semaphore::MAX_PERMITS);
        Self {
            world,
            checkpoint,
            listener,
            switches: Semaphore::new(places),
            plan: options.plan,
            protocols: options.protocols,
            cutover: options.cutover,
            seed: options.seed,
            busy_is_shared: options.busy_is_shared,
            sides: [SidePace::default(), SidePace::default()],
            planted: Planted::NONE,
            deadline: options.deadline,
            stopped: Cell::new(false),
            wave: RefCell::new(wave.into()),
            error: RefCell::new(None),
        }
    }

    /// The same run with a mistake planted into it; for checks of what finds mistakes.
    #[must_use]
    pub fn with(mut self, planted: Planted) -> Self {
        self.planted = planted;
        self
    }

    /// Whether any mistake is planted. Whoever makes one is not careful elsewhere either: nothing tidies up behind it.
    pub(super) fn is_careless(&self) -> bool {
        self.planted.is_any()
    }

    /// Whether the run is to make a mistake.
    #[inline]
    pub(super) fn errs(&self, bug: Bug) -> bool {
        self.planted.is(bug)
    }

    /// The world that the run lives in.
    pub fn world(&self) -> &W {
        &self.world
    }

    /// Where progress is kept.
    pub fn checkpoint(&self) -> &C {
        &self.checkpoint
    }

    /// Who hears of everything that happens.
    pub fn listener(&self) -> &L {
        &self.listener
    }

    /// Gives the listener back when the run is over.
    pub fn into_listener(self) -> L {
        self.listener
    }

    /// Mailboxes that no lane has taken up.
    pub fn waiting(&self) -> usize {
        self.wave.borrow().len()
    }

    /// How many lanes are of use: as many as planned, but no more than there are mailboxes.
    pub fn lanes(&self) -> usize {
        (self.plan.lanes.max(1) as usize).min(self.waiting())
    }

    /// Stops the run as soon as its state is one that a later run can go on from: no mailbox is begun, and those in
    /// progress end as unfinished at their next safe place.
    pub fn stop(&self) {
        self.stopped.set(true);
    }

    /// Whether somebody stopped the run.
    pub fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    /// Whether the run was stopped or its window has closed.
    pub fn is_closed(&self) -> bool {
        self.stopped.get() || (self.deadline != Moment::NEVER && self.world.now() >= self.deadline)
    }

    /// Why the run stopped itself: its checkpoint could not be read or written.
    pub fn take_error(&self) -> Option<CheckpointError> {
        self.error.borrow_mut().take()
    }

    pub(super) fn break_off(&self, error: CheckpointError) {
        self.error.borrow_mut().get_or_insert(error);
        self.stop();
    }

    pub(super) fn side(&self, side: Side) -> &SidePace {
        &self.sides[side as usize]
    }

    pub(super) fn protocol(&self, side: Side) -> Protocol {
        self.protocols[side as usize]
    }

    fn take(&self) -> Option<MailboxKey> {
        if self.is_closed() {
            return None;
        }
        self.wave.borrow_mut().pop_front()
    }
}

/// One lane: takes mailboxes up, one after another, until there are none left, the window has closed or the run was
/// stopped. All lanes of a run have the same type, so that an executor can keep them side by side.
pub async fn lane<W: World, C: Checkpoint, L: Listener>(run: Rc<Run<W, C, L>>) {
    while let Some(mailbox) = run.take() {
        mailbox::carry(&run, mailbox).await;
    }
}
