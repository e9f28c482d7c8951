//! Journals, round trip: what a live run against servers met is met again in virtual time, and ends the same way.

#[path = "support/fault_heavy.rs"]
mod fault_heavy;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use mock_server::front::clock::Clock;
use mock_server::journal::judge::card::Scorecard;
use mock_server::journal::read::{self, Journal};
use mock_server::journal::record::{FORMAT, Header};
use mock_server::journal::recorder::Recorder;
use mock_server::journal::steps;
use mock_server::journal::witness::Witness;
use mock_server::journal::write::Writer;
use mock_server::serve::{Doors, Kept};
use mock_server::service::credentials::Credentials;
use mock_server::service::script::Script;
use mock_server::time::Moment;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::{ItemErrorKind, RefusalKind};
use wavetank::checkpoint::memory::Memory;
use wavetank::engine::live::run::migrate;
use wavetank::engine::live::server::{self, ServerChoice};
use wavetank::engine::order;
use wavetank::engine::virtual_time::run::{Keep, rehearse, simulate};
use wavetank::engine::wire::url::ServerUrl;
use wavetank::event::Deaf;
use wavetank::metrics::collect::{Collector, refusals_of};
use wavetank::metrics::summary::Summary;
use wavetank::population::Population;
use wavetank::scenario;
use wavetank::scenario::plan::Plan;
use wavetank::world::Side;

/// Keeps what passes in a file.
fn recorder(file: &Path) -> Recorder {
    let header = Header {
        format: FORMAT.into(),
        made_by: "a test".into(),
        began: Timestamp::UNIX_EPOCH,
        time_scale: 1.0,
        scenario: None,
    };
    Recorder::new(1.0).with_file(Writer::begin(file, &header).expect("a file"), 0)
}

struct Trial {
    plan: Plan,
    population: Arc<Population>,
    wave: Vec<MailboxKey>,
}

/// Six mailboxes of which the source leaves items undone: some at random, others because a budget runs out while a call
/// exports them, which it does again and again.
const BUSY_ITEMS: &str = r#"
title = "Items left undone"
seed = 5
[population]
preset = "small-business"
mailboxes = 6
[population.uniform]
items = 60
item_size = "10 kB"
changes_per_day = 0
[source]
protocol = "ews"
costs = { preset = "free", call = "constant 20 ms", per_item = "30 ms" }
policies = [{ name = "budget", burst = "300 ms", recharge_per_hour = "1800 s", cutoff = "0 s", operations = ["export_items"] }]
faults = [{ name = "busy", rate = "10%", act = "fail-item", error = "busy", attempts_below = 2, operations = ["export_items"] }]
[target]
protocol = "graph"
costs = { preset = "free", call = "constant 5 ms" }
switch = { places = 6, duration = "constant 50 ms" }
[network.source]
preset = "ideal"
[network.target]
preset = "ideal"
[pipeline]
lanes = 6
requests_per_mailbox = 2
poll_interval = "30 ms"
verify = "fingerprint"
[wave]
mailboxes = 6
"#;

impl Trial {
    fn new(seed: u64, target: &str) -> Self {
        Self::of(fault_heavy::plan(seed, target))
    }

    fn of(plan: Plan) -> Self {
        let population = Arc::new(Population::of(&plan).expect("a population"));
        let wave = order::wave(&plan, &population, 0, plan.wave.mailboxes);
        Self { plan, population, wave }
    }

    /// Runs live against servers that keep a journal.
    fn live(&self, file: &Path) -> (Summary, Scorecard) {
        let recorder = recorder(file);
        let doors = Doors {
            state: None,
            listen: "127.0.0.1:0".parse().expect("an address"),
            tls: None,
            proxy: None,
            ca_out: None,
            named: Vec::new(),
            control_token: None,
        };
        let clock = Clock::start();
        let open = |side: Side| {
            let kept = Kept { witness: Some(Witness::new(recorder.clone(), Some(side.name()))), ..Kept::default() };
            let (config, content) = (server::config(&self.plan, side), Arc::clone(&self.population));
            doors
                .open_kept(config, content, "a test", clock.clone(), None, Credentials::default(), kept)
                .expect("an open server")
        };
        let handles = [open(Side::Source), open(Side::Target)];
        let servers = [0, 1].map(|side: usize| ServerChoice {
            url: Some(ServerUrl::of(handles[side].address())),
            ..ServerChoice::mock()
        });
        let collector = Rc::new(Collector::new(self.wave.len() as u64, Moment::NEVER));
        let (memory, listener) = (Rc::new(Memory::default()), Rc::clone(&collector));
        let never = async || std::future::pending::<()>().await;
        migrate(&self.plan, &self.population, &self.wave, self.plan.open(), &servers, memory, listener, never)
            .expect("a live run");
        drop(handles);
        (collector.summary(), recorder.end().expect("a journal"))
    }

