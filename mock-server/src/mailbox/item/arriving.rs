//! Items from MIME messages.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use mail_parser::{Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::{Attachment, AttachmentContent, Item, Person, Role, Unreadable};
use crate::mailbox::property::{self, Property, Value};

/// How deep messages within messages are read as items; deeper ones are files.
const DEPTH: u32 = 8;

impl Item {
    /// The item that a MIME message is. It keeps the message, and knows subject, dates, people, bodies and attachments
    /// by name. It counts as read by nobody, and has no moment of delivery: that is the mailbox's to say.
    ///
    /// # Errors
    ///
    /// If the bytes hold no header.
    pub fn from_mime(bytes: &Bytes) -> Result<Self, Unreadable> {
        read(bytes, DEPTH)
    }
}

fn read(bytes: &Bytes, depth: u32) -> Result<Item, Unreadable> {
    let message = MessageParser::default().parse(&bytes[..]).ok_or(Unreadable::Mime)?;
    let mut item = Item { mime: Some(bytes.clone()), ..Item::default() };
    headers(&mut item, &message);
    people(&mut item, &message);
    bodies(&mut item, &message);
    for part in message.attachments() {
        let number = item.next_attachment();
        item.attachments.push(attachment(number, part, &message, bytes, depth));
    }
    Ok(item)
}

fn put_text(item: &mut Item, property: Property, text: Option<&str>) {
    item.put(property, text.map(|text| Value::Text(Arc::from(text))));
}

fn headers(item: &mut Item, message: &Message<'_>) {
    put_text(item, property::SUBJECT, message.subject());
    put_text(item, property::CONVERSATION_TOPIC, message.thread_name());
    let bracketed = message.message_id().map(|id| format!("<{id}>"));
    put_text(item, property::INTERNET_MESSAGE_ID, bracketed.as_deref());
    put_text(item, property::IN_REPLY_TO, ids(message.in_reply_to()).as_deref());
    put_text(item, property::REFERENCES, ids(message.references()).as_deref());
    let sent = message.date().and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
    item.put(property::SUBMIT_TIME, sent.map(Value::Time));
    let importance = message.header_raw("Importance").or_else(|| message.header_raw("X-Priority")).map(str::trim);
    let importance = match importance.map(str::to_ascii_lowercase).as_deref() {
        Some("high") => 2,
        Some("low") => 0,
        Some(priority) if priority.starts_with(['1', '2']) => 2,
        Some(priority) if priority.starts_with(['4', '5']) => 0,
        _ => 1,
    };
    item.put(property::IMPORTANCE, Some(Value::Integer(importance)));
    let sensitivity = match message.header_raw("Sensitivity").map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        Some("personal") => 1,
        Some("private") => 2,
        Some("company-confidential") => 3,
        _ => 0,
    };
    item.put(property::SENSITIVITY, Some(Value::Integer(sensitivity)));
    let end = message.root_part().offset_body as usize;
    let raw = message.raw_message().get(..end).unwrap_or_default();
    put_text(item, property::TRANSPORT_HEADERS, Some(&String::from_utf8_lossy(raw)));
}

/// Message identities as they stand in a header.
fn ids(value: &HeaderValue<'_>) -> Option<String> {
    let list = value.as_text_list()?;
    let written: Vec<_> = list.iter().map(|id| format!("<{id}>")).collect();
    (!written.is_empty()).then(|| written.join(" "))
}

fn people(item: &mut Item, message: &Message<'_>) {
    let roles = [
        (message.to(), Role::To),
        (message.cc(), Role::Cc),
        (message.bcc(), Role::Bcc),
        (message.reply_to(), Role::ReplyTo),
    ];
    for (addresses, role) in roles {
        let all = addresses.into_iter().flat_map(Address::iter);
        item.people.extend(all.map(|one| {
            let address = one.address.as_deref().unwrap_or_default();
            let name = one.name.as_deref().unwrap_or(address);
            Person { role, name: Arc::from(name), address: Arc::from(address), ..Person::default() }
        }));
    }
    let from = message.from().and_then(Address::first);
    let sender = message.sender().and_then(Address::first).or(from);
    let pairs = [
        (from, property::FROM_NAME, property::FROM_ADDRESS),
        (sender, property::SENDER_NAME, property::SENDER_ADDRESS),
    ];
    for (somebody, name, address) in pairs {
        let Some(somebody) = somebody else { continue };
        put_text(item, name, somebody.name.as_deref().or(somebody.address.as_deref()));
        put_text(item, address, somebody.address.as_deref());
    }
}

