//! One mailbox that is always refused holds nobody else up, and what it is told it keeps to as a whole.

use mock_server::time::{Moment, Span};
use wavetank::event::Cause;

use crate::rig::{Case, Tank, all_hold};

const LEAST_SHARE: f64 = 0.97;

/// Ten mailboxes of which the first is refused for ten minutes, whatever it asks: the others do as well as without it.
fn check(kind: &str, wait: &str) -> Case {
    let more = format!(
        "faults = [{{ name = \"sick\", mailboxes = [0, 0], until = \"10 min\", act = \"refuse\", kind = \"{kind}\"{wait} }}]"
    );
    let limit = "requests = \"1000/10 s\", scope = \"tenant\", refusal = \"app_limit\"";
    let tank = Tank { mailboxes: 10, items: 4_000, limit, ..Tank::default() };
    let (well, sick) = (tank.run(), Tank { more: &more, ..tank }.run());
    let until = 300.0;
    let share = sick.rate(30.0, until) / well.rate(30.0, until);
    Case::new(kind, &sick, share, share >= LEAST_SHARE)
}

#[test]
fn a_mailbox_that_is_always_refused_holds_nobody_else_up() {
    all_hold(&[
        check("request_limit", ", retry_after = \"5 s\""),
        check("concurrency_limit", ", retry_after = \"1 s\""),
        check("connection_count", ""),
        check("upload_limit", ", retry_after = \"20 s\""),
    ]);
}

/// Now and then the server is not well, and says when it expects the mailbox again.
#[test]
fn all_of_a_mailbox_waits_for_what_a_server_announces_that_is_not_well() {
    let faults = "faults = [{ name = \"unwell\", rate = 0.002, act = \"refuse\", kind = \"unavailable\", \
                  retry_after = \"7 s\" }]";
    let limit = "requests = \"10000/10 s\"";
    let seen = Tank { limit, more: faults, mailboxes: 3, width: 8, items: 2_000, ..Tank::default() }.run();
    let announced: Vec<_> = seen.calls.iter().filter(|call| call.unwell).collect();
    assert!(announced.len() > 5, "{} announcements", announced.len());
    for told in announced {
        let within = |asked: Moment| asked > told.heard && asked < told.heard + Span::seconds(7);
        let early = seen.calls.iter().filter(|call| call.mailbox == told.mailbox && within(call.asked)).count();
        assert_eq!(early, 0, "calls of a mailbox that was told to wait");
    }
    // No limit had anything to do with it, whichever call heard it.
    let share = |cause: Cause| seen.shares[cause as usize];
    let (back_off, throttle) = (share(Cause::BackOff), share(Cause::TargetThrottle));
    assert!(back_off > 0.2 && throttle < 0.01, "{back_off} back-off, {throttle} throttle");
}
