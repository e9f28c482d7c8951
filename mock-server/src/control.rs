//! The control desk: what a person or a test looks at and changes while the server runs, under [`PREFIX`].
//!
//! A [`tank::Tank`] stands before the desk, keeps a journal of what passes, and answers the control routes itself. It
//! knows the service and the front; neither knows it. Control requests are never judged, priced or journaled.

pub mod access;
mod acts;
mod faults;
mod har;
pub mod journal;
mod limits;
mod mailboxes;
mod metrics;
mod page;
mod policies;
mod reply;
mod resources;
pub mod tank;
mod tricks;
mod words;

/// Where the control routes begin.
pub const PREFIX: &str = "/_tank";
