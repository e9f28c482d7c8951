//! Faults and health, as the schema describes them.

use schemars::JsonSchema;

use super::{Count, Distribution, Duration, Protocol, Share};

/// A fault: the name of a preset, or a rule.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum FaultEntry {
    /// The name of a preset.
    Preset(String),
    /// A rule.
    Rule(Box<Fault>),
}

/// Something that goes wrong on purpose.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Fault {
    /// Its name in reports.
    pub name: String,
    /// The operations that it concerns; all if empty.
    pub operations: Option<Vec<String>>,
    /// The first and the last mailbox that it concerns, by number.
    pub mailboxes: Option<[u32; 2]>,
    /// Only from this time of the run on.
    pub from: Option<Duration>,
    /// Only before this time of the run.
    pub until: Option<Duration>,
    /// Only every n-th call of a mailbox.
    pub nth: Option<Count>,
    /// The share of matching calls that are hit.
    pub rate: Option<Share>,
    /// Only attempts below this number, the first being 0.
    pub attempts_below: Option<Count>,
    /// What it does: `refuse`, `delay`, `reset`, `truncate`, `lose-answer`, `corrupt-item`, `say`, `fail-item`,
    /// `unreachable`, `drip`, `malformed`, `empty`, `wrong-length`, `twice`, `shuffled`, `expired`, `skew`, `expire-token`,
    /// `revoke-token` or `short-token`.
    pub act: String,
    /// Refuse: what the client sees.
    pub kind: Option<String>,
    /// Refuse: the HTTP status.
    pub status: Option<Count>,
    /// Refuse: the wait that is announced.
    pub retry_after: Option<Duration>,
    /// Delay: how much later the answer comes.
    pub delay: Option<Distribution>,
    /// Short token: how long tokens are good for.
    pub life: Option<Duration>,
    /// The protocols in which calls are concerned; all, and administration as well, if empty.
    pub protocols: Option<Vec<Protocol>>,
    /// The apps that it concerns, by number; all if empty.
    pub apps: Option<Vec<u32>>,
    /// The share of mailboxes that it concerns, drawn once for each.
    pub cohort: Option<Share>,
    /// Only in bursts of this length.
    pub burst_length: Option<Duration>,
    /// The share of time that is in bursts.
    pub burst_share: Option<Share>,
    /// Whether each mailbox has bursts of its own.
    pub burst_by_mailbox: Option<bool>,
    /// Whether all attempts of a request are hit alike.
    pub whole_request: Option<bool>,
    /// Say: the words, by name.
    pub words: Option<String>,
    /// Say: any body instead of words.
    pub body: Option<String>,
    /// Say: the type of the body.
    pub content_type: Option<String>,
    /// Say: how much later than usual it comes.
    pub late: Option<Distribution>,
    /// Fail-item: what is wrong with the item.
    pub error: Option<String>,
    /// Unreachable: `refused`, `tls` or `name`.
    pub door: Option<String>,
    /// Drip: over how long the body comes.
    pub over: Option<Distribution>,
    /// Skew: by how much the clock is wrong.
    pub skew: Option<Duration>,
    /// Skew: whether the clock is ahead, and not behind.
    pub ahead: Option<bool>,
}

/// What resources suffer from, and the work of real users.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Health {
    /// The preset to start from.
    pub preset: Option<String>,
    /// What resources suffer from, beyond what the preset has.
    pub episodes: Option<Vec<Episode>>,
    /// The share of the service that users take at the busiest hour of the busiest day.
    pub peak_load: Option<Share>,
    /// The share from which users slow each other.
    pub crowded: Option<Share>,
    /// How far the week has come when the run begins, from Monday, midnight.
    pub week_at_start: Option<Duration>,
    /// The operations that can wait; those of migrations if absent.
    pub discretionary: Option<Vec<String>>,
    /// The apps that people work with, by number.
    pub interactive_apps: Option<Vec<u32>>,
}

/// Something that a resource suffers from, now and then.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Episode {
    /// Its name, for readers.
    pub name: Option<String>,
    /// What suffers: `disk-latency`, `processor`, `mdb-replication`, `mdb-availability`, `content-indexing`,
    /// `mailbox-locked`, `mailbox-capacity` or `service`.
    pub resource: Option<String>,
    /// The mean time from one beginning to the next; with `from`, how often the window comes again.
    pub every: Option<Duration>,
    /// When the window begins.
    pub from: Option<Duration>,
    /// How long it lasts.
    pub length: Distribution,
    /// What has a time of its own for it: `mailbox`, `database`, `server` or `everything`.
    pub reach: Option<String>,
    /// Stall: how long work that can wait is held before it is refused.
    pub patience: Option<Duration>,
    /// Stall, down: the wait that a refusal announces.
    pub back_off: Option<Duration>,
    /// Slow: by which factor work takes longer that can wait.
    pub slow: Option<f64>,
    /// Slow: by which factor other work takes longer.
    pub slow_others: Option<f64>,
    /// Whether nothing is done for anybody.
    pub down: Option<bool>,
}
