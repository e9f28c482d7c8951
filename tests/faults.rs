//! Nothing is lost or doubled, whatever goes wrong.
//!
//! The check does not trust the pipeline's own verification: it looks at what both servers hold when a mailbox's move is
//! over, and holds that against what the pipeline reports. `WAVETANK_SEEDS` sets how many seeds are tried (200 by
//! default); a seed that fails is named with its scenario.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;

use mock_server::draw::{Purpose, hash};
use mock_server::fault::plan::FaultPlan;
use mock_server::service::core::Held;
use mock_server::time::Moment;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::ItemErrorKind;
use wavetank::engine::virtual_time::audit::{Found, audited};
use wavetank::engine::{order, seed};
use wavetank::event::{End, Event, Listener, SkipReason, Verification};
use wavetank::population::Population;
use wavetank::scenario;
use wavetank::scenario::plan::Plan;
use wavetank::world::Side;

/// Seeds of one scenario, unless `WAVETANK_SEEDS` says otherwise.
const SEEDS: u64 = 200;

/// Threads that share the seeds.
const THREADS: u64 = 2;

/// What the pipeline told of a mailbox.
#[derive(Default)]
struct Told {
    end: Option<(End, Verification)>,
    skips: Vec<SkipReason>,
}

/// Listens to what the pipeline tells.
#[derive(Default)]
struct Ear(RefCell<BTreeMap<MailboxKey, Told>>);

impl Listener for Ear {
    fn note(&self, _: Moment, event: &Event) {
        let mut told = self.0.borrow_mut();
        match *event {
            Event::ItemSkipped { mailbox, reason, .. } => told.entry(mailbox).or_default().skips.push(reason),
            Event::MailboxEnded { mailbox, end, verification, .. } => {
                told.entry(mailbox).or_default().end = Some((end, verification));
            }
            _ => {}
        }
    }
}

/// How the mailboxes of some runs ended, and how many items were skipped.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
struct Tally {
    completed: u64,
    failed: u64,
    half_switched: u64,
    skipped: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.half_switched += other.half_switched;
        self.skipped += other.skipped;
    }
}

fn load(file: &str, overrides: &[String], seed: u64) -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    scenario::load(&path, overrides, Some(seed)).expect("a scenario")
}

fn seeds() -> u64 {
    std::env::var("WAVETANK_SEEDS").ok().and_then(|number| number.parse().ok()).unwrap_or(SEEDS)
}

/// Runs a scenario with many seeds, each with overrides of its own, and checks every mailbox of every run.
fn check(file: &str, overrides: &[&str], vary: fn(u64) -> Vec<String>) -> Tally {
    let count = seeds();
    thread::scope(|scope| {
        let shares = (0..THREADS).map(|share| {
            scope.spawn(move || {
                let mut tally = Tally::default();
                for seed in (share..count).step_by(THREADS as usize) {
                    let mut changes = vary(seed);
                    changes.extend(overrides.iter().map(|&text| text.to_owned()));
                    let plan = load(file, &changes, seed);
                    let sets: Vec<String> = changes.iter().map(|text| format!(" --set '{text}'")).collect();
                    tally.add(run(&plan, &format!("{file}{} --seed {seed}", sets.concat())));
                }
                tally
            })
        });
        let shares: Vec<_> = shares.collect();
        shares.into_iter().fold(Tally::default(), |mut sum, share| {
            sum.add(share.join().expect("every mailbox is as it was reported"));
            sum
        })
    })
}

/// Runs a plan once and checks every mailbox.
fn run(plan: &Plan, what: &str) -> Tally {
    let population = Population::new(&plan.population, plan.seed).expect("the population is small");
    let mailboxes = order::wave(plan, &population, 0, plan.wave.mailboxes);
    let ear = Ear::default();
    let found = RefCell::new(Vec::new());
    let finished = audited(plan, &population, &mailboxes, 0, None, &ear, &|mailbox| found.borrow_mut().push(mailbox));
    assert_eq!(finished.stuck, 0, "{what}: a lane waits for ever");
    let found = found.into_inner();
    let seen: BTreeSet<MailboxKey> = found.iter().map(|found| found.mailbox).collect();
    assert_eq!((seen.len(), found.len()), (mailboxes.len(), mailboxes.len()), "{what}: every mailbox ended once");
    let mut config = plan.source_config();
    config.seed = seed::service(plan.seed, 0, Side::Source);
    let faults = FaultPlan::new(config.seed, config.faults);
    let told = ear.0.into_inner();
    let mut tally = Tally::default();
    for found in &found {
        let what = format!("{what}, mailbox {}", found.mailbox.0);
        judge(found, &told[&found.mailbox], &faults, &what, &mut tally);
    }
    let counts = finished.summary.mailboxes;
    assert_eq!(
        (counts.completed, counts.failed, counts.half_switched, counts.unfinished),
        (tally.completed, tally.failed, tally.half_switched, 0),
        "{what}: the summary tells how mailboxes ended"
    );
    tally
}

fn place(held: &Held) -> (&str, u64) {
    (&held.folder, held.key.0)
}

