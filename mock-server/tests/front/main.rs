//! The front over real sockets.

mod client;
mod control;
mod ews;
mod graph;
mod mail;
mod program;
mod sockets;
