//! The properties of events (learn.microsoft.com/graph/api/resources/event), in the service's order.
//!
//! Numbers of properties are those of \[MS-OXPROPS\] and \[MS-OXOCAL\]; the canonical names are beside them.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::message::{self, categories, change_key, has_attachments, put_categories};
use super::{Field, Form, Look, Subject, Table, body, people, recurrence, value};
use crate::mailbox::item::{Item, Person, Role};
use crate::mailbox::property::{self as p, Property, PropertyName, Value, named};
use crate::protocol::graph::{reference, times};

/// `PidLidAppointmentStateFlags`.
const STATE: Property = named(p::APPOINTMENT, 0x8217);
/// `PidLidResponseStatus`.
pub(in crate::protocol::graph) const RESPONSE: Property = named(p::APPOINTMENT, 0x8218);
/// `PidLidAppointmentReplyTime`.
pub(in crate::protocol::graph) const REPLY_TIME: Property = named(p::APPOINTMENT, 0x8220);
/// `PidLidAppointmentNotAllowPropose`.
const NO_PROPOSALS: Property = named(p::APPOINTMENT, 0x825a);
/// `PidTagResponseRequested`.
const RESPONSE_REQUESTED: Property = Property::Tag(0x0063);
/// `asfMeeting` and `asfCanceled` (\[MS-OXOCAL\] 2.2.1.10).
const MEETING: i32 = 1;
pub(in crate::protocol::graph) const CANCELED: i32 = 4;

fn public(name: &str) -> Property {
    Property::Named { set: p::PUBLIC_STRINGS, name: PropertyName::Text(Arc::from(name)) }
}

/// The names of the zones as clients gave them.
static START_ZONE: LazyLock<Property> = LazyLock::new(|| public("StartTimeZoneId"));
static END_ZONE: LazyLock<Property> = LazyLock::new(|| public("EndTimeZoneId"));
/// The identity of a meeting as iCalendar writes it.
static UID: LazyLock<Property> = LazyLock::new(|| public("UID"));
/// The client's own mark of the request that made the event.
static TRANSACTION: LazyLock<Property> = LazyLock::new(|| public("TransactionId"));

pub(in crate::protocol::graph) static EVENT: Table = Table {
    kind: "Event",
    collection: "events",
    fields: &FIELDS,
    related: &[
        "attachments",
        "calendar",
        "exceptionOccurrences",
        "extensions",
        "instances",
        "singleValueExtendedProperties",
        "multiValueExtendedProperties",
    ],
};

