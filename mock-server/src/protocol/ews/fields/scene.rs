//! What an item is shown with: where it lies, who looks, and what was asked.

use jiff::Timestamp;

use super::shape::Shape;
use crate::mailbox::item::Item;
use crate::mailbox::property::{Property, Value};
use crate::wire::id::MailboxKey;

/// What stands in a series.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Series {
    /// Not in a series.
    Single,
    /// The series itself.
    Master,
    /// One occurrence, as the pattern has it, by its original start.
    Occurrence(Timestamp),
    /// One that was changed, by its original start.
    Exception(Timestamp),
}

impl Series {
    /// The original start of an occurrence.
    pub(in super::super) fn original_start(self) -> Option<Timestamp> {
        match self {
            Self::Occurrence(start) | Self::Exception(start) => Some(start),
            Self::Single | Self::Master => None,
        }
    }
}

/// Where an item lies.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Place {
    /// Its number.
    pub(in super::super) number: u64,
    /// The folder.
    pub(in super::super) folder: u32,
    /// Counts its changes.
    pub(in super::super) version: u64,
    /// Its size in bytes.
    pub(in super::super) size: u32,
}

/// Who looks.
#[derive(Copy, Clone, Debug)]
pub(in super::super) struct Viewer<'s> {
    /// The mailbox.
    pub(in super::super) mailbox: MailboxKey,
    /// Its address.
    pub(in super::super) address: &'s str,
}

/// An item with all that is needed to show it.
#[derive(Clone, Debug)]
pub(in super::super) struct Scene<'s> {
    /// The item.
    pub(in super::super) item: &'s Item,
    /// Where it lies, or the item that it is attached to.
    pub(in super::super) place: Place,
    /// The numbers of the attachments that lead to it from the item there; empty if it is that item.
    pub(in super::super) within: &'s [u32],
    /// Who looks.
    pub(in super::super) viewer: Viewer<'s>,
    /// What it stands for in a series.
    pub(in super::super) series: Series,
    /// What was asked.
    pub(in super::super) shape: &'s Shape,
    /// Whether it is listed rather than fetched.
    pub(in super::super) find: bool,
}

impl Scene<'_> {
    /// What the item has in a property. Some properties are kept elsewhere than among the properties.
    pub(in super::super) fn property(&self, property: &Property) -> Option<Value> {
        use super::basics::{self, tags};
        if let Some(value) = self.item.properties.get(property) {
            return Some(value.clone());
        }
        let Property::Tag(tag) = property else { return None };
        Some(match *tag {
            tags::MESSAGE_SIZE => Value::Integer(i32::try_from(self.place.size).unwrap_or(i32::MAX)),
            tags::MESSAGE_SIZE_EXTENDED => Value::Long(i64::from(self.place.size)),
            tags::MESSAGE_CLASS => Value::Text(self.item.class.clone()),
            tags::HAS_ATTACHMENTS => Value::Bool(basics::has_attachments(self.item)),
            tags::READ => Value::Bool(basics::flags(self.item) & 1 != 0),
            tags::MESSAGE_FLAGS => Value::Integer(basics::flags(self.item)),
            tags::RECORD_KEY | tags::ENTRY_ID | tags::INSTANCE_KEY => {
                Value::Binary(basics::entry_id(self.viewer.mailbox, self.place.number))
            }
            // The article number grows with every item of a mailbox: the numbers of items do as well. It is never zero,
            // which is no number of a message in IMAP (RFC 3501, nz-number).
            tags::ARTICLE_NUMBER => Value::Integer((self.place.number % 0x7FFF_FFFF) as i32 + 1),
            tags::URL_NAME => Value::Text(basics::url_name(self.item).into()),
            tags::DISPLAY_TO | tags::DISPLAY_CC | tags::DISPLAY_BCC => {
                Value::Text(basics::display(self.item, *tag).into())
            }
            _ => return None,
        })
    }

    /// Which entries of a dictionary are wanted: nothing means all.
    pub(in super::super) fn only(&self, name: &str) -> Option<Vec<&'static str>> {
        self.shape.entries(name)
    }
}
