//! Simple fields: one property, written as text of one type.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::extended::read_binary;
use super::field::{Codec, Slot};
use super::props::{get, put};
use super::scene::Scene;
use super::{people, times};
use crate::mailbox::item::Item;
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::wire::ews::xml::{Element, Space, Writer};

/// Numbers with the words that EWS has for them. The first is what an item without the property shows.
pub(in super::super) type Choices = &'static [(i32, &'static str)];

/// `PidTagSensitivity` (\[MS-OXCMSG\] 2.2.1.13).
pub(in super::super) const SENSITIVITY: [(i32, &str); 4] =
    [(0, "Normal"), (1, "Personal"), (2, "Private"), (3, "Confidential")];
/// `PidTagImportance` (\[MS-OXCMSG\] 2.2.1.11).
pub(in super::super) const IMPORTANCE: [(i32, &str); 3] = [(1, "Normal"), (0, "Low"), (2, "High")];
/// `PidLidBusyStatus` (\[MS-OXOCAL\] 2.2.1.2).
pub(in super::super) const BUSY: [(i32, &str); 6] =
    [(2, "Busy"), (0, "Free"), (1, "Tentative"), (3, "OOF"), (4, "WorkingElsewhere"), (-1, "NoData")];
/// `PidLidResponseStatus` (\[MS-OXOCAL\] 2.2.1.11).
pub(in super::super) const RESPONSE_TYPES: [(i32, &str); 6] =
    [(0, "Unknown"), (1, "Organizer"), (2, "Tentative"), (3, "Accept"), (4, "Decline"), (5, "NoResponseReceived")];
/// `PidLidFileUnderId` (\[MS-OXOCNTC\] 2.2.1.1.12); those that the protocol has no number for are numbered here.
pub(in super::super) const FILE_AS: [(i32, &str); 18] = [
    (0, "None"),
    (0x8017, "LastCommaFirst"),
    (0x8037, "FirstSpaceLast"),
    (0x3A16, "Company"),
    (0x8019, "LastCommaFirstCompany"),
    (0x8018, "CompanyLastFirst"),
    (0x8030, "LastFirst"),
    (0x8031, "LastFirstCompany"),
    (0x8032, "CompanyLastCommaFirst"),
    (0x8033, "LastFirstSuffix"),
    (0x8034, "LastSpaceFirstCompany"),
    (0x8035, "CompanyLastSpaceFirst"),
    (0x8036, "LastSpaceFirst"),
    (0x3001, "DisplayName"),
    (0x3A06, "FirstName"),
    (0x8038, "LastFirstMiddleSuffix"),
    (0x3A11, "LastName"),
    (-1, "Empty"),
];
/// `PidLidPostalAddressId` (\[MS-OXOCNTC\] 2.2.1.3.9).
pub(in super::super) const POSTAL: [(i32, &str); 4] = [(0, "None"), (1, "Home"), (2, "Business"), (3, "Other")];
/// `PidLidTaskStatus` (\[MS-OXOTASK\] 2.2.2.2.2).
pub(in super::super) const TASK_STATUS: [(i32, &str); 5] =
    [(0, "NotStarted"), (1, "InProgress"), (2, "Completed"), (3, "WaitingOnOthers"), (4, "Deferred")];

/// The word of a number.
pub(in super::super) fn word(choices: Choices, number: i32) -> &'static str {
    choices.iter().find(|(known, _)| *known == number).unwrap_or(&choices[0]).1
}

/// Reads `xs:boolean`.
pub(in super::super) fn read_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "1" | "True" => Some(true),
        "false" | "0" | "False" => Some(false),
        _ => None,
    }
}

/// The most characters of a text that `FindItem` shows (Microsoft Learn, "`FindItem` operation": the first 512 bytes of
/// streamable properties, 255 characters with the terminating null).
const FIND_CHARACTERS: usize = 255;

