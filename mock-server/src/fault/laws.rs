//! Laws that every fault plan keeps, whoever asks and in which order.

use proptest::prelude::*;

use super::also::{Also, Bursts, Target, Who};
use super::plan::{FaultPlan, Judgement, Strike, TokenLoss};
use super::rule::{Act, FaultRule, Match};
use super::trick::Door;
use crate::draw::Distribution;
use crate::time::{Moment, Span};
use crate::wire::call::{FIRST_FOREIGN, Protocol, RequestIdentity};
use crate::wire::id::{ItemKey, MailboxKey};
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, ItemErrorKind, Refusal, RefusalKind};

const BUSY: Refusal = Refusal { kind: RefusalKind::Unavailable, status: 503, retry_after: Some(Span::seconds(7)) };

fn all(rate: f64) -> Match {
    Match {
        operations: Vec::new(),
        mailboxes: None,
        from: Moment::START,
        until: Moment::NEVER,
        nth: None,
        rate,
        attempts_below: None,
        also: Also::default(),
    }
}

fn rule(matches: Match, act: Act) -> FaultRule {
    FaultRule { name: "rule".into(), matches, act }
}

fn refuse() -> Act {
    Act::Refuse { kind: BUSY.kind, status: BUSY.status, retry_after: BUSY.retry_after }
}

/// A request for items of a mailbox.
fn target(mailbox: u32, request: u64, attempt: u32) -> Target {
    let identity = RequestIdentity::new(request, attempt);
    Target { now: Moment(5), mailbox: MailboxKey(mailbox), operation: Operation::GetItems, identity, who: None }
}

fn judge(plan: &FaultPlan, mailbox: u32, request: u64, attempt: u32) -> Judgement {
    plan.judge(&target(mailbox, request, attempt))
}

fn mixed(rate: f64) -> Vec<FaultRule> {
    vec![
        rule(all(rate), Act::Delay(Distribution::Exponential { mean: Span::seconds(1) })),
        rule(all(rate), refuse()),
        rule(all(rate), Act::LoseAnswer),
        rule(all(rate), Act::CorruptItem),
    ]
}

/// Whether a count of hits is what a rate explains: within six standard deviations of the binomial distribution.
fn explains(rate: f64, hits: usize, draws: usize) -> bool {
    let mean = rate * draws as f64;
    (hits as f64 - mean).abs() <= 6.0 * (mean * (1.0 - rate)).sqrt() + 1.0
}

proptest! {
    /// For all seeds and rates: the share of requests that are hit is the rate, by request, by attempt and by mailbox.
    #[test]
    fn the_share_of_hits_is_the_rate(seed: u64, rate in 0.0_f64..1.0) {
        let plan = FaultPlan::new(seed, vec![rule(all(rate), Act::Reset)]);
        let draws = 4_000;
        let hits = |at: &dyn Fn(u32) -> Judgement| (0..draws).filter(|n| at(*n).strike.is_some()).count();
        prop_assert!(explains(rate, hits(&|n| judge(&plan, 3, u64::from(n), 0)), draws as usize));
        prop_assert!(explains(rate, hits(&|n| judge(&plan, 3, 9, n)), draws as usize));
        prop_assert!(explains(rate, hits(&|n| judge(&plan, n, 9, 0)), draws as usize));
    }

    /// For all seeds and rates: the share of items that are corrupt is the rate.
    #[test]
    fn the_share_of_corrupt_items_is_the_rate(seed: u64, rate in 0.0_f64..1.0) {
        let plan = FaultPlan::new(seed, vec![rule(all(rate), Act::CorruptItem)]);
        let corrupt = |item| plan.corrupts(Moment(0), MailboxKey(1), Operation::GetItems, ItemKey(item));
        prop_assert!(explains(rate, (0..4_000).filter(|item| corrupt(*item)).count(), 4_000));
    }

    /// For all orders of arrival, and for two plans made alike: the same request hears the same.
    #[test]
    fn a_verdict_depends_on_the_request_and_not_on_the_order(
        seed: u64,
        requests in prop::collection::vec((0..5_u32, 0..50_u64, 0..3_u32), 1..100),
        rate in 0.0_f64..1.0,
    ) {
        let (one, two) = (FaultPlan::new(seed, mixed(rate)), FaultPlan::new(seed, mixed(rate)));
        let forwards: Vec<_> = requests.iter().map(|(m, r, a)| judge(&one, *m, *r, *a)).collect();
        let backwards: Vec<_> = requests.iter().rev().map(|(m, r, a)| judge(&two, *m, *r, *a)).collect();
        prop_assert!(forwards.iter().eq(backwards.iter().rev()));
    }

    /// For all plans: a rule added at the end changes neither whether the others hit nor how long they delay.
    #[test]
    fn a_rule_added_at_the_end_leaves_the_others_unchanged(seed: u64, request: u64, rate in 0.0_f64..1.0) {
        let mut rules = mixed(rate);
        let before = judge(&FaultPlan::new(seed, rules.clone()), 1, request, 0);
        rules.push(rule(all(1.0), Act::Truncate));
        let after = judge(&FaultPlan::new(seed, rules), 1, request, 0);
        prop_assert_eq!(after.delay, before.delay);
        prop_assert_eq!(after.strike, before.strike.or(Some(Strike::Truncate)));
    }
}

