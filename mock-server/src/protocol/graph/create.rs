//! New items: messages from JSON and from MIME.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::failure::Failure;
use super::fields::message::MESSAGE;
use super::fields::{Table, value};
use super::reply::Reply;
use super::task::Task;
use super::{attachments, entity};
use crate::mailbox::content::Content;
use crate::mailbox::item::Item;
use crate::mailbox::open::Open;
use crate::mailbox::property::{self as p, Value};
use crate::wire::call::FolderKind;

/// Whether the body is a message as MIME rather than JSON.
pub(super) fn is_mime(task: &Task<'_>) -> bool {
    task.asked.header("content-type").is_some_and(|kind| kind.trim().to_ascii_lowercase().starts_with("text/plain"))
}

/// Reads a message that was sent as MIME in Base64.
pub(super) fn from_mime(body: &[u8]) -> Result<Item, Failure> {
    let packed: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let mime = STANDARD.decode(packed).map_err(|_| {
        Failure::new(400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.")
    })?;
    Item::from_mime(&Bytes::from(mime))
        .map_err(|_| Failure::new(400, "ErrorMimeContentInvalid", "The MIME content is invalid."))
}

/// A new item of a class, with the properties and attachments that a client sent.
pub(super) fn from_json(table: &Table, class: &str, sent: &Map<String, Json>) -> Result<Item, Failure> {
    let mut item = Item { class: class.into(), ..Item::default() };
    table.write(&mut item, sent)?;
    if let Some(list) = sent.get("attachments").filter(|list| !list.is_null()) {
        let list = list.as_array().ok_or_else(|| Failure::property("attachments"))?;
        for entry in list {
            attachments::add(&mut item, entry)?;
        }
    }
    Ok(item)
}

/// Gives a new item the dates that the store gives it.
pub(super) fn stamp<C: Content>(open: &Open<'_, C>, item: &mut Item) {
    let now = open.wall();
    for property in [p::CREATION_TIME, p::LAST_MODIFIED] {
        if value::get(item, &property).is_none() {
            value::put(item, property, Some(Value::Time(now)));
        }
    }
}

/// A message that is sent in the body of the request, and its marks as a draft.
pub(super) fn read_message<C: Content>(
    open: &Open<'_, C>,
    item: Result<Item, Failure>,
    is_draft: bool,
) -> Result<Item, Failure> {
    let mut item = item?;
    if item.class.is_empty() {
        item.class = "IPM.Note".into();
    }
    stamp(open, &mut item);
    for property in [p::SUBMIT_TIME, p::DELIVERY_TIME] {
        if value::get(&item, &property).is_none() {
            value::put(&mut item, property, Some(Value::Time(open.wall())));
        }
    }
    if is_draft {
        item.flag(p::FLAG_UNSENT, 0);
    }
    Ok(item)
}

/// A new message: a draft, unless the client sets its message flags itself (`Integer 0x0E07`), as importers do.
pub(super) fn message<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let folder = match task.place.folder.as_str() {
        "" => open.known_folder(FolderKind::Drafts).ok_or_else(Failure::item_not_found)?,
        named => task.folder(open, named)?,
    };
    let item = if is_mime(task) {
        read_message(open, from_mime(task.asked.body), true)?
    } else {
        let sent = task.object()?;
        let mut item = from_json(&MESSAGE, "IPM.Note", &sent)?;
        let has_flags = sent.get("singleValueExtendedProperties").is_some() && flags_are_set(&sent);
        if !has_flags && !sent.contains_key("isRead") {
            item.flag(p::FLAG_READ, 0);
        }
        read_message(open, Ok(item), !has_flags)?
    };
    let size = item.size();
    let number = open.create(folder, item)?;
    task.count(1, u64::from(size));
    entity::reply(open, task, &MESSAGE, number, 201)
}

/// Whether a client sent `PidTagMessageFlags`.
fn flags_are_set(sent: &Map<String, Json>) -> bool {
    let entries = sent.get("singleValueExtendedProperties").and_then(Json::as_array);
    entries.into_iter().flatten().any(|entry| {
        let extended = entry.get("id").and_then(Json::as_str).and_then(super::extended::Extended::read);
        extended.is_some_and(|extended| extended.property == p::MESSAGE_FLAGS)
    })
}
