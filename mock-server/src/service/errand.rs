//! Errands: work on a whole mailbox that passes faults, limits and costs as calls do.

use jiff::{SignedDuration, Timestamp};

use super::core::{Passed, Service, reading, untouched};
use super::cost::Work;
use super::reply::{Spent, Spoil};
use super::{refusals, script, trick};

use crate::fault::plan::Strike;
use crate::fault::trick::Played;
use crate::mailbox::content::Content;
use crate::mailbox::item::{Item, Person, Role};
use crate::mailbox::open::Open;
use crate::mailbox::property::{self, FLAG_READ, FLAG_UNSENT, Value};
use crate::mailbox::store::View;
use crate::throttle::policy::asked::Caller;
use crate::throttle::stack::Asked;
use crate::time::Moment;
use crate::wire::call::{FolderKind, Protocol, RequestIdentity};
use crate::wire::id::{ItemKey, MailboxKey};
use crate::wire::operation::Operation;
use crate::wire::refusal::{Refusal, RefusalKind};

/// Who wants what kind of work done on which mailbox.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Errand {
    /// The app that calls; limits are shared by app.
    pub app: u32,
    /// The mailbox concerned.
    pub mailbox: MailboxKey,
    /// The protocol.
    pub protocol: Protocol,
    /// Which request it is.
    pub identity: RequestIdentity,
    /// Length of the request body in bytes, as limits on upload volume count it.
    pub body_bytes: u64,
    /// The kind of work, for limits, costs and faults.
    pub operation: Operation,
}

impl Errand {
    /// What limits want to know of it.
    pub(super) const fn asked(&self) -> Asked {
        let Self { app, mailbox, protocol, body_bytes, operation, .. } = *self;
        Asked { app, mailbox, operation, protocol, body_bytes }
    }
}

/// How the transport is spoiled of a refusal that is no answer.
pub(super) const fn broken(kind: RefusalKind) -> Option<Spoil> {
    match kind {
        RefusalKind::ConnectionReset => Some(Spoil::Reset),
        RefusalKind::Truncated => Some(Spoil::Truncate),
        _ => None,
    }
}

/// Does the work of an errand on a mailbox, once at most, and tells its weight. What it comes to is kept by whoever
/// brings it, so that all that surrounds it is compiled once and not for each kind of work.
pub type Handler<'a, C> = dyn FnMut(&mut Open<'_, C>) -> Work + 'a;

