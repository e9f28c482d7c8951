//! Servers whose answers lead astray: pages that never end, items that are told of again, waits of a year, switches that
//! never complete, folders that are gone.

use std::collections::BTreeMap;
use std::rc::Rc;

use mock_server::draw::Distribution;
use mock_server::mailbox::open::{Deletion, Open};
use mock_server::mailbox::reference;
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::{Answer, ChangeKind, ItemChange};
use mock_server::wire::call::{Call, Content, Protocol};
use mock_server::wire::id::{Id, ItemKey, MailboxKey};
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::{Refusal, RefusalKind};
use wavetank::checkpoint::disk::Disk;
use wavetank::checkpoint::memory::Memory;
use wavetank::scenario::plan::Verify;
use wavetank::world::{Route, Side, World};

use crate::content::Small;
use crate::laws::{QUIET, moved, world};
use crate::rig::{Played, Setup, TestWorld, calls_of, play};

/// More calls than any mailbox of these tests needs.
const ENDLESS: u64 = 4_000;

/// Moves a mailbox whose answers are changed, and checks that the move ends.
fn ends(
    world: &Rc<TestWorld>,
    setup: &Setup,
    tamper: impl FnMut(Route, &Call, &mut Result<Answer, Refusal>) + 'static,
) -> Played {
    world.life.set(Some(ENDLESS));
    *world.tamper.borrow_mut() = Some(Box::new(tamper));
    let played = play(world, setup, Memory::default());
    assert!(played.finished, "it goes on for ever");
    played
}

const fn refused(kind: RefusalKind, retry_after: Option<Span>) -> Result<Answer, Refusal> {
    Err(Refusal { kind, status: 0, retry_after })
}

#[test]
fn a_listing_whose_pages_repeat_ends() {
    for (side, cutover) in [(Side::Source, true), (Side::Source, false), (Side::Target, false)] {
        let world = world(QUIET, Protocol::Graph, |_| {});
        let played = ends(&world, &Setup::new(Protocol::Graph, cutover, 1), move |route, call, result| {
            if let (Call::SyncItems { state: Some(asked), .. }, Ok(Answer::Items { state, complete, .. })) =
                (call, result)
                && route.side == side
            {
                (*state, *complete) = (asked.clone(), false);
            }
        });
        assert_eq!(played.summary.mailboxes.failed, 1, "{side:?}");
    }
}

#[test]
fn a_source_that_forgets_every_state_that_it_gave_is_given_up() {
    let world = world(QUIET, Protocol::Graph, |_| {});
    let mut setup = Setup::new(Protocol::Graph, true, 1);
    setup.plan.retry.budget = 20;
    let played = ends(&world, &setup, |route, call, result| {
        if route.side == Side::Source && matches!(call, Call::SyncItems { state: Some(_), .. }) {
            *result = refused(RefusalKind::SyncStateLost, None);
        }
    });
    assert_eq!(played.summary.mailboxes.failed, 1);
}

#[test]
fn folders_whose_pages_are_empty_and_never_the_last_are_given_up() {
    let world = world(QUIET, Protocol::Graph, |_| {});
    let played = ends(&world, &Setup::new(Protocol::Graph, true, 1), |_, call, result| {
        if let (Call::FindFolders { from, .. }, Ok(Answer::Folders { folders, next, .. })) = (call, result) {
            folders.clear();
            *next = Some(from + 1);
        }
    });
    assert_eq!(played.summary.mailboxes.failed, 1);
}

/// Adds to each page of the source what the page before it told of the same folder.
fn replay(told: &mut BTreeMap<Id, Vec<ItemChange>>, folder: &Id, changes: &mut Vec<ItemChange>) {
    let new = changes.clone();
    changes.extend(told.insert(folder.clone(), new).unwrap_or_default());
}

#[test]
fn items_that_the_source_tells_of_again_are_not_stored_again() {
    for protocol in [Protocol::Graph, Protocol::Ews] {
        let world = world(QUIET, protocol, |_| {});
        let mut told = BTreeMap::new();
        let played = ends(&world, &Setup::new(protocol, true, 1), move |route, call, result| {
            if let (Call::SyncItems { folder, .. }, Ok(Answer::Items { changes, .. })) = (call, result)
                && route.side == Side::Source
            {
                replay(&mut told, folder, changes);
            }
        });
        moved(&world, &played, 1);
        assert_eq!(calls_of(&world, Side::Target, Operation::DeleteItems.name()), 0, "{protocol:?}");
    }
}

#[test]
fn that_an_item_was_read_takes_neither_its_size_nor_its_identity_away() {
    let exports = |read: bool| {
        let world = world(QUIET, Protocol::Graph, |_| {});
        let played = ends(&world, &Setup::new(Protocol::Graph, true, 1), move |route, _, result| {
            if let Ok(Answer::Items { changes, .. }) = result
                && route.side == Side::Source
                && read
            {
                let marks = |change: &ItemChange| ItemChange {
                    kind: ChangeKind::ReadFlag,
                    item: change.item.clone(),
                    key: None,
                    size: 0,
                };
                changes.extend(changes.iter().map(marks).collect::<Vec<_>>());
            }
        });
        moved(&world, &played, 1);
        calls_of(&world, Side::Source, Operation::ExportItems.name())
    };
    assert_eq!(exports(true), exports(false));
}

