//! Real messages, stored and read back through HTTP in both protocols.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::alice::Alice;
use crate::eml::{self, Said};

/// What a protocol says about a message.
struct Told {
    subject: Option<String>,
    second: Option<i64>,
    addresses: Vec<String>,
    attachments: Vec<(String, Attached)>,
}

/// What a protocol says about an attachment.
enum Attached {
    /// A file, whole.
    Content(Vec<u8>),
    /// A file of so many bytes.
    Size(usize),
    /// A message.
    Message,
}

/// A way through a protocol.
struct Way {
    /// Stores a message, and reads it back.
    through: fn(&mut Alice, &[u8]) -> (Vec<u8>, Told),
    /// What of a text can be told.
    tells: fn(&str) -> String,
}

/// What is told must be what mail-parser says.
fn agree(path: &Path, told: &Told, said: &Said, tells: fn(&str) -> String) {
    let at = path.display();
    let subject = said.subject.as_deref().map(tells).unwrap_or_default();
    assert_eq!(told.subject.as_deref().unwrap_or_default(), subject, "{at}");
    assert!(said.second.is_none() || told.second == said.second, "{at}: {:?} for {:?}", told.second, said.second);
    assert_eq!(told.addresses, said.addresses, "{at}");
    assert_eq!(told.attachments.len(), said.attachments.len(), "{at}");
    for ((own, attached), (name, content)) in told.attachments.iter().zip(&said.attachments) {
        assert!(name.as_ref().is_none_or(|name| name == own), "{at}: {own:?} for {name:?}");
        match (attached, content) {
            (Attached::Content(own), Some(content)) => assert_eq!(own, content, "{at}"),
            (Attached::Size(own), Some(content)) => assert_eq!(*own, content.len(), "{at}"),
            (Attached::Message, _) => {}
            (_, None) => panic!("{at}: {own} is a message"),
        }
    }
}

/// A text as XML can tell it: there is no way to write most control characters (XML 1.0, 2.2).
fn in_xml(text: &str) -> String {
    let control = |letter: char| letter < ' ' && !"\t\n\r".contains(letter);
    text.replace(control, "\u{fffd}")
}

fn second(time: Option<&str>) -> Option<i64> {
    time.map(|time| time.parse::<jiff::Timestamp>().expect("a time").as_second())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Stores a message through Graph, and reads it back.
fn through_graph(alice: &mut Alice, bytes: &[u8]) -> (Vec<u8>, Told) {
    let stored = alice.ask("POST", "/v1.0/me/messages", "text/plain", STANDARD.encode(bytes));
    assert_eq!(stored.status, 201, "{}", stored.text());
    let stored: Value = serde_json::from_str(stored.text()).expect("JSON");
    let id = stored["id"].as_str().expect("an id");
    let mime = alice.ask("GET", &format!("/v1.0/me/messages/{id}/$value"), "text/plain", "");
    assert_eq!(mime.status, 200);
    let whole = alice.ask("GET", &format!("/v1.0/me/messages/{id}?$expand=attachments"), "text/plain", "");
    assert_eq!(whole.status, 200, "{}", whole.text());
    let whole: Value = serde_json::from_str(whole.text()).expect("JSON");
    let people = ["toRecipients", "ccRecipients", "bccRecipients", "replyTo"];
    let people = people.iter().filter_map(|role| whole[role].as_array()).flatten();
    let attachments = whole["attachments"].as_array().expect("attachments").iter().map(|attachment| {
        let attached = match attachment["contentBytes"].as_str() {
            Some(content) => Attached::Content(STANDARD.decode(content).expect("base64")),
            None => Attached::Message,
        };
        (text(&attachment["name"]).unwrap_or_default(), attached)
    });
    let told = Told {
        subject: text(&whole["subject"]),
        second: second(whole["sentDateTime"].as_str()),
        addresses: people.map(|one| text(&one["emailAddress"]["address"]).unwrap_or_default()).collect(),
        attachments: attachments.collect(),
    };
    (mime.body.expect("a whole body").to_vec(), told)
}

/// Stores a message through EWS, and reads it back as Thunderbird does.
fn through_ews(alice: &mut Alice, bytes: &[u8]) -> (Vec<u8>, Told) {
    let folder = ews::BaseFolderId::new_distinguished("drafts");
    let item = alice.store(folder, bytes);
    let told = alice.get(&item, crate::thunderbird::shape(ews::BaseShape::AllProperties, true, &[]));
    let content = told.mime_content.expect("the message").content;
    let people = [told.to_recipients, told.cc_recipients, told.bcc_recipients, told.reply_to].into_iter().flatten();
    let people = people.flat_map(|people| people.0);
    let attachments = told.attachments.map_or(Vec::new(), |attachments| attachments.inner).into_iter();
    let attachments = attachments.map(|attachment| match attachment {
        ews::Attachment::FileAttachment { name, size, .. } => (name, Attached::Size(size.expect("a size"))),
        ews::Attachment::ItemAttachment { name, .. } => (name, Attached::Message),
    });
    let told = Told {
        subject: told.subject,
        second: told.date_time_sent.map(|time| time.0.unix_timestamp()),
        addresses: people.map(|one| one.mailbox.email_address.unwrap_or_default()).collect(),
        attachments: attachments.collect(),
    };
    (STANDARD.decode(content.trim()).expect("base64"), told)
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn check(way: &Way) {
    let Some(all) = eml::messages() else {
        println!("skipped: {} is not there", eml::folder().display());
        return;
    };
    let mut alice = Alice::start();
    for path in all {
        let bytes = std::fs::read(&path).expect("the file can be read");
        let (back, told) = (way.through)(&mut alice, &bytes);
        assert!(back == bytes, "{}: {} bytes came back of {}", path.display(), back.len(), bytes.len());
        agree(&path, &told, &eml::said(&bytes), way.tells);
    }
}

#[test]
fn real_messages_come_back_byte_by_byte_through_graph_and_are_told_as_they_are() {
    check(&Way { through: through_graph, tells: str::to_owned });
}

#[test]
fn real_messages_come_back_byte_by_byte_through_ews_and_are_told_as_they_are() {
    check(&Way { through: through_ews, tells: in_xml });
}
