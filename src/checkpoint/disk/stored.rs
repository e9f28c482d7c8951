//! What the rows of the file hold. The types of progress itself may change without it.

use std::num::NonZeroU64;
use std::sync::Arc;

use mock_server::wire::id::Id;
use serde::{Deserialize, Serialize};

use crate::checkpoint::cutover::{Cutover, Step};
use crate::checkpoint::{Ended, FolderProgress, Progress, SkippedItem};
use crate::event::{End, Verification};

/// A reference in the file.
#[derive(Serialize, Deserialize)]
pub(super) enum StoredId {
    N(u64),
    T(String),
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredFolder {
    source: StoredId,
    target: StoredId,
    state: Option<StoredId>,
    items: Option<u64>,
    ours: bool,
    restarting: bool,
    /// Absent in files of versions that did not follow folders.
    #[serde(default)]
    place: Option<NonZeroU64>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredSkip {
    folder: u32,
    item: StoredId,
    size: u32,
    large: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredCutover {
    step: u8,
    switches: u32,
    residue: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredProgress {
    folders: Vec<StoredFolder>,
    skipped: Vec<StoredSkip>,
    open: bool,
    requests: u64,
    cutover: Option<StoredCutover>,
    verification: StoredVerification,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredEnd {
    completed: bool,
    verification: StoredVerification,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredVerification {
    expected: u64,
    present: u64,
    missing: u64,
    duplicate: u64,
    skipped: u64,
    #[serde(default)]
    added: u64,
}

impl StoredId {
    pub(super) fn of(id: &Id) -> Self {
        match id {
            Id::Number(number) => Self::N(*number),
            Id::Text(text) => Self::T(text.to_string()),
        }
    }

    pub(super) fn restore(self) -> Id {
        match self {
            Self::N(number) => Id::Number(number),
            Self::T(text) => Id::text(&text),
        }
    }
}

impl StoredProgress {
    pub(super) fn of(progress: &Progress) -> Self {
        let folder = |folder: &FolderProgress| StoredFolder {
            source: StoredId::of(&folder.source),
            target: StoredId::of(&folder.target),
            state: folder.state.as_ref().map(StoredId::of),
            items: folder.items,
            ours: folder.ours,
            restarting: folder.restarting,
            place: folder.place,
        };
        let skip = |skip: &SkippedItem| StoredSkip {
            folder: skip.folder,
            item: StoredId::of(&skip.item),
            size: skip.size,
            large: skip.large,
        };
        let cutover = |cutover: Cutover| StoredCutover {
            step: cutover.step as u8,
            switches: cutover.switches,
            residue: cutover.residue,
        };
        Self {
            folders: progress.folders.iter().map(folder).collect(),
            skipped: progress.skipped.iter().map(skip).collect(),
            open: progress.open,
            requests: progress.requests,
            cutover: progress.cutover.map(cutover),
            verification: StoredVerification::of(progress.verification),
        }
    }

    pub(super) fn restore(self) -> Option<Progress> {
        let folder = |folder: StoredFolder| FolderProgress {
            source: folder.source.restore(),
            target: folder.target.restore(),
            state: folder.state.map(StoredId::restore),
            items: folder.items,
            ours: folder.ours,
            restarting: folder.restarting,
            place: folder.place,
        };
        let skip = |skip: StoredSkip| SkippedItem {
            folder: skip.folder,
            item: skip.item.restore(),
            size: skip.size,
            large: skip.large,
        };
        let cutover = match self.cutover {
            None => None,
            Some(StoredCutover { step, switches, residue }) => {
                Some(Cutover { step: *Step::ALL.get(usize::from(step))?, switches, residue })
            }
        };
        Some(Progress {
            folders: Arc::new(self.folders.into_iter().map(folder).collect()),
            skipped: self.skipped.into_iter().map(skip).collect(),
            open: self.open,
            requests: self.requests,
            cutover,
            verification: self.verification.restore(),
        })
    }
}

impl StoredVerification {
    pub(super) const fn of(verification: Verification) -> Self {
        let Verification { expected, present, missing, duplicate, skipped, added } = verification;
        Self { expected, present, missing, duplicate, skipped, added }
    }

    pub(super) const fn restore(self) -> Verification {
        let Self { expected, present, missing, duplicate, skipped, added } = self;
        Verification { expected, present, missing, duplicate, skipped, added }
    }
}

impl StoredEnd {
    pub(super) fn of(ended: &Ended) -> Self {
        let verification = StoredVerification::of(ended.verification);
        Self { completed: ended.end == End::Completed, verification }
    }

    pub(super) const fn restore(self) -> Ended {
        let end = if self.completed { End::Completed } else { End::HalfSwitched };
        Ended { end, verification: self.verification.restore() }
    }
}
