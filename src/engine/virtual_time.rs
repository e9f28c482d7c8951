//! The virtual world: a clock that jumps to the next thing that happens.
//!
//! One thread, one run. Independent runs go to different threads; a single run is never split, because its order of
//! events is its result.

pub mod audit;
mod crowd;
pub mod executor;
mod fetch;
mod lives;
pub mod remembered;
pub mod run;
pub mod timers;
pub mod watch;
pub mod world;
