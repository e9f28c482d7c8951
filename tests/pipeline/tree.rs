//! People who rename and move folders in the source while a mailbox is moved.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use mock_server::draw::{Purpose, hash};
use mock_server::mailbox::open::{Deletion, Open};
use mock_server::mailbox::reference;
use mock_server::mailbox::store::StoreError;
use mock_server::service::core::Service;
use mock_server::time::{Moment, Span};
use mock_server::wire::call::{Call, Content, FolderKind, Protocol};
use mock_server::wire::id::{ItemKey, MailboxKey};
use mock_server::wire::operation::Operation;
use wavetank::checkpoint::disk::Disk;
use wavetank::checkpoint::memory::Memory;
use wavetank::world::{Side, World};

use crate::content::Small;
use crate::laws::{BUSY, QUIET, every_fault, moved, world};
use crate::rig::{Setup, TestWorld, calls_of, play};

/// Who works in a mailbox of the source: at some calls, until the mailbox is closed, does something to its folders.
struct Person {
    seed: u64,
    calls: u64,
    /// Of so many calls, one is an occasion.
    every: u64,
}

impl Person {
    fn draw(&self, what: u64, below: usize) -> usize {
        (hash(self.seed, Purpose::Fault, self.calls, what, 0) % below as u64) as usize
    }

    /// Renames, moves, deletes or makes a folder; says whether it could, and what it made. Names are few, so that folders
    /// are in each other's way.
    fn work(&self, open: &mut Open<'_, Small>) -> Result<Option<u32>, StoreError> {
        let folders = open.folders();
        let own: Vec<u32> =
            folders.iter().filter(|folder| folder.kind == FolderKind::User).map(|folder| folder.ordinal).collect();
        let Some(&folder) = own.get(self.draw(1, own.len().max(1))) else { return Err(StoreError::NotFound) };
        let other = folders[self.draw(2, folders.len())].ordinal;
        let name = ["Projects", "Alpha", "Deep", "alpha", "Old"][self.draw(3, 5)];
        match self.draw(4, 9) {
            0 => open.delete_folder(folder, Deletion::Hard).map(|()| None),
            1..=3 => open.rename_folder(folder, name).map(|()| None),
            4..=6 => open.move_folder(folder, other).map(|()| None),
            _ => open.make_folder(other, name, None).map(Some),
        }
    }
}

/// Stores an item.
fn store(service: &mut Service<Small>, now: Moment, mailbox: MailboxKey, folder: u32, key: u64) {
    let content = Content { key: ItemKey(key), size: 2_000, bytes: None };
    let call = Call::CreateMessage { folder: reference::folder(folder), content };
    service.carry_out(now, mailbox, &call).expect("the folder is there");
}

/// Lets somebody work in each mailbox. Returns how often folders were changed.
fn people(world: &Rc<TestWorld>, seed: u64, every: u64) -> Rc<Cell<u32>> {
    let done = Rc::new(Cell::new(0));
    let count = Rc::clone(&done);
    let mut closed = BTreeSet::new();
    let mut person = Person { seed, calls: 0, every };
    let clock = Rc::downgrade(world);
    *world.beside.borrow_mut() = Some(Box::new(move |servers, route, call| {
        person.calls += 1;
        if route.side != Side::Source || closed.contains(&route.mailbox) {
            return;
        }
        if matches!(call, Call::StopMailbox) {
            closed.insert(route.mailbox);
        } else if person.draw(0, person.every as usize) == 0 {
            let now = clock.upgrade().expect("somebody calls").now();
            let Some(Ok(made)) = servers[0].attend(now, route.mailbox, |open| person.work(open)) else { return };
            count.set(count.get() + 1);
            if let Some(folder) = made {
                store(&mut servers[0], now, route.mailbox, folder, person.calls);
            }
        }
    }));
    done
}

