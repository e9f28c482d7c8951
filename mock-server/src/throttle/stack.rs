//! The limits of one server, asked in order.

use super::limit::{Limit, Rule, Scope};
use super::machine::Machine;
use super::rows::{Place, Rows, View};
use crate::time::{Moment, Span};
use crate::wire::call::Protocol;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::{Refusal, RefusalKind};

/// What limits want to know of a call.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The app that calls.
    pub app: u32,
    /// The mailbox concerned.
    pub mailbox: MailboxKey,
    /// The kind of call.
    pub operation: Operation,
    /// The protocol in which it arrived.
    pub protocol: Protocol,
    /// Length of the request body in bytes.
    pub body_bytes: u64,
}

/// What the limits say to a call.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It may pass.
    Admit {
        /// How long it is held back first: the micro-delay of a budget, the longest if there are several budgets.
        delay: Span,
    },
    /// It is refused; nothing is done.
    Reject {
        /// The position of the limit that refused it.
        limit: usize,
        /// What the client sees. `retry_after` is the exact wait after which the limit would let the same call pass if
        /// nobody else called; the configured wait for concurrency; absent where no wait helps, as for a body larger
        /// than the whole upload limit.
        refusal: Refusal,
    },
}

/// How far one allowance is used up.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Usage {
    /// The position of the limit.
    pub limit: usize,
    /// The app whose allowance it is; none if apps share it.
    pub app: Option<u32>,
    /// The mailbox whose allowance it is; none if mailboxes share it.
    pub mailbox: Option<MailboxKey>,
    /// What is used, in the unit of the rule: requests, bytes, lanes, or nanoseconds of service time.
    pub used: u64,
    /// How long the smallest call would have to wait, if it would be refused.
    pub closed_for: Option<Span>,
}

/// The limits of one server and what they remember.
///
/// A call is judged once and, if admitted and carried out, settled once. Moments should not go back; a call at an
/// earlier moment than one already judged is treated as if it came at that one.
#[derive(Debug)]
pub struct Stack {
    limits: Vec<Slot>,
    rows: Rows,
    latest: Moment,
    /// The calls that count with any limit as soon as they are admitted.
    admitted: Calls,
    /// The calls that any limit settles.
    settled: Calls,
}

/// A set of calls: for each protocol one bit for each operation.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
struct Calls([u64; Protocol::ALL.len()]);

/// One limit, prepared.
#[derive(Debug)]
struct Slot {
    limit: Limit,
    /// The calls that the limit concerns.
    concerned: Calls,
    /// Those of them that count as soon as they are admitted.
    admitted: Calls,
    /// Those of them that count when they are settled.
    settled: Calls,
    keeper: Keeper,
}

/// Where a limit's machines are.
#[derive(Debug)]
enum Keeper {
    /// With the mailbox.
    Row(Place),
    /// Here, one for each app, sorted by app.
    Apps(Vec<(u32, Machine)>),
    /// Here.
    Tenant(Machine),
}

impl Stack {
    /// A stack of limits that have seen no call.
    #[must_use]
    pub fn new(limits: Vec<Limit>) -> Self {
        let (rows, places) = Rows::new(&limits);
        let limits: Vec<_> = limits.into_iter().zip(places).map(|(limit, place)| Slot::new(limit, place)).collect();
        let any = |calls: fn(&Slot) -> Calls| limits.iter().map(calls).fold(Calls::default(), Calls::or);
        let (admitted, settled) = (any(|slot| slot.admitted), any(|slot| slot.settled));
        Self { limits, rows, latest: Moment::START, admitted, settled }
    }

