//! `ArchiveItem`.
//!
//! The archive is no mailbox of its own here, so the folder there that corresponds to the named one is that folder.

use super::move_copy::tell;
use super::{Target, each, stored};
use crate::protocol::ews::context::{Context, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::ARCHIVE_ITEM;
use crate::protocol::host::Host;
use crate::wire::ews::xml::Element;
use crate::wire::operation::Operation;

/// Answers the operation.
pub(in super::super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let targets = Target::read_all(request.message("ItemIds"))?;
    let mut messages = Messages::new(&ARCHIVE_ITEM, Some("m:Items"));
    let to = match context.single_folder(request.message("ArchiveSourceFolderId"))? {
        Ok(to) => to,
        Err(failure) => {
            messages.fail_all(targets.len(), failure);
            return Ok(messages.finish());
        }
    };
    each(context, Operation::MoveItems, &targets, &mut messages, |open, _, target, messages| {
        let found = target.find(open)?;
        if to.mailbox() != open.mailbox() {
            return Err(Failure::CROSS_MAILBOX);
        }
        let folder = to.ordinal(open)?;
        let number = open.move_item(found.number, folder)?;
        tell(&stored(open, number)?, open, true, messages);
        Ok(u64::from(found.head.size))
    })?;
    Ok(messages.finish())
}
