//! HTTP archives (HAR 1.2), as browsers and proxies write them, read as journals.
//!
//! Only what concerns requests, waits and refusals is taken over; headers that prove who somebody is are never read.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::judge::hear;
use super::read::Journal;
use super::record::{FORMAT, Header, Piece, Record};
use super::{pieces, redact, subject};
use crate::time::Span;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HarError {
    /// It is no JSON, or no archive.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// An entry is wrong.
    #[error("entry {number}")]
    Entry {
        /// Which, from one.
        number: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// There is no entry.
    #[error("the archive holds no request")]
    Empty,
}

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    #[serde(default)]
    creator: Creator,
    entries: Vec<serde_json::Value>,
}

#[derive(Deserialize, Default)]
struct Creator {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    started_date_time: Timestamp,
    #[serde(default)]
    time: f64,
    request: Request,
    response: Response,
    #[serde(default, rename = "_operation")]
    operation: Option<String>,
    #[serde(default, rename = "_mailbox")]
    mailbox: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    post_data: Option<PostData>,
    #[serde(default)]
    body_size: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: i32,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    content: Content,
    #[serde(default)]
    body_size: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default)]
    size: i64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    encoding: String,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    value: String,
}

fn find<'a>(headers: &'a [Pair], name: &str) -> Option<&'a str> {
    headers.iter().find(|pair| pair.name.eq_ignore_ascii_case(name)).map(|pair| pair.value.as_str())
}

/// Reads an archive. Requests are numbered in the order in which they began; the first begins at zero.
///
/// # Errors
///
/// If it is no archive, an entry lacks what every entry has, or there is none.
pub fn read(text: &str) -> Result<Journal, HarError> {
    let Archive { log } = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
    let entry =
        |(index, value)| serde_json::from_value(value).map_err(|source| HarError::Entry { number: index + 1, source });
    let mut entries = log.entries.into_iter().enumerate().map(entry).collect::<Result<Vec<Entry>, _>>()?;
    entries.sort_by_key(|entry| entry.started_date_time);
    let began = entries.first().ok_or(HarError::Empty)?.started_date_time;
    let numbered = (1..).zip(&entries);
    let records = numbered.map(|(number, entry)| record(number, began, entry)).collect();
    let made_by = format!("{} {}", log.creator.name, log.creator.version).trim().to_owned();
    let header = Header { format: FORMAT.into(), made_by, began, time_scale: 1.0, scenario: None };
    Ok(Journal { header, records, cut: false })
}

fn nanoseconds(span: SignedDuration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(0)
}

fn record(number: u64, began: Timestamp, entry: &Entry) -> Record {
    let Entry { started_date_time, time, request, response, .. } = entry;
    let empty = PostData { mime_type: String::new(), text: String::new() };
    let sent = request.post_data.as_ref().unwrap_or(&empty);
    let (path, _) = subject::path_of(&request.url);
    let token = subject::proves(path);
    let status = u16::try_from(response.status).unwrap_or(0);
    let text = decoded(&response.content);
    let heard = hear::heard(status, find(&response.headers, "retry-after"), &text, *started_date_time);
    let mailbox = entry.mailbox.clone().or_else(|| subject::mailbox(&request.url));
    let mailbox = mailbox.or_else(|| find(&request.headers, "x-anchormailbox").map(str::to_lowercase));
    let subject = subject::subject(&request.method, &request.url, sent.text.as_bytes());
    let owner = mailbox.as_deref().unwrap_or_default();
    let key =
        pieces::fingerprint(&[owner.as_bytes(), subject.as_bytes(), request.url.as_bytes(), sent.text.as_bytes()]);
    let done = (200..400).contains(&status);
    let answer = pieces::Answered { done, body: text.as_bytes() };
    let makes = match subject.as_str() {
        "EWS CreateItem" | "EWS UploadItems" => pieces::of_ews(owner, sent.text.as_bytes(), &answer),
        "POST /$batch" => pieces::of_batch(owner, sent.text.as_bytes(), &answer),
        posted if posted.starts_with("POST ") && posted.ends_with("/messages") => vec![Piece { key, done }],
        _ => Vec::new(),
    };
    let kept = super::kept::HEADERS.iter().filter_map(|name| {
        let value = find(&response.headers, name)?;
        Some(((*name).to_owned(), redact::header(name, value).into_owned()))
    });
    Record {
        number,
        at_ns: nanoseconds(started_date_time.duration_since(began)),
        lasted_ns: Span::from_seconds(time / 1e3).0,
        method: request.method.clone(),
        url: redact::url(&request.url).into_owned(),
        subject,
        content_type: (!sent.mime_type.is_empty()).then(|| sent.mime_type.clone()),
        body: (!token && !sent.text.is_empty()).then(|| redact::body(&sent.mime_type, &sent.text)).flatten(),
        mailbox,
        operation: entry.operation.clone(),
        user_agent: find(&request.headers, "user-agent").map(str::to_owned),
        status,
        refusal: heard.kind.map(|kind| kind.name().to_owned()),
        wait_ns: heard.wait.map(|wait| wait.0),
        spoiled: (status == 0).then(|| "reset".to_owned()),
        done,
        items: makes.iter().filter(|piece| piece.done).count() as u64,
        request_bytes: u64::try_from(request.body_size).unwrap_or(0).max(sent.text.len() as u64),
        answer_bytes: u64::try_from(response.body_size.max(response.content.size)).unwrap_or(0),
        key,
        makes,
        answer_headers: kept.collect(),
        error: (status >= 400 && !token).then(|| redact::body("text/plain", &text)).flatten(),
        ..Record::default()
    }
}

fn decoded(content: &Content) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    if content.encoding != "base64" {
        return content.text.clone();
    }
    let bytes = STANDARD.decode(content.text.trim()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCHIVE: &str = r#"{"log":{"version":"1.2","creator":{"name":"a proxy","version":"1"},"entries":[
        {"startedDateTime":"2026-01-05T10:00:02.5+01:00","time":20.5,
         "request":{"method":"POST","url":"https://graph.microsoft.com/v1.0/users/a@b.test/messages",
           "headers":[{"name":"Authorization","value":"Bearer secret"}],"bodySize":13,
           "postData":{"mimeType":"application/json","text":"{\"subject\":1}"}},
         "response":{"status":429,"headers":[{"name":"retry-after","value":"7"}],
           "content":{"size":2,"text":"{\"error\":{\"code\":\"TooManyRequests\"}}"}}},
        {"startedDateTime":"2026-01-05T09:00:00Z","time":1,
         "request":{"method":"GET","url":"https://graph.microsoft.com/v1.0/me?access_token=secret"},
         "response":{"status":200}}]}}"#;

    #[test]
    fn an_archive_is_a_journal_without_secrets() {
        let journal = read(ARCHIVE).expect("an archive");
        let [first, second] = &journal.records[..] else { panic!("two requests") };
        assert_eq!((first.method.as_str(), first.at_ns, first.done), ("GET", 0, true));
        assert_eq!((second.at().as_seconds(), second.lasted_ns), (2.5, 20_500_000));
        assert_eq!((second.refusal.as_deref(), second.wait()), (Some("app_limit"), Some(Span::seconds(7))));
        assert_eq!(second.mailbox.as_deref(), Some("a@b.test"));
        assert_eq!(second.makes.len(), 1);
        assert!(!format!("{journal:?}").contains("secret"));
    }
}
