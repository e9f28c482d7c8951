//! Laws that every stack of limits keeps, whoever asks and when.

use proptest::prelude::*;

use super::limit::{Limit, Rule, Scope};
use super::preset;
use super::stack::{Asked, Stack, Verdict};
use crate::time::{Moment, Span};
use crate::wire::call::Protocol;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::{Refusal, RefusalKind};

fn asked(mailbox: u32, body_bytes: u64) -> Asked {
    let (operation, protocol) = (Operation::ImportItem, Protocol::Graph);
    Asked { app: 0, mailbox: MailboxKey(mailbox), operation, protocol, body_bytes }
}

fn limit(rule: Rule, scope: Scope) -> Limit {
    let (operations, protocols) = (Vec::new(), Vec::new());
    Limit { name: "limit".into(), rule, scope, operations, protocols, refusal: RefusalKind::RequestLimit }
}

fn requests(count: u64, per: Span, refused_count: bool) -> Rule {
    Rule::Requests { count, per, refused_count }
}

fn admits(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Admit { .. })
}

fn refusal(verdict: Verdict) -> (usize, Refusal) {
    match verdict {
        Verdict::Reject { limit, refusal } => (limit, refusal),
        Verdict::Admit { .. } => panic!("the call was admitted"),
    }
}

/// The largest sum of amounts in any span of `per` that begins with a use (any other begins later or holds less).
fn densest(uses: &[(Moment, u64)], per: Span) -> u64 {
    let within = |from: Moment| uses.iter().filter(move |(at, _)| from <= *at && *at < from + per);
    uses.iter().map(|(from, _)| within(*from).map(|(_, amount)| amount).sum()).max().unwrap_or(0)
}

/// Arrivals by steps of which many are zero or tiny, so that merging and bursts occur.
fn arrivals() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let step = prop_oneof![3 => Just(0_u64), 3 => 0..2_000_000_u64, 2 => 0..1_000_000_000_u64];
    prop::collection::vec((step, 1..40_u64), 1..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// For all arrivals: in no span of `per` are more requests admitted than the limit, nor more bytes, whether refused
    /// requests count or not.
    #[test]
    fn no_window_ever_admits_more_than_its_limit_in_any_span(
        arrivals in arrivals(),
        count in 1_u64..20,
        bytes in 1_u64..200,
        per in 1_u64..3_000_000_000,
        refused_count: bool,
    ) {
        let per = Span(per);
        let mut stack = Stack::new(vec![
            limit(requests(count, per, refused_count), Scope::AppMailbox),
            limit(Rule::UploadBytes { bytes, per }, Scope::Tenant),
        ]);
        let (mut now, mut admitted) = (Moment::START, Vec::new());
        for (step, size) in arrivals {
            now += Span(step);
            if admits(stack.judge(now, &asked(1, size))) {
                admitted.push((now, size));
            }
        }
        let calls: Vec<_> = admitted.iter().map(|(at, _)| (*at, 1)).collect();
        prop_assert!(densest(&calls, per) <= count);
        prop_assert!(densest(&admitted, per) <= bytes);
    }

    /// For all limits: a client that asks fast enough is admitted the whole limit at once, and again every `per`.
    #[test]
    fn a_window_admits_its_limit_when_asked_fast_enough(count in 1_u64..200, per in 1_u64..10_000_000_000) {
        let mut stack = Stack::new(vec![limit(requests(count, Span(per), false), Scope::Mailbox)]);
        for round in 0..4 {
            let now = Moment(round * per);
            let admitted = (0..count + 5).filter(|_| admits(stack.judge(now, &asked(1, 0)))).count() as u64;
            prop_assert_eq!(admitted, count);
        }
    }

    /// For all states of a window: the call refused now passes at the announced moment, and not a nanosecond earlier.
    #[test]
    fn the_announced_wait_is_exact(
        arrivals in arrivals(),
        bytes in 40_u64..200,
        per in 1_u64..3_000_000_000,
        early in 1_u64..1_000,
    ) {
        let rule = Rule::UploadBytes { bytes, per: Span(per) };
        let mut stack = Stack::new(vec![limit(rule, Scope::Mailbox)]);
        let mut now = Moment::START;
        for (step, size) in arrivals {
            now += Span(step);
            let verdict = stack.judge(now, &asked(1, size));
            if admits(verdict) {
                continue;
            }
            let wait = refusal(verdict).1.retry_after.expect("each call fits the limit");
            prop_assert!(Span::ZERO < wait);
            let too_soon = now + wait.saturating_sub(Span(early.min(wait.0)));
            prop_assert!(!admits(stack.judge(too_soon, &asked(1, size))));
            now += wait;
            prop_assert!(admits(stack.judge(now, &asked(1, size))));
        }
    }

    /// For all clients that hammer, where refused requests count: obeying the last announced wait always helps.
    #[test]
    fn the_announced_wait_holds_although_refused_requests_count(
        arrivals in arrivals(),
        count in 1_u64..20,
        per in 1_u64..3_000_000_000,
    ) {
        let mut stack = Stack::new(vec![limit(requests(count, Span(per), true), Scope::Mailbox)]);
        let (mut now, mut wait) = (Moment::START, Span::ZERO);
        for (step, _) in arrivals {
            now += Span(step);
            wait = match stack.judge(now, &asked(1, 0)) {
                Verdict::Admit { .. } => Span::ZERO,
                Verdict::Reject { refusal, .. } => refusal.retry_after.expect("one request fits the limit"),
            };
        }
        prop_assert!(wait == Span::ZERO || admits(stack.judge(now + wait, &asked(1, 0))));
    }

    /// For all calls: at no moment are more of them in progress than there are lanes, and a call is refused only when
    /// all lanes are taken.
    #[test]
    fn lanes_are_never_exceeded_and_never_idle_while_refusing(
        calls in prop::collection::vec((0..50_u64, 0..200_u64), 1..300),
        lanes in 1_u32..8,
    ) {
        let rule = Rule::Concurrency { lanes, retry_after: Span::seconds(3) };
        let mut stack = Stack::new(vec![limit(rule, Scope::App)]);
        let (mut now, mut in_progress) = (Moment::START, Vec::<Moment>::new());
        for (step, duration) in calls {
            now += Span(step);
            in_progress.retain(|ready| now < *ready);
            let verdict = stack.judge(now, &asked(step as u32, 0));
            prop_assert_eq!(admits(verdict), in_progress.len() < lanes as usize);
            if admits(verdict) {
                stack.settle(&asked(step as u32, 0), now + Span(duration), Span(duration));
                in_progress.push(now + Span(duration));
            } else {
                prop_assert_eq!(refusal(verdict).1.retry_after, Some(Span::seconds(3)));
            }
        }
    }

    /// For all orders of mailboxes: what a mailbox hears depends on its own calls only, where no limit is shared.
    #[test]
    fn mailboxes_do_not_disturb_each_other(order in prop::collection::vec(0..3_u32, 1..200)) {
        let limits = || vec![limit(requests(10, Span::seconds(1), true), Scope::AppMailbox)];
        let mut shared = Stack::new(limits());
        let mut alone = [0, 1, 2].map(|_| Stack::new(limits()));
        for (turn, mailbox) in order.into_iter().enumerate() {
            let (now, call) = (Moment(turn as u64 * 20_000_000), asked(mailbox, 0));
            prop_assert_eq!(shared.judge(now, &call), alone[mailbox as usize].judge(now, &call));
        }
    }
}

