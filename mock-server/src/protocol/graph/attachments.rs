//! Attachments of messages and events: files, items and references (learn.microsoft.com/graph/api/resources/attachment).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::create::from_json;
use super::entity;
use super::failure::Failure;
use super::fields::contact::CONTACT;
use super::fields::event::EVENT;
use super::fields::message::{self, MESSAGE};
use super::fields::{Look, Subject, Table, read};
use super::page::{self, Access};
use super::query::Query;
use super::reply::Reply;
use super::route::Route as R;
use super::task::Task;
use super::{delta, reference, times};
use crate::mailbox::content::Content;
use crate::mailbox::item::{Attachment, AttachmentContent, Item};
use crate::mailbox::open::Open;

/// Largest file that one request may attach, in bytes (learn.microsoft.com/graph/outlook-large-attachments).
pub(super) const MAX_FILE_BYTES: usize = 3 * 1024 * 1024;

/// Most attachments of one item. Assumed; Exchange's own default is 250 for messages that it relays.
const MAX_ATTACHMENTS: usize = 1000;

const NAMES: [&str; 10] = [
    "id",
    "lastModifiedDateTime",
    "name",
    "contentType",
    "size",
    "isInline",
    "contentId",
    "contentLocation",
    "contentBytes",
    "item",
];

/// What an attached item is.
fn table_of(item: &Item) -> &'static Table {
    let class = item.class.to_ascii_lowercase();
    if class.starts_with("ipm.appointment") {
        &EVENT
    } else if class.starts_with("ipm.contact") {
        &CONTACT
    } else {
        &MESSAGE
    }
}

/// An attached item as an entity, without id and etag because it is in no folder.
fn inner_item(item: &Item, look: &Look) -> Value {
    let table = table_of(item);
    let subject = Subject {
        item: std::sync::Arc::new(item.clone()),
        number: 0,
        folder: 0,
        version: 0,
        size: item.size(),
        read: true,
        occurrence: None,
    };
    let mut entity = Map::new();
    entity.insert("@odata.type".to_owned(), json!(format!("#microsoft.graph.{}", delta::lower_first(table.kind))));
    for field in table.fields {
        if field.usual && !["changeKey", "parentFolderId", "webLink"].contains(&field.name) {
            let value = if field.name == "id" { json!("") } else { read(field, &subject, look) };
            entity.insert(field.name.to_owned(), value);
        }
    }
    Value::Object(entity)
}

fn property(subject: &Subject, look: &Look, attachment: &Attachment, name: &str) -> Option<Value> {
    let is_file = matches!(attachment.content, AttachmentContent::File(_));
    Some(match name {
        "id" => json!(reference::attachment(look.mailbox, subject.number, attachment.number)),
        "lastModifiedDateTime" => attachment.last_modified.map_or(Value::Null, |at| json!(times::utc(at))),
        "name" => json!(&*attachment.name),
        "contentType" => match attachment.content {
            AttachmentContent::Item(_) => Value::Null,
            _ => json!(attachment.content_type),
        },
        "size" => json!(attachment.size()),
        "isInline" => json!(attachment.inline),
        "contentId" if is_file => json!(attachment.content_id),
        "contentLocation" if is_file => json!(attachment.content_location),
        _ => return None,
    })
}

/// Writes an attachment with what a query selects. In lists that are not asked for content it is left out.
fn write(subject: &Subject, look: &Look, attachment: &Attachment, query: &Query, with_type: bool) -> Value {
    let mut entity = Map::new();
    let kind = match attachment.content {
        AttachmentContent::File(_) => "fileAttachment",
        AttachmentContent::Item(_) => "itemAttachment",
        AttachmentContent::Reference(_) => "referenceAttachment",
    };
    if with_type {
        entity.insert("@odata.type".to_owned(), json!(format!("#microsoft.graph.{kind}")));
    }
    if let AttachmentContent::File(_) = attachment.content {
        let types = "@odata.mediaContentType";
        entity.insert(types.to_owned(), json!(attachment.content_type));
    }
    for name in NAMES {
        if name != "id" && !query.selects(name) {
            continue;
        }
        match (name, &attachment.content) {
            ("contentBytes", AttachmentContent::File(bytes)) => {
                entity.insert(name.to_owned(), json!(message::base64(bytes)));
            }
            ("item", AttachmentContent::Item(item)) if query.expansion("item").is_some() => {
                entity.insert(name.to_owned(), inner_item(item, look));
            }
            _ => {
                if let Some(value) = property(subject, look, attachment, name) {
                    entity.insert(name.to_owned(), value);
                }
            }
        }
    }
    Value::Object(entity)
}

