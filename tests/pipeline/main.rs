//! Laws of the pipeline as a whole, against the service core, in a world that is made for tests.

#[path = "../../mock-server/tests/support/content.rs"]
mod content;
mod laws;
mod odd;
mod others;
mod rig;
mod rounds;
mod strange;
mod tree;
