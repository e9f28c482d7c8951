//! `ExportItems` and `UploadItems`.

use super::envelope::{EXPORT_ITEMS, UPLOAD_ITEMS, write_response, write_success};
use super::fault::{check_item, write_item_error};
use super::items::write_list;
use super::reference::{Lens, Pen};
use super::xml::{Element, Space, Writer};
use super::{EwsError, OMITTED, Understood, content};
use crate::wire::answer::Answer;
use crate::wire::call::{Call, Content, Upload};
use crate::wire::id::Id;
use crate::wire::opaque::Kind;
use crate::wire::refusal::{ItemError, ItemErrorKind, Refusal};

/// Writes a request for items as streams.
pub(super) fn write_export(writer: &mut Writer, pen: Pen, items: &[Id]) {
    writer.open(EXPORT_ITEMS.request, &[]);
    write_list(writer, pen, items);
    writer.close(EXPORT_ITEMS.request);
}

/// Reads a request for items as streams.
pub(super) fn read_export(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    Ok(Call::ExportItems { items: lens.items(operation.message("ItemIds"))? })
}

/// Writes the answer to [`write_export`].
pub(super) fn write_exported(writer: &mut Writer, pen: Pen, items: &[Id], contents: &[Result<Content, ItemError>]) {
    write_response(writer, &EXPORT_ITEMS, |writer| {
        for (item, content) in items.iter().zip(contents) {
            match content {
                Ok(content) => write_success(writer, &EXPORT_ITEMS, |writer| {
                    pen.tell(writer, "m:ItemId", Kind::Item, item);
                    content::write(writer, "m:Data", &[], content);
                }),
                Err(error) if error.kind == ItemErrorKind::Omitted => {}
                Err(error) => write_item_error(writer, &EXPORT_ITEMS, *error, matches!(item, Id::Text(_))),
            }
        }
    });
}

/// Reads the answer to [`write_export`].
pub(super) fn read_exported(messages: &Understood<'_, '_>, items: &[Id]) -> Result<Answer, Refusal> {
    let id = |message: &Element<'_>| message.message("ItemId")?.attribute("Id").map(str::to_owned);
    let contents = messages.matched(items, id, |message| {
        check_item(message)?;
        message.message("Data").and_then(|data| content::read(data, None)).ok_or(OMITTED)
    })?;
    Ok(Answer::Contents(contents))
}

/// Writes a request to store streams.
pub(super) fn write_upload(writer: &mut Writer, pen: Pen, uploads: &[Upload]) {
    writer.open(UPLOAD_ITEMS.request, &[]);
    writer.open("m:Items", &[]);
    for upload in uploads {
        let action = if upload.replace.is_some() { "Update" } else { "CreateNew" };
        writer.open("t:Item", &[("CreateAction", action)]);
        pen.ask(writer, "t:ParentFolderId", Kind::Folder, &upload.folder);
        if let Some(replace) = &upload.replace {
            pen.ask(writer, "t:ItemId", Kind::Item, replace);
        }
        content::write(writer, "t:Data", &[], &upload.content);
        writer.close("t:Item");
    }
    writer.close("m:Items");
    writer.close(UPLOAD_ITEMS.request);
}

/// Reads a request to store streams.
pub(super) fn read_upload(operation: &Element<'_>, lens: &mut Lens) -> Result<Call, EwsError> {
    let items = operation.message("Items").map_or(&[][..], |items| &items.children);
    if items.is_empty() {
        return Err(EwsError::schema("there must be at least one item"));
    }
    let uploads = items.iter().map(|item| read_item(item, lens)).collect::<Result<_, _>>()?;
    Ok(Call::UploadItems { uploads })
}

fn read_item(item: &Element<'_>, lens: &mut Lens) -> Result<Upload, EwsError> {
    if !item.is(Space::Types, "Item") {
        return Err(EwsError::schema("only items can be uploaded"));
    }
    if matches!(item.attribute("IsAssociated"), Some("true" | "1")) {
        return Err(EwsError::unsupported("UploadItems of associated items"));
    }
    let parent = item.typed("ParentFolderId").ok_or_else(|| EwsError::schema("ParentFolderId is missing"))?;
    let folder = lens.of(Kind::Folder, parent)?;
    let replace = match (item.attribute("CreateAction"), item.typed("ItemId")) {
        (Some("CreateNew"), _) => None,
        (Some("Update"), Some(id)) => Some(lens.of(Kind::Item, id)?),
        (Some("Update"), None) => return Err(EwsError::schema("ItemId is missing")),
        _ => return Err(EwsError::unsupported("UploadItems with this CreateAction")),
    };
    let data = item.typed("Data").and_then(|data| content::read(data, None));
    let content = data.ok_or_else(|| EwsError::schema("Data is not base64"))?;
    Ok(Upload { folder, replace, content })
}

/// Whether an upload names a folder or item that was never given out.
pub(super) fn is_malformed(upload: &Upload) -> bool {
    matches!(upload.folder, Id::Text(_)) || matches!(upload.replace, Some(Id::Text(_)))
}

/// Writes the answer to [`write_upload`].
pub(super) fn write_uploaded(writer: &mut Writer, pen: Pen, uploads: &[Upload], stored: &[Result<Id, ItemError>]) {
    write_response(writer, &UPLOAD_ITEMS, |writer| {
        for (upload, stored) in uploads.iter().zip(stored) {
            match stored {
                Ok(id) => write_success(writer, &UPLOAD_ITEMS, |writer| pen.tell(writer, "m:ItemId", Kind::Item, id)),
                Err(error) if error.kind == ItemErrorKind::Omitted => {}
                Err(error) => write_item_error(writer, &UPLOAD_ITEMS, *error, is_malformed(upload)),
            }
        }
    });
}

/// Reads the answer to [`write_upload`].
pub(super) fn read_uploaded(messages: &Understood<'_, '_>, uploads: &[Upload]) -> Result<Answer, Refusal> {
    let stored = messages.positional(uploads.len(), |message| {
        check_item(message)?;
        let id = message.message("ItemId").and_then(|id| id.attribute("Id"));
        id.map(Id::text).ok_or(OMITTED)
    })?;
    Ok(Answer::Uploaded(stored))
}
