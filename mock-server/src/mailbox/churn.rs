//! The pattern in which a computed folder changes, as a pure function of the number of the change.
//!
//! Nothing is stored and nothing is replayed: what the n-th change does, what happened to an item before it, and how
//! many changes of each kind there were, are all computed in constant time. Of every sixteen changes twelve are
//! creations, three are updates and one is a deletion. These proportions are assumed: `NHSmail` users keep 45% of what
//! they receive and send, and no source says how often kept items are changed or removed.
//!
//! Deletions and updates walk the base items in one and the same scrambled order, deletions from its beginning and
//! updates from its end, so that no item meets both. When every base item has met one of them, all further changes are
//! creations.

use crate::draw::{Purpose, hash, mix};
use crate::wire::id::MailboxKey;

const BLOCK: u64 = 16;
/// Where the updates stand within a block.
const UPDATES: [u64; 3] = [3, 7, 11];
/// Where the deletion stands within a block.
const DELETE: u64 = 15;
/// Where updates and deletions stand within a block, in order.
const TOUCHES: [u64; 4] = [3, 7, 11, 15];

/// One change of a computed folder.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The item of this ordinal arrives.
    Create(u64),
    /// The content of the base item of this ordinal changes.
    Update(u64),
    /// The base item of this ordinal is deleted.
    Delete(u64),
}

/// How many changes of each kind there were.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Items that arrived.
    pub creates: u64,
    /// Base items whose content changed.
    pub updates: u64,
    /// Base items that were deleted.
    pub deletes: u64,
}

/// Counts the kinds among the first `changes` changes of a folder with `items` base items.
#[must_use]
pub const fn counts(items: u64, changes: u64) -> Counts {
    let last = last_touch(items);
    let touched = if changes < last { changes } else { last };
    let (block, slot) = (touched / BLOCK, touched % BLOCK);
    let mut updates = block * UPDATES.len() as u64;
    let mut index = 0;
    while index < UPDATES.len() {
        updates += (slot > UPDATES[index]) as u64;
        index += 1;
    }
    let deletes = block;
    Counts { creates: changes - updates - deletes, updates, deletes }
}

/// The number of changes after which every base item was updated or deleted.
const fn last_touch(items: u64) -> u64 {
    if items == 0 {
        return 0;
    }
    let last = items - 1;
    last / TOUCHES.len() as u64 * BLOCK + TOUCHES[(last % TOUCHES.len() as u64) as usize] + 1
}

/// The pattern of one folder.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Churn {
    items: u64,
    last_touch: u64,
    multiplier: u64,
    inverse: u64,
    offset: u64,
}

impl Churn {
    /// The pattern of a folder with `items` base items (below 2^32). `seed` is the population's.
    ///
    /// # Panics
    ///
    /// If there are 2^32 base items or more.
    #[must_use]
    pub fn new(seed: u64, mailbox: MailboxKey, folder: u32, items: u64) -> Self {
        assert!(u32::try_from(items).is_ok(), "a folder holds fewer than 2^32 base items");
        let word = hash(seed, Purpose::Change, u64::from(mailbox.0), u64::from(folder), 0);
        let (multiplier, inverse) = invertible(word, items);
        let offset = if items == 0 { 0 } else { mix(word) % items };
        Self { items, last_touch: last_touch(items), multiplier, inverse, offset }
    }

    /// How many changes of each kind there were before the change of this number.
    #[must_use]
    pub const fn counts(&self, changes: u64) -> Counts {
        counts(self.items, changes)
    }

    /// What the change of this number does; the first is number zero.
    #[must_use]
    pub fn change(&self, number: u64) -> Change {
        let before = self.counts(number);
        let slot = number % BLOCK;
        if number >= self.last_touch {
            Change::Create(self.items + before.creates)
        } else if slot == DELETE {
            Change::Delete(self.ordinal(before.deletes))
        } else if UPDATES.contains(&slot) {
            Change::Update(self.ordinal(self.items - 1 - before.updates))
        } else {
            Change::Create(self.items + before.creates)
        }
    }

    /// How often the item of this ordinal was updated by the first `changes` changes.
    #[must_use]
    pub fn version_of(&self, ordinal: u64, changes: u64) -> u32 {
        let updates = self.counts(changes).updates;
        u32::from(updates > 0 && ordinal < self.items && self.place(ordinal) >= self.items - updates)
    }

