//! The asynchronous switch of mailboxes to this server: a queue for a limited number of places.
//!
//! When a switch that has a place ends is known at once; when a waiting one gets its place depends on those before it,
//! which may be given up, and is settled when it happens.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::config::SwitchConfig;
use crate::draw::{Purpose, hash, unit};
use crate::mailbox::hasher::KeyHashes;
use crate::time::{Moment, Span};
use crate::wire::answer::SwitchState;
use crate::wire::id::MailboxKey;

/// How far one switch is.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Phase {
    Waiting,
    Running { end: Moment },
    Completed,
    Failed,
}

/// The switch of one mailbox.
#[derive(Copy, Clone, Debug)]
struct Entry {
    /// How often a switch was started before.
    attempt: u32,
    phase: Phase,
}

/// The switch of one mailbox as it outlives the process.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeptSwitch {
    attempt: u32,
    phase: KeptPhase,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum KeptPhase {
    /// Waiting, those with lower numbers before it.
    Waiting(u64),
    /// Ends at a reading of the staging clock, in nanoseconds.
    Running(u64),
    Completed,
    Failed,
}

/// All switches of a server.
#[derive(Clone, Debug)]
pub struct Switches {
    seed: u64,
    config: SwitchConfig,
    entries: HashMap<MailboxKey, Entry, KeyHashes>,
    /// Those that have a place, by the moment at which they end.
    running: BTreeSet<(Moment, MailboxKey)>,
    /// Those that wait for a place, with their attempt; those given up are passed over.
    waiting: VecDeque<(MailboxKey, u32)>,
    /// How many have left the queue: with the place in it, that gives each a number that stays.
    passed: u64,
    /// Those that changed since they were last kept, if anybody keeps them.
    changed: Option<BTreeSet<MailboxKey>>,
}

impl Switches {
    /// A server on which nothing is being switched.
    #[must_use]
    pub fn new(seed: u64, config: SwitchConfig) -> Self {
        let (entries, running, waiting) = (HashMap::default(), BTreeSet::new(), VecDeque::new());
        Self { seed, config, entries, running, waiting, passed: 0, changed: None }
    }

    /// Notes that a switch changed, if anybody keeps them.
    #[inline]
    fn note(&mut self, mailbox: MailboxKey) {
        if let Some(changed) = &mut self.changed {
            changed.insert(mailbox);
        }
    }

    /// Starts a switch, or tells how far it is if it was started and has not failed.
    pub fn start(&mut self, now: Moment, mailbox: MailboxKey) -> SwitchState {
        self.advance(now);
        let attempt = match self.entries.get(&mailbox) {
            None => 0,
            Some(entry) if entry.phase == Phase::Failed => entry.attempt + 1,
            Some(entry) => return entry.phase.state(),
        };
        self.entries.insert(mailbox, Entry { attempt, phase: Phase::Waiting });
        self.note(mailbox);
        self.waiting.push_back((mailbox, attempt));
        self.fill(now);
        self.state(mailbox).unwrap_or(SwitchState::Queued)
    }

    /// How far a switch is; nothing if none was started.
    #[inline]
    pub fn poll(&mut self, now: Moment, mailbox: MailboxKey) -> Option<SwitchState> {
        self.advance(now);
        self.state(mailbox)
    }

    /// Gives a switch up and frees its place; nothing if none was started. A completed switch stays completed, one that
    /// is given up counts as failed.
    pub fn cancel(&mut self, now: Moment, mailbox: MailboxKey) -> Option<SwitchState> {
        self.advance(now);
        let entry = self.entries.get_mut(&mailbox)?;
        if let Phase::Running { end } = entry.phase {
            self.running.remove(&(end, mailbox));
        }
        if entry.phase != Phase::Completed {
            entry.phase = Phase::Failed;
        }
        let state = entry.phase.state();
        self.note(mailbox);
        self.fill(now);
        Some(state)
    }

    /// Forgets a switch. One that is under way keeps its place to its end.
    pub fn forget(&mut self, mailbox: MailboxKey) {
        self.entries.remove(&mailbox);
        self.note(mailbox);
    }

    /// From now on, notes what changes.
    pub(super) fn keep(&mut self) {
        self.changed.get_or_insert_default();
    }

