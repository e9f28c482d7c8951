//! People at work in the target while it is compared with the source, and when the process that moves them is killed.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use mock_server::mailbox::item::Item;
use mock_server::mailbox::open::{Deletion, Open};
use mock_server::mailbox::property::{SEARCH_KEY, Value};
use mock_server::time::Moment;
use mock_server::wire::call::{Call, Protocol};
use mock_server::wire::id::MailboxKey;
use mock_server::wire::stream::search_key;
use wavetank::checkpoint::disk::Disk;
use wavetank::checkpoint::memory::Memory;
use wavetank::scenario::plan::Verify;
use wavetank::world::{Side, World};

use crate::content::Small;
use crate::laws::{QUIET, world};
use crate::rig::{Setup, TestWorld, calls_of, play};

/// What somebody does in the inbox of the target.
#[derive(Copy, Clone)]
enum Doing {
    /// Puts an item of their own there.
    New,
    /// Puts another item with the identity of one that is there.
    Again,
    /// Moves an item to another folder.
    Move,
    /// Moves an item to another folder, and puts one of their own in its place.
    Swap,
    /// Deletes an item for good.
    Delete,
}

impl Doing {
    /// How many items are missing, there twice, and added by others then.
    fn found(self) -> (u64, u64, u64) {
        match self {
            Self::New | Self::Swap => (0, 0, 1),
            Self::Again => (0, 1, 0),
            Self::Move => (0, 0, 0),
            Self::Delete => (1, 0, 0),
        }
    }
}

fn work(world: &Rc<TestWorld>, doing: Doing, mut first: impl FnMut(&Call) -> bool + 'static) -> Rc<Cell<u32>> {
    let times = Rc::new(Cell::new(0));
    let told = Rc::clone(&times);
    *world.beside.borrow_mut() = Some(Box::new(move |servers, route, call| {
        if times.get() > 0 || route.side != Side::Target || !first(call) {
            return;
        }
        times.set(1);
        let done = servers[1].attend(Moment::START, MailboxKey(0), |open| {
            let folders = open.folders();
            let place =
                |name: &str| folders.iter().find(|folder| &*folder.name == name).expect("it was copied").ordinal;
            let (inbox, other) = (place("Inbox"), place("Sent Items"));
            let there = open.list(inbox)[0];
            let key = open.head(there).expect("it is listed").key;
            match doing {
                Doing::New | Doing::Again => {}
                Doing::Move | Doing::Swap => {
                    open.move_item(there, other).expect("both are there");
                }
                Doing::Delete => {
                    open.delete(there, Deletion::Hard).expect("it is there");
                }
            }
            let mut item = Item::default();
            if matches!(doing, Doing::Again) {
                item.put(SEARCH_KEY, Some(Value::Binary(search_key(key).to_vec().into())));
            }
            if !matches!(doing, Doing::Move | Doing::Delete) {
                open.create(inbox, item).expect("the folder is there");
            }
        });
        assert!(done.is_some());
    }));
    told
}

/// Moves one mailbox while somebody works in the target at the first call of a kind. `expected` is how many
/// mailboxes are completed, half switched and failed then.
fn check(verify: Verify, cutover: bool, what: Doing, expected: [u64; 3], first: impl FnMut(&Call) -> bool + 'static) {
    let world = world(QUIET, Protocol::Graph, |_| {});
    let times = work(&world, what, first);
    let mut setup = Setup::new(Protocol::Graph, cutover, 1);
    setup.plan.verify = verify;
    let summary = play(&world, &setup, Memory::default()).summary;
    assert_eq!(times.get(), 1);
    let (counts, found) = (summary.mailboxes, summary.verification);
    assert_eq!([counts.completed, counts.half_switched, counts.failed], expected, "{verify:?}: {found:?}");
    // What a mailbox that failed was found to hold is told as well.
    assert_eq!((found.missing, found.duplicate, found.added), what.found(), "{verify:?}");
    assert_eq!(found.expected, found.present + found.missing + found.skipped);
}

const DEPTHS: [Verify; 2] = [Verify::Counts, Verify::Fingerprint];

#[test]
fn after_the_switch_a_mailbox_ends_half_switched_only_for_what_is_missing_or_there_twice() {
    for verify in DEPTHS {
        let polls = |call: &Call| matches!(call, Call::PollSwitch);
        for what in [Doing::New, Doing::Move, Doing::Swap] {
            check(verify, true, what, [1, 0, 0], polls);
        }
        for what in [Doing::Again, Doing::Delete] {
            check(verify, true, what, [0, 1, 0], polls);
        }
    }
}

#[test]
fn a_copy_without_cutover_fails_only_for_what_is_missing_or_there_twice() {
    const GOOD: [u64; 3] = [1, 0, 0];
    const FAILED: [u64; 3] = [0, 0, 1];
    for verify in DEPTHS {
        for (what, expected) in
            [(Doing::New, GOOD), (Doing::Move, GOOD), (Doing::Again, FAILED), (Doing::Delete, FAILED)]
        {
            // When all is copied and the comparison begins.
            let mut copied = false;
            let compares = move |call: &Call| {
                copied |= !matches!(call, Call::FindFolders { .. } | Call::CreateFolder { .. });
                copied && matches!(call, Call::FindFolders { .. })
            };
            check(verify, false, what, expected, compares);
        }
    }
}

/// Lets a process die after so many calls, as a kill leaves it: with what was on the disk. If it had begun to switch the
/// mailbox over, somebody then gets mail in the target. Says whether it had, after the mailbox was moved by another process.
fn check_mail_after_kill(life: u64, folder: &Path) -> bool {
    let (file, left) = (folder.join(format!("{life}")), folder.join(format!("{life} left")));
    let open = |file: &Path| Rc::new(Disk::open(file, "plan", 1).expect("the file is ours"));
    let world = world(QUIET, Protocol::Graph, |_| {});
    let setup = Setup::new(Protocol::Graph, true, 1);
    world.life.set(Some(life));
    let disk = open(&file);
    if play(&world, &setup, Rc::clone(&disk)).finished {
        return false;
    }
    // The process is not there any more to close its file.
    std::fs::copy(&file, &left).expect("a copy");
    drop(disk);
    world.life.set(None);
    let begun = calls_of(&world, Side::Target, "start_switch") > 0;
    if begun {
        let mail = |open: &mut Open<'_, Small>| {
            let inbox = open.folders().iter().find(|folder| &*folder.name == "Inbox").expect("it was copied").ordinal;
            open.create(inbox, Item::default()).expect("the folder is there");
        };
        assert!(world.servers.borrow_mut()[1].attend(world.now(), MailboxKey(0), mail).is_some());
    }
    let played = play(&world, &setup, open(&left));
    let (counts, [source, target]) = (played.summary.mailboxes, world.holdings(MailboxKey(0)));
    assert_eq!((played.finished, counts.completed), (true, 1), "after {life} calls: {counts:?}");
    assert_eq!(target.len(), source.len() + usize::from(begun), "after {life} calls");
    begun
}

#[test]
fn mail_that_comes_after_the_switch_outlives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().expect("a folder for checkpoints");
    let begun = (100..220).filter(|life| check_mail_after_kill(*life, folder.path())).count();
    assert!(begun > 15, "{begun}");
}
