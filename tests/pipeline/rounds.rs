//! Rounds of copying that overlap: a call that takes long holds only itself up, and nothing is lost or doubled by what is
//! done beside it.

use mock_server::draw::Distribution;
use mock_server::fault::rule::{Act, FaultRule};
use mock_server::service::config::{Config, Holding};
use mock_server::time::{Moment, Span};
use mock_server::wire::call::Protocol;
use mock_server::wire::operation::Operation;
use wavetank::checkpoint::disk::Disk;
use wavetank::checkpoint::memory::Memory;
use wavetank::world::Side;

use crate::content::Small;
use crate::laws::{QUIET, moved, rule, world};
use crate::rig::{Setup, TestWorld, play};

/// How long a slow call takes: less than the pipeline waits for an answer.
const SLOW: Span = Span::seconds(90);

/// A source in which items change while they are copied.
const LIVELY: Small = Small { changes: 1, ..QUIET };

const STORING: [Operation; 3] = [Operation::ImportItem, Operation::UploadItems, Operation::DeleteItems];

/// Some calls that store or delete items are slow.
fn slow(rate: f64) -> FaultRule {
    let mut slow = rule("slow", &STORING, rate, Act::Delay(Distribution::Constant(SLOW)));
    slow.matches.attempts_below = Some(1);
    slow
}

fn in_target(config: &mut Config, seed: u64, rate: f64) {
    config.seed = seed;
    if config.holding == Holding::Empty {
        config.faults.push(slow(rate));
    }
}

/// When calls of a name were made on a side.
fn moments(world: &TestWorld, side: Side, name: &str) -> Vec<Moment> {
    let calls = world.calls.borrow();
    calls.iter().filter(|(_, route, call)| route.side == side && *call == name).map(|(at, ..)| *at).collect()
}

#[test]
fn a_call_that_takes_long_holds_only_itself_up() {
    let world = world(QUIET, Protocol::Graph, |config| {
        if config.holding == Holding::Empty {
            // One import of the 111.
            let mut once = slow(1.0);
            once.matches.nth = Some(60);
            once.matches.operations = vec![Operation::ImportItem];
            config.faults.push(once);
        }
    });
    let mut setup = Setup::new(Protocol::Graph, false, 1);
    setup.plan.batch.sync_changes = 16;
    let played = play(&world, &setup, Memory::default());
    moved(&world, &played, 1);
    let imports = moments(&world, Side::Target, "import_item");
    assert_eq!(imports.len(), 111);
    let (first, last) = (imports[0], *imports.last().expect("there are imports"));
    // None waited for the slow one, and pages were asked for beside it.
    assert!(last < first + SLOW, "{} s", last.since(first).as_seconds());
    assert!(world.calls.borrow().iter().any(|(at, ..)| *at > last + SLOW.scale(0.5)), "one import was slow");
    let pages = moments(&world, Side::Source, "sync_items");
    assert!(pages.iter().filter(|at| **at > first).count() > 3);
}

#[test]
fn what_changes_while_it_is_copied_arrives_in_its_last_version() {
    for seed in 0..40 {
        for protocol in [Protocol::Graph, Protocol::Ews] {
            let world = world(LIVELY, protocol, |config| in_target(config, seed, 0.05));
            let mut setup = Setup::new(protocol, true, 2);
            setup.plan.batch.sync_changes = [5, 10, 20][seed as usize % 3];
            let played = play(&world, &setup, Memory::default());
            moved(&world, &played, 2);
        }
    }
}

#[test]
fn what_is_deleted_while_it_is_being_stored_is_deleted_in_the_target() {
    for step in 1..60 {
        let world = world(QUIET, Protocol::Graph, |config| in_target(config, step, 0.1));
        let mut setup = Setup::new(Protocol::Graph, true, 1);
        setup.plan.batch.sync_changes = 6;
        setup.delete_after = Some(Span::milliseconds(40 * step));
        moved(&world, &play(&world, &setup, Memory::default()), 1);
    }
}

/// The process dies after any number of calls, among them those between the end of a round and that of the one before.
#[test]
fn a_crash_between_rounds_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a folder for checkpoints");
    for seed in 0..60 {
        let protocol = if seed % 2 == 0 { Protocol::Graph } else { Protocol::Ews };
        let content = if seed % 3 == 0 { LIVELY } else { QUIET };
        let world = world(content, protocol, |config| in_target(config, seed, 0.05));
        let mut setup = Setup::new(protocol, true, 1);
        setup.plan.batch.sync_changes = 8;
        let open = || Disk::open(&folder.path().join(seed.to_string()), "plan", seed).expect("the file is ours");
        let mut life = 15 + 2 * seed;
        let played = loop {
            world.life.set(Some(life));
            let played = play(&world, &setup, open());
            if played.finished {
                break played;
            }
            life += 25;
        };
        moved(&world, &played, 1);
    }
}
