//! `GetItem`, `CreateItem` and `DeleteItem`.

use super::envelope::{CREATE_ITEM, DELETE_ITEM, GET_ITEM, write_response, write_single, write_success};
use super::fault::{check_item, check_message, write_item_error};
use super::reference::{Lens, Pen, read_key, write_key};
use super::shape::{MIME_SHAPE, read_shape, write_shape};
use super::xml::{Element, Space, Writer};
use super::{EwsError, OMITTED, Understood, content, malformed};
use crate::wire::answer::Answer;
use crate::wire::call::{Call, Content};
use crate::wire::id::Id;
use crate::wire::opaque::Kind;
use crate::wire::refusal::{ItemError, ItemErrorKind, Refusal};

const CHARACTER_SET: [(&str, &str); 1] = [("CharacterSet", "UTF-8")];

/// Writes a list of items.
pub(super) fn write_list(writer: &mut Writer, pen: Pen, items: &[Id]) {
    writer.open("m:ItemIds", &[]);
    for item in items {
        pen.ask(writer, "t:ItemId", Kind::Item, item);
    }
    writer.close("m:ItemIds");
}

/// Writes a request for items as MIME.
pub(super) fn write_get(writer: &mut Writer, pen: Pen, items: &[Id]) {
    writer.open(GET_ITEM.request, &[]);
    write_shape(writer, "m:ItemShape", &MIME_SHAPE);
    write_list(writer, pen, items);
    writer.close(GET_ITEM.request);
}

/// Reads a request for items as MIME.
pub(super) fn read_get(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    read_shape(operation.message("ItemShape"), &MIME_SHAPE)?;
    Ok(Call::GetItems { items: lens.items(operation.message("ItemIds"))? })
}

/// Writes a message as it is created and fetched.
fn write_message(writer: &mut Writer, pen: Pen, id: Option<&Id>, message: &Content) {
    writer.open("t:Message", &[]);
    content::write(writer, "t:MimeContent", &CHARACTER_SET, message);
    if let Some(id) = id {
        pen.tell(writer, "t:ItemId", Kind::Item, id);
    }
    write_key(writer, message.key);
    writer.close("t:Message");
}

/// Writes the answer to [`write_get`].
pub(super) fn write_got(writer: &mut Writer, pen: Pen, items: &[Id], contents: &[Result<Content, ItemError>]) {
    write_response(writer, &GET_ITEM, |writer| {
        for (item, content) in items.iter().zip(contents) {
            match content {
                Ok(content) => write_success(writer, &GET_ITEM, |writer| {
                    writer.open("m:Items", &[]);
                    write_message(writer, pen, Some(item), content);
                    writer.close("m:Items");
                }),
                Err(error) if error.kind == ItemErrorKind::Omitted => {}
                Err(error) => write_item_error(writer, &GET_ITEM, *error, matches!(item, Id::Text(_))),
            }
        }
    });
}

/// Reads the answer to [`write_get`].
pub(super) fn read_got(messages: &Understood<'_, '_>, items: &[Id]) -> Result<Answer, Refusal> {
    let first = |message: &Element<'_>| -> Option<Content> {
        let item = message.message("Items")?.children.first()?;
        content::read(item.typed("MimeContent")?, read_key(item))
    };
    let id = |message: &Element<'_>| {
        let item = message.message("Items")?.children.first()?;
        item.typed("ItemId")?.attribute("Id").map(str::to_owned)
    };
    let contents = messages.matched(items, id, |message| {
        check_item(message)?;
        first(message).ok_or(OMITTED)
    })?;
    Ok(Answer::Contents(contents))
}

/// Writes a request to store a message.
pub(super) fn write_create(writer: &mut Writer, pen: Pen, folder: &Id, message: &Content) {
    writer.open(CREATE_ITEM.request, &[("MessageDisposition", "SaveOnly")]);
    writer.open("m:SavedItemFolderId", &[]);
    pen.ask(writer, "t:FolderId", Kind::Folder, folder);
    writer.close("m:SavedItemFolderId");
    writer.open("m:Items", &[]);
    write_message(writer, pen, None, message);
    writer.close("m:Items");
    writer.close(CREATE_ITEM.request);
}

