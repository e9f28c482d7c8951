//! What clients are told of a mailbox is what it holds.

#[path = "support/client.rs"]
mod client;
#[path = "support/content.rs"]
mod content;
#[path = "support/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;

use client::Client;
use mock_server::mailbox::reference::{self, SyncPosition};
use mock_server::service::config::Holding;
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::{Answer, ChangeKind, FolderEntry};
use mock_server::wire::call::{Call, Content, FolderKind, FolderRef, Upload};
use mock_server::wire::id::{Id, ItemKey};
use mock_server::wire::refusal::{ItemErrorKind, RefusalKind};
use proptest::prelude::*;
use server::free;

const HOUR: Span = Span::seconds(3_600);

/// What a client knows of one folder.
#[derive(Default)]
struct Mirror {
    state: Option<Id>,
    items: BTreeMap<Id, (ItemKey, u32)>,
}

impl Mirror {
    /// Asks for one page and applies it. Tells whether it was the last.
    fn page(&mut self, client: &mut Client, folder: &Id, limit: u32) -> bool {
        let call = Call::SyncItems { folder: folder.clone(), state: self.state.take(), limit };
        let Answer::Items { changes, state, complete } = client.ask(&call) else { unreachable!() };
        assert!(changes.len() <= limit as usize);
        assert!(complete || changes.len() == limit as usize, "only a full page is followed by another");
        for change in changes {
            if change.kind == ChangeKind::Delete {
                assert_eq!((change.key, change.size), (None, 0));
                self.items.remove(&change.item);
            } else {
                let key = change.key.expect("only a deletion has no identity");
                self.items.insert(change.item, (key, change.size));
            }
        }
        self.state = Some(state);
        complete
    }
}

fn folders(client: &mut Client) -> Vec<FolderEntry> {
    let Answer::Folders { folders, .. } = client.ask(&Call::FindFolders { from: 0, limit: 1_000 }) else {
        unreachable!()
    };
    folders
}

fn upload_of(folder: Id, replace: Option<Id>, key: ItemKey, size: u32) -> Call {
    let content = Content { key, size, bytes: None };
    Call::UploadItems { uploads: vec![Upload { folder, replace, content }] }
}

fn upload(folder: Id, replace: Option<Id>, number: u64) -> Call {
    upload_of(folder, replace, ItemKey(number), 500 + number as u32)
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Page { folder: usize, limit: u32 },
    Create { folder: usize, number: u64 },
    Replace { folder: usize, item: usize, number: u64 },
    Delete { folder: usize, item: usize },
    Stop,
    Start,
    Count,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0u64..9).prop_map(Step::Wait),
        6 => (0usize..6, 1u32..30).prop_map(|(folder, limit)| Step::Page { folder, limit }),
        3 => (0usize..6, 0u64..40).prop_map(|(folder, number)| Step::Create { folder, number }),
        2 => (0usize..6, 0usize..60, 0u64..40)
            .prop_map(|(folder, item, number)| Step::Replace { folder, item, number }),
        2 => (0usize..6, 0usize..60).prop_map(|(folder, item)| Step::Delete { folder, item }),
        1 => Just(Step::Stop),
        1 => Just(Step::Start),
        1 => Just(Step::Count),
    ];
    prop::collection::vec(step, 0..80)
}

fn play(client: &mut Client, mirrors: &mut [Mirror], ids: &[Id], step: &Step) {
    let known = |mirrors: &[Mirror], folder: usize, item: usize| {
        let mirror: &Mirror = &mirrors[folder % ids.len()];
        mirror.items.keys().nth(item % mirror.items.len().max(1)).cloned()
    };
    match *step {
        Step::Wait(hours) => client.now += HOUR * hours,
        Step::Page { folder, limit } => {
            let folder = folder % ids.len();
            mirrors[folder].page(client, &ids[folder], limit);
        }
        Step::Create { folder, number } => drop(client.ask(&upload(ids[folder % ids.len()].clone(), None, number))),
        Step::Replace { folder, item, number } => {
            if let Some(item) = known(mirrors, folder, item) {
                // A new version of an item mostly keeps the identity, and sometimes brings another.
                let (own, _) = mirrors[folder % ids.len()].items[&item];
                let key = if number % 2 == 0 { own } else { ItemKey(number) };
                drop(client.ask(&upload_of(ids[folder % ids.len()].clone(), Some(item), key, 500 + number as u32)));
            }
        }
        Step::Delete { folder, item } => {
            if let Some(item) = known(mirrors, folder, item) {
                drop(client.ask(&Call::DeleteItems { items: vec![item] }));
            }
        }
        Step::Stop => drop(client.ask(&Call::StopMailbox)),
        Step::Start => drop(client.ask(&Call::StartMailbox)),
        Step::Count => drop(folders(client)),
    }
}

