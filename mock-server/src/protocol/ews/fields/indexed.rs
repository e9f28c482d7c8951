//! Dictionaries of contacts: e-mail addresses, postal addresses, telephone numbers and instant messaging addresses.

use std::sync::Arc;

use super::field::Slot;
use super::props::{put_slot, text};
use super::special::Special;
use crate::mailbox::item::Item;
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::wire::ews::xml::{Element, Space, Writer};

/// `PSETID_Address` (\[MS-OXPROPS\] 1.3.2).
const ADDRESS: u128 = 0x0006_2004_0000_0000_C000_0000_0000_0046;
/// `PS_PUBLIC_STRINGS` (\[MS-OXPROPS\] 1.3.2).
const PUBLIC: u128 = 0x0002_0329_0000_0000_C000_0000_0000_0046;

/// Where telephone numbers are kept, in the order of `PhoneNumberKeyType` (\[MS-OXOCNTC\] 2.2.1.4).
const PHONES: [(&str, Slot); 21] = [
    ("AssistantPhone", Slot::Tag(0x3A2E)),
    ("BusinessFax", Slot::Tag(0x3A24)),
    ("BusinessPhone", Slot::Tag(0x3A08)),
    ("BusinessPhone2", Slot::Tag(0x3A1B)),
    ("Callback", Slot::Tag(0x3A02)),
    ("CarPhone", Slot::Tag(0x3A1E)),
    ("CompanyMainPhone", Slot::Tag(0x3A57)),
    ("HomeFax", Slot::Tag(0x3A25)),
    ("HomePhone", Slot::Tag(0x3A09)),
    ("HomePhone2", Slot::Tag(0x3A2F)),
    ("Isdn", Slot::Tag(0x3A2D)),
    ("MobilePhone", Slot::Tag(0x3A1C)),
    ("OtherFax", Slot::Tag(0x3A23)),
    ("OtherTelephone", Slot::Tag(0x3A1F)),
    ("Pager", Slot::Tag(0x3A21)),
    ("PrimaryPhone", Slot::Tag(0x3A1A)),
    ("RadioPhone", Slot::Tag(0x3A1D)),
    ("Telex", Slot::Tag(0x3A2C)),
    ("TtyTddPhone", Slot::Tag(0x3A4B)),
    ("BusinessMobile", Slot::Name(PUBLIC, "BusinessMobilePhone")),
    ("IPPhone", Slot::Name(PUBLIC, "IPPhone")),
];

/// Where instant messaging addresses are kept: the first by \[MS-OXOCNTC\] 2.2.1.10.6, the others by name (assumed).
const MESSENGERS: [(&str, Slot); 3] = [
    ("ImAddress1", Slot::Id(ADDRESS, 0x8062)),
    ("ImAddress2", Slot::Name(PUBLIC, "ImAddress2")),
    ("ImAddress3", Slot::Name(PUBLIC, "ImAddress3")),
];

/// Where e-mail addresses are kept: display name, address type, address and original display name (\[MS-OXOCNTC\]
/// 2.2.1.2).
const EMAILS: [(&str, u32); 3] = [("EmailAddress1", 0x8080), ("EmailAddress2", 0x8090), ("EmailAddress3", 0x80A0)];

/// The parts of a postal address in the schema's order.
const STREETS: [&str; 5] = ["Street", "City", "State", "CountryOrRegion", "PostalCode"];

/// Where postal addresses are kept, in the order of [`STREETS`] (\[MS-OXOCNTC\] 2.2.1.3).
const POSTALS: [(&str, [Slot; 5]); 3] = [
    (
        "Business",
        [
            Slot::Id(ADDRESS, 0x8045),
            Slot::Id(ADDRESS, 0x8046),
            Slot::Id(ADDRESS, 0x8047),
            Slot::Id(ADDRESS, 0x8049),
            Slot::Id(ADDRESS, 0x8048),
        ],
    ),
    ("Home", [Slot::Tag(0x3A5D), Slot::Tag(0x3A59), Slot::Tag(0x3A5C), Slot::Tag(0x3A5A), Slot::Tag(0x3A5B)]),
    ("Other", [Slot::Tag(0x3A63), Slot::Tag(0x3A5F), Slot::Tag(0x3A62), Slot::Tag(0x3A60), Slot::Tag(0x3A61)]),
];

const fn email_slot(base: u32) -> Slot {
    Slot::Id(ADDRESS, base + 3)
}

