//! Whether everything that a client wants is done in the end, and done once.
//!
//! A request that was refused, or whose answer was lost, must be sent again: what is never sent again with success is
//! lost if it would have made something, and given up otherwise. What was made and is made again is doubled if the
//! client did not hear of the first time; if it did, it may have meant it.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashSet;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::card::{Evidence, Items};
use crate::journal::record::Key;
use crate::journal::told::Told;
use crate::wire::refusal::RefusalKind;

/// How many of each are kept as evidence.
const SHOWN: usize = 3;

/// Most requests that may still be repeated (assumed: more than a client has in mind). When there are more, the oldest
/// counts as never sent again, so that a server that refuses for days does not fill its memory.
const MOST_OPEN: usize = 100_000;

/// A request that is still to be repeated.
#[derive(Clone, Debug)]
struct Open {
    evidence: Evidence,
    makes: bool,
}

/// Requests that were never sent again with success.
#[derive(Clone, Debug, Default)]
struct Missing {
    count: u64,
    /// The first of them.
    shown: Vec<Evidence>,
}

impl Missing {
    fn add(&mut self, evidence: &Evidence) {
        self.count += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(evidence.clone());
        }
    }
}

/// Hears of requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts {
    open: BTreeMap<Key, Open>,
    /// Those that were open, oldest first, with their numbers; some have been repeated since.
    order: VecDeque<(Key, u64)>,
    /// Reads and what would have made something, of those that are too old to be kept.
    given_up: Missing,
    lost: Missing,
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
        let order = &mut self.order;
        self.open.entry(key).or_insert_with(|| {
            order.push_back((key, told.number));
            let why = told.refusal.map_or("was left undone in an answered request", RefusalKind::name);
            Open { evidence: Evidence::of(told, format!("{why}; never sent again with success")), makes }
        });
        self.forget_oldest();
    }

    /// How many entries are kept of requests that may still be repeated.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.open.len() + self.order.len()
    }

    fn forget_oldest(&mut self) {
        let Self { open, order, given_up, lost, .. } = self;
        let is_open = |(key, number): &(Key, u64)| open.get(key).is_some_and(|open| open.evidence.number == *number);
        if order.len() > 2 * MOST_OPEN {
            order.retain(is_open);
        }
        while open.len() > MOST_OPEN
            && let Some((key, number)) = order.pop_front()
        {
            if let Some(old) = open.get(&key).filter(|open| open.evidence.number == number) {
                if old.makes {
                    lost.add(&old.evidence);
                } else {
                    given_up.add(&old.evidence);
                }
                open.remove(&key);
            }
        }
    }

    /// Those that were never sent again so far.
    fn missing(&self, makes: bool) -> Missing {
        let mut missing = if makes { self.lost.clone() } else { self.given_up.clone() };
        let mut open: Vec<_> =
            self.open.values().filter(|open| open.makes == makes).map(|open| &open.evidence).collect();
        open.sort_by_key(|evidence| evidence.number);
        for evidence in open {
            missing.add(evidence);
        }
        missing
    }

    /// What came of everything; `requests` is how many there were.
    pub(super) fn items(&self, requests: u64) -> Items {
        let (lost, given_up) = (self.missing(true), self.missing(false));
        Items {
            moved: self.moved,
            made: self.made.len() as u64,
            requests_per_item: (self.moved > 0).then(|| requests as f64 / self.moved as f64),
            lost: lost.count,
            doubled: self.doubled,
            made_again: self.repeated,
            given_up: given_up.count,
            evidence: lost.shown.into_iter().chain(self.doubles.clone()).chain(given_up.shown).collect(),
        }
    }
}
