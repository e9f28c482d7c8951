//! `simulate --format json` and `run --format json`.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::beside::{self, PeopleReport, StateReport};
use super::{ScenarioIdentity, by_cause};
use crate::metrics::summary::Summary;
use crate::report::inside::Inside;
use crate::report::told::Told;
use crate::scenario::plan::Plan;
use mock_server::journal::judge::goal::Verdict;
use mock_server::wire::refusal::RefusalKind;

/// The version of this format.
pub const SCHEMA: &str = "wavetank.run/1";

/// What a run came to.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RunReport {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// `virtual` or `live`.
    pub world: &'static str,
    /// The scenario.
    pub scenario: ScenarioIdentity,
    /// Time until the last mailbox ended.
    pub makespan_seconds: f64,
    /// How the mailboxes fared.
    pub mailboxes: MailboxesReport,
    /// How much of the wave was done inside its window; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<InsideReport>,
    /// Items copied and left behind.
    pub items: ItemsReport,
    /// Bytes of items and on the network.
    pub bytes: BytesReport,
    /// Calls by operation; operations that were not used are left out.
    pub requests: BTreeMap<&'static str, OperationReport>,
    /// Refusals by kind; kinds that did not occur are left out.
    pub refusals: BTreeMap<&'static str, u64>,
    /// Shares of lane time; they sum to one, unless no time passed.
    pub time_by_cause: BTreeMap<&'static str, f64>,
    /// What the comparison of both sides found.
    pub verification: VerificationReport,
    /// Items left behind, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// States in which moves were stalled by the servers' health, where that was modelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub move_states: Option<Vec<StateReport>>,
    /// What people met who worked beside the wave, by side.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<&'static str, PeopleReport>,
    /// Whether clients kept to the goals that the scenario states.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<Verdict>,
    /// Time that the run took; differs from one run to the next.
    pub wall_seconds: f64,
}

/// How the mailboxes fared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MailboxesReport {
    total: u64,
    completed: u64,
    /// Of these, after the window closed.
    completed_late: u64,
    failed: u64,
    half_switched: u64,
    unfinished: u64,
}

/// How much of the wave was done inside its window.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct InsideReport {
    name: String,
    open_hours: f64,
    /// Mailboxes that were completed before it closed.
    done: u64,
    /// The same as a share of the wave.
    completed_share: f64,
    /// The share that the scenario wants.
    wanted_share: f64,
    /// Whether as many were done as are wanted.
    fits: bool,
}

impl From<Inside<'_>> for InsideReport {
    fn from(inside: Inside<'_>) -> Self {
        Self {
            name: inside.window.to_owned(),
            open_hours: inside.open.as_seconds() / 3_600.0,
            done: inside.done,
            completed_share: inside.share(),
            wanted_share: inside.wanted,
            fits: inside.fits(),
        }
    }
}

/// Items copied and left behind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ItemsReport {
    copied: u64,
    skipped: u64,
}

/// Bytes of items and on the network.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BytesReport {
    copied: u64,
    skipped: u64,
    sent: u64,
    received: u64,
}

/// Calls of one operation.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct OperationReport {
    count: u64,
    latency: LatencyReport,
}

/// Time between asking and hearing, in milliseconds.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "published numbers carry their unit")]
pub struct LatencyReport {
    mean_ms: f64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl From<&Histogram<u32>> for LatencyReport {
    fn from(microseconds: &Histogram<u32>) -> Self {
        let at = |quantile| microseconds.value_at_quantile(quantile) as f64 / 1_000.0;
        Self {
            mean_ms: microseconds.mean() / 1_000.0,
            p50_ms: at(0.50),
            p90_ms: at(0.90),
            p99_ms: at(0.99),
            max_ms: microseconds.max() as f64 / 1_000.0,
        }
    }
}

/// What the comparison of both sides found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct VerificationReport {
    expected: u64,
    present: u64,
    missing: u64,
    duplicate: u64,
    skipped: u64,
    /// Left out where there are none.
    #[serde(skip_serializing_if = "is_zero")]
    added: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a run came to with everything that was beside it, as it is published.
#[must_use]
pub fn whole(plan: &Plan, told: &Told<'_>, wall_seconds: f64) -> RunReport {
    RunReport {
        move_states: beside::states(told.beside),
        people: beside::people(told.beside),
        goals: told.goals.to_vec(),
        ..report(plan, told.world, told.summary, wall_seconds)
    }
}

/// What the wave of a run came to, as it is published.
#[must_use]
pub fn report(plan: &Plan, world: &'static str, summary: &Summary, wall_seconds: f64) -> RunReport {
    let mailboxes = &summary.mailboxes;
    let found = &summary.verification;
    RunReport {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        world,
        scenario: plan.into(),
        makespan_seconds: summary.makespan.as_seconds(),
        mailboxes: MailboxesReport {
            total: mailboxes.total,
            completed: mailboxes.completed,
            completed_late: mailboxes.late(),
            failed: mailboxes.failed,
            half_switched: mailboxes.half_switched,
            unfinished: mailboxes.unfinished,
        },
        window: Inside::of(plan, mailboxes).map(InsideReport::from),
        items: ItemsReport { copied: summary.items.copied, skipped: summary.items.skipped },
        bytes: BytesReport {
            copied: summary.items.copied_bytes,
            skipped: summary.items.skipped_bytes,
            sent: summary.sent_bytes,
            received: summary.received_bytes,
        },
        requests: summary
            .requests
            .iter()
            .filter(|calls| calls.count > 0)
            .map(|calls| {
                (calls.operation.name(), OperationReport { count: calls.count, latency: (&calls.latency).into() })
            })
            .collect(),
        refusals: RefusalKind::ALL
            .into_iter()
            .zip(summary.refusals)
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| (kind.name(), count))
            .collect(),
        time_by_cause: by_cause(&summary.shares()),
        verification: VerificationReport {
            expected: found.expected,
            present: found.present,
            missing: found.missing,
            duplicate: found.duplicate,
            skipped: found.skipped,
            added: found.added,
        },
        skipped: summary.skipped.iter().cloned().collect(),
        move_states: None,
        people: BTreeMap::new(),
        goals: Vec::new(),
        wall_seconds,
    }
}
