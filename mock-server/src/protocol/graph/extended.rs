//! Extended properties: MAPI properties by tag, or by property set with a number or a name
//! (learn.microsoft.com/graph/api/resources/extended-properties-overview).
//!
//! The service writes ids in a form of its own, `Long 0xe08` for an asked `Long 0x0E08`; so does this.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::failure::Failure;
use super::query::Query;
use crate::mailbox::property::{Property, PropertyName, Value};

/// The types that ids name, in the service's spelling. Those that end in `Array` are multi-valued.
const KINDS: [&str; 21] = [
    "ApplicationTime",
    "ApplicationTimeArray",
    "Binary",
    "BinaryArray",
    "Boolean",
    "CLSID",
    "CLSIDArray",
    "Currency",
    "CurrencyArray",
    "Double",
    "DoubleArray",
    "Float",
    "Integer",
    "IntegerArray",
    "Long",
    "LongArray",
    "Short",
    "String",
    "StringArray",
    "SystemTime",
    "SystemTimeArray",
];

/// An extended property as a client names it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Extended {
    /// The property.
    pub property: Property,
    /// Its type, one of [`KINDS`].
    kind: &'static str,
    /// The id as it was asked.
    asked: String,
}

fn guid(text: &str) -> Option<u128> {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = inner.split('-').collect();
    let fits = parts.len() == lengths.len() && parts.iter().zip(lengths).all(|(part, length)| part.len() == length);
    if fits { u128::from_str_radix(&parts.concat(), 16).ok() } else { None }
}

