//! Whether a client waits when it is told to.
//!
//! A wait that a refusal announces holds for whom the refusal is about: everything that the client does where the limit
//! is the app's, the one request where too many were under way, otherwise the mailbox. A request that arrives before the
//! wait is over came too early, unless it may have been sent before the refusal was heard. Whoever is refused again does not
//! get the time to hear of that refusal for those before it.

use std::collections::BTreeMap;

use super::card::{Evidence, Obedience};
use crate::journal::record::Key;
use crate::journal::told::Told;
use crate::time::{Moment, Span};
use crate::wire::refusal::RefusalKind;

/// How much earlier than announced a request may arrive, because clocks count in steps (15.6 ms on Windows).
const CLOCKS: Span = Span::milliseconds(16);

/// How many of the worst are kept as evidence.
const WORST: usize = 3;

/// An announced wait.
#[derive(Clone, Debug)]
struct Wait {
    /// When the refusal left.
    said: Moment,
    /// When the wait is over.
    until: Moment,
    /// The refused request.
    number: u64,
    broken: bool,
}

/// The waits that hold for one thing.
#[derive(Clone, Default, Debug)]
struct Waits {
    /// Of those that were heard of, the one that holds longest.
    heard: Option<Wait>,
    /// Those that may still be on their way: as many as there are refusals within that time.
    unheard: Vec<Wait>,
}

impl Waits {
    /// The wait that holds for a request, of which its client has heard.
    fn binding(&mut self, at: Moment, grace: Span) -> Option<&mut Wait> {
        for wait in self.unheard.extract_if(.., |wait| wait.said + grace < at) {
            if self.heard.as_ref().is_none_or(|known| known.until <= wait.until) {
                self.heard = Some(wait);
            }
        }
        self.heard.as_mut().filter(|wait| at + CLOCKS < wait.until)
    }

    fn add(&mut self, new: Wait) {
        // What was said before, and holds as long, leaves nothing to the new one.
        if !self.unheard.last().is_some_and(|known| known.said <= new.said && new.until <= known.until) {
            self.unheard.push(new);
        }
    }

    fn is_over(&self, at: Moment) -> bool {
        self.heard.iter().chain(&self.unheard).all(|wait| wait.until <= at)
    }
}

/// Hears of refusals and of what follows them.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    grace: Span,
    everything: Waits,
    by_mailbox: BTreeMap<String, Waits>,
    by_request: BTreeMap<Key, Waits>,
    announced: u64,
    broken: u64,
    early: u64,
    worst: Vec<(Span, Evidence)>,
}

impl Patience {
    pub(super) fn new(grace: Span) -> Self {
        Self {
            grace,
            everything: Waits::default(),
            by_mailbox: BTreeMap::new(),
            by_request: BTreeMap::new(),
            announced: 0,
            broken: 0,
            early: 0,
            worst: Vec::new(),
        }
    }

    pub(super) fn hear(&mut self, told: &Told<'_>) {
        let mailbox = told.mailbox.unwrap_or_default();
        let (at, grace) = (told.at, self.grace);
        let waits = [Some(&mut self.everything), self.by_mailbox.get_mut(mailbox), self.by_request.get_mut(&told.key)];
        let binding = waits.into_iter().flatten().filter_map(|waits| waits.binding(at, grace));
        if let Some(wait) = binding.max_by_key(|wait| wait.until) {
            self.early += 1;
            self.broken += u64::from(!wait.broken);
            wait.broken = true;
            let (early, after, asked) = (wait.until.since(at), at.since(wait.said), wait.until.since(wait.said));
            Evidence::keep(&mut self.worst, WORST, early, || {
                let what = format!(
                    "asked again {:.3} s after request {} was told to wait {:.3} s",
                    after.as_seconds(),
                    wait.number,
                    asked.as_seconds()
                );
                Evidence::of(told, what)
            });
        }
        let (Some(kind), Some(wait)) = (told.refusal, told.wait.filter(|wait| *wait > Span::ZERO)) else { return };
        self.announced += 1;
        let said = told.answered;
        let new = Wait { said, until: said + wait, number: told.number, broken: false };
        match kind {
            RefusalKind::AppLimit => self.everything.add(new),
            RefusalKind::ConcurrencyLimit | RefusalKind::ConnectionCount => {
                self.by_request.retain(|_, waits| !waits.is_over(at));
                self.by_request.entry(told.key).or_default().add(new);
            }
            _ => match self.by_mailbox.get_mut(mailbox) {
                Some(known) => known.add(new),
                None => self.by_mailbox.entry(mailbox.to_owned()).or_default().add(new),
            },
        }
    }

    /// How well the client obeyed; `requests` is how many it made in all.
    pub(super) fn obedience(&self, requests: u64) -> Obedience {
        Obedience {
            waits_announced: self.announced,
            waits_broken: self.broken,
            calls_too_early: self.early,
            share_of_calls: if requests == 0 { 0.0 } else { self.early as f64 / requests as f64 },
            worst_early_seconds: self.worst.first().map_or(0.0, |(early, _)| early.as_seconds()),
            evidence: self.worst.iter().map(|(_, evidence)| evidence.clone()).collect(),
        }
    }
}
