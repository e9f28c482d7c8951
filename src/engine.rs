//! engine

pub mod network;
pub mod wire;
