//! Recipients and attendees: people of an item by their roles, and the sender, who is a pair of properties.

use serde_json::{Value as Json, json};

use super::value;
use crate::mailbox::item::{Item, Person, Role};
use crate::mailbox::property::Property;

/// Somebody as a `recipient`.
pub(in crate::protocol::graph) fn recipient(name: &str, address: &str) -> Json {
    let name = if name.is_empty() { address } else { name };
    json!({"emailAddress": {"name": name, "address": address}})
}

/// The name and address of a `recipient` or `emailAddress`; nothing if it has neither.
pub(in crate::protocol::graph) fn read_recipient(json: &Json) -> Option<(String, String)> {
    let inner = json.get("emailAddress").unwrap_or(json);
    let text = |key: &str| inner.get(key).and_then(Json::as_str).unwrap_or_default().trim().to_owned();
    let (name, address) = (text("name"), text("address"));
    (!name.is_empty() || !address.is_empty()).then_some((name, address))
}

/// The people of a role as recipients.
pub(in crate::protocol::graph) fn read(item: &Item, role: Role) -> Json {
    item.people
        .iter()
        .filter(|person| person.role == role)
        .map(|person| recipient(&person.name, &person.address))
        .collect()
}

/// A person in a role.
pub(in crate::protocol::graph) fn person(role: Role, name: &str, address: &str) -> Person {
    Person { role, name: name.into(), address: address.into(), ..Person::default() }
}

/// Replaces the people of a role.
pub(in crate::protocol::graph) fn write(item: &mut Item, role: Role, json: &Json) -> Option<()> {
    let list = match json {
        Json::Null => &[],
        Json::Array(list) => list.as_slice(),
        _ => return None,
    };
    let mut found = Vec::with_capacity(list.len());
    for entry in list {
        if !entry.is_object() {
            return None;
        }
        if let Some((name, address)) = read_recipient(entry) {
            found.push(person(role, &name, &address));
        }
    }
    item.people.retain(|person| person.role != role);
    item.people.extend(found);
    Some(())
}

/// The person of a pair of properties as a recipient; null if neither is there.
pub(in crate::protocol::graph) fn pair(item: &Item, name: &Property, address: &Property) -> Json {
    match (value::text(item, name), value::text(item, address)) {
        (None, None) => Json::Null,
        (name, address) => recipient(name.unwrap_or_default(), address.unwrap_or_default()),
    }
}

/// Sets the person of a pair of properties.
pub(in crate::protocol::graph) fn put_pair(
    item: &mut Item,
    (name, address): (Property, Property),
    json: &Json,
) -> Option<()> {
    let found = match json {
        Json::Null => None,
        json if json.is_object() => read_recipient(json),
        _ => return None,
    };
    let (own_name, own_address) = found.map_or((None, None), |(name, address)| (Some(name), Some(address)));
    value::put_text(item, name, own_name.as_deref());
    value::put_text(item, address, own_address.as_deref());
    Some(())
}
