//! Users: closing mailboxes to them, making sure that they exist, licenses.

use super::Bench;
use crate::mailbox::content::Content;
use crate::service::refusals;
use crate::wire::answer::Answer;
use crate::wire::refusal::Refusal;

impl<C: Content> Bench<'_, C> {
    /// Closes the mailbox to its users: its computed content stays as it is now. Closing it again changes nothing.
    pub(super) fn stop_mailbox(&mut self) -> Answer {
        self.store.overlay.stopped.get_or_insert(self.view.clock);
        Answer::Done
    }

    /// Opens the mailbox again. What would have happened to it meanwhile happens now, as mail that was held back is
    /// delivered.
    pub(super) fn start_mailbox(&mut self) -> Answer {
        self.store.overlay.stopped = None;
        Answer::Done
    }

    /// Makes sure that the user exists.
    pub(super) fn provision_user(&mut self) -> Answer {
        self.store.overlay.provisioned = true;
        Answer::Done
    }

    /// Gives the user a license.
    pub(super) fn assign_license(&mut self) -> Result<Answer, Refusal> {
        if !self.store.overlay.provisioned {
            return Err(refusals::NOT_FOUND);
        }
        self.store.overlay.licensed = true;
        Ok(Answer::Done)
    }

    /// Takes the license back.
    pub(super) fn remove_license(&mut self) -> Answer {
        self.store.overlay.licensed = false;
        Answer::Done
    }
}
