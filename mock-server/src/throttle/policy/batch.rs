//! Calls with several items under a budget: the budget is checked after each item, and the next one waits or is not
//! done.
//!
//! Documented (Microsoft, "EWS throttling in Exchange" and "Exchange workload management"): the budget is checked after
//! each item and the next one waits when it is over budget; a batch may run at most one minute. That the items beyond
//! are answered one by one with an error is from the error tables ("`ErrorServerBusy`" in the item's message,
//! "`ErrorBatchProcessingStopped`").

use crate::throttle::budget::{Budget, Terms};
use crate::time::{Moment, Span};

/// How far a call with several items comes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Items that are done.
    pub done: u32,
    /// How long the items wait in all.
    pub delay: Span,
    /// Why the rest is not done.
    pub stopped: Option<Stopped>,
}

/// Why the rest of a call's items is not done.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// The budget is spent.
    Spent {
        /// The time from the end of the last item until it is back at zero; none if it never is.
        wait: Option<Span>,
    },
    /// The call has run for as long as it may.
    TooLong,
}

impl Progress {
    /// Everything is done without a wait.
    #[must_use]
    pub const fn whole(items: u32) -> Self {
        Self { done: items, delay: Span::ZERO, stopped: None }
    }

    /// The narrower of two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let narrower = if other.done < self.done { other } else { self };
        Self { delay: self.delay.max(other.delay), ..narrower }
    }
}

/// Works out how far a call comes that was admitted at `now`, takes `base` before its first item and `each` for every
/// item. The first item is always done: the question whether the call may begin was asked before.
pub(super) fn progress(
    budget: &Budget,
    terms: Terms,
    longest: Option<Span>,
    now: Moment,
    (items, base, each): (u32, Span, Span),
) -> Progress {
    let mut budget = budget.clone();
    budget.charge(base, terms);
    let (mut elapsed, mut delay) = (base, Span::ZERO);
    for done in 0..items {
        if done > 0 {
            let Some(held) = budget.ask(now + elapsed, terms) else {
                return Progress { done, delay, stopped: Some(Stopped::Spent { wait: budget.wait(terms) }) };
            };
            if longest.is_some_and(|longest| longest < elapsed + held + each) {
                return Progress { done, delay, stopped: Some(Stopped::TooLong) };
            }
            elapsed += held;
            delay += held;
        }
        elapsed += each;
        budget.charge(each, terms);
    }
    Progress { delay, ..Progress::whole(items) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TERMS: Terms =
        Terms { burst: Span::seconds(300), recharge_per_hour: Span::seconds(900), cutoff: Span::seconds(3_000) };

    #[test]
    fn a_batch_ends_after_its_minute() {
        let longest = Some(Span::seconds(60));
        let found = progress(&Budget::new(TERMS), TERMS, longest, Moment::START, (100, Span::ZERO, Span::seconds(2)));
        assert_eq!(found, Progress { done: 30, delay: Span::ZERO, stopped: Some(Stopped::TooLong) });
    }

    #[test]
    fn an_item_waits_when_the_one_before_it_spent_the_budget() {
        let mut budget = Budget::new(TERMS);
        budget.charge(Span::seconds(300), TERMS);
        let found = progress(&budget, TERMS, None, Moment::START, (2, Span::ZERO, Span::seconds(300)));
        // 300 s are owed after the first item, of which 75 s come back while it is worked on: 7.5% of 500 ms.
        assert_eq!(found, Progress { done: 2, delay: Span::microseconds(37_500), stopped: None });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// For all budgets and items: the items done never take longer than the longest batch, nor more than the budget
        /// has and one item; if some are left there is a reason; without bounds all are done.
        #[test]
        fn a_batch_never_runs_past_its_bounds(
            burst in 0_u64..20,
            recharge in 0_u64..3_600,
            cutoff in 0_u64..20,
            items in 1_u32..60,
            each in 1_u64..4_000,
            longest in prop::option::of(1_u64..60),
        ) {
            let terms = Terms {
                burst: Span::seconds(burst),
                recharge_per_hour: Span::seconds(recharge),
                cutoff: Span::seconds(cutoff),
            };
            let each = Span::milliseconds(each);
            let longest = longest.map(Span::seconds);
            let found = progress(&Budget::new(terms), terms, longest, Moment::START, (items, Span::ZERO, each));
            prop_assert!((1..=items).contains(&found.done));
            prop_assert_eq!(found.stopped.is_none(), found.done == items);
            let ran = each * u64::from(found.done) + found.delay;
            prop_assert!(found.done == 1 || longest.is_none_or(|longest| ran <= longest));
            let has = terms.burst + terms.cutoff + ran.scale(recharge as f64 / 3_600.0) + each;
            prop_assert!((each * u64::from(found.done)).0 <= has.0 + 1_000);
            if let Some(Stopped::TooLong) = found.stopped {
                prop_assert!(longest.is_some_and(|longest| longest < ran + each + Span::milliseconds(500)));
            }
        }
    }
}
