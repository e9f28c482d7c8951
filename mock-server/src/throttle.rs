//! Limits: pure machines that are asked in order whether a call may pass, and say when to come back if not.
//!
//! A [`stack::Stack`] holds the limits of one server and what they remember; [`preset`] holds the published numbers.
//! [`policy`] is the general form: any meter, shared by any combination of those who call, with any announcement.
//! [`health`] is what a busy service does to calls whatever they have used up.
//! Knows nothing of protocols and their bytes, of mailbox content or of clocks: `now` is a parameter.

pub mod change;
pub mod health;
pub mod limit;
pub mod policy;
pub mod preset;
pub mod stack;

mod budget;
mod lane;
#[cfg(test)]
mod laws;
mod machine;
mod rows;
mod window;
