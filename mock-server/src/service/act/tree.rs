//! Changes of the folder tree, done as for whoever sees whole folders, so that everybody who watches hears of them.

use super::resolve;
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::mailbox::reference;
use crate::service::core::Service;
use crate::service::refusals;
use crate::time::Moment;
use crate::wire::answer::Answer;
use crate::wire::call::Call;
use crate::wire::id::{Id, MailboxKey};
use crate::wire::opaque::Kind;
use crate::wire::refusal::Refusal;

impl<C: Content> Service<C> {
    /// Gives a folder another name or place.
    #[cold]
    pub(in crate::service) fn change_tree(
        &mut self,
        now: Moment,
        mailbox: MailboxKey,
        call: &Call,
    ) -> Result<Answer, Refusal> {
        self.attend(now, mailbox, |open| change(open, call)).unwrap_or(Err(refusals::NOT_FOUND))
    }
}

fn change<C: Content>(open: &mut Open<'_, C>, call: &Call) -> Result<Answer, Refusal> {
    let mailbox = open.mailbox();
    let ordinal = |folder: &Id| {
        let number = resolve(mailbox, Kind::Folder, folder).and_then(|number| u32::try_from(number).ok());
        number.ok_or(refusals::NOT_FOUND)
    };
    let changed = match call {
        Call::RenameFolder { folder, name } => {
            let folder = ordinal(folder)?;
            open.rename_folder(folder, name)?;
            folder
        }
        Call::MoveFolder { folder, parent } => {
            let folder = ordinal(folder)?;
            open.move_folder(folder, ordinal(parent)?)?;
            folder
        }
        _ => return Err(refusals::INVALID),
    };
    Ok(Answer::Created(reference::folder(changed)))
}
