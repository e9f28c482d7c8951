//! engine

pub mod network;
