//! Results for people and programs: text for a terminal, JSON for scripts, one HTML file with pictures.
//!
//! Reads results only; never reaches into an engine, and never prints: it returns what is to be printed.

pub mod html;
mod inside;
pub mod json;
pub mod number;
mod phrase;
pub mod text;
pub mod told;
