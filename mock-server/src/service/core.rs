//! The service: judges a call, carries it out, and says when the client hears of it.

use hashbrown::HashMap;
use jiff::Timestamp;

use super::act::Bench;
use super::config::{Config, Holding};
use super::cost::{CostTable, Queue, Work};
use super::keep::Keeping;
use super::refusals;
use super::remark::Remarks;
use super::reply::{Reply, Request, Spent, Spoil};
use super::script::Recording;
use super::surroundings::{Surroundings, week_of};
use super::switch::Switches;
use super::trick;
use crate::fault::plan::{FaultPlan, Judgement, Strike};
use crate::fault::trick::Played;
use crate::mailbox::content::Content;
use crate::mailbox::hasher::KeyHashes;
use crate::mailbox::shelf::Shelf;
use crate::mailbox::store::{Store, View};
use crate::throttle::change::Changes;
use crate::throttle::limit::{Limit, Rule};
use crate::throttle::stack::{Asked, Stack, Verdict};
use crate::time::{Moment, Span};
use crate::wire::answer::{Answer, FolderEntry};
use crate::wire::call::{Call, Protocol, RequestIdentity};
use crate::wire::id::{ItemKey, MailboxKey};
use crate::wire::refusal::{Refusal, RefusalKind};

/// What the wall clock shows when a run begins that nobody gave another moment: 1 January 2026.
const BEGAN: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// One mailbox server.
///
/// A call is judged by the fault rules, then by the limits, then carried out, then priced. What a limit refuses is
/// answered at once and occupies no server. What a limit or a fault delays is served like any other call, and its
/// answer is held back.
#[derive(Debug)]
pub struct Service<C> {
    pub(super) content: C,
    pub(super) holding: Holding,
    pub(super) clock_at_start: Span,
    largest_item_bytes: u32,
    bytes: bool,
    /// What the wall clock shows when the run begins.
    pub(super) began: Timestamp,
    /// Whether the week of real users is not that of the wall clock.
    pub(super) own_week: bool,
    pub(super) faults: FaultPlan,
    pub(super) limits: Stack,
    changes: Changes,
    pub(super) costs: CostTable,
    queue: Queue,
    pub(super) switches: Switches,
    pub(super) mailboxes: HashMap<MailboxKey, Store, KeyHashes>,
    /// What it has beyond that, if it has anything.
    pub(super) surroundings: Option<Box<Surroundings>>,
    /// The protocol of the present request.
    pub(super) protocol: Protocol,
    /// Whether the present request continues from a state, as far as its sender was introduced.
    pub(super) continues: bool,
    /// What is still to be played on the present call.
    pub(super) trick: Option<Played>,
    /// What is said beside the present answer.
    pub(super) remarks: Remarks,
    /// What was touched since the mailboxes were last kept, if anybody keeps them.
    pub(super) keeping: Option<Box<Keeping>>,
    pub(super) shelf: Shelf,
    /// What is recorded of the work, and what is played again, if anything.
    pub(super) recording: Option<Box<Recording>>,
}

/// A call on its way through the service.
#[derive(Copy, Clone, Debug)]
pub(super) struct Passage<'a> {
    /// Who asks what, for the limits.
    pub(super) asked: Asked,
    /// Which request it is.
    pub(super) identity: RequestIdentity,
    /// The call.
    pub(super) call: &'a Call,
    /// When work on it may start: the present moment, or later for an entry of a batch that waits for others.
    pub(super) start: Moment,
}

/// What became of a call.
#[derive(Debug)]
pub(super) struct Passed<T = Answer> {
    /// The outcome; spoiled ones not yet turned into what the client perceives.
    pub(super) outcome: Result<T, Refusal>,
    /// Where the time went.
    pub(super) spent: Spent,
    /// How it went wrong after the work was done.
    pub(super) strike: Option<Strike>,
    /// The service time, if a limit admitted the call: the limits still have to be told.
    pub(super) admitted: Option<Span>,
}

