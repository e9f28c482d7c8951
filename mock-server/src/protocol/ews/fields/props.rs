//! Shorthand for an item's properties.

use std::sync::Arc;

use jiff::Timestamp;

use super::field::Slot;
use crate::mailbox::item::Item;
use crate::mailbox::property::{Property, Value};

/// What an item has in a property.
pub(in super::super) fn get<'i>(item: &'i Item, property: &Property) -> Option<&'i Value> {
    item.properties.get(property)
}

/// Gives a property a value, or takes it away.
pub(in super::super) fn put(item: &mut Item, property: Property, value: Option<Value>) {
    match value {
        Some(value) => {
            item.properties.insert(property, value);
        }
        None => {
            item.properties.remove(&property);
        }
    }
}

/// Gives a property of a table a value, or takes it away.
pub(in super::super) fn put_slot(item: &mut Item, slot: Slot, value: Option<Value>) {
    put(item, slot.property(), value);
}

/// The text of a property.
pub(in super::super) fn text(item: &Item, slot: Slot) -> Option<&Arc<str>> {
    match get(item, &slot.property())? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The number of a property.
pub(in super::super) fn integer(item: &Item, slot: Slot) -> Option<i32> {
    match get(item, &slot.property())? {
        Value::Integer(number) => Some(*number),
        _ => None,
    }
}

/// Whether a property is set and true.
pub(in super::super) fn flag(item: &Item, slot: Slot) -> bool {
    matches!(get(item, &slot.property()), Some(Value::Bool(true)))
}

/// The moment of a property.
pub(in super::super) fn time(item: &Item, slot: Slot) -> Option<Timestamp> {
    match get(item, &slot.property())? {
        Value::Time(moment) => Some(*moment),
        _ => None,
    }
}
