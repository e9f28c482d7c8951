//! What mailboxes hold: content that is computed ([`content`]), and what clients changed ([`overlay`]).
//! A [`store`] is both together for one mailbox.
//!
//! Knows nothing of protocols, limits or time beyond the number of changes that have happened.

pub mod churn;
pub mod content;
pub mod hasher;
pub mod hidden;
pub mod item;
pub mod keep;
pub mod mime;
pub mod named;
pub mod open;
pub mod overlay;
pub mod plain;
pub mod property;
pub mod records;
pub mod reference;
pub mod settings;
pub mod shelf;
pub mod store;
pub mod stream;
pub mod sync;
pub mod watch;
