//! The front over real sockets.

mod client;
mod coding;
mod control;
mod graph;
mod mail;
mod program;
mod sockets;
