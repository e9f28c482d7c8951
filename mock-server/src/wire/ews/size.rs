//! The lengths of requests and answers without writing them.
//!
//! Every length is a constant of the operation, plus a constant for each entry, plus the lengths of what varies: digits
//! of numbers, references, names, content. The constants are measured once, on what the codec itself writes, so they
//! cannot drift from it.

use std::sync::{Arc, LazyLock};

use super::content::base64_length;
use super::envelope::{self, DELETE_ITEM, EXPORT_ITEMS, GET_FOLDER, GET_ITEM, Names, UPLOAD_ITEMS};
use super::fault::{Words, item_words, words, write_error};
use super::folders::{known_folders, missing_code};
use super::reference::{KEY_LENGTH, Pen};
use super::transfer::is_malformed;
use super::xml::{Writer, length};
use super::{folders, kinds, sync, write_answer, write_call};
use crate::time::Span;
use crate::wire::answer::{Answer, ChangeKind, FolderEntry, ItemChange};
use crate::wire::call::{Call, Content, FolderKind, FolderRef, Upload};
use crate::wire::id::{Id, ItemKey, MailboxKey};
use crate::wire::opaque;
use crate::wire::refusal::{ItemError, ItemErrorKind};

const REFERENCE: u64 = opaque::LENGTH as u64;
const PEN: Pen = Pen { mailbox: MailboxKey(0) };
const ID: Id = Id::Number(0);

/// Number of decimal digits.
fn digits(number: u64) -> u64 {
    number.checked_ilog10().map_or(1, |log| u64::from(log) + 1)
}

fn boolean(value: bool) -> u64 {
    if value { 4 } else { 5 }
}

/// Length of a reference in an attribute.
fn reference(id: &Id) -> u64 {
    match id {
        Id::Number(_) => REFERENCE,
        Id::Text(text) => length::attribute(text),
    }
}

/// Length of a reference between tags.
fn state_length(id: &Id) -> u64 {
    match id {
        Id::Number(_) => REFERENCE,
        Id::Text(text) => length::text(text),
    }
}

fn measure(write: impl FnOnce(&mut Writer)) -> u64 {
    let mut writer = Writer::fragment();
    write(&mut writer);
    writer.finish().len() as u64
}

struct CallSizes {
    find_folders: u64,
    sync_folders: u64,
    state: u64,
    get_folders: u64,
    folder: u64,
    folder_kind: u64,
    create_folder: u64,
    rename_folder: u64,
    move_folder: u64,
    sync_items: u64,
    find_items: u64,
    get_items: u64,
    delete_items: u64,
    export_items: u64,
    item: u64,
    create_message: u64,
    upload_items: u64,
    upload_new: u64,
    upload_replacing: u64,
}

fn nothing() -> Content {
    Content { key: ItemKey(0), size: 0, bytes: Some(bytes::Bytes::new()) }
}

fn request(call: &Call) -> u64 {
    let mut writer = Writer::document(0);
    write_call(&mut writer, PEN, call, "");
    writer.finish().len() as u64
}

static CALLS: LazyLock<CallSizes> = LazyLock::new(|| {
    let sync_folders = request(&Call::SyncFolders { state: None });
    let get_folders = request(&Call::GetFolders { folders: vec![] });
    let folder = |folder| request(&Call::GetFolders { folders: vec![folder] }) - get_folders;
    let get_items = request(&Call::GetItems { items: vec![] });
    let upload_items = request(&Call::UploadItems { uploads: vec![] });
    let upload = |replace| {
        let uploads = vec![Upload { folder: ID, replace, content: nothing() }];
        request(&Call::UploadItems { uploads }) - upload_items
    };
    CallSizes {
        find_folders: request(&Call::FindFolders { from: 0, limit: 0 }) - 2,
        sync_folders,
        state: request(&Call::SyncFolders { state: Some(ID) }) - sync_folders - REFERENCE,
        get_folders,
        folder: folder(FolderRef::Id(ID)) - REFERENCE,
        folder_kind: folder(FolderRef::Kind(FolderKind::Inbox)) - "inbox".len() as u64,
        create_folder: request(&Call::CreateFolder { parent: ID, name: Arc::from("") }) - REFERENCE,
        rename_folder: request(&Call::RenameFolder { folder: ID, name: Arc::from("") }) - REFERENCE,
        move_folder: request(&Call::MoveFolder { folder: ID, parent: ID }) - 2 * REFERENCE,
        sync_items: request(&Call::SyncItems { folder: ID, state: None, limit: 0 }) - REFERENCE - 1,
        find_items: request(&Call::FindItems { folder: ID, key: ItemKey(0) }) - REFERENCE,
        get_items,
        delete_items: request(&Call::DeleteItems { items: vec![] }),
        export_items: request(&Call::ExportItems { items: vec![] }),
        item: request(&Call::GetItems { items: vec![ID] }) - get_items - REFERENCE,
        create_message: request(&Call::CreateMessage { folder: ID, content: nothing() }) - REFERENCE,
        upload_items,
        upload_new: upload(None) - REFERENCE,
        upload_replacing: upload(Some(ID)) - 2 * REFERENCE,
    }
});

