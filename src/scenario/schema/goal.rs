//! `[[goals]]` as the schema describes it.

use schemars::JsonSchema;

/// What clients shall keep to, by what the servers see of them. `run`, `simulate`, `judge` and `serve` tell whether they
/// did, and exit with 1 if not.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Goal {
    /// What it is called in results.
    pub name: Option<String>,
    /// Only clients whose name contains this; every client if absent.
    pub client: Option<String>,
    /// Only what this server saw: `source` or `target`; both together if absent.
    pub server: Option<String>,
    /// What is measured: `calls_too_early`, `calls_too_early_share`, `worst_early`, `waits_broken`, `at_once`,
    /// `at_once_of_a_mailbox`, `calls_beyond_four`, `as_many_as_before`, `requests`, `failed`, `refused`, `refused_share`,
    /// `wasted_bytes`, `wasted_bytes_share`, `requests_per_item`, `moved`, `made`, `lost`, `doubled`, `made_again`,
    /// `given_up`, `brownouts`, `served_again_after`, `full_speed_after`, `fairness` or `duration`.
    pub measure: String,
    /// The most that it may be, in its unit.
    pub at_most: Option<Amount>,
    /// The least that it must be, in its unit.
    pub at_least: Option<Amount>,
}

/// An amount in the unit of a measure.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Amount {
    /// A count, a share from 0 to 1, or a ratio.
    Number(f64),
    /// A percentage, a duration or an amount of data: `"5%"`, `"30 s"`, `"1 MB"`.
    Text(String),
}
