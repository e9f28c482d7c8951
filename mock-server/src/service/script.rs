//! A script: recorded fates that are played again, whatever faults and limits would have said.
//!
//! Work of clients that number their requests is found by its number. Everybody else's is found by its kind and by the
//! order in which a mailbox saw that kind, so that it does not matter in which order different kinds of work, or work on
//! different mailboxes, arrive now. Mailboxes that the recording does not know take what is left of those that nobody
//! asked for.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use super::config::{Conditions, Config};
use super::core::{Passed, Service};
use super::cost::Work;
use super::refusals;
use super::reply::Spent;
use super::trace::{Step, Undone};
use crate::fault::also::Target;
use crate::fault::plan::{FaultPlan, Judgement, Strike};
use crate::fault::rule::Act;
use crate::mailbox::content::Content;
use crate::throttle::stack::Asked;
use crate::time::Moment;
use crate::wire::call::{FIRST_FOREIGN, RequestIdentity};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, Refusal};

/// Recorded fates, in the order in which they happened.
#[derive(Clone, Debug, Default)]
pub struct Script {
    numbered: BTreeMap<(MailboxKey, Operation, (u64, u32)), VecDeque<Step>>,
    ordered: BTreeMap<(MailboxKey, Operation), VecDeque<Step>>,
    played: Played,
}

/// How far a script was followed.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Played {
    /// Steps that are in the script.
    pub steps: u64,
    /// Steps that were played.
    pub played: u64,
    /// Work for which the script had no step, so that it passed.
    pub beyond: u64,
}

impl Script {
    /// The script of a recording.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let mut script = Self::default();
        for step in steps {
            script.played.steps += 1;
            let Step { mailbox, operation, identity, .. } = step;
            if identity.request < FIRST_FOREIGN {
                let number = (identity.request, identity.attempt);
                script.numbered.entry((mailbox, operation, number)).or_default().push_back(step);
            } else {
                script.ordered.entry((mailbox, operation)).or_default().push_back(step);
            }
        }
        script
    }

    /// How far it was followed.
    #[must_use]
    pub fn played(&self) -> Played {
        self.played
    }

    /// What is to happen to a piece of work.
    fn next(&mut self, mailbox: MailboxKey, operation: Operation, identity: RequestIdentity) -> Option<Step> {
        let numbers = identity.request < FIRST_FOREIGN && !self.numbered.is_empty();
        let step = if numbers {
            let number = (identity.request, identity.attempt);
            self.numbered.get_mut(&(mailbox, operation, number)).and_then(VecDeque::pop_front)
        } else if self.knows(mailbox) {
            self.ordered.get_mut(&(mailbox, operation)).and_then(VecDeque::pop_front)
        } else {
            let mut others = self.ordered.iter_mut().filter(|((_, of), steps)| *of == operation && !steps.is_empty());
            others.next().and_then(|(_, steps)| steps.pop_front())
        };
        match step {
            Some(_) => self.played.played += 1,
            None => self.played.beyond += 1,
        }
        step
    }

    /// Whether a mailbox is in the part of the recording that has an order only.
    fn knows(&self, mailbox: MailboxKey) -> bool {
        let first = self.ordered.range((mailbox, Operation::ALL[0])..).next();
        first.is_some_and(|((found, _), _)| *found == mailbox)
    }
}

/// A server on which a script can be played: without limits, policies and faults of requests, which the script stands in
/// for. What is wrong with items stays: that they are corrupt goes with them, and rules about items hold for work that the
/// script does not know, whoever plays it.
#[must_use]
pub fn stage(config: Config) -> Config {
    let conditions = Conditions { policies: Vec::new(), ..config.conditions };
    let stays = |act: &Act| matches!(act, Act::CorruptItem | Act::FailItem(_));
    let faults = config.faults.into_iter().filter(|rule| stays(&rule.act)).collect();
    Config { limits: Vec::new(), faults, conditions, ..config }
}

/// What a service does beside answering.
#[derive(Debug, Default)]
pub(super) struct Recording {
    /// What became of the work since the trace was taken last, if anybody wants to know.
    trace: Option<Vec<Step>>,
    script: Option<Script>,
    /// Which items the script leaves undone of the present piece of work; nothing if the script does not know it.
    told: Option<Vec<Undone>>,
    /// Items of the present piece of work that were left undone.
    undone: RefCell<Vec<Undone>>,
}

