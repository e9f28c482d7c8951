//! Paths: how a request names one property.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::codec;
use super::extended::Extended;
use super::field::{BLIND, Codec, Field};
use super::indexed::{self, Part};
use super::scene::Scene;
use super::tables;
use super::times;
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::wire::ews::xml::{Element, Space};

/// A path.
#[derive(Debug)]
pub(in super::super) enum Path {
    /// A field.
    Field(&'static Field),
    /// A name that the schema has for folders or other things than items.
    Foreign,
    /// One entry of a field that is a dictionary.
    Indexed(Part),
    /// An extended property.
    Extended(Extended),
}

impl Path {
    /// Reads one of the elements that stand for `t:Path`.
    pub(in super::super) fn read(path: &Element<'_>) -> Result<Self, Failure> {
        if path.space != Space::Types {
            return Err(Failure::PROPERTY_REQUEST);
        }
        match &*path.name {
            "FieldURI" => {
                let uri = path.attribute("FieldURI").unwrap_or_default();
                // What is said of a person is what a contact says.
                let person = |uri: &str| tables::field(&format!("contacts:{}", uri.strip_prefix("persona:")?));
                match tables::field(uri).or_else(|| person(uri)) {
                    Some(field) => Ok(Self::Field(field)),
                    None if is_foreign(uri) => Ok(Self::Foreign),
                    None => Err(Failure::PROPERTY_REQUEST),
                }
            }
            "IndexedFieldURI" => {
                let uri = path.attribute("FieldURI").unwrap_or_default();
                let key = path.attribute("FieldIndex").unwrap_or_default();
                indexed::part(uri, key).map(Self::Indexed).ok_or(Failure::PROPERTY_REQUEST)
            }
            "ExtendedFieldURI" => Extended::read(path).map(Self::Extended).ok_or(Failure::EXTENDED_PROPERTY),
            "ExceptionFieldURI" => Ok(Self::Foreign),
            _ => Err(Failure::PROPERTY_REQUEST),
        }
    }

    /// Whether it may stand in a restriction.
    pub(in super::super) fn is_searchable(&self) -> bool {
        match self {
            Self::Field(field) => !field.is(BLIND),
            Self::Foreign => false,
            Self::Indexed(_) => true,
            Self::Extended(extended) => extended.has_values(),
        }
    }

    /// Whether its values are text.
    pub(in super::super) fn is_text(&self) -> bool {
        match self {
            Self::Field(field) => match field.codec {
                Codec::Text(_) | Codec::Texts(_) | Codec::Mailbox(_) | Codec::People(_) | Codec::Attendees(_) => true,
                Codec::Special(special) => special.is_text(),
                _ => false,
            },
            Self::Foreign => false,
            Self::Indexed(_) => true,
            Self::Extended(extended) => extended.kind.starts_with("String"),
        }
    }

    /// What an item has there, for comparing.
    pub(in super::super) fn value(&self, scene: &Scene<'_>) -> Option<Value> {
        match self {
            Self::Field(field) => codec::value(field.codec, scene),
            Self::Foreign => None,
            Self::Indexed(part) => part.value(scene.item).map(Value::Text),
            Self::Extended(extended) => scene.property(&extended.property),
        }
    }

    /// Reads the constant that it is compared with.
    pub(in super::super) fn constant(&self, text: &str, zone: &TimeZone) -> Result<Value, Failure> {
        let value = match self {
            Self::Field(field) => constant(field.codec, text, zone),
            Self::Foreign => None,
            Self::Indexed(_) => Some(Value::Text(Arc::from(text))),
            Self::Extended(extended) => extended.constant(text, zone),
        };
        value.ok_or(Failure::PROPERTY_VALUE)
    }
}

/// Whether a name is one that the schema has for something else than items.
fn is_foreign(uri: &str) -> bool {
    ["folder:", "conversation:", "persona:", "sharingMessage:"].iter().any(|prefix| uri.starts_with(prefix))
}

fn constant(codec: Codec, text: &str, zone: &TimeZone) -> Option<Value> {
    let trimmed = text.trim();
    Some(match codec {
        Codec::Bool(_) | Codec::Flag(_) => Value::Bool(codec::read_bool(trimmed)?),
        Codec::Integer(_) => Value::Integer(trimmed.parse().ok()?),
        Codec::Time(_) => Value::Time(times::read(trimmed, zone)?),
        Codec::Binary(_) => Value::Binary(super::extended::read_binary(trimmed)?),
        Codec::Special(special) => special.constant(text, zone)?,
        _ => Value::Text(Arc::from(text)),
    })
}
