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
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::call::Operation;
use crate::wire::ews::xml::{Element, Space};
use crate::wire::id::MailboxKey;

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
    let mut places = Vec::with_capacity(uploads.len());
    for element in uploads {
        let Some(folder) = element.typed("ParentFolderId") else {
            return Err(Refused::schema("the parent folder is missing"));
        };
        places.push((element, context.folder(folder)));
    }
    let mut messages = Messages::new(&UPLOAD_ITEMS, None);
    // What goes into one mailbox is one piece of work, however many items it is: limits and faults count requests.
    for run in places.chunk_by(|(_, one), (_, next)| owner(one) == owner(next)) {
        let Some(mailbox) = owner(&run[0].1) else {
            run.iter().filter_map(|(_, folder)| folder.as_ref().err()).for_each(|failure| messages.fail(*failure));
            continue;
        };
        context.perform(mailbox, Operation::UploadItems, |open| {
            let mut work = Work::default();
            let here = run.iter().filter_map(|(element, folder)| Some((*element, folder.as_ref().ok()?)));
            for (element, folder) in here {
                work.content_bytes += upload_one(open, element, folder, &mut messages, &mut work.items);
            }
            ((), work)
        })?;
    }
    Ok(messages.finish())
}

/// The mailbox that an item goes into, if its folder is known.
fn owner(folder: &Result<FolderTarget, Failure>) -> Option<MailboxKey> {
    folder.as_ref().ok().map(FolderTarget::mailbox)
}

/// Stores one item and says what became of it; returns the length of its stream.
fn upload_one<C: Content>(
    open: &mut Open<'_, C>,
    element: &Element<'_>,
    folder: &FolderTarget,
    messages: &mut Messages,
    items: &mut u64,
) -> u64 {
    if let Err(error) = open.begin_item() {
        messages.leave(error);
        return 0;
    }
    *items += 1;
    match store(open, element, folder) {
        Ok((number, bytes)) => {
            let version = open.head(number).map_or(0, |head| head.version);
            let id = item_ids::item(open.mailbox(), number, None);
            let key = item_ids::change_key(open.mailbox(), version);
            messages.succeed(|writer| writer.empty("m:ItemId", &[("Id", &id), ("ChangeKey", &key)]));
            bytes
        }
        Err(failure) => {
            messages.fail(failure);
            0
        }
    }
}

/// Stores one item; returns its number and the length of its stream.
fn store<C: Content>(
    open: &mut Open<'_, C>,
    element: &Element<'_>,
    folder: &FolderTarget,
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