impl Recording {
    /// Why an item is left undone, if it is: as the script says, or the rules where it says nothing.
    fn left(&self, place: u32, by_rules: impl FnOnce() -> Option<ItemError>) -> Option<ItemError> {
        let error = match &self.told {
            Some(told) => told.iter().find(|undone| undone.place == place).map(|undone| undone.error),
            None => by_rules(),
        }?;
        self.undone.borrow_mut().push(Undone { place, error });
        Some(error)
    }
}

/// Why an item is left undone, if it is.
pub(super) fn left(
    recording: Option<&Recording>,
    faults: &FaultPlan,
    target: &Target,
    place: u32,
) -> Option<ItemError> {
    let by_rules = || faults.item_error(target, place);
    match recording {
        Some(recording) => recording.left(place, by_rules),
        None => by_rules(),
    }
}

impl<C: Content> Service<C> {
    /// Keeps what becomes of each piece of work from now on, until it is [taken](Self::take_trace).
    #[must_use]
    pub fn with_trace(mut self) -> Self {
        self.recording.get_or_insert_default().trace = Some(Vec::new());
        self
    }

    /// Plays a script. Its faults and limits stand in for those that the service should not have then.
    #[must_use]
    pub fn with_script(mut self, script: Script) -> Self {
        self.recording.get_or_insert_default().script = Some(script);
        self
    }

    /// What became of the work since this was asked last; nothing if nobody wanted it kept.
    pub fn take_trace(&mut self) -> Vec<Step> {
        let trace = self.recording.as_mut().and_then(|recording| recording.trace.as_mut());
        trace.map(std::mem::take).unwrap_or_default()
    }

    /// Whether items of the present piece of work may be left undone.
    #[inline]
    pub(super) fn fails_items(&self) -> bool {
        let told = |recording: &Recording| recording.told.as_ref().is_some_and(|told| !told.is_empty());
        self.faults.fails_items() || self.recording.as_deref().is_some_and(told)
    }

    /// Notes all items that a piece of work leaves undone, whatever was noted of it before.
    pub(super) fn note_undone(&mut self, undone: &[Option<ItemError>]) {
        if let Some(recording) = &mut self.recording {
            let error =
                |(place, error): (usize, &Option<ItemError>)| Some(Undone { place: place as u32, error: (*error)? });
            *recording.undone.get_mut() = undone.iter().enumerate().filter_map(error).collect();
        }
    }

    /// How far the script was followed, if there is one.
    #[must_use]
    pub fn played(&self) -> Option<Played> {
        self.recording.as_ref()?.script.as_ref().map(Script::played)
    }

    /// Takes any work through the script, or faults and limits, has it done, and prices it.
    #[inline]
    pub(super) fn admit<T>(
        &mut self,
        now: Moment,
        asked: &Asked,
        identity: RequestIdentity,
        start: Moment,
        act: impl FnOnce(&mut Self) -> Result<(T, Work), Refusal>,
    ) -> Passed<T> {
        if self.recording.is_none() {
            return self.admit_by_rules(now, asked, identity, start, act);
        }
        self.admit_kept(now, asked, identity, start, act)
    }

    fn admit_kept<T>(
        &mut self,
        now: Moment,
        asked: &Asked,
        identity: RequestIdentity,
        start: Moment,
        act: impl FnOnce(&mut Self) -> Result<(T, Work), Refusal>,
    ) -> Passed<T> {
        let script = self.recording.as_mut().and_then(|recording| recording.script.as_mut());
        let mut scripted = script.and_then(|script| script.next(asked.mailbox, asked.operation, identity));
        if let Some(recording) = &mut self.recording {
            recording.told = scripted.as_mut().map(|step| std::mem::take(&mut step.undone));
            recording.undone.get_mut().clear();
        }
        let mut items = 0;
        let act = |service: &mut Self| {
            let (outcome, work) = act(service)?;
            items = work.items;
            Ok((outcome, work))
        };
        let passed = match scripted {
            None => self.admit_by_rules(now, asked, identity, start, act),
            Some(Step { admitted: false, refusal, strike, spent, .. }) => Passed {
                outcome: Err(refusal.unwrap_or(refusals::CONNECTION_RESET)),
                spent,
                strike: strike.filter(|strike| *strike == Strike::Reset),
                admitted: None,
            },
            Some(step) => {
                if let Some(Strike::Trick(trick)) = step.strike {
                    self.play(trick);
                }
                let passed = self.admit_by_rules(now, asked, identity, start, act);
                Passed { spent: step.spent, strike: step.strike.or(passed.strike), ..passed }
            }
        };
        let step = Step {
            mailbox: asked.mailbox,
            operation: asked.operation,
            identity,
            admitted: passed.admitted.is_some(),
            refusal: passed.outcome.as_ref().err().copied(),
            strike: passed.strike,
            items,
            undone: self.recording.as_mut().map(|recording| recording.undone.take()).unwrap_or_default(),
            spent: passed.spent,
        };
        self.note_step(step);
        passed
    }

