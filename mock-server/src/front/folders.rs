//! Folders that a client names by what they are for (`inbox`) instead of by a reference.
//!
//! Both protocols use the same names. A protocol leaves them as text, because only the mailbox knows its folders.

use crate::mailbox::content::Content;
use crate::mailbox::reference;
use crate::wire::call::{Call, Upload};
use crate::wire::ews;
use crate::wire::id::{Id, MailboxKey};

/// The call with the names of folders replaced by references. Nothing if it has no such names, which is the rule.
pub(super) fn place(call: &Call, mailbox: MailboxKey, content: &impl Content) -> Option<Call> {
    let of = |id: &Id| folder(id, mailbox, content);
    Some(match call {
        Call::SyncItems { folder, state, limit } => {
            Call::SyncItems { folder: of(folder)?, state: state.clone(), limit: *limit }
        }
        Call::FindItems { folder, key } => Call::FindItems { folder: of(folder)?, key: *key },
        Call::CreateFolder { parent, name } => Call::CreateFolder { parent: of(parent)?, name: name.clone() },
        Call::CreateMessage { folder, content } => {
            Call::CreateMessage { folder: of(folder)?, content: content.clone() }
        }
        Call::ImportItem { session, folder, replace, content } => Call::ImportItem {
            session: session.clone(),
            folder: of(folder)?,
            replace: replace.clone(),
            content: content.clone(),
        },
        Call::UploadItems { uploads } => {
            let placed: Vec<_> = uploads.iter().map(|upload| of(&upload.folder)).collect();
            placed.iter().flatten().next()?;
            let upload = |(upload, placed): (&Upload, Option<Id>)| Upload {
                folder: placed.unwrap_or_else(|| upload.folder.clone()),
                ..upload.clone()
            };
            Call::UploadItems { uploads: uploads.iter().zip(placed).map(upload).collect() }
        }
        Call::Batch { calls } => {
            let placed: Vec<_> = calls.iter().map(|call| place(call, mailbox, content)).collect();
            placed.iter().flatten().next()?;
            let calls = calls.iter().zip(placed);
            Call::Batch { calls: calls.map(|(call, placed)| placed.unwrap_or_else(|| call.clone())).collect() }
        }
        _ => return None,
    })
}

/// The folder of a name; nothing for references and for names that the mailbox has no folder for.
fn folder(id: &Id, mailbox: MailboxKey, content: &impl Content) -> Option<Id> {
    let Id::Text(name) = id else { return None };
    let kind = ews::folder_kind(&name.to_ascii_lowercase())?;
    let folders = content.folders(mailbox);
    folders.iter().find(|folder| folder.kind == kind).map(|folder| reference::folder(folder.ordinal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::plain::Plain;

    fn find(folder: Id) -> Call {
        Call::SyncItems { folder, state: None, limit: 10 }
    }

    fn check(call: &Call, expected: Option<&Call>) {
        assert_eq!(place(call, MailboxKey(1), &Plain::default()).as_ref(), expected);
    }

    #[test]
    fn names_become_references() {
        check(&find(Id::text("inbox")), Some(&find(reference::folder(1))));
        check(&find(Id::text("SentItems")), Some(&find(reference::folder(2))));
        let batch = |folder| Call::Batch { calls: vec![Call::CreateImportSession, find(folder)] };
        check(&batch(Id::text("msgfolderroot")), Some(&batch(reference::folder(0))));
    }

    #[test]
    fn everything_else_stays() {
        check(&find(reference::folder(3)), None);
        check(&find(Id::text("no such name")), None);
        check(&find(Id::text("journal")), None);
        check(&Call::CreateImportSession, None);
    }
}
