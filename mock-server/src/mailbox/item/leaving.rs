//! Items as MIME messages.

use bytes::Bytes;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};

use super::{Attachment, AttachmentContent, Item, Role};
use crate::mailbox::property::{self, Property};

impl Item {
    /// The item as a message: the one that it was made from, or one that says what it says now. The same item gives the
    /// same bytes.
    #[must_use]
    pub fn to_mime(&self) -> Bytes {
        match &self.mime {
            Some(mime) => mime.clone(),
            None => Bytes::from(build(self)),
        }
    }
}

fn build(item: &Item) -> Vec<u8> {
    let text = |property: &Property| item.text(property);
    let mut message = MessageBuilder::new();
    if let Some(address) = text(&property::FROM_ADDRESS).or_else(|| text(&property::SENDER_ADDRESS)) {
        message = message.from(Address::new_address(text(&property::FROM_NAME), address));
    }
    for (role, header) in [
        (Role::To, "To"),
        (Role::Required, "To"),
        (Role::Cc, "Cc"),
        (Role::Optional, "Cc"),
        (Role::Bcc, "Bcc"),
        (Role::ReplyTo, "Reply-To"),
    ] {
        let all: Vec<_> = item.people.iter().filter(|person| person.role == role).collect();
        if !all.is_empty() {
            let list = all.iter().map(|person| Address::new_address(Some(&*person.name), &*person.address)).collect();
            message = message.header(header, Address::new_list(list));
        }
    }
    message = message.subject(text(&property::SUBJECT).unwrap_or_default());
    let sent = [property::SUBMIT_TIME, property::DELIVERY_TIME, property::CREATION_TIME];
    // A message without any moment of its own bears the first one, not the present: the same item, the same bytes.
    let sent = sent.iter().find_map(|property| item.time(property)).map_or(0, jiff::Timestamp::as_second);
    message = message.date(sent);
    message = message.message_id(match text(&property::INTERNET_MESSAGE_ID) {
        Some(id) => id.trim_matches(['<', '>']).to_owned(),
        None => format!("{:016x}@mock-server.invalid", item.key().map_or(0, |key| key.0)),
    });
    for (property, header) in [(property::IN_REPLY_TO, "In-Reply-To"), (property::REFERENCES, "References")] {
        if let Some(value) = text(&property) {
            message = message.header(header, Raw::new(value.replace(['\r', '\n'], " ")));
        }
    }
    match item.integer(&property::IMPORTANCE) {
        Some(2) => message = message.header("Importance", Raw::new("high")),
        Some(0) => message = message.header("Importance", Raw::new("low")),
        _ => {}
    }
    let mut bytes = Vec::new();
    message.body(body(item)).serialize(&mut bytes);
    bytes
}

/// The bodies and the attachments around them. Boundaries come from the content, so that nothing is drawn.
fn body(item: &Item) -> MimePart<'_> {
    let plain = item.text(&property::BODY_TEXT).map(|text| MimePart::new("text/plain", text));
    let html = item.text(&property::BODY_HTML).map(|text| MimePart::new("text/html", text));
    let bodies = match (plain, html) {
        (Some(plain), Some(html)) => multipart("alternative", item, vec![plain, html]),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => MimePart::new("text/plain", ""),
    };
    if item.attachments.is_empty() {
        return bodies;
    }
    let parts = std::iter::once(bodies).chain(item.attachments.iter().map(attachment)).collect();
    multipart("mixed", item, parts)
}

fn multipart<'x>(kind: &str, item: &Item, parts: Vec<MimePart<'x>>) -> MimePart<'x> {
    let mark = xxhash_rust::xxh3::xxh3_64_with_seed(
        item.text(&property::BODY_TEXT).or_else(|| item.text(&property::BODY_HTML)).unwrap_or_default().as_bytes(),
        item.attachments.len() as u64,
    );
    let kind_of = ContentType::new(format!("multipart/{kind}")).attribute("boundary", format!("_{kind}_{mark:016x}_"));
    MimePart::new(kind_of, parts)
}

fn attachment(attachment: &Attachment) -> MimePart<'_> {
    let (kind, content) = match &attachment.content {
        AttachmentContent::File(bytes) => {
            let kind = attachment.content_type.as_deref().unwrap_or("application/octet-stream");
            (kind, BodyPart::Binary(bytes.as_ref().into()))
        }
        AttachmentContent::Item(item) => ("message/rfc822", BodyPart::Binary(item.to_mime().to_vec().into())),
        AttachmentContent::Reference(place) => ("text/uri-list", BodyPart::Text((&**place).into())),
    };
    let mut part = MimePart::new(kind.to_owned(), content);
    part = if attachment.inline { part.inline() } else { part.attachment(&*attachment.name) };
    if let Some(id) = &attachment.content_id {
        part = part.cid(&**id);
    }
    part
}

#[cfg(test)]
mod tests {
    use super::super::Person;
    use super::*;
    use crate::mailbox::property::Value;

    #[test]
    fn what_is_written_is_read_again() {
        let mut item = Item::default();
        item.put(property::SUBJECT, Some(Value::Text("Grüße".into())));
        item.put(property::FROM_ADDRESS, Some(Value::Text("a@a.test".into())));
        item.put(property::BODY_TEXT, Some(Value::Text("hello".into())));
        item.put(property::BODY_HTML, Some(Value::Text("<p>hello</p>".into())));
        item.people.push(Person { address: "b@b.test".into(), name: "B".into(), ..Person::default() });
        item.attachments.push(Attachment {
            number: 0,
            name: "a.bin".into(),
            content_type: None,
            content_id: None,
            content_location: None,
            inline: false,
            last_modified: None,
            content: AttachmentContent::File(Bytes::from_static(&[0, 1, 2, 255])),
        });
        let mime = item.to_mime();
        assert_eq!(mime, item.to_mime());
        let again = Item::from_mime(&mime).expect("a message");
        for property in [property::SUBJECT, property::FROM_ADDRESS, property::BODY_TEXT, property::BODY_HTML] {
            assert_eq!(again.text(&property).map(str::trim), item.text(&property), "{property:?}");
        }
        assert_eq!(again.people, item.people);
        assert_eq!(again.attachments[0].content, item.attachments[0].content);
    }
}
