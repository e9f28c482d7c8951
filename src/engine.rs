//! The two worlds in which the pipeline runs, and what they share.
//!
//! Knows how to run a wave; decides nothing about how a mailbox is moved, nor what a run means.

pub mod crowd;
pub mod live;
pub mod network;
pub mod order;
pub mod seed;
pub mod virtual_time;
pub mod wire;
