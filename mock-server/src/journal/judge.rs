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
use super::told::Told;
use crate::time::{Moment, Span};
use crate::wire::refusal::RefusalKind;

/// How long an answer may be on its way to whoever has asked, of the wall clock: what arrives within this time after an
/// answer left may have been sent before it was heard (assumed: a far continent and a busy client).
pub const ON_ITS_WAY: Span = Span::milliseconds(250);

/// Most clients that are judged apart, by what they call themselves and their apps (assumed: more than any test has).
/// Whoever comes later is judged together with the others who do, so that nobody fills the memory by making up names.
const CLIENTS: usize = 1_000;

/// What those are called who are judged together.
const OTHERS: &str = "(others)";

/// Hears records in the order in which requests arrived, and judges clients.
#[derive(Clone, Debug)]
pub struct Judge {
    /// How long an answer may be on its way, in the time of the records.
    grace: Span,
    /// By what they call themselves, and by their apps.
    clients: BTreeMap<String, BTreeMap<u32, Client>>,
    /// How many there are.
    count: usize,
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
        Self { grace: ON_ITS_WAY.scale(time_scale), clients: BTreeMap::new(), count: 0 }
    }

    /// Hears of a request. What concerns no mailbox, such as asking for tokens, is nobody's merit or fault.
    pub fn hear(&mut self, told: &Told<'_>) {
        if told.mailbox.is_none() && !told.is_work {
            return;
        }
        let (agent, app) = (told.agent.unwrap_or_default(), told.app.unwrap_or(0));
        if let Some(client) = self.clients.get_mut(agent).and_then(|apps| apps.get_mut(&app)) {
            return client.hear(told);
        }
        let (agent, app) = if self.count < CLIENTS { (agent, app) } else { (OTHERS, 0) };
        let apps = self.clients.entry(agent.to_owned()).or_default();
        let client = apps.entry(app).or_insert_with(|| {
            self.count += 1;
            Client::new(told.at, self.grace)
        });
        client.hear(told);
    }

    /// How the clients did so far, in the order of their names.
    #[must_use]
    pub fn card(&self) -> Scorecard {
        let of_name = |(agent, apps): (&String, &BTreeMap<u32, Client>)| {
            apps.iter().map(|(&app, client)| client.card(agent, app)).collect::<Vec<_>>()
        };
        Scorecard::new(self.clients.iter().flat_map(of_name).collect())
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

    fn hear(&mut self, told: &Told<'_>) {
        self.volume.count(told);
        self.last = self.last.max(told.answered);
        self.patience.hear(told);
        self.lanes.hear(told);
        self.attempts.hear(told);
        self.away.hear(told);
        self.shares.hear(told);
    }

    fn card(&self, agent: &str, app: u32) -> Card {
        Card {
            client: if agent.is_empty() { "(nameless)" } else { agent }.to_owned(),
            app,
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
