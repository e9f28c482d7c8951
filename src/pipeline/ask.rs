//! Making one call: wait until it may go, make it, charge its time, learn from a refusal, wait before a repeat.

use mock_server::draw::{Purpose, hash};
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::Answer;
use mock_server::wire::call::Call;
use mock_server::wire::refusal::{Refusal, RefusalKind};

use super::job::{Job, Setback, throttle};
use super::pace::machine::Permission;
use super::retry::{Advice, History, advise, back_off};
use crate::checkpoint::Checkpoint;
use crate::event::{Cause, Event, Listener};
use crate::world::{Elapsed, Outcome, Route, Side, World};

/// Where the number of a look lies within a request number: the n-th look that belongs to request `r` is request
/// `r + n * LOOK`.
pub(super) const LOOK: u64 = 1 << 40;

/// One request and how it fared so far.
pub(super) struct Tries {
    side: Side,
    request: u64,
    attempt: u32,
    looks: u64,
    history: History,
}

impl Tries {
    pub(super) const fn new(side: Side, request: u64) -> Self {
        Self {
            side,
            request,
            attempt: 0,
            looks: 0,
            history: History { throttles: 0, failures: 0, throttled: Span::ZERO },
        }
    }

    /// The number of the next look that belongs to this request.
    pub(super) const fn look(&mut self) -> u64 {
        self.looks += 1;
        self.request + self.looks * LOOK
    }
}

