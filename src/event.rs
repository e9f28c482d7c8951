//! Everything that can happen in a run, as one small enum. Metrics, progress, logs and reports are folds over it.
//!
//! Knows nothing of who listens.

use std::ops::AddAssign;

use mock_server::time::{Moment, Span};
use mock_server::wire::id::MailboxKey;
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::{ItemErrorKind, RefusalKind};
use strum::{EnumCount, IntoStaticStr, VariantArray};

use crate::world::Side;

/// What a mailbox's time is charged to. Every moment of every lane is charged to exactly one of them.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, EnumCount, VariantArray, IntoStaticStr)]
#[repr(u8)]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// The network: latency, transfer, and waiting for the link.
    Network,
    /// Work of the source server.
    SourceService,
    /// Waiting in the source server for a free place.
    SourceQueue,
    /// Held back by limits of the source: delays, refusals and the waits they ask for, and our own pacing below them.
    SourceThrottle,
    /// Work of the target server.
    TargetService,
    /// Waiting in the target server for a free place.
    TargetQueue,
    /// Held back by limits of the target: delays, refusals and the waits they ask for, and our own pacing below them.
    TargetThrottle,
    /// Waiting before a repeated call after a failure that was no refusal by a limit, and the failed call itself.
    BackOff,
    /// Waiting for one of the open-switch places.
    SwitchPlace,
    /// The switch itself: directory write, replication, provisioning.
    Switch,
    /// The pipeline's own work and everything that is none of the above.
    Pipeline,
}

impl Cause {
    /// All causes, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name used in reports and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// How far a mailbox is.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Stage {
    /// Listing and matching folders.
    Enumerate,
    /// The first full copy.
    Copy,
    /// A delta while users still work in the source.
    Delta,
    /// Waiting for an open-switch place.
    Waiting,
    /// The source is closed to its users.
    Stop,
    /// The last delta.
    LastDelta,
    /// Provisioning and licensing the target user.
    Provision,
    /// The switch of the address is under way.
    Switch,
    /// Comparing source and target.
    Verify,
    /// Removing what the move left behind.
    Release,
}

/// How a mailbox's move ended.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum End {
    /// Moved and verified.
    Completed,
    /// Given up; the users work in the source as before.
    Failed,
    /// Given up between the two: neither side is whole, and the undo failed as well. Somebody must look.
    HalfSwitched,
    /// Not begun to cut over, or interrupted: the window closed or the run was stopped first. What was copied stays, and
    /// a later run goes on from there.
    Unfinished,
}

/// Why an item was left behind.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SkipReason {
    /// It is larger than the target takes.
    TooLarge,
    /// One side refused it for good.
    Item(ItemErrorKind),
    /// The call that carried it failed again and again.
    GaveUp(RefusalKind),
}

/// A place in the pipeline that is reached only if something goes wrong or changes at the right moment. Where a campaign
/// of random runs never reaches one of them, it proves nothing about what follows there.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, EnumCount, VariantArray)]
#[repr(u8)]
pub enum Mark {
    /// A wait that a refusal asked for was kept.
    WaitKept,
    /// Everybody waited because a limit of the whole app had been reached.
    AllWaited,
    /// Fewer calls at once for a mailbox, because there were too many.
    MailboxNarrowed,
    /// Fewer calls at once for all mailboxes, because there were too many.
    SideNarrowed,
    /// Items or entries that an answer refused on their own were asked for again.
    EntriesRepeated,
    /// After an answer that was lost, what it was about was found in the target.
    FoundStored,
    /// After an answer that was lost, what it was about was not in the target.
    FoundMissing,
    /// The import session was no longer known and was replaced.
    SessionRenewed,
    /// The source no longer knew a sync state, and the folder was compared from the start.
    DeltaRestarted,
    /// Items without a counterpart in the source were found in the target and deleted.
    LeftoversDeleted,
    /// An item that changed replaced its older version.
    Replaced,
    /// A copy that was interrupted went on.
    CopyResumed,
    /// A cutover that was interrupted went on.
    CutoverResumed,
    /// A switch that failed was started again.
    SwitchRepeated,
    /// A cutover took the way back.
    TurnedBack,
}

