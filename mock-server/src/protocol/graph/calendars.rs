//! Calendars and their events, series with their occurrences included.

use serde_json::{Map, Value, json};

use super::create::{from_json, stamp};
use super::entity;
use super::failure::Failure;
use super::fields::event::{self, EVENT};
use super::fields::{Look, Subject, value};
use super::filter::date;
use super::folders::{self, Shape};
use super::occurrences;
use super::page::{self, Access};
use super::reply::Reply;
use super::route::Route as R;
use super::task::Task;
use super::{messages, reference};
use crate::mailbox::content::Content;
use crate::mailbox::item::Item;
use crate::mailbox::open::{Deletion, FolderInfo, Open};
use crate::mailbox::property::{self as p, Value as Stored};
use crate::wire::call::FolderKind;

const CALENDAR: Shape =
    Shape { kind: "Calendar", collection: "calendars", names: &["id", "name"], class: "IPF.Appointment" };

/// Calendars that are not in a group of the user's own are in this one.
const GROUP: &str = "My Calendars";

/// Longest span of a calendar view, in days (learn.microsoft.com/graph/api/user-list-calendarview: 1,825 days).
const MAX_VIEW_DAYS: i64 = 1825;

fn holds_events(folder: &FolderInfo) -> bool {
    folder.class.to_ascii_lowercase().starts_with("ipf.appointment")
}

/// The calendar of the path, or the default one.
fn folder<C: Content>(open: &mut Open<'_, C>, task: &Task<'_>) -> Result<u32, Failure> {
    match task.place.folder.as_str() {
        "" => open.known_folder(FolderKind::Calendar).ok_or_else(Failure::item_not_found),
        named => task.folder(open, named),
    }
}

/// Carries out a request on calendars or events.
pub(super) fn carry_out<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    match task.place.route {
        R::Calendars => calendars(open, task),
        R::CalendarGroups => Ok(groups(task)),
        R::Calendar | R::CalendarById => calendar(open, task),
        R::Event => one(open, task),
        R::Instances => {
            let subject = entity::load(open, task.item()?)?;
            if subject.item.recurrence.is_none() {
                return Err(Failure::new(400, "ErrorInvalidRequest", "The event is not a series master."));
            }
            view(open, task, vec![subject])
        }
        R::CalendarView | R::CalendarViewIn => {
            let folder = folder(open, task)?;
            let numbers = open.list(folder);
            let mut all = Vec::with_capacity(numbers.len());
            for number in numbers {
                all.extend(entity::load(open, number).ok());
            }
            view(open, task, all)
        }
        R::EventResponse => respond(open, task),
        R::EventCancel => cancel(open, task),
        route => {
            let folder = folder(open, task)?;
            if task.asked.method == "POST" {
                return create(open, task, folder);
            }
            let mut members = open.list(folder);
            members.reverse();
            match route {
                R::EventsCount => entity::count(open, task, &EVENT, &members),
                _ => entity::list(open, task, &EVENT, &members),
            }
        }
    }
}

/// A calendar as an entity.
fn write(folder: &FolderInfo, task: &Task<'_>, address: &str) -> Value {
    let is_default = folder.kind == FolderKind::Calendar;
    let all = json!({
        "id": reference::folder(task.mailbox, folder.ordinal),
        "name": &*folder.name,
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": is_default,
        "changeKey": reference::change_key(task.mailbox, folder.version),
        "canShare": true,
        "canViewPrivateItems": true,
        "canEdit": true,
        "allowedOnlineMeetingProviders": [],
        "defaultOnlineMeetingProvider": "unknown",
        "isTallyingResponses": is_default,
        "isRemovable": !is_default,
        "owner": {"name": address, "address": address},
    });
    let Value::Object(all) = all else { return Value::Null };
    all.into_iter().filter(|(name, _)| name == "id" || task.place.query.selects(name)).collect::<Map<_, _>>().into()
}

fn reply<C: Content>(open: &mut Open<'_, C>, task: &Task<'_>, ordinal: u32, status: u16) -> Result<Reply, Failure> {
    let folder = open.folder(ordinal).ok_or_else(Failure::item_not_found)?;
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), Value::String(task.context_of_one("calendars")));
    if let Value::Object(entity) = write(&folder, task, &open.address()) {
        body.extend(entity);
    }
    Ok(Reply::json(status, Value::Object(body)))
}

