//! What a judge says of clients.

use std::collections::BTreeMap;

use serde::Serialize;

use super::goal::Verdict;
use crate::journal::told::Told;
use crate::time::Span;

/// The version of this format.
pub const SCHEMA: &str = "wavetank.scorecard/1";

/// How all clients did.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Scorecard {
    /// The version of this format.
    pub schema: &'static str,
    /// A card for each client.
    pub clients: Vec<Card>,
    /// Whether they kept to the goals that a scenario states.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<Verdict>,
}

impl Scorecard {
    /// A scorecard of some clients, without goals.
    #[must_use]
    pub fn new(clients: Vec<Card>) -> Self {
        Self { schema: SCHEMA, clients, goals: Vec::new() }
    }

    /// Whether all goals were met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.goals.iter().all(|goal| goal.met)
    }
}

/// How one client did.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Card {
    /// What it calls itself.
    pub client: String,
    /// The number of the app; zero for clients with a password.
    pub app: u32,
    /// From its first request to its last answer.
    pub seconds: f64,
    /// What it asked and what came of it.
    pub volume: Volume,
    /// Whether it waits when it is told to.
    pub retry_after: Obedience,
    /// How many requests it has under way.
    pub concurrency: Discipline,
    /// What it sent in vain.
    pub waste: Waste,
    /// Whether everything was done once.
    pub items: Items,
    /// How it came back after the server was in trouble.
    pub brownouts: Vec<Brownout>,
    /// Whether it treats mailboxes alike.
    pub fairness: Fairness,
}

/// What a client asked and what came of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Volume {
    /// All requests.
    pub requests: u64,
    /// Those that were answered, errors of the request's own included.
    pub answered: u64,
    /// Those that a limit refused.
    pub throttled: u64,
    /// Those that came to nothing because the server, or the way to it, failed.
    pub failed: u64,
    /// Refusals and failures by kind, requests that were wrong included.
    pub refusals: BTreeMap<&'static str, u64>,
    /// Bytes of all request bodies.
    pub sent_bytes: u64,
    /// Bytes of request bodies that were refused or failed.
    pub wasted_bytes: u64,
}

impl Volume {
    pub(super) fn count(&mut self, told: &Told<'_>) {
        self.requests += 1;
        self.sent_bytes += told.request_bytes;
        if let Some(kind) = told.refusal {
            *self.refusals.entry(kind.name()).or_default() += 1;
        }
        let vain = match told.refusal {
            Some(kind) if kind.is_throttle() => &mut self.throttled,
            Some(kind) if kind.is_transient() => &mut self.failed,
            None if told.is_spoiled => &mut self.failed,
            _ => {
                self.answered += 1;
                return;
            }
        };
        *vain += 1;
        self.wasted_bytes += told.request_bytes;
    }

    pub(super) fn waste(&self) -> Waste {
        let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        Waste {
            requests_share: share(self.throttled, self.requests),
            bytes: self.wasted_bytes,
            bytes_share: share(self.wasted_bytes, self.sent_bytes),
        }
    }
}

/// Whether a client waits when it is told to.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Obedience {
    /// Refusals that announced a wait.
    pub waits_announced: u64,
    /// Waits during which the client asked.
    pub waits_broken: u64,
    /// Requests that came before a wait was over.
    pub calls_too_early: u64,
    /// Their share of all requests.
    pub share_of_calls: f64,
    /// How long before its time the earliest came.
    pub worst_early_seconds: f64,
    /// The worst.
    pub evidence: Vec<Evidence>,
}

/// How many requests a client has under way.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Discipline {
    /// Most at once.
    pub most_at_once: usize,
    /// Most at once on one mailbox.
    pub most_at_once_of_a_mailbox: usize,
    /// Requests that arrived while four others on the same mailbox were under way.
    pub calls_beyond_four: u64,
    /// Refusals because too many were under way.
    pub refusals: u64,
    /// Requests on the same mailbox within ten seconds after such a refusal.
    pub calls_after_refusals: u64,
    /// Those of them that were one of no fewer at once than what had been refused.
    pub as_many_as_before: u64,
    /// The widest moments.
    pub evidence: Vec<Evidence>,
}

/// What was sent in vain.
#[derive(Copy, Clone, PartialEq, Debug, Serialize)]
pub struct Waste {
    /// The share of requests that limits refused.
    pub requests_share: f64,
    /// Bytes of request bodies that were refused or failed.
    pub bytes: u64,
    /// Their share of all bytes sent.
    pub bytes_share: f64,
}

/// Whether everything was done once.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Items {
    /// Items that were moved, made or removed.
    pub moved: u64,
    /// Different things that were made.
    pub made: u64,
    /// Requests for each item moved; absent if none was.
    pub requests_per_item: Option<f64>,
    /// Things that were refused and never made.
    pub lost: u64,
    /// Things that were made again after the answer to the first time was lost.
    pub doubled: u64,
    /// Things that were made again although the first time was answered; the client may have meant it.
    pub made_again: u64,
    /// Requests that make nothing, were refused, and were never repeated with success.
    pub given_up: u64,
    /// The first of each.
    pub evidence: Vec<Evidence>,
}

/// A time in which the server was in trouble.
#[derive(Copy, Clone, PartialEq, Debug, Serialize)]
pub struct Brownout {
    /// When the client met it first, since the beginning.
    pub from_seconds: f64,
    /// When the client met it last.
    pub until_seconds: f64,
    /// Requests that came to nothing.
    pub failures: u64,
    /// How long until the client was served again; absent if it never was.
    pub served_again_after_seconds: Option<f64>,
    /// How long until it was served as fast as before; absent if it never was, or had not been served before.
    pub full_speed_after_seconds: Option<f64>,
}

/// Whether mailboxes are treated alike.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Fairness {
    /// Mailboxes that the client asked about.
    pub mailboxes: u64,
    /// Those with enough answers to be compared.
    pub compared: u64,
    /// Jain's index of the rates at which they were served: 1 if all are alike; absent for fewer than two.
    pub jain: Option<f64>,
    /// The mailbox that was served fastest.
    pub fastest: Option<Share>,
    /// The mailbox that was served slowest.
    pub slowest: Option<Share>,
}

/// How fast a mailbox was served.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Share {
    /// The mailbox, by address.
    pub mailbox: String,
    /// Answers each second, from its first request to its last answer.
    pub answers_per_second: f64,
}

/// A request that shows something.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Evidence {
    /// Its number in the journal.
    pub number: u64,
    /// When it arrived, since the beginning.
    pub at_seconds: f64,
    /// The mailbox, by address.
    pub mailbox: String,
    /// What it is about.
    pub subject: String,
    /// What it shows.
    pub what: String,
}

impl Evidence {
    pub(super) fn of(told: &Told<'_>, what: String) -> Self {
        Self {
            number: told.number,
            at_seconds: told.at.as_seconds(),
            mailbox: told.mailbox.unwrap_or_default().to_owned(),
            subject: told.subject.name().into_owned(),
            what,
        }
    }

    /// Keeps the worst few, worst first.
    pub(super) fn keep(worst: &mut Vec<(Span, Self)>, most: usize, by: Span, evidence: impl FnOnce() -> Self) {
        let place = worst.partition_point(|(other, _)| *other >= by);
        if place < most {
            worst.insert(place, (by, evidence()));
            worst.truncate(most);
        }
    }
}