/// Plays the steps, then lets every mirror catch up, and compares mirrors and counts with what the mailbox holds.
fn check(holding: Holding, steps: &[Step], last_limit: u32) {
    let mut config = free(holding);
    config.clock_at_start = HOUR * 10;
    let mut client = Client::new(config, 3);
    let root = reference::folder(0);
    client.ask(&Call::CreateFolder { parent: root, name: Arc::from("New") });
    let ids: Vec<_> = folders(&mut client).into_iter().map(|folder| folder.id).collect();
    let mut mirrors: Vec<_> = ids.iter().map(|_| Mirror::default()).collect();
    for step in steps {
        play(&mut client, &mut mirrors, &ids, step);
    }
    let mut mirrored = Vec::new();
    for (id, mirror) in ids.iter().zip(&mut mirrors) {
        while !mirror.page(&mut client, id, last_limit) {}
        let (bytes, count) = (mirror.items.values().map(|(_, size)| u64::from(*size)).sum(), mirror.items.len());
        let entry = folders(&mut client).into_iter().find(|entry| entry.id == *id).expect("it was listed before");
        assert_eq!((entry.items, entry.bytes), (count as u64, bytes), "{}", entry.name);
        mirrored.extend(mirror.items.values().copied());
        for (item, (key, size)) in mirror.items.iter().step_by(5) {
            let call = Call::FindItems { folder: id.clone(), key: *key };
            let Answer::Items { changes, .. } = client.ask(&call) else { unreachable!() };
            assert!(changes.iter().any(|found| found.item == *item && found.size == *size));
            let same = mirror.items.values().filter(|(other, _)| other == key).count();
            assert_eq!(changes.len(), same);
        }
    }
    let held = client.service.holdings(client.now, client.mailbox);
    let mut held: Vec<_> = held.into_iter().map(|held| (held.key, held.size)).collect();
    held.sort_unstable();
    mirrored.sort_unstable();
    assert_eq!(held, mirrored);
}

proptest! {
    #[test]
    fn a_client_that_applies_all_changes_ends_with_what_a_live_mailbox_holds(
        steps in steps(), last_limit in 1u32..40,
    ) {
        check(Holding::Live, &steps, last_limit);
    }

    #[test]
    fn a_client_that_applies_all_changes_ends_with_what_a_copy_holds(steps in steps(), last_limit in 1u32..40) {
        check(Holding::Copy { taken: HOUR * 20 }, &steps, last_limit);
    }

    #[test]
    fn a_client_that_applies_all_changes_ends_with_what_clients_stored(steps in steps(), last_limit in 1u32..40) {
        check(Holding::Empty, &steps, last_limit);
    }

    #[test]
    fn a_delta_from_a_described_copy_makes_the_copy_whole(taken in 0u64..100, later in 0u64..100, limit in 1u32..50) {
        let mut config = free(Holding::Live);
        config.clock_at_start = HOUR * (taken + later);
        let mut source = Client::new(config, 3);
        let mut target = Client::new(free(Holding::Copy { taken: HOUR * taken }), 3);
        for (folder, items) in [(1, 37), (2, 12), (3, 5), (4, 0), (5, 3)] {
            let position = SyncPosition { base: items, changes: taken as u32 * 3, made: 0 };
            let id = reference::folder(folder);
            let mut state = Some(position.id());
            loop {
                let call = Call::SyncItems { folder: id.clone(), state, limit };
                let Answer::Items { changes, state: next, complete } = source.ask(&call) else { unreachable!() };
                for change in changes {
                    let content = change.key.map(|key| Content { key, size: change.size, bytes: None });
                    let call = match content {
                        None => Call::DeleteItems { items: vec![change.item] },
                        Some(content) => {
                            let replace = (change.kind == ChangeKind::Update).then_some(change.item);
                            Call::UploadItems { uploads: vec![Upload { folder: id.clone(), replace, content }] }
                        }
                    };
                    target.ask(&call);
                }
                if complete {
                    break;
                }
                state = Some(next);
            }
        }
        let sorted = |client: &mut Client| {
            let mut held = client.service.holdings(Moment::START, client.mailbox);
            held.sort_unstable();
            held
        };
        prop_assert_eq!(sorted(&mut source), sorted(&mut target));
    }
}

#[test]
fn a_sync_from_scratch_lists_every_item_once() {
    let mut client = Client::new(free(Holding::Live), 3);
    client.now += HOUR * 30;
    for folder in 1..=5 {
        let (mut state, mut items) = (None, Vec::new());
        loop {
            let call = Call::SyncItems { folder: reference::folder(folder), state, limit: 7 };
            let Answer::Items { changes, state: next, complete } = client.ask(&call) else { unreachable!() };
            assert!(changes.iter().all(|change| change.kind == ChangeKind::Create));
            items.extend(changes.into_iter().map(|change| change.item));
            if complete {
                break;
            }
            state = Some(next);
        }
        let entry = folders(&mut client).into_iter().find(|entry| entry.id == reference::folder(folder));
        assert_eq!(Some(items.len() as u64), entry.map(|entry| entry.items));
        items.sort_unstable();
        items.dedup();
        assert!(items.len() > 70, "{}", items.len());
    }
}

