//! What a server has beyond limits, faults and costs, and what is said beside its answers.
//!
//! A server that has none of it pays one look at an empty place for each call.

use jiff::Timestamp;

use super::config::{Conditions, Holding};
use super::core::Service;
use super::remark::Remarks;
use crate::mailbox::content::Content;
use crate::throttle::health::episode::Reach;
use crate::throttle::health::resource::Resource;
use crate::throttle::health::stall::Account;
use crate::throttle::health::{Health, Suffered, Terms, Verdict};
use crate::throttle::policy::Policy;
use crate::throttle::policy::announce::Form;
use crate::throttle::policy::asked::{Asked, Caller, writes};
use crate::throttle::policy::headers;
use crate::throttle::policy::stack::{Policies, Ruling, Used};
use crate::throttle::policy::topology::Topology;
use crate::throttle::stack;
use crate::time::{Moment, Span};
use crate::wire::call::{Protocol, Side};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::Refusal;

const WEEK: Span = Span::seconds(7 * 86_400);

/// How far the week has come, from Monday, midnight, UTC. The epoch of the wall clock was a Thursday.
pub(super) fn week_of(wall: Timestamp) -> Span {
    Span::seconds((wall.as_second() + 3 * 86_400).rem_euclid(7 * 86_400).unsigned_abs())
}

/// How well a server is.
#[derive(Clone, PartialEq, Debug)]
pub struct Wellness {
    /// The share of the service that real users take; none if nobody counts them.
    pub utilization: Option<f64>,
    /// What suffers: database, resource, and when it is well again.
    pub suffering: Vec<(u32, Resource, Moment)>,
    /// What each resource did to calls so far.
    pub suffered: Vec<(Resource, Suffered)>,
}

/// The surroundings of one service.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) policies: Policies,
    topology: Topology,
    pub(super) health: Option<Health>,
    /// How far the week had come when the run began.
    pub(super) week_at_start: Span,
    /// By which factor the present call takes longer, if it does.
    factor: Option<f64>,
    /// Who makes the present request.
    caller: Caller,
    /// Items of the present call.
    pub(super) items: u32,
    /// How long the items of the present call wait in all.
    pub(super) items_wait: Span,
}

impl Surroundings {
    /// The surroundings of a configuration; none if it asks for nothing.
    pub(super) fn new(seed: u64, conditions: Conditions) -> Option<Box<Self>> {
        if conditions == Conditions::default() {
            return None;
        }
        Some(Box::new(Self {
            policies: Policies::new(conditions.policies).changing(conditions.policy_changes),
            topology: conditions.topology,
            week_at_start: conditions.health.load.as_ref().and_then(|load| load.week_at_start).unwrap_or_default(),
            health: (!conditions.health.is_empty()).then(|| Health::new(seed, conditions.health)),
            factor: None,
            caller: Caller::default(),
            items: 1,
            items_wait: Span::ZERO,
        }))
    }

    /// What policies want to know of a call.
    pub(super) fn asked(&self, asked: &stack::Asked) -> Asked {
        let stack::Asked { app, mailbox, operation, protocol, body_bytes } = *asked;
        let database = self.topology.database(mailbox);
        Asked {
            app,
            mailbox,
            user: self.caller.user.unwrap_or(0),
            tenant: self.topology.tenant(mailbox),
            address: self.caller.address.unwrap_or(0),
            database,
            server: self.topology.server(database),
            protocol,
            operation,
            body_bytes,
            items: self.items,
            resource_units: self.caller.resource_units.unwrap_or(1),
            writes: self.caller.writes.unwrap_or_else(|| writes(operation)),
        }
    }

    /// A call to a database, whatever else it is.
    fn asked_of(&self, database: u32) -> Asked {
        let operation = Operation::ExportItems;
        let protocol = Protocol::Graph;
        let asked = self.asked(&stack::Asked { app: 0, mailbox: MailboxKey(0), operation, protocol, body_bytes: 0 });
        Asked { database, server: self.topology.server(database), ..asked }
    }

    /// Asks the policies whether a call may pass, and after which delay.
    pub(super) fn ask(&mut self, now: Moment, asked: &stack::Asked, remarks: &mut Remarks) -> Result<Span, Refusal> {
        self.items_wait = Span::ZERO;
        let asked = self.asked(asked);
        match self.policies.ask(now, &asked) {
            Ruling::Pass { delay } => Ok(delay),
            Ruling::Refuse { policy, refusal, form } => {
                if let Some(policy) = self.policies.policies().nth(policy) {
                    remarks.head(headers::of_refusal(policy, &asked));
                    remarks.lanes = policy.lanes();
                }
                if form != Form::Seconds
                    && let Some(wait) = refusal.retry_after
                {
                    remarks.retry_after = Some((form, wait));
                }
                Err(refusal)
            }
        }
    }

    /// Asks how well the server is: how long a call is held, or why it is refused.
    pub(super) fn consult(&mut self, now: Moment, asked: &stack::Asked) -> Result<Span, Refusal> {
        let asked = self.asked(asked);
        let week = self.week(now);
        let Some(health) = &mut self.health else { return Ok(Span::ZERO) };
        let Verdict { hold, factor, refusal } = health.ask(now, week, &asked);
        self.factor = (1.0 < factor).then_some(factor);
        refusal.map_or(Ok(hold), Err)
    }

    /// How long work takes that takes so long where all is well.
    pub(super) fn slowed(&self, served: Span) -> Span {
        self.factor.map_or(served, |factor| served.scale(factor))
    }

    /// How far the week has come at a moment.
    pub(super) fn week(&self, now: Moment) -> Span {
        Span((self.week_at_start + now.since(Moment::START)).0 % WEEK.0)
    }

