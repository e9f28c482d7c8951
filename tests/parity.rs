//! The two worlds agree: one body runs in virtual time and live over HTTP, and what comes out is the same.
//!
//! What is deterministic is compared closely. Requests and refusals are, operation by operation and kind by kind, in
//! these scenarios: the faults are keyed by request and attempt, each mailbox has its limits to itself and makes one
//! request at a time where they bind. Polls of a switch are the one exception: their number is the duration of the
//! switch divided by the interval, and a poll that falls together with the end may come on either side of it, so they
//! may differ by one for each mailbox. The makespan is compared with the wall clock. A machine that is busy with
//! something else can only lengthen a live run, and how often a limit refuses depends on when it is asked; so a run that
//! took too long is not compared but repeated, a few times at most and with nothing of ours beside it. What arrives is
//! compared in every run.

use std::fmt::Write;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use mock_server::time::Moment;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::RefusalKind;
use wavetank::checkpoint::memory::Memory;
use wavetank::engine::live::run::migrate;
use wavetank::engine::live::server::ServerChoice;
use wavetank::engine::{order, virtual_time};
use wavetank::event::Cause;
use wavetank::metrics::collect::Collector;
use wavetank::metrics::summary::Summary;
use wavetank::population::Population;
use wavetank::scenario;
use wavetank::scenario::plan::Plan;

/// By how much the makespan of the two worlds may differ.
const MAKESPAN: f64 = 0.05;

/// By how much counts that are deterministic may differ.
const COUNTS: f64 = 0.02;

/// How often a live run is made at most.
const LIVE_RUNS: usize = 5;

/// First runs share it, each of the others has it for itself.
static MACHINE: RwLock<()> = RwLock::new(());

struct Trial {
    plan: Plan,
    population: Arc<Population>,
    wave: Vec<MailboxKey>,
}

impl Trial {
    fn new(name: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
        let plan = scenario::load(&file, &[], None).expect("a scenario");
        let population = Arc::new(Population::new(&plan.population, plan.seed).expect("a population"));
        let wave = order::wave(&plan, &population, 0, plan.wave.mailboxes);
        Self { plan, population, wave }
    }

    fn virtually(&self) -> Summary {
        virtual_time::run::simulate(&self.plan, &self.population, &self.wave, 0, self.plan.open()).summary
    }

    fn live(&self) -> Summary {
        let collector = Rc::new(Collector::new(self.wave.len() as u64, Moment::NEVER));
        let servers = [ServerChoice::mock(), ServerChoice::mock()];
        let memory = Rc::new(Memory::default());
        let listener = Rc::clone(&collector);
        let never = async || std::future::pending::<()>().await;
        migrate(&self.plan, &self.population, &self.wave, self.plan.open(), &servers, memory, listener, never)
            .expect("a live run");
        collector.summary()
    }
}

/// The body that runs in both worlds: everything arrives once, whatever the world.
fn body(trial: &Trial, run: impl Fn(&Trial) -> Summary) -> Summary {
    let summary = run(trial);
    let mailboxes = trial.wave.len() as u64;
    assert_eq!((summary.mailboxes.completed, summary.mailboxes.total), (mailboxes, mailboxes), "{summary:?}");
    let found = summary.verification;
    assert_eq!((found.missing, found.duplicate), (0, 0), "{found:?}");
    assert_eq!(found.present + found.skipped, found.expected, "{found:?}");
    assert_eq!(found.present, summary.items.copied, "{found:?}");
    assert!(found.expected > 0);
    summary
}

fn differ(computed: f64, live: f64) -> f64 {
    (live - computed).abs() / computed.max(1.0)
}

/// Compares what is deterministic. Adds the lines of a table to what was told.
fn compare(told: String, computed: &Summary, live: &Summary) -> String {
    let mut table = told;
    writeln!(table, "{:<32}{:>10}{:>10}", "", "virtual", "live").expect("a text grows");
    let mut line = |name: &str, computed: u64, live: u64, slack: u64| {
        writeln!(table, "{name:<32}{computed:>10}{live:>10}").expect("a text grows");
        let close = differ(computed as f64, live as f64) <= COUNTS || computed.abs_diff(live) <= slack;
        assert!(close, "{name}: virtual {computed}, live {live}\n{table}");
    };
    let mailboxes = computed.mailboxes.total;
    for operation in Operation::ALL {
        let counts = [computed, live].map(|summary| summary.requests[operation as usize].count);
        let slack = if operation == Operation::PollSwitch { mailboxes } else { 0 };
        if counts != [0, 0] {
            line(operation.name(), counts[0], counts[1], slack);
        }
    }
    for kind in RefusalKind::ALL {
        let counts = [computed, live].map(|summary| summary.refusals[kind as usize]);
        if counts != [0, 0] {
            line(kind.name(), counts[0], counts[1], 0);
        }
    }
    line("bytes sent", computed.sent_bytes, live.sent_bytes, 0);
    line("bytes received", computed.received_bytes, live.received_bytes, 0);
    table
}

/// Where the time goes, in shares of lane time.
fn causes(computed: &Summary, live: &Summary) -> String {
    let [computed, live] = [computed, live].map(Summary::shares);
    let rows = Cause::ALL.into_iter().zip(computed.into_iter().zip(live)).filter(|(_, (a, b))| a.max(*b) >= 0.005);
    rows.fold(String::new(), |mut table, (cause, (a, b))| {
        writeln!(table, "{:<32}{:>9.1}%{:>9.1}%", cause.name(), a * 100.0, b * 100.0).expect("a text grows");
        table
    })
}

fn check(name: &str, binds: Option<RefusalKind>) -> String {
    let trial = Trial::new(name);
    let computed = body(&trial, Trial::virtually);
    if let Some(kind) = binds {
        assert!(computed.refusals[kind as usize] > 0, "{name} is about {kind}");
    }
    let mut told = format!("{name}\n");
    for run in 1..=LIVE_RUNS {
        let live = if run == 1 {
            let _beside = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
            body(&trial, Trial::live)
        } else {
            let _alone = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
            body(&trial, Trial::live)
        };
        assert_eq!(computed.verification, live.verification, "{name}");
        assert_eq!(computed.items, live.items, "{name}");
        assert_eq!(computed.skipped, live.skipped, "{name}");
        let [virtually, lively] = [&computed, &live].map(|summary| summary.makespan.as_seconds());
        let ratio = lively / virtually;
        writeln!(told, "run {run}: virtual {virtually:.3} s, live {lively:.3} s, ratio {ratio:.4}")
            .expect("a text grows");
        if (ratio - 1.0).abs() <= MAKESPAN {
            return compare(told, &computed, &live) + &causes(&computed, &live);
        }
        assert!(ratio > 1.0, "{told}a live run cannot be faster than its model");
    }
    panic!("{told}the makespan of every live run is more than {} % away", MAKESPAN * 100.0)
}

#[expect(clippy::print_stdout, reason = "the table is for whoever runs the test with --nocapture")]
#[test]
fn both_worlds_agree_on_what_happens_and_how_long_it_takes() {
    let trials = [
        ("network-bound.toml", None),
        ("throttle-bound.toml", Some(RefusalKind::RequestLimit)),
        ("fault-heavy.toml", Some(RefusalKind::ConnectionReset)),
    ];
    // They wait most of the time, so they do not disturb each other.
    let told = thread::scope(|scope| {
        let runs = trials.map(|(name, binds)| scope.spawn(move || check(name, binds)));
        runs.map(|run| run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    println!("{}", told.join("\n"));
}
