//! Extended properties: MAPI properties by tag, by property set and number, and by property set and name.
//!
//! Clients compare the answer with what they sent, character by character, so the spelling of the request comes back:
//! a tag written `0xe06` is answered as `0xe06`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::tz::TimeZone;

use super::times;
use crate::mailbox::property::{Property, PropertyName, Value};
use crate::wire::ews::xml::{Element, Space, Writer};

/// The distinguished property sets with their GUIDs (\[MS-OXPROPS\] 1.3.2, "Commonly Used Property Sets").
const DISTINGUISHED: [(&str, u128); 11] = [
    ("Meeting", 0x6ED8_DA90_450B_101B_98DA_00AA_003F_1305),
    ("Appointment", 0x0006_2002_0000_0000_C000_0000_0000_0046),
    ("Common", 0x0006_2008_0000_0000_C000_0000_0000_0046),
    ("PublicStrings", 0x0002_0329_0000_0000_C000_0000_0000_0046),
    ("Address", 0x0006_2004_0000_0000_C000_0000_0000_0046),
    ("InternetHeaders", 0x0002_0386_0000_0000_C000_0000_0000_0046),
    ("CalendarAssistant", 0x1100_0E07_B51B_40D6_AF21_CAA8_5EDA_B1D0),
    ("UnifiedMessaging", 0x4442_858E_A9E3_4E80_B900_317A_210C_C15B),
    ("Task", 0x0006_2003_0000_0000_C000_0000_0000_0046),
    ("Sharing", 0x0006_2040_0000_0000_C000_0000_0000_0046),
    ("Internal", 0xC180_0F14_3C94_4D22_A7C0_79FB_CEC9_C2F0),
];

/// The property types that carry values, in the schema's spelling (`MapiPropertyTypeType`).
const TYPES: [&str; 24] = [
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
    "FloatArray",
    "Integer",
    "IntegerArray",
    "Long",
    "LongArray",
    "Short",
    "ShortArray",
    "SystemTime",
    "SystemTimeArray",
    "String",
    "StringArray",
    "Object",
];

/// The property types without values.
const VOID: [&str; 3] = ["Error", "Null", "ObjectArray"];

/// One extended property as a client names it.
#[derive(Clone, PartialEq, Debug)]
pub(in super::super) struct Extended {
    /// The property.
    pub(in super::super) property: Property,
    /// Its type in the schema's spelling.
    pub(in super::super) kind: &'static str,
    /// The attributes as the client wrote them, in the schema's order.
    spelling: Vec<(&'static str, Box<str>)>,
}

impl Extended {
    /// Reads an `ExtendedFieldURI`; nothing if its attributes contradict each other or are incomplete.
    pub(in super::super) fn read(uri: &Element<'_>) -> Option<Self> {
        const ATTRIBUTES: [&str; 6] = [
            "DistinguishedPropertySetId",
            "PropertySetId",
            "PropertyTag",
            "PropertyName",
            "PropertyId",
            "PropertyType",
        ];
        let kind = uri.attribute("PropertyType")?;
        let kind = TYPES.iter().chain(&VOID).find(|known| **known == kind)?;
        let [distinguished, set, tag, name, number] =
            ["DistinguishedPropertySetId", "PropertySetId", "PropertyTag", "PropertyName", "PropertyId"]
                .map(|attribute| uri.attribute(attribute));
        let property = match (distinguished, set, tag, name, number) {
            (None, None, Some(tag), None, None) => Property::Tag(read_tag(tag)?),
            (set, guid, None, name, number) => {
                let set = match (set, guid) {
                    (Some(set), None) => DISTINGUISHED.iter().find(|(known, _)| *known == set)?.1,
                    (None, Some(guid)) => read_guid(guid)?,
                    _ => return None,
                };
                let name = match (name, number) {
                    (Some(name), None) if !name.is_empty() => PropertyName::Text(Arc::from(name)),
                    (None, Some(number)) => PropertyName::Number(read_number(number)?),
                    _ => return None,
                };
                Property::Named { set, name }
            }
            _ => return None,
        };
        let spelling =
            ATTRIBUTES.iter().filter_map(|name| uri.attribute(name).map(|value| (*name, Box::from(value)))).collect();
        Some(Self { property, kind, spelling })
    }

    /// Whether values of its type can be written and compared.
    pub(in super::super) fn has_values(&self) -> bool {
        TYPES.contains(&self.kind) && self.kind != "Object"
    }

    /// Writes the property with its value; nothing if the item has none of this type.
    pub(in super::super) fn write(&self, writer: &mut Writer, value: &Value) {
        let Some(texts) = self.texts(value) else { return };
        writer.open("t:ExtendedProperty", &[]);
        let attributes: Vec<(&str, &str)> = self.spelling.iter().map(|(name, value)| (*name, &**value)).collect();
        writer.empty("t:ExtendedFieldURI", &attributes);
        if self.kind.ends_with("Array") {
            writer.open("t:Values", &[]);
            for text in texts {
                writer.leaf("t:Value", &text);
            }
            writer.close("t:Values");
        } else if let [text] = &*texts {
            writer.leaf("t:Value", text);
        }
        writer.close("t:ExtendedProperty");
    }

