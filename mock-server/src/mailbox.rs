//! What mailboxes hold: content that is computed ([`content`]), and what clients changed (overlay).
//!
//! Knows nothing of protocols, limits or time beyond the number of changes that have happened.

pub mod content;
pub mod reference;