    /// The switches that changed since this was last asked; nothing for one that was forgotten. `clock` is the reading of
    /// the staging clock when the run began.
    pub(super) fn unsaved(&mut self, clock: Span) -> Vec<(MailboxKey, Option<KeptSwitch>)> {
        let changed = self.changed.as_mut().map(std::mem::take).unwrap_or_default();
        if changed.is_empty() {
            return Vec::new();
        }
        let numbers: BTreeMap<(MailboxKey, u32), u64> = self.waiting.iter().copied().zip(self.passed..).collect();
        let kept = |mailbox| {
            let Entry { attempt, phase } = *self.entries.get(&mailbox)?;
            let phase = match phase {
                Phase::Waiting => KeptPhase::Waiting(numbers.get(&(mailbox, attempt)).copied().unwrap_or(self.passed)),
                Phase::Running { end } => KeptPhase::Running((clock + end.since(Moment::START)).0),
                Phase::Completed => KeptPhase::Completed,
                Phase::Failed => KeptPhase::Failed,
            };
            Some(KeptSwitch { attempt, phase })
        };
        changed.into_iter().map(|mailbox| (mailbox, kept(mailbox))).collect()
    }

    /// Puts kept switches back. `clock` is the reading of the staging clock when the run begins.
    pub(super) fn restore(&mut self, clock: Span, kept: impl IntoIterator<Item = (MailboxKey, KeptSwitch)>) {
        let mut waiting = Vec::new();
        for (mailbox, KeptSwitch { attempt, phase }) in kept {
            let phase = match phase {
                KeptPhase::Waiting(number) => {
                    waiting.push((number, mailbox, attempt));
                    Phase::Waiting
                }
                KeptPhase::Running(end) => {
                    let end = Moment::START + Span(end).saturating_sub(clock);
                    self.running.insert((end, mailbox));
                    Phase::Running { end }
                }
                KeptPhase::Completed => Phase::Completed,
                KeptPhase::Failed => Phase::Failed,
            };
            self.entries.insert(mailbox, Entry { attempt, phase });
        }
        waiting.sort_unstable();
        let next = waiting.last().map_or(0, |(number, ..)| number.saturating_add(1));
        self.passed = next.saturating_sub(waiting.len() as u64);
        self.waiting.extend(waiting.into_iter().map(|(_, mailbox, attempt)| (mailbox, attempt)));
    }

    /// How many places are taken.
    #[must_use]
    pub fn open(&self) -> usize {
        self.running.len()
    }

    fn state(&self, mailbox: MailboxKey) -> Option<SwitchState> {
        self.entries.get(&mailbox).map(|entry| entry.phase.state())
    }

    /// Ends the switches whose time has come and hands their places on.
    #[inline]
    fn advance(&mut self, now: Moment) {
        while let Some(&(end, mailbox)) = self.running.first() {
            if end > now {
                break;
            }
            self.running.pop_first();
            if let Some(entry) = self.entries.get_mut(&mailbox)
                && entry.phase == (Phase::Running { end })
            {
                let numbers = (u64::from(mailbox.0), u64::from(entry.attempt));
                let luck = unit(hash(self.seed, Purpose::SwitchFailure, numbers.0, numbers.1, 0));
                entry.phase = if luck < self.config.failure_rate { Phase::Failed } else { Phase::Completed };
                self.note(mailbox);
            }
            self.fill(end);
        }
    }

    /// Gives free places to those who wait.
    fn fill(&mut self, now: Moment) {
        while self.running.len() < self.config.places as usize {
            let Some((mailbox, attempt)) = self.waiting.pop_front() else { return };
            self.passed += 1;
            let Some(entry) = self.entries.get_mut(&mailbox) else { continue };
            if entry.phase != Phase::Waiting || entry.attempt != attempt {
                continue;
            }
            let word = hash(self.seed, Purpose::Switch, u64::from(mailbox.0), u64::from(attempt), 0);
            let end = now + self.config.duration.draw(word);
            entry.phase = Phase::Running { end };
            self.running.insert((end, mailbox));
            self.note(mailbox);
        }
    }
}

