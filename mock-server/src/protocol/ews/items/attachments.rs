//! `CreateAttachment`, `GetAttachment` and `DeleteAttachment`.

use super::{Found, Target, each, series, stored};
use crate::mailbox::content::Content;
use crate::mailbox::item::{Attachment, AttachmentContent, Item};
use crate::mailbox::open::Open;
use crate::protocol::ews::context::{Context, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::scene::{Scene, Viewer};
use crate::protocol::ews::fields::shape::Shape;
use crate::protocol::ews::fields::{basics, files};
use crate::protocol::ews::item_ids::{self, AttachmentName, ChangeKey};
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::{CREATE_ATTACHMENT, DELETE_ATTACHMENT, GET_ATTACHMENT};
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::xml::{Element, Space};
use crate::wire::operation::Operation;

/// Answers `CreateAttachment`.
pub(in super::super) fn create<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let parent = request.message("ParentItemId").ok_or_else(|| Refused::schema("the parent item is missing"))?;
    let list = request.message("Attachments").ok_or_else(|| Refused::schema("the attachments are missing"))?;
    let mut messages = Messages::new(&CREATE_ATTACHMENT, Some("m:Attachments"));
    let target = item_ids::read_item(parent.attribute("Id").unwrap_or_default())
        .ok_or(Failure::MALFORMED_ID)
        .and_then(|name| Ok(Target { name, key: ChangeKey::read(parent)?, which: super::Which::Named }));
    let target = match target {
        Ok(target) => target,
        Err(failure) => {
            messages.fail_all(list.children.len(), failure);
            return Ok(messages.finish());
        }
    };
    let zone = context.zone().clone();
    context.perform(target.name.mailbox, Operation::ChangeAttachments, |open| {
        let mut work = Work { items: 1, content_bytes: 0 };
        for element in &list.children {
            match attach(open, &target, element, &zone) {
                Ok((found, number)) => {
                    let address = open.address();
                    let viewer = Viewer { mailbox: open.mailbox(), address: &address };
                    let shape = Shape::id_only();
                    let scene = found.scene(viewer, &shape, false);
                    let attachment = found.item.attachments.iter().find(|attachment| attachment.number == number);
                    work.content_bytes += attachment.map_or(0, bytes_of);
                    let item = attachment.is_some_and(|a| matches!(a.content, AttachmentContent::Item(_)));
                    let name = if item { "t:ItemAttachment" } else { "t:FileAttachment" };
                    messages.succeed(|writer| {
                        writer.open("m:Attachments", &[]);
                        writer.open(name, &[]);
                        files::write_id(writer, &scene, &[number], true);
                        writer.close(name);
                        writer.close("m:Attachments");
                    });
                }
                Err(failure) => messages.fail(failure),
            }
        }
        ((), work)
    })?;
    Ok(messages.finish())
}

fn attach<C: Content>(
    open: &mut Open<'_, C>,
    target: &Target,
    element: &Element<'_>,
    zone: &jiff::tz::TimeZone,
) -> Result<(Found, u32), Failure> {
    let found = target.find(open)?;
    let mut item = (*found.item).clone();
    let (wall, address) = (open.wall(), open.address());
    let attachment = files::read(element, &item, wall, zone)?;
    let number = attachment.number;
    item.attachments.push(attachment);
    basics::touch(&mut item, wall, &address);
    replace(open, &found, item)?;
    Ok((stored(open, found.number)?, number))
}

fn replace<C: Content>(open: &mut Open<'_, C>, found: &Found, item: Item) -> Result<(), Failure> {
    match found.series.original_start() {
        Some(start) => {
            let mut whole = (*open.item(found.number)?).clone();
            series::change_occurrence(&mut whole, start, &item)?;
            open.update(found.number, whole)?;
        }
        None => {
            open.update(found.number, item)?;
        }
    }
    Ok(())
}

fn bytes_of(attachment: &Attachment) -> u64 {
    match &attachment.content {
        AttachmentContent::File(bytes) => bytes.len() as u64,
        AttachmentContent::Item(item) => u64::from(item.size()),
        AttachmentContent::Reference(_) => 0,
    }
}

/// The attachments that a request names, as targets of their items.
type Named = (Vec<Result<Target, Failure>>, Vec<Vec<u32>>);

