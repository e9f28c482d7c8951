//! Whether and when to repeat a call that was refused. Pure.
//!
//! A refusal by a limit is not a failure: the call was never carried out and waiting helps, so such repeats do not use
//! up the failure budget. They have generous limits of their own, so that nothing waits forever.

use mock_server::draw::unit;
use mock_server::time::{Moment, Span};
use mock_server::wire::refusal::RefusalKind;

use crate::scenario::plan::RetryPlan;

/// Most refusals by limits that one call puts up with (assumed; a mailbox that is refused this often will not get
/// through at all).
pub const MOST_THROTTLES: u32 = 2_000;

/// The longest time that one call spends waiting for limits (assumed: longer than every back-off seen in the field,
/// `ErrorServerBusy` with 297,749 ms being a typical one, and shorter than a window).
pub const LONGEST_THROTTLED: Span = Span::seconds(6 * 3600);

/// The longest announced wait that is begun (assumed: an hour more than an allowance for a day can ask for). What is longer
/// is a mistake, or as good as a refusal for good.
pub const LONGEST_WAIT: Span = Span::seconds(25 * 3600);

/// The most that is added to a wait the server asks for, so that callers who were told the same moment do not all come
/// back at once (assumed).
pub const MOST_SPREAD: Span = Span::milliseconds(500);

/// How often one call was tried, and why it was refused so far.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct History {
    /// Refusals by limits.
    pub throttles: u32,
    /// Other failures.
    pub failures: u32,
    /// Time spent waiting for limits.
    pub throttled: Span,
}

/// What to do about a refusal.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Advice {
    /// Repeat the call, but not before this moment.
    RepeatAt(Moment),
    /// It has failed for good.
    GiveUp,
}

/// The wait before the n-th repeat on our own account: doubling from the first back-off to the longest, a share of it
/// random.
#[must_use]
pub fn back_off(plan: &RetryPlan, repeats: u32, word: u64) -> Span {
    let factor = 1u64 << repeats.min(32);
    let whole = (plan.first_back_off * factor).0.min(plan.longest_back_off.0);
    let jitter = plan.jitter.clamp(0.0, 1.0);
    Span(whole).scale(1.0 - jitter + jitter * unit(word))
}

/// What a wait that is announced to one call holds others for: no longer than a call waits, whatever a server says.
#[must_use]
pub fn bearable(announced: Option<Span>) -> Option<Span> {
    announced.map(|wait| wait.min(LONGEST_WAIT))
}

/// Decides about a refusal, given what happened to the call before. `budget` is what the mailbox has left for repeats
/// after failures, `word` a random number that belongs to this try.
#[must_use]
pub fn advise(
    plan: &RetryPlan,
    history: &History,
    kind: RefusalKind,
    asked_wait: Option<Span>,
    budget: u32,
    now: Moment,
    word: u64,
) -> Advice {
    if !kind.is_transient() {
        return Advice::GiveUp;
    }
    let asked = asked_wait.unwrap_or_default();
    if asked > LONGEST_WAIT {
        return Advice::GiveUp;
    }
    if kind.is_throttle() {
        if history.throttles >= MOST_THROTTLES || history.throttled >= LONGEST_THROTTLED {
            return Advice::GiveUp;
        }
        // A wait that is announced is obeyed; an absent one, and the zero that EWS sends with a refused connection,
        // would let the caller hammer.
        let wait = if asked > Span::ZERO {
            asked + Span(MOST_SPREAD.0.min(asked.scale(plan.jitter).0)).scale(unit(word))
        } else {
            back_off(plan, history.throttles, word)
        };
        return Advice::RepeatAt(now + wait);
    }
    if history.failures + 1 >= plan.attempts || budget == 0 {
        return Advice::GiveUp;
    }
    Advice::RepeatAt(now + back_off(plan, history.failures, word).max(asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mock_server::draw::{Purpose, hash};
    use proptest::prelude::*;

    fn plan() -> RetryPlan {
        RetryPlan {
            attempts: 5,
            first_back_off: Span::seconds(1),
            longest_back_off: Span::seconds(60),
            jitter: 0.5,
            budget: 10,
        }
    }

    fn check(history: History, kind: RefusalKind, asked: Option<Span>, budget: u32) -> Advice {
        advise(&plan(), &history, kind, asked, budget, Moment(7), hash(1, Purpose::Test, 0, 0, 0))
    }

    #[test]
    fn permanent_refusals_are_not_repeated() {
        for kind in RefusalKind::ALL.into_iter().filter(|kind| !kind.is_transient()) {
            assert_eq!(check(History::default(), kind, Some(Span::seconds(1)), 10), Advice::GiveUp);
        }
    }

    #[test]
    fn failures_end_with_the_attempts_or_the_budget() {
        let history = History { failures: 4, ..History::default() };
        assert_eq!(check(history, RefusalKind::ServerError, None, 10), Advice::GiveUp);
        assert_eq!(check(History::default(), RefusalKind::ServerError, None, 0), Advice::GiveUp);
        assert_ne!(check(History::default(), RefusalKind::ServerError, None, 1), Advice::GiveUp);
    }

    #[test]
    fn limits_do_not_use_up_the_budget_but_end_some_time() {
        let history = History { throttles: 500, failures: 4, throttled: Span::seconds(3600) };
        assert_ne!(check(history, RefusalKind::RequestLimit, None, 0), Advice::GiveUp);
        let history = History { throttles: MOST_THROTTLES, ..History::default() };
        assert_eq!(check(history, RefusalKind::RequestLimit, None, 10), Advice::GiveUp);
        let history = History { throttled: LONGEST_THROTTLED, ..History::default() };
        assert_eq!(check(history, RefusalKind::ServerBusy, None, 10), Advice::GiveUp);
    }

    #[test]
    fn a_wait_that_is_too_long_is_not_begun() {
        for kind in [RefusalKind::AppLimit, RefusalKind::Unavailable] {
            assert_ne!(check(History::default(), kind, Some(LONGEST_WAIT), 10), Advice::GiveUp);
            for longer in [LONGEST_WAIT + Span(1), Span(u64::MAX)] {
                assert_eq!(check(History::default(), kind, Some(longer), 10), Advice::GiveUp);
            }
        }
    }

    proptest! {
        #[test]
        fn no_repeat_comes_before_the_moment_asked_for(
            kind in prop::sample::select(RefusalKind::ALL.to_vec()), wait in 0u64..600_000_000_000,
            throttles in 0u32..100, word: u64,
        ) {
            let history = History { throttles, ..History::default() };
            let now = Moment(1_000);
            if let Advice::RepeatAt(at) = advise(&plan(), &history, kind, Some(Span(wait)), 10, now, word) {
                prop_assert!(at >= now + Span(wait));
                prop_assert!(at > now);
            }
        }

        #[test]
        fn back_off_doubles_to_its_longest_and_keeps_its_share_of_chance(repeats in 0u32..80, word: u64) {
            let whole = (1u64 << repeats.min(32)).min(60);
            let wait = back_off(&plan(), repeats, word);
            prop_assert!(wait <= Span::seconds(whole));
            prop_assert!(wait.0 * 2 + 1 >= Span::seconds(whole).0);
        }
    }
}
