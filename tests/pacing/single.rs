//! One mailbox that a limit binds: at least 97% of the theoretical maximum, at most 1% of requests refused.

use crate::rig::{Case, Client, Seen, Tank, all_hold, clients, window_form};

const LEAST_SHARE: f64 = 0.97;
const MOST_REFUSED: f64 = 0.01;

fn check(what: &str, tank: Tank<'_>, form: impl Fn(&Seen) -> f64) -> Case {
    let seen = tank.run();
    let share = form(&seen) / seen.seconds();
    Case::new(what, &seen, share, share >= LEAST_SHARE && seen.refused() <= MOST_REFUSED)
}

/// Calls against a limit on requests: see [`window_form`].
fn requests(count: u64, per: u64, items: u64) -> Case {
    let limit = format!("requests = \"{count}/{per} s\"");
    let tank = Tank { items, limit: &limit, ..Tank::default() };
    check(&limit, tank, |seen| window_form(seen.passed(), count, per as f64))
}

#[test]
fn a_limit_on_requests_is_used_up_and_seldom_passed() {
    all_hold(&[
        requests(10_000, 600, 60_000),
        requests(1_000, 60, 30_000),
        requests(200, 10, 10_000),
        requests(300, 30, 6_000),
        requests(20, 2, 10_000),
    ]);
}

/// Limits of all lengths, asked by clients of all kinds, over at least a thousand seconds and ten windows. `Retry-After`
/// counts whole seconds, so each refusal costs up to a second; that is one of fifty while trials go on, and some at the
/// start. Windows of a second lose most, as they have room for nothing else.
#[test]
fn limits_of_all_lengths_are_used_up_by_clients_of_all_kinds() {
    let limits = [(20, 1), (50, 1), (35, 1), (30, 2), (45, 3), (100, 5), (77, 7), (200, 10), (300, 30), (1_000, 60)];
    let mut cases = Vec::new();
    for (place, (count, per)) in limits.into_iter().enumerate() {
        let limit = format!("requests = \"{count}/{per} s\"");
        for Client { width, cost, latency, .. } in clients(place, count as f64 / per as f64, 2) {
            let items = count * 1_000_u64.div_ceil(per).max(10);
            let tank = Tank { items, limit: &limit, width, cost, latency, ..Tank::default() };
            let what = format!("{limit}, {width} at once, {cost}, {latency} away");
            cases.push(check(&what, tank, |seen| window_form(seen.passed(), count, per as f64)));
        }
    }
    all_hold(&cases);
}

/// Bytes against a limit on uploads: as many whole items as fit go at once, and as many again after each span. What is
/// sent of an item is its text in base64 and a frame; the largest body that was sent is taken for all.
fn uploads(megabytes: u64, per: u64, size: &str, items: u64) -> Case {
    let limit = format!("upload = \"{megabytes} MB/{per} s\"");
    let tank = Tank { items, size, limit: &limit, cost: "constant 30 ms", ..Tank::default() };
    check(&limit, tank, |seen| {
        let largest = seen.calls.iter().map(|call| call.bytes).max().expect("there are calls");
        window_form(items, megabytes * 1_000_000 / largest, per as f64)
    })
}

#[test]
fn a_limit_on_uploads_is_used_up_and_seldom_passed() {
    all_hold(&[
        uploads(150, 300, "750 kB", 12_000),
        uploads(150, 300, "75 kB", 60_000),
        uploads(20, 20, "100 kB", 10_000),
    ]);
}

/// Calls that take a constant time each against places: they share them.
fn places(lanes: u32, announced: &str, items: u64) -> Case {
    let limit = format!("concurrency = {lanes}, retry_after = \"{announced}\"");
    let tank = Tank { items, limit: &limit, cost: "constant 100 ms", width: 16, ..Tank::default() };
    // A place is taken for 100 ms, and its answer and the next request travel 20 ms.
    check(&limit, tank, |seen| seen.passed() as f64 * 0.12 / f64::from(lanes))
}

#[test]
fn a_limit_on_requests_at_once_is_used_up_and_seldom_passed() {
    all_hold(&[
        places(4, "10 s", 100_000),
        places(4, "1 s", 20_000),
        places(8, "0 s", 20_000),
        places(1, "1 s", 6_000),
    ]);
}

/// A budget of service time: what is not covered by the burst and the cutoff comes back at the recharge rate.
#[test]
fn a_budget_of_service_time_is_used_up_and_seldom_passed() {
    let limit = "burst = \"30 s\", recharge_per_hour = \"1440 s\", cutoff = \"10 s\"";
    let tank = Tank { limit, protocol: "ews", cost: "constant 100 ms", items: 40_000, size: "1 MB", ..Tank::default() };
    all_hold(&[check(limit, tank, |seen| (seen.passed() as f64 * 0.1 - 40.0) / 0.4)]);
}
