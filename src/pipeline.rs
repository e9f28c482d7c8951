//! The migration itself: enumerate, export, import, delta, verify, cut over, for one mailbox after another in each lane.
//!
//! Machines decide and drivers do. [`pace::machine`], [`pace::window`], [`retry`], [`batch`] and [`cutover::machine`]
//! are pure: they are told the moment and what happened, and answer with what to do. Everything else is thin
//! asynchronous code over the [`World`](crate::world::World) trait. Nothing here knows which world it is in, that HTTP
//! exists, or who listens to its events, and no clock is read but `World::now`.

pub mod batch;
pub mod cutover;
pub mod pace;
pub mod planted;
pub mod retry;
pub mod run;

mod ask;
mod changes;
mod copy;
mod delta;
mod enumerate;
mod export;
mod import;
mod job;
mod join;
mod ledger;
mod mailbox;
mod pass;
mod remove;
mod repeat;
mod tree;
mod verify;