static FIELDS: [Field; 42] = [
    Field::new("id", Form::Computed(id)).fixed(),
    Field::new("createdDateTime", Form::Moment(p::CREATION_TIME)).fixed(),
    Field::new("lastModifiedDateTime", Form::Moment(p::LAST_MODIFIED)).fixed(),
    Field::new("changeKey", Form::Computed(change_key)).fixed(),
    Field::new("categories", Form::Special(categories, put_categories)),
    Field::new("transactionId", Form::Special(transaction, put_transaction)),
    Field::new("originalStart", Form::Computed(original_start)).fixed().on_demand(),
    Field::new("originalStartTimeZone", Form::Computed(|s, _| zone_name(&s.item, &START_ZONE))).fixed(),
    Field::new("originalEndTimeZone", Form::Computed(|s, _| zone_name(&s.item, &END_ZONE))).fixed(),
    Field::new("iCalUId", Form::Computed(uid)).fixed(),
    Field::new("reminderMinutesBeforeStart", Form::Special(reminder, put_reminder)),
    Field::new("isReminderOn", Form::Truth(p::REMINDER_SET)),
    Field::new("hasAttachments", Form::Computed(has_attachments)).fixed(),
    Field::new("subject", Form::Text(p::SUBJECT)),
    Field::new("bodyPreview", Form::Computed(body::preview)).fixed(),
    Field::new("importance", Form::Choice(p::IMPORTANCE, message::IMPORTANCES)),
    Field::new(
        "sensitivity",
        Form::Choice(p::SENSITIVITY, &[("normal", 0), ("personal", 1), ("private", 2), ("confidential", 3)]),
    ),
    Field::new("isAllDay", Form::Truth(p::ALL_DAY)),
    Field::new("isCancelled", Form::Computed(|s, _| Json::Bool(state(&s.item) & CANCELED != 0))).fixed(),
    Field::new("isOrganizer", Form::Computed(is_organizer)).fixed(),
    Field::new("responseRequested", Form::Special(response_requested, put_response_requested)),
    Field::new("seriesMasterId", Form::Computed(master)).fixed(),
    Field::new(
        "showAs",
        Form::Choice(
            p::BUSY_STATUS,
            &[("busy", 2), ("free", 0), ("tentative", 1), ("oof", 3), ("workingElsewhere", 4), ("unknown", -1)],
        ),
    ),
    Field::new("type", Form::Computed(kind)).fixed(),
    Field::new("webLink", Form::Computed(message::web_link)).fixed(),
    Field::new("onlineMeetingUrl", Form::Computed(|_, _| Json::Null)).fixed(),
    Field::new("isOnlineMeeting", Form::Computed(|_, _| Json::Bool(false))).fixed(),
    Field::new("onlineMeetingProvider", Form::Computed(|_, _| json!("unknown"))).fixed(),
    Field::new("allowNewTimeProposals", Form::Special(proposals, put_proposals)),
    Field::new("isDraft", Form::Computed(|_, _| Json::Bool(false))).fixed(),
    Field::new("hideAttendees", Form::Computed(|_, _| Json::Bool(false))).fixed(),
    Field::new("recurrence", Form::Special(read_recurrence, put_recurrence)),
    Field::new("onlineMeeting", Form::Computed(|_, _| Json::Null)).fixed(),
    Field::new("responseStatus", Form::Computed(response_status)).fixed(),
    Field::new("body", Form::Special(body::read, body::write)),
    Field::new("start", Form::Special(start, put_start)),
    Field::new("end", Form::Special(end, put_end)),
    Field::new("location", Form::Special(location, put_location)),
    Field::new("locations", Form::Computed(locations)).fixed(),
    Field::new("attendees", Form::Special(attendees, put_attendees)),
    Field::new("organizer", Form::Computed(organizer)).fixed(),
    Field::new("cancelledOccurrences", Form::Computed(|_, _| json!([]))).fixed().on_demand(),
];

fn state(item: &Item) -> i32 {
    value::integer(item, &STATE).unwrap_or(0)
}

/// Marks a meeting as called off.
pub(in crate::protocol::graph) fn cancel(item: &mut Item) {
    let state = state(item) | CANCELED;
    value::put(item, STATE, Some(Value::Integer(state)));
}

fn id(subject: &Subject, look: &Look) -> Json {
    Json::from(match subject.occurrence {
        Some(occurrence) => reference::occurrence(look.mailbox, subject.number, occurrence.original.as_second()),
        None => reference::item(look.mailbox, subject.number),
    })
}

fn master(subject: &Subject, look: &Look) -> Json {
    subject.occurrence.map_or(Json::Null, |_| Json::from(reference::item(look.mailbox, subject.number)))
}

fn kind(subject: &Subject, _: &Look) -> Json {
    Json::from(match subject.occurrence {
        Some(occurrence) if occurrence.exception => "exception",
        Some(_) => "occurrence",
        None if subject.item.recurrence.is_some() => "seriesMaster",
        None => "singleInstance",
    })
}

fn original_start(subject: &Subject, _: &Look) -> Json {
    let own = subject.occurrence.map(|occurrence| occurrence.original);
    own.or_else(|| value::moment(&subject.item, &p::START)).map_or(Json::Null, |at| Json::from(times::utc(at)))
}

fn zone_name(item: &Item, property: &Property) -> Json {
    Json::from(value::text(item, property).unwrap_or(times::UTC))
}

