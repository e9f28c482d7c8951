//! What was beside a wave, as JSON: states of stalled moves, and people at work.

use std::collections::BTreeMap;

use serde::Serialize;

use super::load::{KindReport, TimesReport};
use crate::load::tally::Tally;
use crate::metrics::beside::{Beside, People, State};
use crate::report::text::beside::refused;

/// A state in which moves were stalled.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct StateReport {
    /// `source` or `target`.
    side: &'static str,
    /// The state of a move, as Microsoft prints it.
    state: &'static str,
    /// The resource that suffered, as scenarios name it.
    resource: &'static str,
    /// Mailboxes that were in this state.
    mailboxes: u64,
    /// For how long, all of them together.
    seconds: f64,
    /// For how long the one that was longest in it.
    longest_seconds: f64,
    /// Calls that were held.
    calls_held: u64,
    /// Calls that were refused.
    calls_refused: u64,
}

impl From<&State> for StateReport {
    fn from(state: &State) -> Self {
        let stalled = &state.stalled;
        Self {
            side: state.side.name(),
            state: state.word(),
            resource: state.resource.name(),
            mailboxes: stalled.mailboxes,
            seconds: stalled.span.as_seconds(),
            longest_seconds: stalled.longest.as_seconds(),
            calls_held: stalled.held,
            calls_refused: stalled.refused,
        }
    }
}

/// What the people of one side met.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PeopleReport {
    /// Beside the wave.
    with_wave: MetReport,
    /// The same requests without a wave, if that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_wave: Option<MetReport>,
}

/// What people met.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct MetReport {
    requests: u64,
    refused: u64,
    failed: u64,
    response: TimesReport,
    kinds: BTreeMap<String, KindReport>,
}

impl From<&Tally> for MetReport {
    fn from(tally: &Tally) -> Self {
        Self {
            requests: tally.offered,
            refused: refused(tally),
            failed: tally.failures(),
            response: (&tally.response).into(),
            kinds: tally.kinds().map(|(name, kind)| (name, kind.into())).collect(),
        }
    }
}

impl From<&People> for PeopleReport {
    fn from(people: &People) -> Self {
        Self { with_wave: (&people.with).into(), without_wave: people.alone.as_ref().map(Into::into) }
    }
}

/// The states in which moves were stalled; absent where no server's health was modelled.
#[must_use]
pub fn states(beside: &Beside) -> Option<Vec<StateReport>> {
    beside.has_health().then(|| beside.states().iter().map(Into::into).collect())
}

/// What people met, by side.
#[must_use]
pub fn people(beside: &Beside) -> BTreeMap<&'static str, PeopleReport> {
    beside.people.iter().map(|people| (people.side.name(), people.into())).collect()
}
