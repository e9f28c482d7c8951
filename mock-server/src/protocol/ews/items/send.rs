//! `SendItem`, and how messages leave a mailbox.
//!
//! What is sent goes into the outbox of the opened mailbox; the service delivers it into local inboxes.

use std::sync::Arc;

use super::{Found, Target, each};
use crate::mailbox::content::Content;
use crate::mailbox::item::{Item, Role};
use crate::mailbox::open::{Deletion, Open};
use crate::mailbox::property::{self, Value};
use crate::protocol::ews::context::{Context, FolderTarget, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::field::Slot;
use crate::protocol::ews::fields::people::{self, Address};
use crate::protocol::ews::fields::props::{put_slot, text};
use crate::protocol::ews::fields::sort::Sort;
use crate::protocol::ews::fields::tables::{FROM, SENDER};
use crate::protocol::ews::fields::{basics, calendar, times};
use crate::protocol::ews::item_ids::ChangeKey;
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::SEND_ITEM;
use crate::protocol::host::Host;
use crate::wire::call::FolderKind;
use crate::wire::ews::xml::Element;
use crate::wire::operation::Operation;

/// `PidTagInternetMessageId` (\[MS-OXOMSG\] 2.2.1.12).
const MESSAGE_ID: Slot = Slot::Tag(0x1035);
/// `PidLidFInvited` (\[MS-OXOCAL\] 2.2.4.4).
const INVITED: Slot = Slot::Id(0x0006_2002_0000_0000_C000_0000_0000_0046, 0x8229);
/// What does not travel: categories, the flag, the reminder.
const OWN: [Slot; 3] =
    [Slot::Name(property::PUBLIC_STRINGS, "Keywords"), Slot::Tag(0x1090), Slot::Id(property::COMMON, 0x8503)];
/// Flags of a message: read, unmodified, submitted, unsent, from me (\[MS-OXCMSG\] 2.2.1.6).
const READ: i32 = 0x01;
const SUBMITTED: i32 = 0x04;
const UNSENT: i32 = 0x08;
const FROM_ME: i32 = 0x20;

/// Answers the operation.
pub(in super::super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let save = super::says_yes(request, "SaveItemToFolder");
    let targets = Target::read_all(request.message("ItemIds"))?;
    let mut messages = Messages::new(&SEND_ITEM, None);
    let folder = match request.message("SavedItemFolderId") {
        Some(_) if !save => Err(Failure::SEND_NO_SAVE),
        Some(folder) => context.single_folder(Some(folder))?.map(Some),
        None => Ok(None),
    };
    let folder = match folder {
        Ok(folder) => folder,
        Err(failure) => {
            messages.fail_all(targets.len(), failure);
            return Ok(messages.finish());
        }
    };
    each(context, Operation::SendItems, &targets, &mut messages, |open, _, target, messages| {
        let found = target.find(open)?;
        if target.key == ChangeKey::Absent {
            return Err(Failure::CHANGE_KEY_REQUIRED);
        }
        if target.key.is_stale(found.number, found.head.version) {
            return Err(Failure::STALE_CHANGE_KEY);
        }
        send_stored(open, found.number, save, folder.as_ref())?;
        messages.succeed(|_| {});
        Ok(u64::from(found.head.size))
    })?;
    Ok(messages.finish())
}

/// Sends an item that lies in the mailbox: it leaves its folder, and a copy stays if that is wanted.
pub(super) fn send_stored<C: Content>(
    open: &mut Open<'_, C>,
    number: u64,
    save: bool,
    folder: Option<&FolderTarget>,
) -> Result<(), Failure> {
    let item = (*open.item(number)?).clone();
    if !Sort::of_class(&item.class).is_message() {
        return Err(Failure::SEND_TYPE);
    }
    let copy = leave(open, item)?;
    if save {
        let folder = sent_folder(open, folder)?;
        open.create(folder, copy)?;
    }
    open.delete(number, Deletion::Hard)?;
    Ok(())
}

/// The folder for what was sent: the one that is named, or that of sent items.
pub(super) fn sent_folder<C: Content>(open: &mut Open<'_, C>, folder: Option<&FolderTarget>) -> Result<u32, Failure> {
    match folder {
        Some(folder) => folder.ordinal(open),
        None => open.known_folder(FolderKind::Sent).ok_or(Failure::FOLDER_NOT_FOUND),
    }
}

/// Sends a message; returns the copy that the sender may keep.
pub(super) fn leave<C: Content>(open: &mut Open<'_, C>, mut item: Item) -> Result<Item, Failure> {
    let goes_to = |role| matches!(role, Role::To | Role::Cc | Role::Bcc);
    if !item.people.iter().any(|person| goes_to(person.role)) {
        return Err(Failure::NO_RECIPIENTS);
    }
    stamp(open, &mut item);
    let now = Some(Value::Time(times::whole(open.wall())));
    put_slot(&mut item, basics::SENT, now.clone());
    put_slot(&mut item, basics::RECEIVED, now);
    basics::set_flags(&mut item, UNSENT | SUBMITTED, false);
    let mut arrives = item.clone();
    basics::set_flags(&mut arrives, READ | FROM_ME, false);
    // Categories and flags are the sender's own: they do not travel.
    for slot in OWN {
        put_slot(&mut arrives, slot, None);
    }
    open.send(arrives);
    basics::set_flags(&mut item, READ | FROM_ME, true);
    Ok(item)
}

/// Says who a message is from, and gives it an identity of its own, where it has none.
pub(super) fn stamp<C: Content>(open: &Open<'_, C>, item: &mut Item) {
    let owner: Arc<str> = open.address().into();
    let me = Address { name: Arc::clone(&owner), address: Arc::clone(&owner), routing: "SMTP".into() };
    if people::single(item, SENDER).is_none() {
        people::put_single(item, SENDER, &me);
    }
    if people::single(item, FROM).is_none() {
        people::put_single(item, FROM, &me);
    }
    identify(open, item);
}

/// Gives a message an identity, where it has none.
pub(super) fn identify<C: Content>(open: &Open<'_, C>, item: &mut Item) {
    if text(item, MESSAGE_ID).is_none() {
        let subject = text(item, basics::SUBJECT).map_or("", |subject| subject);
        let (address, wall) = (open.address(), open.wall());
        let domain = address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let seed = format!("{address} {} {subject} {:?}", wall.as_nanosecond(), item.people);
        let id = format!("<{:032x}@{domain}>", xxhash_rust::xxh3::xxh3_128(seed.as_bytes()));
        put_slot(item, MESSAGE_ID, Some(Value::Text(id.into())));
    }
}

/// Invites those who are asked to come. What cannot be sent for want of attendees is no error.
pub(super) fn invite<C: Content>(open: &mut Open<'_, C>, item: &mut Item, number: u64) {
    let message = about(item, "IPM.Schedule.Meeting.Request", "");
    if message.people.iter().any(|person| person.role == Role::To) {
        let mut message = message;
        calendar::associate(&mut message, open.mailbox(), number);
        if leave(open, message).is_ok() {
            put_slot(item, INVITED, Some(Value::Bool(true)));
        }
    }
}

/// Tells the attendees of a meeting that it is off.
pub(super) fn cancel_meeting<C: Content>(open: &mut Open<'_, C>, found: &Found) {
    let mut message = about(&found.item, "IPM.Schedule.Meeting.Canceled", "Canceled: ");
    put_slot(&mut message, calendar::STATE, Some(Value::Integer(1 | calendar::CANCELED)));
    // Only a message without recipients cannot be sent, and then there is nobody to tell.
    let _sent = leave(open, message);
}

/// A message about a meeting to its attendees.
pub(super) fn about(meeting: &Item, class: &str, mark: &str) -> Item {
    let mut message = meeting.clone();
    message.class = class.into();
    message.mime = None;
    for person in &mut message.people {
        person.role = match person.role {
            Role::Required => Role::To,
            Role::Optional => Role::Cc,
            Role::Resource => Role::Bcc,
            other => other,
        };
    }
    let attendees =
        meeting.people.iter().filter(|p| matches!(p.role, Role::Required | Role::Optional | Role::Resource));
    message.people.extend(attendees.cloned());
    let subject = text(meeting, basics::SUBJECT).map_or("", |subject| subject);
    let subject = format!("{mark}{subject}");
    basics::set_subject(&mut message, &subject);
    put_slot(&mut message, MESSAGE_ID, None);
    message
}
