//! People at work in the target while it is compared with the source.

use std::cell::Cell;
use std::rc::Rc;

use mock_server::mailbox::item::Item;
use mock_server::mailbox::property::{SEARCH_KEY, Value};
use mock_server::time::Moment;
use mock_server::wire::call::{Call, Protocol};
use mock_server::wire::id::MailboxKey;
use mock_server::wire::stream::search_key;
use wavetank::checkpoint::memory::Memory;
use wavetank::scenario::plan::Verify;
use wavetank::world::Side;

use crate::laws::{QUIET, world};
use crate::rig::{Setup, TestWorld, play};

/// What somebody puts into the inbox of the target.
#[derive(Copy, Clone)]
enum Put {
    /// An item of their own.
    New,
    /// Another item with the identity of one that is there.
    Again,
}

fn put(world: &Rc<TestWorld>, put: Put, mut first: impl FnMut(&Call) -> bool + 'static) -> Rc<Cell<u32>> {
    let times = Rc::new(Cell::new(0));
    let told = Rc::clone(&times);
    *world.beside.borrow_mut() = Some(Box::new(move |servers, route, call| {
        if times.get() > 0 || route.side != Side::Target || !first(call) {
            return;
        }
        times.set(1);
        let done = servers[1].attend(Moment::START, MailboxKey(0), |open| {
            let inbox = open.folders().into_iter().find(|folder| &*folder.name == "Inbox").expect("it was copied");
            let mut item = Item::default();
            if matches!(put, Put::Again) {
                let there = open.list(inbox.ordinal)[0];
                let key = open.head(there).expect("it is listed").key;
                item.put(SEARCH_KEY, Some(Value::Binary(search_key(key).to_vec().into())));
            }
            open.create(inbox.ordinal, item).expect("the folder is there");
        });
        assert!(done.is_some());
    }));
    told
}

/// Moves one mailbox while somebody puts an item into the target at the first call of a kind. `expected` is how many
/// mailboxes are completed, half switched and failed then.
fn check(verify: Verify, cutover: bool, what: Put, expected: [u64; 3], first: impl FnMut(&Call) -> bool + 'static) {
    let world = world(QUIET, Protocol::Graph, |_| {});
    let times = put(&world, what, first);
    let mut setup = Setup::new(Protocol::Graph, cutover, 1);
    setup.plan.verify = verify;
    let summary = play(&world, &setup, Memory::default()).summary;
    assert_eq!(times.get(), 1);
    let (counts, found) = (summary.mailboxes, summary.verification);
    assert_eq!([counts.completed, counts.half_switched, counts.failed], expected, "{verify:?}: {found:?}");
    // What a mailbox that failed was found to hold is told as well.
    let twice = u64::from(matches!(what, Put::Again));
    assert_eq!((found.missing, found.duplicate, found.added), (0, twice, 1 - twice), "{verify:?}");
}

const DEPTHS: [Verify; 2] = [Verify::Counts, Verify::Fingerprint];

#[test]
fn after_the_switch_a_mailbox_ends_half_switched_only_for_what_is_there_twice() {
    for verify in DEPTHS {
        let polls = |call: &Call| matches!(call, Call::PollSwitch);
        check(verify, true, Put::New, [1, 0, 0], polls);
        check(verify, true, Put::Again, [0, 1, 0], polls);
    }
}

#[test]
fn a_copy_without_cutover_fails_only_for_what_is_there_twice() {
    for verify in DEPTHS {
        for (what, expected) in [(Put::New, [1, 0, 0]), (Put::Again, [0, 0, 1])] {
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
