//! The properties of contacts (learn.microsoft.com/graph/api/resources/contact), in the service's order.
//!
//! Numbers of properties are those of \[MS-OXPROPS\]; the canonical names are beside them.

use serde_json::{Map, Value as Json, json};

use super::message::{categories, change_key, id, parent, put_categories};
use super::{Field, Form, Look, Subject, Table, value};
use crate::mailbox::item::Item;
use crate::mailbox::property::{self as p, Property, Value, named};
use crate::protocol::graph::times;

/// `PidTagDisplayName`.
const DISPLAY_NAME: Property = Property::Tag(0x3001);
/// `PidLidFileUnder`.
const FILE_AS: Property = named(p::ADDRESS, 0x8005);
/// `PidTagBirthday`.
const BIRTHDAY: Property = Property::Tag(0x3a42);
/// `PidTagChildrensNames`.
const CHILDREN: Property = Property::Tag(0x3a58);
/// `PidLidInstantMessagingAddress`.
const IM_ADDRESS: Property = named(p::ADDRESS, 0x8062);

/// Display name and address of the three electronic mail addresses (`PidLidEmail1DisplayName` and so on).
const EMAILS: [(Property, Property); 3] = [
    (named(p::ADDRESS, 0x8080), named(p::ADDRESS, 0x8083)),
    (named(p::ADDRESS, 0x8090), named(p::ADDRESS, 0x8093)),
    (named(p::ADDRESS, 0x80a0), named(p::ADDRESS, 0x80a3)),
];

/// `PidTagBusinessTelephoneNumber` and `PidTagBusiness2TelephoneNumber`.
const BUSINESS_PHONES: [Property; 2] = [Property::Tag(0x3a08), Property::Tag(0x3a1b)];
/// `PidTagHomeTelephoneNumber` and `PidTagHome2TelephoneNumber`.
const HOME_PHONES: [Property; 2] = [Property::Tag(0x3a09), Property::Tag(0x3a2f)];

/// Names of the parts of a `physicalAddress`.
const PARTS: [&str; 5] = ["street", "city", "state", "countryOrRegion", "postalCode"];
/// `PidLidWorkAddressStreet` and so on.
const BUSINESS: [Property; 5] = [
    named(p::ADDRESS, 0x8045),
    named(p::ADDRESS, 0x8046),
    named(p::ADDRESS, 0x8047),
    named(p::ADDRESS, 0x8049),
    named(p::ADDRESS, 0x8048),
];
/// `PidTagHomeAddressStreet` and so on.
const HOME: [Property; 5] =
    [Property::Tag(0x3a5d), Property::Tag(0x3a59), Property::Tag(0x3a5c), Property::Tag(0x3a5a), Property::Tag(0x3a5b)];
/// `PidTagOtherAddressStreet` and so on.
const OTHER: [Property; 5] =
    [Property::Tag(0x3a63), Property::Tag(0x3a5f), Property::Tag(0x3a62), Property::Tag(0x3a60), Property::Tag(0x3a61)];

pub(in crate::protocol::graph) static CONTACT: Table = Table {
    kind: "Contact",
    collection: "contacts",
    fields: &FIELDS,
    related: &["extensions", "photo", "singleValueExtendedProperties", "multiValueExtendedProperties"],
};

const fn text(name: &'static str, tag: u16) -> Field {
    Field::new(name, Form::Text(Property::Tag(tag)))
}

const fn named_text(name: &'static str, number: u32) -> Field {
    Field::new(name, Form::Text(named(p::ADDRESS, number)))
}