/// A rule that hits everything under further conditions.
fn under(also: Also, rate: f64, act: Act) -> FaultPlan {
    FaultPlan::new(7, vec![rule(Match { also, ..all(rate) }, act)])
}

proptest! {
    /// For all bursts: the share of hits is that of the bursts times the rate, and a stretch is bad for all or for none.
    #[test]
    fn bursts_hit_as_often_as_they_say_and_all_at_once(share in 0.05_f64..0.95, rate in 0.1_f64..1.0, by_mailbox: bool) {
        let bursts = Bursts { length: Span::seconds(60), share, by_mailbox };
        let also = Also { bursts: Some(bursts), ..Also::default() };
        let at = |plan: &FaultPlan, seconds: u64, request: u64| {
            let now = Moment::START + Span::seconds(seconds);
            plan.judge(&Target { now, ..target(1, request, 0) }).strike.is_some()
        };
        let plan = under(also.clone(), rate, Act::Reset);
        let hits = (0..4_000).filter(|stretch| at(&plan, stretch * 60 + 7, *stretch)).count();
        prop_assert!(explains(share * rate, hits, 4_000), "{hits}");
        let certain = under(also, 1.0, Act::Reset);
        for stretch in 0..50 {
            let first = at(&certain, stretch * 60, 0);
            prop_assert!((1..60).all(|second| at(&certain, stretch * 60 + second, second) == first));
        }
    }

    /// For all cohorts: the share of mailboxes is right, and a mailbox belongs to it for good.
    #[test]
    fn a_cohort_is_a_share_of_mailboxes_for_good(share in 0.0_f64..1.0) {
        let plan = under(Also { cohort: Some(share), ..Also::default() }, 1.0, Act::Reset);
        let hit = |mailbox, request| judge(&plan, mailbox, request, 0).strike.is_some();
        prop_assert!(explains(share, (0..4_000).filter(|mailbox| hit(*mailbox, 0)).count(), 4_000));
        prop_assert!((0..50).all(|mailbox| (0..20).all(|request| hit(mailbox, request) == hit(mailbox, 0))));
    }

    /// For all rates: items of calls, connections and tokens are hit as often as the rate says.
    #[test]
    fn items_connections_and_tokens_are_hit_at_the_rate(rate in 0.0_f64..1.0) {
        let error = ItemError { kind: ItemErrorKind::Busy, retry_after: None };
        let plan = under(Also::default(), rate, Act::FailItem(error));
        let of_item = |item: &u32| plan.item_error(&target(1, u64::from(item / 20), 0), item % 20).is_some();
        prop_assert!(explains(rate, (0..4_000).filter(of_item).count(), 4_000));
        let plan = under(Also::default(), rate, Act::Unreachable(Door::Tls));
        prop_assert!(explains(rate, (0..4_000).filter(|number| plan.door(Moment(0), *number).is_some()).count(), 4_000));
        let plan = under(Also::default(), rate, Act::ShortenToken(Span::seconds(1)));
        let short = (0..4_000).filter(|number| plan.token_life(Moment(0), *number).is_some());
        prop_assert!(explains(rate, short.count(), 4_000));
    }

    /// For all rules about whole requests: every attempt hears the same, and the share of requests is the rate.
    #[test]
    fn a_whole_request_is_hit_in_all_its_attempts_or_none(rate in 0.0_f64..1.0) {
        let plan = under(Also { whole_request: true, ..Also::default() }, rate, Act::Reset);
        let hit = |request, attempt| judge(&plan, 1, request, attempt).strike.is_some();
        prop_assert!(explains(rate, (0..4_000).filter(|request| hit(*request, 0)).count(), 4_000));
        prop_assert!((0..100).all(|request| (1..5).all(|attempt| hit(request, attempt) == hit(request, 0))));
    }
}

