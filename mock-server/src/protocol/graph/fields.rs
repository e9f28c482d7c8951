//! What the properties of entities are in the item model: tables of names, each with how it is read and written.
//!
//! Everything scalar is a MAPI property; an entity is a view of an item.

pub(super) mod body;
pub(super) mod contact;
pub(super) mod event;
pub(super) mod message;
pub(super) mod people;
pub(super) mod recurrence;
pub(super) mod value;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::extended::{Extended, Wanted};
use super::failure::Failure;
use super::times::{self, Zone};
use crate::mailbox::item::{Item, Role};
use crate::mailbox::property::{Property, Value};
use crate::wire::id::MailboxKey;

/// What an item looks like to one request.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub mailbox: MailboxKey,
    /// Bodies as text rather than as they are.
    pub text_body: bool,
    /// The zone of `dateTimeTimeZone` values.
    pub zone: Zone,
    /// The extended properties that are asked for.
    pub wanted: Wanted,
    /// The address of the mailbox's owner.
    pub address: String,
}

/// One occurrence of a series.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Occurrence {
    /// When it would start by its pattern: which occurrence it is.
    pub original: Timestamp,
    pub start: Timestamp,
    pub end: Timestamp,
    /// Whether it was changed on its own.
    pub exception: bool,
}

/// An item with what is known of it beside its content.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub item: Arc<Item>,
    pub number: u64,
    pub folder: u32,
    pub version: u64,
    pub size: u32,
    pub read: bool,
    /// The occurrence of the series that is meant, if one is.
    pub occurrence: Option<Occurrence>,
}

/// How a property is read and written.
pub(super) enum Form {
    /// A text.
    Text(Property),
    /// A truth value; false where it is missing.
    Truth(Property),
    /// A moment in UTC.
    Moment(Property),
    /// Bytes as Base64.
    Bytes(Property),
    /// An integer that stands for a word; the first where it is missing.
    Choice(Property, &'static [(&'static str, i32)]),
    /// The people of a role.
    People(Role),
    /// Read in its own way and never written.
    Computed(fn(&Subject, &Look) -> Json),
    /// Read and written in its own way. What writes returns nothing for a value that does not fit.
    Special(fn(&Subject, &Look) -> Json, fn(&mut Item, &Json) -> Option<()>),
}

/// One property of an entity.
pub(super) struct Field {
    pub name: &'static str,
    pub form: Form,
    /// Whether it is written without being asked for.
    pub usual: bool,
    /// Whether clients can set it.
    pub writable: bool,
}

impl Field {
    /// A property that is usually written and can be set.
    pub(super) const fn new(name: &'static str, form: Form) -> Self {
        Self { name, form, usual: true, writable: true }
    }

    /// The same, but clients cannot set it.
    pub(super) const fn fixed(mut self) -> Self {
        self.writable = false;
        self
    }

    /// The same, but written only where it is selected.
    pub(super) const fn on_demand(mut self) -> Self {
        self.usual = false;
        self
    }
}

/// The properties of a type of entity.
#[derive(Copy, Clone)]
pub(super) struct Table {
    /// The type's name without its namespace, as errors write it.
    pub kind: &'static str,
    /// The collection's name below a user, for `@odata.context`.
    pub collection: &'static str,
    pub fields: &'static [Field],
    /// Properties that are collections of other entities, which clients expand.
    pub related: &'static [&'static str],
}

impl Table {
    /// Whether entities of this type have a property.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name))
            || self.related.iter().any(|related| related.eq_ignore_ascii_case(name))
    }

    fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The value of a property, for filters, orders and searches.
    pub(super) fn value(&self, subject: &Subject, look: &Look, name: &str) -> Json {
        match self.field(name) {
            Some(field) => read(field, subject, look),
            None if name.ends_with("ExtendedProperties") => {
                let entry = |extended: &Extended| {
                    let value = computed(&extended.property, subject)
                        .or_else(|| value::get(&subject.item, &extended.property).cloned());
                    value.map(|value| extended.asked_entry(&value))
                };
                look.wanted.filtered.iter().filter_map(entry).collect()
            }
            None => Json::Null,
        }
    }

    /// Sets the properties that a client sent.
    pub(super) fn write(&self, item: &mut Item, sent: &Map<String, Json>) -> Result<(), Failure> {
        for (name, value) in sent {
            if name.contains('@') || self.related.iter().any(|related| related.eq_ignore_ascii_case(name)) {
                continue;
            }
            let Some(field) = self.field(name) else {
                let kind = self.kind;
                return Err(Failure::new(
                    400,
                    "RequestBodyRead",
                    format!(
                        "The property '{name}' does not exist on type 'Microsoft.OutlookServices.{kind}'. Make sure to \
                         only use property names that are defined by the type."
                    ),
                ));
            };
            if field.writable {
                write(field, item, value).ok_or_else(|| Failure::property(name))?;
            }
        }
        for (name, lists) in [("singleValueExtendedProperties", false), ("multiValueExtendedProperties", true)] {
            let Some(entries) = sent.get(name).and_then(Json::as_array) else { continue };
            for entry in entries {
                write_extended(item, entry, lists).ok_or_else(|| Failure::property(name))?;
            }
        }
        Ok(())
    }
}

