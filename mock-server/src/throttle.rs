//! Limits: pure machines that are asked in order whether a call may pass, and say when to come back if not.
//!
//! Knows nothing of protocols and their bytes, of mailbox content or of clocks: `now` is a parameter.

pub mod limit;