    /// What the script, or the fault rules, say to a batch as a whole.
    pub(super) fn judge_whole(&mut self, now: Moment, asked: &Asked, identity: RequestIdentity) -> Judgement {
        let Some(recording) = &mut self.recording else { return self.judge(now, asked, identity) };
        let script = recording.script.as_mut();
        let judgement = match script.and_then(|script| script.next(asked.mailbox, asked.operation, identity)) {
            None => self.judge(now, asked, identity),
            Some(Step { admitted, refusal, strike, spent, .. }) => {
                let refused = refusal.filter(|_| !admitted && strike.is_none()).map(Strike::Refuse);
                Judgement { delay: spent.delayed, strike: strike.or(refused) }
            }
        };
        let refusal = match judgement.strike {
            Some(Strike::Refuse(refusal) | Strike::Say { refusal, .. }) => Some(refusal),
            Some(Strike::Reset) => Some(refusals::CONNECTION_RESET),
            _ => None,
        };
        self.note_step(Step {
            mailbox: asked.mailbox,
            operation: asked.operation,
            identity,
            admitted: refusal.is_none(),
            refusal,
            strike: judgement.strike.filter(|strike| !matches!(strike, Strike::Refuse(_) | Strike::Say { .. })),
            items: 0,
            undone: Vec::new(),
            spent: Spent { delayed: judgement.delay, ..Spent::default() },
        });
        judgement
    }

    /// Adds to the trace, if one is kept.
    pub(super) fn note_step(&mut self, step: Step) {
        if let Some(trace) = self.recording.as_mut().and_then(|recording| recording.trace.as_mut()) {
            trace.push(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn step(mailbox: u32, operation: Operation, request: u64, served: u64) -> Step {
        Step {
            mailbox: MailboxKey(mailbox),
            operation,
            identity: RequestIdentity::new(request, 0),
            admitted: true,
            refusal: None,
            strike: None,
            items: 0,
            undone: Vec::new(),
            spent: Spent { served: Span(served), ..Spent::default() },
        }
    }

    /// Asks a script for work of some mailboxes; tells what each came to.
    fn check(script: &mut Script, asked: &[(u32, Operation, u64)], expected: &[Option<u64>]) {
        let found: Vec<_> = asked
            .iter()
            .map(|&(mailbox, operation, request)| {
                let identity = RequestIdentity::new(request, 0);
                script.next(MailboxKey(mailbox), operation, identity).map(|step| step.spent.served.0)
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn numbered_work_is_found_in_any_order() {
        let steps = [step(1, Operation::FindItems, 1, 10), step(1, Operation::GetItems, 2, 20)];
        let asked = [(1, Operation::GetItems, 2), (1, Operation::FindItems, 1), (1, Operation::FindItems, 1)];
        check(&mut Script::new(steps), &asked, &[Some(20), Some(10), None]);
    }

    #[test]
    fn other_work_is_found_by_kind_and_order() {
        let first = FIRST_FOREIGN;
        let steps = [
            step(1, Operation::FindItems, first, 10),
            step(1, Operation::ReadItems, first + 1, 20),
            step(1, Operation::FindItems, first + 2, 30),
            step(2, Operation::FindItems, first, 40),
        ];
        let mut script = Script::new(steps);
        let find = |mailbox| (mailbox, Operation::FindItems, first);
        check(&mut script, &[(1, Operation::ReadItems, first), find(2), find(1)], &[Some(20), Some(40), Some(10)]);
        check(&mut script, &[find(9), find(9)], &[Some(30), None]);
        assert_eq!(script.played(), Played { steps: 4, played: 4, beyond: 1 });
    }
}
