//! `CreateItem`.

use jiff::tz::TimeZone;

use super::{Found, respond, send, stored};
use crate::mailbox::content::Content;
use crate::mailbox::item::Item;
use crate::mailbox::open::Open;
use crate::mailbox::property::MESSAGE_FLAGS;
use crate::protocol::ews::context::{Context, FolderTarget, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::extended::Extended;
use crate::protocol::ews::fields::scene::Viewer;
use crate::protocol::ews::fields::shape::Shape;
use crate::protocol::ews::fields::sort::Sort;
use crate::protocol::ews::fields::{basics, files};
use crate::protocol::ews::making;
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::CREATE_ITEM;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::call::FolderKind;
use crate::wire::ews::xml::Element;
use crate::wire::operation::Operation;

/// What becomes of a message.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Disposition {
    /// It is kept, and not sent.
    Save,
    /// It is sent, and not kept.
    Send,
    /// It is sent, and a copy is kept.
    SendAndSave,
}

impl Disposition {
    /// What a request says becomes of messages, if it says so.
    pub(super) fn read(request: &Element<'_>) -> Result<Option<Self>, Refused> {
        match request.attribute("MessageDisposition") {
            Some("SaveOnly") => Ok(Some(Self::Save)),
            Some("SendOnly") => Ok(Some(Self::Send)),
            Some("SendAndSaveCopy") => Ok(Some(Self::SendAndSave)),
            Some(_) => Err(Refused::schema("the attribute 'MessageDisposition' is invalid")),
            None => Ok(None),
        }
    }
}

/// What a request says of all its items.
pub(super) struct Manner {
    /// What becomes of messages.
    pub(super) disposition: Option<Disposition>,
    /// Whether attendees are told; nothing if the request does not say.
    pub(super) invitations: Option<bool>,
    /// Where items are kept.
    pub(super) folder: Option<FolderTarget>,
    /// The zone of times that name none.
    pub(super) zone: TimeZone,
}

/// The flag of a message that was read (\[MS-OXCMSG\] 2.2.1.6).
pub(super) const READ: i32 = 0x01;
/// The flag of a draft.
pub(super) const UNSENT: i32 = 0x08;

/// Answers the operation.
pub(in super::super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let items = request.message("Items").ok_or_else(|| Refused::schema("the items are missing"))?;
    if items.children.is_empty() {
        return Err(Refused::schema("there must be at least one item"));
    }
    let disposition = Disposition::read(request)?;
    let invitations = request.attribute("SendMeetingInvitations").map(|send| send != "SendToNone");
    let mut messages = Messages::new(&CREATE_ITEM, Some("m:Items"));
    let folder = match request.message("SavedItemFolderId") {
        Some(folder) => match context.single_folder(Some(folder))? {
            Ok(folder) => Some(folder),
            Err(failure) => {
                messages.fail_all(items.children.len(), failure);
                return Ok(messages.finish());
            }
        },
        None => None,
    };
    let mailbox = folder.as_ref().map_or(context.mailbox(), FolderTarget::mailbox);
    let manner = Manner { disposition, invitations, folder, zone: context.zone().clone() };
    let operation = match manner.disposition {
        Some(Disposition::Send | Disposition::SendAndSave) if items.children.iter().any(is_sent) => {
            Operation::SendItems
        }
        _ => Operation::CreateItems,
    };
    context.perform(mailbox, operation, |open| {
        let mut work = Work::default();
        for element in &items.children {
            if let Err(error) = open.begin_item() {
                messages.leave(error);
                continue;
            }
            work.items += 1;
            let made = if respond::is_response(&element.name) {
                respond::answer(open, element, &manner)
            } else {
                create(open, element, &manner)
            };
            match made.and_then(|number| number.map(|number| stored(open, number)).transpose()) {
                Ok(Some(found)) => {
                    work.content_bytes += u64::from(found.head.size);
                    tell(&found, element.typed("Attachments").is_some(), open, &mut messages);
                }
                Ok(None) => messages.succeed(|writer| writer.empty("m:Items", &[])),
                Err(failure) => messages.fail(failure),
            }
        }
        ((), work)
    })?;
    Ok(messages.finish())
}

