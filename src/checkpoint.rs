//! How far every mailbox is, so that a run can go on where another one ended.
//!
//! A save is atomic: the sync states of the folders, and which target item belongs to which source item, change
//! together. What a run stored on the target after its last save is found there again when the mailbox is resumed.
//! Knows nothing of the pipeline beyond the values it keeps.

pub mod cutover;
pub mod disk;
pub mod memory;
pub mod prestaged;

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use mock_server::wire::id::{Id, MailboxKey};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use self::cutover::Cutover;
use crate::event::{End, Verification};

/// One folder of a mailbox, on both sides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FolderProgress {
    /// The folder in the source.
    pub source: Id,
    /// The folder in the target.
    pub target: Id,
    /// Up to where the source folder is copied; nothing is if absent.
    pub state: Option<Id>,
    /// How many items the target folder holds by our own account; unknown if absent.
    pub items: Option<u64>,
    /// Whether the target folder was empty when this mailbox's move began, so that everything in it was copied by us.
    pub ours: bool,
    /// Whether the source forgot the sync state, so that the folder is compared from the start.
    pub restarting: bool,
    /// Where the source folder was and what it was called when the target folder was last brought to the same place, as
    /// [`Self::place_of`] numbers it; unknown if absent.
    pub place: Option<NonZeroU64>,
}

impl FolderProgress {
    /// A number for a name in a folder of the source, to see that a folder was renamed or moved without keeping either.
    /// Two places share one by chance once in 2^64.
    #[must_use]
    pub fn place_of(parent: Option<&Id>, name: &str) -> NonZeroU64 {
        let above = match parent {
            None => 0,
            Some(Id::Number(number)) => number.wrapping_add(1),
            Some(Id::Text(text)) => xxh3_64(text.as_bytes()),
        };
        NonZeroU64::new(xxh3_64_with_seed(name.as_bytes(), above)).unwrap_or(NonZeroU64::MIN)
    }
}

/// An item that was left behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SkippedItem {
    /// Position of its folder in [`Progress::folders`].
    pub folder: u32,
    /// The item in the source.
    pub item: Id,
    /// Its size in bytes.
    pub size: u32,
    /// Whether it counts against the limit for large items rather than the one for bad items.
    pub large: bool,
}

/// How far a mailbox is.
#[derive(PartialEq, Eq, Default, Debug)]
pub struct Progress {
    /// The folders that exist on both sides. Progress is kept much more often than folders change, so they are shared
    /// until they do.
    pub folders: Arc<Vec<FolderProgress>>,
    /// The items that were left behind.
    pub skipped: Vec<SkippedItem>,
    /// Whether a run is at work that may have stored items since this was saved.
    pub open: bool,
    /// The number of the next request.
    pub requests: u64,
    /// How far the cutover is, once it has begun.
    pub cutover: Option<Cutover>,
    /// What the comparison of both sides found, once it was made.
    pub verification: Verification,
}

impl Clone for Progress {
    fn clone(&self) -> Self {
        Self {
            folders: Arc::clone(&self.folders),
            skipped: self.skipped.clone(),
            open: self.open,
            requests: self.requests,
            cutover: self.cutover,
            verification: self.verification,
        }
    }

    /// Progress is kept again and again: what is there already keeps its place in memory.
    fn clone_from(&mut self, source: &Self) {
        let Self { folders, skipped, open, requests, cutover, verification } = source;
        self.folders.clone_from(folders);
        self.skipped.clone_from(skipped);
        (self.open, self.requests, self.cutover, self.verification) = (*open, *requests, *cutover, *verification);
    }
}

/// Which target item belongs to which source item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pair {
    /// The item in the source.
    pub source: Id,
    /// The item in the target.
    pub target: Id,
}

/// How a mailbox's move ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// How.
    pub end: End,
    /// What the comparison of both sides found.
    pub verification: Verification,
}

impl Ended {
    /// Whether no later run takes the mailbox up again.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self.end, End::Completed | End::HalfSwitched)
    }
}

/// Why progress could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be used at all.
    #[error("cannot open the checkpoint {}", file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: Box<redb::Error>,
    },
    /// The file belongs to another scenario or seed.
    #[error(
        "the checkpoint {} belongs to scenario {found}, this is scenario {wanted}: resume with the scenario and seed it \
         was made with, or name another file",
        file.display()
    )]
    OtherPlan {
        /// The file.
        file: PathBuf,
        /// What the file says.
        found: String,
        /// What the run says.
        wanted: String,
    },
    /// Reading or writing failed.
    #[error("cannot use the checkpoint")]
    Store(#[source] Box<redb::Error>),
    /// The file holds something that this version did not write.
    #[error("the checkpoint holds an unreadable entry for mailbox {mailbox}")]
    Unreadable {
        /// The mailbox.
        mailbox: u32,
    },
}

/// Keeps progress.
pub trait Checkpoint {
    /// How far a mailbox is; nothing is known of it if absent.
    fn load(&self, mailbox: MailboxKey) -> Result<Option<Progress>, CheckpointError>;

    /// Keeps how far a mailbox is, together with pairs of items that are new. Either all of it is kept or nothing.
    fn save(&self, mailbox: MailboxKey, progress: &Progress, pairs: &[Pair]) -> Result<(), CheckpointError>;

    /// The target item that belongs to a source item.
    fn target_of(&self, mailbox: MailboxKey, source: &Id) -> Result<Option<Id>, CheckpointError>;

    /// Which of these items of the target belong to no source item on record.
    fn unpaired(&self, mailbox: MailboxKey, targets: Vec<Id>) -> Result<Vec<Id>, CheckpointError>;

    /// A mailbox came to its end, for this run or for good.
    fn finish(&self, mailbox: MailboxKey, ended: &Ended) -> Result<(), CheckpointError>;

    /// How a mailbox ended, if it did so for good: neither [`End::Unfinished`] nor [`End::Failed`] is kept, a later run
    /// takes such mailboxes up again.
    fn ended(&self, mailbox: MailboxKey) -> Result<Option<Ended>, CheckpointError>;
}

/// Implements [`Checkpoint`] for a pointer to something that implements it.
macro_rules! forward {
    ($pointer:ty) => {
        impl<T: Checkpoint + ?Sized> Checkpoint for $pointer {
            fn load(&self, mailbox: MailboxKey) -> Result<Option<Progress>, CheckpointError> {
                (**self).load(mailbox)
            }

            fn save(&self, mailbox: MailboxKey, progress: &Progress, pairs: &[Pair]) -> Result<(), CheckpointError> {
                (**self).save(mailbox, progress, pairs)
            }

            fn target_of(&self, mailbox: MailboxKey, source: &Id) -> Result<Option<Id>, CheckpointError> {
                (**self).target_of(mailbox, source)
            }

            fn unpaired(&self, mailbox: MailboxKey, targets: Vec<Id>) -> Result<Vec<Id>, CheckpointError> {
                (**self).unpaired(mailbox, targets)
            }

            fn finish(&self, mailbox: MailboxKey, ended: &Ended) -> Result<(), CheckpointError> {
                (**self).finish(mailbox, ended)
            }

            fn ended(&self, mailbox: MailboxKey) -> Result<Option<Ended>, CheckpointError> {
                (**self).ended(mailbox)
            }
        }
    };
}

forward!(&T);
forward!(std::rc::Rc<T>);
