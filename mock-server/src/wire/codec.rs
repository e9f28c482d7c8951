//! Both ends of every protocol behind one door: calls and answers by [`Protocol`], administration apart from it.

use super::call::{Call, Upload};

use super::id::{Id, MailboxKey};
use super::opaque::{self, Kind};

/// The call with every number turned into the text that stands for it on the wire.
///
/// A client that was told of references before the run began, for example of a copy made earlier, holds numbers; only
/// text can be written. The root as a parent stays a number, because protocols have a name for it.
#[must_use]
pub fn written(call: &Call, mailbox: MailboxKey) -> Call {
    let text = |kind, id: &Id| match id {
        Id::Number(number) => Id::text(&opaque::encode(kind, mailbox, *number)),
        Id::Text(_) => id.clone(),
    };
    let folder = |id: &Id| text(Kind::Folder, id);
    let item = |id: &Id| text(Kind::Item, id);
    let state = |state: &Option<Id>| state.as_ref().map(|id| text(Kind::SyncState, id));
    let items = |items: &[Id]| items.iter().map(item).collect();
    match call {
        Call::SyncFolders { state: since } => Call::SyncFolders { state: state(since) },
        Call::SyncItems { folder: id, state: since, limit } => {
            Call::SyncItems { folder: folder(id), state: state(since), limit: *limit }
        }
        Call::FindItems { folder: id, key } => Call::FindItems { folder: folder(id), key: *key },
        Call::GetItems { items: ids } => Call::GetItems { items: items(ids) },
        Call::ExportItems { items: ids } => Call::ExportItems { items: items(ids) },
        Call::DeleteItems { items: ids } => Call::DeleteItems { items: items(ids) },
        Call::CreateFolder { parent, name } => {
            let parent = if *parent == Id::Number(0) { parent.clone() } else { folder(parent) };
            Call::CreateFolder { parent, name: name.clone() }
        }
        Call::ImportItem { session, folder: id, replace, content } => Call::ImportItem {
            session: text(Kind::Session, session),
            folder: folder(id),
            replace: replace.as_ref().map(item),
            content: content.clone(),
        },
        Call::CreateMessage { folder: id, content } => {
            Call::CreateMessage { folder: folder(id), content: content.clone() }
        }
        Call::UploadItems { uploads } => {
            let upload = |upload: &Upload| Upload {
                folder: folder(&upload.folder),
                replace: upload.replace.as_ref().map(item),
                content: upload.content.clone(),
            };
            Call::UploadItems { uploads: uploads.iter().map(upload).collect() }
        }
        Call::Batch { calls } => Call::Batch { calls: calls.iter().map(|call| written(call, mailbox)).collect() },
        other => other.clone(),
    }
}
