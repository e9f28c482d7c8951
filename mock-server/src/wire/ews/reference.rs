//! References to folders, items and sync states in attributes and text, and the identity of items.
//!
//! The server turns its numbers into opaque text and back; a client keeps the text it read. What the server cannot read
//! stays text, and is answered with `ErrorInvalidIdMalformed` in its place.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::EwsError;
use super::envelope::Names;
use super::kinds;
use super::xml::{Element, Space, Writer};
use crate::wire::call::FolderRef;
use crate::wire::id::{Id, ItemKey, MailboxKey};
use crate::wire::opaque::{self, Kind};

/// The property that carries an item's identity: `PidTagSearchKey` (\[MS-OXPROPS\] 2.996).
pub(super) const SEARCH_KEY: [(&str, &str); 2] = [("PropertyTag", "0x300B"), ("PropertyType", "Binary")];

/// Length of an identity in base64.
pub(super) const KEY_LENGTH: u64 = 24;

/// Writes references of one mailbox.
#[derive(Copy, Clone)]
pub(super) struct Pen {
    /// The mailbox that the numbers belong to.
    pub(super) mailbox: MailboxKey,
}

impl Pen {
    /// A reference as text.
    pub(super) fn text(self, kind: Kind, id: &Id) -> Cow<'_, str> {
        match id {
            Id::Number(number) => Cow::Owned(opaque::encode(kind, self.mailbox, *number)),
            Id::Text(text) => Cow::Borrowed(text),
        }
    }

    /// Writes an element that holds a reference, as a client does: without a change key.
    pub(super) fn ask(self, writer: &mut Writer, name: &str, kind: Kind, id: &Id) {
        writer.empty(name, &[("Id", &self.text(kind, id))]);
    }

    /// Writes an element that holds a reference, as the server does: with a change key.
    pub(super) fn tell(self, writer: &mut Writer, name: &str, kind: Kind, id: &Id) {
        let change = self.text(Kind::ChangeKey, id);
        writer.empty(name, &[("Id", &self.text(kind, id)), ("ChangeKey", &change)]);
    }
}

/// Reads the references in a request.
#[derive(Default)]
pub(super) struct Lens {
    /// The mailbox of the first reference that could be read.
    pub(super) mailbox: Option<MailboxKey>,
    /// The first mailbox that a distinguished folder was qualified with.
    pub(super) address: Option<String>,
}

impl Lens {
    /// Reads a reference; text that this server did not write, or wrote for another mailbox, stays text.
    pub(super) fn id(&mut self, kind: Kind, text: &str) -> Id {
        match opaque::decode(kind, text) {
            Some((mailbox, number)) if *self.mailbox.get_or_insert(mailbox) == mailbox => Id::Number(number),
            _ => Id::text(text),
        }
    }

    /// Reads the reference in an element's `Id`.
    pub(super) fn of(&mut self, kind: Kind, element: &Element<'_>) -> Result<Id, EwsError> {
        let text = element.attribute("Id").ok_or_else(|| EwsError::schema("the required attribute 'Id' is missing"))?;
        Ok(self.id(kind, text))
    }

    /// Reads all items of a list.
    pub(super) fn items(&mut self, list: Option<&Element<'_>>) -> Result<Vec<Id>, EwsError> {
        let list = list.ok_or_else(|| EwsError::schema("the items are missing"))?;
        if list.children.is_empty() {
            return Err(EwsError::schema("there must be at least one item"));
        }
        list.children
            .iter()
            .map(|child| {
                if child.is(Space::Types, "ItemId") {
                    self.of(Kind::Item, child)
                } else {
                    Err(EwsError::unsupported(&child.name))
                }
            })
            .collect()
    }