/// See [`super::call_bytes`].
pub(super) fn call_bytes(call: &Call, address_length: usize) -> u64 {
    let sizes = &*CALLS;
    let items = |items: &[Id]| items.iter().map(|item| sizes.item + reference(item)).sum::<u64>();
    let state = |state: &Option<Id>| state.as_ref().map_or(0, |state| sizes.state + state_length(state));
    let body = match call {
        Call::FindFolders { from, limit } => sizes.find_folders + digits((*from).into()) + digits((*limit).into()),
        Call::SyncFolders { state: known } => sizes.sync_folders + state(known),
        Call::GetFolders { folders } => {
            sizes.get_folders + folders.iter().map(|folder| asked(sizes, folder)).sum::<u64>()
        }
        Call::CreateFolder { parent, name } => sizes.create_folder + reference(parent) + length::text(name),
        Call::RenameFolder { folder, name } => sizes.rename_folder + reference(folder) + length::text(name),
        Call::MoveFolder { folder, parent } => sizes.move_folder + reference(folder) + reference(parent),
        Call::SyncItems { folder, state: known, limit } => {
            sizes.sync_items + reference(folder) + state(known) + digits((*limit).into())
        }
        Call::FindItems { folder, .. } => sizes.find_items + reference(folder),
        Call::GetItems { items: list } => sizes.get_items + items(list),
        Call::DeleteItems { items: list } => sizes.delete_items + items(list),
        Call::ExportItems { items: list } => sizes.export_items + items(list),
        Call::CreateMessage { folder, content } => sizes.create_message + reference(folder) + base64_length(content),
        Call::UploadItems { uploads } => sizes.upload_items + uploads.iter().map(|one| upload(sizes, one)).sum::<u64>(),
        _ => return 0,
    };
    body + address_length as u64
}

fn asked(sizes: &CallSizes, folder: &FolderRef) -> u64 {
    match folder {
        FolderRef::Id(id) => sizes.folder + reference(id),
        FolderRef::Kind(kind) => sizes.folder_kind + kinds::distinguished_name(*kind).map_or(0, str::len) as u64,
    }
}

fn upload(sizes: &CallSizes, upload: &Upload) -> u64 {
    let around = match &upload.replace {
        Some(item) => sizes.upload_replacing + reference(item),
        None => sizes.upload_new,
    };
    around + reference(&upload.folder) + base64_length(&upload.content)
}

/// What the messages of an operation that answers for each item take.
struct MessageSizes {
    response: u64,
    success: u64,
    error: u64,
}

struct AnswerSizes {
    find_folders: u64,
    sync_folders: u64,
    entry: Vec<u64>,
    parent: u64,
    created_entry: u64,
    create_folder: u64,
    rename_folder: u64,
    move_folder: u64,
    sync_items: u64,
    find_items: u64,
    found_item: u64,
    item: u64,
    key: u64,
    read_flag: u64,
    delete: u64,
    create_message: u64,
    get_folders: MessageSizes,
    get_items: MessageSizes,
    export_items: MessageSizes,
    delete_items: MessageSizes,
    upload_items: MessageSizes,
    wait: u64,
    internal_error: u64,
}

fn response(call: &Call, answer: &Answer) -> u64 {
    let mut writer = Writer::document(0);
    write_answer(&mut writer, PEN, call, answer);
    writer.finish().len() as u64
}

fn entry(kind: FolderKind, parent: Option<Id>) -> FolderEntry {
    FolderEntry { id: ID, parent, name: Arc::from(""), kind, items: 0, bytes: 0 }
}

fn change(kind: ChangeKind, key: Option<ItemKey>) -> ItemChange {
    ItemChange { kind, item: ID, key, size: 0 }
}

fn error_length(names: &Names, wait: Option<Span>) -> u64 {
    measure(|writer| write_error(writer, names, ("", ""), wait))
}

/// Measures the responses of one operation without items and with one; `varying` is what varies in the latter.
fn messages(names: &Names, none: &(Call, Answer), one: &(Call, Answer), varying: u64) -> MessageSizes {
    let empty = response(&none.0, &none.1);
    MessageSizes {
        response: empty,
        success: response(&one.0, &one.1) - empty - varying,
        error: error_length(names, None),
    }
}