impl<C: Content> Service<C> {
    /// A server whose mailboxes nobody has touched yet.
    pub fn new(config: Config, content: C) -> Self {
        let own_week = config.conditions.health.load.as_ref().is_some_and(|load| load.week_at_start.is_some());
        let mut surroundings = Surroundings::new(config.seed, config.conditions);
        if let Some(surroundings) = surroundings.as_mut().filter(|_| !own_week) {
            surroundings.week_at_start = week_of(BEGAN);
        }
        Self {
            content,
            holding: config.holding,
            clock_at_start: config.clock_at_start,
            largest_item_bytes: config.largest_item_bytes,
            bytes: false,
            began: BEGAN,
            own_week,
            faults: FaultPlan::new(config.seed, config.faults),
            limits: Stack::new(config.limits),
            changes: Changes::new(config.limit_changes),
            costs: CostTable::new(config.seed, &config.costs),
            queue: Queue::new(config.costs.servers),
            switches: Switches::new(config.seed, config.switch),
            mailboxes: HashMap::default(),
            surroundings,
            protocol: Protocol::Graph,
            continues: false,
            trick: None,
            remarks: Remarks::default(),
            keeping: None,
            shelf: Shelf::default(),
            recording: None,
        }
    }

    /// Whether answers carry the bytes of items, or lengths and identities only.
    #[must_use]
    pub fn with_bytes(mut self, bytes: bool) -> Self {
        self.bytes = bytes;
        self
    }

    /// What the wall clock shows when the run begins; a moment of its own choice otherwise, the same in every run.
    #[must_use]
    pub fn with_wall(mut self, began: Timestamp) -> Self {
        self.began = began;
        if let Some(surroundings) = self.surroundings.as_mut().filter(|_| !self.own_week) {
            surroundings.week_at_start = week_of(began);
        }
        self
    }

    /// The computed content.
    pub fn content(&self) -> &C {
        &self.content
    }

    /// The computed content, to be added to.
    pub fn content_mut(&mut self) -> &mut C {
        &mut self.content
    }

    /// The fault rules. Rules that are added or removed count from the next call on.
    pub fn faults(&mut self) -> &mut FaultPlan {
        &mut self.faults
    }

    /// The limits and how far they are used up.
    pub fn limits(&mut self) -> &mut Stack {
        &mut self.limits
    }

    /// Replaces the limits. The new ones have seen no call; changes that were still to come are forgotten.
    pub fn set_limits(&mut self, limits: Vec<Limit>) {
        self.changes = Changes::default();
        self.limits = Stack::new(limits);
    }

    /// The mailboxes that were touched, in the order of their keys.
    #[must_use]
    pub fn touched(&self) -> Vec<MailboxKey> {
        let mut touched: Vec<_> = self.mailboxes.keys().copied().collect();
        touched.sort_unstable();
        touched
    }

    /// The folders of a mailbox at a moment, as a listing shows them.
    pub fn folders(&mut self, now: Moment, mailbox: MailboxKey) -> Vec<FolderEntry> {
        let Self { content, holding, mailboxes, .. } = self;
        let store = mailboxes.entry(mailbox).or_insert_with(|| untouched(content, *holding, mailbox));
        let view = View { content: &*content, mailbox, clock: reading(*holding, self.clock_at_start, now, store) };
        (0..store.folder_count()).filter_map(|position| store.entry(view, position)).collect()
    }

    /// Answers a call that arrives at `now`, which should not be earlier than that of the call before.
    ///
    /// Where the connection is reset before an answer exists, the outcome is `ConnectionReset` and nothing is spoiled:
    /// there is nothing that could have been sent. The transport resets the connection whenever that is the outcome.
    #[inline]
    pub fn handle(&mut self, now: Moment, request: &Request<'_>) -> Reply {
        if let Call::Batch { calls } = request.call {
            return self.handle_batch(now, request, calls);
        }
        self.begin(request.protocol, || request.call.items());
        let asked = Asked {
            app: request.app,
            mailbox: request.mailbox,
            operation: request.call.operation(),
            protocol: request.protocol,
            body_bytes: request.body_bytes,
        };
        let passed = self.pass(now, Passage { asked, identity: request.identity, call: request.call, start: now });
        let reply = spoil(now, passed.outcome, passed.spent, passed.strike);
        if let Some(served) = passed.admitted {
            self.settle(&asked, reply.ready, served);
        }
        reply
    }

    /// Takes one call, which is no batch, through faults, limits, work and price.
    #[expect(clippy::inline_always, reason = "it is passed once for each call of the virtual world, and is short")]
    #[inline(always)]
    pub(super) fn pass(&mut self, now: Moment, passage: Passage<'_>) -> Passed {
        let Passage { asked, identity, call, start } = passage;
        self.admit(now, &asked, identity, start, |service| {
            if service.is_odd() {
                return service.act_itemwise(now, &asked, identity, call);
            }
            let answer = service.act(now, asked.mailbox, call)?;
            let work = Work::of(call, Some(&answer));
            Ok((answer, work))
        })
    }

