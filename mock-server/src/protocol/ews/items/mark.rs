//! `MarkAsJunk` and `MarkAllItemsAsRead`.

use super::{Target, each};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::protocol::ews::context::{Context, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::basics;
use crate::protocol::ews::fields::codec::read_bool;
use crate::protocol::ews::item_ids;
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::{MARK_ALL_AS_READ, MARK_AS_JUNK};
use crate::protocol::ews::runs;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::call::FolderKind;
use crate::wire::ews::xml::Element;
use crate::wire::operation::Operation;

/// The flag of a message that was read (\[MS-OXCMSG\] 2.2.1.6).
const READ: i32 = 0x01;

/// Answers `MarkAsJunk`.
pub(in super::super) fn junk<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let kind = if super::says_yes(request, "IsJunk") { FolderKind::Junk } else { FolderKind::Inbox };
    let moves = super::says_yes(request, "MoveItem");
    let targets = Target::read_all(request.message("ItemIds"))?;
    let mut messages = Messages::new(&MARK_AS_JUNK, None);
    each(context, Operation::MoveItems, &targets, &mut messages, |open, _, target, messages| {
        let found = target.find(open)?;
        let mut number = found.number;
        if moves {
            let folder = open.known_folder(kind).ok_or(Failure::FOLDER_NOT_FOUND)?;
            if folder != found.head.folder {
                number = open.move_item(number, folder)?;
            }
        }
        let version = open.head(number).map_or(0, |head| head.version);
        let id = item_ids::item(open.mailbox(), number, None);
        let key = item_ids::change_key(open.mailbox(), version);
        messages.succeed(|writer| {
            if moves {
                writer.empty("m:MovedItemId", &[("Id", &id), ("ChangeKey", &key)]);
            }
        });
        Ok(0)
    })?;
    Ok(messages.finish())
}

/// Answers `MarkAllItemsAsRead`: one message for each folder.
pub(in super::super) fn all_read<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let read = request.message("ReadFlag").and_then(|flag| read_bool(flag.text()));
    let read = read.ok_or_else(|| Refused::schema("ReadFlag is missing or invalid"))?;
    let folders = request.message("FolderIds").ok_or_else(|| Refused::schema("the folders are missing"))?;
    let mut messages = Messages::new(&MARK_ALL_AS_READ, None);
    let folders: Vec<_> = folders.children.iter().map(|folder| context.folder(folder)).collect();
    runs::each_folder(context, Operation::UpdateItems, &folders, &mut messages, |open, folder, messages| {
        let folder = folder.ordinal(open)?;
        let work = mark(open, folder, read)?;
        messages.succeed(|_| {});
        Ok(work)
    })?;
    Ok(messages.finish())
}

fn mark<C: Content>(open: &mut Open<'_, C>, folder: u32, read: bool) -> Result<Work, Failure> {
    let mut work = Work::default();
    for number in open.list(folder) {
        let Some(head) = open.head(number) else { continue };
        if head.read == read || head.corrupt {
            continue;
        }
        let mut item = (*open.item(number)?).clone();
        basics::set_flags(&mut item, READ, read);
        open.update(number, item)?;
        work.items += 1;
    }
    Ok(work)
}
