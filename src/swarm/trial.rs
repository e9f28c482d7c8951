//! One run of one scenario, looked at from outside: what was called, what both servers hold at the end, and what the
//! pipeline told.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use mock_server::service::core::Held;
use mock_server::time::{Moment, Span};
use mock_server::wire::id::MailboxKey;

use super::bound;
use super::law::{Broken, Law};
use super::manners::{Manners, Seen};
use crate::engine::order;
use crate::engine::virtual_time::audit::{Found, Probe, audit};
use crate::engine::virtual_time::watch::Rekey;
use crate::event::{Deaf, End, Event, Listener, Mark, SkipReason, Verification};
use crate::metrics::summary::Summary;
use crate::pipeline::planted::Planted;
use crate::population::{Population, PopulationError};
use crate::scenario::plan::Plan;

/// What was seen of a run.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The laws that were broken.
    pub broken: Vec<Broken>,
    /// Items that are missing without a reason.
    pub lost: u64,
    /// Items that the target holds more than once, or that the source does not hold.
    pub duplicates: u64,
    /// Items that the source holds at the end.
    pub items: u64,
    /// Items that were left behind for a reason.
    pub skipped: u64,
    /// Mailboxes that are not completed.
    pub unfinished: u64,
    /// Lanes that wait for ever.
    pub stuck: u64,
    /// How the client behaved.
    pub manners: Seen,
    /// How often the pipeline reached each mark.
    pub marks: BTreeMap<Mark, u64>,
    /// When each mailbox ended.
    pub ended: BTreeMap<MailboxKey, Moment>,
    /// The sums.
    pub summary: Summary,
}

impl Observed {
    /// Whether a law was broken.
    #[must_use]
    pub fn breaks(&self, law: Law) -> bool {
        self.broken.iter().any(|broken| broken.law == law)
    }

    /// When the last mailbox ended.
    #[must_use]
    pub fn makespan(&self) -> Span {
        self.ended.values().max().map_or(Span::ZERO, |last| last.since(Moment::START))
    }
}

/// What the pipeline told of a mailbox.
#[derive(Default)]
struct Told {
    ends: Vec<(Moment, End, Verification)>,
    skips: Vec<SkipReason>,
}

/// Listens to what the pipeline tells, and passes it on.
struct Ear<'l> {
    told: RefCell<BTreeMap<MailboxKey, Told>>,
    marks: RefCell<BTreeMap<Mark, u64>>,
    also: &'l dyn Listener,
}

impl Listener for Ear<'_> {
    fn note(&self, at: Moment, event: &Event) {
        self.also.note(at, event);
        let mut told = self.told.borrow_mut();
        match *event {
            Event::ItemSkipped { mailbox, reason, .. } => told.entry(mailbox).or_default().skips.push(reason),
            Event::MailboxEnded { mailbox, end, verification, .. } => {
                told.entry(mailbox).or_default().ends.push((at, end, verification));
            }
            Event::Reached { mark, .. } => *self.marks.borrow_mut().entry(mark).or_default() += 1,
            _ => {}
        }
    }
}

/// How a run is looked at, and what is changed in it.
#[derive(Copy, Clone)]
pub struct Sight<'s> {
    /// A mistake of the pipeline.
    pub planted: Planted,
    /// Hears everything that happens.
    pub also: &'s dyn Listener,
    /// From when on randomness is another.
    pub rekey: Option<Rekey>,
}

/// Runs a plan once and looks at what came of it.
///
/// # Errors
///
/// If the plan has no population.
pub fn observe(plan: &Plan, planted: Planted) -> Result<Observed, PopulationError> {
    observe_as(plan, &Sight { planted, also: &Deaf, rekey: None })
}

/// Runs a plan once, changed as `sight` says, and looks at what came of it.
///
/// # Errors
///
/// If the plan has no population.
pub fn observe_as(plan: &Plan, sight: &Sight<'_>) -> Result<Observed, PopulationError> {
    let Sight { planted, also, rekey } = *sight;
    let population = Population::of(plan)?;
    let mailboxes = order::wave(plan, &population, 0, plan.wave.mailboxes);
    let ear = Ear { told: RefCell::default(), marks: RefCell::default(), also };
    let (found, manners) = (RefCell::new(Vec::new()), Manners::default());
    let show = |mailbox| found.borrow_mut().push(mailbox);
    let probe = Probe { listener: &ear, show: &show, watch: Some(&manners), rekey, planted };
    let finished = audit(plan, &population, &mailboxes, 0, plan.open(), &probe);
    let observed = Observed {
        broken: Vec::new(),
        lost: 0,
        duplicates: 0,
        items: 0,
        skipped: 0,
        unfinished: mailboxes.len() as u64,
        stuck: finished.stuck as u64,
        manners: manners.seen(),
        marks: ear.marks.take(),
        ended: BTreeMap::new(),
        summary: finished.summary,
    };
    let mut judge = Judge { plan, observed };
    judge.run(&mailboxes, &ear.told.into_inner(), &found.into_inner());
    Ok(judge.observed)
}

/// Holds what was seen against the laws.
struct Judge<'p> {
    plan: &'p Plan,
    observed: Observed,
}

