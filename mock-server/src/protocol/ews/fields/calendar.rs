//! Fields of meetings that are more than one property, and what holds between them.

use std::sync::Arc;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::codec::{RESPONSE_TYPES, read_bool, word};
use super::field::Slot;
use super::people;
use super::props::{flag, get, integer, put_slot, text, time};
use super::scene::{Scene, Series};
use super::sort::Sort;
use super::special::Special;
use super::times;
use crate::mailbox::item::{Item, Role};
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::item_ids;
use crate::protocol::zones;
use crate::wire::ews::xml::{Element, Writer};

const APPOINTMENT: u128 = 0x0006_2002_0000_0000_C000_0000_0000_0046;
const COMMON: u128 = 0x0006_2008_0000_0000_C000_0000_0000_0046;
const PUBLIC: u128 = 0x0002_0329_0000_0000_C000_0000_0000_0046;
/// `PidLidAppointmentStartWhole` (\[MS-OXOCAL\] 2.2.1.5).
pub(in super::super) const START: Slot = Slot::Id(APPOINTMENT, 0x820D);
/// `PidLidAppointmentEndWhole` (\[MS-OXOCAL\] 2.2.1.6).
pub(in super::super) const END: Slot = Slot::Id(APPOINTMENT, 0x820E);
/// `PidLidAppointmentSubType` (\[MS-OXOCAL\] 2.2.1.9): the whole day.
const ALL_DAY: Slot = Slot::Id(APPOINTMENT, 0x8215);
/// `PidLidAppointmentStateFlags` (\[MS-OXOCAL\] 2.2.1.10).
pub(in super::super) const STATE: Slot = Slot::Id(APPOINTMENT, 0x8217);
/// `PidLidResponseStatus` (\[MS-OXOCAL\] 2.2.1.11).
pub(in super::super) const RESPONSE: Slot = Slot::Id(APPOINTMENT, 0x8218);
/// `PidLidAppointmentReplyTime` (\[MS-OXOCAL\] 2.2.4.3).
pub(in super::super) const REPLY_TIME: Slot = Slot::Id(APPOINTMENT, 0x8220);
/// `PidLidAppointmentSequence` (\[MS-OXOCAL\] 2.2.1.1).
const SEQUENCE: Slot = Slot::Id(APPOINTMENT, 0x8201);
/// `PidLidConferencingType` (\[MS-OXOCAL\] 2.2.1.56.2).
const CONFERENCE: Slot = Slot::Id(APPOINTMENT, 0x8241);
/// `PidLidAppointmentNotAllowPropose` (\[MS-OXOCAL\] 2.2.1.26).
const NO_PROPOSALS: Slot = Slot::Id(APPOINTMENT, 0x825A);
/// `PidLidLocation` (\[MS-OXOCAL\] 2.2.1.4).
const LOCATION: Slot = Slot::Id(APPOINTMENT, 0x8208);
/// `PidLidReminderTime` (\[MS-OXORMDR\] 2.2.1.4).
const REMINDER_DUE: Slot = Slot::Id(COMMON, 0x8502);
/// The names of the time zones as clients gave them. MAPI keeps binary definitions
/// (`PidLidAppointmentTimeZoneDefinitionStartDisplay`), which name them too.
const START_ZONE: Slot = Slot::Name(PUBLIC, "StartTimeZoneId");
const END_ZONE: Slot = Slot::Name(PUBLIC, "EndTimeZoneId");
/// The identity of a meeting as iCalendar writes it. MAPI wraps it (`PidLidGlobalObjectId`).
pub(in super::super) const UID: Slot = Slot::Name(PUBLIC, "UID");
/// The item of the calendar that a message is about, in the identifiers of this server.
pub(in super::super) const ASSOCIATED: Slot = Slot::Name(PUBLIC, "AssociatedCalendarItem");

/// A meeting was called off (\[MS-OXOCAL\] 2.2.1.10).
pub(in super::super) const CANCELED: i32 = 4;
/// It is a meeting, and it was received from somebody.
const MEETING: i32 = 1;
const RECEIVED: i32 = 2;

/// The zone of a meeting's start or end.
pub(in super::super) fn zone(item: &Item, end: bool) -> TimeZone {
    zone_id(item, end).map_or(TimeZone::UTC, |id| zones::find(id).unwrap_or(TimeZone::UTC))
}

fn zone_id(item: &Item, end: bool) -> Option<&Arc<str>> {
    let (first, second) = if end { (END_ZONE, START_ZONE) } else { (START_ZONE, END_ZONE) };
    text(item, first).or_else(|| text(item, second))
}

/// Whether somebody else is asked to come.
pub(super) fn is_meeting(item: &Item) -> bool {
    let attends = |role| matches!(role, Role::Required | Role::Optional | Role::Resource);
    item.people.iter().any(|person| attends(person.role)) || integer(item, STATE).unwrap_or(0) & MEETING != 0
}

/// Whether the mailbox itself organizes the meeting.
pub(super) fn is_organizer(scene: &Scene<'_>) -> bool {
    integer(scene.item, STATE).unwrap_or(0) & RECEIVED == 0
        && people::organizer(scene.item, scene.viewer.address).address.eq_ignore_ascii_case(scene.viewer.address)
}

