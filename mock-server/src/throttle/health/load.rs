//! The work of real users by hour and weekday, and what it leaves for work that can wait.

use crate::time::Span;

const HOURS_OF_WEEK: u64 = 7 * 24;

/// The largest share of the service that users take: what is left is little, but never nothing.
const MOST: f64 = 0.99;

/// What share of the service real users take.
#[derive(Clone, PartialEq, Debug)]
pub struct Load {
    /// The share at the busiest hour of the busiest day, from 0 to 1.
    pub peak: f64,
    /// Each hour's part of the peak, from 0 to 1, from midnight on; in between it changes evenly.
    pub by_hour: [f64; 24],
    /// Each day's part of the peak, from 0 to 1, from Monday on.
    pub by_day: [f64; 7],
    /// The share from which users slow each other, too.
    pub crowded: f64,
    /// How far the week has come when the run begins, from Monday, midnight; what the wall clock shows if absent.
    pub week_at_start: Option<Span>,
}

/// Hours of an office day (assumed): quiet at night, two humps around lunch.
pub const OFFICE_HOURS: [f64; 24] = [
    0.05, 0.04, 0.04, 0.04, 0.05, 0.08, 0.20, 0.50, 0.85, 1.00, 1.00, 0.95, 0.75, 0.90, 0.95, 0.90, 0.80, 0.55, 0.30,
    0.22, 0.18, 0.14, 0.10, 0.07,
];

/// Days of an office week (assumed).
pub const OFFICE_DAYS: [f64; 7] = [1.0, 0.98, 0.95, 0.95, 0.85, 0.20, 0.18];

impl Load {
    /// An office with this share at its busiest hour; users slow each other from 80% on (assumed).
    #[must_use]
    pub const fn office(peak: f64) -> Self {
        Self { peak, by_hour: OFFICE_HOURS, by_day: OFFICE_DAYS, crowded: 0.8, week_at_start: None }
    }

    /// The share that users take at a time of the week, counted from Monday, midnight.
    #[must_use]
    pub fn utilization(&self, week: Span) -> f64 {
        let hours = week.as_seconds() / 3_600.0;
        let (hour, part) = (hours as u64, hours - (hours as u64) as f64);
        let at = |hour: u64| {
            let hour = hour % HOURS_OF_WEEK;
            self.by_day[(hour / 24) as usize] * self.by_hour[(hour % 24) as usize]
        };
        (self.peak * (at(hour) + (at(hour + 1) - at(hour)) * part)).clamp(0.0, MOST)
    }

    /// By which factor work takes longer. Work that can wait gets what users leave; users get what they need until it is
    /// crowded.
    #[must_use]
    pub fn factor(&self, week: Span, waits: bool) -> f64 {
        let taken = self.utilization(week);
        1.0 / (1.0 - if waits { taken } else { (taken - self.crowded).clamp(0.0, MOST) })
    }
}
