//! Load as a workload of its own: when requests are due, what they ask for, and what came of them.
//!
//! Everything here is a pure function of a seed, or a machine that is told the time. Knows neither sockets nor clocks:
//! `engine::live::drive` obeys.

pub mod act;
pub mod arrival;
pub mod background;
pub mod burden;
pub mod demand;
pub mod outcome;
pub mod recorded;
pub mod shape;
pub mod tally;
pub mod users;
pub mod verdict;