/// The first text and the first HTML of the message, as they are; none is made from the other.
fn bodies(item: &mut Item, message: &Message<'_>) {
    let own = |parts: &[u32], html: bool| {
        let found = parts.iter().filter_map(|&part| message.part(part)).find_map(|part| match &part.body {
            PartType::Html(text) if html => Some(text),
            PartType::Text(text) if !html => Some(text),
            _ => None,
        });
        found.map(|text| Value::Text(Arc::from(&**text)))
    };
    let (text, html) = (own(&message.text_body, false), own(&message.html_body, true));
    item.put(property::BODY_TEXT, text);
    item.put(property::BODY_HTML, html);
}

fn attachment(number: u32, part: &MessagePart<'_>, message: &Message<'_>, whole: &Bytes, depth: u32) -> Attachment {
    let content = match &part.body {
        PartType::Message(inner) => {
            let raw = inner.raw_message();
            let bytes = if raw.is_empty() {
                let range = part.offset_body as usize..part.offset_end as usize;
                message.raw_message().get(range).map(Bytes::copy_from_slice).unwrap_or_default()
            } else {
                whole_or_copy(whole, raw)
            };
            match depth.checked_sub(1).map(|depth| read(&bytes, depth)) {
                Some(Ok(item)) => AttachmentContent::Item(Box::new(item)),
                _ => AttachmentContent::File(bytes),
            }
        }
        _ => AttachmentContent::File(whole_or_copy(whole, part.contents())),
    };
    let kind = part.content_type().map(|kind| match kind.subtype() {
        Some(subtype) => format!("{}/{subtype}", kind.ctype()),
        None => kind.ctype().to_owned(),
    });
    let text = |text: Option<&str>| text.map(Arc::from);
    let unnamed = || format!("attachment-{}", number + 1);
    let subject = match &content {
        AttachmentContent::Item(item) => item.text(&property::SUBJECT).map(str::to_owned),
        _ => None,
    };
    Attachment {
        number,
        name: Arc::from(part.attachment_name().map(str::to_owned).or(subject).unwrap_or_else(unnamed)),
        content_type: text(kind.as_deref()),
        content_id: text(part.content_id()),
        content_location: text(part.content_location()),
        inline: part.content_disposition().is_some_and(mail_parser::ContentType::is_inline)
            && part.content_id().is_some(),
        last_modified: None,
        content,
    }
}

/// A part of the message without a copy where it stands there as it is.
fn whole_or_copy(whole: &Bytes, part: &[u8]) -> Bytes {
    let (start, end) = (whole.as_ptr() as usize, whole.as_ptr() as usize + whole.len());
    let at = part.as_ptr() as usize;
    if start <= at && at + part.len() <= end { whole.slice_ref(part) } else { Bytes::copy_from_slice(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "From: Ann <ann@a.test>\r\nTo: Bob <bob@b.test>, c@c.test\r\nCc: d@d.test\r\n\
        Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Tue, 1 Jul 2003 10:52:37 +0200\r\nMessage-ID: <1@a.test>\r\n\
        Importance: high\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
        --x\r\nContent-Type: text/plain\r\n\r\nhello\r\n\
        --x\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\
        Content-Disposition: attachment; filename=a.pdf\r\n\r\nAAEC\r\n\
        --x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody\r\n--x--\r\n";

    #[test]
    fn a_message_is_known_by_its_parts_and_comes_back_as_it_was() {
        let bytes = Bytes::from_static(MAIL.as_bytes());
        let item = Item::from_mime(&bytes).expect("a message");
        assert_eq!(item.text(&property::SUBJECT), Some("Grüße"));
        assert_eq!(item.text(&property::FROM_ADDRESS), Some("ann@a.test"));
        assert_eq!(item.text(&property::BODY_TEXT), Some("hello"));
        assert_eq!(item.text(&property::INTERNET_MESSAGE_ID), Some("<1@a.test>"));
        assert_eq!(item.integer(&property::IMPORTANCE), Some(2));
        assert_eq!(item.time(&property::SUBMIT_TIME), Some("2003-07-01T08:52:37Z".parse().expect("a time")));
        let people: Vec<_> = item.people.iter().map(|person| (person.role, &*person.address)).collect();
        assert_eq!(people, [(Role::To, "bob@b.test"), (Role::To, "c@c.test"), (Role::Cc, "d@d.test")]);
        assert_eq!((&*item.attachments[0].name, item.attachments[0].size()), ("a.pdf", 3));
        assert!(
            matches!(&item.attachments[1].content, AttachmentContent::Item(inner)
            if inner.text(&property::SUBJECT) == Some("inner")),
            "{:?}",
            item.attachments[1]
        );
        assert_eq!(item.to_mime(), bytes);
    }
}
