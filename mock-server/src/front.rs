//! Sockets: listens, reads requests, asks the service, waits until the answer is ready, writes it.
//!
//! The only place of this crate that does I/O or reads a clock. Decides nothing about mailboxes, limits or faults.

pub mod clock;
