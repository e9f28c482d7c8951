//! Attachments: how they are listed, shown and read.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::codec::{base64, read_bool};
use super::extended::read_binary;
use super::scene::{Scene, Series};
use super::shape::{Shape, write_item};
use super::times;
use crate::mailbox::item::{Attachment, AttachmentContent, Item};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::{item_ids, making};
use crate::wire::ews::xml::{Element, Space, Writer};

/// Writes the list of an item's attachments, without their content; nothing if there are none.
pub(super) fn write_list(writer: &mut Writer, name: &str, scene: &Scene<'_>) {
    if scene.item.attachments.is_empty() {
        return;
    }
    writer.open(name, &[]);
    for attachment in &scene.item.attachments {
        write_one(writer, attachment, scene, None);
    }
    writer.close(name);
}

/// Writes the identifiers of an item's attachments and nothing else; nothing if there are none.
pub(in super::super) fn write_ids(writer: &mut Writer, scene: &Scene<'_>) {
    if scene.item.attachments.is_empty() {
        return;
    }
    writer.open("t:Attachments", &[]);
    for attachment in &scene.item.attachments {
        let name = element(attachment);
        writer.open(name, &[]);
        write_id(writer, scene, &[attachment.number], false);
        writer.close(name);
    }
    writer.close("t:Attachments");
}

/// The element that an attachment is.
fn element(attachment: &Attachment) -> &'static str {
    match &attachment.content {
        AttachmentContent::File(_) => "t:FileAttachment",
        AttachmentContent::Item(_) => "t:ItemAttachment",
        AttachmentContent::Reference(_) => "t:ReferenceAttachment",
    }
}

/// Writes one attachment; with a shape, its content as well.
pub(in super::super) fn write_one(
    writer: &mut Writer,
    attachment: &Attachment,
    scene: &Scene<'_>,
    content: Option<&Shape>,
) {
    let element = element(attachment);
    let path = [scene.within, &[attachment.number]].concat();
    writer.open(element, &[]);
    write_id(writer, scene, &path, false);
    writer.leaf("t:Name", &attachment.name);
    let own_type = attachment.content_type.as_deref();
    let content_type = own_type.or_else(|| mime_type(attachment));
    for (name, text) in [
        ("t:ContentType", content_type),
        ("t:ContentId", attachment.content_id.as_deref()),
        ("t:ContentLocation", attachment.content_location.as_deref()),
    ] {
        if let Some(text) = text {
            writer.leaf(name, text);
        }
    }
    writer.leaf("t:Size", &i32::try_from(attachment.size()).unwrap_or(i32::MAX).to_string());
    if let Some(moment) = attachment.last_modified {
        writer.leaf("t:LastModifiedTime", &times::write(moment));
    }
    writer.leaf("t:IsInline", if attachment.inline { "true" } else { "false" });
    match (&attachment.content, content) {
        (AttachmentContent::File(bytes), shape) => {
            writer.leaf("t:IsContactPhoto", "false");
            if shape.is_some() {
                writer.leaf("t:Content", &base64(bytes));
            }
        }
        (AttachmentContent::Item(item), Some(shape)) => {
            write_item(
                writer,
                &Scene { item, within: &path, series: Series::Single, shape, find: false, ..scene.clone() },
            );
        }
        (AttachmentContent::Reference(location), _) => writer.leaf("t:AttachLongPathName", location),
        (AttachmentContent::Item(_), None) => {}
    }
    writer.close(element);
}

/// Writes the identifier of an attachment; with that of its item after a change.
pub(in super::super) fn write_id(writer: &mut Writer, scene: &Scene<'_>, path: &[u32], root: bool) {
    let (mailbox, place) = (scene.viewer.mailbox, scene.place);
    let id = item_ids::attachment(mailbox, place.number, path);
    if root {
        let root_id = item_ids::item(mailbox, place.number, None);
        let key = item_ids::change_key(mailbox, place.version);
        writer.empty("t:AttachmentId", &[("Id", &id), ("RootItemId", &root_id), ("RootItemChangeKey", &key)]);
    } else {
        writer.empty("t:AttachmentId", &[("Id", &id)]);
    }
}

/// The type of an attachment that does not say it. Thunderbird's library insists on one (`Attachment` in its crate `ews`
/// 0.1.2): a message's as in its samples, a file's by the end of its name for the commonest, otherwise bytes.
fn mime_type(attachment: &Attachment) -> Option<&'static str> {
    match attachment.content {
        AttachmentContent::Item(_) => return Some("message/rfc822"),
        AttachmentContent::Reference(_) => return None,
        AttachmentContent::File(_) => {}
    }
    let end = attachment.name.rsplit_once('.').map_or("", |(_, end)| end);
    Some(match &*end.to_ascii_lowercase() {
        "txt" => "text/plain",
        "html" | "htm" => "text/html",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "zip" => "application/zip",
        "eml" => "message/rfc822",
        _ => "application/octet-stream",
    })
}

/// Reads an attachment of a request. Its number is given out by the item.
pub(in super::super) fn read(
    element: &Element<'_>,
    item: &Item,
    wall: Timestamp,
    zone: &TimeZone,
) -> Result<Attachment, Failure> {
    if element.space != Space::Types {
        return Err(Failure::REQUEST);
    }
    let text = |name: &str| element.typed(name).map(|part| part.whole_text().into());
    let content = match &*element.name {
        "FileAttachment" => {
            let content = element.typed("Content").map_or("", Element::whole_text);
            AttachmentContent::File(read_binary(content).ok_or(Failure::REQUEST)?)
        }
        "ItemAttachment" => {
            let inner = element.children.iter().find(|child| super::sort::Sort::of_element(&child.name).is_some());
            let inner = inner.ok_or(Failure::ATTACH_TYPE)?;
            AttachmentContent::Item(Box::new(making::read_item(inner, wall, zone)?))
        }
        "ReferenceAttachment" => AttachmentContent::Reference(text("AttachLongPathName").ok_or(Failure::REQUEST)?),
        _ => return Err(Failure::REQUEST),
    };
    Ok(Attachment {
        number: item.next_attachment(),
        name: text("Name").unwrap_or_else(|| "".into()),
        content_type: text("ContentType"),
        content_id: text("ContentId"),
        content_location: text("ContentLocation"),
        inline: element.typed("IsInline").and_then(|inline| read_bool(inline.text())).unwrap_or(false),
        last_modified: Some(wall),
        content,
    })
}