    /// The value as text of the type asked for; nothing if it cannot be shown as that.
    fn texts(&self, value: &Value) -> Option<Vec<String>> {
        match self.kind.strip_suffix("Array") {
            Some(kind) => match value {
                Value::Texts(texts) if kind == "String" => Some(texts.iter().map(ToString::to_string).collect()),
                Value::List(list) => list.iter().map(|value| write_scalar(kind, value)).collect(),
                _ => None,
            },
            None => Some(vec![write_scalar(self.kind, value)?]),
        }
    }

    /// Reads the value out of an `ExtendedProperty`.
    pub(in super::super) fn value(&self, holder: &Element<'_>, zone: &TimeZone) -> Option<Value> {
        let Some(kind) = self.kind.strip_suffix("Array") else {
            return read_scalar(self.kind, holder.typed("Value")?.whole_text(), zone);
        };
        let values = holder.typed("Values")?.children.iter().filter(|child| child.is(Space::Types, "Value"));
        if kind == "String" {
            return Some(Value::Texts(values.map(|value| Arc::from(value.whole_text())).collect()));
        }
        values.map(|value| read_scalar(kind, value.whole_text(), zone)).collect::<Option<_>>().map(Value::List)
    }

    /// Reads the constant that a restriction compares it with.
    pub(in super::super) fn constant(&self, text: &str, zone: &TimeZone) -> Option<Value> {
        read_scalar(self.kind.strip_suffix("Array").unwrap_or(self.kind), text, zone)
    }
}

/// A tag in hexadecimal or decimal.
fn read_tag(text: &str) -> Option<u16> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn read_number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse::<i64>().ok().and_then(|number| u32::try_from(number).ok()),
    }
}

/// A GUID with or without hyphens and braces.
pub(in super::super) fn read_guid(text: &str) -> Option<u128> {
    let digits: String = text.trim().trim_matches(['{', '}']).chars().filter(|digit| *digit != '-').collect();
    (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok()).flatten()
}

/// A GUID in its usual groups.
pub(in super::super) fn write_guid(guid: u128) -> String {
    let digits = format!("{guid:032x}");
    let groups = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    groups.join("-")
}

fn read_scalar(kind: &str, text: &str, zone: &TimeZone) -> Option<Value> {
    let trimmed = text.trim();
    Some(match kind {
        "String" => Value::Text(Arc::from(text)),
        "Boolean" => Value::Bool(super::codec::read_bool(trimmed)?),
        "Integer" => Value::Integer(trimmed.parse().ok().or_else(|| unsigned(trimmed))?),
        "Short" => Value::Integer(trimmed.parse::<i16>().ok().map(i32::from)?),
        "Long" | "Currency" => Value::Long(trimmed.parse().ok()?),
        "Double" | "Float" | "ApplicationTime" => Value::Double(trimmed.parse().ok().filter(|n: &f64| n.is_finite())?),
        "SystemTime" => Value::Time(times::read(trimmed, zone)?),
        "CLSID" => Value::Guid(read_guid(trimmed)?),
        "Binary" => Value::Binary(read_binary(text)?),
        _ => return None,
    })
}

/// MAPI's integers have no sign of their own: clients write the upper half either way.
fn unsigned(text: &str) -> Option<i32> {
    text.parse::<u32>().ok().map(u32::cast_signed)
}

/// Bytes in base64; white space within is allowed, as in `xs:base64Binary`.
pub(in super::super) fn read_binary(text: &str) -> Option<Bytes> {
    let decoded = if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        STANDARD.decode(packed)
    } else {
        STANDARD.decode(text)
    };
    decoded.ok().map(Bytes::from)
}

fn write_scalar(kind: &str, value: &Value) -> Option<String> {
    Some(match (kind, value) {
        ("String", Value::Text(text)) => text.to_string(),
        ("Boolean", Value::Bool(value)) => value.to_string(),
        ("Boolean", Value::Integer(value)) => (*value != 0).to_string(),
        ("Integer" | "Short" | "Long" | "Currency", Value::Integer(value)) => value.to_string(),
        ("Integer" | "Short" | "Long", Value::Bool(value)) => u8::from(*value).to_string(),
        ("Long" | "Currency", Value::Long(value)) => value.to_string(),
        ("Integer", Value::Long(value)) => i32::try_from(*value).unwrap_or(i32::MAX).to_string(),
        ("Double" | "Float" | "ApplicationTime", Value::Double(value)) => value.to_string(),
        ("SystemTime", Value::Time(value)) => times::write(*value),
        ("CLSID", Value::Guid(value)) => write_guid(*value),
        ("Binary", Value::Binary(value)) => STANDARD.encode(value),
        ("Binary", Value::Text(value)) => STANDARD.encode(value.as_bytes()),
        _ => return None,
    })
}
