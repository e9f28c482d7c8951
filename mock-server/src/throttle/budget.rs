//! The budget of EWS: a token bucket of service time.
//!
//! Documented (Microsoft, "Exchange workload management" and "EWS throttling in Exchange"): a caller may use a burst,
//! then its calls are delayed a little (micro-delays), then it is blocked when the cutoff balance is reached, and it is
//! let in again as its budget recharges. How long the delays are, and how far the budget must recharge, is not
//! published. What is done here is assumed:
//!
//! * The service time of a call is taken from the balance when the call begins, all at once.
//! * While the balance is below zero, each call is delayed by [`LONGEST_DELAY`] times the share of the cutoff that is
//!   used up: nothing at zero, the longest delay at the cutoff. Shape and top are those of the processor throttling of
//!   Exchange 2010 (0 to 500 ms, linear; Microsoft, "EWS throttling in Exchange").
//! * Once the balance is below minus the cutoff, the caller is blocked until the balance is back at zero. The announced
//!   wait (`BackOffMilliseconds`) is the time until then.

use crate::time::{Moment, Span};

/// The delay of a call when the balance has reached the cutoff; assumed, see the head of this file.
pub(super) const LONGEST_DELAY: Span = Span::milliseconds(500);

/// Nanoseconds in an hour. Balances are counted in this fraction of a nanosecond, so that recharging is exact.
const HOUR: i128 = 3_600_000_000_000;

/// The numbers of a budget, as in [`super::limit::Rule::Budget`].
#[derive(Copy, Clone, Debug)]
pub(super) struct Terms {
    /// Service time that may be used at once.
    pub(super) burst: Span,
    /// Service time regained each hour.
    pub(super) recharge_per_hour: Span,
    /// How far the balance may fall below zero.
    pub(super) cutoff: Span,
}

/// One caller's balance.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    /// Nanoseconds of service time times [`HOUR`], as of `at`.
    balance: i128,
    at: Moment,
    blocked: bool,
}

impl Budget {
    /// A full budget.
    pub(super) fn new(terms: Terms) -> Self {
        Self { balance: exact(terms.burst), at: Moment::START, blocked: false }
    }

    /// How long a call at `now` is delayed; none if it is refused.
    #[inline]
    pub(super) fn ask(&mut self, now: Moment, terms: Terms) -> Option<Span> {
        self.recharge(now, terms);
        if 0 <= self.balance {
            self.blocked = false;
            return Some(Span::ZERO);
        }
        if self.blocked {
            return None;
        }
        // The caller is not blocked, so the deficit is at most the cutoff, and the cutoff is not zero.
        let longest = i128::from(LONGEST_DELAY.0);
        let delay = longest.saturating_mul(-self.balance) / exact(terms.cutoff).max(1);
        Some(Span(delay.min(longest) as u64))
    }

    /// The service time used up at `now`: what is missing from a full budget, debts included.
    pub(super) fn used(&mut self, now: Moment, terms: Terms) -> Span {
        self.recharge(now, terms);
        let used = (exact(terms.burst) - self.balance).max(0) / HOUR;
        Span(u64::try_from(used).unwrap_or(u64::MAX))
    }

    /// Takes the service time of a call from the balance as of the last question.
    #[inline]
    pub(super) fn charge(&mut self, served: Span, terms: Terms) {
        self.balance = self.balance.saturating_sub(exact(served));
        self.blocked |= self.balance < -exact(terms.cutoff);
    }

    /// The time from the last question until the balance is back at zero; none if it never is.
    pub(super) fn wait(&self, terms: Terms) -> Option<Span> {
        let missing = (-self.balance).max(0);
        let rate = i128::from(terms.recharge_per_hour.0);
        if rate == 0 {
            return None;
        }
        let wait = missing / rate + i128::from(missing % rate != 0);
        u64::try_from(wait).ok().map(Span)
    }

