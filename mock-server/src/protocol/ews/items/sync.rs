//! `SyncFolderItems`.

use super::{Found, stored};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::mailbox::reference::SyncPosition;
use crate::mailbox::sync::Page;
use crate::protocol::ews::context::{Context, FolderTarget, Refused};
use crate::protocol::ews::failure::Failure;
use crate::protocol::ews::fields::scene::Viewer;
use crate::protocol::ews::fields::shape::{Plans, Shape};
use crate::protocol::ews::item_ids;
use crate::protocol::ews::messages::Messages;
use crate::protocol::ews::names::SYNC_FOLDER_ITEMS;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::answer::ChangeKind;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::id::Id;
use crate::wire::opaque::{self, Kind};
use crate::wire::operation::Operation;

/// The most changes of one answer (`MaxChangesReturned`, Microsoft Learn).
const CHANGES_MAX: u32 = 512;

/// A page of changes with the items that are still there.
struct Told {
    page: Page,
    items: Vec<(ChangeKind, u64, Option<Found>)>,
}

/// Answers the operation.
pub(in super::super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
) -> Result<Vec<u8>, Refused> {
    let shape = request.message("ItemShape").ok_or_else(|| Refused::schema("the shape is missing"))?;
    let most = request.message("MaxChangesReturned").and_then(|most| most.text().parse::<u32>().ok());
    let most = most.filter(|most| (1..=CHANGES_MAX).contains(most));
    let most = most.ok_or_else(|| Refused::schema("MaxChangesReturned must be a number from 1 to 512"))?;
    let state = request.message("SyncState").map(Element::text).filter(|state| !state.is_empty());
    let target = context.single_folder(request.message("SyncFolderId"))?;
    let shape = Shape::read(shape);
    let mut messages = Messages::new(&SYNC_FOLDER_ITEMS, None);
    let mailbox = target.map_or(context.mailbox(), |target| target.mailbox());
    context.perform(mailbox, Operation::SyncItems, |open| {
        let told = target.and_then(|target| look(open, target, state, most));
        let told = shape.and_then(|shape| told.map(|told| (shape, told)));
        match told {
            Ok((shape, told)) => {
                let address = open.address();
                let viewer = Viewer { mailbox: open.mailbox(), address: &address };
                messages.succeed(|writer| write(writer, &shape, &told, viewer));
            }
            Err(failure) => messages.fail_with(failure, |writer| {
                writer.leaf("m:SyncState", "");
                writer.leaf("m:IncludesLastItemInRange", "true");
                writer.empty("m:Changes", &[]);
            }),
        }
        ((), Work::default())
    })?;
    Ok(messages.finish())
}

fn look<C: Content>(
    open: &mut Open<'_, C>,
    target: FolderTarget,
    state: Option<&str>,
    most: u32,
) -> Result<Told, Failure> {
    let folder = target.ordinal(open)?;
    let since = match state {
        None => None,
        Some(state) => match opaque::decode(Kind::SyncState, state) {
            Some((owner, number)) if owner == open.mailbox() => Some(SyncPosition::read(number)),
            _ => return Err(Failure::SYNC_STATE),
        },
    };
    let page = open.changes(folder, since, most).ok_or(Failure::SYNC_STATE)?;
    let mut items = Vec::with_capacity(page.changes.len());
    for change in &page.changes {
        let Id::Number(number) = change.item else { continue };
        let found = match change.kind {
            // Who begins has seen nothing that could be gone.
            ChangeKind::Delete if since.is_none() => continue,
            ChangeKind::Delete => None,
            // What cannot be read is told of by its absence, as a listing does.
            _ => match stored(open, number) {
                Ok(found) => Some(found),
                Err(_) => continue,
            },
        };
        items.push((change.kind, number, found));
    }
    Ok(Told { page, items })
}

fn write(writer: &mut Writer, shape: &Shape, told: &Told, viewer: Viewer<'_>) {
    let mailbox = viewer.mailbox;
    let Id::Number(state) = told.page.position.id() else { unreachable!("the store's own references are numbers") };
    writer.leaf("m:SyncState", &opaque::encode(Kind::SyncState, mailbox, state));
    writer.leaf("m:IncludesLastItemInRange", if told.page.complete { "true" } else { "false" });
    writer.open("m:Changes", &[]);
    let mut plans = Plans::default();
    for (kind, number, found) in &told.items {
        let (kind, found) = match (kind, found) {
            (ChangeKind::ReadFlag, Some(found)) => {
                writer.open("t:ReadFlagChange", &[]);
                let key = item_ids::change_key(mailbox, found.head.version);
                writer.empty("t:ItemId", &[("Id", &item_ids::item(mailbox, *number, None)), ("ChangeKey", &key)]);
                writer.leaf("t:IsRead", if found.head.read { "true" } else { "false" });
                writer.close("t:ReadFlagChange");
                continue;
            }
            (kind, Some(found)) => (*kind, found),
            (_, None) => {
                writer.open("t:Delete", &[]);
                let key = item_ids::change_key(mailbox, 0);
                writer.empty("t:ItemId", &[("Id", &item_ids::item(mailbox, *number, None)), ("ChangeKey", &key)]);
                writer.close("t:Delete");
                continue;
            }
        };
        let name = if kind == ChangeKind::Create { "t:Create" } else { "t:Update" };
        writer.open(name, &[]);
        plans.write(writer, shape, &found.scene(viewer, shape, true));
        writer.close(name);
    }
    writer.close("m:Changes");
}