    /// Runs in virtual time against what a journal holds, and keeps another of that if there is a recorder.
    fn replayed(&self, journal: &Journal, recorder: Option<Recorder>) -> Summary {
        let script = |side: Side| {
            let own = journal.records.iter().filter(|record| record.server.as_deref() == Some(side.name()));
            Script::new(steps::of(own).expect("steps"))
        };
        let keep = Keep { recorder, scripts: Some([script(Side::Source), script(Side::Target)]) };
        rehearse(&self.plan, &self.population, &self.wave, self.plan.open(), &Deaf, &keep).0.summary
    }
}

fn check(seed: u64, target: &str) {
    let trial = Trial::new(seed, target);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("run.journal");
    let (live, card) = trial.live(&file);
    let journal = read::read(&file).expect("a journal");
    assert!(!journal.cut);
    let again = trial.replayed(&journal, None);
    assert!(live.refusals.iter().sum::<u64>() > 10, "{:?}", live.refusals);
    for kind in RefusalKind::ALL {
        assert_eq!(refusals_of(&live, kind), refusals_of(&again, kind), "seed {seed}, {target}: {kind}");
    }
    assert_eq!(live.mailboxes, again.mailboxes, "seed {seed}, {target}");
    assert_eq!(live.items, again.items, "seed {seed}, {target}");
    assert_eq!(live.verification, again.verification, "seed {seed}, {target}");
    assert_eq!(live.skipped, again.skipped, "seed {seed}, {target}");
    let lost: u64 = card.clients.iter().map(|client| client.items.lost + client.items.doubled).sum();
    assert_eq!(lost, 0, "seed {seed}, {target}: {card:?}");
}

#[test]
fn a_live_run_that_is_replayed_meets_the_same_refusals_and_ends_the_same_way() {
    std::thread::scope(|scope| {
        let trials = [(1, "graph"), (2, "graph"), (1, "ews"), (2, "ews")];
        let runs = trials.map(|(seed, target)| scope.spawn(move || check(seed, target)));
        for run in runs {
            run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

/// How often items were left undone of each kind of work, and why.
fn undone(journal: &Journal) -> BTreeMap<(Operation, ItemErrorKind), u64> {
    let mut counts = BTreeMap::new();
    for step in steps::of(&journal.records).expect("steps") {
        for undone in &step.undone {
            *counts.entry((step.operation, undone.error.kind)).or_default() += 1;
        }
    }
    counts
}

#[test]
fn items_that_a_live_run_found_undone_are_undone_again() {
    let plan = scenario::parse(Path::new("busy-items.toml"), BUSY_ITEMS, &[], None);
    let trial = Trial::of(plan.unwrap_or_else(|problems| panic!("{}", problems.render(false, 120))));
    let directory = tempfile::tempdir().expect("a directory");
    let [first, second] = ["first.journal", "second.journal"].map(|name| directory.path().join(name));
    let (live, _) = trial.live(&first);
    let journal = read::read(&first).expect("a journal");
    let met = undone(&journal);
    // Some at random, and whole ends of calls for the budget.
    assert!(met[&(Operation::ExportItems, ItemErrorKind::Busy)] > 60, "{met:?}");
    let recorder = recorder(&second);
    let again = trial.replayed(&journal, Some(recorder.clone()));
    recorder.end().expect("a journal");
    assert_eq!(undone(&read::read(&second).expect("a journal")), met);
    assert_eq!((live.items, live.verification, live.refusals), (again.items, again.verification, again.refusals));
}

#[test]
fn a_virtual_run_that_is_replayed_takes_as_long_as_it_took() {
    let trial = Trial::new(3, "graph");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("run.journal");
    let recorder = recorder(&file);
    let keep = Keep { recorder: Some(recorder.clone()), scripts: None };
    let (first, _) = rehearse(&trial.plan, &trial.population, &trial.wave, trial.plan.open(), &Deaf, &keep);
    recorder.end().expect("a journal");
    let unwatched = simulate(&trial.plan, &trial.population, &trial.wave, 0, trial.plan.open());
    assert_eq!(first.done, unwatched.done, "whoever watches changes nothing");
    let again = trial.replayed(&read::read(&file).expect("a journal"), None);
    assert_eq!(first.summary.refusals, again.refusals);
    assert_eq!(first.summary.makespan, again.makespan);
}
