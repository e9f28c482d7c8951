//! Random small storms: nothing is lost, doubled, stuck or late, and mistakes that are planted on purpose are found.
//!
//! `WAVETANK_SWARM` sets how many seeds are tried (1,000 by default). The large number is a command:
//! `cargo run --release -- swarm --seeds 10000`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use wavetank::pipeline::planted::{Bug, Planted};
use wavetank::scenario;
use wavetank::scenario::plan::Plan;
use wavetank::swarm::law::Law;
use wavetank::swarm::shrink::{Minimal, shrink};
use wavetank::swarm::trial::{Observed, observe};
use wavetank::swarm::when::explain;
use wavetank::swarm::{campaign, scenario as swarm};

/// Seeds, unless `WAVETANK_SWARM` says otherwise.
const SEEDS: u64 = 1_000;

/// Seeds within which every planted mistake must be found.
const BUG_SEEDS: u64 = 200;

/// Threads that share the work.
const THREADS: usize = 2;

fn seeds() -> u64 {
    std::env::var("WAVETANK_SWARM").ok().and_then(|number| number.parse().ok()).unwrap_or(SEEDS)
}

fn run(plan: &Plan, planted: Planted) -> Observed {
    observe(plan, planted).expect("a population")
}

/// Writes the scenario of a seed where a failing test can be repeated from.
fn keep(seed: u64) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("swarm-{seed}.toml"));
    fs::write(&file, swarm::of_seed(seed)).expect("the folder for files of tests can be written to");
    file
}

#[test]
fn in_any_storm_every_mailbox_arrives_whole_and_in_time() {
    let campaign = campaign::run(1, seeds() + 1, THREADS, Planted::NONE, &|_| {});
    let failures: Vec<String> = campaign
        .failures
        .iter()
        .map(|failure| {
            let broken: Vec<String> = failure.broken.iter().map(|broken| format!("\n    {broken}")).collect();
            format!("\n  seed {} ({}):{}", failure.seed, keep(failure.seed).display(), broken.concat())
        })
        .collect();
    assert!(failures.is_empty(), "{} of {} seeds:{}", failures.len(), campaign.runs, failures.concat());
    assert!(campaign.crashes > campaign.runs / 3, "processes died: {campaign:?}");
    assert!(campaign.refusals > campaign.runs && campaign.skipped > 0, "there were storms: {campaign:?}");
    assert_eq!(campaign.never_reached(), [], "every way of the pipeline was gone: {campaign:?}");
    assert!(campaign.completed * 10 > campaign.mailboxes * 9, "nearly all complete: {campaign:?}");
}

#[test]
fn the_file_of_a_seed_replays_it() {
    for seed in 1..=20 {
        let plan = campaign::plan(seed).expect("a scenario");
        let file = keep(seed);
        let again = scenario::load(&file, &[], None).expect("a scenario");
        let outcome = |plan: &Plan| {
            let seen = run(plan, Planted::NONE);
            (seen.manners, seen.ended, seen.items, seen.skipped, seen.broken)
        };
        assert_eq!(outcome(&plan), outcome(&again), "seed {seed}");
        fs::remove_file(file).expect("it was written");
    }
}

#[test]
fn seeds_have_masks_of_their_own() {
    let texts: BTreeSet<String> = (0..200).map(swarm::of_seed).collect();
    assert_eq!(texts.len(), 200);
    let plans: Vec<Plan> = (0..200).map(|seed| campaign::plan(seed).expect("a scenario")).collect();
    let share = |holds: fn(&Plan) -> bool| plans.iter().filter(|plan| holds(plan)).count();
    for share in [
        share(|plan| plan.target.server.faults.is_empty()),
        share(|plan| plan.target.server.faults.len() > 3),
        share(|plan| plan.crashes.is_empty()),
        share(|plan| plan.crashes.len() > 1),
        share(|plan| plan.target.server.limits.is_empty()),
        share(|plan| plan.wave.prestage.is_some()),
    ] {
        assert!((2..=150).contains(&share), "{share}");
    }
}

#[test]
fn the_moment_that_sealed_a_failure_is_found() {
    let fault = "[[target.faults]]\nname = \"x\"\nfrom = \"20 s\"\nuntil = \"21 s\"\nrate = \"40%\"\nact = \"reset\"";
    let text = format!(
        "title = \"A second of trouble\"\n[population]\npreset = \"small-business\"\nmailboxes = 1\n[population.uniform]\n\
         items = 90\nitem_size = \"4 kB\"\n[pipeline]\nrequests_per_mailbox = 1\n[source]\ncosts = \"free\"\n[target]\n\
         costs = {{ preset = \"free\", call = \"constant 450 ms\" }}\n[wave]\nmailboxes = 1\n{fault}\n"
    );
    let failing = (1..40).find_map(|seed| {
        let plan = scenario::parse(Path::new("trouble.toml"), &text, &[], Some(seed)).expect("a scenario");
        (run(&plan, Planted::NONE).manners.refusals > 0).then_some(plan)
    });
    let fails = |observed: &Observed| observed.manners.refusals > 0;
    let found = explain(&failing.expect("one of them fails"), Planted::NONE, &fails, 8, 24).expect("a population");
    let (open, sealed) = found.between.expect("it is not sealed from the start");
    assert!(open.as_seconds() > 18.0 && sealed.as_seconds() < 21.5 && open < sealed, "{found:?}");
    assert!(found.around.iter().any(|happened| happened.what.contains("connection_reset")), "{found:?}");
}

