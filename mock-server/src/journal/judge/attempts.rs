//! Whether everything that a client wants is done in the end, and done once.
//!
//! A request that was refused, or whose answer was lost, must be sent again: what is never sent again with success is
//! lost if it would have made something, and given up otherwise. What was made and is made again is doubled if the
//! client did not hear of the first time; if it did, it may have meant it.

use std::collections::BTreeMap;

use hashbrown::HashSet;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::card::{Evidence, Items};
use crate::journal::record::Key;
use crate::journal::told::Told;
use crate::wire::refusal::RefusalKind;

/// How many of each are kept as evidence.
const SHOWN: usize = 3;

/// A request that is still to be repeated.
#[derive(Clone, Debug)]
struct Open {
    evidence: Evidence,
    makes: bool,
}

/// Hears of requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts {
    open: BTreeMap<Key, Open>,
    /// What was made. Only ever asked, never gone through.
    made: HashSet<Key, Xxh3DefaultBuilder>,
    /// What was made without its client having heard of it.
    unheard: BTreeMap<Key, u64>,
    moved: u64,
    repeated: u64,
    doubled: u64,
    doubles: Vec<Evidence>,
}

impl Attempts {
    pub(super) fn hear(&mut self, told: &Told<'_>) {
        self.moved += told.items;
        let may_help = told.refusal.is_some_and(RefusalKind::is_transient);
        let unheard = told.done && (told.is_spoiled || may_help);
        if told.makes.is_empty() {
            if told.is_answered() || (told.refusal.is_some() && !may_help) {
                self.open.remove(&told.key);
            } else if may_help || told.is_spoiled {
                self.wants(told.key, told, false);
            }
            return;
        }
        for piece in told.makes {
            if !piece.done {
                // What can never be made is not lost by trying once; a part of an answered whole can be tried again.
                if may_help || told.refusal.is_none() {
                    self.wants(piece.key, told, true);
                } else {
                    self.open.remove(&piece.key);
                }
                continue;
            }
            self.open.remove(&piece.key);
            let again = !self.made.insert(piece.key);
            let before = self.unheard.remove(&piece.key);
            match (again, before) {
                (true, Some(first)) => {
                    self.doubled += 1;
                    if self.doubles.len() < SHOWN {
                        let what = format!("made again what request {first} had made, whose answer was lost");
                        self.doubles.push(Evidence::of(told, what));
                    }
                }
                (true, None) => self.repeated += 1,
                (false, _) => {}
            }
            if unheard {
                self.unheard.insert(piece.key, told.number);
            }
        }
    }

    fn wants(&mut self, key: Key, told: &Told<'_>, makes: bool) {
        if self.made.contains(&key) {
            return;
        }
        self.open.entry(key).or_insert_with(|| {
            let why = told.refusal.map_or("was left undone in an answered request", RefusalKind::name);
            Open { evidence: Evidence::of(told, format!("{why}; never sent again with success")), makes }
        });
    }

    /// What came of everything; `requests` is how many there were.
    pub(super) fn items(&self, requests: u64) -> Items {
        let of = |makes: bool| self.open.values().filter(move |open| open.makes == makes);
        let mut lost: Vec<_> = of(true).map(|open| open.evidence.clone()).collect();
        let mut given_up: Vec<_> = of(false).map(|open| open.evidence.clone()).collect();
        lost.sort_by_key(|evidence| evidence.number);
        given_up.sort_by_key(|evidence| evidence.number);
        let (lost_count, given_up_count) = (lost.len() as u64, given_up.len() as u64);
        lost.truncate(SHOWN);
        given_up.truncate(SHOWN);
        Items {
            moved: self.moved,
            made: self.made.len() as u64,
            requests_per_item: (self.moved > 0).then(|| requests as f64 / self.moved as f64),
            lost: lost_count,
            doubled: self.doubled,
            made_again: self.repeated,
            given_up: given_up_count,
            evidence: lost.into_iter().chain(self.doubles.clone()).chain(given_up).collect(),
        }
    }
}
