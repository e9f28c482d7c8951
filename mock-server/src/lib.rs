//! An Exchange and Microsoft Graph server that can be throttled and broken on purpose.
//!
//! The core is pure: a [`service::core::Service`] is handed the present moment and one call, and answers at once with what
//! the client will see and when it will see it. It never waits, never reads a clock and never opens a socket; the
//! `front` does that. Nothing here knows what a migration, a scenario or a population is: what mailboxes hold comes
//! through the trait [`mailbox::content::Content`].

pub mod control;
pub mod draw;
pub mod fault;
pub mod front;
pub mod journal;
pub mod mailbox;
pub mod program;
pub mod protocol;
pub mod serve;
pub mod service;
pub mod state;
pub mod throttle;
pub mod time;
pub mod wire;
