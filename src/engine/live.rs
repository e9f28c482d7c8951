//! The live world: the same pipeline over real HTTP, by the wall clock.
//!
//! Against our own mock on loopback, or against servers of the user's choice. Knows how bytes travel, and nothing of
//! what the pipeline does with the answers.

mod bystanders;
pub mod drive;
pub mod run;
pub mod server;
pub mod token;
pub mod world;

use std::io;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

/// The event queue of one thread, on which its tasks stay.
fn event_queue() -> io::Result<LocalRuntime> {
    Builder::new_current_thread().enable_all().build_local(LocalOptions::default())
}