    /// Takes any work through faults and limits, has it done, and prices it. Work that is refused as it is done costs
    /// what its call costs.
    #[inline]
    pub(super) fn admit_by_rules<T>(
        &mut self,
        now: Moment,
        asked: &Asked,
        identity: RequestIdentity,
        start: Moment,
        act: impl FnOnce(&mut Self) -> Result<(T, Work), Refusal>,
    ) -> Passed<T> {
        let mut fault = self.judge(now, asked, identity);
        let refused = |refusal, delayed| Passed {
            outcome: Err(refusal),
            spent: Spent { delayed, ..Spent::default() },
            strike: None,
            admitted: None,
        };
        match fault.strike {
            Some(Strike::Refuse(refusal)) => return refused(refusal, fault.delay),
            Some(Strike::Reset) => {
                return Passed { strike: fault.strike, ..refused(refusals::CONNECTION_RESET, fault.delay) };
            }
            Some(Strike::Say { refusal, rule }) => {
                self.speak(rule, &refusal);
                return refused(refusal, fault.delay);
            }
            Some(Strike::Trick(trick)) => fault.delay += self.play(trick),
            Some(Strike::Truncate | Strike::LoseAnswer) | None => {}
        }
        self.changes.apply(now, &mut self.limits);
        let Self { surroundings, remarks, .. } = self;
        let ruled = match surroundings.as_mut().map_or(Ok(Span::ZERO), |all| all.ask(now, asked, remarks)) {
            Err(refusal) => return refused(refusal, fault.delay),
            Ok(delay) => delay,
        };
        let hold = match surroundings.as_mut().map_or(Ok(Span::ZERO), |all| all.consult(now, asked)) {
            Err(refusal) => {
                self.overrule(asked);
                return refused(refusal, fault.delay);
            }
            Ok(hold) => hold,
        };
        let mut held = match self.limits.judge(now, asked) {
            Verdict::Reject { limit, refusal } => {
                self.overrule(asked);
                self.name_lanes(limit, refusal.kind);
                return refused(refusal, fault.delay);
            }
            Verdict::Admit { delay } => delay.max(ruled).max(hold),
        };
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.admit(asked, &mut self.remarks);
        }
        let (outcome, work) = match act(self) {
            Ok((outcome, work)) => (Ok(outcome), work),
            Err(refusal) => (Err(refusal), Work::default()),
        };
        let mut served = self.costs.served(asked.mailbox, asked.operation, identity, work);
        if let Some(surroundings) = &self.surroundings {
            held += surroundings.items_wait;
            served = surroundings.slowed(served);
        }
        let queued = self.queue.enter(now, start, served);
        let spent = Spent { delayed: held + fault.delay, queued, served };
        Passed { outcome, spent, strike: fault.strike, admitted: Some(served) }
    }

    /// Notes the number of the limit that refused a call, if it is one that EWS names.
    fn name_lanes(&mut self, limit: usize, kind: RefusalKind) {
        if kind == RefusalKind::ConnectionCount
            && let Some(Rule::Concurrency { lanes, .. }) = self.limits.limits().nth(limit).map(|limit| limit.rule)
        {
            self.remarks.lanes = Some(lanes);
        }
    }

    /// Counts a call that policies let pass and something behind them refused.
    fn overrule(&mut self, asked: &Asked) {
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.overrule(asked);
        }
    }

    /// What the fault rules say to a batch as a whole.
    pub(super) fn judge_batch(&mut self, now: Moment, request: &Request<'_>) -> Judgement {
        self.begin(request.protocol, || request.call.items());
        let Request { app, mailbox, protocol, body_bytes, .. } = *request;
        let asked = Asked { app, mailbox, operation: request.call.operation(), protocol, body_bytes };
        self.judge_whole(now, &asked, request.identity)
    }

    pub(super) fn act(&mut self, now: Moment, mailbox: MailboxKey, call: &Call) -> Result<Answer, Refusal> {
        if mailbox.0 >= self.content.mailboxes() {
            return Err(refusals::NOT_FOUND);
        }
        if let Call::RenameFolder { .. } | Call::MoveFolder { .. } = call {
            return self.change_tree(now, mailbox, call);
        }
        self.note(mailbox);
        let Self { content, holding, switches, faults, mailboxes, .. } = self;
        let store = mailboxes.entry(mailbox).or_insert_with(|| untouched(content, *holding, mailbox));
        let clock = reading(*holding, self.clock_at_start, now, store);
        Bench {
            now,
            view: View { content, mailbox, clock },
            store,
            switches,
            faults,
            largest_item_bytes: self.largest_item_bytes,
            bytes: self.bytes,
        }
        .act(call)
    }

    /// Carries a call out without asking faults or limits, and without a price: what whoever controls the server does.
    /// A batch is refused.
    pub fn carry_out(&mut self, now: Moment, mailbox: MailboxKey, call: &Call) -> Result<Answer, Refusal> {
        self.act(now, mailbox, call)
    }

    /// Forgets everything about a mailbox: it is as if nobody had touched it yet. A switch that is under way keeps its
    /// place to its end.
    pub fn forget(&mut self, mailbox: MailboxKey) {
        self.mailboxes.remove(&mailbox);
        self.switches.forget(mailbox);
        if let Some(keeping) = &mut self.keeping {
            keeping.forget(mailbox);
        }
        self.limits.forget(mailbox);
        self.forget_surroundings(mailbox);
    }

    /// Whether a mailbox is open to its users: it was not stopped, or was started again.
    #[must_use]
    pub fn is_open(&self, mailbox: MailboxKey) -> bool {
        self.mailboxes.get(&mailbox).is_none_or(|store| store.overlay.stopped.is_none())
    }

    /// Everything that a mailbox holds at a moment, folder by folder. Meant for checks; takes time with every item.
    pub fn holdings(&mut self, now: Moment, mailbox: MailboxKey) -> Vec<Held> {
        let Self { content, holding, mailboxes, .. } = self;
        let store = mailboxes.entry(mailbox).or_insert_with(|| untouched(content, *holding, mailbox));
        let view = View { content: &*content, mailbox, clock: reading(*holding, self.clock_at_start, now, store) };
        let mut held = Vec::new();
        let ordinals: Vec<_> = store.ordinals().collect();
        for ordinal in ordinals {
            let folder = store.path(view, ordinal);
            let items = store.items(view, ordinal).into_iter();
            held.extend(items.map(|(_, key, size)| Held { folder: folder.clone(), key, size }));
        }
        held
    }
}

