//! The front over real sockets.

mod client;
mod control;
mod mail;
mod program;
mod sockets;
