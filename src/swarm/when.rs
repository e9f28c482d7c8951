//! The moment after which a failure was sealed.
//!
//! The run is made again and again with other randomness from a moment on: the same until then, chance anew afterwards.
//! Where nearly all such runs fail, what decided has happened already; where they fail no more often than any run does,
//! it was still open. The first moment of a ladder from which on nearly all fail is when it was sealed.
//!
//! What is drawn anew is what befalls calls: faults, service times, latencies. Jitter of the pipeline, durations of
//! switches and which items cannot be read stay what they are. A rule about every n-th request meets other requests.

use std::cell::RefCell;

use mock_server::time::{Moment, Span};

use super::trial::{Observed, Sight, observe_as};
use crate::engine::virtual_time::watch::Rekey;
use crate::event::{Deaf, Event, Listener};
use crate::pipeline::planted::Planted;
use crate::population::PopulationError;
use crate::scenario::plan::Plan;

/// The share of runs from which on a failure counts as sealed (assumed).
const SEALED: f64 = 0.9;

/// How often the gap in which the moment lies is halved.
const HALVINGS: u32 = 8;

/// Shortest gap that is halved.
const FINEST: Span = Span::milliseconds(10);

/// Events that are told on either side of the moment.
const EVENTS_EACH_SIDE: usize = 12;

/// One step of the ladder.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Rung {
    /// From when on the randomness is another.
    pub after: Span,
    /// Runs that failed.
    pub failed: u32,
    /// Runs made.
    pub runs: u32,
}

impl Rung {
    /// The share of runs that failed.
    #[must_use]
    pub fn share(&self) -> f64 {
        f64::from(self.failed) / f64::from(self.runs.max(1))
    }
}

/// Something that happened in the run that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Happened {
    /// When.
    pub at: Span,
    /// What.
    pub what: String,
}

/// When a failure was sealed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The ladder, in order of time.
    pub ladder: Vec<Rung>,
    /// The last moment at which it was open and the first at which it was sealed. Absent if the run does not fail, or
    /// nearly always fails whatever the randomness.
    pub between: Option<(Span, Span)>,
    /// What happened around that moment.
    pub around: Vec<Happened>,
}

/// Finds the moment after which a failure was sealed, on a ladder of so many steps with so many runs each.
///
/// # Errors
///
/// If the plan has no population.
pub fn explain(
    plan: &Plan,
    planted: Planted,
    fails: &dyn Fn(&Observed) -> bool,
    steps: u32,
    runs: u32,
) -> Result<Explanation, PopulationError> {
    let ear = Ear::default();
    let sight = Sight { planted, also: &ear, rekey: None };
    let observed = observe_as(plan, &sight)?;
    let mut explanation = Explanation { ladder: Vec::new(), between: None, around: Vec::new() };
    if !fails(&observed) {
        return Ok(explanation);
    }
    let rung = |after: Span| -> Result<Rung, PopulationError> {
        let mut rung = Rung { after, failed: 0, runs };
        for salt in 1..=u64::from(runs) {
            let rekey = Some(Rekey { from: Moment::START + after, salt });
            rung.failed += u32::from(fails(&observe_as(plan, &Sight { rekey, planted, also: &Deaf })?));
        }
        Ok(rung)
    };
    let makespan = observed.makespan();
    let steps = u64::from(steps.max(2));
    for step in 0..=steps {
        explanation.ladder.push(rung(Span(makespan.0 / steps * step))?);
    }
    let open = |rung: &Rung| rung.share() < SEALED;
    let Some(last_open) = explanation.ladder.iter().rposition(open) else { return Ok(explanation) };
    let Some(next) = explanation.ladder.get(last_open + 1) else { return Ok(explanation) };
    let (mut low, mut high) = (explanation.ladder[last_open].after, next.after);
    for _ in 0..HALVINGS {
        if high.saturating_sub(low) <= FINEST {
            break;
        }
        let middle = rung(Span(low.0.midpoint(high.0)))?;
        *(if open(&middle) { &mut low } else { &mut high }) = middle.after;
        explanation.ladder.push(middle);
    }
    explanation.ladder.sort_by_key(|rung| rung.after);
    explanation.between = Some((low, high));
    explanation.around = around(ear.heard.into_inner(), plan, low, high);
    Ok(explanation)
}

/// What happened last before and first after a moment.
fn around(mut heard: Vec<Happened>, plan: &Plan, low: Span, high: Span) -> Vec<Happened> {
    for crash in &plan.crashes {
        heard.push(Happened { at: crash.at, what: "the process died".to_owned() });
        heard.push(Happened { at: crash.at + crash.restart, what: "the process was started again".to_owned() });
    }
    heard.sort_by_key(|happened| happened.at);
    let from = heard.partition_point(|happened| happened.at < low).saturating_sub(EVENTS_EACH_SIDE);
    let until = (heard.partition_point(|happened| happened.at <= high) + EVENTS_EACH_SIDE).min(heard.len());
    heard.drain(from..until).collect()
}

/// Notes what is worth telling.
#[derive(Default)]
struct Ear {
    heard: RefCell<Vec<Happened>>,
}

impl Listener for Ear {
    fn note(&self, at: Moment, event: &Event) {
        let what = match event {
            Event::MailboxStarted { mailbox } => format!("mailbox {} begins", mailbox.0),
            Event::StageEntered { mailbox, stage } => format!("mailbox {}: {stage:?}", mailbox.0),
            Event::CallEnded { mailbox, side, operation, attempt, refusal: Some(kind), .. } => {
                let (side, name) = (side.name(), operation.name());
                format!("mailbox {}: {side} {name}, try {}: {kind}", mailbox.0, attempt + 1)
            }
            Event::ItemSkipped { mailbox, reason, .. } => {
                format!("mailbox {}: an item is left behind: {reason:?}", mailbox.0)
            }
            Event::ItemRefused { mailbox, kind } => {
                format!("mailbox {}: an item is refused: {}", mailbox.0, kind.name())
            }
            Event::MailboxEnded { mailbox, end, .. } => format!("mailbox {} ends: {end:?}", mailbox.0),
            _ => return,
        };
        self.heard.borrow_mut().push(Happened { at: at.since(Moment::START), what });
    }
}
