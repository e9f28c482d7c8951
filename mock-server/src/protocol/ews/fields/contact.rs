//! Fields of contacts and distribution lists that are made of several properties.

use super::codec::first_characters;
use super::field::Slot;
use super::people;
use super::props::{put_slot, text};
use super::scene::Scene;
use super::sort::Sort;
use super::special::Special;
use crate::mailbox::item::Item;
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::wire::ews::xml::{Element, Writer};

/// The most characters of a part of a name (Exchange's directory: 256 with the terminating null; assumed for items).
const SHORT_CHARACTERS: usize = 255;

/// The name of a list (`PidTagDisplayName`).
const DISPLAY_NAME: Slot = Slot::Tag(0x3001);

/// The parts of a complete name in the schema's order.
const NAME_PARTS: [(&str, Slot); 8] = [
    ("t:Title", Slot::Tag(0x3A45)),
    ("t:FirstName", Slot::Tag(0x3A06)),
    ("t:MiddleName", Slot::Tag(0x3A44)),
    ("t:LastName", Slot::Tag(0x3A11)),
    ("t:Suffix", Slot::Tag(0x3A05)),
    ("t:Initials", Slot::Tag(0x3A0A)),
    ("t:FullName", DISPLAY_NAME),
    ("t:Nickname", Slot::Tag(0x3A4F)),
];

/// Writes the field.
pub(super) fn write(special: Special, writer: &mut Writer, name: &str, scene: &Scene<'_>) {
    match special {
        Special::CompleteName => {
            if NAME_PARTS.iter().all(|(_, slot)| text(scene.item, *slot).is_none()) {
                return;
            }
            writer.open(name, &[]);
            for (element, slot) in NAME_PARTS {
                if let Some(part) = text(scene.item, slot) {
                    writer.leaf(element, part);
                }
            }
            writer.close(name);
        }
        Special::ContactSource => {
            if matches!(Sort::of_class(&scene.item.class), Sort::Contact | Sort::DistributionList) {
                writer.leaf(name, "Store");
            }
        }
        _ => people::write_members(writer, name, scene.item),
    }
}

/// What an item has in the field.
pub(super) fn value(special: Special, scene: &Scene<'_>) -> Option<Value> {
    let slot = match special {
        Special::Short(tag) => Slot::Tag(tag),
        _ => DISPLAY_NAME,
    };
    text(scene.item, slot).cloned().map(Value::Text)
}

/// Sets the field.
pub(super) fn set(special: Special, item: &mut Item, element: &Element<'_>) -> Result<(), Failure> {
    let content = element.whole_text();
    match special {
        Special::Short(_) if content.chars().count() > SHORT_CHARACTERS => return Err(Failure::PROPERTY_UPDATE),
        Special::Short(tag) => put_slot(item, Slot::Tag(tag), Some(Value::Text(content.into()))),
        Special::Members => return people::set_members(item, element),
        _ => {
            let name = first_characters(content, SHORT_CHARACTERS);
            put_slot(item, DISPLAY_NAME, Some(Value::Text(name.into())));
        }
    }
    Ok(())
}

/// Takes the field away.
pub(super) fn clear(special: Special, item: &mut Item) {
    match special {
        Special::Short(tag) => put_slot(item, Slot::Tag(tag), None),
        _ => people::clear_members(item),
    }
}

/// Adds members to a list.
pub(super) fn append(item: &mut Item, element: &Element<'_>) -> Result<(), Failure> {
    people::append_members(item, element)
}
