//! One field: what EWS calls a property of an item, and how it is kept.

use super::codec::Choices;
use super::special::Special;
use crate::mailbox::item::Role;
use crate::mailbox::property::{Property, PropertyName};

/// A MAPI property in a table. Unlike [`Property`], it can be written in one with a name.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Slot {
    /// By tag.
    Tag(u16),
    /// By property set and number.
    Id(u128, u32),
    /// By property set and name.
    Name(u128, &'static str),
}

impl Slot {
    /// The property.
    pub(in super::super) fn property(self) -> Property {
        match self {
            Self::Tag(tag) => Property::Tag(tag),
            Self::Id(set, number) => Property::Named { set, name: PropertyName::Number(number) },
            Self::Name(set, name) => Property::Named { set, name: PropertyName::Text(name.into()) },
        }
    }
}

/// How a field is written, read and kept.
#[derive(Copy, Clone, Debug)]
pub(in super::super) enum Codec {
    /// `xs:string`.
    Text(Slot),
    /// `xs:boolean`.
    Bool(Slot),
    /// `xs:boolean` that is shown as false where it is not set.
    Flag(Slot),
    /// `xs:int`.
    Integer(Slot),
    /// `xs:dateTime`.
    Time(Slot),
    /// `xs:base64Binary`.
    Binary(Slot),
    /// A list of `String` elements.
    Texts(Slot),
    /// A word for each number; the first word where it is not set.
    Choice(Slot, Choices),
    /// A word for each number; nothing where it is not set.
    Word(Slot, Choices),
    /// Recipients of one role.
    People(Role),
    /// Attendees of one role.
    Attendees(Role),
    /// One person, in the properties for name, address type, address and SMTP address.
    Mailbox([u16; 4]),
    /// Whatever is more than one property.
    Special(Special),
    /// Known to the schema, and empty here.
    Absent,
}

/// In the shape `Default`.
pub(in super::super) const DEFAULT: u8 = 1;
/// Clients may set it.
pub(in super::super) const SET: u8 = 2;
/// Only `GetItem` shows it.
pub(in super::super) const GET: u8 = 4;
/// It cannot stand in a restriction or a sort order.
pub(in super::super) const BLIND: u8 = 8;
/// It can be changed only while the message is a draft.
pub(in super::super) const DRAFT: u8 = 16;
/// Not in the shape `AllProperties`.
pub(in super::super) const EXTRA: u8 = 32;
/// It may be set, but not be taken away.
pub(in super::super) const KEEP: u8 = 64;

/// One field.
#[derive(Debug)]
pub(in super::super) struct Field {
    /// What a `FieldURI` calls it.
    pub(in super::super) uri: &'static str,
    /// How it is written, read and kept.
    pub(in super::super) codec: Codec,
    /// What else holds of it.
    flags: u8,
}

impl Field {
    /// A field of a table.
    pub(in super::super) const fn new(uri: &'static str, codec: Codec, flags: u8) -> Self {
        Self { uri, codec, flags }
    }

    /// The name of its element.
    pub(in super::super) fn element(&self) -> &'static str {
        self.uri.split_once(':').map_or(self.uri, |(_, name)| name)
    }

    /// Whether all of some flags are set.
    pub(in super::super) fn is(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }
}
