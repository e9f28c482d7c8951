//! The front over real sockets.

mod client;
mod sockets;
