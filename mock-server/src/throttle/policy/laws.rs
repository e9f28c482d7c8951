//! Laws that every policy keeps, whoever asks and when: closed-form envelopes, 10,000 random schedules each.

use proptest::prelude::*;

use super::announce::{Announce, Wait};
use super::asked::Asked;
use super::sharing::Sharing;
use super::stack::{Policies, Ruling};
use super::unit::Unit;
use super::{Meter, Policy};
use crate::throttle::change::PolicyChange;
use crate::time::{Moment, Span};
use crate::wire::call::Protocol;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::RefusalKind;

/// A call with so many items; every unit but requests counts them.
fn call(amount: u32) -> Asked {
    Asked {
        app: 1,
        mailbox: MailboxKey(1),
        user: 0,
        tenant: 0,
        address: 0,
        database: 0,
        server: 0,
        protocol: Protocol::Graph,
        operation: Operation::ImportItem,
        body_bytes: u64::from(amount),
        items: amount,
        resource_units: amount,
        writes: amount > 0,
    }
}

fn policy(meter: Meter, refused_count: bool) -> Policy {
    Policy { refused_count, ..Policy::new("policy", meter, Sharing::EVERYBODY, RefusalKind::RequestLimit) }
}

/// Asks, and admits what passes; the announced wait otherwise.
fn knock(policies: &mut Policies, now: Moment, asked: &Asked) -> Result<Span, Option<Span>> {
    match policies.ask(now, asked) {
        Ruling::Pass { delay } => {
            policies.admit(asked);
            Ok(delay)
        }
        Ruling::Refuse { refusal, .. } => Err(refusal.retry_after),
    }
}

/// Steps in time, of which many are zero or tiny, with amounts.
fn arrivals() -> impl Strategy<Value = Vec<(u64, u32)>> {
    let step = prop_oneof![3 => Just(0_u64), 3 => 0..2_000_000_u64, 2 => 0..1_000_000_000_u64];
    prop::collection::vec((step, 1..40_u32), 1..60)
}

/// A unit with the way in which it is counted per call.
fn units() -> impl Strategy<Value = Unit> {
    prop::sample::select(vec![Unit::Requests, Unit::Bytes, Unit::Items, Unit::ResourceUnits, Unit::Writes])
}

/// What was admitted of an arrival pattern: moment and amount.
fn admitted(policies: &mut Policies, unit: Unit, arrivals: &[(u64, u32)]) -> Vec<(Moment, u64)> {
    let (mut now, mut admitted) = (Moment::START, Vec::new());
    for (step, amount) in arrivals {
        now += Span(*step);
        let asked = call(*amount);
        if knock(policies, now, &asked).is_ok() {
            admitted.push((now, unit.of(&asked)));
        }
    }
    admitted
}