#[test]
fn a_wait_of_a_year_is_not_begun_and_holds_nobody_up_for_more_than_a_day() {
    for kind in [RefusalKind::AppLimit, RefusalKind::ServerBusy, RefusalKind::Unavailable] {
        for wait in [Span::seconds(365 * 86_400), Span(u64::MAX)] {
            let world = world(QUIET, Protocol::Graph, |_| {});
            let mut once = Some(wait);
            let played = ends(&world, &Setup::new(Protocol::Graph, true, 3), move |_, call, result| {
                if matches!(call, Call::SyncItems { .. }) && once.is_some() {
                    *result = refused(kind, once.take());
                }
            });
            let counts = played.summary.mailboxes;
            assert_eq!((counts.failed, counts.completed), (1, 2), "{kind}");
            assert!(world.now() < Moment::START + Span::seconds(26 * 3_600), "{kind}: {:?}", world.now());
        }
    }
}

#[test]
fn a_switch_that_never_completes_is_given_up_after_a_day() {
    let world = world(QUIET, Protocol::Graph, |config| {
        config.switch.duration = Distribution::Constant(Span::seconds(7 * 86_400));
    });
    let mut setup = Setup::new(Protocol::Graph, true, 4);
    setup.plan.poll_interval = Span::seconds(600);
    let played = ends(&world, &setup, |_, _, _| {});
    // Three of them have the places first.
    assert_eq!(played.summary.mailboxes.failed, 4);
    let days = world.now().as_seconds() / 86_400.0;
    assert!((2.0..2.2).contains(&days), "{days} days");
    assert_eq!(calls_of(&world, Side::Source, Operation::StartMailbox.name()), 4, "the users are let in again");
}

#[test]
fn more_items_than_may_be_left_behind_are_so_in_every_run() {
    let folder = tempfile::tempdir().expect("a folder for the checkpoint");
    let open = || Disk::open(&folder.path().join("checkpoint"), "plan", 1).expect("the file is ours");
    let world = world(Small { corrupt: true, ..QUIET }, Protocol::Graph, |_| {});
    let mut setup = Setup::new(Protocol::Graph, true, 1);
    setup.plan.bad_item_limit = 0;
    for _ in 0..3 {
        let played = play(&world, &setup, open());
        assert_eq!((played.summary.mailboxes.failed, played.summary.mailboxes.completed), (1, 0));
    }
    setup.plan.bad_item_limit = 1;
    moved(&world, &play(&world, &setup, open()), 1);
}

#[test]
fn a_mailbox_of_many_folders_is_moved_one_call_at_a_time() {
    let world = world(QUIET, Protocol::Ews, |_| {});
    let make = |open: &mut Open<'_, Small>| (0..600).all(|n| open.make_folder(0, &n.to_string(), None).is_ok());
    assert_eq!(world.servers.borrow_mut()[0].attend(Moment::START, MailboxKey(0), make), Some(true));
    let mut setup = Setup::new(Protocol::Ews, true, 1);
    setup.plan.batch.batch_calls = 1;
    moved(&world, &play(&world, &setup, Memory::default()), 1);
}

/// Somebody deletes a folder in the target just before the last delta, which brings new items to it and to others.
fn check_lost_folder(protocol: Protocol, verify: Verify) {
    let world = world(QUIET, protocol, |_| {});
    let clock = Rc::downgrade(&world);
    *world.beside.borrow_mut() = Some(Box::new(move |servers, _, call| {
        if !matches!(call, Call::StopMailbox) {
            return;
        }
        let (now, mailbox) = (clock.upgrade().expect("somebody calls").now(), MailboxKey(0));
        let lose = |open: &mut Open<'_, Small>| {
            let lost = open.folders().iter().find(|folder| &*folder.name == "Alpha").map(|folder| folder.ordinal);
            lost.is_some_and(|lost| open.delete_folder(lost, Deletion::Hard).is_ok())
        };
        assert_eq!(servers[1].attend(now, mailbox, lose), Some(true));
        for (folder, key) in [(1, 1), (1, 2), (2, 3), (4, 4), (4, 5)] {
            let content = Content { key: ItemKey(key), size: 2_000, bytes: None };
            let call = Call::CreateMessage { folder: reference::folder(folder), content };
            servers[0].carry_out(now, mailbox, &call).expect("the folder is there");
        }
    }));
    let mut setup = Setup::new(protocol, true, 1);
    setup.plan.verify = verify;
    let played = play(&world, &setup, Memory::default());
    moved(&world, &played, 1);
    assert_eq!(played.summary.verification.skipped, 0);
}

#[test]
fn new_items_for_a_folder_that_is_gone_in_the_target_bring_it_back() {
    for protocol in [Protocol::Graph, Protocol::Ews] {
        for verify in [Verify::Counts, Verify::Fingerprint] {
            check_lost_folder(protocol, verify);
        }
    }
}
