//! `GetFolder`, `FindFolder`, `SyncFolderHierarchy` and `CreateFolder`.

use std::sync::Arc;

use super::envelope::{CREATE_FOLDER, FIND_FOLDER, GET_FOLDER, SYNC_FOLDER_HIERARCHY, write_single};
use super::fault::{check_item, check_message, words, write_error, write_item_error};
use super::reference::{Lens, Pen, property};
use super::shape::{FOLDER_SHAPE, read_shape, write_shape};
use super::xml::{Element, Space, Writer};
use super::{EwsError, Understood, kinds, malformed};
use crate::wire::answer::{Answer, FolderEntry};
use crate::wire::call::{Call, FolderKind, FolderRef};
use crate::wire::id::Id;
use crate::wire::opaque::Kind;
use crate::wire::refusal::{ItemError, ItemErrorKind, Refusal};

/// The MAPI tag of a folder's size in bytes: `PidTagMessageSizeExtended` (\[MS-OXPROPS\]).
pub(super) const MESSAGE_SIZE_EXTENDED: u16 = 0x0E08;
pub(super) const MESSAGE_SIZE: [(&str, &str); 2] = [("PropertyTag", "0x0E08"), ("PropertyType", "Long")];

/// The invisible parent of the visible tree; a deep search below it lists the visible root as well.
const ROOT: &str = "root";

/// Writes a request for the folders of a mailbox, one page.
pub(super) fn write_find(writer: &mut Writer, from: u32, limit: u32) {
    writer.open(FIND_FOLDER.request, &[("Traversal", "Deep")]);
    write_shape(writer, "m:FolderShape", &FOLDER_SHAPE);
    let (limit, from) = (limit.to_string(), from.to_string());
    let view = [("MaxEntriesReturned", &*limit), ("Offset", &*from), ("BasePoint", "Beginning")];
    writer.empty("m:IndexedPageFolderView", &view);
    writer.open("m:ParentFolderIds", &[]);
    writer.empty("t:DistinguishedFolderId", &[("Id", ROOT)]);
    writer.close("m:ParentFolderIds");
    writer.close(FIND_FOLDER.request);
}

/// Reads a request for the folders of a mailbox.
pub(super) fn read_find(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    if operation.attribute("Traversal") != Some("Deep") {
        return Err(EwsError::unsupported("FindFolder with a traversal that is not deep"));
    }
    if operation.message("Restriction").is_some() {
        return Err(EwsError::unsupported("FindFolder with a restriction"));
    }
    read_shape(operation.message("FolderShape"), &FOLDER_SHAPE)?;
    let parents = operation.message("ParentFolderIds").ok_or_else(|| EwsError::schema("ParentFolderIds is missing"))?;
    let [parent] = &*parents.children else {
        return Err(EwsError::unsupported("FindFolder below several folders"));
    };
    whole_tree(parent, lens)?;
    let view = operation
        .message("IndexedPageFolderView")
        .ok_or_else(|| EwsError::unsupported("FindFolder without IndexedPageFolderView"))?;
    if view.attribute("BasePoint") != Some("Beginning") {
        return Err(EwsError::unsupported("a page that is not counted from the beginning"));
    }
    let number = |name: &str| {
        let text = view.attribute(name)?;
        text.parse::<u32>().ok()
    };
    match (number("Offset"), number("MaxEntriesReturned").unwrap_or(u32::MAX)) {
        (Some(from), limit) => Ok(Call::FindFolders { from, limit }),
        (None, _) => Err(EwsError::schema("the attribute 'Offset' is not a number")),
    }
}

/// Accepts the invisible root, and nothing else, as the place to list from.
fn whole_tree(parent: &Element<'_>, lens: &mut Lens) -> Result<(), EwsError> {
    lens.folder_ref(parent)?;
    if parent.is(Space::Types, "DistinguishedFolderId") && parent.attribute("Id") == Some(ROOT) {
        return Ok(());
    }
    Err(EwsError::unsupported("listing the folders below one folder"))
}

