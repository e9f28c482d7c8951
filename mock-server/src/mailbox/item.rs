//! A whole item: properties, people, attachments, and the exact message that it arrived as.
//!
//! Every protocol reads and writes the same item: EWS and Graph fields, MAPI properties and MIME are views of it.

mod arriving;
mod leaving;
pub mod recurrence;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use self::recurrence::Recurrence;
use super::property::{self, Properties, Property, Value};
use crate::wire::id::ItemKey;
use crate::wire::stream::{SEARCH_KEY_BYTES, search_key};

/// The class of a message.
pub const NOTE: &str = "IPM.Note";

/// A whole item.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// What it is: `IPM.Note`, `IPM.Appointment`, `IPM.Contact`, `IPM.Task` and so on.
    pub class: Arc<str>,
    /// Everything scalar about it.
    pub properties: Properties,
    /// Recipients, attendees or members, in order.
    pub people: Vec<Person>,
    /// Its attachments, in order.
    pub attachments: Vec<Attachment>,
    /// How it recurs, if it does.
    pub recurrence: Option<Recurrence>,
    /// The message that it was made from, byte by byte, as long as it is true.
    pub mime: Option<Bytes>,
}

impl Default for Item {
    fn default() -> Self {
        Self {
            class: Arc::from(NOTE),
            properties: Properties::new(),
            people: Vec::new(),
            attachments: Vec::new(),
            recurrence: None,
            mime: None,
        }
    }
}

/// What somebody has to do with an item.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Role {
    /// It is addressed to them.
    #[default]
    To,
    /// They get a copy.
    Cc,
    /// They get a copy that others do not see.
    Bcc,
    /// Replies go to them.
    ReplyTo,
    /// They must attend.
    Required,
    /// They may attend.
    Optional,
    /// A room or a device.
    Resource,
    /// A member of a list.
    Member,
}

/// Somebody who has to do with an item.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Person {
    /// What they have to do with it.
    pub role: Role,
    /// The display name.
    pub name: Arc<str>,
    /// The address.
    pub address: Arc<str>,
    /// The kind of address, usually `SMTP`.
    pub routing: Arc<str>,
    /// Their answer to an invitation: 0 none, 1 organizer, 2 tentative, 3 accepted, 4 declined, 5 not responded
    /// (`PidLidResponseStatus`).
    pub response: i32,
    /// When they answered.
    pub responded: Option<Timestamp>,
}

impl Default for Person {
    fn default() -> Self {
        Self {
            role: Role::To,
            name: Arc::from(""),
            address: Arc::from(""),
            routing: Arc::from("SMTP"),
            response: 0,
            responded: None,
        }
    }
}

/// An attachment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Attachment {
    /// Its number within the item, which stays while others come and go.
    pub number: u32,
    /// Its name.
    pub name: Arc<str>,
    /// The type of its content.
    pub content_type: Option<Arc<str>>,
    /// The identity by which the body refers to it, without angle brackets.
    pub content_id: Option<Arc<str>>,
    /// The place by which the body refers to it.
    pub content_location: Option<Arc<str>>,
    /// Whether it is shown within the body.
    pub inline: bool,
    /// When it was last changed.
    pub last_modified: Option<Timestamp>,
    /// What it holds.
    pub content: AttachmentContent,
}

/// What an attachment holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum AttachmentContent {
    /// A file.
    File(Bytes),
    /// An item.
    Item(Box<Item>),
    /// The address of something elsewhere.
    Reference(Arc<str>),
}

impl Attachment {
    /// Its size in bytes, as far as it is known.
    #[must_use]
    pub fn size(&self) -> u32 {
        match &self.content {
            AttachmentContent::File(bytes) => bytes.len() as u32,
            AttachmentContent::Item(item) => item.size(),
            AttachmentContent::Reference(place) => place.len() as u32,
        }
    }
}

/// Why an item was not read.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is no message.
    #[error("this is no MIME message")]
    Mime,
    /// It is no stream of this server.
    #[error("this is no exported stream of this server")]
    Foreign,
    /// It was cut or altered.
    #[error("the exported stream was cut or altered")]
    Altered,
}

/// Marks an exported stream of a whole item, the last byte being the version of the format.
const MARK: [u8; 4] = *b"wti\x01";
const MARK_AT: usize = SEARCH_KEY_BYTES;
const CONTENT_AT: usize = MARK_AT + 4;
const CHECK_BYTES: usize = 8;

impl Item {
    /// The value of a property.
    #[must_use]
    pub fn get(&self, property: &Property) -> Option<&Value> {
        self.properties.get(property)
    }

    /// The value of a property that is text.
    #[must_use]
    pub fn text(&self, property: &Property) -> Option<&str> {
        self.get(property).and_then(Value::as_text)
    }

    /// The value of a property that is a moment.
    #[must_use]
    pub fn time(&self, property: &Property) -> Option<Timestamp> {
        self.get(property).and_then(Value::as_time)
    }

    /// The value of a property that is an integer.
    #[must_use]
    pub fn integer(&self, property: &Property) -> Option<i32> {
        self.get(property).and_then(Value::as_integer)
    }