    /// Reads one folder, however it is named.
    pub(super) fn folder_ref(&mut self, element: &Element<'_>) -> Result<FolderRef, EwsError> {
        if element.is(Space::Types, "FolderId") {
            return Ok(FolderRef::Id(self.of(Kind::Folder, element)?));
        }
        if !element.is(Space::Types, "DistinguishedFolderId") {
            return Err(EwsError::unsupported(&element.name));
        }
        if self.address.is_none() {
            let mailbox = element.typed("Mailbox").and_then(|mailbox| mailbox.typed("EmailAddress"));
            self.address = mailbox.map(|address| address.text().to_owned()).filter(|address| !address.is_empty());
        }
        let name = element.attribute("Id").ok_or_else(|| EwsError::schema("the required attribute 'Id' is missing"))?;
        match kinds::distinguished(name) {
            Some(kind) => Ok(FolderRef::Kind(kind)),
            None => Ok(FolderRef::Id(Id::text(name))),
        }
    }

    /// Reads the single folder that an operation works on. A distinguished one becomes text: its distinguished name,
    /// for the caller to look up.
    pub(super) fn folder(&mut self, names: &'static Names, holder: Option<&Element<'_>>) -> Result<Id, EwsError> {
        let holder = holder.ok_or_else(|| EwsError::schema("the folder is missing"))?;
        let [folder] = &*holder.children else {
            return Err(EwsError::unsupported("more or less than one folder"));
        };
        match self.folder_ref(folder)? {
            FolderRef::Id(id @ Id::Number(_)) => Ok(id),
            FolderRef::Id(Id::Text(_)) => Err(EwsError::refused(names, "ErrorInvalidIdMalformed")),
            FolderRef::Kind(kind) => Ok(Id::text(kinds::distinguished_name(kind).unwrap_or("msgfolderroot"))),
        }
    }
}

/// The identity of an item on the wire: sixteen bytes, the number and its complement.
pub(super) fn key_bytes(key: ItemKey) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&key.0.to_be_bytes());
    bytes[8..].copy_from_slice(&(!key.0).to_be_bytes());
    bytes
}

/// The identity in sixteen bytes; nothing if the halves do not belong together.
pub(super) fn key_of_bytes(bytes: &[u8]) -> Option<ItemKey> {
    let key = u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
    let complement = u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?);
    (key == !complement).then_some(ItemKey(key))
}

/// The identity of an item as base64.
pub(super) fn key_text(key: ItemKey) -> String {
    STANDARD.encode(key_bytes(key))
}

/// The identity in base64 text of exactly sixteen bytes.
pub(super) fn key_of_text(text: &str) -> Option<ItemKey> {
    let bytes = STANDARD.decode(text).ok()?;
    (bytes.len() == 16).then(|| key_of_bytes(&bytes)).flatten()
}

/// Writes the identity as an extended property.
pub(super) fn write_key(writer: &mut Writer, key: ItemKey) {
    writer.open("t:ExtendedProperty", &[]);
    writer.empty("t:ExtendedFieldURI", &SEARCH_KEY);
    writer.leaf("t:Value", &key_text(key));
    writer.close("t:ExtendedProperty");
}

/// Reads the identity from the extended properties of an item.
pub(super) fn read_key(item: &Element<'_>) -> Option<ItemKey> {
    property(item, 0x300B).and_then(key_of_text)
}

/// The value of the extended property of a MAPI tag.
pub(super) fn property<'d>(element: &'d Element<'_>, tag: u16) -> Option<&'d str> {
    let mut properties = element.children.iter().filter(|child| child.is(Space::Types, "ExtendedProperty"));
    let property =
        properties.find(|property| property.typed("ExtendedFieldURI").is_some_and(|uri| is_tag(uri, tag)))?;
    property.typed("Value").map(Element::text)
}

/// Whether an `ExtendedFieldURI` names a MAPI tag. Servers and clients write tags in either case, with or without
/// leading zeros, and in decimal.
pub(super) fn is_tag(uri: &Element<'_>, tag: u16) -> bool {
    let Some(text) = uri.attribute("PropertyTag") else { return false };
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    number == Some(tag)
}
