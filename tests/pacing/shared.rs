//! A thousand mailboxes that share a limit of the tenant: at least 95% of the maximum, and fairly.

use crate::rig::{Case, Tank, all_hold, window_form};

const MAILBOXES: u32 = 1_000;
const LEAST_SHARE: f64 = 0.95;
const LEAST_FAIRNESS: f64 = 0.95;

/// `count` calls in any span of `per` seconds for all mailboxes together: see [`window_form`].
fn check(count: u64, per: u64, more: &str, items: u64) -> Case {
    let limit = format!("requests = \"{count}/{per} s\", scope = \"tenant\"{more}");
    let tank = Tank { mailboxes: MAILBOXES, items, limit: &limit, ..Tank::default() };
    let seen = tank.run();
    let share = window_form(seen.passed(), count, per as f64) / seen.seconds();
    let fairness = seen.fairness(MAILBOXES, seen.seconds() / 2.0);
    let what = format!("{limit}: fairness {fairness:.4}");
    Case::new(&what, &seen, share, share >= LEAST_SHARE && fairness >= LEAST_FAIRNESS)
}

#[test]
fn mailboxes_share_a_limit_of_the_tenant_that_says_so() {
    all_hold(&[check(2_000, 10, ", refusal = \"app_limit\"", 60), check(10_000, 60, ", refusal = \"app_limit\"", 100)]);
}

#[test]
fn mailboxes_share_a_limit_of_the_tenant_that_speaks_as_if_it_were_theirs() {
    all_hold(&[check(2_000, 10, "", 60)]);
}