fn read_names(request: &Element<'_>) -> Result<Named, Refused> {
    let list = request.message("AttachmentIds").ok_or_else(|| Refused::schema("the attachments are missing"))?;
    let ids = list.children.iter().filter(|child| child.is(Space::Types, "AttachmentId"));
    let mut paths = Vec::new();
    let targets = ids
        .map(|id| {
            let name = item_ids::read_attachment(id.attribute("Id").unwrap_or_default());
            paths.push(name.as_ref().map_or_else(Vec::new, |name| name.path.clone()));
            let AttachmentName { mailbox, number, .. } = name.ok_or(Failure::MALFORMED_ID)?;
            let name = item_ids::ItemName { mailbox, number, occurrence: None };
            Ok(Target { name, key: ChangeKey::Absent, which: super::Which::Named })
        })
        .collect::<Vec<_>>();
    if targets.is_empty() {
        return Err(Refused::schema("there must be at least one attachment"));
    }
    Ok((targets, paths))
}

/// The item that holds an attachment, and the attachment: `path` leads through attached items.
fn walk<'i>(item: &'i Item, path: &[u32]) -> Option<(&'i Item, &'i Attachment)> {
    let (first, rest) = path.split_first()?;
    let attachment = item.attachments.iter().find(|attachment| attachment.number == *first)?;
    match &attachment.content {
        _ if rest.is_empty() => Some((item, attachment)),
        AttachmentContent::Item(inner) => walk(inner, rest),
        _ => None,
    }
}

/// Answers `GetAttachment`.
pub(in super::super) fn get<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let (targets, paths) = read_names(request)?;
    let mut messages = Messages::new(&GET_ATTACHMENT, Some("m:Attachments"));
    let shape = match Shape::read_attachment(request.message("AttachmentShape")) {
        Ok(shape) => shape,
        Err(failure) => {
            messages.fail_all(targets.len(), failure);
            return Ok(messages.finish());
        }
    };
    each(context, Operation::ReadAttachments, &targets, &mut messages, |open, place, target, messages| {
        let found = target.find(open).map_err(gone)?;
        let path = &paths[place];
        let (holder, attachment) = walk(&found.item, path).ok_or(Failure::ATTACHMENT_ID)?;
        let address = open.address();
        let viewer = Viewer { mailbox: open.mailbox(), address: &address };
        let within = &path[..path.len() - 1];
        let scene = Scene { item: holder, within, ..found.scene(viewer, &shape, false) };
        messages.succeed(|writer| {
            writer.open("m:Attachments", &[]);
            files::write_one(writer, attachment, &scene, Some(&shape));
            writer.close("m:Attachments");
        });
        Ok(bytes_of(attachment))
    })?;
    Ok(messages.finish())
}

/// An attachment whose item is gone is gone as well.
fn gone(failure: Failure) -> Failure {
    if failure == Failure::ITEM_NOT_FOUND { Failure::ATTACHMENT_ID } else { failure }
}

/// Answers `DeleteAttachment`.
pub(in super::super) fn delete<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let (targets, paths) = read_names(request)?;
    let mut messages = Messages::new(&DELETE_ATTACHMENT, None);
    each(context, Operation::ChangeAttachments, &targets, &mut messages, |open, place, target, messages| {
        let found = target.find(open).map_err(gone)?;
        let mut item = (*found.item).clone();
        remove(&mut item, &paths[place]).ok_or(Failure::ATTACHMENT_ID)?;
        let (wall, address) = (open.wall(), open.address());
        basics::touch(&mut item, wall, &address);
        open.update(found.number, item)?;
        let found = stored(open, found.number)?;
        let id = item_ids::item(open.mailbox(), found.number, None);
        let key = item_ids::change_key(open.mailbox(), found.head.version);
        messages.succeed(|writer| {
            writer.empty("m:RootItemId", &[("RootItemId", &id), ("RootItemChangeKey", &key)]);
        });
        Ok(0)
    })?;
    Ok(messages.finish())
}

fn remove(item: &mut Item, path: &[u32]) -> Option<()> {
    let (first, rest) = path.split_first()?;
    let place = item.attachments.iter().position(|attachment| attachment.number == *first)?;
    if rest.is_empty() {
        item.attachments.remove(place);
        return Some(());
    }
    match &mut item.attachments[place].content {
        AttachmentContent::Item(inner) => remove(inner, rest),
        _ => None,
    }
}