static ANSWERS: LazyLock<AnswerSizes> = LazyLock::new(|| {
    let entries = |kind: FolderKind, parent| measure(|writer| folders::write_entry(writer, PEN, &entry(kind, parent)));
    let change_length = |kind, key| measure(|writer| sync::write_change(writer, PEN, &change(kind, key)));
    let find_folders = Call::FindFolders { from: 0, limit: 0 };
    let sync_folders = Call::SyncFolders { state: None };
    let listed = |folders, state| Answer::Folders { folders, state, next: None };
    let root = entries(FolderKind::Root, None);
    let item = change_length(ChangeKind::Create, None);
    let find_items = Call::FindItems { folder: ID, key: ItemKey(0) };
    let items = |changes| Answer::Items { changes, state: ID, complete: true };
    let no_items = response(&find_items, &items(vec![]));
    let no_folders = response(&sync_folders, &listed(vec![], Some(ID)));
    let contents = |count| Answer::Contents(vec![Ok(nothing()); count]);
    let get = |count| (Call::GetItems { items: vec![ID; count] }, contents(count));
    let export = |count| (Call::ExportItems { items: vec![ID; count] }, contents(count));
    let delete = |count| (Call::DeleteItems { items: vec![ID; count] }, Answer::Deleted(vec![Ok(()); count]));
    let store = |count| {
        let uploads = vec![Upload { folder: ID, replace: None, content: nothing() }; count];
        (Call::UploadItems { uploads }, Answer::Uploaded(vec![Ok(ID); count]))
    };
    let folder = |count| {
        let folders = vec![FolderRef::Id(ID); count];
        (Call::GetFolders { folders }, Answer::FolderList(vec![Ok(entry(FolderKind::Root, None)); count]))
    };
    AnswerSizes {
        find_folders: response(&find_folders, &listed(vec![], None)) - 2 - boolean(true),
        sync_folders: no_folders - REFERENCE,
        entry: kinds::ROWS.iter().map(|row| entries(row.kind, None) - 2 * REFERENCE - 2).collect(),
        parent: entries(FolderKind::User, Some(ID)) - entries(FolderKind::User, None) - 2 * REFERENCE,
        created_entry: response(&sync_folders, &listed(vec![entry(FolderKind::Root, None)], Some(ID)))
            - no_folders
            - root,
        create_folder: response(&Call::CreateFolder { parent: ID, name: Arc::from("") }, &Answer::Created(ID))
            - 2 * REFERENCE,
        rename_folder: response(&Call::RenameFolder { folder: ID, name: Arc::from("") }, &Answer::Created(ID))
            - 2 * REFERENCE,
        move_folder: response(&Call::MoveFolder { folder: ID, parent: ID }, &Answer::Created(ID)) - 2 * REFERENCE,
        sync_items: response(&Call::SyncItems { folder: ID, state: None, limit: 0 }, &items(vec![]))
            - REFERENCE
            - boolean(true),
        find_items: no_items - 2 - boolean(true),
        found_item: response(&find_items, &items(vec![change(ChangeKind::Create, None)]))
            - no_items
            - 2 * REFERENCE
            - 1,
        item: item - 2 * REFERENCE - 1,
        key: change_length(ChangeKind::Create, Some(ItemKey(0))) - item - KEY_LENGTH,
        read_flag: change_length(ChangeKind::ReadFlag, None) - 2 * REFERENCE,
        delete: change_length(ChangeKind::Delete, None) - 2 * REFERENCE,
        create_message: response(&Call::CreateMessage { folder: ID, content: nothing() }, &Answer::Created(ID))
            - 2 * REFERENCE,
        get_folders: messages(&GET_FOLDER, &folder(0), &folder(1), root),
        get_items: messages(&GET_ITEM, &get(0), &get(1), 2 * REFERENCE),
        export_items: messages(&EXPORT_ITEMS, &export(0), &export(1), 2 * REFERENCE),
        delete_items: messages(&DELETE_ITEM, &delete(0), &delete(1), 0),
        upload_items: messages(&UPLOAD_ITEMS, &store(0), &store(1), 2 * REFERENCE),
        wait: error_length(&envelope::GET_ITEM, Some(Span::ZERO)) - error_length(&envelope::GET_ITEM, None) - 1,
        internal_error: super::encode_answer(&find_items, &Answer::Done, PEN.mailbox).body.len() as u64,
    }
});

impl AnswerSizes {
    fn folder(&self, folder: &FolderEntry) -> u64 {
        self.entry[kinds::position(folder.kind)]
            + 2 * reference(&folder.id)
            + folder.parent.as_ref().map_or(0, |parent| self.parent + 2 * reference(parent))
            + length::text(&folder.name)
            + digits(folder.items)
            + digits(folder.bytes)
    }

    fn item(&self, around: u64, item: &ItemChange) -> u64 {
        let key = item.key.map_or(0, |_| self.key + KEY_LENGTH);
        around + 2 * reference(&item.item) + digits(item.size.into()) + key
    }

