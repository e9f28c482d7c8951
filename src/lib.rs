//! wavetank answers one question with evidence: how many mailboxes can we move tonight, and this weekend, and when is
//! the whole estate done?
//!
//! A migration is tried before it happens: the real pipeline moves mailboxes over HTTP against a mock Exchange and
//! Graph server, and the very same code runs in virtual time, where a night passes in seconds. See ARCHITECTURE.md for
//! the map.

pub mod calendar;
pub mod checkpoint;
pub mod cli;
pub mod engine;
pub mod event;
pub mod forecast;
pub mod load;
pub mod metrics;
pub mod pipeline;
pub mod population;
pub mod report;
pub mod sample;
pub mod scenario;
pub mod world;