/// An item that a mailbox holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Held {
    /// The names of the folders from below the root down to the one that holds the item, joined by slashes.
    pub folder: String,
    /// Its identity.
    pub key: ItemKey,
    /// Its size in bytes.
    pub size: u32,
}

/// A mailbox as nobody has touched it yet. Where mailboxes come from, the users exist and have licenses.
pub(super) fn untouched<C: Content>(content: &C, holding: Holding, mailbox: MailboxKey) -> Store {
    let mut store = Store::new(content, mailbox, holding != Holding::Empty);
    store.overlay.provisioned = holding == Holding::Live;
    store.overlay.licensed = holding == Holding::Live;
    store
}

/// What the staging clock shows to a mailbox.
#[inline]
pub(super) fn reading(holding: Holding, clock_at_start: Span, now: Moment, store: &Store) -> Span {
    match holding {
        Holding::Live => store.overlay.stopped.unwrap_or(clock_at_start + now.since(Moment::START)),
        Holding::Copy { taken } => taken,
        Holding::Empty => Span::ZERO,
    }
}

/// Turns what became of a call into what the client perceives, and when. Where the work was refused there is no answer
/// to be spoiled: a lost refusal is a reset connection, and a refusal is too short to be cut.
#[expect(clippy::inline_always, reason = "it is passed once for each call of the virtual world, and is short")]
#[inline(always)]
pub(super) fn spoil(now: Moment, outcome: Result<Answer, Refusal>, spent: Spent, strike: Option<Strike>) -> Reply {
    let ready = now + spent.total();
    if strike.is_none() {
        return Reply { outcome, ready, spent, spoiled: None };
    }
    let (outcome, spoiled) = match (strike, outcome) {
        (Some(Strike::LoseAnswer), Ok(answer)) => {
            (Err(refusals::CONNECTION_RESET), Some((Spoil::Reset, Box::new(answer))))
        }
        (Some(Strike::LoseAnswer), Err(_)) => (Err(refusals::CONNECTION_RESET), None),
        (Some(Strike::Truncate), Ok(answer)) => (Err(refusals::TRUNCATED), Some((Spoil::Truncate, Box::new(answer)))),
        (strike, Ok(answer)) => match trick::spoiled(strike) {
            Some((refusal, spoil)) => (Err(refusal), Some((spoil, Box::new(answer)))),
            None => (Ok(answer), None),
        },
        (_, outcome) => (outcome, None),
    };
    Reply { outcome, ready, spent, spoiled }
}
