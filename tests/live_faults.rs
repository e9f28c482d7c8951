//! Every fault at once, live: over five seeds nothing is lost, nothing is doubled, and what is left behind has a reason.
//!
//! Each seed is run in virtual time as well, which meets the same faults.

#![expect(clippy::print_stdout, reason = "the figures are part of what the test is for")]

#[path = "support/fault_heavy.rs"]
mod fault_heavy;

use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use mock_server::time::{Moment, Span};
use mock_server::wire::refusal::RefusalKind;
use wavetank::checkpoint::memory::Memory;
use wavetank::engine::live::run::migrate;
use wavetank::engine::live::server::ServerChoice;
use wavetank::engine::{order, virtual_time};
use wavetank::event::Cause;
use wavetank::metrics::collect::{Collector, refusals_of};
use wavetank::metrics::summary::Summary;
use wavetank::population::Population;

/// How many seeds are tried.
const SEEDS: u64 = 5;

/// Runs the scenario in both worlds.
fn run(seed: u64, target: &str) -> [Summary; 2] {
    let plan = fault_heavy::plan(seed, target);
    let population = Arc::new(Population::new(&plan.population, plan.seed).expect("a population"));
    let wave = order::wave(&plan, &population, 0, plan.wave.mailboxes);

    let collector = Rc::new(Collector::new(wave.len() as u64, Moment::NEVER));
    let servers = [ServerChoice::mock(), ServerChoice::mock()];
    let (memory, listener) = (Rc::new(Memory::default()), Rc::clone(&collector));
    let never = async || std::future::pending::<()>().await;
    migrate(&plan, &population, &wave, None, &servers, memory, listener, never).expect("a live run");
    [virtual_time::run::simulate(&plan, &population, &wave, 0, None).summary, collector.summary()]
}

fn check_safe(seed: u64, summary: &Summary) {
    let mailboxes = &summary.mailboxes;
    assert_eq!(mailboxes.completed, mailboxes.total, "seed {seed}: {summary:?}");
    let found = summary.verification;
    assert_eq!((found.missing, found.duplicate), (0, 0), "seed {seed}: {found:?}");
    assert_eq!((found.present + found.skipped, found.expected), (found.expected, 6 * 30), "seed {seed}: {found:?}");
    let reasons: u64 = summary.skipped.iter().map(|(_, count)| count).sum();
    assert_eq!((found.skipped, summary.items.skipped), (reasons, reasons), "seed {seed}: {:?}", summary.skipped);
    assert!(summary.skipped.iter().all(|(reason, _)| reason == "corrupt"), "seed {seed}: {:?}", summary.skipped);
}

/// Tries all seeds against a target of one protocol, side by side: they wait most of the time.
fn check(target: &str) {
    let runs: Vec<[Summary; 2]> = thread::scope(|scope| {
        let runs: Vec<_> = (1..=SEEDS).map(|seed| scope.spawn(move || run(seed, target))).collect();
        runs.into_iter().map(|run| run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    for (seed, [computed, live]) in (1..).zip(&runs) {
        check_safe(seed, computed);
        check_safe(seed, live);
        assert_eq!(computed.skipped, live.skipped, "seed {seed}: the same items are corrupt in both worlds");
        println!("{target}, seed {seed}: {:?}, refused {:?}", live.verification, live.refusals.iter().sum::<u64>());
    }
    let total = |of: &dyn Fn(&Summary) -> u64| runs.iter().map(|[_, live]| of(live)).sum::<u64>();
    for kind in [RefusalKind::ConnectionReset, RefusalKind::Truncated, RefusalKind::Unavailable] {
        assert!(total(&|live| refusals_of(live, kind)) > 0, "{kind} occurs");
    }
    assert!(total(&|live| live.items.skipped) > 0, "corrupt items occur");
    let delayed = |live: &Summary| live.charged[Cause::TargetThrottle as usize].0;
    assert!(total(&delayed) > Span::milliseconds(100).0, "delays occur");
}

#[test]
fn nothing_is_lost_or_doubled_on_the_way_into_graph() {
    check("graph");
}

#[test]
fn nothing_is_lost_or_doubled_on_the_way_into_ews() {
    check("ews");
}
