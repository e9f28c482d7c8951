//! `$batch`: up to twenty requests in one, each answered with its own status, headers and body
//! (learn.microsoft.com/graph/json-batching).
//!
//! A neutral batch concerns one mailbox and has no dependencies. So a request that depends on one that cannot even be
//! read is answered with 424 and not carried out; a request that depends on one that fails in the service is carried out
//! and answered truthfully.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::{GraphError, malformed};
use super::text::{References, base64_length, digits};
use super::{Form, Frame, Headers, JSON_TYPE, Named, TEXT_TYPE};
use crate::wire::answer::Answer;
use crate::wire::call::Call;
use crate::wire::http::{HttpAnswer, HttpCall, Unsupported};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::{Refusal, RefusalKind};

/// Most requests in a batch (learn.microsoft.com/graph/json-batching).
pub const MAX_BATCH: usize = 20;

/// Longest id of a request in a batch, in bytes. Assumed; clients use numbers and GUIDs.
const MAX_ID_BYTES: usize = 256;

/// One request of a batch as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BatchEntry {
    /// Its id, unique in the batch without regard to case.
    pub id: String,
    /// The positions of the requests that it waits for.
    pub depends_on: Vec<usize>,
    /// How its answer is written, or why it cannot be read. What can be read stands in the batch's calls, in order.
    pub form: Result<Form, GraphError>,
}

#[derive(Serialize)]
struct Requests<'a> {
    requests: Vec<Asking<'a>>,
}

#[derive(Serialize)]
struct Asking<'a> {
    id: String,
    method: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct ReadRequests<'a> {
    #[serde(borrow)]
    requests: Vec<ReadAsking<'a>>,
}

#[derive(Deserialize)]
struct ReadAsking<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
    /// Microsoft's Python client spells it with an underscore.
    #[serde(rename = "dependsOn", alias = "depends_on", default)]
    depends_on: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Responses {
    responses: Vec<Answering>,
}

#[derive(Serialize)]
struct Answering {
    id: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<AnsweringHeaders>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct AnsweringHeaders {
    #[serde(rename = "Content-Type")]
    content_type: String,
    #[serde(rename = "Retry-After", skip_serializing_if = "Option::is_none")]
    retry_after: Option<String>,
}

#[derive(Deserialize)]
struct ReadResponses<'a> {
    #[serde(borrow)]
    responses: Vec<ReadAnswering<'a>>,
}

#[derive(Deserialize)]
struct ReadAnswering<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    status: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

/// A body inside a batch: JSON as it is, anything else as Base64 in a string; nothing if it is empty.
fn embed(body: Vec<u8>, is_text: bool) -> Option<Box<RawValue>> {
    if body.is_empty() {
        return None;
    }
    let text = if is_text { None } else { String::from_utf8(body.clone()).ok() };
    let text = text.unwrap_or_else(|| format!("\"{}\"", STANDARD.encode(body)));
    RawValue::from_string(text).ok()
}

/// Reads what [`embed`] wrote.
fn extract(body: Option<&RawValue>, is_text: bool) -> Option<Vec<u8>> {
    let Some(body) = body.map(RawValue::get).filter(|body| *body != "null") else { return Some(Vec::new()) };
    if !is_text {
        return Some(body.as_bytes().to_vec());
    }
    let text: Cow<'_, str> = serde_json::from_str(body).ok()?;
    STANDARD.decode(text.as_bytes()).ok()
}

fn is_text(headers: Option<&BTreeMap<String, String>>) -> bool {
    header(headers, "Content-Type").is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/"))
}

fn header<'a>(headers: Option<&'a BTreeMap<String, String>>, name: &str) -> Option<&'a str> {
    let (_, value) = headers?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value)
}

