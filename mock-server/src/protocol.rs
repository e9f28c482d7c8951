//! What real clients ask, carried out on a mailbox and written back. Knows wire and mailbox, not limits, faults, sockets.

pub mod autodiscover;
pub mod ews;
pub mod graph;
pub mod host;
pub mod openid;
mod zones;
