//! The front over real sockets.

mod client;
mod mail;
mod program;
mod sockets;
