//! Making one call: wait until it may go, make it, charge its time, learn from a refusal, wait before a repeat.

use mock_server::draw::{Purpose, hash};
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::Answer;
use mock_server::wire::call::Call;
use mock_server::wire::refusal::{Refusal, RefusalKind};

use super::job::{Job, Setback, throttle};
use super::pace::machine::{Pass, Permission};
use super::pace::side::SidePass;
use super::planted::Bug;
use super::retry::{Advice, History, advise, back_off, bearable};
use crate::checkpoint::Checkpoint;
use crate::event::{Cause, Event, Listener, Mark};
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
    /// How often no answer came in time.
    timeouts: u32,
}

impl Tries {
    pub(super) const fn new(side: Side, request: u64) -> Self {
        Self {
            side,
            request,
            attempt: 0,
            looks: 0,
            history: History { throttles: 0, failures: 0, throttled: Span::ZERO },
            timeouts: 0,
        }
    }

    /// How often no answer came in time, since the call was last [another one](Self::begin_anew).
    pub(super) const fn timeouts(&self) -> u32 {
        self.timeouts
    }

    /// Goes on with another call under the same number: what happened to the one before no longer counts against it.
    pub(super) const fn begin_anew(&mut self) {
        self.history = History { throttles: 0, failures: 0, throttled: Span::ZERO };
        self.timeouts = 0;
    }

    /// The number of the request.
    pub(super) const fn request(&self) -> u64 {
        self.request
    }

    /// The number of the next look that belongs to this request.
    pub(super) const fn look(&mut self) -> u64 {
        self.looks += 1;
        self.request + self.looks * LOOK
    }
}