impl Mark {
    /// All marks, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// What was reached, in a few words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WaitKept => "Retry-After kept",
            Self::AllWaited => "all mailboxes waited for a limit of the app",
            Self::MailboxNarrowed => "fewer calls at once for a mailbox",
            Self::SideNarrowed => "fewer calls at once for all mailboxes",
            Self::EntriesRepeated => "entries refused on their own repeated",
            Self::FoundStored => "lost answer, item found stored",
            Self::FoundMissing => "lost answer, item found missing",
            Self::SessionRenewed => "import session renewed",
            Self::DeltaRestarted => "delta restarted",
            Self::LeftoversDeleted => "leftovers deleted",
            Self::Replaced => "older version replaced",
            Self::CopyResumed => "copy resumed after a crash",
            Self::CutoverResumed => "cutover resumed after a crash",
            Self::SwitchRepeated => "failed switch started again",
            Self::TurnedBack => "cutover undone",
        }
    }
}

/// Something that happened.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Event {
    /// A lane took a mailbox up.
    MailboxStarted {
        /// The mailbox.
        mailbox: MailboxKey,
    },
    /// A mailbox reached a stage.
    StageEntered {
        /// The mailbox.
        mailbox: MailboxKey,
        /// The stage.
        stage: Stage,
    },
    /// A call ended.
    CallEnded {
        /// The mailbox.
        mailbox: MailboxKey,
        /// The server.
        side: Side,
        /// The kind of call.
        operation: Operation,
        /// How often it was tried before.
        attempt: u32,
        /// Time between asking and hearing.
        took: Span,
        /// Why it was refused, if it was.
        refusal: Option<RefusalKind>,
        /// Bytes of the request body.
        sent_bytes: u64,
        /// Bytes of the answer's body.
        received_bytes: u64,
    },
    /// Items arrived at the target.
    ItemsCopied {
        /// The mailbox.
        mailbox: MailboxKey,
        /// How many.
        items: u32,
        /// Their size.
        bytes: u64,
    },
    /// An item was left behind.
    ItemSkipped {
        /// The mailbox.
        mailbox: MailboxKey,
        /// Why.
        reason: SkipReason,
        /// Its size.
        bytes: u64,
    },
    /// A refusal inside an answer that succeeded as a whole.
    ItemRefused {
        /// The mailbox.
        mailbox: MailboxKey,
        /// Why.
        kind: ItemErrorKind,
    },
    /// The pipeline reached a place that it reaches only sometimes.
    Reached {
        /// The mailbox.
        mailbox: MailboxKey,
        /// The place.
        mark: Mark,
    },
    /// A mailbox's move ended.
    MailboxEnded {
        /// The mailbox.
        mailbox: MailboxKey,
        /// How.
        end: End,
        /// When the lane took it up.
        started: Moment,
        /// How its lane time divides; in the order of [`Cause::ALL`].
        charged: [Span; Cause::ALL.len()],
        /// What the comparison of both sides found.
        verification: Verification,
    },
}

/// What a comparison of source and target found, in items.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Verification {
    /// Items that the source holds.
    pub expected: u64,
    /// Of these, items that the target holds.
    pub present: u64,
    /// Of these, items that the target lacks without a reason on record.
    pub missing: u64,
    /// Items that the target holds more than once, or that were copied and are no longer in the source.
    pub duplicate: u64,
    /// Items left behind with a reason on record.
    pub skipped: u64,
    /// Items that somebody else put into folders of the target that held nothing before the move.
    pub added: u64,
}

impl Verification {
    /// Whether the target holds what it should, once, and nothing beyond it but what others put there.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.missing == 0 && self.duplicate == 0
    }
}

impl AddAssign for Verification {
    fn add_assign(&mut self, more: Self) {
        self.expected += more.expected;
        self.present += more.present;
        self.missing += more.missing;
        self.duplicate += more.duplicate;
        self.skipped += more.skipped;
        self.added += more.added;
    }
}

/// Who listens to events.
pub trait Listener {
    /// Takes note of an event.
    fn note(&self, at: Moment, event: &Event);
}

/// Hears and says nothing.
#[derive(Copy, Clone, Debug)]
pub struct Deaf;

impl Listener for Deaf {
    #[inline]
    fn note(&self, _: Moment, _: &Event) {}
}

/// Calls something whenever a mailbox has ended, whatever came of it.
#[derive(Copy, Clone, Debug)]
pub struct AtEnd<F>(pub F);

impl<F: Fn()> Listener for AtEnd<F> {
    #[inline]
    fn note(&self, _: Moment, event: &Event) {
        if let Event::MailboxEnded { .. } = event {
            (self.0)();
        }
    }
}

impl<T: Listener + ?Sized> Listener for std::rc::Rc<T> {
    fn note(&self, at: Moment, event: &Event) {
        (**self).note(at, event);
    }
}