    /// Asks all limits in order whether a call may pass; the first that refuses decides.
    ///
    /// An admitted call counts in all windows from `now` on. A refused one counts only in request windows that are set
    /// to count refused requests and that were asked: the one that refused and those before it.
    #[inline]
    pub fn judge(&mut self, now: Moment, asked: &Asked) -> Verdict {
        let present = self.latest.max(now);
        self.latest = present;
        let mut view = self.rows.view(asked.app, asked.mailbox);
        let mut delay = Span::ZERO;
        let refusing = self.limits.iter_mut().position(|slot| {
            if !slot.concerned.has(asked) {
                return false;
            }
            let (machine, limit) = slot.machine(asked.app, &mut view);
            let held = machine.ask(&limit.rule, present, asked.body_bytes);
            delay = delay.max(held.unwrap_or(Span::ZERO));
            held.is_none()
        });
        if let Some(position) = refusing {
            return reject(&mut self.limits, &mut view, position, now, present, asked);
        }
        if !self.admitted.has(asked) {
            return Verdict::Admit { delay };
        }
        for slot in &mut self.limits {
            if slot.admitted.has(asked) {
                let (machine, limit) = slot.machine(asked.app, &mut view);
                machine.admit(&limit.rule, present, asked.body_bytes);
            }
        }
        Verdict::Admit { delay }
    }

    /// Completes the account of an admitted call: its lanes are taken until `ready`, when its answer leaves, and
    /// `served`, its service time, is charged to budgets.
    #[inline]
    pub fn settle(&mut self, asked: &Asked, ready: Moment, served: Span) {
        if !self.settled.has(asked) {
            return;
        }
        let mut view = self.rows.view(asked.app, asked.mailbox);
        for slot in &mut self.limits {
            if slot.settled.has(asked) {
                let (machine, limit) = slot.machine(asked.app, &mut view);
                machine.settle(&limit.rule, ready, served);
            }
        }
    }

    /// Drops what is remembered of one mailbox alone, as if it had never called. What it used of shared limits stays
    /// used. Meant for mailboxes that will not call again.
    pub fn forget(&mut self, mailbox: MailboxKey) {
        self.rows.forget(mailbox);
    }

    /// The limits, in the order in which they are asked.
    pub fn limits(&self) -> impl Iterator<Item = &Limit> {
        self.limits.iter().map(|slot| &slot.limit)
    }

    /// Gives the limit of a name other numbers from a moment on, if there is one and its rule is of the same kind. What
    /// was used stays used, and what came back until then did so by the old numbers.
    pub fn change(&mut self, name: &str, rule: Rule, at: Moment) {
        let same = |own: &Rule| std::mem::discriminant(own) == std::mem::discriminant(&rule);
        for slot in self.limits.iter_mut().filter(|slot| slot.limit.name == name && same(&slot.limit.rule)) {
            let before = std::mem::replace(&mut slot.limit.rule, rule);
            let settle = |machine: &mut Machine| {
                machine.used(&before, at);
            };
            match &mut slot.keeper {
                Keeper::Tenant(machine) => settle(machine),
                Keeper::Apps(apps) => apps.iter_mut().for_each(|(_, machine)| settle(machine)),
                Keeper::Row(place) => self.rows.each(|_, _, found, machine| {
                    if found == *place {
                        settle(machine);
                    }
                }),
            }
        }
    }

    /// How far every limit is used up at a moment, by everyone who shares it: in the order of the limits, then of
    /// mailboxes and apps. Meant for people who look; takes time with every mailbox that has called.
    pub fn usage(&mut self, now: Moment) -> Vec<Usage> {
        let present = self.latest.max(now);
        let mut usage = Vec::new();
        for (position, slot) in self.limits.iter_mut().enumerate() {
            let rule = slot.limit.rule;
            let mut of = |app, mailbox, machine: &mut Machine| {
                let closed_for = machine.closed_for(&rule, present);
                usage.push(Usage { limit: position, app, mailbox, used: machine.used(&rule, present), closed_for });
            };
            match &mut slot.keeper {
                Keeper::Tenant(machine) => of(None, None, machine),
                Keeper::Apps(apps) => apps.iter_mut().for_each(|(app, machine)| of(Some(*app), None, machine)),
                Keeper::Row(place) => self.rows.each(|mailbox, app, at, machine| {
                    if at == *place {
                        of(app, Some(mailbox), machine);
                    }
                }),
            }
        }
        usage
    }

    /// How many mailboxes have state of their own.
    #[must_use]
    pub fn mailboxes(&self) -> usize {
        self.rows.len()
    }
}

