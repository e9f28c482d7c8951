//! The policies of one server, asked in order.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::announce::Form;
use super::asked::Asked;
use super::batch::{self, Progress};
use super::headers;
use super::meter::{Machine, terms};
use super::sharing::Sharer;
use super::unit::Unit;
use super::{Meter, Policy};
use crate::throttle::change::{Changes, PolicyChange};
use crate::time::{Moment, Span};
use crate::wire::id::MailboxKey;
use crate::wire::refusal::Refusal;

/// What the policies say to a call.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Ruling {
    /// None of them refuses it.
    Pass {
        /// How long it is held back first: the micro-delay of a budget, the longest if there are several budgets.
        delay: Span,
    },
    /// It is refused; nothing is done.
    Refuse {
        /// The position of the policy that refused it.
        policy: usize,
        /// What the client sees.
        refusal: Refusal,
        /// The form in which the wait is written.
        form: Form,
    },
}

/// How far one allowance is used up.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Used {
    /// The position of the policy.
    pub policy: usize,
    /// Whose allowance it is.
    pub sharer: Sharer,
    /// What is used, in the unit of the meter: calls in progress for lanes, nanoseconds of service time for budgets.
    pub used: u64,
}

/// What is remembered of one sharer.
#[derive(Debug)]
struct Account {
    machine: Machine,
    /// Refusals since the last call that passed.
    refused: u32,
}

/// One policy and its accounts.
#[derive(Debug)]
struct Slot {
    policy: Policy,
    accounts: BTreeMap<Sharer, Account>,
}

/// The policies of one server and what they remember.
///
/// A call is asked about once. If nothing else refuses it, it is [admitted](Policies::admit) and, once carried out,
/// [settled](Policies::settle); otherwise it is [overruled](Policies::overrule). Moments should not go back; a call at
/// an earlier moment than one already asked about is treated as if it came at that one.
#[derive(Default, Debug)]
pub struct Policies {
    slots: Vec<Slot>,
    changes: Changes<PolicyChange>,
    latest: Moment,
}

impl Policies {
    /// Policies that have seen no call.
    #[must_use]
    pub fn new(policies: Vec<Policy>) -> Self {
        let slot = |policy| Slot { policy, accounts: BTreeMap::new() };
        Self { slots: policies.into_iter().map(slot).collect(), changes: Changes::default(), latest: Moment::START }
    }

    /// The same with numbers that change as time goes on. What was used stays used. A change to a policy that there is
    /// not does nothing.
    #[must_use]
    pub fn changing(self, changes: Vec<PolicyChange>) -> Self {
        Self { changes: Changes::new(changes), ..self }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The policies, in the order in which they are asked.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.slots.iter().map(|slot| &slot.policy)
    }

    /// Asks all policies in order whether a call may pass; the first that refuses decides. A call that passes uses
    /// nothing up yet. A refused one counts with the policies that were asked, the refusing one included, where they
    /// count refused calls.
    pub fn ask(&mut self, now: Moment, asked: &Asked) -> Ruling {
        let present = self.latest.max(now);
        self.latest = present;
        if self.changes.is_due(present) {
            self.change(present);
        }
        let mut delay = Span::ZERO;
        for position in 0..self.slots.len() {
            let slot = &mut self.slots[position];
            if !slot.policy.concerns.include(asked) {
                continue;
            }
            let (policy, account) = slot.account(asked);
            match account.machine.ask(&policy.meter, present, asked) {
                Some(held) => delay = delay.max(held),
                None => return self.refuse(position, now, asked),
            }
        }
        Ruling::Pass { delay }
    }

    #[cold]
    fn change(&mut self, now: Moment) {
        while let Some(PolicyChange { at, policy: changed }) = self.changes.pop(now) {
            // Changes multiply what a meter lets through; the span that it counts in stays.
            let same = |own: &Meter| std::mem::discriminant(own) == std::mem::discriminant(&changed.meter);
            for Slot { policy, accounts } in &mut self.slots {
                if policy.name == changed.name && same(&policy.meter) {
                    for account in accounts.values_mut() {
                        // Until then, what came back did so at the old rate.
                        account.machine.used(&policy.meter, at);
                    }
                    policy.meter = changed.meter;
                }
            }
        }
    }

    fn refuse(&mut self, refusing: usize, now: Moment, asked: &Asked) -> Ruling {
        let present = self.latest;
        self.count_refused(refusing + 1, asked);
        let (policy, account) = self.slots[refusing].account(asked);
        let exact = account.machine.wait(&policy.meter, present, asked).map(|wait| wait + present.since(now));
        let retry_after = policy.announce.say(now, exact, account.refused);
        account.refused = account.refused.saturating_add(1);
        let refusal = Refusal { kind: policy.refusal, status: policy.refusal.usual_status(), retry_after };
        Ruling::Refuse { policy: refusing, refusal, form: policy.announce.form }
    }

