//! Carrying calls out, one file for each family of operations.
//!
//! What is done here is done at once and for good; when the client hears of it is not decided here.

pub(super) mod folders;
pub(super) mod people;
pub(super) mod read;
pub(super) mod switch;
pub(super) mod sync;
pub(super) mod tree;
pub(super) mod write;

use super::refusals;
use super::switch::Switches;
use crate::fault::plan::FaultPlan;
use crate::mailbox::content::Content;
use crate::mailbox::store::{Store, View};
use crate::time::Moment;
use crate::wire::answer::Answer;
use crate::wire::call::Call;
use crate::wire::id::{Id, MailboxKey};
use crate::wire::opaque::{self, Kind};
use crate::wire::refusal::Refusal;

/// What a call works on.
pub(super) struct Bench<'a, C> {
    /// The present moment.
    pub(super) now: Moment,
    /// The computed content.
    pub(super) view: View<'a, C>,
    /// The mailbox.
    pub(super) store: &'a mut Store,
    /// All switches.
    pub(super) switches: &'a mut Switches,
    /// Which items cannot be read.
    pub(super) faults: &'a FaultPlan,
    /// The largest item that can be stored, in bytes.
    pub(super) largest_item_bytes: u32,
    /// Whether answers carry bytes.
    pub(super) bytes: bool,
}

impl<C: Content> Bench<'_, C> {
    /// Carries a call out.
    #[inline]
    pub(super) fn act(&mut self, call: &Call) -> Result<Answer, Refusal> {
        match call {
            Call::FindFolders { from, limit } => Ok(self.find_folders(*from, *limit)),
            Call::SyncFolders { state } => self.sync_folders(state.as_ref()),
            Call::GetFolders { folders } => Ok(self.get_folders(folders)),
            Call::CreateFolder { parent, name } => self.create_folder(parent, name),
            Call::SyncItems { folder, state, limit } => self.sync_items(folder, state.as_ref(), *limit),
            Call::FindItems { folder, key } => self.find_items(folder, *key),
            Call::GetItems { items } => Ok(self.get_items(items)),
            Call::ExportItems { items } => Ok(self.export_items(items)),
            Call::CreateImportSession => Ok(self.create_import_session()),
            Call::ImportItem { session, folder, replace, content } => {
                self.import_item(session, folder, replace.as_ref(), content)
            }
            Call::UploadItems { uploads } => Ok(self.upload_items(uploads)),
            Call::CreateMessage { folder, content } => self.create_message(folder, content),
            Call::DeleteItems { items } => Ok(self.delete_items(items)),
            Call::StopMailbox => Ok(self.stop_mailbox()),
            Call::StartMailbox => Ok(self.start_mailbox()),
            Call::ProvisionUser => Ok(self.provision_user()),
            Call::AssignLicense => self.assign_license(),
            Call::RemoveLicense => Ok(self.remove_license()),
            Call::StartSwitch => self.start_switch(),
            Call::PollSwitch => self.poll_switch(),
            Call::CancelSwitch => self.cancel_switch(),
            Call::ReleaseMailbox => Ok(Answer::Done),
            // The service takes batches apart, and changes the folder tree by itself (see [`tree`]).
            Call::Batch { .. } | Call::RenameFolder { .. } | Call::MoveFolder { .. } => Err(refusals::INVALID),
        }
    }

    /// What a reference refers to; nothing if it is not one of this mailbox and kind.
    #[inline]
    fn resolve(&self, kind: Kind, id: &Id) -> Option<u64> {
        resolve(self.view.mailbox, kind, id)
    }

    /// The ordinal of a folder that exists.
    #[inline]
    fn folder(&self, id: &Id) -> Option<u32> {
        let ordinal = u32::try_from(self.resolve(Kind::Folder, id)?).ok()?;
        self.store.has_folder(ordinal).then_some(ordinal)
    }
}

/// What a reference refers to; nothing if it is not one of the mailbox and kind.
#[inline]
fn resolve(mailbox: MailboxKey, kind: Kind, id: &Id) -> Option<u64> {
    match id {
        Id::Number(number) => Some(*number),
        Id::Text(text) => opaque::decode(kind, text).and_then(|(owner, number)| (owner == mailbox).then_some(number)),
    }
}
