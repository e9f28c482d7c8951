//! `GetRoomLists`, `GetRooms` and `GetSearchableMailboxes`: what the directory lists. It has neither rooms nor lists of
//! them, and nobody has the role that searching other mailboxes takes.

use super::context::{Context, Refused};
use super::failure::Failure;
use super::messages::respond;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::xml::Element;
use crate::wire::operation::Operation;

fn look_up<H: Host>(context: &mut Context<'_, H>) -> Result<(), Refused> {
    let own = context.mailbox();
    context.perform(own, Operation::Directory, |_| ((), Work::default()))
}

/// `GetRoomLists`.
pub(super) fn room_lists<H: Host>(context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    look_up(context)?;
    Ok(respond("m:GetRoomListsResponse", Ok(()), |writer| writer.empty("m:RoomLists", &[])))
}

/// `GetRooms`.
pub(super) fn rooms<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    request.message("RoomList").ok_or_else(|| Refused::schema("the list of rooms is missing"))?;
    look_up(context)?;
    Ok(respond("m:GetRoomsResponse", Err(Failure::NO_NAMES), |_| {}))
}

/// `GetSearchableMailboxes`.
pub(super) fn searchable<H: Host>(context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    look_up(context)?;
    Ok(respond("m:GetSearchableMailboxesResponse", Err(Failure::ACCESS_DENIED), |writer| {
        writer.empty("m:SearchableMailboxes", &[]);
    }))
}
