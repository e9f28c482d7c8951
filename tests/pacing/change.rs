//! Limits that halve or double during a run: a minute later the pipeline is back at 95% of the new maximum.
//!
//! Both can be had where a limit lets at least two or three calls through in a second: a limit that has grown is found by
//! asking for more, at least once a minute, and no more than one call in a hundred may be refused.

use crate::rig::{Case, Client, Tank, all_hold, clients};

const LEAST_SHARE: f64 = 0.95;
const MOST_REFUSED: f64 = 0.01;
const GRACE: f64 = 60.0;

/// A limit of `whole` calls a second that halves after ten minutes and doubles again after twenty. The maximum of a
/// stretch is its length times the rate. Uses count for `per` seconds.
fn check(what: &str, tank: Tank<'_>, whole: f64, per: f64) -> Vec<Case> {
    let more = format!(
        "{}\nlimit_changes = [{{ at = \"10 min\", limit = \"limit\", factor = 0.5 }}, {{ at = \"20 min\", limit = \
         \"limit\", factor = 1 }}]",
        tank.more
    );
    // Half an hour, of which a third is at half the rate, and some more.
    let items = (whole * 1_600.0) as u64 / u64::from(tank.mailboxes);
    let seen = Tank { more: &more, items, ..tank }.run();
    let stretches = [(0.0, 600.0, whole), (600.0, 1200.0, whole / 2.0), (1200.0, 1800.0, whole)];
    let mut cases = Vec::new();
    for (begin, end, rate) in stretches {
        let from = begin + GRACE;
        // Right after the grace as well, not only in the mean.
        for (until, seen_rate) in [(from + GRACE, seen.rate_about(from, per)), (end, seen.rate(from, end))] {
            let share = seen_rate / rate;
            let what = format!("{what} from {from} s until {until} s");
            let holds = share >= LEAST_SHARE && (tank.mailboxes > 1 || seen.refused() <= MOST_REFUSED);
            cases.push(Case::new(&what, &seen, share, holds));
        }
    }
    cases
}

#[test]
fn limits_on_requests_that_change_are_followed() {
    let limits = [(50, 1), (30, 2), (100, 5), (200, 10), (300, 30), (600, 60)];
    let mut cases = Vec::new();
    for (place, (count, per)) in limits.into_iter().enumerate() {
        let limit = format!("requests = \"{count}/{per} s\"");
        let rate = f64::from(count) / f64::from(per);
        for Client { width, cost, latency, .. } in clients(place, rate, 2) {
            let tank = Tank { limit: &limit, width, cost, latency, ..Tank::default() };
            let what = format!("{limit}, {width} at once, {cost}, {latency} away");
            cases.extend(check(&what, tank, rate, f64::from(per)));
        }
    }
    all_hold(&cases);
}

#[test]
fn a_limit_of_the_tenant_that_changes_is_followed() {
    let limit = "requests = \"2000/10 s\", scope = \"tenant\", refusal = \"app_limit\"";
    all_hold(&check(limit, Tank { limit, mailboxes: 1_000, ..Tank::default() }, 200.0, 10.0));
}

/// `places` for calls that take so many milliseconds each, and as many callers: a place is taken that long, and its answer
/// and the next request travel 20 ms.
fn places(places: u32, callers: u32, announced: &str, milliseconds: u32) -> Vec<Case> {
    let limit = format!("concurrency = {places}, retry_after = \"{announced}\"");
    let cost = format!("constant {milliseconds} ms");
    let tank = Tank { limit: &limit, cost: &cost, width: callers, ..Tank::default() };
    let took = f64::from(milliseconds + 20) / 1e3;
    check(&format!("{limit}, {callers} callers, {cost}"), tank, f64::from(places) / took, took)
}

/// A refusal for too many at once makes its call wait for what it announces; the others go on, in further rounds of copying
/// if need be. So limits are followed alike whatever they announce, as long as the rounds that may be under way last longer
/// (see `pipeline::pass`).
#[test]
fn limits_on_requests_at_once_that_change_are_followed() {
    let cases = [
        places(8, 16, "1 s", 200),
        places(2, 4, "1 s", 100),
        places(12, 16, "1 s", 250),
        places(8, 9, "2 s", 200),
        places(4, 16, "2 s", 100),
        places(4, 8, "0 s", 150),
        places(8, 16, "5 s", 200),
        places(2, 4, "5 s", 100),
        places(4, 5, "5 s", 100),
        places(8, 9, "5 s", 200),
        places(4, 16, "10 s", 100),
        places(8, 16, "10 s", 200),
        places(8, 9, "10 s", 200),
        places(12, 16, "10 s", 250),
        places(2, 3, "10 s", 100),
        places(2, 4, "10 s", 50),
        places(4, 6, "10 s", 300),
        places(4, 16, "30 s", 100),
        places(8, 9, "30 s", 200),
    ];
    all_hold(&cases.into_iter().flatten().collect::<Vec<_>>());
}