/// What came of one try.
pub(super) enum Step {
    /// The answer.
    Done(Answer),
    /// It was refused, the wait is over, and it may be repeated. If `ambiguous`, the work may have been done.
    Repeat {
        /// Whether the work may have been done although the client saw an error.
        ambiguous: bool,
    },
    /// It was refused for good.
    GaveUp(Refusal),
}

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Makes a call that may be repeated freely, until it is answered or refused for good.
    pub(super) async fn ask(&self, side: Side, request: u64, call: &Call) -> Result<Answer, Refusal> {
        let mut tries = Tries::new(side, request);
        // Nearly all calls go at once and are answered: what the others need is kept out of the way.
        if !self.admit_at_once(side, call.content_bytes()) {
            Box::pin(self.admit(side, call.content_bytes(), &mut tries)).await;
        }
        let asked = self.now();
        let outcome = self.run.world.call(self.route(&tries), call).await;
        match self.heard(&mut tries, call, asked, outcome) {
            Ok(answer) => Ok(answer),
            Err(refusal) => Box::pin(self.ask_again(tries, call, refusal, asked)).await,
        }
    }

    /// Goes on with a call that was refused.
    async fn ask_again(
        &self,
        mut tries: Tries,
        call: &Call,
        refusal: Refusal,
        asked: Moment,
    ) -> Result<Answer, Refusal> {
        let mut step = self.refused(&mut tries, refusal, asked, self.now()).await;
        loop {
            match step {
                Step::Done(answer) => return Ok(answer),
                Step::Repeat { .. } => step = self.attempt(&mut tries, call).await,
                Step::GaveUp(refusal) => return Err(refusal),
            }
        }
    }

    /// Like [`Job::ask`], for calls without which the mailbox goes no further.
    pub(super) async fn need(&self, side: Side, call: &Call) -> Result<Answer, Setback> {
        let request = self.reserve(1);
        self.ask(side, request, call).await.map_err(|refusal| Setback::Refused(refusal.kind))
    }

    /// Makes a call once.
    pub(super) async fn attempt(&self, tries: &mut Tries, call: &Call) -> Step {
        if !self.admit_at_once(tries.side, call.content_bytes()) {
            Box::pin(self.admit(tries.side, call.content_bytes(), tries)).await;
        }
        let asked = self.now();
        let outcome = self.run.world.call(self.route(tries), call).await;
        match self.heard(tries, call, asked, outcome) {
            Ok(answer) => Step::Done(answer),
            Err(refusal) => Box::pin(self.refused(tries, refusal, asked, self.now())).await,
        }
    }

    /// The envelope of the next try.
    #[inline]
    fn route(&self, tries: &Tries) -> Route {
        Route {
            side: tries.side,
            mailbox: self.mailbox,
            request: tries.request,
            attempt: tries.attempt,
            patience: self.run.plan.patience,
        }
    }

    /// Tells of a try and charges its time, unless it was refused.
    #[inline]
    fn heard(&self, tries: &mut Tries, call: &Call, asked: Moment, outcome: Outcome) -> Result<Answer, Refusal> {
        let heard = self.now();
        let attempt = tries.attempt;
        tries.attempt += 1;
        let Outcome { result, elapsed, sent_bytes, received_bytes } = outcome;
        self.run.listener.note(
            heard,
            &Event::CallEnded {
                mailbox: self.mailbox,
                side: tries.side,
                operation: call.operation(),
                attempt,
                took: heard.since(asked),
                refusal: result.as_ref().err().map(|refusal| refusal.kind),
                sent_bytes,
                received_bytes,
            },
        );
        if result.is_ok() {
            self.charge(tries.side, &elapsed);
            self.passed(tries.side);
        }
        result
    }

    /// Lets a call go if it may go now.
    #[inline]
    fn admit_at_once(&self, side: Side, bytes: u64) -> bool {
        let (now, shared) = (self.now(), self.run.side(side));
        let mut pace = self.paces[side as usize].borrow_mut();
        let goes = shared.fence() <= now && shared.has_room() && pace.ask(now, bytes) == Permission::Go;
        if goes {
            shared.start();
            pace.start(now, bytes);
        }
        goes
    }

    /// Waits until a call may go, and lets it go.
    async fn admit(&self, side: Side, bytes: u64, tries: &mut Tries) {
        let shared = self.run.side(side);
        loop {
            let now = self.now();
            let permission = if shared.fence() > now {
                // All lanes wait for the same fence: spread what comes after it.
                Permission::NotBefore(shared.fence() + self.spread(tries))
            } else {
                self.paces[side as usize].borrow_mut().ask(now, bytes)
            };
            match permission {
                Permission::Go if shared.has_room() => {
                    shared.start();
                    self.paces[side as usize].borrow_mut().start(now, bytes);
                    return;
                }
                Permission::Go => shared.room().await,
                Permission::NotBefore(at) => self.run.world.sleep_until(at).await,
                Permission::AfterAnother => {
                    let pace = &self.paces[side as usize];
                    self.signal.until(|| !matches!(pace.borrow_mut().ask(now, 0), Permission::AfterAnother)).await;
                }
            }
            self.charge_since(throttle(side), now);
        }
    }

    fn spread(&self, tries: &Tries) -> Span {
        let word = self.word(tries);
        super::retry::MOST_SPREAD.scale(mock_server::draw::unit(word))
    }

    fn word(&self, tries: &Tries) -> u64 {
        let attempt = u64::from(tries.attempt) * 2 + u64::from(tries.side == Side::Target);
        hash(self.run.seed, Purpose::Jitter, u64::from(self.mailbox.0), tries.request, attempt)
    }

    fn charge(&self, side: Side, elapsed: &Elapsed) {
        let mut ledger = self.ledger.borrow_mut();
        let (service, queue) = match side {
            Side::Source => (Cause::SourceService, Cause::SourceQueue),
            Side::Target => (Cause::TargetService, Cause::TargetQueue),
        };
        ledger.charge(Cause::Network, elapsed.network);
        ledger.charge(throttle(side), elapsed.delayed);
        ledger.charge(queue, elapsed.queued);
        ledger.charge(service, elapsed.served);
    }

    fn passed(&self, side: Side) {
        self.run.side(side).passed();
        if self.paces[side as usize].borrow_mut().passed() {
            self.signal.raise();
        }
    }

    async fn refused(&self, tries: &mut Tries, refusal: Refusal, asked: Moment, heard: Moment) -> Step {
        let side = tries.side;
        let word = self.word(tries);
        let budget = self.budget.get();
        let plan = &self.run.plan.retry;
        let advice = advise(plan, &tries.history, refusal.kind, refusal.retry_after, budget, heard, word);
        let limited = refusal.kind.is_throttle();
        if limited {
            let until = match advice {
                Advice::RepeatAt(at) => at,
                Advice::GiveUp => heard + refusal.retry_after.unwrap_or(plan.longest_back_off),
            };
            self.refused_by_limit(side, refusal.kind, until);
            tries.history.throttles += 1;
        } else {
            self.passed(side);
            tries.history.failures += 1;
        }
        if let Advice::RepeatAt(at) = advice {
            if !limited {
                self.budget.set(budget - 1);
            }
            self.run.world.sleep_until(at).await;
        }
        let waited = self.now();
        let cause = match (limited, advice) {
            (true, _) => throttle(side),
            (false, Advice::GiveUp) if !refusal.kind.is_transient() => Cause::Pipeline,
            (false, _) => Cause::BackOff,
        };
        self.ledger.borrow_mut().charge(cause, waited.since(asked));
        if limited {
            tries.history.throttled += waited.since(heard);
        }
        match advice {
            Advice::RepeatAt(_) => Step::Repeat { ambiguous: refusal.kind.is_ambiguous() },
            Advice::GiveUp => Step::GaveUp(refusal),
        }
    }

    fn refused_by_limit(&self, side: Side, kind: RefusalKind, until: Moment) {
        let shared = self.run.side(side);
        let mut pace = self.paces[side as usize].borrow_mut();
        let crowd = matches!(kind, RefusalKind::ConcurrencyLimit | RefusalKind::ConnectionCount);
        if kind == RefusalKind::AppLimit || (kind == RefusalKind::ServerBusy && self.run.busy_is_shared[side as usize])
        {
            shared.fence_until(until);
        } else if crowd && pace.in_progress() == 1 {
            shared.crowded();
        }
        pace.refused(kind, until);
        drop(pace);
        shared.refused();
        self.signal.raise();
    }

    /// Waits before items that an answer refused on their own are asked for again. `round` counts the repeats so far.
    pub(super) async fn pause(&self, side: Side, request: u64, round: u32, asked_wait: Option<Span>, limited: bool) {
        let since = self.now();
        let word =
            hash(self.run.seed, Purpose::Jitter, u64::from(self.mailbox.0), request, u64::MAX - u64::from(round));
        let wait = back_off(&self.run.plan.retry, round, word);
        let until = since + asked_wait.filter(|asked| *asked > Span::ZERO).unwrap_or(wait);
        if limited {
            self.paces[side as usize].borrow_mut().fence(until);
        }
        self.run.world.sleep_until(until).await;
        self.charge_since(if limited { throttle(side) } else { Cause::BackOff }, since);
    }
}
