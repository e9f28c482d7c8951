//! The front over real sockets.

mod alice;
mod client;
mod coding;
mod control;
#[path = "../support/eml.rs"]
mod eml;
mod entra;
mod ews;
mod foreign;
mod graph;
mod mail;
mod memory;
mod messages;
mod program;
mod restart;
#[path = "../support/server.rs"]
mod server;
mod sockets;
mod thunderbird;
mod tricks;
