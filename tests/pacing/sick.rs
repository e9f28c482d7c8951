//! One mailbox that is always refused holds nobody else up.

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
