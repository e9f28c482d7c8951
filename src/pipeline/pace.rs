//! How fast to ask: per mailbox and side, and per side for the whole tenant.
//!
//! [`machine`] decides for one mailbox on one side, with the [`window`]s of limits that are known beforehand; [`side`]
//! decides for all mailboxes together. All of them obey what the servers ask for, learn from refusals how much at once
//! is too much, and know nothing of what is asked.

pub mod machine;
pub mod side;
pub mod window;
