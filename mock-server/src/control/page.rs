//! The page on which an engineer watches the server and switches faults on. One file, no other origin.

/// The page.
pub(super) const PAGE: &str = include_str!("page.html");
