//! How items recur (\[MS-OXOCAL\] 2.2.1.44), and when.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use super::Item;

/// How an item recurs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recurrence {
    /// On which days.
    pub pattern: Pattern,
    /// Not before this day, in the zone of the item.
    pub start: Date,
    /// How long.
    pub range: Range,
    /// The time zone of the days, as the client named it.
    pub zone: Arc<str>,
    /// Occurrences that were changed or deleted.
    pub exceptions: Vec<Exception>,
}

/// On which days something happens.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Pattern {
    /// Every so many days.
    Daily {
        /// Days from one to the next.
        interval: u32,
    },
    /// On some days of every so many weeks.
    Weekly {
        /// Weeks from one to the next.
        interval: u32,
        /// The days.
        days: Days,
        /// The day on which weeks begin, from Monday, 0, to Sunday, 6.
        first_day: u8,
    },
    /// On one day of every so many months.
    Monthly {
        /// Months from one to the next.
        interval: u32,
        /// The day of the month; the last one where the month is shorter.
        day: u8,
    },
    /// On a weekday by its position in every so many months.
    RelativeMonthly {
        /// Months from one to the next.
        interval: u32,
        /// The days that count.
        days: Days,
        /// Which of them.
        week: Week,
    },
    /// On one day of every year.
    Yearly {
        /// The month, from 1.
        month: u8,
        /// The day of the month; the last one where the month is shorter.
        day: u8,
    },
    /// On a weekday by its position in a month of every year.
    RelativeYearly {
        /// The month, from 1.
        month: u8,
        /// The days that count.
        days: Days,
        /// Which of them.
        week: Week,
    },
    /// So long after the one before was done; only the first is known.
    Regenerating {
        /// The unit.
        unit: Unit,
        /// How many of them.
        interval: u32,
    },
}

/// A unit of time for tasks that come back after they were done.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Unit {
    Day,
    Week,
    Month,
    Year,
}

/// Which of the days of a month that count.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Week {
    First,
    Second,
    Third,
    Fourth,
    Last,
}

/// Days of the week: one bit each, Monday lowest.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Days(pub u8);

impl Days {
    /// Whether a day is among them.
    #[must_use]
    pub fn has(self, day: Weekday) -> bool {
        self.0 & 1 << day.to_monday_zero_offset() != 0
    }
}

/// How long something recurs.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Range {
    /// For ever.
    NoEnd,
    /// Up to this day, which is included.
    Until(Date),
    /// So many times.
    Count(u32),
}

/// An occurrence that is not as the pattern says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Exception {
    /// The day on which it would be.
    pub original: Date,
    /// When it would begin.
    pub original_start: Timestamp,
    /// What it is instead; absent if it was deleted.
    pub changed: Option<Box<Item>>,
}

/// Most steps of a pattern that are walked: more than any calendar shows, and a bound for hostile patterns.
const STEPS: u32 = 20_000;

impl Recurrence {
    /// The days of the pattern from `from` to `to`, both included, with their positions counted from zero, at most
    /// `limit` of them. Exceptions are not looked at. A pattern that never meets a day ends after 20,000 steps.
    #[must_use]
    pub fn days(&self, from: Date, to: Date, limit: usize) -> Vec<(u32, Date)> {
        let mut found = Vec::new();
        let mut position = 0;
        let last = match self.range {
            Range::Until(day) => day.min(to),
            Range::NoEnd | Range::Count(_) => to,
        };
        for step in 0..STEPS {
            let Some(days) = self.step(step) else { break };
            for day in days {
                if day < self.start {
                    continue;
                }
                if day > last || found.len() >= limit || matches!(self.range, Range::Count(count) if position >= count)
                {
                    return found;
                }
                if day >= from {
                    found.push((position, day));
                }
                position += 1;
            }
        }
        found
    }

    /// The last day, unless it recurs for ever or beyond what is walked.
    #[must_use]
    pub fn last_day(&self) -> Option<Date> {
        match self.range {
            Range::NoEnd => None,
            Range::Until(_) | Range::Count(_) => {
                self.days(self.start, Date::MAX, STEPS as usize).last().map(|(_, day)| *day)
            }
        }
    }