    /// Counts a call that policies and limits let pass.
    pub(super) fn admit(&mut self, asked: &stack::Asked, remarks: &mut Remarks) {
        let asked = self.asked(asked);
        self.policies.admit(&asked);
        remarks.head(headers::of_answer(&mut self.policies, &asked));
    }

    /// Counts a call that policies let pass and a limit refused.
    pub(super) fn overrule(&mut self, asked: &stack::Asked) {
        let asked = self.asked(asked);
        self.policies.overrule(&asked);
    }

    /// Completes the account of a call.
    pub(super) fn settle(&mut self, asked: &stack::Asked, ready: Moment, served: Span) {
        let asked = self.asked(asked);
        self.policies.settle(&asked, ready, served);
    }
}

impl<C: Content> Service<C> {
    /// Says who makes the next request, as far as that is known beyond the app, and whether it continues from a state
    /// that the server gave out. Who it is is asked only where that matters.
    pub fn introduce(&mut self, continues: bool, caller: impl FnOnce() -> Caller) {
        self.remarks = Remarks::default();
        self.continues = continues;
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.caller = caller();
        }
    }

    /// What is to be said beside the present answer.
    pub fn remarks_mut(&mut self) -> &mut Remarks {
        &mut self.remarks
    }

    /// What is to be said beside the answer to the last request; it is said once.
    pub fn remarks(&mut self) -> Remarks {
        std::mem::take(&mut self.remarks)
    }

    /// The policies, in the order in which they are asked.
    #[must_use]
    pub fn policies(&self) -> Vec<Policy> {
        let policies = self.surroundings.iter().flat_map(|all| all.policies.policies());
        policies.cloned().collect()
    }

    /// How far the policies are used up at a moment.
    pub fn policy_usage(&mut self, now: Moment) -> Vec<Used> {
        self.surroundings.as_mut().map_or_else(Vec::new, |all| all.policies.usage(now))
    }

    /// Replaces the policies. The new ones have seen no call; changes that were still to come are forgotten.
    pub fn set_policies(&mut self, policies: Vec<Policy>) {
        match &mut self.surroundings {
            Some(all) => all.policies = Policies::new(policies),
            None => self.surround(Conditions { policies, ..Conditions::default() }),
        }
    }

    /// Replaces what resources suffer from, and the work of real users. The account of what they did starts over.
    pub fn set_health(&mut self, health: Terms) {
        let week_at_start = health.load.as_ref().and_then(|load| load.week_at_start);
        let week = week_at_start.unwrap_or_else(|| week_of(self.began));
        match &mut self.surroundings {
            Some(all) => {
                all.factor = None;
                all.health = (!health.is_empty()).then(|| Health::new(self.faults.seed(), health));
                all.week_at_start = week;
            }
            None => self.surround(Conditions { health, ..Conditions::default() }),
        }
    }

    /// How well the server is at a moment: the share that users take, where something suffers until when, and what it
    /// did to calls. Nothing if it is always well.
    pub fn health(&self, now: Moment) -> Option<Wellness> {
        let all = self.surroundings.as_ref()?;
        let health = all.health.as_ref()?;
        let mut suffering = Vec::new();
        for database in 0..all.topology.databases {
            // Where one of a database's mailboxes suffers, the others need not: such episodes are not looked at.
            let asked = all.asked_of(database);
            let here = health.suffering(now, &asked).filter(|(episode, _)| episode.reach != Reach::Mailbox);
            suffering.extend(here.map(|(episode, well)| (database, episode.resource, well)));
        }
        let suffered = Resource::ALL.into_iter().zip(*health.suffered());
        Some(Wellness { utilization: health.utilization(all.week(now)), suffering, suffered: suffered.collect() })
    }

    /// How long each resource stalled the work of each app, and how much of it. Nothing if the server is always well.
    #[must_use]
    pub fn stalled(&self) -> Option<&Account> {
        Some(self.surroundings.as_ref()?.health.as_ref()?.stalled())
    }

    /// The service that keeps this account where somebody else can read it; see [`Self::stalled`]. Health that is set
    /// later keeps one of its own.
    #[must_use]
    pub fn accounting(mut self, account: Account) -> Self {
        if let Some(health) = self.surroundings.as_mut().and_then(|all| all.health.as_mut()) {
            health.account_in(account);
        }
        self
    }

    /// On which side of a move the server is: mailboxes come from a server that holds some.
    #[must_use]
    pub fn side(&self) -> Side {
        if self.holding == Holding::Live { Side::Source } else { Side::Target }
    }

    fn surround(&mut self, conditions: Conditions) {
        self.surroundings = Surroundings::new(self.faults.seed(), conditions);
        if let Some(all) = self.surroundings.as_mut().filter(|_| !self.own_week) {
            all.week_at_start = week_of(self.began);
        }
    }

    /// Completes the account of an admitted call with everybody who counts it.
    #[inline]
    pub(super) fn settle(&mut self, asked: &stack::Asked, ready: Moment, served: Span) {
        self.limits.settle(asked, ready, served);
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.settle(asked, ready, served);
        }
    }

    /// Notes in which protocol the next call comes, and how many items it has.
    #[inline]
    pub(super) fn begin(&mut self, protocol: Protocol, items: impl FnOnce() -> u32) {
        self.protocol = protocol;
        // A trick on a call that a limit refused is over with that call.
        self.trick = None;
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.items = items();
        }
    }

    /// Forgets what policies remember of a mailbox alone.
    pub(super) fn forget_surroundings(&mut self, mailbox: MailboxKey) {
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.policies.forget(mailbox);
            if let Some(health) = &mut surroundings.health {
                health.forget(mailbox);
            }
        }
    }
}