/// The start of a text.
pub(in super::super) fn first_characters(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

/// Writes the field if the item has a value.
pub(in super::super) fn write(writer: &mut Writer, element: &str, codec: Codec, scene: &Scene<'_>) {
    let name = &tag(element);
    let own = |slot: Slot| scene.property(&slot.property());
    match codec {
        Codec::Text(slot) => {
            if let Some(Value::Text(text)) = own(slot) {
                writer.leaf(name, if scene.find { first_characters(&text, FIND_CHARACTERS) } else { &text });
            }
        }
        Codec::Bool(_) | Codec::Flag(_) | Codec::Integer(_) | Codec::Choice(..) | Codec::Word(..) => {
            if let Some(text) = value(codec, scene).as_ref().and_then(plain) {
                writer.leaf(name, &text);
            }
        }
        Codec::Time(slot) => {
            if let Some(Value::Time(moment)) = own(slot) {
                writer.leaf(name, &times::write(moment));
            }
        }
        Codec::Binary(slot) => {
            if let Some(Value::Binary(bytes)) = own(slot) {
                writer.leaf(name, &base64(&bytes));
            }
        }
        Codec::Texts(slot) => {
            if let Some(Value::Texts(texts)) = own(slot)
                && !texts.is_empty()
            {
                writer.open(name, &[]);
                for text in &texts {
                    writer.leaf("t:String", text);
                }
                writer.close(name);
            }
        }
        Codec::People(role) => people::write_recipients(writer, name, scene.item, role),
        Codec::Attendees(role) => people::write_attendees(writer, name, scene.item, role),
        Codec::Mailbox(tags) => people::write_single(writer, name, scene.item, tags),
        Codec::Special(special) => special.write(writer, name, scene),
        Codec::Absent => {}
    }
}

/// The name of an element with the prefix of the types.
pub(in super::super) fn tag(element: &str) -> String {
    ["t:", element].concat()
}

/// Bytes in base64.
pub(in super::super) fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn plain(value: &Value) -> Option<String> {
    Some(match value {
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Text(text) => text.to_string(),
        _ => return None,
    })
}

/// What an item has in the field, for comparing and for writing.
pub(in super::super) fn value(codec: Codec, scene: &Scene<'_>) -> Option<Value> {
    let own = |slot: Slot| scene.property(&slot.property());
    match codec {
        Codec::Text(slot)
        | Codec::Time(slot)
        | Codec::Binary(slot)
        | Codec::Texts(slot)
        | Codec::Bool(slot)
        | Codec::Integer(slot) => own(slot),
        Codec::Flag(slot) => Some(own(slot).unwrap_or(Value::Bool(false))),
        Codec::Choice(slot, choices) => {
            let number = match own(slot) {
                Some(Value::Integer(number)) => number,
                _ => choices[0].0,
            };
            Some(Value::Text(Arc::from(word(choices, number))))
        }
        Codec::Word(slot, choices) => match own(slot)? {
            Value::Integer(number) => Some(Value::Text(Arc::from(word(choices, number)))),
            _ => None,
        },
        Codec::People(role) | Codec::Attendees(role) => people::value(scene.item, role),
        Codec::Mailbox(tags) => people::single_value(scene.item, tags),
        Codec::Special(special) => special.value(scene),
        Codec::Absent => None,
    }
}

/// Sets the field from an element of a request.
pub(in super::super) fn set(
    item: &mut Item,
    codec: Codec,
    element: &Element<'_>,
    zone: &TimeZone,
) -> Result<(), Failure> {
    let text = element.text();
    let (slot, value) = match codec {
        Codec::Text(slot) => (slot, Some(Value::Text(Arc::from(element.whole_text())))),
        Codec::Bool(slot) | Codec::Flag(slot) => (slot, read_bool(text).map(Value::Bool)),
        Codec::Integer(slot) => (slot, text.parse().ok().map(Value::Integer)),
        Codec::Time(slot) => (slot, times::read(text, zone).map(Value::Time)),
        Codec::Binary(slot) => (slot, read_binary(text).map(Value::Binary)),
        Codec::Texts(slot) => {
            let texts = element.children.iter().filter(|child| child.is(Space::Types, "String"));
            (slot, Some(Value::Texts(texts.map(|text| Arc::from(text.whole_text())).collect())))
        }
        Codec::Choice(slot, choices) | Codec::Word(slot, choices) => {
            (slot, choices.iter().find(|(_, word)| *word == text).map(|(number, _)| Value::Integer(*number)))
        }
        Codec::People(role) => return people::set_recipients(item, role, element),
        Codec::Attendees(role) => return people::set_attendees(item, role, element, zone),
        Codec::Mailbox(tags) => return people::set_single(item, tags, element),
        Codec::Special(special) => return special.set(item, element, zone),
        Codec::Absent => return Err(Failure::PROPERTY_SET),
    };
    put(item, slot.property(), Some(value.ok_or(Failure::PROPERTY_VALUE)?));
    Ok(())
}

/// Takes the field away.
pub(in super::super) fn clear(item: &mut Item, codec: Codec) -> Result<(), Failure> {
    match codec {
        Codec::Text(slot)
        | Codec::Bool(slot)
        | Codec::Flag(slot)
        | Codec::Integer(slot)
        | Codec::Time(slot)
        | Codec::Binary(slot)
        | Codec::Texts(slot)
        | Codec::Choice(slot, _)
        | Codec::Word(slot, _) => put(item, slot.property(), None),
        Codec::People(role) | Codec::Attendees(role) => people::clear(item, role),
        Codec::Mailbox(tags) => tags.into_iter().for_each(|tag| put(item, Slot::Tag(tag).property(), None)),
        Codec::Special(special) => return special.clear(item),
        Codec::Absent => return Err(Failure::PROPERTY_DELETE),
    }
    Ok(())
}

/// Adds to the field: text to a body, entries to a list.
pub(in super::super) fn append(
    item: &mut Item,
    codec: Codec,
    element: &Element<'_>,
    zone: &TimeZone,
) -> Result<(), Failure> {
    match codec {
        Codec::Special(special) => special.append(item, element),
        Codec::People(role) => people::append_recipients(item, role, element),
        Codec::Attendees(role) => people::append_attendees(item, role, element, zone),
        Codec::Texts(slot) => {
            let mut all = match get(item, &slot.property()) {
                Some(Value::Texts(texts)) => texts.clone(),
                _ => Vec::new(),
            };
            let more = element.children.iter().filter(|child| child.is(Space::Types, "String"));
            all.extend(more.map(|text| Arc::from(text.whole_text())));
            put(item, slot.property(), Some(Value::Texts(all)));
            Ok(())
        }
        _ => Err(Failure::PROPERTY_APPEND),
    }
}