#[test]
fn apps_and_protocols_are_told_apart_and_unknown_callers_are_spared() {
    let also = Also { protocols: vec![Protocol::Ews], apps: vec![4], ..Also::default() };
    let plan = under(also, 1.0, Act::Reset);
    let hit = |who| plan.judge(&Target { who, ..target(1, 0, 0) }).strike.is_some();
    assert!(hit(Some(Who { app: 4, protocol: Protocol::Ews })));
    assert!(!hit(Some(Who { app: 5, protocol: Protocol::Ews })));
    assert!(!hit(Some(Who { app: 4, protocol: Protocol::Graph })));
    assert!(!hit(None));
    // Administration comes in no protocol.
    let who = Some(Who { app: 4, protocol: Protocol::Ews });
    let target = Target { who, operation: Operation::StopMailbox, ..target(1, 0, 0) };
    assert!(plan.judge(&target).strike.is_none());
}

#[test]
fn a_plan_without_rules_does_nothing() {
    let plan = FaultPlan::new(1, Vec::new());
    assert_eq!(judge(&plan, 1, 2, 3), Judgement { delay: Span::ZERO, strike: None });
    assert!(!plan.corrupts(Moment(0), MailboxKey(1), Operation::ExportItems, ItemKey(1)));
}

#[test]
fn delays_add_up_and_the_first_other_act_decides() {
    let delay = |seconds| rule(all(1.0), Act::Delay(Distribution::Constant(Span::seconds(seconds))));
    let plan = FaultPlan::new(
        1,
        vec![
            delay(1),
            rule(all(1.0), refuse()),
            rule(all(1.0), Act::Reset),
            delay(2),
            rule(all(1.0), Act::CorruptItem),
        ],
    );
    assert_eq!(judge(&plan, 1, 1, 0), Judgement { delay: Span::seconds(3), strike: Some(Strike::Refuse(BUSY)) });
}

#[test]
fn each_act_strikes_in_its_way() {
    for (act, strike) in [
        (refuse(), Some(Strike::Refuse(BUSY))),
        (Act::Reset, Some(Strike::Reset)),
        (Act::Truncate, Some(Strike::Truncate)),
        (Act::LoseAnswer, Some(Strike::LoseAnswer)),
        (Act::CorruptItem, None),
    ] {
        let plan = FaultPlan::new(1, vec![rule(all(1.0), act)]);
        assert_eq!(judge(&plan, 1, 1, 0).strike, strike);
    }
}

/// Whether a rule with these conditions and rate 1 hits a call: (moment, mailbox, operation, request, attempt).
fn check(matches: &Match, call: (u64, u32, Operation, u64, u32), expect: bool) {
    let (now, mailbox, operation, request, attempt) = call;
    let plan = FaultPlan::new(1, vec![rule(matches.clone(), Act::Reset)]);
    let judgement = plan.judge(&Target { now: Moment(now), operation, ..target(mailbox, request, attempt) });
    assert_eq!(judgement.strike.is_some(), expect, "{matches:?} on {call:?}");
}

