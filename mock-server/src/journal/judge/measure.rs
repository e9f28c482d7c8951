//! What a scorecard measures, by name: what goals are about.

use strum::IntoStaticStr;

use super::card::{Brownout, Card};

/// What the numbers of a measure are.
#[derive(Copy, Clone, PartialEq, Eq, Debug, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Unit {
    /// How many.
    Count,
    /// A share of a whole, from 0 to 1, that people read as a percentage.
    Share,
    /// An index from 0 to 1.
    Index,
    /// So many of one for each of another.
    Ratio,
    /// Seconds, in the time of the records.
    Seconds,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// The word for it in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// A number as people read it.
    #[must_use]
    pub fn print(self, number: f64) -> String {
        match self {
            Self::Count => format!("{number:.0}"),
            Self::Share => format!("{:.2}%", number * 100.0),
            Self::Index => format!("{number:.3}"),
            Self::Ratio => format!("{number:.2}"),
            Self::Seconds => format!("{number:.2} s"),
            Self::Bytes if number < 1e4 => format!("{number:.0} B"),
            Self::Bytes if number < 1e7 => format!("{:.1} kB", number / 1e3),
            Self::Bytes => format!("{:.1} MB", number / 1e6),
        }
    }
}

/// What a card says of a measure.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Found {
    /// So much.
    Number(f64),
    /// More than any number, because what was to come never came.
    Never(&'static str),
    /// There was nothing to measure.
    Nothing(&'static str),
}

/// Something that a scorecard measures.
#[derive(Copy, Clone, Debug)]
pub struct Measure {
    /// Its name in scenarios and results.
    pub name: &'static str,
    /// What it is, in a line.
    pub what: &'static str,
    /// What its numbers are.
    pub unit: Unit,
    of: fn(&Card) -> Found,
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Measure {
    /// What a card says of it.
    #[must_use]
    pub fn of(&self, card: &Card) -> Found {
        (self.of)(card)
    }

    /// The measure of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        MEASURES.iter().find(|measure| measure.name == name)
    }
}

const fn measure(name: &'static str, what: &'static str, unit: Unit, of: fn(&Card) -> Found) -> Measure {
    Measure { name, what, unit, of }
}

fn count(number: u64) -> Found {
    Found::Number(number as f64)
}

/// The longest of the times that it took after each brownout.
fn recovery(brownouts: &[Brownout], of: fn(&Brownout) -> Option<f64>, never: &'static str) -> Found {
    let mut longest = Found::Nothing("the client met no brownout");
    for brownout in brownouts {
        longest = match (longest, of(brownout)) {
            (_, None) => return Found::Never(never),
            (Found::Number(longest), Some(seconds)) => Found::Number(longest.max(seconds)),
            (_, Some(seconds)) => Found::Number(seconds),
        };
    }
    longest
}

/// Everything that goals can be about.
pub const MEASURES: &[Measure] = &[
    measure("calls_too_early", "requests before an announced wait was over", Unit::Count, |card| {
        count(card.retry_after.calls_too_early)
    }),
    measure("calls_too_early_share", "their share of all requests", Unit::Share, |card| {
        Found::Number(card.retry_after.share_of_calls)
    }),
    measure("worst_early", "how long before its time the earliest of them came", Unit::Seconds, |card| {
        Found::Number(card.retry_after.worst_early_seconds)
    }),
    measure("waits_broken", "announced waits during which the client asked", Unit::Count, |card| {
        count(card.retry_after.waits_broken)
    }),
    measure("at_once", "most requests under way at once", Unit::Count, |card| {
        count(card.concurrency.most_at_once as u64)
    }),
    measure("at_once_of_a_mailbox", "most requests under way at once on one mailbox", Unit::Count, |card| {
        count(card.concurrency.most_at_once_of_a_mailbox as u64)
    }),
    measure("calls_beyond_four", "requests with four others under way on their mailbox", Unit::Count, |card| {
        count(card.concurrency.calls_beyond_four)
    }),
    measure("as_many_as_before", "requests that were no fewer at once after a refusal for it", Unit::Count, |card| {
        count(card.concurrency.as_many_as_before)
    }),
    measure("requests", "all requests", Unit::Count, |card| count(card.volume.requests)),
    measure("failed", "requests that failed by the server or the way to it", Unit::Count, |card| {
        count(card.volume.failed)
    }),
    measure("refused", "requests that limits refused", Unit::Count, |card| count(card.volume.throttled)),
    measure("refused_share", "their share of all requests", Unit::Share, |card| {
        Found::Number(card.waste.requests_share)
    }),
    measure("wasted_bytes", "bytes of requests that were refused or failed", Unit::Bytes, |card| {
        count(card.waste.bytes)
    }),
    measure("wasted_bytes_share", "their share of all bytes sent", Unit::Share, |card| {
        Found::Number(card.waste.bytes_share)
    }),
    measure("requests_per_item", "amplification: requests for each item moved", Unit::Ratio, |card| {
        card.items.requests_per_item.map_or(Found::Nothing("no item was moved"), Found::Number)
    }),
    measure("moved", "items that were moved, made or removed", Unit::Count, |card| count(card.items.moved)),
    measure("made", "different things that were made", Unit::Count, |card| count(card.items.made)),
    measure("lost", "things that were refused and never made", Unit::Count, |card| count(card.items.lost)),
    measure("doubled", "things made again because an answer was lost", Unit::Count, |card| count(card.items.doubled)),
    measure("made_again", "things made again although the first time was answered", Unit::Count, |card| {
        count(card.items.made_again)
    }),
    measure("given_up", "refused requests never repeated with success", Unit::Count, |card| count(card.items.given_up)),
    measure("brownouts", "times in which the server was in trouble", Unit::Count, |card| {
        count(card.brownouts.len() as u64)
    }),
    measure("served_again_after", "time from a brownout until the client was served", Unit::Seconds, |card| {
        recovery(&card.brownouts, |one| one.served_again_after_seconds, "it was never served again")
    }),
    measure("full_speed_after", "time from a brownout until it was served as fast as before", Unit::Seconds, |card| {
        recovery(&card.brownouts, |one| one.full_speed_after_seconds, "it was never served as fast again")
    }),
    measure("fairness", "Jain's index of the rates at which mailboxes were served", Unit::Index, |card| {
        card.fairness.jain.map_or(Found::Nothing("fewer than two mailboxes had enough answers"), Found::Number)
    }),
    measure("duration", "time from the first request to the last answer", Unit::Seconds, |card| {
        Found::Number(card.seconds)
    }),
];
