//! `[[crashes]]` as the schema describes it.

use schemars::JsonSchema;

use super::Duration;

/// The death of the pipeline's process.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Crash {
    /// When it dies, counted from the beginning of the run.
    pub at: Duration,
    /// How long it takes until it is started again.
    pub restart: Option<Duration>,
}
