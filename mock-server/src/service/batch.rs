//! Batches: several calls in one request, each judged, carried out and answered on its own.
//!
//! Graph works on up to four entries at once, whatever the mailbox (Microsoft Graph throttling limits, Outlook service
//! limits), and answers when the last is done. Each entry counts for the limits, the request around them does not
//! ("requests in a batch are evaluated individually", Microsoft Graph throttling guidance); a limit that names only
//! batches therefore never refuses anything. Faults can hit the request as a whole and each entry.
//!
//! All entries are judged when the batch arrives. Those beyond the first four wait for a place inside the batch, so the
//! entries that they wait for do not count against them where a limit counts requests in progress.

use super::core::{Passage, Service, spoil};
use super::refusals;
use super::reply::{Reply, Request, Spent};
use super::trick;
use crate::draw::mix;
use crate::fault::plan::Strike;
use crate::mailbox::content::Content;
use crate::throttle::stack::Asked;
use crate::time::{Moment, Span};
use crate::wire::answer::Answer;
use crate::wire::call::{Call, RequestIdentity};
use crate::wire::refusal::Refusal;

/// Entries in work at once.
pub(super) const PLACES: usize = 4;

/// Most entries of a batch (Microsoft Graph, JSON batching).
pub const MOST_ENTRIES: usize = 20;

/// An admitted entry that the limits have yet to hear of.
#[derive(Debug)]
pub(super) struct Unsettled {
    /// What was asked.
    pub(super) asked: Asked,
    /// Its service time.
    pub(super) served: Span,
    /// The place that worked on it.
    pub(super) place: usize,
    /// When it is done.
    pub(super) ready: Moment,
}

/// A place is taken until its last entry is done: the entries before it no longer count as in progress.
pub(super) fn hand_on(unsettled: &mut [Unsettled], now: Moment) {
    for index in 0..unsettled.len() {
        if unsettled[index + 1..].iter().any(|later| later.place == unsettled[index].place) {
            unsettled[index].ready = now;
        }
    }
}

impl<C: Content> Service<C> {
    /// Answers a batch.
    pub(super) fn handle_batch(&mut self, now: Moment, request: &Request<'_>, calls: &[Call]) -> Reply {
        let fault = self.judge_batch(now, request);
        let mut spent = Spent { delayed: fault.delay, ..Spent::default() };
        match fault.strike {
            Some(Strike::Refuse(refusal)) => return spoil(now, Err(refusal), spent, None),
            Some(Strike::Reset) => return spoil(now, Err(refusals::CONNECTION_RESET), spent, None),
            Some(Strike::Say { refusal, rule }) => {
                self.speak(rule, &refusal);
                return spoil(now, Err(refusal), spent, None);
            }
            Some(Strike::Trick(trick)) => spent.delayed += self.play(trick),
            Some(Strike::Truncate | Strike::LoseAnswer) | None => {}
        }
        // What is said beside the entries is not said beside the batch.
        let remarks = std::mem::take(&mut self.remarks);
        if calls.len() > MOST_ENTRIES || calls.iter().any(|call| matches!(call, Call::Batch { .. })) {
            return spoil(now, Err(refusals::INVALID), spent, fault.strike);
        }
        // What each place inside the batch has done so far.
        let mut places = [Spent::default(); PLACES];
        let mut unsettled: Vec<Unsettled> = Vec::with_capacity(calls.len());
        let mut answers = Vec::with_capacity(calls.len());
        let mut shares = Shares::new(request.body_bytes, calls);
        for (position, call) in calls.iter().enumerate() {
            let place = (0..PLACES).min_by_key(|place| places[*place].total()).unwrap_or(0);
            let asked = Asked {
                app: request.app,
                mailbox: request.mailbox,
                operation: call.operation(),
                protocol: request.protocol,
                body_bytes: shares.next(call),
            };
            let identity = entry_identity(request.identity, position);
            self.begin(request.protocol, || call.items());
            let start = now + places[place].total();
            let passed = self.pass(now, Passage { asked, identity, call, start });
            places[place] += passed.spent;
            if let Some(served) = passed.admitted {
                let ready = now + places[place].total();
                unsettled.push(Unsettled { asked, served, place, ready });
                if calls.len() <= PLACES {
                    self.settle_entries(&mut unsettled);
                }
            }
            answers.push(perceived(passed.outcome, passed.strike));
        }
        hand_on(&mut unsettled, now);
        self.settle_entries(&mut unsettled);
        spent += places.into_iter().max_by_key(|place| place.total()).unwrap_or_default();
        self.remarks = remarks;
        spoil(now, Ok(Answer::Batch(answers)), spent, fault.strike)
    }

    /// Tells the limits of entries that they have yet to hear of.
    pub(super) fn settle_entries(&mut self, unsettled: &mut Vec<Unsettled>) {
        for entry in unsettled.drain(..) {
            self.settle(&entry.asked, entry.ready, entry.served);
        }
    }
}

/// Which request an entry is: a number of its own that depends on the batch and the position, so that faults hit the
/// same entries in every world.
fn entry_identity(batch: RequestIdentity, position: usize) -> RequestIdentity {
    let request = mix(mix(batch.request).wrapping_add(position as u64 + 1));
    RequestIdentity::new(request, batch.attempt)
}

/// What the client reads in an entry. There is no connection of its own to be reset: Graph's gateway reports what went
/// wrong behind it.
pub(super) fn perceived<T>(outcome: Result<T, Refusal>, strike: Option<Strike>) -> Result<T, Refusal> {
    match strike {
        Some(Strike::Reset) => Err(refusals::ENTRY_NOT_DELIVERED),
        Some(Strike::Truncate | Strike::LoseAnswer) if outcome.is_ok() => Err(refusals::ENTRY_ANSWER_LOST),
        strike if outcome.is_ok() && trick::spoiled(strike).is_some() => Err(refusals::ENTRY_ANSWER_LOST),
        _ => outcome,
    }
}

/// Divides the length of a batch's body among its entries, in proportion to the content that they carry, so that the
/// parts sum to the whole.
struct Shares {
    body_bytes: u64,
    weight: u64,
    passed: u64,
    given: u64,
}

impl Shares {
    fn new(body_bytes: u64, calls: &[Call]) -> Self {
        Self { body_bytes, weight: calls.iter().map(weight).sum(), passed: 0, given: 0 }
    }

    fn next(&mut self, call: &Call) -> u64 {
        self.passed += weight(call);
        let until = u128::from(self.body_bytes) * u128::from(self.passed) / u128::from(self.weight.max(1));
        let share = until as u64 - self.given;
        self.given += share;
        share
    }
}

/// An entry's content, and something for the call itself.
fn weight(call: &Call) -> u64 {
    call.content_bytes() + 1
}
