//! Messages: lists, one message, its MIME, changes, deletion, moving and copying.

use serde_json::Value;

use super::entity;
use super::failure::Failure;
use super::fields::message::MESSAGE;
use super::reply::Reply;
use super::route::Route as R;
use super::task::Task;
use crate::mailbox::content::Content;
use crate::mailbox::open::{Deletion, FolderInfo, Open};
use crate::wire::call::FolderKind;
use crate::wire::graph::TEXT_TYPE;

/// Whether a folder holds mail, so that Graph lists it among the mail folders.
pub(super) fn holds_mail(folder: &FolderInfo) -> bool {
    let class = folder.class.to_ascii_lowercase();
    class.is_empty() || class == "ipf" || class == "ipf.note" || class.starts_with("ipf.note.")
}

/// The messages of a folder, or of all mail folders, newest first.
pub(super) fn members<C: Content>(open: &mut Open<'_, C>, task: &Task<'_>) -> Result<Vec<u64>, Failure> {
    let folders = if task.place.folder.is_empty() {
        open.folders().iter().filter(|folder| holds_mail(folder)).map(|folder| folder.ordinal).collect()
    } else {
        vec![task.folder(open, &task.place.folder)?]
    };
    let mut members: Vec<u64> = folders.into_iter().flat_map(|folder| open.list(folder)).collect();
    members.reverse();
    Ok(members)
}

/// A list of messages, or how many there are.
pub(super) fn list<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    if task.place.route == R::FolderMessages {
        let folder = task.folder(open, &task.place.folder)?;
        return entity::list_folder(open, task, &MESSAGE, folder);
    }
    let members = members(open, task)?;
    match task.place.route {
        R::MessagesCount | R::FolderMessagesCount => entity::count(open, task, &MESSAGE, &members),
        _ => entity::list(open, task, &MESSAGE, &members),
    }
}

/// One message: what the method and the action say.
pub(super) fn one<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let number = task.item()?;
    match (task.asked.method, task.place.route) {
        ("GET", R::Message) => entity::reply(open, task, &MESSAGE, number, 200),
        ("GET", _) => value(open, task, number),
        ("PATCH", _) => entity::update(open, task, &MESSAGE, number, |_| Ok(())),
        ("DELETE", _) => delete(open, task, number, Deletion::ToDeletedItems),
        (_, R::PermanentDelete) => delete(open, task, number, Deletion::Hard),
        _ => transfer(open, task, number),
    }
}

/// A message as MIME.
fn value<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>, number: u64) -> Result<Reply, Failure> {
    let subject = entity::load(open, number)?;
    let mime = subject.item.to_mime();
    task.count(1, mime.len() as u64);
    Ok(Reply::bytes(TEXT_TYPE, mime.to_vec()))
}

/// Deletes an item. What lies in the deleted items already is gone for users.
pub(super) fn delete<C: Content>(
    open: &mut Open<'_, C>,
    task: &mut Task<'_>,
    number: u64,
    how: Deletion,
) -> Result<Reply, Failure> {
    let head = open.head(number).ok_or_else(Failure::item_not_found)?;
    let deleted = open.default_folder(FolderKind::Deleted);
    let how = if deleted == Some(head.folder) && how == Deletion::ToDeletedItems { Deletion::Soft } else { how };
    open.delete(number, how)?;
    task.count(1, 0);
    Ok(Reply::empty(204))
}

/// Moves or copies a message to the folder that the body names.
fn transfer<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>, number: u64) -> Result<Reply, Failure> {
    let sent = task.object()?;
    let destination = sent.iter().find(|(name, _)| name.eq_ignore_ascii_case("destinationId"));
    let Some(destination) = destination.and_then(|(_, value)| value.as_str()) else {
        return Err(Failure::new(400, "ErrorInvalidRequest", "The parameter 'DestinationId' is missing."));
    };
    let folder = task.folder(open, destination)?;
    let head = open.head(number).ok_or_else(Failure::item_not_found)?;
    let moved = match task.place.route {
        R::Copy => open.copy_item(number, folder)?,
        _ => open.move_item(number, folder)?,
    };
    task.count(1, u64::from(head.size));
    entity::reply(open, task, &MESSAGE, moved, 201)
}

/// A text of a body, whose name is found without regard to case.
pub(super) fn text<'a>(sent: &'a serde_json::Map<String, Value>, name: &str) -> Option<&'a str> {
    sent.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
}
