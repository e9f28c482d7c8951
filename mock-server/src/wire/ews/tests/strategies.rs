//! Random calls and the answers that fit them.

use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::time::Span;
use crate::wire::answer::{Answer, ChangeKind, FolderEntry, ItemChange};
use crate::wire::call::{Call, Content, FolderKind, FolderRef, Upload};
use crate::wire::ews::kinds::ROWS;
use crate::wire::ews::reference::key_bytes;
use crate::wire::id::{Id, ItemKey, MailboxKey};
use crate::wire::refusal::{ItemError, ItemErrorKind};

/// The mailbox of all tests.
pub(super) const MAILBOX: MailboxKey = MailboxKey(2_099_999);
/// Its address.
pub(super) const ADDRESS: &str = "ann.other@trust-17.nhs.example";

pub(super) fn id() -> BoxedStrategy<Id> {
    prop_oneof![any::<u64>(), 0..100_u64].prop_map(Id::Number).boxed()
}

fn name() -> BoxedStrategy<Arc<str>> {
    "[a-zA-Z0-9<>&'\" \u{e9}\u{1f600}\n\r\t]{0,12}".prop_map(|name| Arc::from(name.as_str())).boxed()
}

fn kind() -> BoxedStrategy<FolderKind> {
    (0..ROWS.len()).prop_map(|at| ROWS[at].kind).boxed()
}

/// A stream that tells its own identity.
pub(super) fn stream() -> BoxedStrategy<Content> {
    let bytes = (any::<u64>(), vec(any::<u8>(), 0..200));
    bytes
        .prop_map(|(key, rest)| {
            let key = ItemKey(key);
            let bytes: Bytes = key_bytes(key).into_iter().chain(rest).collect();
            Content { key, size: bytes.len() as u32, bytes: Some(bytes) }
        })
        .boxed()
}

fn message() -> BoxedStrategy<Content> {
    let bytes = (any::<u64>(), vec(any::<u8>(), 0..200));
    let message = |(key, bytes): (u64, Vec<u8>)| Content {
        key: ItemKey(key),
        size: bytes.len() as u32,
        bytes: Some(Bytes::from(bytes)),
    };
    bytes.prop_map(message).boxed()
}

fn upload() -> BoxedStrategy<Upload> {
    (id(), option::of(id()), stream())
        .prop_map(|(folder, replace, content)| Upload { folder, replace, content })
        .boxed()
}

fn folder_ref() -> BoxedStrategy<FolderRef> {
    let named = (1..ROWS.len()).prop_map(|at| ROWS[at].kind);
    prop_oneof![id().prop_map(FolderRef::Id), named.prop_map(FolderRef::Kind)].boxed()
}

/// A call that EWS has.
pub(super) fn call() -> BoxedStrategy<Call> {
    let items = || vec(id(), 1..6);
    prop_oneof![
        (any::<u32>(), any::<u32>()).prop_map(|(from, limit)| Call::FindFolders { from, limit }),
        option::of(id()).prop_map(|state| Call::SyncFolders { state }),
        vec(folder_ref(), 1..6).prop_map(|folders| Call::GetFolders { folders }),
        (id(), name()).prop_map(|(parent, name)| Call::CreateFolder { parent, name }),
        (id(), name()).prop_map(|(folder, name)| Call::RenameFolder { folder, name }),
        (id(), id()).prop_map(|(folder, parent)| Call::MoveFolder { folder, parent }),
        (id(), option::of(id()), 1..=512_u32).prop_map(|(folder, state, limit)| Call::SyncItems {
            folder,
            state,
            limit
        }),
        (id(), any::<u64>()).prop_map(|(folder, key)| Call::FindItems { folder, key: ItemKey(key) }),
        items().prop_map(|items| Call::GetItems { items }),
        items().prop_map(|items| Call::ExportItems { items }),
        items().prop_map(|items| Call::DeleteItems { items }),
        (id(), message()).prop_map(|(folder, content)| Call::CreateMessage { folder, content }),
        vec(upload(), 1..6).prop_map(|uploads| Call::UploadItems { uploads }),
    ]
    .boxed()
}

