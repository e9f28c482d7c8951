//! What must hold between the directions of the codec.

mod hostile;
mod lengths;
mod refusals;
mod round_trip;
mod samples;
mod strategies;