/// Writes a request for what changed in the folder tree.
pub(super) fn write_sync(writer: &mut Writer, pen: Pen, state: Option<&Id>) {
    writer.open(SYNC_FOLDER_HIERARCHY.request, &[]);
    write_shape(writer, "m:FolderShape", &FOLDER_SHAPE);
    writer.open("m:SyncFolderId", &[]);
    writer.empty("t:DistinguishedFolderId", &[("Id", ROOT)]);
    writer.close("m:SyncFolderId");
    if let Some(state) = state {
        writer.leaf("m:SyncState", &pen.text(Kind::SyncState, state));
    }
    writer.close(SYNC_FOLDER_HIERARCHY.request);
}

/// Reads a request for what changed in the folder tree.
pub(super) fn read_sync(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    read_shape(operation.message("FolderShape"), &FOLDER_SHAPE)?;
    if let Some(folder) = operation.message("SyncFolderId").and_then(|folder| folder.children.first()) {
        whole_tree(folder, lens)?;
    }
    let state = super::sync::read_state(operation, lens, &SYNC_FOLDER_HIERARCHY)?;
    Ok(Call::SyncFolders { state })
}

/// Writes a request for single folders.
pub(super) fn write_get(writer: &mut Writer, pen: Pen, folders: &[FolderRef]) {
    writer.open(GET_FOLDER.request, &[]);
    write_shape(writer, "m:FolderShape", &FOLDER_SHAPE);
    writer.open("m:FolderIds", &[]);
    for folder in folders {
        match folder {
            FolderRef::Id(id) => pen.ask(writer, "t:FolderId", Kind::Folder, id),
            FolderRef::Kind(kind) => {
                let name = kinds::distinguished_name(*kind).unwrap_or_default();
                writer.empty("t:DistinguishedFolderId", &[("Id", name)]);
            }
        }
    }
    writer.close("m:FolderIds");
    writer.close(GET_FOLDER.request);
}

/// Reads a request for single folders.
pub(super) fn read_get(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    read_shape(operation.message("FolderShape"), &FOLDER_SHAPE)?;
    let list = operation.message("FolderIds").ok_or_else(|| EwsError::schema("FolderIds is missing"))?;
    if list.children.is_empty() {
        return Err(EwsError::schema("there must be at least one folder"));
    }
    let folders = list.children.iter().map(|folder| lens.folder_ref(folder)).collect::<Result<_, _>>()?;
    Ok(Call::GetFolders { folders })
}

/// Writes a request for a new folder.
pub(super) fn write_create(writer: &mut Writer, pen: Pen, parent: &Id, name: &str) {
    writer.open(CREATE_FOLDER.request, &[]);
    writer.open("m:ParentFolderId", &[]);
    pen.ask(writer, "t:FolderId", Kind::Folder, parent);
    writer.close("m:ParentFolderId");
    writer.open("m:Folders", &[]);
    writer.open("t:Folder", &[]);
    writer.leaf("t:DisplayName", name);
    writer.close("t:Folder");
    writer.close("m:Folders");
    writer.close(CREATE_FOLDER.request);
}

/// Reads a request for a new folder.
pub(super) fn read_create(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    let parent = lens.folder(&CREATE_FOLDER, operation.message("ParentFolderId"))?;
    let folders = operation.message("Folders").map_or(&[][..], |folders| &folders.children);
    let [folder] = folders else {
        return Err(EwsError::unsupported("CreateFolder with more or less than one folder"));
    };
    let class = folder.typed("FolderClass").map_or("IPF.Note", Element::text);
    if !folder.is(Space::Types, "Folder") || class != "IPF.Note" {
        return Err(EwsError::unsupported("CreateFolder of a folder that is not for mail"));
    }
    let name = folder.typed("DisplayName").ok_or_else(|| EwsError::schema("DisplayName is missing"))?;
    Ok(Call::CreateFolder { parent, name: Arc::from(name.whole_text()) })
}