    /// Sets a property, or takes it away.
    pub fn put(&mut self, property: Property, value: Option<Value>) {
        match value {
            Some(value) => self.properties.insert(property, value),
            None => self.properties.remove(&property),
        };
    }

    /// Whether it was read. Items other than messages always are.
    #[must_use]
    pub fn is_read(&self) -> bool {
        !self.class.starts_with(NOTE) || self.flags() & property::FLAG_READ != 0
    }

    /// The flags of a message.
    #[must_use]
    pub fn flags(&self) -> i32 {
        self.integer(&property::MESSAGE_FLAGS).unwrap_or(0)
    }

    /// Sets and clears flags of a message.
    pub fn flag(&mut self, set: i32, clear: i32) {
        let flags = self.flags() & !clear | set;
        self.put(property::MESSAGE_FLAGS, Some(Value::Integer(flags)));
    }

    /// The number for the next attachment.
    #[must_use]
    pub fn next_attachment(&self) -> u32 {
        self.attachments.iter().map(|attachment| attachment.number + 1).max().unwrap_or(0)
    }

    /// Whether another item differs in nothing but whether it was read and when it was last changed.
    #[must_use]
    pub fn differs_in_reading_only(&self, other: &Self) -> bool {
        let rest = |item: &Self| {
            let mut rest = item.clone();
            rest.flag(0, property::FLAG_READ);
            rest.put(property::LAST_MODIFIED, None);
            rest
        };
        self.is_read() != other.is_read() && rest(self) == rest(other)
    }

    /// Its size in bytes: of the message that it was made from, or about as many as all its parts take.
    #[must_use]
    pub fn size(&self) -> u32 {
        if let Some(mime) = &self.mime {
            return mime.len() as u32;
        }
        // What a property, a person and an attachment take beside their texts is assumed.
        let properties: u64 = self.properties.values().map(|value| value.bytes() + 16).sum();
        let people: usize = self.people.iter().map(|person| person.name.len() + person.address.len() + 64).sum();
        let attachments: u64 = self.attachments.iter().map(|attachment| u64::from(attachment.size()) + 128).sum();
        u32::try_from(256 + properties + people as u64 + attachments).unwrap_or(u32::MAX)
    }

    /// The identity in its search key, if it has one that this server can read.
    #[must_use]
    pub fn key(&self) -> Option<ItemKey> {
        match self.get(&property::SEARCH_KEY) {
            Some(Value::Binary(bytes)) => Some(crate::wire::stream::read_search_key(bytes)),
            _ => None,
        }
    }

    /// The exported stream: everything about the item, with its identity in front and a checksum behind.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "items are made of values that always have a written form")]
    pub fn export(&self, key: ItemKey) -> Bytes {
        let mut bytes = search_key(key).to_vec();
        bytes.extend_from_slice(&MARK);
        let mut bytes = postcard::to_extend(self, bytes).expect("items are made of plain values");
        let check = xxh3_64(&bytes);
        bytes.extend_from_slice(&check.to_be_bytes());
        Bytes::from(bytes)
    }

    /// The item of an exported stream.
    ///
    /// # Errors
    ///
    /// If the stream is of another make, or was cut or altered.
    pub fn import(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.get(MARK_AT..CONTENT_AT) != Some(MARK.as_slice()) {
            return Err(Unreadable::Foreign);
        }
        let (content, check) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(Unreadable::Altered)?;
        if u64::from_be_bytes(*check) != xxh3_64(content) {
            return Err(Unreadable::Altered);
        }
        let content = content.get(CONTENT_AT..).ok_or(Unreadable::Altered)?;
        postcard::from_bytes(content).map_err(|_| Unreadable::Altered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        let mut item = Item::default();
        item.put(property::SUBJECT, Some(Value::Text("a".into())));
        item.put(property::KEYWORDS.clone(), Some(Value::Texts(vec!["red".into()])));
        item.put(property::SUBMIT_TIME, Some(Value::Time(Timestamp::UNIX_EPOCH)));
        item.put(Property::Tag(0x7000), Some(Value::List(vec![Value::Guid(u128::MAX), Value::Double(0.5)])));
        item.people.push(Person { address: "a@b".into(), ..Person::default() });
        item
    }

    #[test]
    fn an_exported_item_comes_back_whole() {
        let bytes = item().export(ItemKey(7));
        assert_eq!(Item::import(&bytes), Ok(item()));
        assert_eq!(crate::wire::stream::key(&bytes), ItemKey(7));
    }

    #[test]
    fn cut_and_altered_streams_are_found() {
        let bytes = item().export(ItemKey(7));
        for at in 0..bytes.len() {
            assert!(Item::import(&bytes[..at]).is_err());
            let mut altered = bytes.to_vec();
            altered[at] ^= 4;
            assert!(at < MARK_AT || Item::import(&altered).is_err(), "{at}");
        }
    }

    #[test]
    fn reading_is_told_from_other_changes() {
        let (unread, mut read) = (item(), item());
        read.flag(property::FLAG_READ, 0);
        assert!(unread.differs_in_reading_only(&read));
        read.put(property::SUBJECT, None);
        assert!(!unread.differs_in_reading_only(&read));
        assert!(!unread.differs_in_reading_only(&unread));
    }
}
