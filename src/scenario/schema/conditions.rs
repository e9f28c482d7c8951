//! What a side has beyond limits, faults and costs, as the schema describes it.

use schemars::JsonSchema;

use super::{Count, CountPer, Duration, Protocol, Share, SizePer};

/// A policy: the name of a preset, or a table.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum PolicyEntry {
    /// The name of a preset.
    Preset(String),
    /// A policy that is written out, or a preset of which something is changed.
    Table(Box<Policy>),
}

/// A policy that is written out, or a preset of which something is changed.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Policy {
    /// The preset to start from.
    pub preset: Option<String>,
    /// Its name in reports.
    pub name: Option<String>,
    /// How windows count: `sliding`, `fixed` or `bucket`.
    pub meter: Option<String>,
    /// Most requests in a span.
    pub requests: Option<CountPer>,
    /// Most requests that write in a span.
    pub writes: Option<CountPer>,
    /// Most items in a span.
    pub items: Option<CountPer>,
    /// Most Entra resource units in a span.
    pub resource_units: Option<CountPer>,
    /// Most uploaded bytes in a span.
    pub upload: Option<SizePer>,
    /// Bucket: the most that it holds, in what it counts; what comes back in one span if absent.
    pub holds: Option<Count>,
    /// Most requests at once.
    pub concurrency: Option<Count>,
    /// Budget: service time that may be used at once.
    pub burst: Option<Duration>,
    /// Budget: service time regained each hour.
    pub recharge_per_hour: Option<Duration>,
    /// Budget: how far the balance may fall below zero.
    pub cutoff: Option<Duration>,
    /// Budget: how long a call with several items may run before the rest is left undone.
    pub longest_batch: Option<Duration>,
    /// Who shares it: any of `app`, `mailbox`, `user`, `tenant`, `address`, `database` and `server`; empty for everybody.
    pub scope: Option<Vec<String>>,
    /// The operations that it concerns; all if empty.
    pub operations: Option<Vec<String>>,
    /// The protocols in which calls are concerned; all, and administration as well, if empty.
    pub protocols: Option<Vec<Protocol>>,
    /// The apps that it concerns, by number; all if empty.
    pub apps: Option<Vec<u32>>,
    /// Whether refused requests count as well.
    pub refused_count: Option<bool>,
    /// What a refused client sees.
    pub refusal: Option<String>,
    /// What is said about waiting: `exact`, `constant`, `missing`, `too-short` or `growing`.
    pub announce: Option<String>,
    /// The wait that is announced if it is constant, or the first one if it grows.
    pub retry_after: Option<Duration>,
    /// The share of the right wait that is announced, if that is too short.
    pub announced_share: Option<Share>,
    /// By which factor an announced wait grows with every refusal in a row.
    pub growth: Option<f64>,
    /// The longest wait that is announced, if it grows.
    pub longest_retry_after: Option<Duration>,
    /// How the wait is written: `seconds`, `decimals` or `date`.
    pub retry_after_form: Option<String>,
}

/// Where mailboxes are, for what tenants, databases and servers share.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Topology {
    /// Mailboxes of one tenant, by number; all are of one tenant if absent.
    pub mailboxes_per_tenant: Option<Count>,
    /// How many databases there are.
    pub databases: Option<Count>,
    /// How many servers hold them.
    pub servers: Option<Count>,
}