#[test]
fn folders_that_are_renamed_and_moved_in_the_source_are_so_in_the_target() {
    for protocol in [Protocol::Graph, Protocol::Ews] {
        let (mut changed, mut followed) = (0, 0);
        for seed in 0..60 {
            let world = world(QUIET, protocol, |_| {});
            let done = people(&world, seed, 12);
            let played = play(&world, &Setup::new(protocol, true, 3), Memory::default());
            moved(&world, &played, 3);
            changed += done.get();
            followed += calls_of(&world, Side::Target, Operation::UpdateFolders.name());
        }
        assert!(changed > 100 && followed > 100, "{protocol:?}: {changed} changes, followed by {followed}");
    }
}

#[test]
fn folders_are_followed_whatever_goes_wrong() {
    for seed in 0..200 {
        for protocol in [Protocol::Graph, Protocol::Ews] {
            let world = world(BUSY, protocol, |config| every_fault(config, seed));
            people(&world, seed, 5);
            let played = play(&world, &Setup::new(protocol, true, 3), Memory::default());
            moved(&world, &played, 3);
        }
    }
}

/// What somebody does in a mailbox; returns a folder that was made, into which an item goes.
type Work = fn(&mut Open<'_, Small>) -> Option<u32>;

/// Copies a part of a mailbox, has somebody do something to its folders on one side, and moves it. Returns how many calls
/// changed folders of the target.
fn between(side: Side, work: Work) -> usize {
    let folder = tempfile::tempdir().expect("a folder for the checkpoint");
    let open = || Disk::open(&folder.path().join("checkpoint"), "plan", 1).expect("the file is ours");
    let world = world(QUIET, Protocol::Graph, |_| {});
    let mut setup = Setup::new(Protocol::Graph, true, 1);
    setup.stop_after = Some(Span::milliseconds(700));
    play(&world, &setup, open());
    assert!(calls_of(&world, Side::Target, "create_folder") + calls_of(&world, Side::Target, "batch") > 0);
    assert_eq!(calls_of(&world, Side::Source, "stop_mailbox"), 0, "the source is in use");
    {
        let (server, now) = (&mut world.servers.borrow_mut()[side as usize], world.now());
        let made = server.attend(now, MailboxKey(0), work).expect("there is such a mailbox");
        if let Some(folder) = made {
            store(server, now, MailboxKey(0), folder, 1);
        }
    }
    setup.stop_after = None;
    let played = play(&world, &setup, open());
    moved(&world, &played, 1);
    calls_of(&world, Side::Target, Operation::UpdateFolders.name())
}

fn named(open: &mut Open<'_, Small>, name: &str) -> u32 {
    open.folders().iter().find(|folder| &*folder.name == name).expect("there is one").ordinal
}

#[test]
fn what_happened_between_two_runs_is_followed_with_as_few_calls_as_it_takes() {
    assert_eq!(between(Side::Source, |_| None), 0);
    let renamed = between(Side::Source, |open| {
        let folder = named(open, "Alpha");
        open.rename_folder(folder, "Beta").expect("the name is free");
        None
    });
    assert_eq!(renamed, 1);
    let moved = between(Side::Source, |open| {
        let (folder, inbox) = (named(open, "Alpha"), named(open, "Inbox"));
        open.move_folder(folder, inbox).expect("the place is free");
        None
    });
    assert_eq!(moved, 1);
    let exchanged = between(Side::Source, |open| {
        let (above, below, root) = (named(open, "Projects"), named(open, "Alpha"), 0);
        open.move_folder(below, root).expect("the place is free");
        open.move_folder(above, below).expect("the place is free");
        None
    });
    assert_eq!(exchanged, 2);
    let replaced = between(Side::Source, |open| {
        let folder = named(open, "Projects");
        open.rename_folder(folder, "Old projects").expect("the name is free");
        Some(open.make_folder(0, "Projects", None).expect("the name is free"))
    });
    assert_eq!(replaced, 1);
}

#[test]
fn a_folder_that_somebody_deletes_in_the_target_is_copied_again() {
    let changed = between(Side::Target, |open| {
        let folder = named(open, "Alpha");
        assert!(!open.list(folder).is_empty(), "something was copied");
        open.delete_folder(folder, Deletion::Hard).expect("it is there");
        None
    });
    assert_eq!(changed, 0);
}
