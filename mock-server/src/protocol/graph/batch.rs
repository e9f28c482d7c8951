//! `$batch`: up to twenty requests in one (learn.microsoft.com/graph/json-batching). Each goes through limits and faults
//! on its own, may name a mailbox of its own, may wait for others, and is answered with its own status, headers and body.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::reply::Reply;
use super::{Asked, State};
use crate::protocol::host::Host;
use crate::wire::http::HttpAnswer;
use crate::wire::id::MailboxKey;

/// Most requests in a batch (same page).
const MAX_REQUESTS: usize = 20;

/// Longest id of a request in a batch, in bytes. Assumed; clients use numbers and GUIDs.
const MAX_ID_BYTES: usize = 256;

/// A request of a batch.
struct Part {
    id: String,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    waits_for: Vec<usize>,
}

/// The body of a part: JSON as it is, anything else as Base64 in a text.
fn body(headers: &[(String, String)], body: Option<&Value>) -> Result<Vec<u8>, Failure> {
    let kind = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
    let is_json = kind.is_none_or(|kind| kind.to_ascii_lowercase().contains("json"));
    match body {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) if !is_json => {
            // Base64 by the documentation; clients that put the text itself there are understood as well.
            let is_plain = kind.is_some_and(|kind| kind.starts_with("text/plain"));
            if is_plain {
                return Ok(STANDARD
                    .decode(text)
                    .ok()
                    .filter(|inner| is_base64(inner))
                    .unwrap_or_else(|| text.as_bytes().to_vec()));
            }
            STANDARD.decode(text).map_err(|_| Failure::bad("The body of a batch request is not Base64."))
        }
        Some(value) => Ok(value.to_string().into_bytes()),
    }
}

/// Whether bytes are Base64 again: MIME is sent in Base64, and once more inside a batch.
fn is_base64(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte))
}

fn part(entry: &Value) -> Result<Part, Failure> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let required = |name: &str| text(name).ok_or_else(|| Failure::bad(format!("A batch request has no '{name}'.")));
    let headers: Vec<(String, String)> = match entry.get("headers") {
        Some(Value::Object(headers)) => headers
            .iter()
            .map(|(name, value)| {
                let value = value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed);
                (name.to_ascii_lowercase(), value.into_owned())
            })
            .collect(),
        _ => Vec::new(),
    };
    let id = match entry.get("id") {
        Some(Value::Number(number)) => number.to_string(),
        _ => required("id")?,
    };
    if id.is_empty() || MAX_ID_BYTES < id.len() {
        return Err(Failure::bad("The id of a batch request is empty or too long."));
    }
    let method = required("method")?.to_ascii_uppercase();
    let body = body(&headers, entry.get("body"))?;
    let writes = matches!(method.as_str(), "POST" | "PUT" | "PATCH");
    if writes && (body.is_empty() || !headers.iter().any(|(name, _)| name == "content-type")) {
        // microsoftgraph/msgraph-sdk-dotnet#2628; no request of the batch is carried out.
        return Err(Failure::bad(format!("Write request id : {id} does not contain Content-Type header or body.")));
    }
    Ok(Part { id, method, url: required("url")?, body, headers, waits_for: Vec::new() })
}

/// Reads a batch, and finds what each request waits for.
fn read(bytes: &[u8]) -> Result<Vec<Part>, Failure> {
    let invalid = || Failure::bad("Invalid batch payload format.");
    let sent: Value = serde_json::from_slice(bytes).map_err(|_| invalid())?;
    let entries = sent.get("requests").and_then(Value::as_array).ok_or_else(invalid)?;
    if entries.is_empty() || MAX_REQUESTS < entries.len() {
        let message = "Number of batch request steps exceeds the maximum value of 20.";
        return Err(if entries.is_empty() { invalid() } else { Failure::new(400, "MaximumValueExceeded", message) });
    }
    let mut parts = Vec::with_capacity(entries.len());
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries {
        let part = part(entry)?;
        if known.insert(part.id.to_lowercase(), parts.len()).is_some() {
            return Err(Failure::bad(format!("Request Id '{}' has to be unique in a batch.", part.id)));
        }
        parts.push(part);
    }
    for (position, entry) in entries.iter().enumerate() {
        // Microsoft's Python client spells it with an underscore.
        let waits = entry.get("dependsOn").or_else(|| entry.get("depends_on")).and_then(Value::as_array);
        for id in waits.into_iter().flatten() {
            let wanted = id.as_str().unwrap_or_default().to_lowercase();
            match known.get(&wanted) {
                Some(&other) if other < position => parts[position].waits_for.push(other),
                _ => {
                    return Err(Failure::bad(format!(
                        "Request '{}' depends on one that is not before it.",
                        parts[position].id
                    )));
                }
            }
        }
    }
    Ok(parts)
}

