//! `DeleteItem`.

use super::{Target, each, send, series};
use crate::mailbox::open::Deletion;
use crate::protocol::ews::context::{Context, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::basics;
use crate::protocol::ews::fields::sort::Sort;
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::DELETE_ITEM;
use crate::protocol::host::Host;
use crate::wire::ews::xml::Element;
use crate::wire::operation::Operation;

/// Answers the operation.
pub(in super::super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let deletion = match request.attribute("DeleteType") {
        Some("HardDelete") => Deletion::Hard,
        Some("SoftDelete") => Deletion::Soft,
        Some("MoveToDeletedItems") => Deletion::ToDeletedItems,
        _ => return Err(Refused::schema("the required attribute 'DeleteType' is missing or invalid")),
    };
    let cancellations = request.attribute("SendMeetingCancellations");
    let tasks = request.attribute("AffectedTaskOccurrences");
    let targets = Target::read_all(request.message("ItemIds"))?;
    let mut messages = Messages::new(&DELETE_ITEM, None);
    each(context, Operation::DeleteItems, &targets, &mut messages, |open, _, target, messages| {
        let head = open.head(target.name.number).ok_or(Failure::ITEM_NOT_FOUND)?;
        // What cannot be read can still be thrown away.
        let found = if head.corrupt { None } else { Some(target.find(open)?) };
        let sort = found.as_ref().map_or(Sort::Message, |found| Sort::of_class(&found.item.class));
        match sort {
            Sort::CalendarItem if cancellations.is_none() => return Err(Failure::CANCELLATIONS),
            Sort::Task if tasks.is_none() => return Err(Failure::AFFECTED_TASKS),
            _ => {}
        }
        if let Some(found) = &found
            && sort == Sort::CalendarItem
            && cancellations.is_some_and(|send| send != "SendToNone")
        {
            send::cancel_meeting(open, found);
        }
        match found.as_ref().and_then(|found| Some((found, found.series.original_start()?))) {
            Some((found, start)) => {
                let mut whole = (*open.item(found.number)?).clone();
                series::delete_occurrence(&mut whole, start)?;
                let (wall, address) = (open.wall(), open.address());
                basics::touch(&mut whole, wall, &address);
                open.update(found.number, whole)?;
            }
            None => {
                open.delete(target.name.number, deletion)?;
            }
        }
        messages.succeed(|_| {});
        Ok(found.map_or(0, |found| u64::from(found.head.size)))
    })?;
    Ok(messages.finish())
}