impl Judge<'_> {
    fn breaks(&mut self, law: Law, mailbox: Option<MailboxKey>, what: String) {
        self.observed.broken.push(Broken { law, mailbox, what });
    }

    fn run(&mut self, wave: &[MailboxKey], told: &BTreeMap<MailboxKey, Told>, found: &[Found]) {
        let (stuck, seen) = (self.observed.stuck, self.observed.manners);
        if stuck > 0 {
            self.breaks(Law::NoHang, None, format!("{stuck} of them"));
        }
        if seen.early > 0 {
            let worst = seen.worst.as_seconds();
            self.breaks(Law::Patience, None, format!("{} of {} calls, by up to {worst:.3} s", seen.early, seen.calls));
        }
        let ends = |mailbox: &MailboxKey| told.get(mailbox).map_or(0, |told| told.ends.len());
        let wrong: Vec<u32> = wave.iter().filter(|mailbox| ends(mailbox) != 1).map(|mailbox| mailbox.0).collect();
        if !wrong.is_empty() {
            self.breaks(Law::EndsOnce, None, format!("mailboxes {wrong:?}"));
        }
        for found in found {
            let Some(told) = told.get(&found.mailbox) else { continue };
            let Some((at, end, verification)) = told.ends.last() else { continue };
            self.observed.ended.insert(found.mailbox, *at);
            self.mailbox(found, *end, verification, &told.skips);
        }
        self.in_time();
    }

    fn in_time(&mut self) {
        let makespan = self.observed.makespan();
        if let Some(limit) = bound::limit(self.plan, makespan)
            && makespan > limit
        {
            let (seconds, limit) = (makespan.as_seconds(), limit.as_seconds());
            self.breaks(Law::InTime, None, format!("the last mailbox after {seconds:.1} s, the bound is {limit:.1} s"));
        }
    }

    fn mailbox(&mut self, found: &Found, end: End, verification: &Verification, skips: &[SkipReason]) {
        let mailbox = Some(found.mailbox);
        let mut there = BTreeSet::new();
        let twice: Vec<(&str, u64)> = found.target.iter().map(place).filter(|item| !there.insert(*item)).collect();
        let doubled = twice.len() as u64;
        if doubled > 0 {
            self.observed.duplicates += doubled;
            let what = format!("{doubled} items are in the target more than once: {}", some(&twice));
            self.breaks(Law::NothingDoubled, mailbox, what);
        }
        self.observed.items += found.source.len() as u64;
        let cutover = self.plan.wave.cutover;
        match end {
            End::Completed => {
                self.observed.unfinished -= 1;
                if cutover && found.source_is_open {
                    self.breaks(Law::Access, mailbox, "complete, and users still work in the source".to_owned());
                }
                if cutover {
                    self.whole(found, verification, skips, doubled);
                }
            }
            End::Failed if !found.source_is_open => {
                self.breaks(Law::Access, mailbox, "given up, and users are shut out of the source".to_owned());
            }
            _ => {}
        }
        if end != End::Completed && bound::is_patient(self.plan) {
            let seconds = self.observed.ended.get(&found.mailbox).map_or(0.0, |at| at.as_seconds());
            self.breaks(Law::Completes, mailbox, format!("{end:?} after {seconds:.1} s, {verification:?}"));
        }
    }

    /// The target of a completed mailbox holds what the source holds, less what was left behind for a reason.
    fn whole(&mut self, found: &Found, verification: &Verification, skips: &[SkipReason], doubled: u64) {
        let mailbox = Some(found.mailbox);
        let from: BTreeSet<(&str, u64)> = found.source.iter().map(place).collect();
        let there: BTreeSet<(&str, u64)> = found.target.iter().map(place).collect();
        let aliens: Vec<(&str, u64)> = there.difference(&from).copied().collect();
        let alien = aliens.len() as u64;
        if alien > 0 {
            self.observed.duplicates += alien;
            let what = format!("{alien} items are in the target only: {}", some(&aliens));
            self.breaks(Law::NothingDoubled, mailbox, what);
        }
        let lacks = found.source.iter().filter(|held| found.target.binary_search(held).is_err());
        let lacks: Vec<(&str, u64)> = lacks.map(place).collect();
        let lacking = lacks.len() as u64;
        let lost = lacking.saturating_sub(skips.len() as u64);
        self.observed.lost += lost;
        self.observed.skipped += lacking - lost;
        if lost > 0 {
            let what = format!("{lost} of {}, told {skips:?}: {}", found.source.len(), some(&lacks));
            self.breaks(Law::NothingLost, mailbox, what);
        }
        let duplicate = doubled + alien;
        if !is_true(verification, (found.source.len() as u64, lacking, duplicate), skips.len() as u64) {
            let expected = found.source.len();
            let what = format!(
                "it says {verification:?}; the source holds {expected}, the target lacks {lacking} of them and has \
                 {duplicate} too many"
            );
            self.breaks(Law::Truth, mailbox, what);
        }
    }
}

/// Whether a report tells what the servers hold: so many items, of which the target lacks so many and has so many too
/// many, twice or put there by others. Of an item that was left behind the target may hold another version: it is skipped
/// and there at once, and where only counts are compared it may look like one too many.
fn is_true(told: &Verification, (expected, lacking, duplicate): (u64, u64, u64), skips: u64) -> bool {
    let there_all_the_same = told.skipped.saturating_sub(lacking);
    told.expected == expected
        && told.missing == 0
        && told.present + told.skipped == expected
        && (lacking..=skips.max(lacking)).contains(&told.skipped)
        && (duplicate..=duplicate + there_all_the_same).contains(&(told.duplicate + told.added))
}

/// The first few of some items, in words.
fn some(items: &[(&str, u64)]) -> String {
    const SHOWN: usize = 3;
    let named: Vec<String> = items.iter().take(SHOWN).map(|(folder, key)| format!("{folder}/{key:x}")).collect();
    let more = if items.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", named.join(", "))
}

fn place(held: &Held) -> (&str, u64) {
    (&held.folder, held.key.0)
}
