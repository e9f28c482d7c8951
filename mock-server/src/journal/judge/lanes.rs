//! How many requests a client has under way, and whether it takes fewer when it is told that they are too many.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::card::{Discipline, Evidence};
use crate::journal::told::Told;
use crate::time::{Moment, Span};
use crate::wire::refusal::RefusalKind;

/// How many requests Outlook's limit lets an app have under way on one mailbox (learn.microsoft.com/graph/throttling-limits,
/// "Outlook service limits").
pub const DOCUMENTED: usize = 4;

/// For how long after a refusal a client is watched (assumed).
const WATCHED: Span = Span::seconds(10);

/// How many of the widest moments are kept as evidence.
const WIDEST: usize = 3;

/// The requests under way on one mailbox.
#[derive(Clone, Debug, Default)]
struct Way {
    ends: BinaryHeap<Reverse<Moment>>,
    /// What the client heard last of too many being under way: when it was told, and how many they were.
    heard: Option<(Moment, usize)>,
    /// What may still be on its way: as much as there are refusals within that time.
    unheard: Vec<(Moment, usize)>,
}

impl Way {
    fn width(&mut self, now: Moment) -> usize {
        while self.ends.peek().is_some_and(|&Reverse(end)| end <= now) {
            self.ends.pop();
        }
        self.ends.len()
    }

    /// What the client has heard of too many being under way, if that was not long ago.
    fn heard(&mut self, at: Moment, grace: Span) -> Option<usize> {
        let arrived = self.unheard.extract_if(.., |(told, _)| *told + grace < at);
        self.heard = arrived.chain(self.heard).max_by_key(|(told, _)| *told);
        self.heard.filter(|(told, _)| at < *told + WATCHED).map(|(_, width)| width)
    }
}

/// Hears of requests.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    grace: Span,
    everywhere: Way,
    by_mailbox: BTreeMap<String, Way>,
    most: usize,
    most_of_a_mailbox: usize,
    beyond: u64,
    refused: u64,
    after: u64,
    as_wide: u64,
    widest: Vec<(Span, Evidence)>,
}

impl Lanes {
    pub(super) fn new(grace: Span) -> Self {
        Self {
            grace,
            everywhere: Way::default(),
            by_mailbox: BTreeMap::new(),
            most: 0,
            most_of_a_mailbox: 0,
            beyond: 0,
            refused: 0,
            after: 0,
            as_wide: 0,
            widest: Vec::new(),
        }
    }

    pub(super) fn hear(&mut self, told: &Told<'_>) {
        let (at, end) = (told.at, Reverse(told.answered));
        let mailbox = told.mailbox.unwrap_or_default();
        self.most = self.most.max(self.everywhere.width(at) + 1);
        self.everywhere.ends.push(end);
        if !self.by_mailbox.contains_key(mailbox) {
            self.by_mailbox.insert(mailbox.to_owned(), Way::default());
        }
        let Some(way) = self.by_mailbox.get_mut(mailbox) else { return };
        let width = way.width(at) + 1;
        way.ends.push(end);
        self.most_of_a_mailbox = self.most_of_a_mailbox.max(width);
        if let Some(then) = way.heard(at, self.grace) {
            self.after += 1;
            self.as_wide += u64::from(width >= then);
        }
        if width > DOCUMENTED {
            self.beyond += 1;
            let what = || Evidence::of(told, format!("was the request number {width} under way on its mailbox"));
            Evidence::keep(&mut self.widest, WIDEST, Span(width as u64), what);
        }
        if matches!(told.refusal, Some(RefusalKind::ConcurrencyLimit | RefusalKind::ConnectionCount)) {
            self.refused += 1;
            way.unheard.push((told.answered, width));
        }
    }

    pub(super) fn discipline(&self) -> Discipline {
        Discipline {
            most_at_once: self.most,
            most_at_once_of_a_mailbox: self.most_of_a_mailbox,
            calls_beyond_four: self.beyond,
            refusals: self.refused,
            calls_after_refusals: self.after,
            as_many_as_before: self.as_wide,
            evidence: self.widest.iter().map(|(_, evidence)| evidence.clone()).collect(),
        }
    }
}
