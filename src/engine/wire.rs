//! The pipeline's side of HTTP: where a server is, and kept connections to it.
//!
//! Knows nothing of mailboxes, of what requests mean, or of when to repeat them.

pub mod pool;
pub mod url;