    fn change(&self, change: &ItemChange) -> u64 {
        match change.kind {
            // "Update" is as long as "Create".
            ChangeKind::Create | ChangeKind::Update => self.item(self.item, change),
            ChangeKind::ReadFlag => self.read_flag + 2 * reference(&change.item),
            ChangeKind::Delete => self.delete + 2 * reference(&change.item),
        }
    }

    fn error(&self, messages: &MessageSizes, error: ItemError, (code, text): Words) -> u64 {
        if error.kind == ItemErrorKind::Omitted {
            return 0;
        }
        let wait = error.retry_after.map_or(0, |wait| self.wait + digits(wait.as_milliseconds_up()));
        messages.error + length::text(code) + length::text(text) + wait
    }

    /// The messages of a response: one for each item asked.
    fn messages<'a, A, T: 'a>(
        &self,
        messages: &MessageSizes,
        asked: &[A],
        entries: &'a [Result<T, ItemError>],
        size: impl Fn(&A, &T) -> u64,
        words: impl Fn(&A, ItemErrorKind) -> Words,
    ) -> u64 {
        let entries = asked.iter().zip(entries).map(|(asked, entry)| match entry {
            Ok(value) => messages.success + size(asked, value),
            Err(error) => self.error(messages, *error, words(asked, error.kind)),
        });
        messages.response + entries.sum::<u64>()
    }
}

/// What is said about an item that a call names.
fn words_of_item(item: &Id, kind: ItemErrorKind) -> Words {
    item_words(kind, matches!(item, Id::Text(_)))
}

/// See [`super::answer_bytes`].
pub(super) fn answer_bytes(call: &Call, answer: &Answer) -> u64 {
    let sizes = &*ANSWERS;
    match (call, answer) {
        (Call::FindFolders { from, .. }, Answer::Folders { folders, next, .. }) => {
            let total = known_folders(*from, folders, *next);
            let paging = digits(next.map_or(total, u64::from)) + digits(total) + boolean(next.is_none());
            sizes.find_folders + paging + folders.iter().map(|folder| sizes.folder(folder)).sum::<u64>()
        }
        (Call::SyncFolders { .. }, Answer::Folders { folders, state: Some(state), .. }) => {
            let entries = folders.iter().map(|folder| sizes.created_entry + sizes.folder(folder));
            sizes.sync_folders + state_length(state) + entries.sum::<u64>()
        }
        (Call::GetFolders { folders }, Answer::FolderList(found)) => {
            let words =
                |asked: &FolderRef, kind| missing_code(asked, kind).map_or_else(|| item_words(kind, false), words);
            sizes.messages(&sizes.get_folders, folders, found, |_, folder| sizes.folder(folder), words)
        }
        (Call::CreateFolder { .. }, Answer::Created(id)) => sizes.create_folder + 2 * reference(id),
        (Call::RenameFolder { .. }, Answer::Created(id)) => sizes.rename_folder + 2 * reference(id),
        (Call::MoveFolder { .. }, Answer::Created(id)) => sizes.move_folder + 2 * reference(id),
        (Call::SyncItems { .. }, Answer::Items { changes, state, complete }) => {
            let entries = changes.iter().map(|change| sizes.change(change)).sum::<u64>();
            sizes.sync_items + state_length(state) + boolean(*complete) + entries
        }
        (Call::FindItems { .. }, Answer::Items { changes, complete, .. }) => {
            let entries = changes.iter().map(|change| sizes.item(sizes.found_item, change)).sum::<u64>();
            sizes.find_items + 2 * digits(changes.len() as u64) + boolean(*complete) + entries
        }
        (Call::CreateMessage { .. }, Answer::Created(id)) => sizes.create_message + 2 * reference(id),
        (Call::GetItems { items }, Answer::Contents(contents)) => {
            let size = |item: &Id, content: &Content| 2 * reference(item) + base64_length(content);
            sizes.messages(&sizes.get_items, items, contents, size, words_of_item)
        }
        (Call::ExportItems { items }, Answer::Contents(contents)) => {
            let size = |item: &Id, content: &Content| 2 * reference(item) + base64_length(content);
            sizes.messages(&sizes.export_items, items, contents, size, words_of_item)
        }
        (Call::DeleteItems { items }, Answer::Deleted(deleted)) => {
            sizes.messages(&sizes.delete_items, items, deleted, |_, ()| 0, words_of_item)
        }
        (Call::UploadItems { uploads }, Answer::Uploaded(stored)) => {
            let words = |upload: &Upload, kind| item_words(kind, is_malformed(upload));
            sizes.messages(&sizes.upload_items, uploads, stored, |_, id| 2 * reference(id), words)
        }
        _ => sizes.internal_error,
    }
}
