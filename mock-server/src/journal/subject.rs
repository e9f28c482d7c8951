//! What a request is about, as far as that can be told of any client's requests: the method and the path without the
//! names of mailboxes and things in it, or the operation of EWS.
//!
//! Two requests of one subject are of the same kind, whoever sent them and whatever the server called the things that
//! they name. That is how recorded requests and new ones find each other.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Elements of an envelope that are looked at before its operation is found; clients send about ten headers.
const ELEMENTS: usize = 200;

/// The shortest segment of a path that is taken for a name that a server made: the identifiers of Graph are longer, and
/// the names of its resources shorter or without digits.
const MADE_NAME: usize = 16;

/// Whether a path is that of EWS.
#[must_use]
pub fn is_ews(path: &str) -> bool {
    let mut words = path.split('/').filter(|word| !word.is_empty());
    let is = |word: Option<&str>, wanted: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(wanted));
    is(words.next(), "ews") && is(words.next(), "exchange.asmx")
}

/// The path of a URL, and the query behind it.
#[must_use]
pub fn path_of(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = if rest.len() == url.len() { rest } else { rest.find('/').map_or("/", |at| &rest[at..]) };
    path.split_once('?').unwrap_or((path, ""))
}

/// Whether a path is one at which secrets are exchanged for tokens: of what is asked there, nothing is kept.
#[must_use]
pub fn proves(path: &str) -> bool {
    path.as_bytes().split(|&byte| byte == b'/').any(|word| word.eq_ignore_ascii_case(b"oauth2"))
}

/// What a request is about.
#[must_use]
pub fn subject(method: &str, url: &str, body: &[u8]) -> String {
    let (path, query) = path_of(url);
    if is_ews(path) {
        return operation(body).map_or_else(|| format!("{method} EWS"), |name| format!("EWS {name}"));
    }
    let mut words = path.split('/').filter(|word| !word.is_empty()).peekable();
    words.next_if(|word| matches!(*word, "v1.0" | "beta"));
    let mut subject = method.to_owned() + " ";
    let mut owner = false;
    for word in words {
        subject.push('/');
        let named = owner || is_made(word);
        subject.push_str(if named { "*" } else { word.split('(').next().unwrap_or_default() });
        owner = matches!(word, "users" | "groups");
    }
    if query.contains("deltatoken") || query.contains("skiptoken") {
        subject.push_str(" on");
    }
    subject
}

/// Whether a segment of a path is a name that a server made, or that of a mailbox.
fn is_made(word: &str) -> bool {
    let inner = word.split_once("('").map_or(word, |(_, inner)| inner);
    inner.contains('@')
        || inner.contains("%40")
        || (inner.len() >= MADE_NAME && inner.bytes().any(|byte| byte.is_ascii_digit() || byte == b'='))
}

/// The mailbox that a URL of Graph names, by address or identifier.
#[must_use]
pub fn mailbox(url: &str) -> Option<String> {
    let (path, _) = path_of(url);
    let mut words = path.split('/').skip_while(|word| *word != "users");
    let named = words.nth(1)?;
    Some(percent_encoding::percent_decode_str(named).decode_utf8_lossy().to_lowercase())
}

/// The operation that a SOAP envelope asks for.
#[must_use]
pub fn operation(body: &[u8]) -> Option<String> {
    let mut reader = Reader::from_reader(body);
    let mut inside = false;
    for _ in 0..ELEMENTS {
        match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => {
                let name = element.local_name();
                if inside {
                    return Some(name.as_ref().to_owned());
                }
                inside = name.as_ref() == "Body";
            }
            Event::Eof => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, url: &str, body: &str, expected: &str) {
        assert_eq!(subject(method, url, body.as_bytes()), expected, "{method} {url}");
    }

    #[test]
    fn names_of_mailboxes_and_things_are_left_out() {
        check("GET", "https://h/v1.0/users/a@b.test/messages/AAMkAGI2TG93AAA=", "", "GET /users/*/messages/*");
        check(
            "GET",
            "http://h:1/beta/users/abc/mailFolders/inbox/messages?$top=1",
            "",
            "GET /users/*/mailFolders/inbox/messages",
        );
        check("GET", "/v1.0/me/mailFolders('AAMkAGI2TG93AAA0')/messages", "", "GET /me/*/messages");
        check("GET", "/v1.0/me/messages/delta?$deltatoken=x", "", "GET /me/messages/delta on");
        check("POST", "https://h", "", "POST ");
    }

    #[test]
    fn envelopes_are_called_after_their_operation() {
        let envelope = "<s:Envelope xmlns:s='x'><s:Header><t:V/></s:Header><s:Body><m:FindItem/></s:Body></s:Envelope>";
        check("POST", "https://h/EWS/Exchange.asmx", envelope, "EWS FindItem");
        check("GET", "https://h/ews/exchange.asmx", "", "GET EWS");
    }

    #[test]
    fn the_mailbox_of_a_url_is_found() {
        assert_eq!(mailbox("https://h/v1.0/users/A%40b.test/messages").as_deref(), Some("a@b.test"));
        assert_eq!(mailbox("https://h/v1.0/me/messages"), None);
    }
}
