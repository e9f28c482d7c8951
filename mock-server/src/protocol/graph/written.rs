//! Entities that were written lately, so that lists need not write them again.
//!
//! An entity follows from the state of its item and from what a query selects, so nothing here can be out of date: an item
//! that changed has another version, and one that only computed content changed has another size or identity.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::unsync::{Cache, DefaultLifecycle};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::fields::Look;
use super::query::Query;
use crate::mailbox::hasher::KeyHashes;
use crate::mailbox::open::Head;
use crate::wire::id::{ItemKey, MailboxKey};

/// What the entities may weigh together, in bytes. Assumed: some thousand whole messages.
const BYTES: u64 = 16 << 20;

/// The largest entity that is kept, in bytes: whole bodies take the place of many short entities. Assumed.
const LARGEST: usize = 64 << 10;

/// What an entity weighs beside its text.
const OVERHEAD: u64 = 128;

/// An item in one state, and how it is looked at.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    mailbox: MailboxKey,
    number: u64,
    version: u64,
    item: ItemKey,
    size: u32,
    folder: u32,
    read: bool,
    look: u64,
}

impl Key {
    /// The key of an item; `look` is [`look_at`].
    pub(super) fn new(mailbox: MailboxKey, number: u64, head: &Head, look: u64) -> Self {
        let Head { folder, key, size, version, read, corrupt: _ } = *head;
        Self { mailbox, number, version, item: key, size, folder, read, look }
    }
}

/// All that decides, beside an item, what its entity looks like. Options that decide which items a page has are left out.
pub(super) fn look_at(kind: &str, look: &Look, query: &Query) -> u64 {
    let mut mark = u64::from(look.text_body);
    for text in [kind, &*look.zone.name] {
        mark = xxh3_64_with_seed(text.as_bytes(), mark);
    }
    for (name, value) in &query.pairs {
        let name = name.trim_start_matches('$');
        if ["select", "expand", "filter"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
            mark = xxh3_64_with_seed(value.as_bytes(), xxh3_64_with_seed(name.as_bytes(), mark));
        }
    }
    mark
}

#[derive(Clone, Debug)]
struct Weights;

impl Weighter<Key, Arc<RawValue>> for Weights {
    fn weight(&self, _: &Key, entity: &Arc<RawValue>) -> u64 {
        OVERHEAD + entity.get().len() as u64
    }
}

/// The entities. They take no memory before the first is kept.
#[derive(Clone, Default, Debug)]
pub(super) struct Written(Option<Cache<Key, Arc<RawValue>, Weights, KeyHashes>>);

impl Written {
    /// An entity, if it was written lately.
    pub(super) fn get(&mut self, key: &Key) -> Option<Arc<RawValue>> {
        self.0.as_mut()?.get(key).cloned()
    }

    /// Keeps an entity until others need its place.
    pub(super) fn keep(&mut self, key: Key, entity: Arc<RawValue>) {
        if entity.get().len() <= LARGEST {
            let items = BYTES / 1_024;
            let cache =
                || Cache::with(items as usize, BYTES, Weights, KeyHashes::default(), DefaultLifecycle::default());
            self.0.get_or_insert_with(cache).insert(key, entity);
        }
    }
}