fn guid_text(guid: u128) -> String {
    let hex = format!("{guid:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn number(text: &str) -> Option<u32> {
    match text.get(..2) {
        Some(start) if start.eq_ignore_ascii_case("0x") => u32::from_str_radix(&text[2..], 16).ok(),
        _ => text.parse().ok(),
    }
}

impl Extended {
    /// Reads an id: `String 0x1000`, `Integer {guid} Id 0x8233` or `String {guid} Name colour`.
    pub(super) fn read(id: &str) -> Option<Self> {
        let (kind, rest) = id.trim().split_once(' ')?;
        let kind = KINDS.into_iter().find(|known| known.eq_ignore_ascii_case(kind))?;
        let rest = rest.trim();
        let property = if let Some((set, name)) = rest.split_once(' ') {
            let set = guid(set)?;
            let (by, name) = name.trim().split_once(' ')?;
            let name = match by.to_ascii_lowercase().as_str() {
                "id" => PropertyName::Number(number(name.trim())?),
                "name" => PropertyName::Text(Arc::from(name.trim())),
                _ => return None,
            };
            Property::Named { set, name }
        } else {
            // A full tag, 0x0E070003, holds the type in its lower half.
            let tag = number(rest)?;
            Property::Tag(u16::try_from(if tag > 0xffff { tag >> 16 } else { tag }).ok()?)
        };
        Some(Self { property, kind, asked: id.to_owned() })
    }

    /// Whether the property holds several values.
    pub(super) fn is_list(&self) -> bool {
        self.kind.ends_with("Array")
    }

    /// The id as the service writes it.
    pub(super) fn id(&self) -> String {
        let kind = self.kind;
        match &self.property {
            Property::Tag(tag) => format!("{kind} 0x{tag:x}"),
            Property::Named { set, name: PropertyName::Number(number) } => {
                format!("{kind} {{{}}} Id 0x{number:x}", guid_text(*set))
            }
            Property::Named { set, name: PropertyName::Text(name) } => {
                format!("{kind} {{{}}} Name {name}", guid_text(*set))
            }
        }
    }

    fn parse(&self, text: &str) -> Option<Value> {
        let kind = self.kind.strip_suffix("Array").unwrap_or(self.kind);
        Some(match kind {
            "Binary" => Value::Binary(Bytes::from(STANDARD.decode(text.trim()).ok()?)),
            "Boolean" => Value::Bool(text.trim().to_ascii_lowercase().parse().ok()?),
            "Integer" | "Short" => Value::Integer(text.trim().parse().ok()?),
            "Long" | "Currency" => Value::Long(text.trim().parse().ok()?),
            "Double" | "Float" | "ApplicationTime" => Value::Double(text.trim().parse().ok()?),
            "SystemTime" => Value::Time(super::filter::date(text.trim())?),
            "CLSID" => Value::Guid(guid(text.trim())?),
            _ => Value::Text(Arc::from(text)),
        })
    }

    /// Reads the JSON value of the property.
    pub(super) fn value(&self, json: &Json) -> Option<Value> {
        match json {
            Json::String(text) => self.parse(text),
            Json::Array(list) => {
                let values: Option<Vec<Value>> = list.iter().map(|entry| self.parse(entry.as_str()?)).collect();
                let values = values?;
                if self.kind != "StringArray" {
                    return Some(Value::List(values));
                }
                let text = |value: Value| if let Value::Text(text) = value { Some(text) } else { None };
                Some(Value::Texts(values.into_iter().filter_map(text).collect()))
            }
            _ => None,
        }
    }

    /// The entry of a property that has a value, under the service's spelling of the id.
    pub(super) fn entry(&self, value: &Value) -> Json {
        json!({"id": self.id(), "value": write(value)})
    }

    /// The same under the spelling in which it was asked, as filters compare it.
    pub(super) fn asked_entry(&self, value: &Value) -> Json {
        json!({"id": self.asked, "value": write(value)})
    }
}

fn time(moment: Timestamp) -> String {
    super::times::utc(moment)
}

fn write(value: &Value) -> Json {
    match value {
        Value::Bool(truth) => Json::from(truth.to_string()),
        Value::Integer(number) => Json::from(number.to_string()),
        Value::Long(number) => Json::from(number.to_string()),
        Value::Double(number) => Json::from(number.to_string()),
        Value::Text(text) => Json::from(&**text),
        Value::Time(moment) => Json::from(time(*moment)),
        Value::Binary(bytes) => Json::from(STANDARD.encode(bytes)),
        Value::Guid(guid) => Json::from(guid_text(*guid)),
        Value::Texts(texts) => texts.iter().map(|text| Json::from(&**text)).collect(),
        Value::List(values) => values.iter().map(write).collect(),
    }
}

/// The properties that the ids in a query's filter name, single-valued or multi-valued.
fn named_in(query: Option<&Query>, lists: bool) -> Vec<Extended> {
    let mut found = Vec::new();
    if let Some(filter) = query.and_then(|query| query.filter.as_ref()) {
        filter.visit_texts(&mut |text| found.extend(Extended::read(text).filter(|own| own.is_list() == lists)));
    }
    found
}

/// What a query asks for of extended properties.
#[derive(Clone, Default, Debug)]
pub(super) struct Wanted {
    /// To be written, of one value each.
    pub single: Vec<Extended>,
    /// To be written, of several values each.
    pub multiple: Vec<Extended>,
    /// Named by the filter.
    pub filtered: Vec<Extended>,
}

impl Wanted {
    /// What a query asks for.
    pub(super) fn of(query: &Query) -> Result<Self, Failure> {
        let expanded = |name: &str, lists: bool| -> Result<Vec<Extended>, Failure> {
            let Some(inner) = query.expansion(name) else { return Ok(Vec::new()) };
            if inner.filter.is_none() {
                let mut message = String::new();
                write!(message, "'{name}' must be expanded with a filter on its ids.").ok();
                return Err(Failure::new(400, "ErrorInvalidRequest", message));
            }
            Ok(named_in(Some(inner), lists))
        };
        let mut filtered = named_in(Some(query), false);
        filtered.extend(named_in(Some(query), true));
        Ok(Self {
            single: expanded("singleValueExtendedProperties", false)?,
            multiple: expanded("multiValueExtendedProperties", true)?,
            filtered,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &str, written: &str) {
        let extended = Extended::read(asked).unwrap_or_else(|| panic!("{asked}"));
        assert_eq!(extended.id(), written);
        assert_eq!(Extended::read(written).map(|again| again.property), Some(extended.property));
    }

    #[test]
    fn ids_are_written_as_the_service_does() {
        check("Long 0x0E08", "Long 0xe08");
        check("integer 0x0E070003", "Integer 0xe07");
        check(
            "String {66F5A359-4659-4830-9070-00047EC6AC6E} Name Color me",
            "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Color me",
        );
        check(
            "Integer {00062008-0000-0000-C000-000000000046} Id 0x8233",
            "Integer {00062008-0000-0000-c000-000000000046} Id 0x8233",
        );
        for text in ["", "Long", "Nothing 0x1", "String {x} Name a", "String 0xzz"] {
            assert_eq!(Extended::read(text), None, "{text}");
        }
    }

    #[test]
    fn values_come_back_as_they_were_written() {
        for (id, value) in [
            ("Integer 0x1", json!("-5")),
            ("Boolean 0x1", json!("true")),
            ("Binary 0x1", json!("AQID")),
            ("SystemTime 0x1", json!("2024-05-06T07:08:09Z")),
            ("StringArray 0x1", json!(["a", "b"])),
            ("CLSID 0x1", json!("66f5a359-4659-4830-9070-00047ec6ac6e")),
        ] {
            let extended = Extended::read(id).expect(id);
            let read = extended.value(&value).expect(id);
            assert_eq!(extended.entry(&read)["value"], value, "{id}");
        }
    }
}
