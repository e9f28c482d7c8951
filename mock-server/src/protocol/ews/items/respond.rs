//! Response objects of `CreateItem`: answers, forwards, and answers to invitations.

use jiff::tz::TimeZone;

use super::create::{Disposition, Manner, READ, UNSENT, settle};
use super::{Found, Target, send};
use crate::mailbox::content::Content;
use crate::mailbox::item::{Item, Role};
use crate::mailbox::open::{Deletion, Open};
use crate::mailbox::property::Value;
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::field::Slot;
use crate::protocol::ews::fields::people::{self, Address};
use crate::protocol::ews::fields::props::{integer, put_slot, text};
use crate::protocol::ews::fields::sort::Sort;
use crate::protocol::ews::fields::tables::FROM;
use crate::protocol::ews::fields::{basics, body, calendar, codec, tables, times};
use crate::wire::call::FolderKind;
use crate::wire::ews::xml::{Element, Space};

/// `PidTagInternetMessageId`, `PidTagInReplyToId` and `PidTagInternetReferences` (\[MS-OXOMSG\] 2.2.1).
const MESSAGE_ID: Slot = Slot::Tag(0x1035);
const IN_REPLY_TO: Slot = Slot::Tag(0x1042);
const REFERENCES: Slot = Slot::Tag(0x1039);

/// Whether an element of `CreateItem` is a response object.
pub(super) fn is_response(name: &str) -> bool {
    matches!(
        name,
        "ReplyToItem"
            | "ReplyAllToItem"
            | "ForwardItem"
            | "AcceptItem"
            | "TentativelyAcceptItem"
            | "DeclineItem"
            | "CancelCalendarItem"
            | "RemoveItem"
            | "SuppressReadReceipt"
            | "PostReplyItem"
            | "AddItemToMyCalendar"
            | "ProposeNewTime"
            | "AcceptSharingInvitation"
    )
}

/// Carries out a response object; returns the number of what is kept of it.
pub(super) fn answer<C: Content>(
    open: &mut Open<'_, C>,
    element: &Element<'_>,
    manner: &Manner,
) -> Result<Option<u64>, Failure> {
    let reference = element.typed("ReferenceItemId").ok_or(Failure::REFERENCE_MISSING)?;
    let id = reference.attribute("Id").filter(|id| !id.is_empty()).ok_or(Failure::EMPTY_ID)?;
    let name = crate::protocol::ews::item_ids::read_item(id).ok_or(Failure::MALFORMED_ID)?;
    let key = crate::protocol::ews::item_ids::ChangeKey::read(reference)?;
    let found = Target { name, key, which: super::Which::Named }.find(open)?;
    let sort = Sort::of_class(&found.item.class);
    match &*element.name {
        "ReplyToItem" | "ReplyAllToItem" | "ForwardItem" => reply(open, element, &found, manner),
        "PostReplyItem" => post(open, element, &found, manner),
        "AcceptItem" => respond(open, element, &found, Response::Accept, manner),
        "TentativelyAcceptItem" => respond(open, element, &found, Response::Tentative, manner),
        "DeclineItem" => respond(open, element, &found, Response::Decline, manner),
        "CancelCalendarItem" => cancel(open, element, &found),
        "RemoveItem" if sort == Sort::MeetingCancellation => {
            remove_meeting(open, &found)?;
            Ok(open.delete(found.number, Deletion::ToDeletedItems)?)
        }
        "SuppressReadReceipt" => {
            let mut item = (*found.item).clone();
            put_slot(&mut item, Slot::Tag(0x0029), Some(Value::Bool(false)));
            open.update(found.number, item)?;
            Ok(None)
        }
        _ => Err(Failure::REFERENCE_INVALID),
    }
}

fn reply<C: Content>(
    open: &mut Open<'_, C>,
    element: &Element<'_>,
    found: &Found,
    manner: &Manner,
) -> Result<Option<u64>, Failure> {
    let disposition = manner.disposition.ok_or(Failure::DISPOSITION)?;
    let original = &found.item;
    let forward = &*element.name == "ForwardItem";
    let mut item = Item { class: "IPM.Note".into(), ..Item::default() };
    let old = text(original, basics::SUBJECT).map_or("", |subject| subject);
    let mark = if forward { "FW" } else { "RE" };
    basics::set_subject(&mut item, &format!("{mark}: {}", basics::normalized(old)));
    if let Some(plain) = body::plain(original) {
        let html = text(original, Slot::Tag(0x1013)).cloned();
        match html {
            Some(html) => put_slot(&mut item, Slot::Tag(0x1013), Some(Value::Text(html))),
            None => put_slot(&mut item, Slot::Tag(0x1000), Some(Value::Text(plain.into()))),
        }
    }
    if forward {
        item.attachments.clone_from(&original.attachments);
    } else {
        let own = open.address();
        address_reply(&mut item, original, &own, &*element.name == "ReplyAllToItem");
        if let Some(id) = text(original, MESSAGE_ID).cloned() {
            let chain = text(original, REFERENCES).map_or_else(|| id.to_string(), |older| format!("{older} {id}"));
            put_slot(&mut item, IN_REPLY_TO, Some(Value::Text(id)));
            put_slot(&mut item, REFERENCES, Some(Value::Text(chain.into())));
        }
    }
    overlay(&mut item, element, Sort::Message, &manner.zone)?;
    if let Some(new) = element.typed("NewBodyContent") {
        body::prepend(&mut item, new);
    }
    basics::complete(&mut item, open.wall());
    basics::set_flags(&mut item, READ | UNSENT, true);
    settle(open, item, disposition, manner.folder.as_ref())
}