    fn recharge(&mut self, now: Moment, terms: Terms) {
        // Two numbers of 64 bits: their product is at most one bit too long.
        let gained = u128::from(now.since(self.at).0) * u128::from(terms.recharge_per_hour.0);
        let gained = i128::try_from(gained).unwrap_or(i128::MAX);
        self.balance = self.balance.saturating_add(gained).min(exact(terms.burst));
        self.at = self.at.max(now);
    }
}

fn exact(span: Span) -> i128 {
    i128::from(span.0) * HOUR
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TERMS: Terms =
        Terms { burst: Span::seconds(300), recharge_per_hour: Span::seconds(900), cutoff: Span::seconds(3_000) };

    fn check(used: u64, at: u64, expect: Option<Span>) {
        let mut budget = Budget::new(TERMS);
        assert_eq!(budget.ask(Moment::START, TERMS), Some(Span::ZERO));
        budget.charge(Span::seconds(used), TERMS);
        assert_eq!(budget.ask(Moment::START + Span::seconds(at), TERMS), expect, "{used} s used, asked at {at} s");
    }

    #[test]
    fn delays_grow_with_the_deficit_until_the_cutoff_blocks() {
        check(300, 0, Some(Span::ZERO));
        check(300 + 1_500, 0, Some(Span::milliseconds(250)));
        check(300 + 3_000, 0, Some(Span::milliseconds(500)));
        check(300 + 3_001, 0, None);
    }

    #[test]
    fn a_deficit_shrinks_by_the_recharge_rate() {
        check(300 + 1_500, 3_600, Some(Span::milliseconds(100)));
        check(300 + 900, 3_600, Some(Span::ZERO));
    }

    #[test]
    fn a_budget_never_holds_more_than_its_burst() {
        let mut budget = Budget::new(TERMS);
        budget.ask(Moment::START + Span::seconds(1_000_000), TERMS);
        budget.charge(Span::seconds(300) + Span(1), TERMS);
        assert_eq!(budget.wait(TERMS), Some(Span(4)));
    }

    #[test]
    fn a_budget_without_recharge_announces_no_wait() {
        let terms = Terms { recharge_per_hour: Span::ZERO, ..TERMS };
        let mut budget = Budget::new(terms);
        budget.charge(Span::seconds(4_000), terms);
        assert_eq!(budget.ask(Moment::NEVER, terms), None);
        assert_eq!(budget.wait(terms), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// For all budgets, and however often the blocked caller asks on the way: it is refused one nanosecond before
        /// the announced wait is over and passes without delay when it is.
        #[test]
        fn a_blocked_caller_passes_exactly_when_announced(
            burst in 0_u64..400_000_000_000,
            recharge in 1_u64..5_000_000_000_000,
            cutoff in 0_u64..4_000_000_000_000,
            excess in 1_u64..1_000_000_000_000,
            questions in prop::collection::vec(0.0_f64..1.0, 0..8),
        ) {
            let terms = Terms { burst: Span(burst), recharge_per_hour: Span(recharge), cutoff: Span(cutoff) };
            let mut budget = Budget::new(terms);
            budget.ask(Moment(5), terms);
            budget.charge(Span(burst + cutoff + excess), terms);
            prop_assert_eq!(budget.ask(Moment(5), terms), None);
            let wait = budget.wait(terms).expect("the budget recharges");
            let mut asked: Vec<u64> = questions.iter().map(|share| (share * (wait.0 - 1) as f64) as u64).collect();
            asked.sort_unstable();
            for after in asked {
                prop_assert_eq!(budget.ask(Moment(5 + after), terms), None);
                prop_assert_eq!(budget.wait(terms), Some(Span(wait.0 - after)));
            }
            prop_assert_eq!(budget.ask(Moment(5 + wait.0 - 1), terms), None);
            prop_assert_eq!(budget.ask(Moment(5 + wait.0), terms), Some(Span::ZERO));
        }
    }
}