/// The largest sum of amounts in any span of `per`.
fn densest(uses: &[(Moment, u64)], per: Span) -> u64 {
    let (mut from, mut sum, mut most) = (0, 0, 0);
    for (at, amount) in uses {
        sum += amount;
        while uses[from].0 + per <= *at {
            sum -= uses[from].1;
            from += 1;
        }
        most = most.max(sum);
    }
    most
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Sliding window, envelope: no span of `per` ever holds more than the limit, whether refused calls count or not.
    #[test]
    fn a_sliding_window_never_admits_more_than_its_limit_in_any_span(
        arrivals in arrivals(), unit in units(), most in 1_u64..200, per in 1_u64..3_000_000_000, refused_count: bool,
    ) {
        let per = Span(per);
        let mut policies = Policies::new(vec![policy(Meter::Sliding { unit, most, per }, refused_count)]);
        prop_assert!(densest(&admitted(&mut policies, unit, &arrivals), per) <= most);
    }

    /// Fixed window, envelope: no frame holds more than the limit, and no span of `per` more than twice the limit.
    #[test]
    fn a_fixed_window_never_admits_more_than_its_limit_in_any_frame(
        arrivals in arrivals(), unit in units(), most in 1_u64..200, per in 1_u64..3_000_000_000, refused_count: bool,
    ) {
        let mut policies = Policies::new(vec![policy(Meter::Fixed { unit, most, per: Span(per) }, refused_count)]);
        let admitted = admitted(&mut policies, unit, &arrivals);
        for (at, _) in &admitted {
            let frame = admitted.iter().filter(|(other, _)| other.0 / per == at.0 / per);
            prop_assert!(frame.map(|(_, amount)| amount).sum::<u64>() <= most);
        }
        prop_assert!(densest(&admitted, Span(per)) <= 2 * most);
    }

    /// Token bucket, envelope: in every span between two admitted calls no more than the burst and what comes back.
    #[test]
    fn a_bucket_never_admits_more_than_its_burst_and_refill_in_any_span(
        arrivals in arrivals(), unit in units(), burst in 1_u64..200, refill in 0_u64..200,
        per in 1_u64..3_000_000_000, refused_count: bool,
    ) {
        let meter = Meter::Bucket { unit, burst, refill, per: Span(per) };
        let admitted = admitted(&mut Policies::new(vec![policy(meter, refused_count)]), unit, &arrivals);
        for first in 0..admitted.len() {
            let mut sum = 0_u128;
            for (at, amount) in &admitted[first..] {
                sum += u128::from(*amount);
                let back = u128::from(at.since(admitted[first].0).0) * u128::from(refill);
                prop_assert!(sum * u128::from(per) <= u128::from(burst) * u128::from(per) + back);
            }
        }
    }

    /// Windows and buckets, the limit is reached: whoever asks fast enough is admitted the whole allowance, and again
    /// every `per`.
    #[test]
    fn the_whole_allowance_is_admitted_when_asked_fast_enough(most in 1_u64..60, per in 1_u64..10_000_000_000) {
        let (unit, per) = (Unit::Requests, Span(per));
        for meter in [
            Meter::Sliding { unit, most, per },
            Meter::Fixed { unit, most, per },
            Meter::Bucket { unit, burst: most, refill: most, per },
        ] {
            let mut policies = Policies::new(vec![policy(meter, false)]);
            for round in 0..3 {
                let now = Moment(round * per.0);
                let admitted = (0..most + 3).filter(|_| knock(&mut policies, now, &call(1)).is_ok()).count() as u64;
                prop_assert_eq!(admitted, most, "{:?}", meter);
            }
        }
    }

    /// Windows and buckets, recovery: the call refused now passes at the announced moment and not a nanosecond earlier,
    /// where refused calls do not count; where they count, obeying the last announced wait always helps.
    #[test]
    fn recovery_takes_exactly_the_announced_time(
        arrivals in arrivals(), unit in units(), most in 40_u64..200, refill in 1_u64..200,
        per in 1_u64..3_000_000_000, early in 1_u64..1_000, refused_count: bool,
    ) {
        let per = Span(per);
        for meter in [
            Meter::Sliding { unit, most, per },
            Meter::Fixed { unit, most, per },
            Meter::Bucket { unit, burst: most, refill, per },
        ] {
            let mut policies = Policies::new(vec![policy(meter, refused_count)]);
            let mut now = Moment::START;
            for (step, amount) in &arrivals {
                now += Span(*step);
                let Err(wait) = knock(&mut policies, now, &call(*amount)) else { continue };
                let mut wait = wait.expect("each call fits the limit");
                prop_assert!(Span::ZERO < wait);
                let too_soon = wait.saturating_sub(Span(early.min(wait.0)));
                let again = knock(&mut policies, now + too_soon, &call(*amount));
                prop_assert!(again.is_err(), "{:?}", meter);
                now += too_soon;
                if refused_count {
                    wait = again.expect_err("it was refused").expect("each call fits the limit");
                } else {
                    wait = wait.saturating_sub(too_soon);
                }
                now += wait;
                prop_assert!(knock(&mut policies, now, &call(*amount)).is_ok(), "{:?}", meter);
            }
        }
    }

    /// Lanes: never more in progress than lanes, never refused while one is free, and the exact wait is right.
    #[test]
    fn lanes_are_never_exceeded_never_idle_while_refusing_and_free_when_announced(
        calls in prop::collection::vec((0..50_u64, 1..200_u64), 1..60), most in 1_u32..8,
    ) {
        let mut policies = Policies::new(vec![policy(Meter::Lanes { most }, true)]);
        let (mut now, mut in_progress) = (Moment(1), Vec::<Moment>::new());
        for (step, duration) in calls {
            now += Span(step);
            in_progress.retain(|ready| now < *ready);
            let heard = knock(&mut policies, now, &call(1));
            prop_assert_eq!(heard.is_ok(), in_progress.len() < most as usize);
            if heard.is_ok() {
                policies.settle(&call(1), now + Span(duration), Span(duration));
                in_progress.push(now + Span(duration));
            } else {
                let first = in_progress.iter().min().map(|ready| ready.since(now));
                prop_assert_eq!(heard, Err(first));
            }
        }
    }

    /// Budget: the service time of a caller that asks as fast as it may is never more than burst, cutoff, what comes
    /// back and one call, nor less than burst and what comes back; and it is let in exactly when announced.
    #[test]
    fn a_budget_admits_its_burst_its_recharge_and_no_more_than_its_cutoff_beyond(
        burst in 0_u64..100, recharge in 1_u64..3_600, cutoff in 0_u64..100, each in 1_u64..20, calls in 1_usize..40,
    ) {
        let [burst, recharge, cutoff, each] = [burst, recharge, cutoff, each].map(Span::seconds);
        let meter = Meter::Budget { burst, recharge_per_hour: recharge, cutoff, longest_batch: None };
        let mut policies = Policies::new(vec![policy(meter, true)]);
        let (mut now, mut served) = (Moment::START, Span::ZERO);
        for _ in 0..calls {
            match knock(&mut policies, now, &call(1)) {
                Ok(delay) => {
                    prop_assert!(delay <= Span::milliseconds(500));
                    policies.settle(&call(1), now + each, each);
                    served += each;
                }
                Err(wait) => {
                    let wait = wait.expect("the budget recharges");
                    prop_assert!(knock(&mut policies, now + Span(wait.0 - 1), &call(1)).is_err());
                    now += wait;
                    prop_assert_eq!(knock(&mut policies, now, &call(1)), Ok(Span::ZERO));
                    policies.settle(&call(1), now + each, each);
                    served += each;
                }
            }
            let back = now.since(Moment::START).scale(recharge.as_seconds() / 3_600.0);
            let most = burst + cutoff + back + each + Span::microseconds(1);
            prop_assert!(served <= most);
        }
    }

    /// Whatever is shared by nobody in common is not disturbed, for every combination of those who share.
    #[test]
    fn an_allowance_is_shared_exactly_by_its_sharing(bits in 0_usize..128, changed in 0_usize..7) {
        let names = (0..7).filter(|bit| bits >> bit & 1 == 1).map(|bit| Sharing::NAMES[bit]);
        let sharing = Sharing::named(names).expect("all are known");
        let meter = Meter::Sliding { unit: Unit::Requests, most: 1, per: Span::seconds(9) };
        let mut policies =
            Policies::new(vec![Policy::new("one", meter, sharing, RefusalKind::RequestLimit)]);
        prop_assert!(knock(&mut policies, Moment(0), &call(1)).is_ok());
        let mut other = call(1);
        match changed {
            0 => other.app = 7,
            1 => other.mailbox = MailboxKey(7),
            2 => other.user = 7,
            3 => other.tenant = 7,
            4 => other.address = 7,
            5 => other.database = 7,
            _ => other.server = 7,
        }
        let its_own = bits >> changed & 1 == 1;
        prop_assert_eq!(knock(&mut policies, Moment(0), &other).is_ok(), its_own);
    }

    /// A call that something else refuses counts exactly where refused calls count.
    #[test]
    fn an_overruled_call_counts_where_refused_calls_count(refused_count: bool, calls in 1_u64..40) {
        let meter = Meter::Sliding { unit: Unit::Requests, most: calls, per: Span::seconds(1) };
        let mut policies = Policies::new(vec![policy(meter, refused_count)]);
        for _ in 0..calls {
            let passes = matches!(policies.ask(Moment(5), &call(1)), Ruling::Pass { .. });
            prop_assert!(passes);
            policies.overrule(&call(1));
        }
        prop_assert_eq!(knock(&mut policies, Moment(5), &call(1)).is_ok(), !refused_count);
    }
}