/// One entry of a dictionary, or one part of one.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Part {
    special: Special,
    key: &'static str,
    slot: Slot,
    /// The part of a postal address, by its place.
    street: Option<usize>,
}

impl Part {
    /// The field that it belongs to.
    pub(in super::super) fn field(&self) -> &'static str {
        match self.special {
            Special::PhysicalAddresses => "contacts:PhysicalAddresses",
            Special::PhoneNumbers => "contacts:PhoneNumbers",
            Special::ImAddresses => "contacts:ImAddresses",
            _ => "contacts:EmailAddresses",
        }
    }

    /// Its key.
    pub(in super::super) fn key(&self) -> &'static str {
        self.key
    }

    /// What an item has there.
    pub(in super::super) fn value(&self, item: &Item) -> Option<Arc<str>> {
        text(item, self.slot).cloned()
    }

    /// Takes it away.
    pub(in super::super) fn clear(&self, item: &mut Item) {
        if self.special == Special::EmailAddresses {
            clear_email(item, self.key);
        }
        put_slot(item, self.slot, None);
    }

    /// Sets it from an item of a request that holds nothing else.
    pub(in super::super) fn set(&self, item: &mut Item, holder: &Element<'_>) -> Result<(), Failure> {
        let dictionary = holder.typed(element_of(self)).ok_or(Failure::UPDATE_MISMATCH)?;
        let entry = entries(dictionary).find(|entry| entry.attribute("Key") == Some(self.key));
        let entry = entry.ok_or(Failure::UPDATE_MISMATCH)?;
        match self.street {
            Some(street) => {
                let part = entry.typed(STREETS[street]).ok_or(Failure::UPDATE_MISMATCH)?;
                put_text(item, self.slot, part.whole_text());
            }
            None if self.special == Special::EmailAddresses => set_email(item, self.key, entry)?,
            None => put_text(item, self.slot, entry.whole_text()),
        }
        Ok(())
    }
}

/// The name of the element that holds an entry's dictionary.
pub(in super::super) fn element_of(part: &Part) -> &'static str {
    part.field().split_once(':').map_or("", |(_, name)| name)
}