/// Addresses an answer: to whom the message is from, and if all are answered, to everybody else but oneself.
fn address_reply(item: &mut Item, original: &Item, own: &str, all: bool) {
    let replies: Vec<_> = original.people.iter().filter(|person| person.role == Role::ReplyTo).collect();
    if replies.is_empty() {
        if let Some(from) = people::single(original, FROM).filter(|from| !from.address.is_empty()) {
            item.people.push(from.person(Role::To));
        }
    } else {
        for person in replies {
            let mut person = person.clone();
            person.role = Role::To;
            item.people.push(person);
        }
    }
    if !all {
        return;
    }
    for person in original.people.iter().filter(|person| matches!(person.role, Role::To | Role::Cc)) {
        let known = item.people.iter().any(|other| other.address.eq_ignore_ascii_case(&person.address));
        if !known && !person.address.eq_ignore_ascii_case(own) {
            item.people.push(person.clone());
        }
    }
}

/// Lays what a response object says over the message it makes.
fn overlay(item: &mut Item, element: &Element<'_>, sort: Sort, zone: &TimeZone) -> Result<(), Failure> {
    for child in element.children.iter().filter(|child| child.space == Space::Types) {
        if matches!(
            &*child.name,
            "ReferenceItemId" | "NewBodyContent" | "Attachments" | "ProposedStart" | "ProposedEnd"
        ) {
            continue;
        }
        let field = tables::of_element(sort, &child.name).ok_or(Failure::PROPERTY_REQUEST)?;
        codec::set(item, field.codec, child, zone)?;
    }
    Ok(())
}

fn post<C: Content>(
    open: &mut Open<'_, C>,
    element: &Element<'_>,
    found: &Found,
    manner: &Manner,
) -> Result<Option<u64>, Failure> {
    let mut item = Item { class: "IPM.Post".into(), ..Item::default() };
    let old = text(&found.item, basics::SUBJECT).map_or("", |subject| subject);
    basics::set_subject(&mut item, old);
    overlay(&mut item, element, Sort::PostItem, &manner.zone)?;
    if let Some(new) = element.typed("NewBodyContent") {
        body::prepend(&mut item, new);
    }
    basics::complete(&mut item, open.wall());
    send::stamp(open, &mut item);
    let folder = match &manner.folder {
        Some(folder) => folder.ordinal(open)?,
        None => found.head.folder,
    };
    Ok(Some(open.create(folder, item)?))
}

/// An answer to an invitation.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Response {
    Accept,
    Tentative,
    Decline,
}

impl Response {
    /// `PidLidResponseStatus`, the class of the message, and the mark of its subject (\[MS-OXOCAL\] 2.2.1.11, 2.2.7).
    fn words(self) -> (i32, &'static str, &'static str) {
        match self {
            Self::Accept => (3, "IPM.Schedule.Meeting.Resp.Pos", "Accepted: "),
            Self::Tentative => (2, "IPM.Schedule.Meeting.Resp.Tent", "Tentative: "),
            Self::Decline => (4, "IPM.Schedule.Meeting.Resp.Neg", "Declined: "),
        }
    }
}