/// Pushes calls of equal size through limits as fast as they allow and returns when the last one passed.
fn push(limits: Vec<Limit>, calls: u64, size: u64) -> Span {
    let mut stack = Stack::new(limits);
    let mut now = Moment::START;
    for _ in 0..calls {
        while let Verdict::Reject { refusal, .. } = stack.judge(now, &asked(1, size)) {
            now += refusal.retry_after.expect("each call fits the limits");
        }
    }
    now.since(Moment::START)
}

#[test]
fn bytes_pushed_through_the_upload_limit_take_the_time_of_its_closed_form() {
    let megabytes = |count| push(preset::outlook(), count, preset::MEGABYTE);
    assert_eq!(megabytes(150), Span::ZERO);
    assert_eq!(megabytes(151), Span::seconds(300));
    assert_eq!(megabytes(450), Span::seconds(600));
    assert_eq!(megabytes(451), Span::seconds(900));
}

#[test]
fn a_rejected_call_consumes_request_allowance_only() {
    let per = Span::seconds(100);
    let mut stack = Stack::new(vec![
        limit(requests(3, per, true), Scope::AppMailbox),
        limit(Rule::UploadBytes { bytes: 10, per }, Scope::AppMailbox),
        limit(Rule::Concurrency { lanes: 1, retry_after: Span::ZERO }, Scope::AppMailbox),
    ]);
    let call = asked(1, 6);
    assert!(admits(stack.judge(Moment(0), &call)));
    stack.settle(&call, Moment(50), Span(50));
    assert_eq!(refusal(stack.judge(Moment(10), &asked(1, 4))).0, 2, "the lane is taken");
    assert!(admits(stack.judge(Moment(50), &asked(1, 4))), "the refused call took no bytes and no lane");
    let (refusing, refused) = refusal(stack.judge(Moment(60), &call));
    assert_eq!(refusing, 0, "the refused call counted as a request");
    assert_eq!((refused.status, refused.kind), (429, RefusalKind::RequestLimit));
}

#[test]
fn a_limit_concerns_only_its_operations() {
    let mut only = limit(requests(1, Span::seconds(1), true), Scope::Tenant);
    only.operations = vec![Operation::ImportItem];
    let mut stack = Stack::new(vec![only]);
    let other = Asked { operation: Operation::FindFolders, ..asked(1, 0) };
    for _ in 0..5 {
        assert!(admits(stack.judge(Moment(0), &other)));
    }
    assert!(admits(stack.judge(Moment(0), &asked(1, 0))));
    assert_eq!(refusal(stack.judge(Moment(0), &asked(2, 0))).0, 0);
}