/// Writes one folder of an answer.
pub(super) fn write_entry(writer: &mut Writer, pen: Pen, entry: &FolderEntry) {
    let row = kinds::appearance(entry.kind);
    writer.open(row.element, &[]);
    pen.tell(writer, "t:FolderId", Kind::Folder, &entry.id);
    if let Some(parent) = &entry.parent {
        pen.tell(writer, "t:ParentFolderId", Kind::Folder, parent);
    }
    writer.leaf("t:FolderClass", row.class);
    writer.leaf("t:DisplayName", &entry.name);
    writer.leaf("t:TotalCount", &entry.items.to_string());
    writer.open("t:ExtendedProperty", &[]);
    writer.empty("t:ExtendedFieldURI", &MESSAGE_SIZE);
    writer.leaf("t:Value", &entry.bytes.to_string());
    writer.close("t:ExtendedProperty");
    if let Some(name) = row.distinguished {
        writer.leaf("t:DistinguishedFolderId", name);
    }
    writer.close(row.element);
}

fn read_entry(folder: &Element<'_>) -> Option<FolderEntry> {
    let id = |name: &str| folder.typed(name).and_then(|id| id.attribute("Id")).map(Id::text);
    let kind = kinds::of(folder);
    Some(FolderEntry {
        id: id("FolderId")?,
        parent: id("ParentFolderId").filter(|_| kind != FolderKind::Root),
        name: Arc::from(folder.typed("DisplayName")?.whole_text()),
        kind,
        items: folder.typed("TotalCount")?.text().parse().ok()?,
        bytes: property(folder, MESSAGE_SIZE_EXTENDED)?.parse().ok()?,
    })
}

/// How many folders there are as far as an answer tells: those passed over, those listed, and one more if it is not
/// the last page.
pub(super) fn known_folders(from: u32, folders: &[FolderEntry], next: Option<u32>) -> u64 {
    let listed = u64::from(from) + folders.len() as u64;
    next.map_or(listed, |next| listed.max(u64::from(next) + 1))
}

/// Writes the answer to [`write_find`].
pub(super) fn write_found(writer: &mut Writer, pen: Pen, from: u32, folders: &[FolderEntry], next: Option<u32>) {
    write_single(writer, &FIND_FOLDER, |writer| {
        let total = known_folders(from, folders, next).to_string();
        let offset = next.map_or_else(|| total.clone(), |next| next.to_string());
        let last = if next.is_none() { "true" } else { "false" };
        let paging =
            [("IndexedPagingOffset", &*offset), ("TotalItemsInView", &*total), ("IncludesLastItemInRange", last)];
        writer.open("m:RootFolder", &paging);
        writer.open("t:Folders", &[]);
        for folder in folders {
            write_entry(writer, pen, folder);
        }
        writer.close("t:Folders");
        writer.close("m:RootFolder");
    });
}

/// Reads the answer to [`write_find`].
pub(super) fn read_found(messages: &Understood<'_, '_>) -> Result<Answer, Refusal> {
    let message = messages.only()?;
    check_message(message, messages.status)?;
    let root = message.message("RootFolder").ok_or(malformed())?;
    let next = match root.attribute("IncludesLastItemInRange") {
        Some("true") => None,
        _ => Some(root.attribute("IndexedPagingOffset").and_then(|next| next.parse().ok()).ok_or(malformed())?),
    };
    let folders = root.typed("Folders").map_or(&[][..], |folders| &folders.children);
    let folders = folders.iter().map(read_entry).collect::<Option<_>>().ok_or(malformed())?;
    Ok(Answer::Folders { folders, state: None, next })
}

/// Writes the answer to [`write_sync`].
pub(super) fn write_synced(writer: &mut Writer, pen: Pen, folders: &[FolderEntry], state: &Id) {
    write_single(writer, &SYNC_FOLDER_HIERARCHY, |writer| {
        writer.leaf("m:SyncState", &pen.text(Kind::SyncState, state));
        writer.leaf("m:IncludesLastFolderInRange", "true");
        writer.open("m:Changes", &[]);
        for folder in folders {
            writer.open("t:Create", &[]);
            write_entry(writer, pen, folder);
            writer.close("t:Create");
        }
        writer.close("m:Changes");
    });
}