/// Writes the field.
pub(super) fn write(special: Special, writer: &mut Writer, name: &str, scene: &Scene<'_>) {
    let item = scene.item;
    match special {
        Special::OriginalStart => {
            if let Some(start) = scene.series.original_start() {
                writer.leaf(name, &times::write(start));
            }
        }
        Special::TimeZone(end) => {
            let id = zone_id(item, end).map_or("UTC", |id| id);
            writer.empty(name, &[("Name", id), ("Id", id)]);
        }
        Special::TimeZoneId(end) => writer.leaf(name, zone_id(item, end).map_or("UTC", |id| id)),
        Special::MeetingTimeZone => {
            if let Some(id) = zone_id(item, false) {
                writer.empty(name, &[("TimeZoneName", id)]);
            }
        }
        Special::WallClock(end) => {
            if let Some(moment) = time(item, if end { END } else { START }) {
                let local = zone(item, end).to_datetime(moment);
                writer.leaf(name, &local.strftime("%Y-%m-%dT%H:%M:%S").to_string());
            }
        }
        Special::EnhancedLocation => {
            if let Some(location) = text(item, LOCATION) {
                writer.open(name, &[]);
                writer.leaf("t:DisplayName", location);
                writer.open("t:PostalAddress", &[]);
                writer.leaf("t:LocationSource", "None");
                writer.close("t:PostalAddress");
                writer.close(name);
            }
        }
        Special::AssociatedItem => {
            if let Some(id) = text(item, ASSOCIATED) {
                writer.empty(name, &[("Id", id)]);
            }
        }
        _ => {
            if let (Some(start), Some(end)) = (time(item, START), time(item, END)) {
                writer.leaf(name, &times::write_duration(end.duration_since(start)));
            }
        }
    }
}

/// What an item has in the field.
pub(super) fn value(special: Special, scene: &Scene<'_>) -> Option<Value> {
    let item = scene.item;
    let state = integer(item, STATE).unwrap_or(0);
    Some(match special {
        Special::Uid => Value::Text(Arc::clone(text(item, UID)?)),
        Special::RecurrenceId | Special::OriginalStart => Value::Time(scene.series.original_start()?),
        Special::Start => Value::Time(time(item, START)?),
        Special::End => Value::Time(time(item, END)?),
        Special::IsMeeting => Value::Bool(is_meeting(item)),
        Special::IsCancelled => Value::Bool(state & CANCELED != 0),
        Special::IsRecurring => Value::Bool(matches!(scene.series, Series::Occurrence(_) | Series::Exception(_))),
        Special::IsOrganizer => Value::Bool(is_organizer(scene)),
        Special::CalendarItemType => Value::Text(
            match scene.series {
                Series::Single => "Single",
                Series::Master => "RecurringMaster",
                Series::Occurrence(_) => "Occurrence",
                Series::Exception(_) => "Exception",
            }
            .into(),
        ),
        Special::Conflicts(_) => Value::Integer(0),
        Special::Sequence => Value::Integer(integer(item, SEQUENCE).unwrap_or(0)),
        Special::State => Value::Integer(if is_meeting(item) { state | MEETING } else { state }),
        Special::TimeZoneName => Value::Text(Arc::clone(zone_id(item, false)?)),
        Special::ConferenceType => Value::Integer(integer(item, CONFERENCE)?),
        Special::AllowNewTimeProposal => Value::Bool(!flag(item, NO_PROPOSALS)),
        Special::ResponseType => Value::Text(word(&RESPONSE_TYPES, response_of_class(item)).into()),
        Special::RequestType => Value::Text(
            if Sort::of_class(&item.class) == Sort::MeetingRequest { "NewMeetingRequest" } else { "None" }.into(),
        ),
        _ => return None,
    })
}

/// The response that an answer's class tells of (\[MS-OXOCAL\] 2.2.7.1).
fn response_of_class(item: &Item) -> i32 {
    let class = item.class.to_ascii_lowercase();
    match class.rsplit('.').next() {
        Some("pos") => 3,
        Some("neg") => 4,
        Some("tent") => 2,
        _ if Sort::of_class(&item.class) == Sort::MeetingRequest => 5,
        _ => 0,
    }
}

