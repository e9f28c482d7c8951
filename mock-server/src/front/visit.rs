//! One request's visit to the service: opens mailboxes for a protocol, and remembers when the answer may leave.

use jiff::Timestamp;

use super::exchange::{About, Decision};
use super::foreign::{Foreign, Name};
use super::server_timing;
use crate::fault::also::{Target, Who};
use crate::fault::plan::TokenLoss;
use crate::mailbox::content::Content;
use crate::protocol::host::Host;
use crate::service::core::Service;
use crate::service::entries::Entries;
use crate::service::errand::{Errand, Handler, Performed};
use crate::service::remark::Remarks;
use crate::service::reply::{Spent, Spoil};
use crate::time::Moment;
use crate::wire::call::{Protocol, RequestIdentity};
use crate::wire::http::HttpAnswer;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::{Refusal, RefusalKind};

/// What a request hears whose token was taken from it.
pub(super) const NO_TOKEN: Refusal = Refusal { kind: RefusalKind::Unauthorized, status: 401, retry_after: None };

/// Who visits, and why.
#[derive(Copy, Clone, Debug)]
pub(super) struct Visitor {
    /// The present moment.
    pub(super) now: Moment,
    /// The app that calls.
    pub(super) app: u32,
    /// The protocol.
    pub(super) protocol: Protocol,
    /// Which request it is, if it says so.
    pub(super) identity: Option<RequestIdentity>,
    /// What it is known by otherwise, if it says that.
    pub(super) name: Option<Name>,
    /// Length of the body in bytes.
    pub(super) body_bytes: u64,
    /// Whether it shows a token that faults may take from it.
    pub(super) shows_token: bool,
}

/// A visit.
pub(super) struct Visit<'a, C> {
    service: &'a mut Service<C>,
    foreign: &'a mut Foreign,
    visitor: Visitor,
    /// When the answer leaves the server.
    pub(super) ready: Moment,
    /// Where the time until then goes.
    pub(super) spent: Spent,
    /// How the answer is spoiled on its way.
    pub(super) spoil: Option<Spoil>,
    /// What was asked last, of which mailbox, and why it was refused if it was.
    pub(super) about: Option<(MailboxKey, Operation, Option<Refusal>)>,
    /// Why its token is no longer taken, if a fault took it.
    pub(super) lost: Option<TokenLoss>,
    /// The batch that it is, and what is said beside its answer and not beside those of its entries.
    batch: Option<(Entries, Remarks)>,
}

impl<'a, C: Content> Visit<'a, C> {
    /// Begins a visit. `foreign` counts the requests that did not say which they are.
    pub(super) fn new(service: &'a mut Service<C>, foreign: &'a mut Foreign, visitor: Visitor) -> Self {
        Self {
            service,
            foreign,
            visitor,
            ready: visitor.now,
            spent: Spent::default(),
            spoil: None,
            about: None,
            lost: None,
            batch: None,
        }
    }

    /// Ends the visit: the answer leaves when the last work is done.
    pub(super) fn leave(self, mut answer: HttpAnswer, app: u32) -> Decision {
        answer.headers.push((server_timing::HEADER, server_timing::encode(self.spent)));
        let about = self.about.map(|(mailbox, operation, refusal)| About { app, mailbox, operation, refusal });
        Decision { answer, ready: self.ready, spoil: self.spoil, about, ongoing: None }
    }

    /// Which request the next work belongs to. An identity counts once: further work of the request is numbered as if
    /// it had come alone.
    fn identity(&mut self, number: impl FnOnce(&mut Foreign, Option<Name>) -> RequestIdentity) -> RequestIdentity {
        let name = self.visitor.name.as_mut().map(Name::next);
        self.visitor.identity.take().unwrap_or_else(|| number(self.foreign, name))
    }
}

impl<C: Content> Host for Visit<'_, C> {
    type Content = C;

    fn mailbox(&self, address: &str) -> Option<MailboxKey> {
        self.service.content().find(address)
    }

    fn knows(&self, mailbox: MailboxKey) -> bool {
        mailbox.0 < self.service.content().mailboxes()
    }

    fn wall(&self) -> Timestamp {
        self.service.wall(self.visitor.now)
    }

    fn remark(&mut self, answer: &mut HttpAnswer) {
        let wall = self.service.wall(self.ready);
        self.service.remarks_mut().dress_one(answer, wall);
    }

    fn take_back(&mut self) {
        self.service.remarks_mut().instead = None;
    }

    fn begin_batch(&mut self, mailbox: MailboxKey, entries: usize, wait: bool) -> Result<(), Refusal> {
        let identity = self.identity(Foreign::batch);
        let Visitor { now, app, protocol, body_bytes, .. } = self.visitor;
        let operation = Operation::Batch;
        let errand = Errand { app, mailbox, protocol, identity, body_bytes, operation };
        let Performed { outcome, ready, spent, spoil } = self.service.open_batch(now, &errand);
        (self.ready, self.spent, self.spoil) = (ready, spent, spoil);
        self.about = Some((mailbox, operation, outcome.err()));
        if outcome.is_ok() {
            self.batch = Some((Entries::new(now, entries, wait), self.service.remarks()));
        }
        outcome
    }

    fn begin_entry(&mut self, waits_for: &[usize], body_bytes: u64) {
        self.visitor.body_bytes = body_bytes;
        if let Some((entries, _)) = &mut self.batch {
            entries.begin(waits_for);
        }
    }

    fn end_batch(&mut self) {
        let Some((entries, mut remarks)) = self.batch.take() else { return };
        self.spent += self.service.close_batch(entries);
        self.ready = self.visitor.now + self.spent.total();
        // Whoever took the request takes it again if any entry is to arrive twice.
        remarks.again |= self.service.remarks().again;
        *self.service.remarks_mut() = remarks;
    }

    fn handle(&mut self, mailbox: MailboxKey, operation: Operation, work: &mut Handler<'_, C>) -> Result<(), Refusal> {
        let identity = self.identity(|foreign, name| foreign.next(mailbox, name));
        let Visitor { now, app, protocol, body_bytes, shows_token, .. } = self.visitor;
        if shows_token && self.lost.is_none() {
            let who = Some(Who { app, protocol });
            self.lost = self.service.faults().takes_token(&Target { now, mailbox, operation, identity, who });
        }
        if self.lost.is_some() {
            self.about = Some((mailbox, operation, Some(NO_TOKEN)));
            return Err(NO_TOKEN);
        }
        // The body of a request, or of an entry of a batch, counts once for limits on upload volume.
        self.visitor.body_bytes = 0;
        let errand = Errand { app, mailbox, protocol, identity, body_bytes, operation };
        let outcome = if let Some((entries, _)) = &mut self.batch {
            self.service.perform_entry(entries, &errand, work)
        } else {
            let Performed { outcome, ready, spent, spoil } = self.service.perform(now, &errand, work);
            if self.ready <= ready {
                (self.ready, self.spent) = (ready, spent);
            }
            self.spoil = self.spoil.or(spoil);
            outcome
        };
        self.about = Some((mailbox, operation, outcome.err()));
        outcome
    }
}
