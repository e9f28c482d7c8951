//! Requests as real clients make them, to be spoiled: the project's own, and recorded ones where they are at hand.

use std::path::Path;

/// SOAP bodies, one a line.
const EWS: &str = include_str!("ews.txt");

/// Method, path, content type and body, one request a line.
const OTHERS: &str = include_str!("graph.txt");

/// What stands for ids in the corpus, and text that is none the less answered.
const MARKS: [&str; 6] = ["{item}", "{folder}", "{state}", "{key}", "{attachment}", "{data}"];

/// A request that can be spoiled in every part.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) method: Vec<u8>,
    pub(crate) path: Vec<u8>,
    pub(crate) content_type: Vec<u8>,
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Credentials other than the right ones.
    pub(crate) authorization: Option<Vec<u8>>,
    pub(crate) body: Vec<u8>,
}

impl Sample {
    pub(crate) fn new(method: &str, path: &str, content_type: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            content_type: content_type.into(),
            headers: Vec::new(),
            authorization: None,
            body: Vec::new(),
        }
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = body.into();
        self
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Whether a token for Graph is what opens the door.
    pub(crate) fn graph(&self) -> bool {
        let path = self.path.to_ascii_lowercase();
        path.starts_with(b"/v1.0") || path.starts_with(b"/beta") || path.starts_with(b"/adminapi")
    }

    /// The request in a form that can be put into a test.
    pub(crate) fn show(&self) -> String {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let body = text(&self.body[..self.body.len().min(4_000)]);
        format!(
            "{} {} ({}) {:?} \"{body}\"",
            text(&self.method),
            text(&self.path),
            text(&self.content_type),
            self.headers
        )
    }
}

/// A SOAP body as a request.
fn soap(header: &str, body: &str) -> Sample {
    let envelope = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" \
         xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><s:Header>\
         <t:RequestServerVersion Version=\"Exchange2016\"/>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    );
    let sample = Sample::new("POST", "/EWS/Exchange.asmx", "text/xml; charset=utf-8").body(&envelope);
    sample.header("x-anchormailbox", "alice@contoso.test")
}

/// A line of the corpus: method, path, content type, body.
fn other(line: &str) -> Sample {
    let mut parts = line.splitn(4, ' ');
    let mut part = || parts.next().unwrap_or_default();
    let (method, path, content_type, body) = (part(), part(), part(), part());
    let sample = Sample::new(method, path, content_type).body(body);
    sample.header("prefer", "odata.maxpagesize=5, IdType=\"ImmutableId\"")
}

/// Requests that others recorded, if they are at hand.
fn recorded() -> Vec<Sample> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/wire/ews-requests.txt");
    let Ok(text) = std::fs::read_to_string(path) else { return Vec::new() };
    let (mut header, mut samples) = ("", Vec::new());
    for line in text.lines() {
        if let Some(found) = line.strip_prefix("SOAP header: ") {
            header = if found == "(none)" { "" } else { found };
        } else if let Some(body) = line.strip_prefix("SOAP body: ") {
            samples.push(soap(header, body));
        }
    }
    samples
}

/// All samples.
pub(crate) fn samples() -> Vec<Sample> {
    let mut samples = named("AAMkADAwMDAwMDAwAEYAAAAAAAA=");
    samples.extend(recorded());
    samples
}

/// The project's own samples that name something, with one text for all that they name.
pub(crate) fn naming(id: &str) -> Vec<Sample> {
    let lines = EWS.lines().map(|line| (line, true)).chain(OTHERS.lines().map(|line| (line, false)));
    let lines = lines.filter(|(line, _)| MARKS.iter().any(|mark| line.contains(mark)));
    lines.map(|(line, ews)| filled(line, ews, id)).collect()
}

fn named(id: &str) -> Vec<Sample> {
    let lines = EWS.lines().map(|line| (line, true)).chain(OTHERS.lines().map(|line| (line, false)));
    lines.map(|(line, ews)| filled(line, ews, id)).collect()
}

fn filled(line: &str, ews: bool, id: &str) -> Sample {
    let path_safe = id.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let id = if ews { id } else { &path_safe };
    let line = MARKS.iter().fold(line.to_owned(), |line, mark| line.replace(mark, id));
    if ews { soap("", &line) } else { other(&line) }
}