/// Writes a batch. Its requests are numbered from one.
pub(super) fn encode(calls: &[Call], address: &str, base: &str) -> Result<HttpCall, Unsupported> {
    let unsupported = |reason| Unsupported { operation: Operation::Batch, reason };
    if calls.is_empty() || MAX_BATCH < calls.len() {
        return Err(unsupported("a batch holds between 1 and 20 requests"));
    }
    let mut written = Vec::with_capacity(calls.len());
    for call in calls {
        if matches!(call, Call::Batch { .. } | Call::ImportItem { .. }) {
            return Err(unsupported("neither a batch nor an import can be part of a batch"));
        }
        written.push(super::encode_call(call, address, base)?);
    }
    let requests = written.iter().enumerate().map(|(position, call)| {
        let is_text = call.headers.iter().any(|(name, value)| *name == "Content-Type" && value == TEXT_TYPE);
        Asking {
            id: (position + 1).to_string(),
            method: call.method,
            url: call.path.strip_prefix("/v1.0").unwrap_or(&call.path),
            headers: call.headers.iter().cloned().collect(),
            body: embed(call.body.clone(), is_text),
        }
    });
    Ok(super::post("/v1.0/$batch".to_owned(), &Requests { requests: requests.collect() }))
}

/// The length of the body of a batch.
pub(super) fn length(calls: &[Call], address: u64) -> u64 {
    let entry = |(position, call): (usize, &Call)| {
        let Some(asked) = super::asked(call, address) else { return 0 };
        let headers = if asked.headers == 0 { 0 } else { r#","headers":"#.len() as u64 + asked.headers };
        let body = match (asked.body, asked.json) {
            (0, _) => 0,
            (body, true) => r#","body":"#.len() as u64 + body,
            (body, false) => r#","body":"""#.len() as u64 + base64_length(body),
        };
        let fixed = r#"{"id":"","method":"","url":""}"#.len() as u64 + digits(position as u64 + 1);
        fixed + asked.method + asked.url + headers + body
    };
    let entries: u64 = calls.iter().enumerate().map(entry).sum();
    r#"{"requests":[]}"#.len() as u64 + entries + calls.len().saturating_sub(1) as u64
}

/// Finds the requests that one waits for.
fn dependencies(asking: &ReadAsking<'_>, ids: &[String]) -> Result<Vec<usize>, GraphError> {
    let mut found = Vec::new();
    for wanted in asking.depends_on.iter().flatten() {
        let position = ids.iter().position(|id| *id == wanted.to_lowercase());
        found.push(position.ok_or(GraphError::BadValue("a request depends on one that the batch does not hold"))?);
    }
    Ok(found)
}

fn read_entry(asking: &ReadAsking<'_>, references: &mut References) -> Result<(Named, Call, Form), GraphError> {
    let headers = asking.headers.as_ref();
    let body = extract(asking.body, is_text(headers)).ok_or(GraphError::BadBody)?;
    let headers = Headers { content_type: header(headers, "Content-Type"), prefer: header(headers, "Prefer") };
    let (mailbox, call, form) = super::read(&asking.method, &asking.url, headers, &body, references)?;
    match call {
        Call::Batch { .. } | Call::ImportItem { .. } => {
            Err(GraphError::BadValue("neither a batch nor an import can be part of a batch"))
        }
        call => Ok((mailbox, call, form)),
    }
}

/// Reads a batch.
pub(super) fn decode(body: &[u8], references: &mut References) -> Result<(Named, Call, Form), GraphError> {
    let read: ReadRequests<'_> = serde_json::from_slice(body).map_err(|_| GraphError::BadBody)?;
    if read.requests.is_empty() || MAX_BATCH < read.requests.len() {
        return Err(GraphError::BadValue("a batch holds between 1 and 20 requests"));
    }
    let ids: Vec<String> = read.requests.iter().map(|asking| asking.id.to_lowercase()).collect();
    for (position, id) in ids.iter().enumerate() {
        if id.is_empty() || MAX_ID_BYTES < id.len() {
            return Err(GraphError::BadValue("the id of a request is empty or too long"));
        }
        if ids[..position].contains(id) {
            return Err(GraphError::BadValue("the ids of a batch must be unique"));
        }
    }
    let mut owner: Option<Named> = None;
    let mut calls = Vec::with_capacity(ids.len());
    let mut entries: Vec<BatchEntry> = Vec::with_capacity(ids.len());
    for asking in &read.requests {
        let depends_on = dependencies(asking, &ids)?;
        let blocked = depends_on.iter().any(|&position| entries.get(position).is_some_and(|entry| entry.form.is_err()));
        let form = if blocked { Err(GraphError::FailedDependency) } else { read_entry(asking, references) };
        let form = match form {
            Ok((mailbox, call, form)) => {
                if owner.as_ref().is_some_and(|owner| !owner.is_same(&mailbox)) {
                    return Err(GraphError::MixedMailboxes);
                }
                owner = Some(mailbox);
                calls.push(call);
                Ok(form)
            }
            Err(error) => Err(error),
        };
        entries.push(BatchEntry { id: asking.id.to_string(), depends_on, form });
    }
    Ok((owner.unwrap_or(Named::Nobody), Call::Batch { calls }, Form::Batch(entries)))
}

fn write_entry(id: String, answer: HttpAnswer) -> Answering {
    let text = answer.header("Content-Type").is_some_and(|kind| kind == TEXT_TYPE);
    let retry_after = answer.header("Retry-After").map(str::to_owned);
    let content_type = answer.header("Content-Type").unwrap_or(JSON_TYPE).to_owned();
    let status = answer.status;
    let body = embed(answer.body, text);
    let headers = body.is_some().then_some(AnsweringHeaders { content_type, retry_after });
    Answering { id, status, headers, body }
}

/// Writes the answers of a batch. Without entries the requests are numbered from one.
pub(super) fn encode_answer(
    (calls, answers): (&[Call], &[Result<Answer, Refusal>]),
    mailbox: MailboxKey,
    base: &str,
    form: &Form,
) -> HttpAnswer {
    let mut pairs = calls.iter().zip(answers);
    let mut one = |form: &Form| match pairs.next() {
        Some((call, Ok(answer))) => super::encode_in_form(call, answer, mailbox, base, form),
        Some((_, Err(refusal))) => super::encode_refusal(refusal),
        None => GraphError::FailedDependency.answer(),
    };
    let responses = match form {
        Form::Batch(entries) => entries
            .iter()
            .map(|entry| {
                let answer = match &entry.form {
                    Ok(form) => one(form),
                    Err(error) => error.answer(),
                };
                write_entry(entry.id.clone(), answer)
            })
            .collect(),
        _ => (1..=calls.len()).map(|number| write_entry(number.to_string(), one(&Form::Usual))).collect(),
    };
    super::answer(200, &Responses { responses })
}

/// The lengths of [`encode_answer`] in its usual form.
pub(super) fn frame(calls: &[Call], answers: &[Result<Answer, Refusal>]) -> Frame {
    let entry = |(position, (call, answer)): (usize, (&Call, &Result<Answer, Refusal>))| {
        let frame = match answer {
            Ok(answer) => super::frame(call, answer),
            Err(refusal) => super::error::frame(refusal),
        };
        let fixed = r#"{"id":"","status":200}"#.len() as u64 + digits(position as u64 + 1);
        if frame.body == 0 {
            return fixed;
        }
        let (kind, body) =
            if frame.text { (TEXT_TYPE, base64_length(frame.body) + 2) } else { (JSON_TYPE, frame.body) };
        let retry = frame.retry_digits.map_or(0, |digits| r#","Retry-After":"""#.len() as u64 + digits);
        let headers = (r#","headers":{"Content-Type":""}"#.len() + kind.len()) as u64 + retry;
        fixed + headers + r#","body":"#.len() as u64 + body
    };
    let entries: u64 = calls.iter().zip(answers).enumerate().map(entry).sum();
    Frame::new(r#"{"responses":[]}"#.len() as u64 + entries + calls.len().saturating_sub(1) as u64, super::JSON)
}

/// Reads the answers of a batch, in whatever order they come. A request without an answer counts as malformed.
pub(super) fn decode_answer(calls: &[Call], answer: &HttpAnswer) -> Result<Answer, Refusal> {
    let read: ReadResponses<'_> = serde_json::from_slice(&answer.body).map_err(|_| malformed(answer))?;
    let missing = Refusal { kind: RefusalKind::Malformed, status: 0, retry_after: None };
    let one = |(position, call): (usize, &Call)| {
        let id = (position + 1).to_string();
        let entry = read.responses.iter().find(|entry| entry.id == id).ok_or(missing)?;
        let headers = entry.headers.as_ref();
        let retry = header(headers, "Retry-After").map(|value| ("Retry-After", value.to_owned()));
        let body = extract(entry.body, is_text(headers)).ok_or(missing)?;
        super::decode_answer(call, &HttpAnswer { status: entry.status, headers: retry.into_iter().collect(), body })
    };
    Ok(Answer::Batch(calls.iter().enumerate().map(one).collect()))
}
