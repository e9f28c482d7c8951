//! Whoever opens mailboxes for a protocol: the service behind its limits and faults, seen from the front.

use jiff::Timestamp;

use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::service::cost::Work;
use crate::service::errand::{self, Handler};
use crate::wire::http::HttpAnswer;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::Refusal;

/// Opens mailboxes for one request. A request may do several kinds of work, on several mailboxes; each passes limits and
/// faults on its own, and the answer leaves when the last is done.
pub trait Host {
    /// What the mailboxes hold.
    type Content: Content;

    /// The mailbox of an address, if the server has it.
    fn mailbox(&self, address: &str) -> Option<MailboxKey>;

    /// Whether the server has a mailbox.
    fn knows(&self, mailbox: MailboxKey) -> bool;

    /// The present moment of the wall clock.
    fn wall(&self) -> Timestamp;

    /// Changes the answer to the last work as whoever judged it wants. Nobody wants anything unless a host says so.
    fn remark(&mut self, answer: &mut HttpAnswer) {
        let _ = answer;
    }

    /// Forgets in which words the last work was refused: the answer tells of it among other things, in its own words.
    /// Nobody has words unless a host says so.
    fn take_back(&mut self) {}

    /// Begins a batch of so many entries, of which some wait for others or none does, on behalf of a mailbox. Until it
    /// ends, work belongs to the entry that has begun, and what goes wrong on its way is said as its refusal. All work is
    /// alike unless a host tells entries apart.
    ///
    /// # Errors
    ///
    /// If a fault refused the batch as a whole.
    fn begin_batch(&mut self, mailbox: MailboxKey, entries: usize, wait: bool) -> Result<(), Refusal> {
        let _ = (mailbox, entries, wait);
        Ok(())
    }

    /// Begins the next entry of a batch, which waits for these, and whose own body has so many bytes.
    fn begin_entry(&mut self, waits_for: &[usize], body_bytes: u64) {
        let _ = (waits_for, body_bytes);
    }

    /// Ends a batch.
    fn end_batch(&mut self) {}

    /// Has work of a kind done on a mailbox.
    ///
    /// # Errors
    ///
    /// If a limit or a fault refused it; the work was not done, or its answer is lost.
    fn perform<T>(
        &mut self,
        mailbox: MailboxKey,
        operation: Operation,
        work: impl FnOnce(&mut Open<'_, Self::Content>) -> (T, Work),
    ) -> Result<T, Refusal> {
        let (passed, told) = errand::handing(work, |work| self.handle(mailbox, operation, work));
        passed?;
        Ok(told.expect("work that may be told of was done"))
    }

    /// Has work done like [`Host::perform`], which keeps what the work comes to.
    ///
    /// # Errors
    ///
    /// As there.
    fn handle(
        &mut self,
        mailbox: MailboxKey,
        operation: Operation,
        work: &mut Handler<'_, Self::Content>,
    ) -> Result<(), Refusal>;
}
