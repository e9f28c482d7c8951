//! `SyncFolderItems` and `FindItem`.

use super::envelope::{FIND_ITEM, Names, SYNC_FOLDER_ITEMS, write_single};
use super::fault::check_message;
use super::reference::{Lens, Pen, SEARCH_KEY, is_tag, key_of_text, key_text, read_key, write_key};
use super::shape::{ITEM_SHAPE, read_shape, write_shape};
use super::xml::{Element, Space, Writer};
use super::{EwsError, Understood, malformed};
use crate::wire::answer::{Answer, ChangeKind, ItemChange};
use crate::wire::call::Call;
use crate::wire::id::{Id, ItemKey};
use crate::wire::opaque::Kind;
use crate::wire::refusal::Refusal;

/// The most changes that one call may ask for (Microsoft Learn, `MaxChangesReturned`).
pub(super) const MAX_CHANGES: u32 = 512;
/// The page size of a search for one identity: the most that the service returns (Microsoft Learn, "EWS throttling in
/// Exchange", `EWSFindCountLimit`).
const FIND_PAGE: &str = "1000";

/// Writes a request for what changed in a folder.
pub(super) fn write_sync(writer: &mut Writer, pen: Pen, folder: &Id, state: Option<&Id>, limit: u32) {
    writer.open(SYNC_FOLDER_ITEMS.request, &[]);
    write_shape(writer, "m:ItemShape", &ITEM_SHAPE);
    writer.open("m:SyncFolderId", &[]);
    pen.ask(writer, "t:FolderId", Kind::Folder, folder);
    writer.close("m:SyncFolderId");
    if let Some(state) = state {
        writer.leaf("m:SyncState", &pen.text(Kind::SyncState, state));
    }
    writer.leaf("m:MaxChangesReturned", &limit.to_string());
    writer.close(SYNC_FOLDER_ITEMS.request);
}

/// Reads a request for what changed in a folder.
pub(super) fn read_sync(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    read_shape(operation.message("ItemShape"), &ITEM_SHAPE)?;
    if operation.message("Ignore").is_some() {
        return Err(EwsError::unsupported("SyncFolderItems with items to ignore"));
    }
    if operation.message("SyncScope").is_some_and(|scope| scope.text() != "NormalItems") {
        return Err(EwsError::unsupported("SyncFolderItems of associated items"));
    }
    let limit = operation.message("MaxChangesReturned").and_then(|limit| limit.text().parse().ok());
    let limit = limit
        .filter(|limit| (1..=MAX_CHANGES).contains(limit))
        .ok_or_else(|| EwsError::schema("MaxChangesReturned is not a number from 1 to 512"))?;
    let folder = lens.folder(&SYNC_FOLDER_ITEMS, operation.message("SyncFolderId"))?;
    let state = read_state(operation, lens, &SYNC_FOLDER_ITEMS)?;
    Ok(Call::SyncItems { folder, state, limit })
}

/// Reads the sync state of a request. An empty one is like none.
pub(super) fn read_state(
    operation: &Element<'_>,
    lens: &mut Lens,
    names: &'static Names,
) -> Result<Option<Id>, EwsError> {
    match operation.message("SyncState").map_or("", Element::text) {
        "" => Ok(None),
        text => match lens.id(Kind::SyncState, text) {
            id @ Id::Number(_) => Ok(Some(id)),
            Id::Text(_) => Err(EwsError::refused(names, "ErrorInvalidSyncStateData")),
        },
    }
}

/// Writes a request for the items of one identity.
pub(super) fn write_find(writer: &mut Writer, pen: Pen, folder: &Id, key: ItemKey) {
    writer.open(FIND_ITEM.request, &[("Traversal", "Shallow")]);
    write_shape(writer, "m:ItemShape", &ITEM_SHAPE);
    let view = [("MaxEntriesReturned", FIND_PAGE), ("Offset", "0"), ("BasePoint", "Beginning")];
    writer.empty("m:IndexedPageItemView", &view);
    writer.open("m:Restriction", &[]);
    writer.open("t:IsEqualTo", &[]);
    writer.empty("t:ExtendedFieldURI", &SEARCH_KEY);
    writer.open("t:FieldURIOrConstant", &[]);
    writer.empty("t:Constant", &[("Value", &key_text(key))]);
    writer.close("t:FieldURIOrConstant");
    writer.close("t:IsEqualTo");
    writer.close("m:Restriction");
    writer.open("m:ParentFolderIds", &[]);
    pen.ask(writer, "t:FolderId", Kind::Folder, folder);
    writer.close("m:ParentFolderIds");
    writer.close(FIND_ITEM.request);
}

/// Reads a request for the items of one identity.
pub(super) fn read_find(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    if operation.attribute("Traversal") != Some("Shallow") {
        return Err(EwsError::unsupported("FindItem with a traversal that is not shallow"));
    }
    read_shape(operation.message("ItemShape"), &ITEM_SHAPE)?;
    if ["GroupBy", "DistinguishedGroupBy", "SortOrder", "QueryString"]
        .iter()
        .any(|name| operation.message(name).is_some())
    {
        return Err(EwsError::unsupported("FindItem with groups, an order or a query"));
    }
    let view = operation.message("IndexedPageItemView");
    if view.and_then(|view| view.attribute("Offset")) != Some("0") {
        return Err(EwsError::unsupported("FindItem other than from the first item on"));
    }
    let restriction = operation.message("Restriction").map_or(&[][..], |restriction| &restriction.children);
    let key = match restriction {
        [equal] if equal.is(Space::Types, "IsEqualTo") => sought(equal),
        _ => None,
    };
    let key = key.ok_or_else(|| EwsError::unsupported("FindItem by anything but the search key"))?;
    let folder = lens.folder(&FIND_ITEM, operation.message("ParentFolderIds"))?;
    Ok(Call::FindItems { folder, key })
}