#[test]
fn a_stopped_mailbox_changes_no_more_until_it_is_started() {
    let mut client = Client::new(free(Holding::Live), 3);
    client.now += HOUR * 5;
    let before = folders(&mut client);
    client.ask(&Call::StopMailbox);
    client.now += HOUR * 5;
    client.ask(&Call::StopMailbox);
    assert_eq!(folders(&mut client), before);
    client.ask(&Call::StartMailbox);
    assert_ne!(folders(&mut client), before);
}

#[test]
fn an_untouched_target_has_empty_default_folders_only() {
    let mut client = Client::new(free(Holding::Empty), 3);
    let folders = folders(&mut client);
    let names: Vec<_> = folders.iter().map(|folder| &*folder.name).collect();
    assert_eq!(names, ["Inbox", "Sent Items", "Calendar"]);
    assert!(folders.iter().all(|folder| folder.items == 0 && folder.bytes == 0));
}

#[test]
fn folders_are_paged_and_made_once() {
    let mut client = Client::new(free(Holding::Live), 0);
    let create = Call::CreateFolder { parent: reference::folder(3), name: Arc::from("Beta") };
    let Answer::Created(id) = client.ask(&create) else { unreachable!() };
    assert_eq!(client.call(&create).outcome.map_err(|refusal| refusal.kind), Err(RefusalKind::Conflict));
    let Answer::Folders { state, .. } = client.ask(&Call::SyncFolders { state: Some(Id::Number(0)) }) else {
        unreachable!()
    };
    assert_eq!(state, Some(Id::Number(1)));
    let (mut from, mut seen) = (Some(0), Vec::new());
    while let Some(first) = from {
        let Answer::Folders { folders, next, .. } = client.ask(&Call::FindFolders { from: first, limit: 2 }) else {
            unreachable!()
        };
        seen.extend(folders.into_iter().map(|folder| folder.id));
        from = next;
    }
    assert_eq!(seen, (1..=5).map(reference::folder).chain([id]).collect::<Vec<_>>());
}

#[test]
fn folders_that_every_mailbox_has_are_there_when_they_are_asked_for() {
    let mut client = Client::new(free(Holding::Live), 3);
    let before = folders(&mut client);
    let drafts = || Call::GetFolders { folders: vec![FolderRef::Kind(FolderKind::Drafts)] };
    for _ in 0..2 {
        let Answer::FolderList(found) = client.ask(&drafts()) else { unreachable!() };
        let Ok(entry) = &found[0] else { panic!("{found:?}") };
        assert_eq!((&*entry.name, entry.kind, entry.items), ("Drafts", FolderKind::Drafts, 0));
        let after = folders(&mut client);
        assert_eq!(after[..before.len()], before[..]);
        assert_eq!(&after[before.len()..], std::slice::from_ref(entry));
    }
}

#[test]
fn a_folder_of_its_name_takes_the_place_of_one_that_every_mailbox_has() {
    let mut client = Client::new(free(Holding::Live), 0);
    let create = Call::CreateFolder { parent: reference::folder(0), name: Arc::from("Tasks") };
    let Answer::Created(id) = client.ask(&create) else { unreachable!() };
    let tasks = Call::GetFolders { folders: vec![FolderRef::Kind(FolderKind::Tasks)] };
    let Answer::FolderList(found) = client.ask(&tasks) else { unreachable!() };
    assert_eq!(found[0].as_ref().map(|entry| &entry.id), Ok(&id));
}

#[test]
fn corrupt_missing_and_oversize_items_are_reported_one_by_one() {
    let mut config = free(Holding::Live);
    config.largest_item_bytes = 60_000;
    let mut client = Client::new(config, 0);
    let items = vec![reference::item(2, 6), reference::item(2, 7), reference::item(2, 800), Id::text("nonsense")];
    let Answer::Contents(contents) = client.ask(&Call::ExportItems { items }) else { unreachable!() };
    let errors: Vec<_> = contents.iter().map(|content| content.as_ref().err().map(|error| error.kind)).collect();
    let (corrupt, missing) = (Some(ItemErrorKind::Corrupt), Some(ItemErrorKind::NotFound));
    assert_eq!(errors, [None, corrupt, missing, missing]);
    let Answer::Uploaded(uploaded) = client.ask(&upload(reference::folder(1), None, 60_000)) else { unreachable!() };
    assert_eq!(uploaded[0].as_ref().err().map(|error| error.kind), Some(ItemErrorKind::TooLarge));
}

#[test]
fn a_sync_state_of_another_folder_is_not_accepted() {
    let mut client = Client::new(free(Holding::Live), 0);
    let state = Some(SyncPosition { base: 37, changes: 0, made: 0 }.id());
    let call = Call::SyncItems { folder: reference::folder(5), state, limit: 10 };
    assert_eq!(client.call(&call).outcome.map_err(|refusal| refusal.status), Err(410));
}