/// The attachments of an item, as `$expand` writes them.
pub(super) fn entities(subject: &Subject, look: &Look, query: &Query, _whole: bool) -> Vec<Value> {
    let most = query.top.map_or(usize::MAX, |top| top as usize);
    let attachments = subject.item.attachments.iter().take(most);
    attachments.map(|attachment| write(subject, look, attachment, query, true)).collect()
}

fn text(entry: &Value, name: &str) -> Option<String> {
    entry.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// Adds an attachment that a client sent as JSON, and returns its number.
pub(super) fn add(item: &mut Item, entry: &Value) -> Result<u32, Failure> {
    let kind = text(entry, "@odata.type").unwrap_or_else(|| "#microsoft.graph.fileAttachment".to_owned());
    let Some(name) = text(entry, "name") else {
        return Err(Failure::new(400, "ErrorInvalidRequest", "The property 'name' of an attachment is required."));
    };
    let content = match kind.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "fileattachment" => {
            let packed = text(entry, "contentBytes").ok_or_else(|| Failure::property("contentBytes"))?;
            let bytes = STANDARD.decode(packed.trim()).map_err(|_| Failure::property("contentBytes"))?;
            if MAX_FILE_BYTES < bytes.len() {
                return Err(Failure::new(413, "ErrorMessageSizeExceeded", "The attachment is larger than 3 MB."));
            }
            AttachmentContent::File(Bytes::from(bytes))
        }
        "itemattachment" => AttachmentContent::Item(Box::new(read_item(entry)?)),
        "referenceattachment" => {
            let url = text(entry, "sourceUrl").or_else(|| text(entry, "contentLocation")).unwrap_or_default();
            AttachmentContent::Reference(url.into())
        }
        _ => return Err(Failure::property("@odata.type")),
    };
    let attachment = Attachment {
        name: name.into(),
        content_type: text(entry, "contentType").map(Into::into),
        content_id: text(entry, "contentId").map(Into::into),
        content_location: text(entry, "contentLocation").map(Into::into),
        inline: entry.get("isInline").and_then(Value::as_bool).unwrap_or(false),
        content,
        number: 0,
        last_modified: None,
    };
    push(item, attachment)
}

/// Adds an attachment under the next number, and returns the number.
pub(super) fn push(item: &mut Item, mut attachment: Attachment) -> Result<u32, Failure> {
    if MAX_ATTACHMENTS <= item.attachments.len() {
        return Err(Failure::new(400, "ErrorInvalidRequest", "The item has too many attachments."));
    }
    let number = item.next_attachment();
    attachment.number = number;
    item.attachments.push(attachment);
    Ok(number)
}

fn read_item(entry: &Value) -> Result<Item, Failure> {
    let inner = entry.get("item").and_then(Value::as_object).ok_or_else(|| Failure::property("item"))?;
    let kind = inner.get("@odata.type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    match kind.rsplit('.').next().unwrap_or_default() {
        "event" => from_json(&EVENT, "IPM.Appointment", inner),
        "contact" => from_json(&CONTACT, "IPM.Contact", inner),
        _ => from_json(&MESSAGE, "IPM.Note", inner),
    }
}

/// A reply of one attachment.
fn one(task: &Task<'_>, subject: &Subject, look: &Look, attachment: &Attachment, status: u16) -> Reply {
    let below = format!("{}('{}')/attachments", collection(task), reference::item(task.mailbox, subject.number));
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), Value::String(task.context_of_one(&below)));
    if let Value::Object(entity) = write(subject, look, attachment, &task.place.query, true) {
        body.extend(entity);
    }
    Reply::json(status, Value::Object(body))
}

