//! People at work beside a wave.

use schemars::JsonSchema;

/// People at work with their mailboxes while a wave runs. Nobody else is if absent.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Background {
    /// Factor on what the people of all mailboxes ask of the source.
    pub source: Option<f64>,
    /// Factor on what the people of all mailboxes ask of the target.
    pub target: Option<f64>,
    /// The programs that they use: some of `outlook`, `mobile`, `web` and `chat`.
    pub programs: Option<Vec<String>>,
    /// The local time of the week at which a run begins, such as `Tue 10:00`.
    pub starts: Option<String>,
}