fn calendars<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let address = open.address();
    if task.asked.method == "POST" {
        let sent = task.object()?;
        let name = folders::name(&sent, "name")?;
        let name = name.ok_or_else(|| Failure::new(400, "ErrorInvalidRequest", "The property 'name' is required."))?;
        let parent = open.known_folder(FolderKind::Calendar).or_else(|| open.known_folder(FolderKind::Root));
        let parent = parent.ok_or_else(Failure::item_not_found)?;
        let ordinal = open.make_folder(parent, name, Some(CALENDAR.class))?;
        return reply(open, task, ordinal, 201);
    }
    let mut all = open.folders();
    all.retain(holds_events);
    let names = ["id", "name", "color", "isDefaultCalendar", "changeKey", "canShare", "canEdit", "owner", "hexColor"];
    let more = ["canViewPrivateItems", "isRemovable", "isTallyingResponses", "events", "calendarView"];
    let entity = |folder: &FolderInfo, name: &str| write(folder, task, &address)[name].clone();
    let chosen = page::choose(
        &task.place.query,
        task.prefer.page,
        &all,
        &mut Access {
            load: &mut |folder: &FolderInfo| Some(folder.clone()),
            property: &entity,
            knows: &|name| names.contains(&name) || more.contains(&name),
            kind: CALENDAR.kind,
        },
    )?;
    let value: Vec<Value> = chosen.members.iter().map(|folder| write(folder, task, &address)).collect();
    Ok(page::body(&task.context("calendars"), &task.url(), &task.place.query, &chosen, &value))
}

fn groups(task: &Task<'_>) -> Reply {
    let group = json!({
        "id": reference::folder(task.mailbox, u32::MAX - 1),
        "name": GROUP,
        "classId": "0006f0b7-0000-0000-c000-000000000046",
        "changeKey": reference::change_key(task.mailbox, 0),
    });
    Reply::json(200, json!({"@odata.context": task.context("calendarGroups"), "value": [group]}))
}

fn calendar<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let ordinal = folder(open, task)?;
    match task.asked.method {
        "GET" => reply(open, task, ordinal, 200),
        "PATCH" => {
            let sent = task.object()?;
            if let Some(name) = folders::name(&sent, "name")? {
                open.rename_folder(ordinal, name)?;
            }
            folders::set_extended(open, ordinal, &sent)?;
            reply(open, task, ordinal, 200)
        }
        _ => folders::delete(open, ordinal),
    }
}

/// Refuses an event that ends before it starts, and settles what depends on both.
fn settle(item: &mut Item, sent: &Map<String, Value>) -> Result<(), Failure> {
    let (start, end) = (value::moment(item, &p::START), value::moment(item, &p::END));
    let (Some(start), Some(end)) = (start, end) else {
        let message = "The start and end of the event are required.";
        return Err(Failure::new(400, "ErrorPropertyValidationFailure", message));
    };
    if end < start {
        let message = "The end of the event must not be before its start.";
        return Err(Failure::new(400, "ErrorPropertyValidationFailure", message));
    }
    // The recurrence may have been read before the start, on whose day it begins.
    if let Some(recurrence) = sent.get("recurrence").filter(|recurrence| !recurrence.is_null()) {
        let only: Map<String, Value> = [("recurrence".to_owned(), recurrence.clone())].into_iter().collect();
        EVENT.write(item, &only)?;
    }
    Ok(())
}

fn create<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>, folder: u32) -> Result<Reply, Failure> {
    let sent = task.object()?;
    let mut item = from_json(&EVENT, "IPM.Appointment", &sent)?;
    settle(&mut item, &sent)?;
    stamp(open, &mut item);
    if !sent.contains_key("isReminderOn") {
        value::put(&mut item, p::REMINDER_SET, Some(Stored::Bool(true)));
    }
    let number = open.create(folder, item)?;
    task.count(1, 0);
    entity::reply(open, task, &EVENT, number, 201)
}

/// The event that the path names, and the occurrence of it that is meant.
fn find<C: Content>(open: &mut Open<'_, C>, task: &Task<'_>) -> Result<Subject, Failure> {
    let (number, original) = reference::read_event(task.mailbox, &task.place.item)?;
    let subject = entity::load(open, number)?;
    match original {
        None => Ok(subject),
        Some(original) => occurrences::one(&subject, original).ok_or_else(Failure::item_not_found),
    }
}

fn one<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let subject = find(open, task)?;
    let look = entity::look(open, task)?;
    let sent = task.object()?;
    match (task.asked.method, subject.occurrence) {
        ("GET", _) => Ok(entity::reply_with(task, &EVENT, &subject, &look, 200)),
        ("PATCH", None) => entity::update(open, task, &EVENT, subject.number, |item| settle(item, &sent)),
        ("PATCH", Some(occurrence)) => {
            let mut changed = (*subject.item).clone();
            changed.recurrence = None;
            EVENT.write(&mut changed, &sent)?;
            replace(open, &subject, occurrence.original, Some(changed))?;
            let subject = find(open, task)?;
            Ok(entity::reply_with(task, &EVENT, &subject, &look, 200))
        }
        (_, None) => messages::delete(open, task, subject.number, Deletion::ToDeletedItems),
        (_, Some(occurrence)) => {
            replace(open, &subject, occurrence.original, None)?;
            Ok(Reply::empty(204))
        }
    }
}

