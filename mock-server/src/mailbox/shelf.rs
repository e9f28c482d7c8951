//! Items that were made from their bytes lately, so that lists need not make them again.
//!
//! A computed item is a function of its identity and size alone, so nothing on the shelf can be out of date.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::unsync::{Cache, DefaultLifecycle};

use super::hasher::KeyHashes;
use super::item::Item;
use crate::wire::id::ItemKey;

/// What the items on the shelf may weigh together, in bytes. Assumed: a page of a thousand items at the median size of
/// mail (below 20 kB), with their text beside their message.
const BYTES: u64 = 48 << 20;

/// What an item weighs beside its bytes: properties, people and the place on the shelf.
const OVERHEAD: u64 = 2 << 10;

type Key = (ItemKey, u32);

#[derive(Clone, Debug)]
struct Weights;

impl Weighter<Key, Arc<Item>> for Weights {
    fn weight(&self, (_, size): &Key, _: &Arc<Item>) -> u64 {
        // The message and its text.
        OVERHEAD + 2 * u64::from(*size)
    }
}

/// The shelf. It takes no memory before something is put on it.
#[derive(Clone, Default, Debug)]
pub struct Shelf(Option<Cache<Key, Arc<Item>, Weights, KeyHashes>>);

impl Shelf {
    /// The item of an identity and size, if it is there.
    pub(super) fn get(&mut self, key: ItemKey, size: u32) -> Option<Arc<Item>> {
        self.0.as_mut()?.get(&(key, size)).cloned()
    }

    /// Puts an item where it can be found again, until others need its place.
    pub(super) fn put(&mut self, key: ItemKey, size: u32, item: Arc<Item>) {
        let items = BYTES / (16 << 10);
        let cache = || Cache::with(items as usize, BYTES, Weights, KeyHashes::default(), DefaultLifecycle::default());
        self.0.get_or_insert_with(cache).insert((key, size), item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shelf_keeps_what_fits() {
        let mut shelf = Shelf::default();
        for number in 0..10_000 {
            shelf.put(ItemKey(number), 100_000, Arc::default());
        }
        assert!(shelf.get(ItemKey(9_999), 100_000).is_some());
        let kept = (0..10_000).filter(|&number| shelf.get(ItemKey(number), 100_000).is_some()).count() as u64;
        assert!((1..=BYTES / 200_000).contains(&kept), "{kept}");
        assert!(shelf.get(ItemKey(9_999), 5).is_none());
    }
}