    /// Whether the first `changes` changes deleted the item of this ordinal.
    #[must_use]
    pub fn is_deleted(&self, ordinal: u64, changes: u64) -> bool {
        let deletes = self.counts(changes).deletes;
        deletes > 0 && ordinal < self.items && self.place(ordinal) < deletes
    }

    /// One more than the highest ordinal after this many changes.
    #[must_use]
    pub const fn ordinals(&self, changes: u64) -> u64 {
        self.items + self.counts(changes).creates
    }

    /// The base item at a place of the scrambled order.
    fn ordinal(&self, place: u64) -> u64 {
        (self.multiplier * place + self.offset) % self.items
    }

    /// The place of a base item in the scrambled order.
    fn place(&self, ordinal: u64) -> u64 {
        (ordinal + self.items - self.offset) % self.items * self.inverse % self.items
    }
}

/// A number that has an inverse modulo `modulus`, and this inverse.
fn invertible(word: u64, modulus: u64) -> (u64, u64) {
    if modulus < 2 {
        return (1, 1);
    }
    let mut candidate = word % modulus;
    loop {
        if let Some(inverse) = inverse(candidate, modulus) {
            return (candidate, inverse);
        }
        candidate = (candidate + 1) % modulus;
    }
}

/// The inverse of a number modulo `modulus`, if it has one (extended Euclidean algorithm).
fn inverse(number: u64, modulus: u64) -> Option<u64> {
    let (mut divisor, mut remainder) = (modulus.cast_signed(), number.cast_signed());
    let (mut previous, mut factor) = (0i64, 1i64);
    while remainder != 0 {
        let quotient = divisor / remainder;
        (divisor, remainder) = (remainder, divisor - quotient * remainder);
        (previous, factor) = (factor, previous - quotient * factor);
    }
    (divisor == 1).then(|| previous.rem_euclid(modulus.cast_signed()).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Replays all changes one after the other and compares every answer with the replay.
    fn check(seed: u64, items: u64, changes: u64) {
        let churn = Churn::new(seed, MailboxKey(seed as u32), 3, items);
        let mut versions = vec![Some(0u32); items as usize];
        let mut seen = Counts::default();
        for number in 0..changes {
            assert_eq!(churn.counts(number), seen, "before change {number}");
            match churn.change(number) {
                Change::Create(ordinal) => {
                    assert_eq!(ordinal, versions.len() as u64);
                    versions.push(Some(0));
                    seen.creates += 1;
                }
                Change::Update(ordinal) => {
                    assert!(ordinal < items);
                    *versions[ordinal as usize].as_mut().expect("a deleted item is not updated") += 1;
                    seen.updates += 1;
                }
                Change::Delete(ordinal) => {
                    assert!(ordinal < items);
                    assert_eq!(versions[ordinal as usize].take(), Some(0), "deleted items were never touched");
                    seen.deletes += 1;
                }
            }
        }
        assert_eq!(churn.ordinals(changes), versions.len() as u64);
        for (ordinal, version) in versions.into_iter().enumerate() {
            assert_eq!(churn.is_deleted(ordinal as u64, changes), version.is_none());
            if let Some(version) = version {
                assert_eq!(churn.version_of(ordinal as u64, changes), version);
            }
        }
    }

    proptest! {
        #[test]
        fn every_answer_agrees_with_a_replay(seed: u64, items in 0u64..200, changes in 0u64..1_200) {
            check(seed, items, changes);
        }
    }

    #[test]
    fn sixteen_changes_are_twelve_creations_three_updates_and_a_deletion() {
        assert_eq!(counts(1_000, 16), Counts { creates: 12, updates: 3, deletes: 1 });
    }

    #[test]
    fn an_empty_folder_only_grows() {
        assert_eq!(counts(0, 100), Counts { creates: 100, updates: 0, deletes: 0 });
        check(5, 0, 100);
    }

    #[test]
    fn the_largest_folder_can_be_scrambled() {
        let items = u64::from(u32::MAX);
        let churn = Churn::new(9, MailboxKey(1), 2, items);
        for place in [0, 1, items / 2, items - 1] {
            assert_eq!(churn.place(churn.ordinal(place)), place);
        }
    }
}
