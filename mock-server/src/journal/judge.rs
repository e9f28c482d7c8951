//! Judging clients from the server's side: a machine that hears records and tells how each client did.
//!
//! Whatever a client is and whatever it was written in, a server sees whether it waits when it is told to, how many
//! requests it has under way, what it sends in vain, whether it makes everything once, how fast it comes back after the
//! server was away, and whether it treats mailboxes alike. Nothing is stored but what is needed for that.

pub mod attempts;
pub mod away;
pub mod card;
pub mod goal;
pub mod hear;
pub mod lanes;
pub mod measure;
pub mod patience;
pub mod shares;
pub mod text;

use std::collections::BTreeMap;

use self::attempts::Attempts;
use self::away::Away;
use self::card::{Card, Scorecard, Volume};
use self::lanes::Lanes;
use self::patience::Patience;
use self::shares::Shares;
use super::record::Record;
use crate::time::{Moment, Span};
use crate::wire::refusal::RefusalKind;

/// How long an answer may be on its way to whoever has asked, of the wall clock: what arrives within this time after an
/// answer left may have been sent before it was heard (assumed: a far continent and a busy client).
pub const ON_ITS_WAY: Span = Span::milliseconds(250);

/// What clients are told apart by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Who {
    agent: String,
    app: u32,
}

/// Hears records in the order in which requests arrived, and judges clients.
#[derive(Clone, Debug)]
pub struct Judge {
    /// How long an answer may be on its way, in the time of the records.
    grace: Span,
    clients: BTreeMap<Who, Client>,
}

/// What is known of one client.
#[derive(Clone, Debug)]
struct Client {
    volume: Volume,
    first: Moment,
    last: Moment,
    patience: Patience,
    lanes: Lanes,
    attempts: Attempts,
    away: Away,
    shares: Shares,
}

/// Whether a refusal says that the server, or the way to it, is in no state to answer anybody.
#[must_use]
pub const fn is_trouble(kind: RefusalKind) -> bool {
    kind.is_ambiguous()
}

impl Judge {
    /// A judge of a server whose time runs so many times faster than the wall clock.
    #[must_use]
    pub fn new(time_scale: f64) -> Self {
        Self { grace: ON_ITS_WAY.scale(time_scale), clients: BTreeMap::new() }
    }

    /// Hears of a request. What concerns no mailbox, such as asking for tokens, is nobody's merit or fault.
    pub fn hear(&mut self, record: &Record) {
        if record.mailbox.is_none() && record.steps.is_empty() {
            return;
        }
        let who = Who { agent: record.user_agent.clone().unwrap_or_default(), app: record.app.unwrap_or(0) };
        let grace = self.grace;
        self.clients.entry(who).or_insert_with(|| Client::new(record.at(), grace)).hear(record);
    }

    /// How the clients did so far, in the order of their names.
    #[must_use]
    pub fn card(&self) -> Scorecard {
        let card = |(who, client): (&Who, &Client)| client.card(who);
        Scorecard::new(self.clients.iter().map(card).collect())
    }
}

impl Client {
    fn new(first: Moment, grace: Span) -> Self {
        Self {
            volume: Volume::default(),
            first,
            last: first,
            patience: Patience::new(grace),
            lanes: Lanes::new(grace),
            attempts: Attempts::default(),
            away: Away::default(),
            shares: Shares::default(),
        }
    }

    fn hear(&mut self, record: &Record) {
        let kind = record.kind();
        self.volume.count(record, kind);
        self.last = self.last.max(record.answered());
        self.patience.hear(record, kind);
        self.lanes.hear(record, kind);
        self.attempts.hear(record, kind);
        self.away.hear(record, kind);
        self.shares.hear(record);
    }

    fn card(&self, who: &Who) -> Card {
        Card {
            client: if who.agent.is_empty() { "(nameless)".to_owned() } else { who.agent.clone() },
            app: who.app,
            seconds: self.last.since(self.first).as_seconds(),
            volume: self.volume.clone(),
            retry_after: self.patience.obedience(self.volume.requests),
            concurrency: self.lanes.discipline(),
            waste: self.volume.waste(),
            items: self.attempts.items(self.volume.requests),
            brownouts: self.away.brownouts(),
            fairness: self.shares.fairness(),
        }
    }
}

#[cfg(test)]
mod tests;