#[test]
fn every_condition_must_hold() {
    let get = Operation::GetItems;
    let operations = || Match { operations: vec![get, Operation::ExportItems], ..all(1.0) };
    check(&operations(), (0, 1, get, 0, 0), true);
    check(&operations(), (0, 1, Operation::Batch, 0, 0), false);
    let mailboxes = || Match { mailboxes: Some((3, 5)), ..all(1.0) };
    for (mailbox, expect) in [(2, false), (3, true), (5, true), (6, false)] {
        check(&mailboxes(), (0, mailbox, get, 0, 0), expect);
    }
    let window = || Match { from: Moment(10), until: Moment(20), ..all(1.0) };
    for (now, expect) in [(9, false), (10, true), (19, true), (20, false)] {
        check(&window(), (now, 1, get, 0, 0), expect);
    }
    let attempts = || Match { attempts_below: Some(1), ..all(1.0) };
    check(&attempts(), (0, 1, get, 0, 0), true);
    check(&attempts(), (0, 1, get, 0, 1), false);
    check(&all(0.0), (0, 1, get, 0, 0), false);
    check(&all(f64::NAN), (0, 1, get, 0, 0), false);
}

#[test]
fn every_nth_request_of_a_mailbox_is_counted_by_its_number() {
    let third = || Match { nth: Some(3), ..all(1.0) };
    for (request, expect) in [(0, false), (1, false), (2, true), (3, false), (5, true)] {
        check(&third(), (0, 1, Operation::GetItems, request, 0), expect);
    }
    // Those that the server numbers count from zero as well.
    for (request, expect) in [(0, false), (2, true), (3, false), (5, true)] {
        check(&third(), (0, 1, Operation::GetItems, FIRST_FOREIGN + request, 0), expect);
    }
    check(&Match { nth: Some(1), ..all(1.0) }, (0, 1, Operation::GetItems, 0, 0), true);
    check(&Match { nth: Some(0), ..all(1.0) }, (0, 1, Operation::GetItems, 0, 0), false);
}

#[test]
fn a_corrupt_item_stays_corrupt_whatever_call_names_it() {
    let plan = FaultPlan::new(11, vec![rule(all(0.3), Act::CorruptItem)]);
    for item in (0..200).map(ItemKey) {
        let first = plan.corrupts(Moment(0), MailboxKey(1), Operation::GetItems, item);
        for (now, operation) in [(1, Operation::GetItems), (900, Operation::ExportItems)] {
            assert_eq!(plan.corrupts(Moment(now), MailboxKey(1), operation, item), first);
        }
    }
}

#[test]
fn rules_about_tokens_strike_no_call_and_spare_nobody_whom_they_concern() {
    let only = Match { operations: vec![Operation::GetItems], nth: Some(2), ..all(1.0) };
    let rules = vec![rule(only, Act::RevokeToken), rule(all(1.0), Act::ShortenToken(Span::seconds(5)))];
    let mut plan = FaultPlan::new(1, rules);
    let takes = |plan: &FaultPlan, request, operation| plan.takes_token(&Target { operation, ..target(1, request, 0) });
    assert_eq!(judge(&plan, 1, 1, 0), Judgement::default());
    assert_eq!(takes(&plan, 0, Operation::GetItems), None);
    assert_eq!(takes(&plan, 1, Operation::GetItems), Some(TokenLoss::Revoked));
    assert_eq!(takes(&plan, 1, Operation::Batch), None);
    assert_eq!(plan.token_life(Moment(0), 3), Some(Span::seconds(5)));
    assert_eq!((plan.rules().count(), plan.remove("rule")), (2, 2));
    assert_eq!(plan.token_life(Moment(0), 3), None);
}
