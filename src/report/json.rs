//! Results as JSON: the types here are the published format, apart from the types that the code works with.

pub mod beside;
pub mod forecast;
pub mod load;
pub mod run;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::Cause;
use crate::scenario::plan::Plan;

/// Which scenario a result is of.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ScenarioIdentity {
    /// What it is about.
    pub title: String,
    /// Fingerprint of its values.
    pub hash: String,
    /// The seed.
    pub seed: u64,
}

impl From<&Plan> for ScenarioIdentity {
    fn from(plan: &Plan) -> Self {
        Self { title: plan.title.clone(), hash: plan.hash.clone(), seed: plan.seed }
    }
}

/// Shares by the name of their cause; they sum to one.
fn by_cause(shares: &[f64; Cause::ALL.len()]) -> BTreeMap<&'static str, f64> {
    Cause::ALL.into_iter().zip(shares).map(|(cause, share)| (cause.name(), *share)).collect()
}

/// A result as indented JSON with a final line end.
///
/// # Panics
/// Never: the types of this module have string keys and finite numbers only.
#[must_use]
pub fn render(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("result types serialize");
    text.push('\n');
    text
}
