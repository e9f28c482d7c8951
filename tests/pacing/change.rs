//! Limits that halve or double during a run: a minute later the pipeline is back at 95% of the new maximum.

use crate::rig::{Case, Tank, all_hold};

const LEAST_SHARE: f64 = 0.95;
const GRACE: f64 = 60.0;

/// A limit of `whole` calls a second that halves after ten minutes and doubles again after twenty. The maximum of a
/// stretch is its length times the rate.
fn check(what: &str, tank: Tank<'_>, whole: f64) -> Vec<Case> {
    let more = format!(
        "{}\nlimit_changes = [{{ at = \"10 min\", limit = \"limit\", factor = 0.5 }}, {{ at = \"20 min\", limit = \
         \"limit\", factor = 1 }}]",
        tank.more
    );
    let seen = Tank { more: &more, ..tank }.run();
    let stretches = [(0.0, 600.0, whole), (600.0, 1200.0, whole / 2.0), (1200.0, 1800.0, whole)];
    let mut cases = Vec::new();
    for (begin, end, rate) in stretches {
        let from = begin + GRACE;
        // Right after the grace as well, not only in the mean.
        for until in [from + GRACE, end] {
            let share = seen.rate(from, until) / rate;
            let what = format!("{what} from {from} s until {until} s");
            cases.push(Case::new(&what, &seen, share, share >= LEAST_SHARE));
        }
    }
    cases
}

#[test]
fn a_limit_on_requests_that_changes_is_followed() {
    let limit = "requests = \"200/10 s\"";
    all_hold(&check(limit, Tank { limit, items: 32_000, ..Tank::default() }, 20.0));
}

#[test]
fn a_limit_of_the_tenant_that_changes_is_followed() {
    let limit = "requests = \"2000/10 s\", scope = \"tenant\", refusal = \"app_limit\"";
    all_hold(&check(limit, Tank { limit, mailboxes: 1_000, items: 320, ..Tank::default() }, 200.0));
}

#[test]
fn a_limit_on_requests_at_once_that_changes_is_followed() {
    let limit = "concurrency = 8, retry_after = \"1 s\"";
    let tank = Tank { limit, cost: "constant 100 ms", width: 16, items: 110_000, ..Tank::default() };
    // A place is taken for 100 ms, and its answer and the next request travel 20 ms.
    all_hold(&check(limit, tank, 8.0 / 0.12));
}
