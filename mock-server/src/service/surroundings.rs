//! What a server has beyond limits, faults and costs, and what is said beside its answers.
//!
//! A server that has none of it pays one look at an empty place for each call.

use super::config::Conditions;
use super::core::Service;
use super::remark::Remarks;
use crate::mailbox::content::Content;
use crate::throttle::policy::Policy;
use crate::throttle::policy::announce::Form;
use crate::throttle::policy::asked::{Asked, Caller, writes};
use crate::throttle::policy::headers;
use crate::throttle::policy::stack::{Policies, Ruling, Used};
use crate::throttle::policy::topology::Topology;
use crate::throttle::stack;
use crate::time::{Moment, Span};
use crate::wire::call::Protocol;
use crate::wire::id::MailboxKey;
use crate::wire::refusal::Refusal;

/// The surroundings of one service.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) policies: Policies,
    topology: Topology,
    /// Who makes the present request.
    caller: Caller,
    protocol: Protocol,
    /// Items of the present call.
    pub(super) items: u32,
    /// How long the items of the present call wait in all.
    pub(super) items_wait: Span,
}

impl Surroundings {
    /// The surroundings of a configuration; none if it asks for nothing.
    pub(super) fn new(conditions: Conditions) -> Option<Box<Self>> {
        if conditions == Conditions::default() {
            return None;
        }
        Some(Box::new(Self {
            policies: Policies::new(conditions.policies),
            topology: conditions.topology,
            caller: Caller::default(),
            protocol: Protocol::Graph,
            items: 1,
            items_wait: Span::ZERO,
        }))
    }

    /// Notes in which protocol the next call comes, and how many items it has.
    pub(super) fn begin(&mut self, protocol: Protocol, items: u32) {
        (self.protocol, self.items) = (protocol, items);
    }

    /// What policies want to know of a call.
    pub(super) fn asked(&self, asked: &stack::Asked) -> Asked {
        let stack::Asked { app, mailbox, operation, body_bytes } = *asked;
        let database = self.topology.database(mailbox);
        Asked {
            app,
            mailbox,
            user: self.caller.user.unwrap_or(0),
            tenant: self.topology.tenant(mailbox),
            address: self.caller.address.unwrap_or(0),
            database,
            server: self.topology.server(database),
            protocol: self.protocol,
            operation,
            body_bytes,
            items: self.items,
            resource_units: self.caller.resource_units.unwrap_or(1),
            writes: self.caller.writes.unwrap_or_else(|| writes(operation)),
        }
    }

    /// Asks the policies whether a call may pass, and after which delay.
    pub(super) fn ask(&mut self, now: Moment, asked: &stack::Asked, remarks: &mut Remarks) -> Result<Span, Refusal> {
        self.items_wait = Span::ZERO;
        let asked = self.asked(asked);
        match self.policies.ask(now, &asked) {
            Ruling::Pass { delay } => Ok(delay),
            Ruling::Refuse { policy, refusal, form } => {
                if let Some(policy) = self.policies.policies().nth(policy) {
                    remarks.headers.extend(headers::of_refusal(policy, &asked));
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

    /// Counts a call that policies and limits let pass.
    pub(super) fn admit(&mut self, asked: &stack::Asked, remarks: &mut Remarks) {
        let asked = self.asked(asked);
        self.policies.admit(&asked);
        remarks.headers.extend(headers::of_answer(&mut self.policies, &asked));
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
    /// Says who makes the next request, as far as that is known beyond the app.
    pub fn introduce(&mut self, caller: Caller) {
        self.remarks = Remarks::default();
        self.continues = caller.continues;
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.caller = caller;
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

    /// Replaces the policies. The new ones have seen no call.
    pub fn set_policies(&mut self, policies: Vec<Policy>) {
        match &mut self.surroundings {
            Some(all) => all.policies = Policies::new(policies),
            None => self.surroundings = Surroundings::new(Conditions { policies, ..Conditions::default() }),
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
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.begin(protocol, items());
        }
    }

    /// Forgets what policies remember of a mailbox alone.
    pub(super) fn forget_surroundings(&mut self, mailbox: MailboxKey) {
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.policies.forget(mailbox);
        }
    }
}
