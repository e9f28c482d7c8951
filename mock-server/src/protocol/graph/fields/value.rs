//! Typed access to the properties of an item.

use bytes::Bytes;
use jiff::Timestamp;

use crate::mailbox::item::Item;
use crate::mailbox::property::{Property, Value};

/// A property as it is.
pub(in crate::protocol::graph) fn get<'a>(item: &'a Item, property: &Property) -> Option<&'a Value> {
    item.properties.get(property)
}

/// Sets a property, or takes it away.
pub(in crate::protocol::graph) fn put(item: &mut Item, property: Property, value: Option<Value>) {
    item.put(property, value);
}

/// A text.
pub(in crate::protocol::graph) fn text<'a>(item: &'a Item, property: &Property) -> Option<&'a str> {
    match get(item, property) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// A truth value; false where it is missing.
pub(in crate::protocol::graph) fn truth(item: &Item, property: &Property) -> bool {
    match get(item, property) {
        Some(Value::Bool(truth)) => *truth,
        Some(Value::Integer(number)) => *number != 0,
        _ => false,
    }
}

/// An integer.
pub(in crate::protocol::graph) fn integer(item: &Item, property: &Property) -> Option<i32> {
    match get(item, property) {
        Some(Value::Integer(number)) => Some(*number),
        Some(Value::Long(number)) => i32::try_from(*number).ok(),
        _ => None,
    }
}

/// A moment.
pub(in crate::protocol::graph) fn moment(item: &Item, property: &Property) -> Option<Timestamp> {
    match get(item, property) {
        Some(Value::Time(moment)) => Some(*moment),
        _ => None,
    }
}

/// Bytes.
pub(in crate::protocol::graph) fn bytes<'a>(item: &'a Item, property: &Property) -> Option<&'a Bytes> {
    match get(item, property) {
        Some(Value::Binary(bytes)) => Some(bytes),
        _ => None,
    }
}

/// Several texts.
pub(in crate::protocol::graph) fn texts(item: &Item, property: &Property) -> Vec<String> {
    match get(item, property) {
        Some(Value::Texts(texts)) => texts.iter().map(|text| text.to_string()).collect(),
        _ => Vec::new(),
    }
}

/// Sets a text, or takes it away.
pub(in crate::protocol::graph) fn put_text(item: &mut Item, property: Property, text: Option<&str>) {
    put(item, property, text.map(|text| Value::Text(text.into())));
}
