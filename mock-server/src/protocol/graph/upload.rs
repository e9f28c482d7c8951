//! Upload sessions of large attachments (learn.microsoft.com/graph/outlook-large-attachments).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::failure::Failure;
use super::reply::Reply;
use super::task::Task;
use super::{attachments, entity, reference, times, token};
use crate::mailbox::content::Content;
use crate::mailbox::item::{Attachment, AttachmentContent};
use crate::mailbox::open::Open;

/// Largest attachment, in bytes (same page).
const MAX_BYTES: u64 = 150 * 1024 * 1024;

/// How long a session lasts without a byte, in seconds. Assumed.
const SESSION_SECONDS: i64 = 24 * 3600;

/// Most sessions at a time; the oldest gives way. Assumed: it bounds memory, not what clients do.
const MAX_SESSIONS: usize = 64;

/// The sessions.
#[derive(Clone, Default, Debug)]
pub(super) struct Uploads {
    last: u64,
    open: BTreeMap<u64, Upload>,
}

#[derive(Clone, Debug)]
struct Upload {
    name: String,
    content_type: Option<String>,
    content_id: Option<String>,
    inline: bool,
    size: u64,
    received: Vec<u8>,
    expires: i64,
}

/// What the URL of a session names.
#[derive(Serialize, Deserialize)]
struct Named {
    #[serde(rename = "u")]
    session: u64,
    #[serde(rename = "m")]
    mailbox: u32,
    #[serde(rename = "n")]
    number: u64,
}

fn gone() -> Failure {
    Failure::new(404, "ErrorItemNotFound", "The upload session was not found.")
}

fn expiry(expires: i64) -> Value {
    jiff::Timestamp::from_second(expires).map_or(Value::Null, |at| json!(times::utc(at)))
}

/// Opens a session.
pub(super) fn begin<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let number = task.item()?;
    entity::load(open, number)?;
    let sent = task.object()?;
    let item = sent.iter().find(|(name, _)| name.eq_ignore_ascii_case("attachmentItem")).map(|(_, value)| value);
    let item =
        item.ok_or_else(|| Failure::new(400, "ErrorInvalidRequest", "The parameter 'AttachmentItem' is missing."))?;
    let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
    let size = item.get("size").and_then(Value::as_u64).unwrap_or(0);
    let name = text("name").ok_or_else(|| Failure::property("name"))?;
    if size == 0 || MAX_BYTES < size {
        return Err(Failure::new(
            400,
            "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
            "Attachment size is out of bounds.",
        ));
    }
    let now = open.wall().as_second();
    let uploads = &mut task.state.uploads;
    uploads.open.retain(|_, upload| now < upload.expires);
    while MAX_SESSIONS <= uploads.open.len() {
        uploads.open.pop_first();
    }
    uploads.last += 1;
    let (session, expires) = (uploads.last, now + SESSION_SECONDS);
    let upload = Upload {
        name,
        content_type: text("contentType"),
        content_id: text("contentId"),
        inline: item.get("isInline").and_then(Value::as_bool).unwrap_or(false),
        size,
        received: Vec::new(),
        expires,
    };
    uploads.open.insert(session, upload);
    let named = token::seal(&Named { session, mailbox: task.mailbox.0, number });
    let url = format!("{}/AttachmentSessions('{named}')?authtoken={named}", place(task, number));
    Ok(Reply::json(
        201,
        json!({
            "@odata.context": format!("{}/$metadata#microsoft.graph.uploadSession", task.root()),
            "uploadUrl": url,
            "expirationDateTime": expiry(expires),
            "nextExpectedRanges": ["0-"],
        }),
    ))
}

/// The URL of an item as Outlook's own interface writes it.
fn place(task: &Task<'_>, number: u64) -> String {
    let collection = if task.place.path.to_ascii_lowercase().contains("/events") { "Events" } else { "Messages" };
    let user = reference::user_id(task.mailbox);
    format!("{}/api/v2.0/Users('{user}')/{collection}('{}')", task.asked.base, reference::item(task.mailbox, number))
}

/// The first and last byte and the whole length that `Content-Range` names: `bytes 0-9/20`.
fn range(header: Option<&str>) -> Option<(u64, u64, u64)> {
    let (span, whole) = header?.trim().strip_prefix("bytes")?.trim().split_once('/')?;
    let (first, last) = span.split_once('-')?;
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?, whole.trim().parse().ok()?))
}

/// Takes the next part of a session's bytes, tells how far it is, or gives it up.
pub(super) fn go_on<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let number = task.item()?;
    let named: Named = token::open(&task.place.part).ok_or_else(gone)?;
    if named.mailbox != task.mailbox.0 || named.number != number {
        return Err(gone());
    }
    let now = open.wall().as_second();
    let header = task.asked.header("content-range");
    let sessions = &mut task.state.uploads.open;
    let upload = sessions.get_mut(&named.session).filter(|upload| now < upload.expires).ok_or_else(gone)?;
    match task.asked.method {
        "DELETE" => {
            sessions.remove(&named.session);
            return Ok(Reply::empty(204));
        }
        "GET" => return Ok(progress(upload)),
        _ => {}
    }
    let have = upload.received.len() as u64;
    let wrong = |message: &str| Failure::new(416, "ErrorInvalidRange", message);
    let (first, last, whole) = range(header.as_deref())
        .ok_or_else(|| Failure::new(400, "ErrorInvalidRequest", "Content-Range is missing or malformed."))?;
    let length = task.asked.body.len() as u64;
    if first != have || whole != upload.size || last.checked_add(1) != first.checked_add(length) || upload.size <= last
    {
        return Err(wrong("The range of bytes is not the next one that is expected."));
    }
    upload.received.extend_from_slice(task.asked.body);
    upload.expires = now + SESSION_SECONDS;
    if (upload.received.len() as u64) < upload.size {
        return Ok(progress(upload));
    }
    let Some(upload) = sessions.remove(&named.session) else { return Err(gone()) };
    let size = upload.size;
    let subject = entity::load(open, number)?;
    let mut item = (*subject.item).clone();
    let attachment = Attachment {
        number: 0,
        name: upload.name.into(),
        content_type: upload.content_type.map(Into::into),
        content_id: upload.content_id.map(Into::into),
        content_location: None,
        inline: upload.inline,
        last_modified: Some(open.wall()),
        content: AttachmentContent::File(Bytes::from(upload.received)),
    };
    let added = attachments::push(&mut item, attachment)?;
    open.update(number, item)?;
    task.count(1, size);
    // Clients cut the id of the attachment out of this URL between its apostrophes.
    let id = reference::attachment(task.mailbox, number, added);
    Ok(Reply::empty(201).with("Location", format!("{}/Attachments('{id}')", place(task, number))))
}

fn progress(upload: &Upload) -> Reply {
    let next = upload.received.len();
    Reply::json(200, json!({"expirationDateTime": expiry(upload.expires), "nextExpectedRanges": [format!("{next}-")]}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_writes_them() {
        assert_eq!(range(Some("bytes 0-9/20")), Some((0, 9, 20)));
        assert_eq!(range(Some("bytes=10-19/20")), None);
        for text in ["", "bytes */20", "bytes 0-9/*", "0-9/20"] {
            assert_eq!(range(Some(text)), None, "{text}");
        }
    }
}
