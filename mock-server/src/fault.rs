//! Faults on purpose: rules that are asked in order whether, and how, a call goes wrong.
//!
//! A [`plan::FaultPlan`] is a pure function of the seed, the request's identity and the moment. Knows nothing of
//! protocols, content or limits.

pub mod also;
#[cfg(test)]
mod laws;
pub mod plan;
pub mod preset;
pub mod rule;
pub mod trick;
