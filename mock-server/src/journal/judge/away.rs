//! How a client comes back after the server was in trouble.
//!
//! A brownout is a time in which at least half of what the client asked came to nothing because the server, or the way to
//! it, was in no state to answer. It is recovered from when the client is served again, and at full speed when it is
//! served at four fifths of the rate of the minute before.

use std::collections::BTreeMap;

use super::card::Brownout;
use super::is_trouble;
use crate::journal::told::Told;
use crate::time::NANOSECONDS;

/// Seconds that are looked at together, so that single failures among many answers are none (assumed).
const TOGETHER: u64 = 5;

/// How many failures within these make a brownout (assumed).
const FAILURES: u32 = 3;

/// The rate before a brownout is that of so many seconds (assumed).
const BEFORE: u64 = 60;

/// The rate after it is that of so many seconds (assumed).
const AFTER: u64 = 10;

/// The share of the rate before that counts as full speed (assumed).
const FULL: f64 = 0.8;

/// One second of requests.
#[derive(Copy, Clone, Debug, Default)]
struct Second {
    answered: u32,
    failed: u32,
}

/// Counts answers and failures by the second.
#[derive(Clone, Debug, Default)]
pub(super) struct Away {
    seconds: BTreeMap<u64, Second>,
}

impl Away {
    pub(super) fn hear(&mut self, told: &Told<'_>) {
        let failed = told.refusal.is_some_and(is_trouble) || (told.refusal.is_none() && told.is_spoiled);
        if !failed && !told.is_answered() {
            return;
        }
        let second = self.seconds.entry(told.answered.0 / NANOSECONDS).or_default();
        if failed {
            second.failed += 1;
        } else {
            second.answered += 1;
        }
    }

    fn sum(&self, from: u64, until: u64) -> Second {
        self.seconds.range(from..until).fold(Second::default(), |sum, (_, second)| Second {
            answered: sum.answered + second.answered,
            failed: sum.failed + second.failed,
        })
    }

    /// Whether a second is part of a brownout, by itself or with those before it.
    fn is_brown(&self, second: u64) -> bool {
        let brown = |sum: Second| sum.failed >= FAILURES && sum.failed >= sum.answered;
        brown(self.sum(second, second + 1)) || brown(self.sum((second + 1).saturating_sub(TOGETHER), second + 1))
    }

    /// All brownouts, in order.
    pub(super) fn brownouts(&self) -> Vec<Brownout> {
        let mut found: Vec<(u64, u64)> = Vec::new();
        for (&second, counts) in &self.seconds {
            if counts.failed == 0 || !self.is_brown(second) {
                continue;
            }
            let begun = (second + 1).saturating_sub(TOGETHER)..=second;
            let first =
                self.seconds.range(begun).find(|(_, counts)| counts.failed > 0).map_or(second, |(&first, _)| first);
            match found.last_mut() {
                Some((_, last)) if first <= *last + TOGETHER => *last = second,
                _ => found.push((first, second)),
            }
        }
        found.into_iter().map(|(first, last)| self.brownout(first, last)).collect()
    }

    fn brownout(&self, first: u64, last: u64) -> Brownout {
        let begins = self.seconds.keys().next().copied().unwrap_or(first).max(first.saturating_sub(BEFORE));
        let before = self.sum(begins, first);
        let rate = if first > begins { f64::from(before.answered) / (first - begins) as f64 } else { 0.0 };
        let served = self.seconds.range(last + 1..).find(|(_, counts)| counts.answered > 0).map(|(&second, _)| second);
        let end = self.seconds.keys().next_back().copied().unwrap_or(last);
        let full = |second: &u64| f64::from(self.sum(*second, second + AFTER).answered) >= FULL * rate * AFTER as f64;
        let at_speed = (last + 1..=(end + 1).saturating_sub(AFTER)).find(full).filter(|_| rate > 0.0);
        Brownout {
            from_seconds: first as f64,
            until_seconds: (last + 1) as f64,
            failures: u64::from(self.sum(first, last + 1).failed),
            served_again_after_seconds: served.map(|second| (second - last) as f64),
            full_speed_after_seconds: at_speed.map(|second| (second - last) as f64),
        }
    }
}
