//! Results as text for a terminal: no color, stable in a pipe, at most 100 columns.

pub mod beside;
pub mod forecast;
pub mod load;
pub mod run;

use std::fmt::Write;

use super::number;
use crate::event::Cause;

/// Width of the longest bar, in characters.
const BAR: f64 = 30.0;

/// One line for each cause that took time, the largest first.
fn time_by_cause(text: &mut String, shares: &[f64; Cause::ALL.len()]) {
    let mut causes: Vec<(Cause, f64)> = Cause::ALL.into_iter().zip(shares.iter().copied()).collect();
    causes.sort_by(|one, other| other.1.total_cmp(&one.1));
    for (cause, share) in causes.into_iter().filter(|(_, share)| *share >= 0.000_5) {
        line(text, &format!("  {:<18}{:>7}  {}", cause.name().replace('_', " "), number::percent(share), bar(share)));
    }
}

/// A bar whose length is a share of the longest.
fn bar(share: f64) -> String {
    "█".repeat((share.clamp(0.0, 1.0) * BAR).round() as usize)
}

/// Adds a line, without spaces at its end.
fn line(text: &mut String, content: &str) {
    writeln!(text, "{}", content.trim_end()).expect("writing to a string cannot fail");
}
