//! When changes happen: how they spread over the week.

use jiff::civil::{Time, Weekday};
use mock_server::time::Span;

/// Share of a week's changes on each day, Monday first. Assumed; a non-working day has about 0.3 of a working day's
/// mail (EmailAnalytics 2021, derived).
const DAYS: [f64; 7] = [0.185, 0.19, 0.185, 0.18, 0.16, 0.05, 0.05];

/// Percent of a day's changes in each hour. Assumed: peak of 9.6% between 9 and 11, 10% between 20 and 6.
const HOURS: [f64; 24] = [
    0.7, 0.5, 0.5, 0.5, 0.5, 0.9, 1.8, 4.1, 7.8, 9.6, 9.6, 8.7, 7.3, 6.8, 7.8, 7.8, 7.3, 5.5, 3.2, 2.3, 2.1, 2.0, 1.6,
    1.1,
];

const HOURS_PER_WEEK: usize = 168;
const NANOSECONDS_PER_HOUR: f64 = 3.6e12;

/// How much of a week's changes has happened by a reading of the staging clock.
#[derive(Clone, Debug)]
pub struct Week {
    /// Hours between Monday 00:00 and the staging clock's zero.
    start: f64,
    /// Share of a week's changes before each hour since Monday 00:00.
    before: [f64; HOURS_PER_WEEK + 1],
    /// Share of a week's changes before the staging clock's zero.
    at_zero: f64,
}

impl Week {
    /// The profile for a staging clock whose zero is at a time of a weekday, local time.
    #[must_use]
    pub fn starting(weekday: Weekday, time: Time) -> Self {
        let seconds = f64::from(time.hour()) * 3600.0 + f64::from(time.minute()) * 60.0 + f64::from(time.second());
        let start = f64::from(weekday.to_monday_zero_offset()) * 24.0 + seconds / 3600.0;
        let (days, hours) = (DAYS.iter().sum::<f64>(), HOURS.iter().sum::<f64>());
        let mut before = [0.0; HOURS_PER_WEEK + 1];
        for hour in 0..HOURS_PER_WEEK {
            before[hour + 1] = before[hour] + DAYS[hour / 24] / days * HOURS[hour % 24] / hours;
        }
        before[HOURS_PER_WEEK] = 1.0;
        let mut week = Self { start, before, at_zero: 0.0 };
        week.at_zero = week.since_monday(start);
        week
    }

    /// Weeks' worth of changes between the clock's zero and a reading of it: one after exactly a week, but more on a
    /// working day than on a Sunday.
    #[must_use]
    #[inline]
    pub fn elapsed(&self, clock: Span) -> f64 {
        (self.since_monday(self.start + clock.0 as f64 / NANOSECONDS_PER_HOUR) - self.at_zero).max(0.0)
    }

    fn since_monday(&self, hours: f64) -> f64 {
        let whole = hours as u64;
        let (weeks, hour) = (whole / HOURS_PER_WEEK as u64, (whole % HOURS_PER_WEEK as u64) as usize);
        let rest = hours - whole as f64;
        let share = self.before[hour] + (self.before[hour + 1] - self.before[hour]) * rest;
        weeks as f64 + share.min(self.before[hour + 1])
    }
}

impl Default for Week {
    /// A staging clock that starts on a Monday at midnight.
    fn default() -> Self {
        Self::starting(Weekday::Monday, Time::midnight())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use proptest::prelude::*;

    use super::*;

    const HOUR: Span = Span::seconds(3_600);

    #[test]
    fn a_week_holds_a_week_wherever_it_starts() {
        for weekday in [Weekday::Monday, Weekday::Wednesday, Weekday::Sunday] {
            let week = Week::starting(weekday, time(19, 30, 0, 0));
            assert!(week.elapsed(Span::ZERO).abs() < 1e-12);
            assert!((week.elapsed(HOUR * 168) - 1.0).abs() < 1e-9);
            assert!((week.elapsed(HOUR * 336) - 2.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_sunday_holds_a_twentieth_of_the_week() {
        let week = Week::starting(Weekday::Sunday, Time::midnight());
        assert!((week.elapsed(HOUR * 24) - 0.05).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn changes_never_go_back(first in 0_u64..1 << 55, second in 0_u64..1 << 55) {
            let week = Week::starting(Weekday::Friday, time(20, 0, 0, 0));
            let (early, late) = (first.min(second), first.max(second));
            prop_assert!(week.elapsed(Span(early)) <= week.elapsed(Span(late)));
        }
    }
}
