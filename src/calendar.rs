//! When a wave may run: windows, freezes and time zones.
//!
//! Reads no clock: the date is a parameter.

pub mod opening;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

/// When in the week people's work begins if nothing says so, in hours since Monday 00:00: Tuesday 10:00 (assumed: a working
/// morning).
pub const TUESDAY_AT_TEN: f64 = 34.0;

/// Hours from Monday 00:00 to a local time of the week.
#[must_use]
pub fn hours_since_monday(day: Weekday, time: Time) -> f64 {
    f64::from(day.to_monday_zero_offset()) * 24.0 + f64::from(time.hour()) + f64::from(time.minute()) / 60.0
}

/// A window that recurs every week.
#[derive(Clone, PartialEq, Debug)]
pub struct Window {
    /// Its name, for example `evening`.
    pub name: String,
    /// The days on which it opens.
    pub days: Vec<Weekday>,
    /// Local time at which it opens.
    pub opens: Time,
    /// How many days after the opening day it closes.
    pub closes_days_later: u8,
    /// Local time at which it closes.
    pub closes: Time,
    /// The time zone of both times.
    pub zone: TimeZone,
    /// Dates on which it does not open; an opening that began before goes on to its end.
    pub freezes: Vec<Freeze>,
    /// The date whose opening, or the first after it, a forecast is made for.
    pub from: Date,
}

/// Dates on which no window opens, both ends included.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Freeze {
    /// The first date.
    pub from: Date,
    /// The last date.
    pub until: Date,
    /// Why, for reports.
    pub reason: String,
}