#[test]
fn a_limit_concerns_only_its_protocols() {
    let rules = [requests(1, Span::seconds(1), true), Rule::Concurrency { lanes: 1, retry_after: Span::ZERO }];
    for rule in rules {
        let of_ews = Limit { protocols: vec![Protocol::Ews], ..limit(rule, Scope::AppMailbox) };
        let mut stack = Stack::new(vec![of_ews, limit(requests(100, Span::seconds(1), true), Scope::App)]);
        let mut ask = |call: Asked| {
            let admitted = admits(stack.judge(Moment(0), &call));
            if admitted {
                stack.settle(&call, Moment(5), Span(5));
            }
            admitted
        };
        let graph = asked(1, 0);
        let ews = Asked { protocol: Protocol::Ews, ..graph };
        assert!((0..5).all(|_| ask(graph)) && ask(ews));
        // What was used up in one protocol is not missing in the other, and administration has none.
        assert!(!ask(ews) && ask(graph));
        assert!((0..5).all(|_| ask(Asked { operation: Operation::StopMailbox, ..ews })));
    }
}

/// Who else is refused once app 1 has used up the allowance for mailbox 1.
fn check_sharing(scope: Scope, same_mailbox: bool, same_app: bool, nothing_in_common: bool) {
    let mut stack = Stack::new(vec![limit(requests(1, Span::seconds(1), false), scope)]);
    let call = |app, mailbox| Asked { app, ..asked(mailbox, 0) };
    assert!(admits(stack.judge(Moment(0), &call(1, 1))));
    assert!(!admits(stack.judge(Moment(0), &call(1, 1))));
    assert_eq!(!admits(stack.judge(Moment(0), &call(2, 1))), same_mailbox, "{scope:?}");
    assert_eq!(!admits(stack.judge(Moment(0), &call(1, 2))), same_app, "{scope:?}");
    assert_eq!(!admits(stack.judge(Moment(0), &call(3, 3))), nothing_in_common, "{scope:?}");
}

#[test]
fn an_allowance_is_shared_by_its_scope() {
    check_sharing(Scope::AppMailbox, false, false, false);
    check_sharing(Scope::Mailbox, true, false, false);
    check_sharing(Scope::App, false, true, false);
    check_sharing(Scope::Tenant, true, true, true);
}

#[test]
fn a_call_that_never_fits_is_refused_without_a_wait() {
    let mut stack = Stack::new(preset::outlook());
    let (refusing, refused) = refusal(stack.judge(Moment(0), &asked(1, 151 * preset::MEGABYTE)));
    assert_eq!((refusing, refused.kind, refused.retry_after), (2, RefusalKind::UploadLimit, None));
}

#[test]
fn a_forgotten_mailbox_starts_afresh_and_costs_nothing() {
    let mut stack = Stack::new(preset::outlook());
    let call = asked(1, 150 * preset::MEGABYTE);
    assert!(admits(stack.judge(Moment(0), &call)));
    assert!(!admits(stack.judge(Moment(0), &call)));
    assert_eq!(stack.mailboxes(), 1);
    stack.forget(MailboxKey(1));
    assert_eq!(stack.mailboxes(), 0);
    assert!(admits(stack.judge(Moment(0), &call)));
}

#[test]
fn a_moment_that_goes_back_counts_as_the_latest() {
    let mut stack = Stack::new(vec![limit(requests(1, Span(100), false), Scope::Tenant)]);
    assert!(admits(stack.judge(Moment(1_000), &asked(1, 0))));
    let refused = refusal(stack.judge(Moment(990), &asked(1, 0))).1;
    assert_eq!(refused.retry_after, Some(Span(110)));
}

#[test]
fn a_spent_ews_budget_is_refused_with_the_exact_back_off() {
    let mut stack = Stack::new(preset::ews_online());
    let call = Asked { protocol: Protocol::Ews, ..asked(1, 0) };
    assert!(admits(stack.judge(Moment(0), &call)));
    stack.settle(&call, Moment(1), Span::seconds(300 + 3_000) + Span(1));
    let (refusing, refused) = refusal(stack.judge(Moment(1), &call));
    assert_eq!((refusing, refused.kind, refused.status), (1, RefusalKind::ServerBusy, 500));
    let wait = refused.retry_after.expect("the budget recharges");
    assert_eq!(stack.judge(Moment(1) + wait, &call), Verdict::Admit { delay: Span::ZERO });
}

/// Many calls to many mailboxes through the full Graph stack: all pass while within limits, each mailbox keeps its own
/// account, and no state is left once all are forgotten.
#[test]
fn a_million_calls_within_limits_all_pass() {
    let mut stack = Stack::new(preset::graph());
    let mailboxes = 20_000;
    for turn in 0..1_000_000_u64 {
        let call = asked((turn % mailboxes) as u32, 1_000);
        let now = Moment(turn * 100_000);
        assert_eq!(stack.judge(now, &call), Verdict::Admit { delay: Span::ZERO }, "call {turn}");
        stack.settle(&call, now + Span::seconds(1), Span::seconds(1));
    }
    assert_eq!(stack.mailboxes(), 20_000);
    for mailbox in 0..mailboxes {
        stack.forget(MailboxKey(mailbox as u32));
    }
    assert_eq!(stack.mailboxes(), 0);
}