/// Sets the field.
pub(super) fn set(special: Special, item: &mut Item, element: &Element<'_>, zone: &TimeZone) -> Result<(), Failure> {
    let content = element.text();
    match special {
        Special::Uid => put_slot(item, UID, Some(Value::Text(content.into()))),
        Special::Start | Special::End => {
            let moment = times::read(content, zone).ok_or(Failure::PROPERTY_VALUE)?;
            put_slot(item, if special == Special::Start { START } else { END }, Some(Value::Time(moment)));
        }
        Special::TimeZone(_) | Special::TimeZoneId(_) | Special::MeetingTimeZone => {
            let id = match special {
                Special::MeetingTimeZone => element.attribute("TimeZoneName"),
                Special::TimeZone(_) => element.attribute("Id"),
                _ => Some(content),
            };
            let id = id.filter(|id| zones::find(id).is_some());
            // A zone that a client describes by its rules alone is kept as the one whose name it gives, if that is known.
            let id = id.or_else(|| element.attribute("Name").filter(|name| zones::find(name).is_some()));
            let id =
                id.ok_or(Failure { code: "ErrorInvalidTimeZone", text: "The specified time zone is not valid." })?;
            let slots: &[Slot] = match special {
                Special::TimeZone(end) | Special::TimeZoneId(end) => {
                    if end {
                        &[END_ZONE]
                    } else {
                        &[START_ZONE]
                    }
                }
                _ => &[START_ZONE, END_ZONE],
            };
            for slot in slots {
                put_slot(item, *slot, Some(Value::Text(id.into())));
            }
        }
        Special::ConferenceType => {
            let number: i32 = content.parse().map_err(|_| Failure::PROPERTY_VALUE)?;
            put_slot(item, CONFERENCE, Some(Value::Integer(number)));
        }
        Special::AllowNewTimeProposal => {
            let allowed = read_bool(content).ok_or(Failure::PROPERTY_VALUE)?;
            put_slot(item, NO_PROPOSALS, Some(Value::Bool(!allowed)));
        }
        _ => {
            let name = element.typed("DisplayName").map_or("", Element::whole_text);
            put_slot(item, LOCATION, (!name.is_empty()).then(|| Value::Text(name.into())));
        }
    }
    Ok(())
}

/// Takes the field away.
pub(super) fn clear(special: Special, item: &mut Item) -> Result<(), Failure> {
    let slots: &[Slot] = match special {
        Special::TimeZone(end) | Special::TimeZoneId(end) => {
            if end {
                &[END_ZONE]
            } else {
                &[START_ZONE]
            }
        }
        Special::MeetingTimeZone => &[START_ZONE, END_ZONE],
        Special::ConferenceType => &[CONFERENCE],
        Special::EnhancedLocation => &[LOCATION],
        _ => return Err(Failure::PROPERTY_DELETE),
    };
    for slot in slots {
        put_slot(item, *slot, None);
    }
    Ok(())
}

/// Makes a meeting's fields agree after they were set: a meeting of whole days begins and ends at midnight, it does not
/// end before it begins, and its reminder is due when it begins.
pub(in super::super) fn settle(item: &mut Item, wall: Timestamp, fresh: bool) -> Result<(), Failure> {
    if Sort::of_class(&item.class) != Sort::CalendarItem {
        return Ok(());
    }
    if fresh {
        if time(item, START).is_none() {
            // Exchange starts what has no start at the next half hour (assumed: now, at the full minute).
            let now = Timestamp::from_second(wall.as_second() / 60 * 60).unwrap_or(wall);
            put_slot(item, START, Some(Value::Time(now)));
        }
        if time(item, END).is_none()
            && let Some(start) = time(item, START)
        {
            put_slot(item, END, Some(Value::Time(start + 30.minutes())));
        }
        if text(item, UID).is_none() {
            let seed = format!("{wall} {:?} {:?}", get(item, &START.property()), super::basics::SUBJECT.property());
            let subject = text(item, super::basics::SUBJECT).map_or("", |subject| subject);
            let high = xxhash_rust::xxh3::xxh3_128(format!("{seed} {subject}").as_bytes());
            let uid = format!("040000008200E00074C5B7101A82E00800000000{high:032X}");
            put_slot(item, UID, Some(Value::Text(uid.into())));
        }
        put_slot(item, RESPONSE, Some(Value::Integer(integer(item, RESPONSE).unwrap_or(i32::from(is_meeting(item))))));
    }
    let (Some(mut start), Some(mut end)) = (time(item, START), time(item, END)) else { return Ok(()) };
    if flag(item, ALL_DAY) {
        start = midnight(start, &zone(item, false), false);
        end = midnight(end, &zone(item, true), true);
        if end <= start {
            end = midnight(start + 1.second(), &zone(item, true), true);
        }
        put_slot(item, START, Some(Value::Time(start)));
        put_slot(item, END, Some(Value::Time(end)));
    }
    if end < start {
        return Err(Failure::END_BEFORE_START);
    }
    if super::basics::reminds(item) || super::basics::has(item, REMINDER_DUE) {
        put_slot(item, REMINDER_DUE, Some(Value::Time(start)));
    }
    Ok(())
}

/// The midnight before a moment, or the one after it; the moment itself if it is one.
fn midnight(moment: Timestamp, zone: &TimeZone, after: bool) -> Timestamp {
    let local = zone.to_datetime(moment);
    let day = local.date();
    let day = if after && local.time() != Time::midnight() { day.tomorrow().unwrap_or(day) } else { day };
    zone.to_zoned(day.to_datetime(Time::midnight())).map_or(moment, |zoned| zoned.timestamp())
}

/// The identifier of the calendar item that a message is about.
pub(in super::super) fn associate(item: &mut Item, mailbox: crate::wire::id::MailboxKey, number: u64) {
    put_slot(item, ASSOCIATED, Some(Value::Text(item_ids::item(mailbox, number, None).into())));
}