static FIELDS: [Field; 41] = [
    Field::new("id", Form::Computed(id)).fixed(),
    Field::new("createdDateTime", Form::Moment(p::CREATION_TIME)).fixed(),
    Field::new("lastModifiedDateTime", Form::Moment(p::LAST_MODIFIED)).fixed(),
    Field::new("changeKey", Form::Computed(change_key)).fixed(),
    Field::new("categories", Form::Special(categories, put_categories)),
    Field::new("parentFolderId", Form::Computed(parent)).fixed(),
    Field::new("birthday", Form::Special(birthday, put_birthday)),
    Field::new("fileAs", Form::Special(file_as, put_file_as)),
    Field::new("displayName", Form::Special(display_name, put_display_name)),
    text("givenName", 0x3a06),
    text("initials", 0x3a0a),
    text("middleName", 0x3a44),
    text("nickName", 0x3a4f),
    text("surname", 0x3a11),
    text("title", 0x3a45),
    named_text("yomiGivenName", 0x802c),
    named_text("yomiSurname", 0x802d),
    named_text("yomiCompanyName", 0x802e),
    text("generation", 0x3a05),
    Field::new("imAddresses", Form::Special(im_addresses, put_im_addresses)),
    text("jobTitle", 0x3a17),
    text("companyName", 0x3a16),
    text("department", 0x3a18),
    text("officeLocation", 0x3a19),
    text("profession", 0x3a46),
    text("businessHomePage", 0x3a51),
    text("assistantName", 0x3a30),
    text("manager", 0x3a4e),
    Field::new(
        "homePhones",
        Form::Special(|s, _| list(&s.item, &HOME_PHONES), |i, json| put_list(i, &HOME_PHONES, json)),
    ),
    text("mobilePhone", 0x3a1c),
    Field::new(
        "businessPhones",
        Form::Special(|s, _| list(&s.item, &BUSINESS_PHONES), |i, json| put_list(i, &BUSINESS_PHONES, json)),
    ),
    text("spouseName", 0x3a48),
    Field::new("personalNotes", Form::Text(p::BODY_TEXT)),
    Field::new("children", Form::Special(children, put_children)),
    Field::new("emailAddresses", Form::Special(emails, put_emails)),
    Field::new("homeAddress", Form::Special(|s, _| address(&s.item, &HOME), |i, json| put_address(i, &HOME, json))),
    Field::new(
        "businessAddress",
        Form::Special(|s, _| address(&s.item, &BUSINESS), |i, json| put_address(i, &BUSINESS, json)),
    ),
    Field::new("otherAddress", Form::Special(|s, _| address(&s.item, &OTHER), |i, json| put_address(i, &OTHER, json))),
    Field::new("primaryEmailAddress", Form::Special(|s, _| email(&s.item, 0), |i, json| put_email(i, 0, json))),
    Field::new("secondaryEmailAddress", Form::Special(|s, _| email(&s.item, 1), |i, json| put_email(i, 1, json))),
    Field::new("tertiaryEmailAddress", Form::Special(|s, _| email(&s.item, 2), |i, json| put_email(i, 2, json))),
];

fn birthday(subject: &Subject, _: &Look) -> Json {
    value::moment(&subject.item, &BIRTHDAY).map_or(Json::Null, |at| Json::from(times::utc(at)))
}

fn put_birthday(item: &mut Item, json: &Json) -> Option<()> {
    let moment = match json {
        Json::Null => None,
        json => Some(Value::Time(crate::protocol::graph::filter::date(json.as_str()?)?)),
    };
    value::put(item, BIRTHDAY, moment);
    Some(())
}

