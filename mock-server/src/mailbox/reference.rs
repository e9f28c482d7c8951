//! How the mock numbers its folders, items and sync states.
//!
//! The numbers are the mock's own business: clients see opaque text. They are fixed here, and pure, so that a copy made
//! before the run begins can be described without having been made.

use crate::wire::id::Id;

/// The first ordinal of folders that clients make; computed folders stay below.
pub const FIRST_MADE_FOLDER: u32 = 1 << 16;

const FOLDER_BITS: u32 = 40;
const MADE: u64 = 1 << 63;
const BASE_BITS: u32 = 22;
const CHANGE_BITS: u32 = 20;
const MADE_BITS: u32 = 22;

/// The reference of a folder.
#[must_use]
pub fn folder(ordinal: u32) -> Id {
    Id::Number(u64::from(ordinal))
}

/// The reference of a computed item: the folder it was made in and its ordinal there.
#[must_use]
pub fn item(folder: u32, ordinal: u64) -> Id {
    Id::Number(item_number(folder, ordinal))
}

/// The number of a computed item: what its reference holds.
#[must_use]
pub const fn item_number(folder: u32, ordinal: u64) -> u64 {
    (folder as u64) << FOLDER_BITS | ordinal
}

/// The reference of an item that a client stored, by its position in the mailbox's overlay.
#[must_use]
pub fn made_item(position: u64) -> Id {
    Id::Number(made_number(position))
}

/// The number of an item that a client stored: what its reference holds.
#[must_use]
pub const fn made_number(position: u64) -> u64 {
    MADE | position
}

/// What an item's number means.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ItemNumber {
    /// A computed item.
    Computed {
        /// The folder it was made in.
        folder: u32,
        /// Its ordinal there.
        ordinal: u64,
    },
    /// An item that a client stored.
    Made {
        /// Its position in the mailbox's overlay.
        position: u64,
    },
}

/// Reads an item's number.
#[must_use]
pub fn read_item(number: u64) -> ItemNumber {
    if number & MADE == 0 {
        ItemNumber::Computed { folder: (number >> FOLDER_BITS) as u32, ordinal: number & ((1 << FOLDER_BITS) - 1) }
    } else {
        ItemNumber::Made { position: number & !MADE }
    }
}

/// How far a client has synced one folder.
///
/// A sync from scratch lists a snapshot of the folder: first the base items, then what had arrived by then. While it
/// does so, `changes` is the number of changes that the snapshot includes. Once `base` equals the number of base items,
/// the snapshot has been listed whole, and later changes follow one by one.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct SyncPosition {
    /// Base items listed. While the arrivals of the snapshot are being listed, one more than the number of base items
    /// and arrivals listed. Below 2^22 (Exchange Online holds at most one million items in a folder).
    pub base: u32,
    /// Computed changes listed; below 2^20.
    pub changes: u32,
    /// Changes made by clients listed, counted over the whole mailbox; below 2^22.
    pub made: u32,
}

impl SyncPosition {
    /// The sync state of this position.
    ///
    /// # Panics
    ///
    /// If a number is out of its range.
    #[must_use]
    pub fn id(self) -> Id {
        assert!(
            self.base < 1 << BASE_BITS && self.changes < 1 << CHANGE_BITS && self.made < 1 << MADE_BITS,
            "a sync state holds fewer items and changes than {self:?}"
        );
        Id::Number(
            u64::from(self.base) << (CHANGE_BITS + MADE_BITS)
                | u64::from(self.changes) << MADE_BITS
                | u64::from(self.made),
        )
    }

    /// The position of a sync state.
    #[must_use]
    pub fn read(number: u64) -> Self {
        Self {
            base: (number >> (CHANGE_BITS + MADE_BITS)) as u32,
            changes: (number >> MADE_BITS & ((1 << CHANGE_BITS) - 1)) as u32,
            made: (number & ((1 << MADE_BITS) - 1)) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        let Id::Number(number) = item(77, 123_456) else { unreachable!() };
        assert_eq!(read_item(number), ItemNumber::Computed { folder: 77, ordinal: 123_456 });
        let Id::Number(number) = made_item(9) else { unreachable!() };
        assert_eq!(read_item(number), ItemNumber::Made { position: 9 });
        let position = SyncPosition { base: 1_000_000, changes: 77_000, made: 3_000_000 };
        let Id::Number(number) = position.id() else { unreachable!() };
        assert_eq!(SyncPosition::read(number), position);
    }
}