/// Holds what the servers hold against what the pipeline told.
fn judge(found: &Found, told: &Told, faults: &FaultPlan, what: &str, tally: &mut Tally) {
    let (end, verification) = told.end.expect("every mailbox ends");
    let there: BTreeSet<(&str, u64)> = found.target.iter().map(place).collect();
    assert_eq!(there.len(), found.target.len(), "{what} ({end:?}): an item is in the target twice");
    match end {
        End::Completed => {
            tally.completed += 1;
            assert!(!found.source_is_open, "{what}: users still work in the source");
            tally.skipped += whole(found, told, &verification, faults, what);
        }
        End::Failed => {
            tally.failed += 1;
            assert!(found.source_is_open, "{what}: given up, and users are shut out of the source");
        }
        End::HalfSwitched => tally.half_switched += 1,
        End::Unfinished => panic!("{what}: unfinished without a window"),
    }
}

/// Checks that the target of a completed mailbox holds what the source holds, less what was skipped for a reason.
/// Returns how many items were skipped.
fn whole(found: &Found, told: &Told, verification: &Verification, faults: &FaultPlan, what: &str) -> u64 {
    let from: BTreeSet<(&str, u64)> = found.source.iter().map(place).collect();
    for held in &found.target {
        assert!(from.contains(&place(held)), "{what}: {held:?} is in the target only");
    }
    let lacking: Vec<&Held> = found.source.iter().filter(|held| found.target.binary_search(held).is_err()).collect();
    let skipped = lacking.len() as u64;
    let expected = found.source.len() as u64;
    let wanted = Verification { expected, present: expected - skipped, missing: 0, duplicate: 0, skipped, added: 0 };
    assert_eq!(*verification, wanted, "{what}: the report tells what the servers hold; lacking {lacking:?}");
    let unreadable = |held: &&&Held| faults.corrupts(Moment::START, found.mailbox, Operation::ExportItems, held.key);
    let struck = lacking.iter().filter(unreadable).count();
    let reasons = |corrupt: bool| {
        let of = |reason: &&SkipReason| matches!(reason, SkipReason::Item(ItemErrorKind::Corrupt)) == corrupt;
        told.skips.iter().filter(of).count()
    };
    assert!(struck <= reasons(true), "{what}: {struck} unreadable items, told {:?}", told.skips);
    assert!(lacking.len() <= told.skips.len(), "{what}: skipped without a reason: {lacking:?} {:?}", told.skips);
    skipped
}

/// Every seed has a storm of its own: how patient the client is, how much it does at once, how large its batches are,
/// how slow the line is, and how often what goes wrong.
fn weather(seed: u64) -> Vec<String> {
    let pick = |subject: u64, choices: u64| hash(seed, Purpose::Fault, 1, subject, 0) % choices;
    let mut changes = vec![
        format!("pipeline.patience={} ms", [300, 700, 1_500, 1_500, 4_000][pick(0, 5) as usize]),
        format!("pipeline.requests_per_mailbox={}", [1, 2, 4, 4, 16][pick(1, 5) as usize]),
        format!("pipeline.batch.sync_changes={}", [7, 40, 512][pick(2, 3) as usize]),
        format!("pipeline.batch.export_items={}", [1, 15, 100][pick(3, 3) as usize]),
        format!("pipeline.retry.attempts={}", [3, 4, 6, 9][pick(4, 4) as usize]),
        format!("network.target.bandwidth={} Mbit/s", [2, 20, 1_000][pick(5, 3) as usize]),
    ];
    for (subject, fault) in ["overload", "resets", "cut off", "lost answers", "slow answers"].into_iter().enumerate() {
        changes.push(format!("target.faults.{fault}.rate={}%", [0, 1, 5, 12][pick(6 + subject as u64, 4) as usize]));
    }
    changes
}

const PRESTAGED: [&str; 2] = ["wave.prestage.lead=1 d", "wave.prestage.age=6 h"];

/// Every way in which a scenario is run: both protocols of the target, compared item by item and by counts, with a first
/// copy and pre-staged.
fn ways() -> Vec<Vec<&'static str>> {
    let protocols = [&["target.protocol=graph"][..], &["target.protocol=ews", "pipeline.batch.upload_items=7"]];
    let depths = ["pipeline.verify=fingerprint", "pipeline.verify=counts"];
    let copies = [&[][..], &PRESTAGED];
    let pairs = protocols.into_iter().flat_map(|protocol| depths.map(|depth| (protocol, depth)));
    pairs.flat_map(|(protocol, depth)| copies.map(|copy| [protocol, &[depth], copy].concat())).collect()
}

#[test]
fn under_every_fault_at_once_every_mailbox_arrives_whole() {
    let mut total = Tally::default();
    for way in ways() {
        let tally = check("tests/faults/every-fault.toml", &way, |_| Vec::new());
        assert_eq!(tally.failed + tally.half_switched, 0, "{way:?}: {tally:?}");
        total.add(tally);
    }
    assert_eq!(total.completed, 4 * seeds() * ways().len() as u64);
    assert!(total.skipped > 0, "corrupt items occurred");
}

#[test]
fn in_a_storm_every_mailbox_ends_as_it_is_reported() {
    let mut total = Tally::default();
    for way in ways() {
        total.add(check("tests/faults/storm.toml", &way, weather));
    }
    assert!(total.completed > 0 && total.failed > 0 && total.half_switched > 0, "{total:?}");
}

#[test]
fn the_fault_heavy_example_arrives_whole_with_any_seed() {
    let tally = check("scenarios/fault-heavy.toml", &[], |_| Vec::new());
    assert_eq!(tally.completed, 6 * seeds(), "{tally:?}");
    assert!(tally.skipped > 0, "corrupt items occurred");
}
