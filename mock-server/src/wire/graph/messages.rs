//! Messages as MIME: created from Base64 text (learn.microsoft.com/graph/outlook-send-mime-message), read by `$value`,
//! deleted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::error::{GraphError, encode_item, item_frame, malformed, read_item};
use super::route::Place;
use super::text::{References, base64_length, id_length, id_segment_length, known, segment, written};
use super::{Asked, EMPTY, Frame, JSON, TEXT, TEXT_TYPE};
use crate::wire::answer::Answer;
use crate::wire::call::{Call, Content};
use crate::wire::http::{HttpAnswer, HttpCall, Unsupported};
use crate::wire::id::{Id, MailboxKey};
use crate::wire::opaque::Kind;
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, Refusal};
use crate::wire::stream;

#[derive(Serialize, Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: std::borrow::Cow<'a, str>,
}

fn only(items: &[Id], operation: Operation) -> Result<&str, Unsupported> {
    match items {
        [item] => known(item, operation),
        _ => Err(Unsupported { operation, reason: "Graph takes one item at a time; use a batch" }),
    }
}

/// Writes `GetItems` of one item.
pub(super) fn encode_get(items: &[Id], address: &str) -> Result<HttpCall, Unsupported> {
    let item = segment(only(items, Operation::GetItems)?);
    Ok(super::get(format!("/v1.0/users/{}/messages/{item}/$value", segment(address))))
}

/// Writes `DeleteItems` of one item.
pub(super) fn encode_delete(items: &[Id], address: &str) -> Result<HttpCall, Unsupported> {
    let item = segment(only(items, Operation::DeleteItems)?);
    let path = format!("/v1.0/users/{}/messages/{item}", segment(address));
    Ok(HttpCall { method: "DELETE", path, headers: Vec::new(), body: Vec::new() })
}

/// Writes `CreateMessage`.
pub(super) fn encode_create(folder: &Id, content: &Content, address: &str) -> Result<HttpCall, Unsupported> {
    let folder = segment(known(folder, Operation::CreateMessage)?);
    let path = format!("/v1.0/users/{}/mailFolders/{folder}/messages", segment(address));
    let headers = vec![("Content-Type", TEXT_TYPE.to_owned())];
    Ok(HttpCall { method: "POST", path, headers, body: STANDARD.encode(stream::of(content)).into_bytes() })
}

fn item_url(items: &[Id], address: u64) -> u64 {
    "/users//messages/".len() as u64 + address + items.first().map_or(0, id_segment_length)
}

/// The lengths of `GetItems`.
pub(super) fn asked_get(items: &[Id], address: u64) -> Asked {
    Asked::get(item_url(items, address) + "/$value".len() as u64)
}

/// The lengths of `DeleteItems`.
pub(super) fn asked_delete(items: &[Id], address: u64) -> Asked {
    Asked { method: "DELETE".len() as u64, ..Asked::get(item_url(items, address)) }
}

/// The lengths of `CreateMessage`.
pub(super) fn asked_create(folder: &Id, content: &Content, address: u64) -> Asked {
    let url = "/users//mailFolders//messages".len() as u64 + address + id_segment_length(folder);
    let headers = (r#"{"Content-Type":""}"#.len() + TEXT_TYPE.len()) as u64;
    Asked { headers, json: false, ..Asked::post(url, base64_length(u64::from(content.size))) }
}

/// Reads a new message. White space in the Base64 text is passed over, because clients fold it.
pub(super) fn decode_create(
    place: &Place,
    content_type: Option<&str>,
    body: &[u8],
    references: &mut References,
) -> Result<Call, GraphError> {
    let kind = content_type.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(TEXT_TYPE) {
        return Err(GraphError::BadContentType);
    }
    let text: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let mime = STANDARD.decode(text).map_err(|_| GraphError::BadValue("the MIME content is not Base64"))?;
    let folder = super::folders::folder(references, &place.folder);
    Ok(Call::CreateMessage { folder, content: stream::content(mime) })
}

/// Writes a MIME message.
pub(super) fn encode_got(contents: &[Result<Content, ItemError>]) -> HttpAnswer {
    match contents.first() {
        Some(Ok(content)) => HttpAnswer {
            status: 200,
            headers: vec![("Content-Type", TEXT_TYPE.to_owned())],
            body: stream::of(content).into_owned(),
        },
        Some(Err(error)) => encode_item(error),
        None => super::empty(204),
    }
}

/// The lengths of [`encode_got`].
pub(super) fn got_frame(contents: &[Result<Content, ItemError>]) -> Frame {
    match contents.first() {
        Some(Ok(content)) => Frame::new(u64::from(content.size), TEXT),
        Some(Err(error)) => item_frame(error),
        None => EMPTY,
    }
}

/// Reads a MIME message, or why there is none.
pub(super) fn decode_got(answer: &HttpAnswer) -> Result<Answer, Refusal> {
    if answer.status == 200 {
        return Ok(Answer::Contents(vec![Ok(stream::content(answer.body.clone()))]));
    }
    read_item(answer).map(|error| Answer::Contents(vec![Err(error)]))
}

/// Writes what became of a deletion.
pub(super) fn encode_deleted(deleted: &[Result<(), ItemError>]) -> HttpAnswer {
    match deleted.first() {
        Some(Err(error)) => encode_item(error),
        _ => super::empty(204),
    }
}

/// The lengths of [`encode_deleted`].
pub(super) fn deleted_frame(deleted: &[Result<(), ItemError>]) -> Frame {
    match deleted.first() {
        Some(Err(error)) => item_frame(error),
        _ => EMPTY,
    }
}

/// Reads what became of a deletion.
pub(super) fn decode_deleted(answer: &HttpAnswer) -> Result<Answer, Refusal> {
    if answer.status < 300 {
        return Ok(Answer::Deleted(vec![Ok(())]));
    }
    read_item(answer).map(|error| Answer::Deleted(vec![Err(error)]))
}

/// Writes the message that was made.
pub(super) fn encode_created(id: &Id, mailbox: MailboxKey) -> HttpAnswer {
    super::answer(201, &Message { id: written(Kind::Item, mailbox, id) })
}

/// The lengths of [`encode_created`].
pub(super) fn created_frame(id: &Id) -> Frame {
    Frame::new(r#"{"id":""}"#.len() as u64 + id_length(id), JSON)
}

/// Reads the reference of what was made: a message or a folder.
pub(super) fn decode_created(answer: &HttpAnswer) -> Result<Answer, Refusal> {
    let message: Message<'_> = serde_json::from_slice(&answer.body).map_err(|_| malformed(answer))?;
    Ok(Answer::Created(Id::text(&message.id)))
}