impl Calls {
    /// The calls that a limit concerns.
    fn of(limit: &Limit) -> Self {
        let operations = |protocol| Operation::ALL.into_iter().filter(move |one| limit.concerns(*one, protocol));
        Self(Protocol::ALL.map(|protocol| operations(protocol).fold(0, |bits, one| bits | 1 << one as u32)))
    }

    /// Whether a call is one of them.
    #[inline]
    fn has(self, asked: &Asked) -> bool {
        self.0[asked.protocol as usize] & 1 << asked.operation as u32 != 0
    }

    /// The calls of either set.
    fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|protocol| self.0[protocol] | other.0[protocol]))
    }
}

impl Slot {
    fn new(limit: Limit, place: Option<Place>) -> Self {
        let concerned = Calls::of(&limit);
        let (admitted, settled) = match limit.rule {
            Rule::Requests { .. } | Rule::UploadBytes { .. } => (concerned, Calls::default()),
            Rule::Concurrency { .. } | Rule::Budget { .. } => (Calls::default(), concerned),
        };
        let keeper = match (place, limit.scope) {
            (Some(place), _) => Keeper::Row(place),
            (None, Scope::App) => Keeper::Apps(Vec::new()),
            (None, _) => Keeper::Tenant(Machine::new(&limit.rule)),
        };
        Self { limit, concerned, admitted, settled, keeper }
    }

    /// The machine that this limit has for an app and the mailbox of a view.
    #[inline]
    fn machine<'a>(&'a mut self, app: u32, view: &'a mut View<'_>) -> (&'a mut Machine, &'a Limit) {
        let machine = match &mut self.keeper {
            Keeper::Row(place) => view.machine(*place),
            Keeper::Tenant(machine) => machine,
            Keeper::Apps(apps) => machine_of_app(apps, app, &self.limit.rule),
        };
        (machine, &self.limit)
    }
}

/// The machine of an app, made new if the app has not called before.
#[inline]
fn machine_of_app<'a>(apps: &'a mut Vec<(u32, Machine)>, app: u32, rule: &Rule) -> &'a mut Machine {
    let first = apps.first().is_some_and(|(first, _)| *first == app);
    if first { &mut apps[0].1 } else { machine_of_another_app(apps, app, rule) }
}

/// The machine of an app that is not the first.
#[cold]
fn machine_of_another_app<'a>(apps: &'a mut Vec<(u32, Machine)>, app: u32, rule: &Rule) -> &'a mut Machine {
    let position = apps.binary_search_by_key(&app, |(known, _)| *known).unwrap_or_else(|position| {
        apps.insert(position, (app, Machine::new(rule)));
        position
    });
    &mut apps[position].1
}

/// Counts a refused call and says what its client sees.
#[cold]
fn reject(
    limits: &mut [Slot],
    view: &mut View<'_>,
    refusing: usize,
    now: Moment,
    present: Moment,
    asked: &Asked,
) -> Verdict {
    for slot in &mut limits[..=refusing] {
        if slot.concerned.has(asked) {
            let (machine, limit) = slot.machine(asked.app, view);
            machine.refuse(&limit.rule, present);
        }
    }
    let (machine, limit) = limits[refusing].machine(asked.app, view);
    let retry_after = machine.wait(&limit.rule, present, asked.body_bytes).map(|wait| match limit.rule {
        Rule::Concurrency { .. } => wait,
        _ => wait + present.since(now),
    });
    let refusal = Refusal { kind: limit.refusal, status: status_of(limit.refusal), retry_after };
    Verdict::Reject { limit: refusing, refusal }
}

/// The HTTP status of a refusal by a limit.
///
/// Graph answers 429 (Microsoft Graph throttling guidance). EWS answers a spent budget with a SOAP fault and 500 (EWS
/// throttling in Exchange, error table); for too many connections the same status is assumed.
fn status_of(kind: RefusalKind) -> u16 {
    match kind {
        RefusalKind::ServerBusy | RefusalKind::ConnectionCount | RefusalKind::ServerError => 500,
        RefusalKind::Unavailable => 503,
        RefusalKind::GatewayError => 504,
        _ => 429,
    }
}