/// Seed 148, made small: the source loses a sync state while a folder is compared because of the one lost before.
#[test]
fn a_state_that_is_lost_during_a_comparison_doubles_nothing() {
    let text = "title = \"Lost twice\"\n[population]\npreset = \"small-business\"\nmailboxes = 1\n[population.uniform]\n\
                items = 80\nitem_size = \"90 kB\"\n[pipeline.batch]\nsync_changes = 5\n[wave]\nmailboxes = 1\n\
                [[source.faults]]\nname = \"sync state lost\"\noperations = [\"sync_items\"]\nattempts_below = 1\n\
                until = \"240 s\"\nrate = \"12%\"\nact = \"refuse\"\nkind = \"sync_state_lost\"\n";
    for seed in 1..=20 {
        let plan = scenario::parse(Path::new("lost.toml"), text, &[], Some(seed)).expect("a scenario");
        let seen = run(&plan, Planted::NONE);
        assert_eq!((seen.unfinished, seen.duplicates, seen.lost, seen.broken), (0, 0, 0, Vec::new()), "seed {seed}");
    }
}

/// How a planted mistake was found.
struct Found {
    bug: Bug,
    seed: u64,
    laws: BTreeSet<Law>,
    minimal: Minimal,
}

/// Seeds that show a mistake and are made small, until one is small enough.
const TRIES: usize = 5;

fn small_enough(minimal: &Minimal) -> bool {
    minimal.mailboxes <= 3 && minimal.count("faults") <= 2
}

/// The first seed that shows a mistake, and the smallest scenario that was made of it or of one of the next such seeds.
fn find(bug: Bug) -> Option<Found> {
    let planted = Planted::one(bug);
    let failing = (1..=BUG_SEEDS).filter_map(|seed| {
        let plan = campaign::plan(seed).expect("a scenario");
        let laws: BTreeSet<Law> = run(&plan, planted).broken.into_iter().map(|broken| broken.law).collect();
        (!laws.is_empty()).then_some((seed, laws))
    });
    let mut best: Option<Found> = None;
    for (seed, laws) in failing.take(TRIES) {
        let fails = |plan: &Plan| laws.iter().any(|law| run(plan, planted).breaks(*law));
        let minimal = shrink(Path::new("swarm.toml"), &swarm::of_seed(seed), &fails).expect("it fails");
        let first = best.as_ref().map_or(seed, |best| best.seed);
        let smaller = best.as_ref().is_none_or(|best| minimal.needed.len() < best.minimal.needed.len());
        if smaller {
            best = Some(Found { bug, seed: first, laws, minimal });
        }
        if best.as_ref().is_some_and(|best| small_enough(&best.minimal)) {
            break;
        }
    }
    best
}

#[expect(clippy::print_stdout, reason = "the table is for whoever runs the test with --nocapture")]
#[test]
fn planted_mistakes_are_found_and_made_small() {
    if !Planted::POSSIBLE {
        println!("skipped: release builds are not able to make mistakes on purpose");
        return;
    }
    let next = Mutex::new(Bug::ALL.into_iter());
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let Some(bug) = next.lock().expect("no thread panics here").next() else { return };
                    let result = (bug, find(bug));
                    found.lock().expect("no thread panics here").push(result);
                }
            });
        }
    });
    let mut found = found.into_inner().expect("no thread panics here");
    found.sort_by_key(|(bug, _)| *bug);
    println!(
        "{:<52} {:>5} {:>9} {:>6} {:>7} {:>6}  what shows it",
        "mistake", "seed", "mailboxes", "faults", "crashes", "runs"
    );
    for Found { bug, seed, laws, minimal } in found.iter().filter_map(|(_, found)| found.as_ref()) {
        let (mailboxes, faults, crashes) = (minimal.mailboxes, minimal.count("faults"), minimal.count("crashes"));
        let laws: Vec<&str> = laws.iter().map(|law| law.broken()).collect();
        let (name, runs, laws) = (bug.name(), minimal.runs, laws.join("; "));
        println!("{name:<52} {seed:>5} {mailboxes:>9} {faults:>6} {crashes:>7} {runs:>6}  {laws}");
    }
    let missed: Vec<Bug> = found.iter().filter(|(_, found)| found.is_none()).map(|(bug, _)| *bug).collect();
    assert!(missed.is_empty(), "not found within {BUG_SEEDS} seeds: {missed:?}");
    for Found { bug, minimal, .. } in found.iter().filter_map(|(_, found)| found.as_ref()) {
        assert!(small_enough(minimal), "{bug:?}:\n{}", minimal.text);
    }
}
