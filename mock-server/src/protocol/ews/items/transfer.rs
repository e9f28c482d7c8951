//! `ExportItems` and `UploadItems`: items whole, as a stream that only servers read.

use super::{Target, each, stored};
use crate::mailbox::content::Content;
use crate::mailbox::item::Item;
use crate::mailbox::open::Open;
use crate::protocol::ews::context::{Context, FolderTarget, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::codec::base64;
use crate::protocol::ews::fields::extended::read_binary;
use crate::protocol::ews::item_ids;
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::{EXPORT_ITEMS, UPLOAD_ITEMS};
use crate::protocol::ews::runs;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::xml::{Element, Space};
use crate::wire::operation::Operation;

/// Answers `ExportItems`.
pub(in super::super) fn export<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let targets = Target::read_all(request.message("ItemIds"))?;
    let mut messages = Messages::new(&EXPORT_ITEMS, None);
    each(context, Operation::ExportItems, &targets, &mut messages, |open, _, target, messages| {
        let found = target.find(open)?;
        let id = item_ids::item(open.mailbox(), found.number, target.name.occurrence);
        let key = item_ids::change_key(open.mailbox(), found.head.version);
        let stream = found.item.export(found.head.key);
        messages.succeed(|writer| {
            writer.empty("m:ItemId", &[("Id", &id), ("ChangeKey", &key)]);
            writer.leaf("m:Data", &base64(&stream));
        });
        Ok(stream.len() as u64)
    })?;
    Ok(messages.finish())
}

/// Answers `UploadItems`.
pub(in super::super) fn upload<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let items = request.message("Items").ok_or_else(|| Refused::schema("the items are missing"))?;
    let uploads: Vec<&Element<'_>> = items.children.iter().filter(|child| child.is(Space::Types, "Item")).collect();
    if uploads.is_empty() {
        return Err(Refused::schema("there must be at least one item"));
    }
    let mut targets = Vec::with_capacity(uploads.len());
    for element in uploads {
        let Some(folder) = element.typed("ParentFolderId") else {
            return Err(Refused::schema("the parent folder is missing"));
        };
        targets.push(context.folder(folder).map(|folder| (element, folder)));
    }
    let mut messages = Messages::new(&UPLOAD_ITEMS, None);
    let owner = |(_, folder): &(&Element<'_>, FolderTarget)| folder.mailbox();
    let upload =
        |open: &mut Open<'_, H::Content>, _, target: &(&Element<'_>, FolderTarget), messages: &mut _, work: &mut _| {
            upload_one(open, *target, messages, work);
        };
    runs::each(context, Operation::UploadItems, &targets, owner, &mut messages, upload)?;
    Ok(messages.finish())
}

/// Stores one item and says what became of it.
fn upload_one<C: Content>(
    open: &mut Open<'_, C>,
    (element, folder): (&Element<'_>, FolderTarget),
    messages: &mut Messages,
    work: &mut Work,
) {
    if let Err(error) = open.begin_item() {
        return messages.leave(error);
    }
    work.items += 1;
    match store(open, element, folder) {
        Ok((number, bytes)) => {
            let version = open.head(number).map_or(0, |head| head.version);
            let id = item_ids::item(open.mailbox(), number, None);
            let key = item_ids::change_key(open.mailbox(), version);
            messages.succeed(|writer| writer.empty("m:ItemId", &[("Id", &id), ("ChangeKey", &key)]));
            work.content_bytes += bytes;
        }
        Err(failure) => messages.fail(failure),
    }
}

/// Stores one item; returns its number and the length of its stream.
fn store<C: Content>(
    open: &mut Open<'_, C>,
    element: &Element<'_>,
    folder: FolderTarget,
) -> Result<(u64, u64), Failure> {
    let data = element.typed("Data").map_or("", Element::whole_text);
    let stream = read_binary(data).ok_or(Failure::CORRUPT_DATA)?;
    let item = Item::import(&stream).map_err(|_| Failure::CORRUPT_DATA)?;
    let existing = match element.typed("ItemId") {
        Some(id) => {
            let name = item_ids::read_item(id.attribute("Id").unwrap_or_default()).ok_or(Failure::MALFORMED_ID)?;
            item_ids::ChangeKey::read(id)?;
            open.head(name.number).filter(|_| name.mailbox == open.mailbox()).map(|_| name.number)
        }
        None => None,
    };
    let length = stream.len() as u64;
    let number = match (element.attribute("CreateAction"), existing) {
        (Some("Update"), None) => return Err(Failure::ITEM_NOT_FOUND),
        (Some("Update" | "UpdateOrCreate"), Some(number)) => {
            open.update(number, item)?;
            number
        }
        (Some("CreateNew" | "UpdateOrCreate"), _) => {
            let folder = folder.ordinal(open)?;
            open.create(folder, item)?
        }
        _ => return Err(Failure::REQUEST),
    };
    stored(open, number).map(|found| (found.number, length))
}