#[test]
fn a_growing_wait_starts_over_once_a_call_passes() {
    let meter = Meter::Fixed { unit: Unit::Requests, most: 1, per: Span::seconds(1) };
    let growing = Wait::Growing { first: Span::seconds(1), factor: 2.0, longest: Span::seconds(5) };
    let mut policies = Policies::new(vec![Policy { announce: Announce::of(growing), ..policy(meter, false) }]);
    for round in 0..2 {
        let now = Moment::START + Span::seconds(round);
        assert!(knock(&mut policies, now, &call(1)).is_ok());
        for seconds in [1, 2, 4, 5, 5] {
            assert_eq!(knock(&mut policies, now, &call(1)), Err(Some(Span::seconds(seconds))));
        }
    }
}

#[test]
fn a_forgotten_mailbox_starts_afresh_and_leaves_the_others_alone() {
    let meter = Meter::Sliding { unit: Unit::Requests, most: 1, per: Span::seconds(9) };
    let limit = |sharing| Policy::new("one", meter, sharing, RefusalKind::RequestLimit);
    let mut policies = Policies::new(vec![limit(Sharing::MAILBOX), limit(Sharing::APP_MAILBOX)]);
    for mailbox in 0..3 {
        for app in 0..2 {
            let _ = knock(&mut policies, Moment(0), &Asked { mailbox: MailboxKey(mailbox), app, ..call(1) });
        }
    }
    let before = policies.accounts();
    policies.forget(MailboxKey(1));
    assert_eq!(policies.accounts(), before - 2);
    assert!(knock(&mut policies, Moment(0), &Asked { mailbox: MailboxKey(1), ..call(1) }).is_ok());
    assert!(knock(&mut policies, Moment(0), &Asked { mailbox: MailboxKey(2), ..call(1) }).is_err());
}

