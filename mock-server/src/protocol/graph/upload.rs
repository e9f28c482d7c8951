//! Upload sessions of large attachments (learn.microsoft.com/graph/outlook-large-attachments).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::failure::Failure;
use super::reply::Reply;
use super::route::Place;
use super::task::Task;
use super::{attachments, entity, reference, times, token};
use crate::mailbox::content::Content;
use crate::mailbox::item::{Attachment, AttachmentContent};
use crate::mailbox::open::Open;
use crate::time::Span;
use crate::wire::refusal::{Refusal, RefusalKind};

/// Largest attachment, in bytes (same page).
const MAX_BYTES: u64 = 150 * 1024 * 1024;

/// How long a session lasts without a byte, in seconds. Assumed.
const SESSION_SECONDS: i64 = 24 * 3600;

/// Most sessions at a time. Assumed, like the two numbers below: they bound memory, not what clients do.
const MAX_SESSIONS: usize = 1_024;

/// Most bytes that all sessions hold together.
const MAX_HELD_BYTES: u64 = 1 << 30;

/// How long a session is safe without a byte, in seconds; then it gives way where there is no room for others.
const IDLE_SECONDS: i64 = 10 * 60;

/// The sessions.
#[derive(Clone, Default, Debug)]
pub(super) struct Uploads {
    last: u64,
    open: BTreeMap<u64, Upload>,
}

impl Uploads {
    /// Bytes that all sessions hold together.
    fn held(&self) -> u64 {
        self.open.values().map(|upload| upload.received.len() as u64).sum()
    }

    /// Makes room by giving up sessions that have been idle for long, the longest first; but not the one that asks. Who
    /// finds no room has to come again: nobody's living session is given up for it.
    fn make_room(&mut self, now: i64, asks: Option<u64>, has_room: impl Fn(&Self) -> bool) -> Result<(), Failure> {
        self.open.retain(|_, upload| now < upload.expires);
        while !has_room(self) {
            let others = self.open.iter().filter(|(session, _)| Some(**session) != asks);
            let idlest = others.map(|(session, upload)| (upload.heard + IDLE_SECONDS, *session)).min();
            match idlest {
                Some((until, session)) if until <= now => {
                    self.open.remove(&session);
                }
                _ => {
                    let wait = idlest.map_or(IDLE_SECONDS, |(until, _)| until - now);
                    let retry_after = Some(Span::seconds(wait.unsigned_abs()));
                    return Err(Refusal { kind: RefusalKind::Unavailable, status: 503, retry_after }.into());
                }
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct Upload {
    name: String,
    content_type: Option<String>,
    content_id: Option<String>,
    inline: bool,
    size: u64,
    received: Vec<u8>,
    /// When it was opened or got its last byte, in seconds since 1970.
    heard: i64,
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

/// Whether a URL names a session that was opened here.
pub(super) fn is_named(place: &Place) -> bool {
    token::open::<Named>(&place.part).is_some()
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
    uploads.make_room(now, None, |uploads| uploads.open.len() < MAX_SESSIONS)?;
    uploads.last += 1;
    let (session, expires) = (uploads.last, now + SESSION_SECONDS);
    let upload = Upload {
        name,
        content_type: text("contentType"),
        content_id: text("contentId"),
        inline: item.get("isInline").and_then(Value::as_bool).unwrap_or(false),
        size,
        received: Vec::new(),
        heard: now,
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
    let uploads = &mut task.state.uploads;
    uploads.make_room(now, Some(named.session), |uploads| uploads.held() + length <= MAX_HELD_BYTES)?;
    let sessions = &mut uploads.open;
    let Some(upload) = sessions.get_mut(&named.session) else { return Err(gone()) };
    upload.received.extend_from_slice(task.asked.body);
    (upload.heard, upload.expires) = (now, now + SESSION_SECONDS);
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

    /// A session that got its last byte at a second.
    fn upload(heard: i64, bytes: usize) -> Upload {
        let received = vec![0; bytes];
        let size = MAX_BYTES;
        let expires = heard + SESSION_SECONDS;
        Upload {
            name: "x".to_owned(),
            content_type: None,
            content_id: None,
            inline: false,
            size,
            received,
            heard,
            expires,
        }
    }

    #[test]
    fn sessions_give_way_only_when_nothing_came_for_long() {
        let open = [1_u32, 2, 3].map(|n| (u64::from(n), upload(10 * i64::from(n), 5)));
        let mut uploads = Uploads { last: 3, open: open.into() };
        let mut check = |now, asks, bytes, expected: Result<&[u64], u64>| {
            let before = uploads.clone();
            let room = uploads.make_room(now, asks, |uploads| uploads.held() <= bytes);
            let left: Vec<u64> = uploads.open.keys().copied().collect();
            let room = match room {
                Ok(()) => Ok(&*left),
                Err(Failure::Refused(refusal)) => Err(refusal.retry_after.expect("a wait").as_seconds_up()),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(room, expected, "{now} {asks:?} {bytes}");
            uploads = before;
        };
        check(30, None, 15, Ok(&[1, 2, 3]));
        check(30, None, 14, Err(580));
        check(610, None, 14, Ok(&[2, 3]));
        check(610, Some(1), 14, Err(10));
        check(640, Some(2), 9, Ok(&[2]));
        check(640, Some(2), 0, Err(IDLE_SECONDS.unsigned_abs()));
        check(10 + SESSION_SECONDS, None, 15, Ok(&[2, 3]));
    }

    #[test]
    fn ranges_are_read_as_http_writes_them() {
        assert_eq!(range(Some("bytes 0-9/20")), Some((0, 9, 20)));
        assert_eq!(range(Some("bytes=10-19/20")), None);
        for text in ["", "bytes */20", "bytes 0-9/*", "0-9/20"] {
            assert_eq!(range(Some(text)), None, "{text}");
        }
    }
}