fn uid(subject: &Subject, look: &Look) -> Json {
    match value::text(&subject.item, &UID) {
        Some(uid) => Json::from(uid),
        None => Json::from(format!("040000008200E00074C5B7101A82E008{:08x}{:016x}", look.mailbox.0, subject.number)),
    }
}

fn transaction(subject: &Subject, _: &Look) -> Json {
    value::text(&subject.item, &TRANSACTION).map_or(Json::Null, Json::from)
}

fn put_transaction(item: &mut Item, json: &Json) -> Option<()> {
    value::put_text(item, TRANSACTION.clone(), json.as_str());
    Some(())
}

/// Minutes of a reminder that was never set (Outlook's default).
const REMINDER_MINUTES: i32 = 15;

fn reminder(subject: &Subject, _: &Look) -> Json {
    Json::from(value::integer(&subject.item, &p::REMINDER_MINUTES).unwrap_or(REMINDER_MINUTES))
}

fn put_reminder(item: &mut Item, json: &Json) -> Option<()> {
    let minutes = i32::try_from(json.as_i64()?).ok()?;
    value::put(item, p::REMINDER_MINUTES, Some(Value::Integer(minutes)));
    Some(())
}

fn flag_or(item: &Item, property: &Property, default: bool) -> bool {
    if value::get(item, property).is_some() { value::truth(item, property) } else { default }
}

fn response_requested(subject: &Subject, _: &Look) -> Json {
    Json::Bool(flag_or(&subject.item, &RESPONSE_REQUESTED, true))
}

fn put_response_requested(item: &mut Item, json: &Json) -> Option<()> {
    value::put(item, RESPONSE_REQUESTED, Some(Value::Bool(json.as_bool()?)));
    Some(())
}

fn proposals(subject: &Subject, _: &Look) -> Json {
    Json::Bool(!flag_or(&subject.item, &NO_PROPOSALS, false))
}

fn put_proposals(item: &mut Item, json: &Json) -> Option<()> {
    value::put(item, NO_PROPOSALS, Some(Value::Bool(!json.as_bool()?)));
    Some(())
}

fn organizer(subject: &Subject, look: &Look) -> Json {
    match people::pair(&subject.item, &p::FROM_NAME, &p::FROM_ADDRESS) {
        Json::Null => people::recipient("", &look.address),
        found => found,
    }
}

fn is_organizer(subject: &Subject, look: &Look) -> Json {
    let own = value::text(&subject.item, &p::FROM_ADDRESS);
    Json::Bool(own.is_none_or(|address| address.eq_ignore_ascii_case(&look.address)))
}

/// Words of `responseType` and their `PidLidResponseStatus`.
const RESPONSES: [(&str, i32); 6] =
    [("none", 0), ("organizer", 1), ("tentativelyAccepted", 2), ("accepted", 3), ("declined", 4), ("notResponded", 5)];

fn response(number: i32, at: Option<Timestamp>) -> Json {
    let word = RESPONSES.iter().find(|(_, own)| *own == number).map_or("none", |(word, _)| word);
    json!({"response": word, "time": at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), times::utc)})
}

fn response_status(subject: &Subject, look: &Look) -> Json {
    let item = &subject.item;
    let is_organizer = is_organizer(subject, look) == Json::Bool(true) && !item.people.is_empty();
    let number = value::integer(item, &RESPONSE).unwrap_or(i32::from(is_organizer));
    response(number, value::moment(item, &REPLY_TIME))
}

fn start(subject: &Subject, look: &Look) -> Json {
    let own = subject.occurrence.map(|occurrence| occurrence.start);
    own.or_else(|| value::moment(&subject.item, &p::START)).map_or(Json::Null, |at| times::pair(at, &look.zone))
}

fn end(subject: &Subject, look: &Look) -> Json {
    let own = subject.occurrence.map(|occurrence| occurrence.end);
    own.or_else(|| value::moment(&subject.item, &p::END)).map_or(Json::Null, |at| times::pair(at, &look.zone))
}