fn sought(equal: &Element<'_>) -> Option<ItemKey> {
    equal.typed("ExtendedFieldURI").filter(|uri| is_tag(uri, 0x300B))?;
    let constant = equal.typed("FieldURIOrConstant")?.typed("Constant")?;
    key_of_text(constant.attribute("Value")?)
}

fn write_item(writer: &mut Writer, pen: Pen, change: &ItemChange) {
    writer.open("t:Message", &[]);
    pen.tell(writer, "t:ItemId", Kind::Item, &change.item);
    writer.leaf("t:Size", &change.size.to_string());
    if let Some(key) = change.key {
        write_key(writer, key);
    }
    writer.close("t:Message");
}

fn read_item(kind: ChangeKind, item: &Element<'_>) -> Option<ItemChange> {
    let id = Id::text(item.typed("ItemId")?.attribute("Id")?);
    Some(ItemChange { kind, item: id, key: read_key(item), size: item.typed("Size")?.text().parse().ok()? })
}

/// Writes one change of an answer.
pub(super) fn write_change(writer: &mut Writer, pen: Pen, change: &ItemChange) {
    let name = match change.kind {
        ChangeKind::Create => "t:Create",
        ChangeKind::Update => "t:Update",
        ChangeKind::ReadFlag => "t:ReadFlagChange",
        ChangeKind::Delete => "t:Delete",
    };
    writer.open(name, &[]);
    match change.kind {
        ChangeKind::Create | ChangeKind::Update => write_item(writer, pen, change),
        ChangeKind::Delete => pen.tell(writer, "t:ItemId", Kind::Item, &change.item),
        ChangeKind::ReadFlag => {
            pen.tell(writer, "t:ItemId", Kind::Item, &change.item);
            writer.leaf("t:IsRead", "true");
        }
    }
    writer.close(name);
}

fn read_change(change: &Element<'_>) -> Option<ItemChange> {
    let kind = match &*change.name {
        "Create" => ChangeKind::Create,
        "Update" => ChangeKind::Update,
        "ReadFlagChange" => ChangeKind::ReadFlag,
        "Delete" => ChangeKind::Delete,
        _ => return None,
    };
    match kind {
        ChangeKind::Create | ChangeKind::Update => read_item(kind, change.children.first()?),
        ChangeKind::ReadFlag | ChangeKind::Delete => {
            let item = Id::text(change.typed("ItemId")?.attribute("Id")?);
            Some(ItemChange { kind, item, key: None, size: 0 })
        }
    }
}

/// Writes the answer to [`write_sync`].
pub(super) fn write_synced(writer: &mut Writer, pen: Pen, changes: &[ItemChange], state: &Id, complete: bool) {
    write_single(writer, &SYNC_FOLDER_ITEMS, |writer| {
        writer.leaf("m:SyncState", &pen.text(Kind::SyncState, state));
        writer.leaf("m:IncludesLastItemInRange", if complete { "true" } else { "false" });
        writer.open("m:Changes", &[]);
        for change in changes {
            write_change(writer, pen, change);
        }
        writer.close("m:Changes");
    });
}

/// Reads the answer to [`write_sync`].
pub(super) fn read_synced(messages: &Understood<'_, '_>) -> Result<Answer, Refusal> {
    let message = messages.only()?;
    check_message(message, messages.status)?;
    let state = Id::text(message.message("SyncState").ok_or(malformed())?.text());
    let complete = message.message("IncludesLastItemInRange").ok_or(malformed())?.text() == "true";
    let changes = message.message("Changes").map_or(&[][..], |changes| &changes.children);
    let changes = changes.iter().map(read_change).collect::<Option<_>>().ok_or(malformed())?;
    Ok(Answer::Items { changes, state, complete })
}

/// Writes the answer to [`write_find`]. It has no place for a sync state.
pub(super) fn write_found(writer: &mut Writer, pen: Pen, changes: &[ItemChange], complete: bool) {
    write_single(writer, &FIND_ITEM, |writer| {
        let listed = changes.len().to_string();
        let last = if complete { "true" } else { "false" };
        let paging =
            [("IndexedPagingOffset", &*listed), ("TotalItemsInView", &*listed), ("IncludesLastItemInRange", last)];
        writer.open("m:RootFolder", &paging);
        writer.open("t:Items", &[]);
        for change in changes {
            write_item(writer, pen, change);
        }
        writer.close("t:Items");
        writer.close("m:RootFolder");
    });
}

/// Reads the answer to [`write_find`]: creations, with an empty sync state.
pub(super) fn read_found(messages: &Understood<'_, '_>) -> Result<Answer, Refusal> {
    let message = messages.only()?;
    check_message(message, messages.status)?;
    let root = message.message("RootFolder").ok_or(malformed())?;
    let items = root.typed("Items").map_or(&[][..], |items| &items.children);
    let changes = items.iter().map(|item| read_item(ChangeKind::Create, item)).collect::<Option<_>>();
    let complete = root.attribute("IncludesLastItemInRange") == Some("true");
    Ok(Answer::Items { changes: changes.ok_or(malformed())?, state: Id::text(""), complete })
}