/// The entry that an `IndexedFieldURI` names.
pub(in super::super) fn part(uri: &str, key: &str) -> Option<Part> {
    let by_key = |table: &[(&'static str, Slot)], special| {
        let (key, slot) = table.iter().find(|(known, _)| *known == key)?;
        Some(Part { special, key, slot: *slot, street: None })
    };
    match uri {
        "contacts:PhoneNumber" => by_key(&PHONES, Special::PhoneNumbers),
        "contacts:ImAddress" => by_key(&MESSENGERS, Special::ImAddresses),
        "contacts:EmailAddress" => {
            let (key, base) = EMAILS.iter().find(|(known, _)| *known == key)?;
            Some(Part { special: Special::EmailAddresses, key, slot: email_slot(*base), street: None })
        }
        _ => {
            let street = uri.strip_prefix("contacts:PhysicalAddress:")?;
            let street = STREETS.iter().position(|known| *known == street)?;
            let (key, slots) = POSTALS.iter().find(|(known, _)| *known == key)?;
            Some(Part { special: Special::PhysicalAddresses, key, slot: slots[street], street: Some(street) })
        }
    }
}

fn entries<'d, 'a>(dictionary: &'d Element<'a>) -> impl Iterator<Item = &'d Element<'a>> {
    dictionary.children.iter().filter(|child| child.is(Space::Types, "Entry"))
}

fn put_text(item: &mut Item, slot: Slot, value: &str) {
    put_slot(item, slot, (!value.is_empty()).then(|| Value::Text(Arc::from(value))));
}

/// Writes a dictionary, or the entries of it that are wanted.
pub(in super::super) fn write(
    special: Special,
    writer: &mut Writer,
    name: &str,
    item: &Item,
    only: Option<&[&'static str]>,
) {
    let wanted = |key: &str| only.is_none_or(|keys| keys.contains(&key));
    let mut opened = false;
    let mut open = |writer: &mut Writer| {
        if !opened {
            writer.open(name, &[]);
            opened = true;
        }
    };
    match special {
        Special::PhoneNumbers | Special::ImAddresses => {
            let table: &[(&str, Slot)] = if special == Special::PhoneNumbers { &PHONES } else { &MESSENGERS };
            for (key, slot) in table.iter().filter(|(key, _)| wanted(key)) {
                if let Some(value) = text(item, *slot) {
                    open(writer);
                    writer.leaf_with("t:Entry", &[("Key", key)], value);
                }
            }
        }
        Special::PhysicalAddresses => {
            for (key, slots) in POSTALS.iter().filter(|(key, _)| wanted(key)) {
                if slots.iter().all(|slot| text(item, *slot).is_none()) {
                    continue;
                }
                open(writer);
                writer.open("t:Entry", &[("Key", key)]);
                for (street, slot) in STREETS.iter().zip(slots) {
                    if let Some(value) = text(item, *slot) {
                        writer.leaf(&format!("t:{street}"), value);
                    }
                }
                writer.close("t:Entry");
            }
        }
        _ => {
            for (key, base) in EMAILS.iter().filter(|(key, _)| wanted(key)) {
                if let Some(address) = text(item, email_slot(*base)) {
                    open(writer);
                    write_email(writer, item, key, *base, address);
                }
            }
        }
    }
    if opened {
        writer.close(name);
    }
}

/// The electronic addresses of a contact, in their order.
pub(in super::super) fn addresses(item: &Item) -> Vec<Arc<str>> {
    EMAILS.iter().filter_map(|(_, base)| text(item, email_slot(*base)).cloned()).collect()
}

fn write_email(writer: &mut Writer, item: &Item, key: &str, base: u32, address: &str) {
    let mut attributes = vec![("Key", key)];
    if let Some(name) = text(item, Slot::Id(ADDRESS, base)) {
        attributes.push(("Name", name));
    }
    if let Some(routing) = text(item, Slot::Id(ADDRESS, base + 2)) {
        attributes.push(("RoutingType", routing));
    }
    writer.leaf_with("t:Entry", &attributes, address);
}

/// Sets the entries that an element of a request holds; others stay.
pub(in super::super) fn set(special: Special, item: &mut Item, element: &Element<'_>) -> Result<(), Failure> {
    for entry in entries(element) {
        let key = entry.attribute("Key").ok_or(Failure::PROPERTY_VALUE)?;
        match special {
            Special::PhoneNumbers | Special::ImAddresses => {
                let table: &[(&str, Slot)] = if special == Special::PhoneNumbers { &PHONES } else { &MESSENGERS };
                let (_, slot) = table.iter().find(|(known, _)| *known == key).ok_or(Failure::PROPERTY_VALUE)?;
                put_text(item, *slot, entry.whole_text());
            }
            Special::PhysicalAddresses => {
                let (_, slots) = POSTALS.iter().find(|(known, _)| *known == key).ok_or(Failure::PROPERTY_VALUE)?;
                for (street, slot) in STREETS.iter().zip(slots) {
                    put_text(item, *slot, entry.typed(street).map_or("", Element::whole_text));
                }
            }
            _ => set_email(item, key, entry)?,
        }
    }
    Ok(())
}

fn set_email(item: &mut Item, key: &str, entry: &Element<'_>) -> Result<(), Failure> {
    let (_, base) = EMAILS.iter().find(|(known, _)| *known == key).ok_or(Failure::PROPERTY_VALUE)?;
    put_text(item, email_slot(*base), entry.text());
    for (offset, attribute) in [(0, "Name"), (2, "RoutingType")] {
        put_text(item, Slot::Id(ADDRESS, base + offset), entry.attribute(attribute).unwrap_or_default());
    }
    Ok(())
}

fn clear_email(item: &mut Item, key: &str) {
    if let Some((_, base)) = EMAILS.iter().find(|(known, _)| *known == key) {
        for offset in [0, 2, 3, 4] {
            put_slot(item, Slot::Id(ADDRESS, base + offset), None);
        }
    }
}

/// Takes a whole dictionary away.
pub(in super::super) fn clear(special: Special, item: &mut Item) {
    match special {
        Special::PhoneNumbers => PHONES.iter().for_each(|(_, slot)| put_slot(item, *slot, None)),
        Special::ImAddresses => MESSENGERS.iter().for_each(|(_, slot)| put_slot(item, *slot, None)),
        Special::PhysicalAddresses => {
            POSTALS.iter().flat_map(|(_, slots)| slots).for_each(|slot| put_slot(item, *slot, None));
        }
        _ => EMAILS.iter().for_each(|(key, _)| clear_email(item, key)),
    }
}
