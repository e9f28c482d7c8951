//! One call in, one reply out: authorize, fault, throttle, act, cost.
//!
//! A [`Service`](core::Service) is one mailbox server with its limits, faults, costs and mailboxes. It is handed `now`,
//! answers at once, and says when the answer is ready; it never waits. Knows nothing of bytes on a wire.

mod act;
pub mod batch;
pub mod config;
pub mod core;
pub mod cost;
pub mod credentials;
pub mod entries;
pub mod errand;
pub mod keep;
pub mod refusals;
pub mod remark;
pub mod reply;
pub mod script;
pub mod surroundings;
pub mod switch;
pub mod trace;

mod itemwise;
mod trick;