/// An answer inside a batch.
fn write(id: &str, answer: &HttpAnswer) -> Value {
    let mut headers = Map::new();
    for (name, value) in &answer.headers {
        headers.insert((*name).to_owned(), json!(value));
    }
    let is_json = answer.header("content-type").is_some_and(|kind| kind.contains("json"));
    let mut entry = json!({"id": id, "status": answer.status, "headers": headers});
    if !answer.body.is_empty() {
        let json = if is_json { serde_json::from_slice(&answer.body).ok() } else { None };
        entry["body"] = json.unwrap_or_else(|| json!(STANDARD.encode(&answer.body)));
    }
    entry
}

/// Carries out a batch.
pub(super) fn carry_out<H: Host>(asked: &Asked<'_>, state: &mut State, host: &mut H) -> Result<Reply, Failure> {
    if asked.method != "POST" {
        return Err(Failure::no_method());
    }
    let parts = read(asked.body)?;
    let wait = parts.iter().any(|part| !part.waits_for.is_empty());
    host.begin_batch(concerned(asked, &parts, state, host), parts.len(), wait)?;
    let mut statuses: Vec<u16> = Vec::with_capacity(parts.len());
    let mut responses = Vec::with_capacity(parts.len());
    for part in &parts {
        host.begin_entry(&part.waits_for, part.body.len() as u64);
        let failed = part.waits_for.iter().any(|&other| 400 <= statuses[other]);
        let inner = Asked {
            method: &part.method,
            url: &part.url,
            headers: part.headers.iter().map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str()))).collect(),
            body: &part.body,
            ..asked.clone()
        };
        let nested = part.url.split('?').next().is_some_and(|path| path.trim_end_matches('/').ends_with("/$batch"));
        let answer = if failed {
            let failure = Failure::new(424, "FailedDependency", "A request that this one depends on failed.");
            failure.answer(|| inner.marks(host.wall()))
        } else if nested {
            Failure::bad("A batch cannot hold a batch.").answer(|| inner.marks(host.wall()))
        } else {
            super::answer(&inner, state, host)
        };
        statuses.push(answer.status);
        responses.push(write(&part.id, &answer));
    }
    host.end_batch();
    Ok(Reply::json(200, json!({"responses": responses})))
}

/// The mailbox that a batch as a whole concerns: that of the first request that has one.
fn concerned<H: Host>(asked: &Asked<'_>, parts: &[Part], state: &mut State, host: &H) -> MailboxKey {
    let mut owners = parts.iter().filter_map(|part| {
        let place = state.places.find(&part.url).ok()?;
        super::owner(asked, &place, host).ok()
    });
    owners.next().unwrap_or(MailboxKey(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expect: Result<usize, u16>) {
        let read = read(body.as_bytes()).map(|parts| parts.len()).map_err(|failure| failure.status());
        assert_eq!(read, expect, "{body}");
    }

    #[test]
    fn batches_are_refused_where_their_requests_do_not_fit_together() {
        let one = r#"{"id":"a","method":"GET","url":"/me"}"#;
        check(&format!(r#"{{"requests":[{one}]}}"#), Ok(1));
        check(&format!(r#"{{"requests":[{one},{}]}}"#, one.replace("\"a\"", "\"A\"")), Err(400));
        check(r#"{"requests":[]}"#, Err(400));
        check("{", Err(400));
        let many: Vec<String> = (0..21).map(|n| one.replace("\"a\"", &format!("\"{n}\""))).collect();
        check(&format!(r#"{{"requests":[{}]}}"#, many.join(",")), Err(400));
        check(r#"{"requests":[{"id":"1","method":"GET","url":"/me","dependsOn":["2"]}]}"#, Err(400));
        let write =
            |rest: &str| format!(r#"{{"requests":[{one},{{"id":"b","method":"post","url":"/me/messages"{rest}}}]}}"#);
        let headers = r#","headers":{"content-type":"application/json"}"#;
        check(&write(&format!(r#"{headers},"body":{{}}"#)), Ok(2));
        for rest in [headers, r#","body":{}"#, ""] {
            check(&write(rest), Err(400));
        }
    }

    #[test]
    fn bodies_are_json_or_base64() {
        let kind = |kind: &str| vec![("content-type".to_owned(), kind.to_owned())];
        assert_eq!(body(&kind("application/json"), Some(&json!({"a": 1}))), Ok(br#"{"a":1}"#.to_vec()));
        assert_eq!(body(&kind("image/png"), Some(&json!("AQID"))), Ok(vec![1, 2, 3]));
        let mime = STANDARD.encode("Subject: x\r\n\r\n");
        assert_eq!(body(&kind("text/plain"), Some(&json!(mime))), Ok(mime.clone().into_bytes()));
        assert_eq!(body(&kind("text/plain"), Some(&json!(STANDARD.encode(&mime)))), Ok(mime.into_bytes()));
    }
}