/// Whether an item is sent where messages are: anything but what stays in folders.
fn is_sent(element: &Element<'_>) -> bool {
    !matches!(&*element.name, "CalendarItem" | "Contact" | "DistributionList" | "Task" | "PostItem")
}

/// Tells of an item that was made: its reference, and those of its attachments if they were given one by one. Of those
/// within a message that was given whole nothing is told: Thunderbird stores such messages, and its library does not read
/// attachments without names (`Attachment` in its crate `ews` 0.1.2).
fn tell<C: Content>(found: &Found, attachments: bool, open: &Open<'_, C>, messages: &mut Messages) {
    let address = open.address();
    let viewer = Viewer { mailbox: open.mailbox(), address: &address };
    let shape = Shape::id_only();
    let scene = found.scene(viewer, &shape, false);
    messages.succeed(|writer| {
        let name = Sort::of_class(&found.item.class).element();
        writer.open("m:Items", &[]);
        writer.open(name, &[]);
        basics::write_item_id(writer, "t:ItemId", &scene);
        if attachments {
            files::write_ids(writer, &scene);
        }
        writer.close(name);
        writer.close("m:Items");
    });
}

/// The folder where new items of a sort are kept if none is named.
fn home<C: Content>(open: &mut Open<'_, C>, sort: Sort) -> Result<u32, Failure> {
    let kind = match sort {
        Sort::CalendarItem => FolderKind::Calendar,
        Sort::Contact | Sort::DistributionList => FolderKind::Contacts,
        Sort::Task => FolderKind::Tasks,
        Sort::PostItem => FolderKind::Inbox,
        _ => FolderKind::Drafts,
    };
    open.known_folder(kind).ok_or(Failure::FOLDER_NOT_FOUND)
}

/// Makes one item; returns its number if it is kept.
fn create<C: Content>(open: &mut Open<'_, C>, element: &Element<'_>, manner: &Manner) -> Result<Option<u64>, Failure> {
    let (wall, address) = (open.wall(), open.address());
    let mut item = making::read_item(element, wall, &manner.zone)?;
    basics::touch(&mut item, wall, &address);
    let sort = Sort::of_class(&item.class);
    if sort.is_message() {
        let disposition = manner.disposition.ok_or(Failure::DISPOSITION)?;
        // A client that sets the flags itself says what the message is; others make a draft.
        if !sets_flags(element) {
            let read = element.typed("IsRead").is_none();
            basics::set_flags(&mut item, if read { READ | UNSENT } else { UNSENT }, true);
        }
        return settle(open, item, disposition, manner.folder.as_ref());
    }
    if sort == Sort::CalendarItem && manner.invitations.is_none() {
        return Err(Failure::SEND_AS_MEETING);
    }
    if matches!(sort, Sort::PostItem | Sort::CalendarItem) {
        send::stamp(open, &mut item);
    }
    let folder = match &manner.folder {
        Some(folder) => folder.ordinal(open)?,
        None => home(open, sort)?,
    };
    let number = open.create(folder, item)?;
    if sort == Sort::CalendarItem && manner.invitations == Some(true) {
        let mut item = (*open.item(number)?).clone();
        send::invite(open, &mut item, number);
        open.update(number, item)?;
    }
    Ok(Some(number))
}

/// Whether a request sets the flags of a message by their MAPI property.
fn sets_flags(element: &Element<'_>) -> bool {
    let uris = element.children.iter().filter_map(|child| child.typed("ExtendedFieldURI"));
    uris.filter_map(Extended::read).any(|extended| extended.property == MESSAGE_FLAGS)
}

/// Keeps or sends a message.
pub(super) fn settle<C: Content>(
    open: &mut Open<'_, C>,
    mut item: Item,
    disposition: Disposition,
    folder: Option<&FolderTarget>,
) -> Result<Option<u64>, Failure> {
    match disposition {
        Disposition::Save => {
            send::identify(open, &mut item);
            let folder = match folder {
                Some(folder) => folder.ordinal(open)?,
                None => home(open, Sort::Message)?,
            };
            Ok(Some(open.create(folder, item)?))
        }
        Disposition::Send | Disposition::SendAndSave => {
            let copy = send::leave(open, item)?;
            if disposition == Disposition::SendAndSave {
                let folder = send::sent_folder(open, folder)?;
                open.create(folder, copy)?;
            }
            Ok(None)
        }
    }
}
