//! Sockets: listens, reads requests, asks the service, waits until the answer is ready, writes it.
//!
//! The only place of this crate that does I/O or reads a clock. Decides nothing about mailboxes, limits or faults.

mod body;
pub mod bounds;
pub mod clock;
pub mod exchange;
pub mod listen;
pub mod server_timing;
mod socket;