/// What a call was let go with.
#[derive(Copy, Clone)]
struct Admitted {
    own: Pass,
    shared: SidePass,
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
        // Nearly all calls go at once and are answered: what the others need is kept out of the way.
        let admitted = match self.admit_at_once(side, call.content_bytes(), false) {
            Some(admitted) => admitted,
            None => Box::pin(self.admit(side, call.content_bytes(), false)).await,
        };
        let asked = self.now();
        let outcome = self.run.world.call(self.route(side, request, 0), call).await;
        match self.heard(side, 0, admitted, call, asked, outcome) {
            Ok(answer) => Ok(answer),
            Err(refusal) => Box::pin(self.ask_again(side, request, call, admitted, refusal, asked)).await,
        }
    }

    /// Goes on with a call whose first try was refused.
    async fn ask_again(
        &self,
        side: Side,
        request: u64,
        call: &Call,
        admitted: Admitted,
        refusal: Refusal,
        asked: Moment,
    ) -> Result<Answer, Refusal> {
        let mut tries = Tries { attempt: 1, ..Tries::new(side, request) };
        let mut step = self.refused(&mut tries, admitted, refusal, asked, self.now()).await;
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
        let again = tries.history.throttles > 0;
        let admitted = match self.admit_at_once(tries.side, call.content_bytes(), again) {
            Some(admitted) => admitted,
            None => Box::pin(self.admit(tries.side, call.content_bytes(), again)).await,
        };
        let asked = self.now();
        let outcome = self.run.world.call(self.route(tries.side, tries.request, tries.attempt), call).await;
        tries.attempt += 1;
        match self.heard(tries.side, tries.attempt - 1, admitted, call, asked, outcome) {
            Ok(answer) => Step::Done(answer),
            Err(refusal) => Box::pin(self.refused(tries, admitted, refusal, asked, self.now())).await,
        }
    }

    /// The envelope of a try.
    #[inline]
    fn route(&self, side: Side, request: u64, attempt: u32) -> Route {
        Route { side, mailbox: self.mailbox, request, attempt, patience: self.run.plan.patience }
    }

    /// Tells of a try and charges its time, unless it was refused.
    #[inline]
    fn heard(
        &self,
        side: Side,
        attempt: u32,
        admitted: Admitted,
        call: &Call,
        asked: Moment,
        outcome: Outcome,
    ) -> Result<Answer, Refusal> {
        let heard = self.now();
        let Outcome { result, elapsed, sent_bytes, received_bytes } = outcome;
        self.run.listener.note(
            heard,
            &Event::CallEnded {
                mailbox: self.mailbox,
                side,
                operation: call.operation(),
                attempt,
                took: heard.since(asked),
                refusal: result.as_ref().err().map(|refusal| refusal.kind),
                sent_bytes,
                received_bytes,
            },
        );
        if result.is_ok() {
            self.charge(side, &elapsed);
            self.passed(side, admitted);
        }
        result
    }

    /// Whether another call may be begun on a side as far as calls of this mailbox in progress there are concerned. Calls
    /// that were begun before come first.
    #[inline]
    pub(super) fn has_room(&self, side: Side) -> bool {
        self.crowds[side as usize].get() == 0 && self.paces[side as usize].borrow().has_room(self.now())
    }

    /// Whether a call may go as far as its mailbox is concerned. One that a limit has refused before is not what is put on
    /// trial: it would wait again, and the others of its round with it.
    #[inline]
    fn own_permission(&self, side: Side, now: Moment, bytes: u64, again: bool) -> Permission {
        let mut pace = self.paces[side as usize].borrow_mut();
        if again && pace.in_progress() >= pace.width() {
            return Permission::AfterAnother;
        }
        pace.ask(now, bytes)
    }

    /// Lets a call go if it may go now. `again` says whether a limit has refused it before.
    #[inline]
    fn admit_at_once(&self, side: Side, bytes: u64, again: bool) -> Option<Admitted> {
        let (now, shared) = (self.now(), self.run.side(side));
        if shared.has_queue() || self.own_permission(side, now, bytes, again) != Permission::Go {
            return None;
        }
        (shared.ask(now) == Permission::Go).then(|| self.let_go(side, now, bytes))
    }

    fn let_go(&self, side: Side, now: Moment, bytes: u64) -> Admitted {
        let own = self.paces[side as usize].borrow_mut().start(now, bytes);
        Admitted { own, shared: self.run.side(side).start(now) }
    }

    /// Waits until a call may go, and lets it go: first for its own mailbox, then for its turn among all.
    async fn admit(&self, side: Side, bytes: u64, again: bool) -> Admitted {
        loop {
            let since = self.now();
            // One call of each mailbox at a time waits for its turn.
            if self.queues[side as usize].get() {
                self.signal.until(|| !self.queues[side as usize].get()).await;
            } else {
                match self.own_permission(side, since, bytes, again) {
                    Permission::Go => {
                        if let Some(admitted) = self.take_turn(side, bytes, again).await {
                            self.charge_since(self.holds_back(side, since), since);
                            return admitted;
                        }
                    }
                    Permission::NotBefore(at) => self.run.world.sleep_until(at).await,
                    Permission::AfterAnother => self.wait_for_room(side, again).await,
                }
            }
            self.charge_since(self.holds_back(side, since), since);
        }
    }

    /// Waits until another call has ended. As long as somebody does, nobody begins anything new on that side.
    async fn wait_for_room(&self, side: Side, again: bool) {
        let crowd = &self.crowds[side as usize];
        crowd.set(crowd.get() + 1);
        let waits = || matches!(self.own_permission(side, self.now(), 0, again), Permission::AfterAnother);
        self.signal.until(|| !waits()).await;
        crowd.set(crowd.get() - 1);
        self.signal.raise();
    }

    /// Waits for the turn of this mailbox, and lets the call go if its mailbox still does.
    async fn take_turn(&self, side: Side, bytes: u64, again: bool) -> Option<Admitted> {
        let shared = self.run.side(side);
        let ticket = shared.join();
        self.queues[side as usize].set(true);
        loop {
            ticket.head().await;
            match shared.ask(self.now()) {
                Permission::Go => break,
                Permission::NotBefore(at) => {
                    let world = &self.run.world;
                    ticket
                        .doze(world.sleep_until(at), || {
                            world.take_wait();
                        })
                        .await;
                }
                Permission::AfterAnother => ticket.another().await,
            }
        }
        let now = self.now();
        let goes = self.own_permission(side, now, bytes, again) == Permission::Go;
        let admitted = goes.then(|| self.let_go(side, now, bytes));
        drop(ticket);
        self.queues[side as usize].set(false);
        self.signal.raise();
        admitted
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

    fn passed(&self, side: Side, admitted: Admitted) {
        if !self.run.errs(Bug::LeakPlace) {
            self.run.side(side).passed(admitted.shared);
        }
        if self.paces[side as usize].borrow_mut().passed(admitted.own) {
            self.signal.raise();
        }
    }

    async fn refused(
        &self,
        tries: &mut Tries,
        admitted: Admitted,
        refusal: Refusal,
        asked: Moment,
        heard: Moment,
    ) -> Step {
        let side = tries.side;
        let word = self.word(tries);
        let budget = self.budget.get();
        let plan = &self.run.plan.retry;
        let asked_wait = refusal.retry_after.filter(|_| !self.run.errs(Bug::IgnoreRetryAfter));
        let advice = advise(plan, &tries.history, refusal.kind, asked_wait, budget, heard, word);
        let asked_wait = bearable(asked_wait);
        let limited = refusal.kind.is_throttle();
        if limited {
            // What is added to an announced wait spreads repeats; others need not wait for it.
            let until = match (asked_wait.filter(|wait| *wait > Span::ZERO), advice) {
                (Some(wait), _) => heard + wait,
                (None, Advice::RepeatAt(at)) => at,
                (None, Advice::GiveUp) => heard + plan.longest_back_off,
            };
            self.refused_by_limit(side, admitted, refusal, heard, until);
            tries.history.throttles += 1;
        } else {
            self.passed(side, admitted);
            self.keep_off(side, refusal.kind, asked_wait, heard);
            tries.history.failures += 1;
            tries.timeouts += u32::from(refusal.kind == RefusalKind::TimedOut);
        }
        if let Advice::RepeatAt(at) = advice {
            if !limited {
                self.budget.set(budget - 1);
            }
            self.run.world.sleep_until(at).await;
            if asked_wait.is_some_and(|wait| wait > Span::ZERO) {
                self.mark(Mark::WaitKept);
            }
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

    fn refused_by_limit(&self, side: Side, admitted: Admitted, refusal: Refusal, now: Moment, until: Moment) {
        let Admitted { own, shared: passage } = admitted;
        let (kind, wait) = (refusal.kind, bearable(refusal.retry_after));
        let shared = self.run.side(side);
        let mut pace = self.paces[side as usize].borrow_mut();
        let crowd = matches!(kind, RefusalKind::ConcurrencyLimit | RefusalKind::ConnectionCount);
        let many = !crowd && shared.is_of_all(passage, self.mailbox, kind);
        if self.is_of_all(side, kind) || many {
            pace.refused_with_all(own);
            // The side counts requests; what a limit on bytes announces says nothing about those.
            let wait = wait.filter(|_| kind != RefusalKind::UploadLimit);
            shared.refused(passage, now, wait, until, many);
            self.mark(Mark::AllWaited);
        } else {
            if crowd && own.went_alone() {
                shared.crowded(passage, self.mailbox, now, until);
                self.mark(Mark::SideNarrowed);
            } else {
                shared.refused_alone(passage);
                if crowd {
                    self.mark(Mark::MailboxNarrowed);
                }
            }
            pace.refused(own, kind, now, wait, until);
        }
        drop(pace);
        self.signal.raise();
    }

    /// What a server that is not well announces holds the mailbox, not only the call that heard it: the others would be
    /// refused alike. Other failures are those of one call.
    fn keep_off(&self, side: Side, kind: RefusalKind, asked_wait: Option<Span>, heard: Moment) {
        if let Some(wait) = asked_wait.filter(|_| kind == RefusalKind::Unavailable) {
            self.paces[side as usize].borrow_mut().fence(heard + wait);
            let unwell = &self.unwell[side as usize];
            unwell.set(unwell.get().max(heard + wait));
        }
    }

    /// Whether a limit that refuses like this is one of all mailboxes together.
    fn is_of_all(&self, side: Side, kind: RefusalKind) -> bool {
        kind == RefusalKind::AppLimit || (kind == RefusalKind::ServerBusy && self.run.busy_is_shared[side as usize])
    }

    /// An entry of a batch was refused. If a limit of all mailboxes did, none of them goes before the moment that it names;
    /// if the server is not well, this one does not.
    pub(super) fn entry_refused(&self, side: Side, refusal: &Refusal) {
        let wait = bearable(refusal.retry_after);
        if let Some(wait) = wait.filter(|_| self.is_of_all(side, refusal.kind)) {
            self.run.side(side).fence(self.now() + wait);
            self.mark(Mark::AllWaited);
        }
        self.keep_off(side, refusal.kind, wait, self.now());
    }

    /// Waits before items that an answer refused on their own are asked for again. `round` counts the repeats so far.
    pub(super) async fn pause(&self, side: Side, request: u64, round: u32, asked_wait: Option<Span>, limited: bool) {
        self.mark(Mark::EntriesRepeated);
        let since = self.now();
        let word =
            hash(self.run.seed, Purpose::Jitter, u64::from(self.mailbox.0), request, u64::MAX - u64::from(round));
        let wait = back_off(&self.run.plan.retry, round, word);
        let until = since + bearable(asked_wait).filter(|asked| *asked > Span::ZERO).unwrap_or(wait);
        if limited {
            self.paces[side as usize].borrow_mut().fence(until);
        }
        self.run.world.sleep_until(until).await;
        self.charge_since(if limited { throttle(side) } else { Cause::BackOff }, since);
    }
}