/// Hands work over as a [`Handler`], and keeps what it comes to if it is done.
///
/// # Panics
/// When what it is handed to does it a second time.
pub fn handing<C, T, R>(
    work: impl FnOnce(&mut Open<'_, C>) -> (T, Work),
    pass: impl FnOnce(&mut Handler<'_, C>) -> R,
) -> (R, Option<T>) {
    let (mut work, mut told) = (Some(work), None);
    let passed = pass(&mut |open| {
        let (outcome, weight) = work.take().expect("work is done once")(open);
        told = Some(outcome);
        weight
    });
    (passed, told)
}

/// What became of an errand.
#[derive(Debug)]
pub struct Performed {
    /// Whether the work was done and its outcome may be told, or why not.
    pub outcome: Result<(), Refusal>,
    /// When the answer leaves the server.
    pub ready: Moment,
    /// Where the time until then goes.
    pub spent: Spent,
    /// How the transport must be spoiled.
    pub spoil: Option<Spoil>,
}

impl<C: Content> Service<C> {
    /// Has work done on a mailbox: judged by the fault rules, then by the limits, then done, then priced. What was sent
    /// is delivered to the inboxes that this server has.
    pub fn perform(&mut self, now: Moment, errand: &Errand, work: &mut Handler<'_, C>) -> Performed {
        let Passed { outcome, spent, strike, admitted } = self.run(now, now, errand, work);
        let ready = now + spent.total();
        if let Some(served) = admitted {
            self.settle(&errand.asked(), ready, served);
        }
        let (outcome, spoil) = match (outcome, strike) {
            // There is no answer that could have been sent: the connection itself fails.
            (Err(refusal), _) => (Err(refusal), broken(refusal.kind)),
            (Ok(()), Some(Strike::LoseAnswer)) => (Err(refusals::CONNECTION_RESET), Some(Spoil::Reset)),
            (Ok(()), Some(Strike::Truncate)) => (Ok(()), Some(Spoil::Truncate)),
            (Ok(()), strike) => (Ok(()), trick::spoiled(strike).map(|(_, spoil)| spoil)),
        };
        Performed { outcome, ready, spent, spoil }
    }

    /// Has the work of an errand done that starts at some moment; the limits still have to be told.
    pub(super) fn run(&mut self, now: Moment, start: Moment, errand: &Errand, work: &mut Handler<'_, C>) -> Passed<()> {
        self.begin(errand.protocol, || 1);
        let (asked, identity) = (errand.asked(), errand.identity);
        self.admit(now, &asked, identity, start, |service| {
            let trick = service.trick.take();
            match trick {
                Some(Played::Expired) if service.continues => return Err(refusals::SYNC_STATE_LOST),
                // Work can be done once only; whoever took the request has to take it again.
                Some(Played::Twice) => service.remarks.again = true,
                _ => {}
            }
            if let Some(refusal) = service.errand_failure(now, &asked, identity) {
                return Err(refusal);
            }
            let work = service.open(now, &asked, identity, &mut |open| {
                if trick == Some(Played::Shuffled) {
                    open.shuffle();
                }
                work(open)
            })?;
            Ok(((), work))
        })
    }

    /// Has work judged by the fault rules and by the limits, and priced, that changes no mailbox: a load of which only the
    /// weight matters. No mailbox is opened for it, so it leaves no trace but in policies and limits and in the servers'
    /// time.
    pub fn bear(&mut self, now: Moment, errand: &Errand, work: Work) -> Performed {
        self.begin(errand.protocol, || 1);
        // Nobody has said more of whoever brings this load.
        self.introduce(false, Caller::default);
        let (asked, identity) = (errand.asked(), errand.identity);
        let Passed { outcome, spent, strike, admitted } = self.admit(now, &asked, identity, now, |_| Ok(((), work)));
        let ready = now + spent.total();
        if let Some(served) = admitted {
            self.settle(&asked, ready, served);
        }
        let spoiled = outcome.is_ok().then(|| match strike {
            Some(Strike::LoseAnswer) => Some((refusals::CONNECTION_RESET, Spoil::Reset)),
            Some(Strike::Truncate) => Some((refusals::TRUNCATED, Spoil::Truncate)),
            strike => trick::spoiled(strike),
        });
        let (outcome, spoil) = match spoiled.flatten() {
            Some((refusal, spoil)) => (Err(refusal), Some(spoil)),
            None => (outcome, None),
        };
        Performed { outcome, ready, spent, spoil }
    }

    /// The moment of the wall clock.
    #[must_use]
    pub fn wall(&self, now: Moment) -> Timestamp {
        let since = SignedDuration::from_nanos(i64::try_from(now.0).unwrap_or(i64::MAX));
        self.began.checked_add(since).unwrap_or(Timestamp::MAX)
    }

    /// Looks into a mailbox without asking faults or limits, and without a price: for what the server does by itself.
    /// Nothing if there is no such mailbox.
    pub fn attend<T>(
        &mut self,
        now: Moment,
        mailbox: MailboxKey,
        work: impl FnOnce(&mut Open<'_, C>) -> T,
    ) -> Option<T> {
        let (operation, protocol) = (Operation::GetEvents, Protocol::Ews);
        let asked = Asked { app: 0, mailbox, operation, protocol, body_bytes: 0 };
        let identity = RequestIdentity::new(0, 0);
        let work = |open: &mut Open<'_, C>| (work(open), Work::default());
        let (looked, told) = handing(work, |work| self.open(now, &asked, identity, work));
        looked.ok().and(told)
    }

    fn open(
        &mut self,
        now: Moment,
        asked: &Asked,
        identity: RequestIdentity,
        work: &mut Handler<'_, C>,
    ) -> Result<Work, Refusal> {
        let Asked { mailbox, operation, .. } = *asked;
        if mailbox.0 >= self.content.mailboxes() {
            return Err(refusals::NOT_FOUND);
        }
        self.note(mailbox);
        let (wall, target, may_fail) = (self.wall(now), self.target(now, asked, identity), self.fails_items());
        let Self { content, holding, faults, mailboxes, shelf, recording, .. } = self;
        let store = mailboxes.entry(mailbox).or_insert_with(|| untouched(content, *holding, mailbox));
        let view = View { content: &*content, mailbox, clock: reading(*holding, self.clock_at_start, now, store) };
        let corrupts = |key: ItemKey| faults.corrupts(now, mailbox, operation, key);
        let fails = |place| script::left(recording.as_deref(), faults, &target, place);
        let mut open = Open::new(view, store, shelf, wall, &corrupts);
        if may_fail {
            open = open.failing(&fails);
        }
        let done = work(&mut open);
        let outbox = std::mem::take(&mut open.outbox);
        for item in outbox {
            self.deliver(now, &item);
        }
        Ok(done)
    }

    /// Puts a copy of what was sent into the inbox of everybody whom this server has, once each.
    fn deliver(&mut self, now: Moment, item: &Item) {
        let wall = self.wall(now);
        let reads = |person: &&Person| person.role != Role::ReplyTo && person.role != Role::Member;
        let mut readers: Vec<MailboxKey> =
            item.people.iter().filter(reads).filter_map(|person| self.content.find(&person.address)).collect();
        readers.sort_unstable();
        readers.dedup();
        for reader in readers {
            self.note(reader);
            let Self { content, holding, mailboxes, shelf, .. } = self;
            let store = mailboxes.entry(reader).or_insert_with(|| untouched(content, *holding, reader));
            let clock = reading(*holding, self.clock_at_start, now, store);
            let view = View { content: &*content, mailbox: reader, clock };
            let mut open = Open::new(view, store, shelf, wall, &|_| false);
            let Some(inbox) = open.default_folder(FolderKind::Inbox) else { continue };
            let mut copy = item.clone();
            copy.people.retain(|person| person.role != Role::Bcc);
            for property in [property::SEARCH_KEY, property::CREATION_TIME, property::LAST_MODIFIED] {
                copy.put(property, None);
            }
            copy.put(property::DELIVERY_TIME, Some(Value::Time(open.wall())));
            copy.flag(0, FLAG_READ | FLAG_UNSENT);
            open.receive(inbox, copy).expect("the inbox exists");
        }
    }
}