    /// Counts a call that passed and that nothing else refused.
    pub fn admit(&mut self, asked: &Asked) {
        let present = self.latest;
        for slot in &mut self.slots {
            if slot.policy.concerns.include(asked) {
                let (policy, account) = slot.account(asked);
                account.machine.count(&policy.meter, present, asked);
                account.refused = 0;
            }
        }
    }

    /// Counts a call that passed here and was refused by something that was asked later.
    pub fn overrule(&mut self, asked: &Asked) {
        self.count_refused(self.slots.len(), asked);
    }

    fn count_refused(&mut self, until: usize, asked: &Asked) {
        let present = self.latest;
        for slot in &mut self.slots[..until] {
            if slot.policy.refused_count && slot.policy.concerns.include(asked) {
                let (policy, account) = slot.account(asked);
                account.machine.count(&policy.meter, present, asked);
            }
        }
    }

    /// How far an admitted call with several items comes, which takes `base` and then `each` for every item.
    #[must_use]
    pub fn progress(&mut self, asked: &Asked, base: Span, each: Span) -> Progress {
        let present = self.latest;
        let mut progress = Progress::whole(asked.items);
        for slot in &mut self.slots {
            let Meter::Budget { longest_batch, .. } = slot.policy.meter else { continue };
            if slot.policy.concerns.include(asked) {
                let (policy, account) = slot.account(asked);
                let Machine::Budget(budget) = &account.machine else { continue };
                let work = (asked.items, base, each);
                progress = progress.and(batch::progress(budget, terms(&policy.meter), longest_batch, present, work));
            }
        }
        progress
    }

    /// Completes the account of an admitted call: its lanes are taken until `ready`, when its answer leaves, and
    /// `served`, its service time, is charged to budgets.
    pub fn settle(&mut self, asked: &Asked, ready: Moment, served: Span) {
        for slot in &mut self.slots {
            let settles = matches!(slot.policy.meter, Meter::Budget { .. } | Meter::Lanes { .. });
            if settles && slot.policy.concerns.include(asked) {
                let (policy, account) = slot.account(asked);
                account.machine.settle(&policy.meter, ready, served);
            }
        }
    }

    /// Drops what is remembered of one mailbox alone, as if it had never called.
    pub fn forget(&mut self, mailbox: MailboxKey) {
        let first = Sharer { mailbox: Some(mailbox), ..Sharer::default() };
        for slot in self.slots.iter_mut().filter(|slot| slot.policy.sharing.mailbox) {
            let of_mailbox = (Bound::Included(first), Bound::Unbounded);
            let gone = slot.accounts.range(of_mailbox).map(|(sharer, _)| *sharer);
            let gone: Vec<_> = gone.take_while(|sharer| sharer.mailbox == Some(mailbox)).collect();
            for sharer in gone {
                slot.accounts.remove(&sharer);
            }
        }
    }

    /// How far every allowance is used up at a moment: in the order of the policies, then of those who share them.
    pub fn usage(&mut self, now: Moment) -> Vec<Used> {
        let present = self.latest.max(now);
        self.change(present);
        let mut usage = Vec::new();
        for (position, Slot { policy, accounts }) in self.slots.iter_mut().enumerate() {
            for (sharer, account) in accounts {
                let used = account.machine.used(&policy.meter, present);
                usage.push(Used { policy: position, sharer: *sharer, used });
            }
        }
        usage
    }

    /// How far the policies that count a unit and concern a call are used up by those who share them with it: the
    /// largest share, 1 at the limit; none if no such policy concerns it.
    pub fn share_used(&mut self, asked: &Asked, unit: Unit) -> Option<f64> {
        let present = self.latest;
        let counts = |slot: &&mut Slot| slot.policy.meter.unit() == Some(unit) && slot.policy.concerns.include(asked);
        let shares = self.slots.iter_mut().filter(counts).filter_map(|slot| {
            let (policy, account) = slot.account(asked);
            let most = headers::most(&policy.meter)?;
            Some(account.machine.used(&policy.meter, present) as f64 / most.max(1) as f64)
        });
        shares.max_by(f64::total_cmp)
    }

    /// How many accounts there are.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.slots.iter().map(|slot| slot.accounts.len()).sum()
    }
}

impl Slot {
    /// The account that a call uses, made new if its sharer has not called before.
    fn account(&mut self, asked: &Asked) -> (&Policy, &mut Account) {
        let Self { policy, accounts } = self;
        let new = || Account { machine: Machine::new(&policy.meter), refused: 0 };
        (policy, accounts.entry(policy.sharing.sharer(asked)).or_insert_with(new))
    }
}
