//! The front over real sockets.

mod client;
mod coding;
mod control;
mod entra;
mod ews;
mod graph;
mod mail;
mod program;
mod sockets;
mod tricks;
