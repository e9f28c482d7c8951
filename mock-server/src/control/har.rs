//! The journal as an HTTP Archive (HAR 1.2), which browsers and proxies open.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::journal::Entry;

/// The archive of some entries.
pub(super) fn archive(entries: &[Entry]) -> Value {
    json!({
        "log": {
            "version": "1.2",
            "creator": { "name": "mock-server", "version": env!("CARGO_PKG_VERSION") },
            "entries": entries.iter().map(one).collect::<Vec<_>>(),
        }
    })
}

fn one(entry: &Entry) -> Value {
    let headers = |pairs: &[(String, String)]| -> Vec<Value> {
        pairs.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
    };
    let sent: Vec<_> = entry.user_agent.iter().map(|agent| ("User-Agent".to_owned(), agent.clone())).collect();
    let query = entry.url.split_once('?').map_or("", |(_, query)| query);
    let query: Vec<_> =
        form_urlencoded::parse(query.as_bytes()).map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let duration = SignedDuration::from_micros((entry.milliseconds * 1e3) as i64);
    json!({
        "startedDateTime": entry.at.to_string(),
        "time": entry.milliseconds,
        "request": {
            "method": entry.method, "url": entry.url, "httpVersion": "HTTP/1.1", "cookies": [],
            "headers": headers(&sent), "queryString": query,
            "headersSize": -1, "bodySize": entry.request_bytes,
        },
        "response": {
            "status": entry.status, "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [],
            "headers": headers(&entry.answer_headers), "redirectURL": "",
            "headersSize": -1, "bodySize": entry.answer_bytes,
            "content": {
                "size": entry.answer_bytes, "mimeType": "",
                "text": entry.error.as_deref().unwrap_or_default(),
            },
        },
        "cache": {},
        "timings": { "send": 0, "wait": duration.as_millis_f64(), "receive": 0 },
        "_operation": entry.operation, "_mailbox": entry.mailbox, "_refusal": entry.refusal, "_spoiled": entry.spoiled,
    })
}
