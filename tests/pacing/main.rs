//! How well the pipeline keeps just below limits that nobody told it: how much of the theoretical maximum it reaches, how
//! much is refused, how fairly mailboxes share, and how soon it follows a limit that changes.
//!
//! Every maximum is a closed form of the scenario's numbers, stated beside the test.

mod change;
mod rig;
mod shared;
mod sick;
mod single;