/// The item of the calendar that a message about a meeting is about, by the identity of the meeting.
fn meeting_of<C: Content>(open: &mut Open<'_, C>, message: &Item) -> Result<Option<u64>, Failure> {
    let Some(uid) = text(message, calendar::UID) else { return Ok(None) };
    let folder = open.known_folder(FolderKind::Calendar).ok_or(Failure::FOLDER_NOT_FOUND)?;
    for number in open.list(folder) {
        if let Ok(item) = open.item(number)
            && text(&item, calendar::UID) == Some(uid)
        {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

fn respond<C: Content>(
    open: &mut Open<'_, C>,
    element: &Element<'_>,
    found: &Found,
    response: Response,
    manner: &Manner,
) -> Result<Option<u64>, Failure> {
    let disposition = manner.disposition.ok_or(Failure::DISPOSITION)?;
    let sort = Sort::of_class(&found.item.class);
    let own = open.address();
    let organizer = people::organizer(&found.item, &own);
    if !matches!(sort, Sort::MeetingRequest | Sort::CalendarItem) {
        return Err(Failure::REFERENCE_INVALID);
    }
    if organizer.address.eq_ignore_ascii_case(&own) {
        return Err(Failure::IS_ORGANIZER);
    }
    let (status, class, mark) = response.words();
    let known = if sort == Sort::CalendarItem { Some(found.number) } else { meeting_of(open, &found.item)? };
    let meeting = enter(open, &found.item, known, response, status)?;
    let mut message = send::about(&found.item, class, mark);
    message.people = vec![organizer.person(Role::To)];
    message.attachments.clear();
    let me = Address { name: own.as_str().into(), address: own.as_str().into(), routing: "SMTP".into() };
    people::put_single(&mut message, FROM, &me);
    people::put_single(&mut message, tables::SENDER, &me);
    overlay(&mut message, element, Sort::MeetingResponse, &manner.zone)?;
    for (name, slot) in [("ProposedStart", 0x8250), ("ProposedEnd", 0x8251)] {
        if let Some(moment) = element.typed(name).and_then(|moment| times::read(moment.text(), &manner.zone)) {
            let slot = Slot::Id(0x0006_2002_0000_0000_C000_0000_0000_0046, slot);
            put_slot(&mut message, slot, Some(Value::Time(moment)));
        }
    }
    basics::set_flags(&mut message, READ | UNSENT, true);
    let kept = match disposition {
        Disposition::Save => settle(open, message, disposition, manner.folder.as_ref())?,
        Disposition::Send | Disposition::SendAndSave => {
            settle(open, message, disposition, manner.folder.as_ref())?;
            meeting
        }
    };
    if sort == Sort::MeetingRequest && disposition != Disposition::Save {
        open.delete(found.number, Deletion::ToDeletedItems)?;
    }
    Ok(kept)
}

/// Enters a meeting into the calendar, or takes it out if it is declined; returns its number.
fn enter<C: Content>(
    open: &mut Open<'_, C>,
    about: &Item,
    known: Option<u64>,
    response: Response,
    status: i32,
) -> Result<Option<u64>, Failure> {
    if response == Response::Decline {
        return match known {
            Some(number) => Ok(open.delete(number, Deletion::ToDeletedItems)?),
            None => Ok(None),
        };
    }
    let mut item = if let Some(number) = known {
        (*open.item(number)?).clone()
    } else {
        let mut item = about.clone();
        item.class = "IPM.Appointment".into();
        item.mime = None;
        item.people.retain(|person| matches!(person.role, Role::Required | Role::Optional | Role::Resource));
        item
    };
    let wall = open.wall();
    put_slot(&mut item, calendar::RESPONSE, Some(Value::Integer(status)));
    put_slot(&mut item, calendar::REPLY_TIME, Some(Value::Time(times::whole(wall))));
    // It is a meeting, and it was received (\[MS-OXOCAL\] 2.2.1.10).
    let state = integer(&item, calendar::STATE).unwrap_or(0) | 3;
    put_slot(&mut item, calendar::STATE, Some(Value::Integer(state)));
    if let Some(number) = known {
        open.update(number, item)?;
        return Ok(Some(number));
    }
    let folder = open.known_folder(FolderKind::Calendar).ok_or(Failure::FOLDER_NOT_FOUND)?;
    Ok(Some(open.create(folder, item)?))
}

fn remove_meeting<C: Content>(open: &mut Open<'_, C>, found: &Found) -> Result<(), Failure> {
    if let Some(number) = meeting_of(open, &found.item)? {
        open.delete(number, Deletion::ToDeletedItems)?;
    }
    Ok(())
}

fn cancel<C: Content>(open: &mut Open<'_, C>, element: &Element<'_>, found: &Found) -> Result<Option<u64>, Failure> {
    let own = open.address();
    if Sort::of_class(&found.item.class) != Sort::CalendarItem {
        return Err(Failure::REFERENCE_INVALID);
    }
    if !people::organizer(&found.item, &own).address.eq_ignore_ascii_case(&own) {
        return Err(Failure::NOT_A_MEETING);
    }
    let attends = |role| matches!(role, Role::Required | Role::Optional | Role::Resource);
    let mut others = found.item.people.iter().filter(|person| attends(person.role));
    if !others.any(|person| !person.address.eq_ignore_ascii_case(&own)) {
        // Nobody but the organizer was to come: there is nobody to tell.
        return Err(Failure::RECIPIENTS);
    }
    if let Some(new) = element.typed("NewBodyContent") {
        let mut told = (*found.item).clone();
        body::prepend(&mut told, new);
        send::cancel_meeting(open, &Found { item: told.into(), ..found.clone() });
    } else {
        send::cancel_meeting(open, found);
    }
    Ok(open.delete(found.number, Deletion::ToDeletedItems)?)
}