/// Reads a request to store a message.
pub(super) fn read_create(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    if operation.attribute("MessageDisposition") != Some("SaveOnly") {
        return Err(EwsError::unsupported("CreateItem that does more than save"));
    }
    let items = operation.message("Items").map_or(&[][..], |items| &items.children);
    let [item] = items else {
        return Err(EwsError::unsupported("CreateItem with more or less than one item"));
    };
    let known = |child: &Element<'_>| child.is(Space::Types, "MimeContent") || is_key(child);
    let mime = item.typed("MimeContent").filter(|_| item.is(Space::Types, "Message"));
    let Some(mime) = mime.filter(|_| item.children.iter().all(known)) else {
        return Err(EwsError::unsupported("CreateItem of anything but a message in MIME"));
    };
    let content = content::read(mime, read_key(item)).ok_or_else(|| EwsError::schema("MimeContent is not base64"))?;
    let folder = lens.folder(&CREATE_ITEM, operation.message("SavedItemFolderId"))?;
    Ok(Call::CreateMessage { folder, content })
}

fn is_key(child: &Element<'_>) -> bool {
    child.is(Space::Types, "ExtendedProperty")
        && child.typed("ExtendedFieldURI").is_some_and(|uri| super::reference::is_tag(uri, 0x300B))
}

/// Writes the answer to [`write_create`].
pub(super) fn write_created(writer: &mut Writer, pen: Pen, id: &Id) {
    write_single(writer, &CREATE_ITEM, |writer| {
        writer.open("m:Items", &[]);
        writer.open("t:Message", &[]);
        pen.tell(writer, "t:ItemId", Kind::Item, id);
        writer.close("t:Message");
        writer.close("m:Items");
    });
}

/// Reads the answer to [`write_create`].
pub(super) fn read_created(messages: &Understood<'_, '_>) -> Result<Answer, Refusal> {
    let message = messages.only()?;
    check_message(message, messages.status)?;
    let item = message.message("Items").and_then(|items| items.children.first());
    let id = item.and_then(|item| item.typed("ItemId")).and_then(|id| id.attribute("Id"));
    Ok(Answer::Created(Id::text(id.ok_or(malformed())?)))
}

/// Writes a request to delete items for good.
pub(super) fn write_delete(writer: &mut Writer, pen: Pen, items: &[Id]) {
    let how = [
        ("DeleteType", "HardDelete"),
        ("SendMeetingCancellations", "SendToNone"),
        ("AffectedTaskOccurrences", "AllOccurrences"),
    ];
    writer.open(DELETE_ITEM.request, &how);
    write_list(writer, pen, items);
    writer.close(DELETE_ITEM.request);
}

/// Reads a request to delete items for good.
pub(super) fn read_delete(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    if operation.attribute("DeleteType") != Some("HardDelete") {
        return Err(EwsError::unsupported("DeleteItem that keeps the item"));
    }
    Ok(Call::DeleteItems { items: lens.items(operation.message("ItemIds"))? })
}

/// Writes the answer to [`write_delete`].
pub(super) fn write_deleted(writer: &mut Writer, items: &[Id], deleted: &[Result<(), ItemError>]) {
    write_response(writer, &DELETE_ITEM, |writer| {
        for (item, deleted) in items.iter().zip(deleted) {
            match deleted {
                Ok(()) => write_success(writer, &DELETE_ITEM, |_| {}),
                Err(error) if error.kind == ItemErrorKind::Omitted => {}
                Err(error) => write_item_error(writer, &DELETE_ITEM, *error, matches!(item, Id::Text(_))),
            }
        }
    });
}

/// Reads the answer to [`write_delete`].
pub(super) fn read_deleted(messages: &Understood<'_, '_>, items: &[Id]) -> Result<Answer, Refusal> {
    Ok(Answer::Deleted(messages.positional(items.len(), check_item)?))
}