/// Replaces an occurrence of a series by another item, or by nothing.
fn replace<C: Content>(
    open: &mut Open<'_, C>,
    subject: &Subject,
    original: jiff::Timestamp,
    changed: Option<Item>,
) -> Result<(), Failure> {
    let mut master = (*entity::load(open, subject.number)?.item).clone();
    occurrences::replace(&mut master, original, changed);
    open.update(subject.number, master)?;
    Ok(())
}

/// The events, and occurrences of series, that overlap the span that the query names, in the order of their starts.
fn view<C: Content>(open: &mut Open<'_, C>, task: &Task<'_>, all: Vec<Subject>) -> Result<Reply, Failure> {
    let bound = |name: &str| {
        let text = task.place.query.get(name);
        text.and_then(date).ok_or_else(|| {
            Failure::new(
                400,
                "ErrorInvalidParameter",
                "This request requires a time window specified by the query string parameters StartDateTime and \
                 EndDateTime.",
            )
        })
    };
    let (from, to) = (bound("startDateTime")?, bound("endDateTime")?);
    if to < from || MAX_VIEW_DAYS * 24 * 3600 < to.as_second() - from.as_second() {
        return Err(Failure::new(
            400,
            "ErrorInvalidParameter",
            "The time window is reversed or longer than 1825 days.",
        ));
    }
    let look = entity::look(open, task)?;
    let mut found: Vec<(jiff::Timestamp, Subject)> = Vec::new();
    for subject in all {
        if subject.item.recurrence.is_some() {
            let within = occurrences::within(&subject, from, to).into_iter();
            found.extend(within.filter_map(|own| Some((own.occurrence?.start, own))));
            continue;
        }
        let times = (value::moment(&subject.item, &p::START), value::moment(&subject.item, &p::END));
        if let (Some(start), Some(end)) = times
            && start < to
            && (from < end || from <= start)
        {
            found.push((start, subject));
        }
    }
    found.sort_by_key(|(start, subject)| (*start, subject.number));
    let members: Vec<Subject> = found.into_iter().map(|(_, subject)| subject).collect();
    answer(task, &look, &members)
}

fn answer(task: &Task<'_>, look: &Look, members: &[Subject]) -> Result<Reply, Failure> {
    let query = &task.place.query;
    let chosen = page::choose(
        query,
        task.prefer.page,
        members,
        &mut Access {
            load: &mut |subject: &Subject| Some(subject.clone()),
            property: &|subject: &Subject, name: &str| EVENT.value(subject, look, name),
            knows: &|name| EVENT.knows(name),
            kind: EVENT.kind,
        },
    )?;
    let value: Vec<Value> = chosen.members.iter().map(|subject| entity::write(&EVENT, subject, look, query)).collect();
    Ok(page::body(&task.context("calendarView"), &task.url(), query, &chosen, &value))
}

/// Accepts, declines or leaves an invitation open.
fn respond<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let subject = find(open, task)?;
    let (number, declined) = match task.place.last.as_str() {
        "accept" => (3, false),
        "decline" => (4, true),
        _ => (2, false),
    };
    let mut item = (*entity::load(open, subject.number)?.item).clone();
    let address = open.address();
    let organizer = value::text(&item, &p::FROM_ADDRESS).unwrap_or(&address);
    if organizer.eq_ignore_ascii_case(&address) {
        let message = "Your request can't be completed. You can't respond to this meeting because you're the meeting \
                       organizer.";
        return Err(Failure::new(400, "ErrorInvalidRequest", message));
    }
    let now = open.wall();
    value::put(&mut item, event::RESPONSE, Some(Stored::Integer(number)));
    value::put(&mut item, event::REPLY_TIME, Some(Stored::Time(now)));
    for person in item.people.iter_mut().filter(|person| person.address.eq_ignore_ascii_case(&address)) {
        person.response = number;
        person.responded = Some(now);
    }
    open.update(subject.number, item)?;
    if declined {
        open.delete(subject.number, Deletion::ToDeletedItems)?;
    }
    task.count(1, 0);
    Ok(Reply::empty(202))
}

/// Calls a meeting off, which takes it from the organizer's calendar.
fn cancel<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let subject = find(open, task)?;
    if let Some(occurrence) = subject.occurrence {
        replace(open, &subject, occurrence.original, None)?;
    } else {
        let mut item = (*subject.item).clone();
        event::cancel(&mut item);
        open.update(subject.number, item)?;
        open.delete(subject.number, Deletion::ToDeletedItems)?;
    }
    task.count(1, 0);
    Ok(Reply::empty(202))
}