fn collection(task: &Task<'_>) -> &'static str {
    if task.place.path.to_ascii_lowercase().contains("/events") { "events" } else { "messages" }
}

/// Reads, adds and deletes attachments.
pub(super) fn carry_out<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let number = task.item()?;
    let subject = entity::load(open, number)?;
    let look = entity::look(open, task)?;
    match (task.asked.method, task.place.route) {
        ("POST", _) => {
            let sent = Value::Object(task.object()?);
            let mut item = (*subject.item).clone();
            let added = add(&mut item, &sent)?;
            if let Some(attachment) = item.attachments.iter_mut().find(|attachment| attachment.number == added) {
                attachment.last_modified = Some(open.wall());
                task.count(1, u64::from(attachment.size()));
            }
            open.update(number, item)?;
            let subject = entity::load(open, number)?;
            let found = subject.item.attachments.iter().find(|attachment| attachment.number == added);
            found.map(|attachment| one(task, &subject, &look, attachment, 201)).ok_or_else(Failure::item_not_found)
        }
        (_, R::Attachments | R::AttachmentsCount) => list(task, &subject, &look),
        (method, route) => {
            let (owner, part) = reference::read_attachment(task.mailbox, &task.place.part)?;
            let found = subject.item.attachments.iter().find(|own| own.number == part && owner == number);
            let attachment = found.ok_or_else(Failure::item_not_found)?;
            if method == "DELETE" {
                let mut item = (*subject.item).clone();
                item.attachments.retain(|attachment| attachment.number != part);
                open.update(number, item)?;
                task.count(1, 0);
                return Ok(Reply::empty(204));
            }
            task.count(1, u64::from(attachment.size()));
            if route == R::Attachment {
                return Ok(one(task, &subject, &look, attachment, 200));
            }
            raw(attachment)
        }
    }
}

/// The content of an attachment as it is.
fn raw(attachment: &Attachment) -> Result<Reply, Failure> {
    match &attachment.content {
        AttachmentContent::File(bytes) => {
            let kind = attachment.content_type.as_deref().unwrap_or("application/octet-stream");
            Ok(Reply::bytes(kind, bytes.to_vec()))
        }
        AttachmentContent::Item(item) => Ok(Reply::bytes("text/plain", item.to_mime().to_vec())),
        AttachmentContent::Reference(_) => {
            Err(Failure::new(405, "ErrorInvalidRequest", "The content of a reference attachment cannot be read."))
        }
    }
}

fn list(task: &mut Task<'_>, subject: &Subject, look: &Look) -> Result<Reply, Failure> {
    let attachments = &subject.item.attachments;
    let positions: Vec<usize> = (0..attachments.len()).collect();
    // Attachments have no pages of ten: all are listed unless the client asks for fewer.
    let page = task.prefer.page.or(Some(page::MAX_TOP));
    let chosen = page::choose(
        &task.place.query,
        page,
        &positions,
        &mut Access {
            load: &mut |position: &usize| Some(*position),
            property: &|position: &usize, name: &str| {
                property(subject, look, &attachments[*position], name).unwrap_or(Value::Null)
            },
            knows: &|name| NAMES.contains(&name) || name.starts_with("microsoft.graph"),
            kind: "Attachment",
        },
    )?;
    if task.place.route == R::AttachmentsCount {
        return Ok(Reply::count(chosen.total));
    }
    let query = task.place.query.clone();
    let mut value = Vec::with_capacity(chosen.members.len());
    for position in &chosen.members {
        task.count(1, u64::from(attachments[*position].size()));
        value.push(write(subject, look, &attachments[*position], &query, true));
    }
    let below = format!("{}('{}')/attachments", collection(task), reference::item(task.mailbox, subject.number));
    Ok(page::body(&task.context(&below), &task.url(), &query, &chosen, &value))
}
