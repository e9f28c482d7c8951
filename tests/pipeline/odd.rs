//! What happens rarely: folders that disappear, requests that are delivered twice, servers that are slower than we wait.

use std::cell::Cell;
use std::rc::Rc;

use mock_server::draw::Distribution;
use mock_server::fault::rule::Act;
use mock_server::fault::trick::Trick;
use mock_server::mailbox::open::Deletion;
use mock_server::service::config::Cost;
use mock_server::service::core::Service;
use mock_server::time::{Moment, Span};
use mock_server::wire::call::{Call, Protocol};
use mock_server::wire::id::MailboxKey;
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::RefusalKind;
use wavetank::checkpoint::disk::Disk;
use wavetank::checkpoint::memory::Memory;
use wavetank::scenario::plan::Verify;
use wavetank::world::Side;

use crate::content::Small;
use crate::laws::{QUIET, moved, rule, world};
use crate::rig::{Setup, calls_of, play};

/// The folder "Alpha", with 30 items and the folder "Deep" with three of them in it.
const ALPHA: u32 = 4;

/// Stops a copy after some time, deletes a folder in the source and goes on. Says whether the copy was stopped at a moment
/// at which that is worth looking at: when some of what is in the folder had been copied and the source was in use.
fn check_deleted_folder(verify: Verify, stop_after: Span) -> bool {
    let folder = tempfile::tempdir().expect("a folder for the checkpoint");
    let open = || Disk::open(&folder.path().join("checkpoint"), "plan", 1).expect("the file is ours");
    let world = world(QUIET, Protocol::Graph, |_| {});
    let mut setup = Setup::new(Protocol::Graph, true, 1);
    setup.plan.verify = verify;
    setup.stop_after = Some(stop_after);
    play(&world, &setup, open());
    let [_, target] = world.holdings(MailboxKey(0));
    let copied = target.iter().any(|held| held.folder.split('/').any(|name| name == "Alpha"));
    if !copied || calls_of(&world, Side::Source, "stop_mailbox") > 0 {
        return false;
    }
    let delete = |service: &mut Service<Small>| {
        service.attend(Moment::START, MailboxKey(0), |open| open.delete_folder(ALPHA, Deletion::Hard))
    };
    assert!(matches!(delete(&mut world.servers.borrow_mut()[0]), Some(Ok(()))));
    setup.stop_after = None;
    let played = play(&world, &setup, open());
    moved(&world, &played, 1);
    assert_eq!(played.summary.verification.expected, 111 - 33);
    true
}

#[test]
fn what_was_in_a_folder_that_was_deleted_in_the_source_is_deleted_in_the_target() {
    for verify in [Verify::Counts, Verify::Fingerprint] {
        let moments = (1..100).map(|step| Span::milliseconds(step * 30));
        let looked_at = moments.filter(|moment| check_deleted_folder(verify, *moment)).count();
        assert!(looked_at > 1, "{looked_at}");
    }
}

/// How many items a call deletes.
fn deletions(call: &Call) -> usize {
    match call {
        Call::DeleteItems { items } => items.len(),
        Call::Batch { calls } => calls.iter().map(deletions).sum(),
        _ => 0,
    }
}

#[test]
fn items_that_were_stored_twice_are_stored_once_in_the_end() {
    let twice = |operation| rule("twice", &[operation], 0.3, Act::Trick(Trick::Twice));
    for (protocol, operation) in [(Protocol::Graph, Operation::ImportItem), (Protocol::Ews, Operation::UploadItems)] {
        for verify in [Verify::Counts, Verify::Fingerprint] {
            let world = world(QUIET, protocol, |config| config.faults.push(twice(operation)));
            let deleted = Rc::new(Cell::new(0));
            let count = Rc::clone(&deleted);
            *world.beside.borrow_mut() = Some(Box::new(move |_, _, call| count.set(count.get() + deletions(call))));
            let mut setup = Setup::new(protocol, true, 2);
            setup.plan.verify = verify;
            let played = play(&world, &setup, Memory::default());
            moved(&world, &played, 2);
            // Nothing is deleted in the source, so these are the second copies.
            assert!(deleted.get() > 0, "{operation}, {verify:?}");
        }
    }
}

#[test]
fn a_batch_that_takes_longer_than_we_wait_is_asked_for_in_parts() {
    let slow = Cost {
        call: Distribution::Constant(Span::milliseconds(20)),
        per_item: Span::seconds(30),
        per_mebibyte: Span::ZERO,
    };
    let world =
        world(QUIET, Protocol::Graph, |config| config.costs.by_operation.push((Operation::ExportItems, slow.clone())));
    let played = play(&world, &Setup::new(Protocol::Graph, true, 1), Memory::default());
    moved(&world, &played, 1);
    assert_eq!(played.summary.items.skipped, 0);
    // Every batch that was under way when nothing was known yet is given up a few times, and none of the later ones.
    let timeouts = played.summary.refusals[RefusalKind::TimedOut as usize];
    assert!((2..=30).contains(&timeouts), "{timeouts}");
}

#[test]
fn a_source_that_never_answers_is_not_asked_for_ever_smaller_parts() {
    let never =
        Cost { call: Distribution::Constant(Span::seconds(1_000)), per_item: Span::ZERO, per_mebibyte: Span::ZERO };
    let world = world(QUIET, Protocol::Graph, |config| {
        config.costs.by_operation.push((Operation::ExportItems, never.clone()));
    });
    let mut setup = Setup::new(Protocol::Graph, true, 1);
    setup.plan.bad_item_limit = 1_000;
    setup.plan.retry.attempts = 3;
    let played = play(&world, &setup, Memory::default());
    assert_eq!((played.summary.mailboxes.completed, played.summary.items.skipped), (1, 111));
    // Asking for each item by itself would take at least 333 calls.
    let asked = calls_of(&world, Side::Source, "export_items");
    assert!(asked < 200, "{asked}");
}
