//! When to try for more than is known to pass, and for how much more. Pure.
//!
//! A trial that is refused costs a call, and the wait that the refusal asks for costs some throughput. So trials are rare:
//! the more refusals there were, the more calls and time lie between them, until a refusal is one of some 130 calls and
//! what waits cost is a fiftieth of the time. Where a wait costs a second, that is a trial every 50 seconds, so that a
//! limit that was raised is noticed within a minute. Both can be had where a limit lets at least two or three calls through
//! in a second; where it lets fewer, refusals stay rare and it takes longer. Where a limit lets hardly a call through for
//! each wait, 130 calls would take far too long, as when refusals that were no limit suggested one: after a hundred waits a
//! trial comes anyway, which even there is one call in a hundred. Trials that succeed follow each other at once and double,
//! so that what was found is also used within that minute.

use mock_server::time::{Moment, Span};

/// Calls that pass before the first trial (assumed).
const FEWEST_CALLS: u32 = 16;

/// Most calls that pass before a trial (assumed: a trial that fails is one refusal in so many calls, and less than one in
/// a hundred shall be refused).
const MOST_CALLS: u32 = 128;

/// A trial that was refused makes the calls before the next one so many times as many (assumed).
const LESS_OFTEN: u32 = 4;

/// A trial comes after this many times what a wait costs, when most calls lie between trials (assumed: a wait costs a
/// second at most, and ten seconds of a minute are left to use what a trial has found).
const PAUSE_WAITS: u64 = 50;

/// A trial comes after this many times what a wait costs, however few calls passed (assumed: one refusal in as many calls
/// where each wait lets one through).
const MOST_WAITS: u64 = 100;

/// When the next trial is, and how much is on trial.
#[derive(Clone, Debug)]
pub struct Trials {
    /// Calls that lie between trials.
    patience: u32,
    /// Calls that passed since the last refusal.
    quiet: u32,
    not_before: Moment,
    /// When there is a trial, however few calls passed.
    overdue: Moment,
    /// How much a trial is for; zero for the least amount.
    step: u64,
    /// What the present trial has left; absent if there is none.
    left: Option<u64>,
    /// The lowest level at which something was refused since the last trial began.
    refused: u64,
}

impl Default for Trials {
    fn default() -> Self {
        Self {
            patience: FEWEST_CALLS,
            quiet: 0,
            not_before: Moment::START,
            overdue: Moment::NEVER,
            step: 0,
            left: None,
            refused: u64::MAX,
        }
    }
}

impl Trials {
    /// How much more than is known to pass may go on trial now; `least` is the amount of a call.
    #[inline]
    #[must_use]
    pub fn room(&self, now: Moment, least: u64) -> u64 {
        match self.left {
            Some(left) => left,
            None if self.overdue <= now || self.next() <= now => self.step.max(least),
            None => 0,
        }
    }

    /// When the next trial may begin, if it is not overdue; never, as long as more calls have to pass.
    #[inline]
    #[must_use]
    pub fn next(&self) -> Moment {
        if self.quiet >= self.patience { self.not_before } else { Moment::NEVER }
    }

    /// Whether a trial is under way.
    #[must_use]
    pub fn under_way(&self) -> bool {
        self.left.is_some()
    }

    /// No trial begins before this moment, unless one is overdue.
    pub fn rest(&mut self, until: Moment) {
        self.not_before = self.not_before.max(until);
    }

    /// An amount goes on trial.
    pub fn begin(&mut self, amount: u64) {
        if self.left.is_none() {
            self.refused = u64::MAX;
        }
        self.step = self.step.max(amount);
        self.left = Some(self.left.unwrap_or(self.step).saturating_sub(amount));
    }

    /// A call passed.
    #[inline]
    pub fn passed(&mut self) {
        self.quiet = self.quiet.saturating_add(1);
    }

    /// What was on trial passed at a level: how much there was, itself included. Whether that counts: not if something
    /// was refused at that level or below it.
    pub fn succeeded(&mut self, level: u64) -> bool {
        if self.left == Some(0) {
            self.step = self.step.saturating_mul(2);
            self.left = Some(self.step);
        }
        level < self.refused
    }

    /// What was on trial came to nothing, for another reason. The trial is over without a verdict.
    pub fn dropped(&mut self) {
        self.left = None;
    }

    /// Something was refused at a level. `cost` is what the wait costs that it asks for, and `most` what such a wait may
    /// cost at most.
    pub fn refused(&mut self, level: u64, now: Moment, cost: Span, most: Span) {
        self.refused = self.refused.min(level);
        self.patience = (self.patience * LESS_OFTEN).min(MOST_CALLS);
        let pause = cost.0.saturating_mul(PAUSE_WAITS) / u64::from(MOST_CALLS) * u64::from(self.patience);
        self.not_before = self.not_before.max(now + Span(pause));
        self.overdue = now + Span(most.0.saturating_mul(MOST_WAITS));
        (self.quiet, self.step, self.left) = (0, 0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_that_succeed_double_and_one_that_fails_ends_them() {
        let mut trials = Trials::default();
        assert_eq!(trials.room(Moment(0), 1), 0);
        for _ in 0..FEWEST_CALLS {
            trials.passed();
        }
        assert_eq!(trials.room(Moment(0), 1), 1);
        trials.begin(1);
        assert_eq!(trials.room(Moment(0), 1), 0);
        assert!(trials.succeeded(5));
        assert_eq!(trials.room(Moment(0), 1), 2);
        trials.begin(1);
        trials.refused(6, Moment(0), Span::seconds(1), Span::seconds(1));
        assert_eq!(trials.room(Moment(0) + Span::seconds(99), 1), 0);
        assert!(trials.succeeded(5) && !trials.succeeded(6));
    }

    #[test]
    fn a_hundred_waits_are_enough_however_few_calls_passed() {
        let mut trials = Trials::default();
        trials.begin(1);
        trials.refused(6, Moment(0), Span::seconds(5), Span::seconds(5));
        assert_eq!(trials.room(Moment(0) + Span::seconds(499), 1), 0);
        assert_eq!(trials.room(Moment(0) + Span::seconds(500), 1), 1);
    }

    #[test]
    fn a_second_that_each_refusal_costs_is_a_fiftieth_of_the_time() {
        let mut trials = Trials::default();
        for _ in 0..100 {
            trials.begin(1);
            trials.refused(6, Moment(0), Span::seconds(1), Span::seconds(1));
        }
        for _ in 0..MOST_CALLS {
            trials.passed();
        }
        assert_eq!(trials.room(Moment(0) + Span::seconds(49), 1), 0);
        assert_eq!(trials.room(Moment(0) + Span::seconds(50), 1), 1);
    }
}