fn entry() -> BoxedStrategy<FolderEntry> {
    (id(), option::of(id()), name(), kind(), any::<u64>(), any::<u64>())
        .prop_map(|(id, parent, name, kind, items, bytes)| {
            let parent = parent.filter(|_| kind != FolderKind::Root);
            FolderEntry { id, parent, name, kind, items, bytes }
        })
        .boxed()
}

fn change() -> BoxedStrategy<ItemChange> {
    let kinds = [ChangeKind::Create, ChangeKind::Update, ChangeKind::ReadFlag, ChangeKind::Delete];
    (0..kinds.len(), id(), option::of(any::<u64>()), any::<u32>())
        .prop_map(move |(at, item, key, size)| match kinds[at] {
            kind @ (ChangeKind::Create | ChangeKind::Update) => ItemChange { kind, item, key: key.map(ItemKey), size },
            kind => ItemChange { kind, item, key: None, size: 0 },
        })
        .boxed()
}

fn error() -> BoxedStrategy<ItemError> {
    let kinds = [
        ItemErrorKind::Corrupt,
        ItemErrorKind::TooLarge,
        ItemErrorKind::NotFound,
        ItemErrorKind::Busy,
        ItemErrorKind::Stopped,
        ItemErrorKind::QuotaExceeded,
        ItemErrorKind::Invalid,
    ];
    (0..kinds.len(), option::of(0..1_000_000_u64))
        .prop_map(move |(at, wait)| ItemError { kind: kinds[at], retry_after: wait.map(Span::milliseconds) })
        .boxed()
}

/// An entry for each of `count` items; the last `omitted` of them are left out of the answer.
fn entries<T>(count: usize, value: BoxedStrategy<T>) -> BoxedStrategy<Vec<Result<T, ItemError>>>
where
    T: Clone + std::fmt::Debug + 'static,
{
    let entry = prop_oneof![3 => value.prop_map(Ok), 1 => error().prop_map(Err)];
    (vec(entry, count), 0..=count * 2)
        .prop_map(move |(mut entries, present)| {
            let omitted = ItemError { kind: ItemErrorKind::Omitted, retry_after: None };
            entries.iter_mut().skip(present).for_each(|entry| *entry = Err(omitted));
            entries
        })
        .boxed()
}

/// An answer to a call.
pub(super) fn answer(call: &Call) -> BoxedStrategy<Answer> {
    match call {
        Call::FindFolders { .. } => (vec(entry(), 0..5), option::of(any::<u32>()))
            .prop_map(|(folders, next)| Answer::Folders { folders, state: None, next })
            .boxed(),
        Call::SyncFolders { .. } => (vec(entry(), 0..5), id())
            .prop_map(|(folders, state)| Answer::Folders { folders, state: Some(state), next: None })
            .boxed(),
        Call::GetFolders { folders } => entries(folders.len(), entry()).prop_map(Answer::FolderList).boxed(),
        Call::CreateFolder { .. }
        | Call::RenameFolder { .. }
        | Call::MoveFolder { .. }
        | Call::CreateMessage { .. } => id().prop_map(Answer::Created).boxed(),
        Call::SyncItems { .. } => (vec(change(), 0..12), id(), any::<bool>())
            .prop_map(|(changes, state, complete)| Answer::Items { changes, state, complete })
            .boxed(),
        Call::FindItems { .. } => {
            let created = (id(), option::of(any::<u64>()), any::<u32>()).prop_map(|(item, key, size)| {
                let key = key.map(ItemKey);
                ItemChange { kind: ChangeKind::Create, item, key, size }
            });
            (vec(created, 0..3), any::<bool>())
                .prop_map(|(changes, complete)| Answer::Items { changes, state: Id::text(""), complete })
                .boxed()
        }
        Call::GetItems { items } => entries(items.len(), message()).prop_map(Answer::Contents).boxed(),
        Call::ExportItems { items } => entries(items.len(), stream()).prop_map(Answer::Contents).boxed(),
        Call::DeleteItems { items } => entries(items.len(), Just(()).boxed()).prop_map(Answer::Deleted).boxed(),
        Call::UploadItems { uploads } => entries(uploads.len(), id()).prop_map(Answer::Uploaded).boxed(),
        _ => Just(Answer::Done).boxed(),
    }
}

/// A call with an answer to it.
pub(super) fn exchange() -> BoxedStrategy<(Call, Answer)> {
    call().prop_flat_map(|call| (Just(call.clone()), answer(&call))).boxed()
}
