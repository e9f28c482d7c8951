//! Places that URLs led to lately: clients ask for the same URLs again when they poll, and when they were refused.

use std::sync::Arc;

use quick_cache::UnitWeighter;
use quick_cache::unsync::{Cache, DefaultLifecycle};
use xxhash_rust::xxh3::xxh3_64;

use super::failure::Failure;
use super::route::{self, Place};
use crate::mailbox::hasher::KeyHashes;

/// How many places are kept. Assumed: enough for the pages that a few hundred clients poll.
const COUNT: usize = 1_024;

/// The longest URL whose place is kept, in bytes. Longer ones hold identifiers of pages and are rarely asked for twice.
const LONGEST: usize = 1_024;

/// A URL and where it leads.
type Known = Arc<(Box<str>, Arc<Place>)>;

/// The places, by the hash of their URLs. They take no memory before the first is kept.
#[derive(Clone, Default, Debug)]
pub(super) struct Places(Option<Cache<u64, Known, UnitWeighter, KeyHashes>>);

impl Places {
    /// Where a URL leads, as [`route::find`] finds it.
    pub(super) fn find(&mut self, url: &str) -> Result<Arc<Place>, Failure> {
        if LONGEST < url.len() {
            return route::find(url).map(Arc::new);
        }
        let key = xxh3_64(url.as_bytes());
        if let Some(known) = self.0.as_mut().and_then(|cache| cache.get(&key))
            && *known.0 == *url
        {
            return Ok(Arc::clone(&known.1));
        }
        let place = Arc::new(route::find(url)?);
        let cache =
            || Cache::with(COUNT, COUNT as u64, UnitWeighter, KeyHashes::default(), DefaultLifecycle::default());
        self.0.get_or_insert_with(cache).insert(key, Arc::new((url.into(), Arc::clone(&place))));
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_the_same_place_again() {
        let mut places = Places::default();
        let url = "/v1.0/users/a@b.test/messages?$top=3";
        let first = places.find(url).expect("a place");
        let again = places.find(url).expect("a place");
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(*first, route::find(url).expect("a place"));
        let other = places.find("/v1.0/users/a@b.test/messages?$top=4").expect("a place");
        assert_ne!(first.query, other.query);
    }

    #[test]
    fn nothing_is_kept_of_urls_that_lead_nowhere() {
        let mut places = Places::default();
        assert!(places.find("/v1.0/nowhere").is_err());
        assert!(places.0.is_none());
    }
}
