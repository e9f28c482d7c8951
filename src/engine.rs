//! engine

pub mod live;
pub mod network;
pub mod wire;