/// Reads the answer to [`write_sync`]. Folders that are gone are passed over.
pub(super) fn read_synced(messages: &Understood<'_, '_>) -> Result<Answer, Refusal> {
    let message = messages.only()?;
    check_message(message, messages.status)?;
    let state = Id::text(message.message("SyncState").ok_or(malformed())?.text());
    let changes = message.message("Changes").map_or(&[][..], |changes| &changes.children);
    let present = changes.iter().filter(|change| !change.is(Space::Types, "Delete"));
    let folders = present.map(|change| change.children.first().and_then(read_entry)).collect::<Option<_>>();
    Ok(Answer::Folders { folders: folders.ok_or(malformed())?, state: Some(state), next: None })
}

/// Writes the answer to [`write_get`].
pub(super) fn write_got(
    writer: &mut Writer,
    pen: Pen,
    asked: &[FolderRef],
    folders: &[Result<FolderEntry, ItemError>],
) {
    super::envelope::write_response(writer, &GET_FOLDER, |writer| {
        for (asked, folder) in asked.iter().zip(folders) {
            match folder {
                Ok(entry) => super::envelope::write_success(writer, &GET_FOLDER, |writer| {
                    writer.open("m:Folders", &[]);
                    write_entry(writer, pen, entry);
                    writer.close("m:Folders");
                }),
                Err(error) if error.kind == ItemErrorKind::Omitted => {}
                Err(error) => match missing_code(asked, error.kind) {
                    Some(code) => write_error(writer, &GET_FOLDER, words(code), error.retry_after),
                    None => write_item_error(writer, &GET_FOLDER, *error, false),
                },
            }
        }
    });
}

/// The code for a folder that is not there; nothing for other errors.
pub(super) fn missing_code(asked: &FolderRef, kind: ItemErrorKind) -> Option<&'static str> {
    let name = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
    match (kind, asked) {
        (ItemErrorKind::NotFound | ItemErrorKind::Invalid, FolderRef::Id(Id::Text(text))) if !name(text) => {
            Some("ErrorInvalidIdMalformed")
        }
        (ItemErrorKind::NotFound, _) => Some("ErrorFolderNotFound"),
        _ => None,
    }
}

/// Reads the answer to [`write_get`].
pub(super) fn read_got(messages: &Understood<'_, '_>, asked: &[FolderRef]) -> Result<Answer, Refusal> {
    let answers = messages.positional(asked.len(), |message| {
        check_item(message)?;
        let folder = message.message("Folders").and_then(|folders| folders.children.first());
        folder.and_then(read_entry).ok_or(ItemError { kind: ItemErrorKind::Omitted, retry_after: None })
    })?;
    Ok(Answer::FolderList(answers))
}

/// Writes the answer to [`write_create`].
pub(super) fn write_created(writer: &mut Writer, pen: Pen, id: &Id) {
    write_single(writer, &CREATE_FOLDER, |writer| write_folder_id(writer, pen, id));
}

/// Writes the folder that was made or changed: its reference.
pub(super) fn write_folder_id(writer: &mut Writer, pen: Pen, id: &Id) {
    writer.open("m:Folders", &[]);
    writer.open("t:Folder", &[]);
    pen.tell(writer, "t:FolderId", Kind::Folder, id);
    writer.close("t:Folder");
    writer.close("m:Folders");
}

/// Reads the folder that was made or changed.
pub(super) fn read_created(messages: &Understood<'_, '_>) -> Result<Answer, Refusal> {
    let message = messages.only()?;
    check_message(message, messages.status)?;
    let folder = message.message("Folders").and_then(|folders| folders.children.first());
    let id = folder.and_then(|folder| folder.typed("FolderId")).and_then(|id| id.attribute("Id"));
    Ok(Answer::Created(Id::text(id.ok_or(malformed())?)))
}