fn write_extended(item: &mut Item, entry: &Json, lists: bool) -> Option<()> {
    let extended = Extended::read(entry.get("id")?.as_str()?).filter(|own| own.is_list() == lists)?;
    let value = match entry.get("value")? {
        Json::Null => None,
        json => Some(extended.value(json)?),
    };
    value::put(item, extended.property, value);
    Some(())
}

/// Extended properties that follow from where an item is and how large it is.
fn computed(property: &Property, subject: &Subject) -> Option<Value> {
    // `PidTagMessageSize` and `PidTagHasAttachments` of \[MS-OXPROPS\].
    const SIZE: u16 = 0x0e08;
    const HAS_ATTACHMENTS: u16 = 0x0e1b;
    match property {
        Property::Tag(SIZE) => Some(Value::Long(i64::from(subject.size))),
        Property::Tag(HAS_ATTACHMENTS) => Some(Value::Bool(!subject.item.attachments.is_empty())),
        _ => None,
    }
}

/// The extended properties that a query asks for, as members of the entity.
pub(super) fn extended(subject: &Subject, look: &Look, entity: &mut Map<String, Json>) {
    let lists = [
        ("singleValueExtendedProperties", &look.wanted.single),
        ("multiValueExtendedProperties", &look.wanted.multiple),
    ];
    for (name, wanted) in lists {
        let entry = |extended: &Extended| {
            let value = computed(&extended.property, subject)
                .or_else(|| value::get(&subject.item, &extended.property).cloned());
            value.map(|value| extended.entry(&value))
        };
        let entries: Vec<Json> = wanted.iter().filter_map(entry).collect();
        if !entries.is_empty() {
            entity.insert(name.to_owned(), Json::Array(entries));
        }
    }
}

/// Reads a property.
pub(super) fn read(field: &Field, subject: &Subject, look: &Look) -> Json {
    let item = &subject.item;
    match &field.form {
        Form::Text(property) => value::text(item, property).map_or(Json::Null, Json::from),
        Form::Truth(property) => Json::Bool(value::truth(item, property)),
        Form::Moment(property) => value::moment(item, property).map_or(Json::Null, |at| Json::from(times::utc(at))),
        Form::Bytes(property) => {
            value::bytes(item, property).map_or(Json::Null, |own| Json::from(STANDARD.encode(own)))
        }
        Form::Choice(property, words) => {
            let number = value::integer(item, property);
            let word = words.iter().find(|(_, own)| Some(*own) == number).or(words.first());
            word.map_or(Json::Null, |(word, _)| Json::from(*word))
        }
        Form::People(role) => people::read(item, *role),
        Form::Computed(read) | Form::Special(read, _) => read(subject, look),
    }
}

/// Sets a property; nothing for a value of another type.
fn write(field: &Field, item: &mut Item, json: &Json) -> Option<()> {
    let cleared = json.is_null();
    match &field.form {
        Form::Text(property) => {
            let text = json.as_str().map(|text| Value::Text(text.into()));
            (text.is_some() || cleared).then(|| value::put(item, property.clone(), text))
        }
        Form::Truth(property) => {
            let truth = json.as_bool().map(Value::Bool);
            (truth.is_some() || cleared).then(|| value::put(item, property.clone(), truth))
        }
        Form::Moment(property) => {
            let moment = json.as_str().and_then(super::filter::date).map(Value::Time);
            (moment.is_some() || cleared).then(|| value::put(item, property.clone(), moment))
        }
        Form::Bytes(property) => {
            let bytes = json.as_str().and_then(|text| STANDARD.decode(text).ok());
            let bytes = bytes.map(|bytes| Value::Binary(Bytes::from(bytes)));
            (bytes.is_some() || cleared).then(|| value::put(item, property.clone(), bytes))
        }
        Form::Choice(property, words) => {
            let word = json.as_str()?;
            let (_, number) = words.iter().find(|(own, _)| own.eq_ignore_ascii_case(word))?;
            value::put(item, property.clone(), Some(Value::Integer(*number)));
            Some(())
        }
        Form::People(role) => people::write(item, *role, json),
        Form::Computed(_) => Some(()),
        Form::Special(_, write) => write(item, json),
    }
}

/// The etag of an entity.
pub(super) fn etag(look: &Look, version: u64) -> Json {
    json!(format!("W/\"{}\"", super::reference::change_key(look.mailbox, version)))
}
