//! The switch of a mailbox to this server.

use super::Bench;
use crate::mailbox::content::Content;
use crate::service::refusals;
use crate::wire::answer::Answer;
use crate::wire::refusal::Refusal;

impl<C: Content> Bench<'_, C> {
    /// Starts the switch, for users that exist and have a license. One that was started before and has not failed goes
    /// on undisturbed.
    pub(super) fn start_switch(&mut self) -> Result<Answer, Refusal> {
        if !self.store.overlay.provisioned || !self.store.overlay.licensed {
            return Err(refusals::INVALID);
        }
        Ok(Answer::Switch(self.switches.start(self.now, self.view.mailbox)))
    }

    /// Tells how far the switch is.
    pub(super) fn poll_switch(&mut self) -> Result<Answer, Refusal> {
        self.switches.poll(self.now, self.view.mailbox).map(Answer::Switch).ok_or(refusals::NOT_FOUND)
    }

    /// Gives the switch up.
    pub(super) fn cancel_switch(&mut self) -> Result<Answer, Refusal> {
        self.switches.cancel(self.now, self.view.mailbox).map(Answer::Switch).ok_or(refusals::NOT_FOUND)
    }
}
