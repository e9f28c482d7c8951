//! The real pipeline over real HTTP: everything arrives once, whatever goes wrong and whenever it is interrupted.

use std::net::TcpListener;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use mock_server::front::access;
use mock_server::front::clock::Clock;
use mock_server::time::{Moment, Span};
use mock_server::wire::id::MailboxKey;
use mock_server::wire::refusal::RefusalKind;
use wavetank::checkpoint::Checkpoint;
use wavetank::checkpoint::disk::Disk;
use wavetank::checkpoint::memory::Memory;
use wavetank::engine::live::run::{Finished, LiveError, migrate};
use wavetank::engine::live::server::{self, ServerChoice};
use wavetank::engine::wire::url::ServerUrl;
use wavetank::metrics::collect::{Collector, refusals_of};
use wavetank::metrics::summary::Summary;
use wavetank::population::Population;
use wavetank::scenario;
use wavetank::scenario::plan::Plan;

/// A scenario of the project, made short by overrides. Announced waits are left out: Graph counts them in whole seconds.
fn plan(name: &str, overrides: &[&str]) -> Plan {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    let content = std::fs::read_to_string(&file).expect("a scenario").replace("retry_after = \"1 s\"\n", "");
    let quick = ["target.switch.duration=\"constant 50 ms\"", "pipeline.poll_interval=\"20 ms\""];
    let overrides: Vec<String> = quick.iter().chain(overrides).map(|text| (*text).to_owned()).collect();
    let plan = scenario::parse(&file, &content, &overrides, None);
    plan.expect("a scenario")
}

fn population(plan: &Plan) -> Arc<Population> {
    Arc::new(Population::new(&plan.population, plan.seed).expect("a population"))
}

fn wave(plan: &Plan) -> Vec<MailboxKey> {
    (0..plan.wave.mailboxes).map(MailboxKey).collect()
}

async fn never() {
    std::future::pending::<()>().await;
}

fn run<C: Checkpoint + 'static>(
    plan: &Plan,
    servers: &[ServerChoice; 2],
    checkpoint: Rc<C>,
    interrupts: impl AsyncFnMut(),
) -> Result<(Finished, Summary), LiveError> {
    let wave = wave(plan);
    let collector = Rc::new(Collector::new(wave.len() as u64, Moment::NEVER));
    let content = population(plan);
    let listener = Rc::clone(&collector);
    let finished = migrate(plan, &content, &wave, None, servers, checkpoint, listener, interrupts)?;
    Ok((finished, collector.summary()))
}

fn mocks() -> [ServerChoice; 2] {
    [ServerChoice::mock(), ServerChoice::mock()]
}

fn check_exact(plan: &Plan, summary: &Summary) {
    let wanted = u64::from(plan.wave.mailboxes);
    assert_eq!((summary.mailboxes.completed, summary.mailboxes.total), (wanted, wanted), "{summary:?}");
    let found = summary.verification;
    assert_eq!((found.missing, found.duplicate), (0, 0), "{found:?}");
    assert_eq!(found.present + found.skipped, found.expected, "{found:?}");
    assert!(found.expected > 0);
}

#[test]
fn everything_arrives_once_under_every_fault_at_once() {
    let plan = plan("fault-heavy.toml", &["population.uniform.items=4", "pipeline.retry.first_back_off=\"5 ms\""]);
    let (finished, summary) = run(&plan, &mocks(), Rc::new(Memory::default()), never).expect("a run");
    check_exact(&plan, &summary);
    assert!(!finished.interrupted && finished.waiting == 0);
    for kind in [RefusalKind::ConnectionReset, RefusalKind::Truncated, RefusalKind::Unavailable] {
        assert!(refusals_of(&summary, kind) > 0, "{kind}");
    }
    assert_eq!(refusals_of(&summary, RefusalKind::TimedOut), 0);
}

/// Interrupts a run after so many milliseconds, once or (`at_once`) a second time right away; resumes it.
fn check_resume(milliseconds: u64, at_once: bool) {
    let overrides = ["population.uniform.item_size=\"20 kB\"", "pipeline.lanes=2", "pipeline.open_switches=2"];
    let plan = plan("network-bound.toml", &overrides);
    let content = population(&plan);
    // Made once for all servers, so that the run is interrupted at its work and not while it waits for a token.
    access::make_key();
    let clock = Clock::start();
    let source = server::start(plan.source_config(), Arc::clone(&content), clock.clone()).expect("a source");
    let target = server::start(plan.target_config(), content, clock.clone()).expect("a target");
    let servers = [&source, &target]
        .map(|handle| ServerChoice { url: Some(ServerUrl::of(handle.address())), ..ServerChoice::mock() });
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state.redb");
    let open = || Rc::new(Disk::open(&file, &plan.hash, plan.seed).expect("a checkpoint"));

    let mut count = 0;
    let interrupts = async || {
        count += 1;
        match count {
            1 => clock.sleep(Span::milliseconds(milliseconds)).await,
            _ if at_once => {}
            _ => never().await,
        }
    };
    let (finished, summary) = run(&plan, &servers, open(), interrupts).expect("a run");
    assert!(finished.interrupted && finished.waiting > 0, "{finished:?}");
    assert_eq!(summary.mailboxes.half_switched, 0);
    let (finished, summary) = run(&plan, &servers, open(), never).expect("a run");
    assert!(!finished.interrupted);
    check_exact(&plan, &summary);
}

#[test]
fn a_run_that_was_asked_to_end_can_be_resumed() {
    check_resume(60, false);
}

#[test]
fn a_run_that_was_ended_at_once_can_be_resumed() {
    check_resume(110, true);
}

#[test]
fn a_run_that_is_interrupted_before_it_begins_has_begun_nothing() {
    let plan = plan("network-bound.toml", &[]);
    let (finished, summary) = run(&plan, &mocks(), Rc::new(Memory::default()), async || {}).expect("a run");
    assert_eq!((finished.interrupted, finished.waiting), (true, plan.wave.mailboxes as usize));
    assert_eq!(summary.calls(), 0);
}

#[test]
fn an_unreachable_server_is_named() {
    let plan = plan("network-bound.toml", &[]);
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let gone = ServerChoice { url: Some(ServerUrl::of(port)), ..ServerChoice::mock() };
    let error = run(&plan, &[ServerChoice::mock(), gone], Rc::new(Memory::default()), never).expect_err("no target");
    assert!(matches!(error, LiveError::Unreachable { .. }));
    assert_eq!(error.to_string(), format!("the target at http://{port} cannot be reached"));
}
