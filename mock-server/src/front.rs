//! Sockets: listens, reads requests, asks the service, waits until the answer is ready, writes it.
//!
//! The only place of this crate that touches sockets or waits. Decides nothing about mailboxes, limits or faults.

pub mod access;
pub mod beside;
pub mod body;
pub mod bounds;
mod challenge;
pub mod clock;
mod coding;
pub mod desk;
mod entra;
pub mod exchange;
mod folders;
mod foreign;
mod header;
pub mod listen;
pub mod pending;
mod proxy;
pub mod server_timing;
mod socket;
pub mod tls;
mod visit;
