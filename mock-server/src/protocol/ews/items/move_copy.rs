//! `MoveItem` and `CopyItem`.

use super::{Found, Target, each, stored, write_reference};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::protocol::ews::context::{Context, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::codec::read_bool;
use crate::protocol::ews::fields::scene::Viewer;
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::{COPY_ITEM, MOVE_ITEM};
use crate::protocol::host::Host;
use crate::wire::ews::xml::Element;
use crate::wire::operation::Operation;

/// Answers the operation: moves, or copies.
pub(in super::super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
    copies: bool,
) -> Result<Vec<u8>, Refused> {
    let (names, operation) =
        if copies { (&COPY_ITEM, Operation::CopyItems) } else { (&MOVE_ITEM, Operation::MoveItems) };
    let targets = Target::read_all(request.message("ItemIds"))?;
    let wanted = request.message("ReturnNewItemIds").and_then(|ids| read_bool(ids.text())).unwrap_or(true);
    let mut messages = Messages::new(names, Some("m:Items"));
    let to = match context.single_folder(request.message("ToFolderId"))? {
        Ok(to) => to,
        Err(failure) => {
            messages.fail_all(targets.len(), failure);
            return Ok(messages.finish());
        }
    };
    each(context, operation, &targets, &mut messages, |open, _, target, messages| {
        let found = target.find(open)?;
        if target.name.occurrence.is_some() {
            return Err(Failure::MOVE_OCCURRENCE);
        }
        if to.mailbox() != open.mailbox() {
            return Err(Failure::CROSS_MAILBOX);
        }
        let folder = to.ordinal(open)?;
        let number = if copies { open.copy_item(found.number, folder)? } else { open.move_item(found.number, folder)? };
        tell(&stored(open, number)?, open, wanted, messages);
        Ok(u64::from(found.head.size))
    })?;
    Ok(messages.finish())
}

/// Tells of an item that was stored, by its reference if that is wanted.
pub(super) fn tell<C: Content>(found: &Found, open: &Open<'_, C>, wanted: bool, messages: &mut Messages) {
    let address = open.address();
    let viewer = Viewer { mailbox: open.mailbox(), address: &address };
    messages.succeed(|writer| {
        if wanted {
            write_reference(writer, found, viewer);
        } else {
            writer.empty("m:Items", &[]);
        }
    });
}