/// The display name: the one that was given, or the given name and the surname.
fn name_of(item: &Item) -> String {
    if let Some(name) = value::text(item, &DISPLAY_NAME).or_else(|| value::text(item, &p::SUBJECT)) {
        return name.to_owned();
    }
    let parts = [0x3a06, 0x3a44, 0x3a11].map(|tag| value::text(item, &Property::Tag(tag)).unwrap_or_default());
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn display_name(subject: &Subject, _: &Look) -> Json {
    Json::from(name_of(&subject.item))
}

fn put_display_name(item: &mut Item, json: &Json) -> Option<()> {
    if !json.is_string() && !json.is_null() {
        return None;
    }
    value::put_text(item, DISPLAY_NAME, json.as_str());
    value::put_text(item, p::SUBJECT, json.as_str());
    Some(())
}

fn file_as(subject: &Subject, _: &Look) -> Json {
    let item = &subject.item;
    if let Some(text) = value::text(item, &FILE_AS) {
        return Json::from(text);
    }
    let part = |tag: u16| value::text(item, &Property::Tag(tag)).unwrap_or_default();
    match (part(0x3a11), part(0x3a06)) {
        ("", _) | (_, "") => Json::from(name_of(item)),
        (surname, given) => Json::from(format!("{surname}, {given}")),
    }
}

fn put_file_as(item: &mut Item, json: &Json) -> Option<()> {
    value::put_text(item, FILE_AS, json.as_str());
    (json.is_string() || json.is_null()).then_some(())
}

fn texts_of(json: &Json) -> Option<Vec<&str>> {
    match json {
        Json::Null => Some(Vec::new()),
        json => json.as_array()?.iter().map(Json::as_str).collect(),
    }
}

fn list(item: &Item, properties: &[Property]) -> Json {
    properties.iter().filter_map(|property| value::text(item, property)).map(Json::from).collect()
}

fn put_list(item: &mut Item, properties: &[Property], json: &Json) -> Option<()> {
    let texts = texts_of(json)?;
    for (position, property) in properties.iter().enumerate() {
        value::put_text(item, property.clone(), texts.get(position).copied());
    }
    Some(())
}

fn im_addresses(subject: &Subject, _: &Look) -> Json {
    list(&subject.item, &[IM_ADDRESS])
}

fn put_im_addresses(item: &mut Item, json: &Json) -> Option<()> {
    put_list(item, &[IM_ADDRESS], json)
}

fn children(subject: &Subject, _: &Look) -> Json {
    Json::from(value::texts(&subject.item, &CHILDREN))
}

fn put_children(item: &mut Item, json: &Json) -> Option<()> {
    let texts: Vec<_> = texts_of(json)?.into_iter().map(Into::into).collect();
    value::put(item, CHILDREN, (!texts.is_empty()).then_some(Value::Texts(texts)));
    Some(())
}

fn email(item: &Item, position: usize) -> Json {
    let (name, address) = &EMAILS[position];
    match (value::text(item, name), value::text(item, address)) {
        (None, None) => Json::Null,
        (name, address) => json!({"name": name.or(address), "address": address.unwrap_or_default()}),
    }
}

fn put_email(item: &mut Item, position: usize, json: &Json) -> Option<()> {
    let (name, address) = EMAILS[position].clone();
    let text = |key: &str| json.get(key).and_then(Json::as_str);
    value::put_text(item, name, text("name"));
    value::put_text(item, address, text("address"));
    (json.is_object() || json.is_null()).then_some(())
}

fn emails(subject: &Subject, _: &Look) -> Json {
    (0..EMAILS.len()).map(|position| email(&subject.item, position)).filter(|email| !email.is_null()).collect()
}

fn put_emails(item: &mut Item, json: &Json) -> Option<()> {
    let none = Vec::new();
    let list = if json.is_null() { &none } else { json.as_array()? };
    for position in 0..EMAILS.len() {
        put_email(item, position, list.get(position).unwrap_or(&Json::Null))?;
    }
    Some(())
}

fn address(item: &Item, properties: &[Property; 5]) -> Json {
    let mut address = Map::new();
    for (name, property) in PARTS.into_iter().zip(properties) {
        if let Some(text) = value::text(item, property) {
            address.insert(name.to_owned(), Json::from(text));
        }
    }
    Json::Object(address)
}

fn put_address(item: &mut Item, properties: &[Property; 5], json: &Json) -> Option<()> {
    if !json.is_object() && !json.is_null() {
        return None;
    }
    for (name, property) in PARTS.into_iter().zip(properties) {
        if let Some(part) = json.get(name) {
            value::put_text(item, property.clone(), part.as_str());
        }
    }
    Some(())
}
