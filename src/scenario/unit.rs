//! The one unit grammar of scenario files: what is written as text, and how values are printed back.
//!
//! Everything printed here is read back as exactly the same value. Plain numbers are refused wherever a unit is
//! needed; a unit of the wrong kind is named for what it is.

pub mod distribution;
pub mod number;
pub mod rate;
pub mod size;
pub mod time;

use thiserror::Error;

/// Why a text is not a value of the wanted kind.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{message}")]
pub struct UnitError {
    /// What is wrong, lower case, without a full stop.
    pub message: String,
    /// How to write it.
    pub help: String,
}

impl UnitError {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// What a unit measures, to name it when another kind was wanted.
fn quantity_of(unit: &str) -> Option<&'static str> {
    if time::nanoseconds(unit).is_some() {
        Some("a duration")
    } else if size::bytes(unit).is_some() {
        Some("an amount of data")
    } else if unit == "%" {
        Some("a share")
    } else if unit.contains('/') {
        Some("a rate")
    } else {
        None
    }
}

/// The error for a unit that does not measure what is wanted.
fn wrong_unit(text: &str, unit: &str, wanted: &str, help: &str) -> UnitError {
    let message = match (unit.is_empty(), quantity_of(unit)) {
        (true, _) => format!("`{text}` has no unit, expected {wanted}"),
        (false, Some(quantity)) => format!("`{text}` is {quantity}, expected {wanted}"),
        (false, None) => {
            format!("`{unit}` is not a unit of {}", wanted.trim_start_matches("a ").trim_start_matches("an "))
        }
    };
    UnitError::new(message, help)
}
