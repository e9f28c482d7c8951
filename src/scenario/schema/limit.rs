//! Limits of a server, and how they change during a run.

use schemars::JsonSchema;

use super::{Count, CountPer, Duration, Protocol, SizePer};

/// A limit: the name of a preset, or a table.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum LimitEntry {
    /// The name of a preset.
    Preset(String),
    /// A limit that is written out, or a preset of which something is changed.
    Table(Box<Limit>),
}

/// A limit that is written out, or a preset of which something is changed.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Limit {
    /// The preset to start from; then only `scope`, `operations` and `protocols` may be changed.
    pub preset: Option<String>,
    /// Its name in reports.
    pub name: Option<String>,
    /// Most requests in a span.
    pub requests: Option<CountPer>,
    /// Whether refused requests count as well.
    pub refused_count: Option<bool>,
    /// Most uploaded bytes in a span.
    pub upload: Option<SizePer>,
    /// Most requests at once.
    pub concurrency: Option<Count>,
    /// What a concurrency refusal announces as the time to wait.
    pub retry_after: Option<Duration>,
    /// Budget: service time that may be used at once.
    pub burst: Option<Duration>,
    /// Budget: service time regained each hour.
    pub recharge_per_hour: Option<Duration>,
    /// Budget: how far the balance may fall below zero.
    pub cutoff: Option<Duration>,
    /// Who shares it: `app-mailbox`, `mailbox`, `app` or `tenant`.
    pub scope: Option<String>,
    /// The operations that it concerns; all if empty.
    pub operations: Option<Vec<String>>,
    /// The protocols in which calls count; all, and administration as well, if empty.
    pub protocols: Option<Vec<Protocol>>,
    /// What a refused client sees.
    pub refusal: Option<String>,
}

/// A limit or a policy that changes during the run.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct LimitChange {
    /// From this time of the run on.
    pub at: Duration,
    /// The name of the limit or policy.
    pub limit: String,
    /// What its numbers are multiplied by, as they are written among the limits: 0.5 halves them.
    pub factor: f64,
}
