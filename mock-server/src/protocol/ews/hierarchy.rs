//! `SyncFolderHierarchy`.

use super::context::{Context, Refused};
use super::failure::Failure;
use super::folder_shape::{FolderShape, write_id};
use super::messages::Messages;
use super::names::SYNC_FOLDER_HIERARCHY;
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::answer::ChangeKind;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::opaque::{self, Kind};
use crate::wire::operation::Operation;

/// Answers the operation.
pub(super) fn answer<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let shape = request.message("FolderShape").ok_or_else(|| Refused::schema("the shape is missing"))?;
    let shape = FolderShape::read(shape);
    let state = request.message("SyncState").map(Element::text).filter(|state| !state.is_empty());
    let folder = match request.message("SyncFolderId") {
        Some(_) => context.single_folder(request.message("SyncFolderId"))?.map(|target| target.mailbox()),
        None => Ok(context.mailbox()),
    };
    let mut messages = Messages::new(&SYNC_FOLDER_HIERARCHY, None);
    let mailbox = folder.unwrap_or(context.mailbox());
    context.perform(mailbox, Operation::SyncFolders, |open| {
        let found = folder.and(shape).and_then(|shape| {
            let since = match state {
                None => None,
                Some(state) => match opaque::decode(Kind::SyncState, state) {
                    Some((owner, since)) if owner == open.mailbox() => Some(since),
                    _ => return Err(Failure::SYNC_STATE),
                },
            };
            let (changes, state) = open.sync_folders(since).ok_or(Failure::SYNC_STATE)?;
            Ok((shape, changes, opaque::encode(Kind::SyncState, open.mailbox(), state)))
        });
        match found {
            Ok((shape, changes, state)) => messages.succeed(|writer| {
                writer.leaf("m:SyncState", &state);
                writer.leaf("m:IncludesLastFolderInRange", "true");
                writer.open("m:Changes", &[]);
                for (kind, ordinal) in changes {
                    write(writer, open, &shape, kind, ordinal);
                }
                writer.close("m:Changes");
            }),
            Err(failure) => messages.fail_with(failure, |writer| {
                writer.leaf("m:SyncState", "");
                writer.leaf("m:IncludesLastFolderInRange", "true");
                writer.empty("m:Changes", &[]);
            }),
        }
        ((), Work::default())
    })?;
    Ok(messages.finish())
}

fn write<C: Content>(writer: &mut Writer, open: &mut Open<'_, C>, shape: &FolderShape, kind: ChangeKind, ordinal: u32) {
    let mailbox = open.mailbox();
    match (kind, open.folder(ordinal)) {
        (ChangeKind::Delete, _) | (_, None) => {
            writer.open("t:Delete", &[]);
            write_id(writer, "t:FolderId", mailbox, ordinal, 0);
            writer.close("t:Delete");
        }
        (kind, Some(folder)) => {
            let name = if kind == ChangeKind::Create { "t:Create" } else { "t:Update" };
            writer.open(name, &[]);
            shape.write(writer, mailbox, &folder);
            writer.close(name);
        }
    }
}
