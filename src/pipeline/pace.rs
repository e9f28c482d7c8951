//! How fast to ask: per mailbox and side, and per side for the whole tenant.
//!
//! [`machine`] decides for one mailbox on one side and [`side`] for all mailboxes together. Both are made of the same
//! parts: a [`width`] (how much at once) and a [`learned`] limit (how much in a span), which find out by being refused
//! what nobody told us, sit just below it and look now and then whether there is more ([`trial`]); and [`window`]s of
//! limits that are known beforehand. All of them obey what the servers ask for and know nothing of what is asked.

pub mod learned;
pub mod machine;
pub mod side;
pub mod trial;
pub mod width;
pub mod window;

mod evidence;
mod known;
