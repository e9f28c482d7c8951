//! Mistakes planted into the pipeline on purpose, to see whether the checks that are to find such mistakes do.
//!
//! Release builds know their names but are not able to make them: `Planted::is` is false there before the program
//! runs, so that nothing of them is left.

use strum::{EnumCount, VariantArray};

/// A mistake that migration tools make.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, EnumCount, VariantArray)]
pub enum Bug {
    /// A refusal by a limit inside the answer to a batch counts as done.
    IgnoreRefusedEntries,
    /// A call that stores an item is repeated without looking whether it was carried out.
    RepeatBlindly,
    /// The place up to which a folder is copied is kept before its items are stored.
    AdvanceStateFirst,
    /// Items whose call ended in a reset connection are dropped without a word.
    DropOnReset,
    /// After a crash everything starts over as if nothing had been copied.
    ForgetCheckpoint,
    /// The wait that a refusal asks for is not kept.
    IgnoreRetryAfter,
    /// An item that could not be stored counts as stored.
    CountFailedAsDone,
    /// Nothing is copied any more after the source was closed.
    SkipLastDelta,
    /// What was stored between the last save and a crash is not looked for.
    TrustAfterCrash,
    /// A folder whose sync state was lost counts as complete.
    ForgetLostState,
    /// Only the first page of the changes of a folder is copied.
    FirstPageOnly,
    /// Items that were deleted in the source stay in the target.
    KeepDeleted,
    /// An item that changed is stored again beside its older version.
    NeverReplace,
    /// The place of a call that ended is not given back.
    LeakPlace,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// What the mistake is, in a few words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IgnoreRefusedEntries => "ignore a 429 inside a batch",
            Self::RepeatBlindly => "retry without idempotence",
            Self::AdvanceStateFirst => "advance the delta token before the batch is stored",
            Self::DropOnReset => "drop on reset",
            Self::ForgetCheckpoint => "forget the checkpoint after a crash",
            Self::IgnoreRetryAfter => "ignore Retry-After",
            Self::CountFailedAsDone => "count a failed item as done",
            Self::SkipLastDelta => "skip the last delta at cutover",
            Self::TrustAfterCrash => "do not look for what was stored before a crash",
            Self::ForgetLostState => "take a lost delta token for an empty delta",
            Self::FirstPageOnly => "read only the first page of a delta",
            Self::KeepDeleted => "ignore deletions",
            Self::NeverReplace => "add a changed item instead of replacing it",
            Self::LeakPlace => "leak the place of a call",
        }
    }
}

/// Which mistake the pipeline makes, if any.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Planted(Option<Bug>);

impl Planted {
    /// No mistake.
    pub const NONE: Self = Self(None);

    /// Whether this build is able to make mistakes on purpose.
    pub const POSSIBLE: bool = cfg!(debug_assertions);

    /// One mistake. Without effect where [`Planted::POSSIBLE`] is false.
    #[must_use]
    pub const fn one(bug: Bug) -> Self {
        Self(Some(bug))
    }

    /// Whether there is one.
    #[inline]
    pub(super) fn is_any(self) -> bool {
        Self::POSSIBLE && self.0.is_some()
    }

    /// Whether it is this one.
    #[inline]
    pub(super) fn is(self, bug: Bug) -> bool {
        Self::POSSIBLE && self.0 == Some(bug)
    }
}