fn put_time(item: &mut Item, json: &Json, time: Property, zone: &Property) -> Option<()> {
    let (moment, named) = times::read_pair(json)?;
    value::put(item, time, Some(Value::Time(moment)));
    value::put_text(item, zone.clone(), Some(&named.name));
    Some(())
}

fn put_start(item: &mut Item, json: &Json) -> Option<()> {
    put_time(item, json, p::START, &START_ZONE)
}

fn put_end(item: &mut Item, json: &Json) -> Option<()> {
    put_time(item, json, p::END, &END_ZONE)
}

/// The zone of an event's start.
pub(in crate::protocol::graph) fn zone(item: &Item) -> times::Zone {
    value::text(item, &START_ZONE).and_then(times::zone).unwrap_or_else(times::default_zone)
}

fn read_recurrence(subject: &Subject, _: &Look) -> Json {
    match (&subject.item.recurrence, subject.occurrence) {
        (Some(own), None) => recurrence::write(own),
        _ => Json::Null,
    }
}

fn put_recurrence(item: &mut Item, json: &Json) -> Option<()> {
    if json.is_null() {
        item.recurrence = None;
        return Some(());
    }
    let zone = zone(item);
    // A recurrence that is sent before the start is read again once the start is known; see `settle`.
    let start = value::moment(item, &p::START).unwrap_or(Timestamp::UNIX_EPOCH);
    let day = start.to_zoned(zone.rules).date();
    let mut read = recurrence::read(json, day, &zone.name)?;
    if let Some(old) = item.recurrence.take() {
        read.exceptions = if old.pattern == read.pattern { old.exceptions } else { Vec::new() };
    }
    item.recurrence = Some(read);
    Some(())
}

fn location(subject: &Subject, _: &Look) -> Json {
    let name = value::text(&subject.item, &p::LOCATION).unwrap_or_default();
    json!({"displayName": name, "locationType": "default", "uniqueId": name, "uniqueIdType": "private"})
}

fn put_location(item: &mut Item, json: &Json) -> Option<()> {
    value::put_text(item, p::LOCATION, json.get("displayName").and_then(Json::as_str));
    (json.is_object() || json.is_null()).then_some(())
}

fn locations(subject: &Subject, look: &Look) -> Json {
    match value::text(&subject.item, &p::LOCATION) {
        Some(name) if !name.is_empty() => json!([location(subject, look)]),
        _ => json!([]),
    }
}

const ATTENDEES: [(&str, Role); 3] =
    [("required", Role::Required), ("optional", Role::Optional), ("resource", Role::Resource)];

fn attendees(subject: &Subject, _: &Look) -> Json {
    let one = |person: &Person| {
        let (kind, _) = ATTENDEES.iter().find(|(_, role)| *role == person.role)?;
        let mut entry = people::recipient(&person.name, &person.address);
        entry["type"] = json!(kind);
        entry["status"] = response(person.response, person.responded);
        Some(entry)
    };
    subject.item.people.iter().filter_map(one).collect()
}

fn put_attendees(item: &mut Item, json: &Json) -> Option<()> {
    let none = Vec::new();
    let list = if json.is_null() { &none } else { json.as_array()? };
    let mut found = Vec::with_capacity(list.len());
    for entry in list {
        let word = entry.get("type").and_then(Json::as_str).unwrap_or("required");
        let (_, role) = ATTENDEES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word))?;
        let (name, address) = people::read_recipient(entry)?;
        let old = item.people.iter().find(|person| person.address.eq_ignore_ascii_case(&address));
        let (response, responded) = old.map_or((0, None), |old| (old.response, old.responded));
        found.push(Person { response, responded, ..people::person(*role, &name, &address) });
    }
    item.people.retain(|person| !ATTENDEES.iter().any(|(_, role)| *role == person.role));
    let meeting = if found.is_empty() { state(item) & !MEETING } else { state(item) | MEETING };
    item.people.extend(found);
    value::put(item, STATE, Some(Value::Integer(meeting)));
    Some(())
}