#[test]
fn a_call_that_never_fits_is_refused_without_a_wait() {
    let per = Span::seconds(1);
    for meter in [
        Meter::Sliding { unit: Unit::Bytes, most: 10, per },
        Meter::Fixed { unit: Unit::Bytes, most: 10, per },
        Meter::Bucket { unit: Unit::Bytes, burst: 10, refill: 10, per },
    ] {
        assert_eq!(knock(&mut Policies::new(vec![policy(meter, false)]), Moment(0), &call(11)), Err(None));
    }
}

#[test]
fn a_policy_concerns_only_the_calls_that_it_names() {
    let mut only = policy(Meter::Lanes { most: 0 }, true);
    only.concerns.operations = vec![Operation::ImportItem];
    only.concerns.protocols = vec![Protocol::Graph];
    only.concerns.apps = vec![1];
    let mut policies = Policies::new(vec![only]);
    assert!(knock(&mut policies, Moment(0), &call(1)).is_err());
    for other in [
        Asked { operation: Operation::GetItems, ..call(1) },
        Asked { protocol: Protocol::Ews, ..call(1) },
        Asked { app: 2, ..call(1) },
    ] {
        assert!(knock(&mut policies, Moment(0), &other).is_ok());
    }
    // Administration comes in no protocol.
    let mut only = policy(Meter::Lanes { most: 0 }, true);
    only.concerns.protocols = Protocol::ALL.to_vec();
    let mut policies = Policies::new(vec![only]);
    assert!(knock(&mut policies, Moment(0), &call(1)).is_err());
    assert!(knock(&mut policies, Moment(0), &Asked { operation: Operation::PollSwitch, ..call(1) }).is_ok());
}

#[test]
fn a_policy_has_its_new_numbers_from_the_moment_of_the_change_on() {
    let check = |meter: Meter, expected: [usize; 4]| {
        let changed = |at, factor| {
            let policy = Policy { meter: meter.times(factor), ..policy(meter, false) };
            PolicyChange { at: Moment(at), policy }
        };
        // The second change follows the first, in whatever order they are given.
        let changes = vec![changed(300, 1.0), changed(200, 0.5)];
        let mut policies = Policies::new(vec![policy(meter, false)]).changing(changes);
        let passed = [0, 100, 200, 300].map(|now| {
            let mut passes = || knock(&mut policies, Moment(now), &call(1)).is_ok();
            (0..20).filter(|_| passes()).count()
        });
        assert_eq!(passed, expected, "{meter:?}");
    };
    let (unit, per) = (Unit::Requests, Span(100));
    check(Meter::Sliding { unit, most: 8, per }, [8, 8, 4, 8]);
    check(Meter::Sliding { unit, most: 8, per: Span(150) }, [8, 0, 4, 4]);
    check(Meter::Fixed { unit, most: 8, per }, [8, 8, 4, 8]);
    // Up to each change, what comes back does so at the old rate.
    check(Meter::Bucket { unit, burst: 8, refill: 6, per }, [8, 6, 4, 3]);
    let kind = Policies::new(vec![policy(Meter::Lanes { most: 1 }, false)]);
    let other = Policy { meter: Meter::Fixed { unit, most: 0, per }, ..policy(Meter::Lanes { most: 1 }, false) };
    let mut kind = kind.changing(vec![PolicyChange { at: Moment(0), policy: other }]);
    assert!(knock(&mut kind, Moment(0), &call(1)).is_ok(), "a change keeps the kind of a policy");
}