impl Phase {
    const fn state(self) -> SwitchState {
        match self {
            Self::Waiting => SwitchState::Queued,
            Self::Running { .. } => SwitchState::Completing,
            Self::Completed => SwitchState::Completed,
            Self::Failed => SwitchState::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draw::Distribution;

    fn switches(places: u32, failure_rate: f64, duration: Distribution) -> Switches {
        Switches::new(3, SwitchConfig { places, duration, failure_rate })
    }

    proptest! {
        #[test]
        fn no_more_switches_are_open_than_there_are_places(
            places in 1u32..5,
            steps in prop::collection::vec((0u8..4, 0u32..12, 0u64..40), 1..200),
        ) {
            let duration = Distribution::Uniform { low: Span::seconds(1), high: Span::seconds(60) };
            let mut switches = switches(places, 0.2, duration);
            let mut now = Moment::START;
            for (step, mailbox, wait) in steps {
                now += Span::seconds(wait);
                match step {
                    0 => drop(switches.cancel(now, MailboxKey(mailbox))),
                    1 => drop(switches.poll(now, MailboxKey(mailbox))),
                    _ => drop(switches.start(now, MailboxKey(mailbox))),
                }
                let states = (0..12).filter_map(|mailbox| switches.state(MailboxKey(mailbox)));
                let open = states.clone().filter(|state| *state == SwitchState::Completing).count();
                prop_assert!(open <= places as usize);
                prop_assert_eq!(open, switches.open());
                if states.clone().any(|state| state == SwitchState::Queued) {
                    prop_assert_eq!(open, places as usize, "a place is free while somebody waits");
                }
            }
        }
    }

    #[test]
    fn places_are_handed_on_at_the_moment_they_are_freed() {
        let mut switches = switches(1, 0.0, Distribution::Constant(Span::seconds(10)));
        let seconds = |seconds| Moment::START + Span::seconds(seconds);
        assert_eq!(switches.start(seconds(0), MailboxKey(1)), SwitchState::Completing);
        assert_eq!(switches.start(seconds(1), MailboxKey(2)), SwitchState::Queued);
        assert_eq!(switches.start(seconds(2), MailboxKey(3)), SwitchState::Queued);
        assert_eq!(switches.cancel(seconds(5), MailboxKey(2)), Some(SwitchState::Failed));
        assert_eq!(switches.poll(seconds(19), MailboxKey(3)), Some(SwitchState::Completing));
        assert_eq!(switches.poll(seconds(20), MailboxKey(3)), Some(SwitchState::Completed));
        assert_eq!(switches.poll(seconds(20), MailboxKey(1)), Some(SwitchState::Completed));
        assert_eq!(switches.poll(seconds(20), MailboxKey(9)), None);
    }

    proptest! {
        #[test]
        fn switches_that_are_kept_go_on_as_if_nothing_had_happened(
            before in prop::collection::vec((0u8..4, 0u32..12, 0u64..40, any::<bool>()), 1..60),
            after in prop::collection::vec((0u8..4, 0u32..12, 0u64..40), 1..60),
        ) {
            let duration = Distribution::Uniform { low: Span::seconds(1), high: Span::seconds(60) };
            let step = |switches: &mut Switches, now, step, mailbox| match step {
                0 => switches.cancel(now, MailboxKey(mailbox)),
                1 => switches.poll(now, MailboxKey(mailbox)),
                _ => Some(switches.start(now, MailboxKey(mailbox))),
            };
            let mut first = switches(2, 0.2, duration);
            first.keep();
            let (mut now, mut kept) = (Moment::START, BTreeMap::new());
            for (what, mailbox, wait, saved) in before {
                now += Span::seconds(wait);
                step(&mut first, now, what, mailbox);
                if saved {
                    kept.extend(first.unsaved(Span::ZERO));
                }
            }
            kept.extend(first.unsaved(Span::ZERO));
            let mut second = switches(2, 0.2, duration);
            let kept = kept.into_iter().filter_map(|(mailbox, kept)| Some((mailbox, kept?)));
            second.restore(now.since(Moment::START), kept);
            let stopped = now.since(Moment::START);
            for (what, mailbox, wait) in after {
                now += Span::seconds(wait);
                let then = Moment::START + (now.since(Moment::START) - stopped);
                prop_assert_eq!(step(&mut first, now, what, mailbox), step(&mut second, then, what, mailbox));
            }
        }
    }

    #[test]
    fn a_failed_switch_can_be_started_again_and_draws_anew() {
        let mut switches = switches(1, 0.5, Distribution::Constant(Span::seconds(1)));
        let mut now = Moment::START;
        let mut tries = 0;
        for mailbox in 0..100 {
            loop {
                tries += 1;
                switches.start(now, MailboxKey(mailbox));
                now += Span::seconds(1);
                if switches.poll(now, MailboxKey(mailbox)) == Some(SwitchState::Completed) {
                    break;
                }
            }
        }
        assert!((150..260).contains(&tries), "{tries}");
    }
}