    /// The days of one step of the pattern, in order; none at the end of time.
    fn step(&self, step: u32) -> Option<Vec<Date>> {
        let ahead = |interval: u32| i64::from(step) * i64::from(interval.max(1));
        match self.pattern {
            Pattern::Daily { interval } => Some(vec![self.start.checked_add(ahead(interval).days()).ok()?]),
            Pattern::Weekly { interval, days, first_day } => {
                let offset = (self.start.weekday().to_monday_zero_offset() + 7 - first_day.min(6).cast_signed()) % 7;
                let week = self.start.checked_sub(i64::from(offset).days()).ok()?;
                let week = week.checked_add(ahead(interval).weeks()).ok()?;
                let all = (0..7).filter_map(|day: i64| week.checked_add(day.days()).ok());
                Some(all.filter(|day| days.has(day.weekday())).collect())
            }
            Pattern::Monthly { interval, day } => {
                let month = self.start.first_of_month().checked_add(ahead(interval).months()).ok()?;
                Some(vec![on_day(month, day)?])
            }
            Pattern::RelativeMonthly { interval, days, week } => {
                let month = self.start.first_of_month().checked_add(ahead(interval).months()).ok()?;
                Some(on_week(month, days, week).into_iter().collect())
            }
            Pattern::Yearly { month, day } => Some(vec![on_day(self.month_of(step, month)?, day)?]),
            Pattern::RelativeYearly { month, days, week } => {
                Some(on_week(self.month_of(step, month)?, days, week).into_iter().collect())
            }
            Pattern::Regenerating { .. } => (step == 0).then(|| vec![self.start]),
        }
    }

    /// The first day of a month so many years after the start.
    fn month_of(&self, years: u32, month: u8) -> Option<Date> {
        let year = self.start.first_of_year().checked_add(i64::from(years).years()).ok()?;
        Date::new(year.year(), month.cast_signed(), 1).ok()
    }
}

/// A day of the month that begins with `first`, or its last.
fn on_day(first: Date, day: u8) -> Option<Date> {
    Date::new(first.year(), first.month(), day.max(1).cast_signed().min(first.days_in_month())).ok()
}

/// A day by its position among those that count in the month that begins with `first`.
fn on_week(first: Date, days: Days, week: Week) -> Option<Date> {
    let all = (1..=first.days_in_month()).filter_map(|day| Date::new(first.year(), first.month(), day).ok());
    let mut counting = all.filter(|day| days.has(day.weekday()));
    match week {
        Week::First => counting.next(),
        Week::Second => counting.nth(1),
        Week::Third => counting.nth(2),
        Week::Fourth => counting.nth(3),
        Week::Last => counting.next_back(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn check(pattern: Pattern, range: Range, expected: &[(i8, i8)]) {
        let recurrence =
            Recurrence { pattern, start: date(2024, 1, 10), range, zone: "UTC".into(), exceptions: Vec::new() };
        let found = recurrence.days(date(2024, 1, 1), date(2024, 12, 31), 4);
        let days: Vec<_> = found.iter().map(|(_, day)| (day.month(), day.day())).collect();
        assert_eq!(days, expected, "{pattern:?}");
    }

    #[test]
    fn patterns_meet_their_days() {
        let weekend = Days(0b110_0000);
        check(Pattern::Daily { interval: 10 }, Range::Count(3), &[(1, 10), (1, 20), (1, 30)]);
        let weekly = Pattern::Weekly { interval: 2, days: Days(0b1_0101), first_day: 0 };
        check(weekly, Range::NoEnd, &[(1, 10), (1, 12), (1, 22), (1, 24)]);
        check(Pattern::Monthly { interval: 1, day: 31 }, Range::NoEnd, &[(1, 31), (2, 29), (3, 31), (4, 30)]);
        let first = Pattern::RelativeMonthly { interval: 1, days: weekend, week: Week::First };
        check(first, Range::Until(date(2024, 3, 2)), &[(2, 3), (3, 2)]);
        check(Pattern::Yearly { month: 2, day: 30 }, Range::NoEnd, &[(2, 29)]);
        let last = Pattern::RelativeYearly { month: 5, days: Days(1), week: Week::Last };
        check(last, Range::NoEnd, &[(5, 27)]);
        check(Pattern::Regenerating { unit: Unit::Day, interval: 3 }, Range::NoEnd, &[(1, 10)]);
    }

    #[test]
    fn a_pattern_without_days_ends() {
        let pattern = Pattern::Weekly { interval: 1, days: Days(0), first_day: 0 };
        check(pattern, Range::NoEnd, &[]);
    }
}
