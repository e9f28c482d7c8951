//! The cutover of one mailbox: closing the source, the last delta, the switch, and what follows it.
//!
//! [`machine`] decides what follows what; here its steps are calls.

pub mod machine;

use mock_server::time::Span;
use mock_server::wire::answer::Answer;
use mock_server::wire::call::Call;
use mock_server::wire::refusal::RefusalKind;
use tokio::sync::SemaphorePermit;

use self::machine::{Met, Next};
use super::job::{Job, Setback};
use super::planted::Bug;
use crate::checkpoint::Checkpoint;
use crate::checkpoint::cutover::{Cutover, Step};
use crate::event::{Cause, End, Listener, Mark, Stage, Verification};
use crate::world::{Side, World};

/// How long a switch is waited for before it is given up, as its mailbox is closed to its users meanwhile and its place to
/// all others (assumed: a day is longer than any that is told of).
const LONGEST_SWITCH: Span = Span::seconds(24 * 3600);

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Cuts the mailbox over, or goes on with a cutover that was interrupted.
    pub(super) async fn cut_over(&self) -> Result<(End, Verification), Setback> {
        let begun = self.progress.borrow().cutover;
        let mut state = begun.unwrap_or(Cutover::START);
        let mut place: Option<SemaphorePermit<'_>> = None;
        let mut undoing = false;
        loop {
            if !state.step.holds_place() {
                place = None;
            } else if place.is_none() {
                self.enter(Stage::Waiting);
                place = Some(self.take_place().await?);
                if begun.is_none() && self.run.is_closed() {
                    return Err(Setback::Closed);
                }
            }
            self.progress.borrow_mut().cutover = Some(state);
            self.save(&[])?;
            if let Some(stage) = stage_of(state.step) {
                self.enter(stage);
            } else if state.step.undoes() && !undoing {
                undoing = true;
                self.mark(Mark::TurnedBack);
                self.renew_budget();
            }
            if matches!(state.step, Step::StopSource | Step::Verify) {
                self.renew_budget();
            }
            let since = self.now();
            state = loop {
                let mut next = state.after(self.take_step(state.step).await?);
                if next == Next::PollAgain && self.now().since(since) >= LONGEST_SWITCH {
                    next = state.after(Met::Failed);
                }
                match next {
                    Next::PollAgain => {}
                    Next::Over(end) => return Ok((end, self.progress.borrow().verification)),
                    Next::Take(next) => break next,
                }
            };
            if state.switches > 0 && state.step == Step::StartSwitch {
                self.mark(Mark::SwitchRepeated);
            }
        }
    }

    /// Neither the cutover, nor the way back, nor what follows the switch must fail because what came before was hard.
    fn renew_budget(&self) {
        self.budget.set(self.run.plan.retry.budget);
    }

    async fn take_place(&self) -> Result<SemaphorePermit<'_>, Setback> {
        let since = self.now();
        let place = self.run.switches.acquire().await.map_err(|_| Setback::Closed)?;
        self.charge_since(Cause::SwitchPlace, since);
        Ok(place)
    }

    async fn take_step(&self, step: Step) -> Result<Met, Setback> {
        match step {
            Step::StopSource => self.order(Side::Source, &Call::StopMailbox).await,
            Step::LastDelta if self.run.errs(Bug::SkipLastDelta) => Ok(Met::Done),
            Step::LastDelta => match self.last_delta().await {
                Err(Setback::Closed) => Err(Setback::Closed),
                outcome => Ok(met(outcome.is_ok())),
            },
            Step::Provision => self.order(Side::Target, &Call::ProvisionUser).await,
            Step::License => self.order(Side::Target, &Call::AssignLicense).await,
            Step::StartSwitch => self.order(Side::Target, &Call::StartSwitch).await.map(|met| match met {
                Met::Switch(_) => Met::Done,
                other => other,
            }),
            Step::AwaitSwitch => self.poll().await,
            Step::Verify => match self.verify().await {
                Err(Setback::Closed) => Err(Setback::Closed),
                Err(_) => Ok(Met::Failed),
                Ok(found) => {
                    self.progress.borrow_mut().verification = found;
                    Ok(met(found.is_exact()))
                }
            },
            Step::ReleaseSource => self.order(Side::Source, &Call::ReleaseMailbox).await,
            Step::ReleaseTarget => self.order(Side::Target, &Call::ReleaseMailbox).await,
            Step::CancelSwitch => self.cancel().await,
            Step::RemoveLicense => self.order(Side::Target, &Call::RemoveLicense).await,
            Step::StartSource => self.order(Side::Source, &Call::StartMailbox).await,
        }
    }

    /// Folders may have been made since the first listing, so the last delta begins with a new one.
    async fn last_delta(&self) -> Result<(), Setback> {
        let source = self.enumerate().await?;
        self.delta(&source).await
    }

    /// Makes a call that changes the state of the mailbox. All of them may be repeated.
    async fn order(&self, side: Side, call: &Call) -> Result<Met, Setback> {
        match self.need(side, call).await {
            Ok(Answer::Switch(state)) => Ok(Met::Switch(state)),
            Ok(_) => Ok(Met::Done),
            Err(Setback::Closed) => Err(Setback::Closed),
            Err(_) => Ok(Met::Failed),
        }
    }

    /// Gives the switch up. One that the target has never heard of is as good as given up.
    async fn cancel(&self) -> Result<Met, Setback> {
        match self.need(Side::Target, &Call::CancelSwitch).await {
            Err(Setback::Refused(RefusalKind::NotFound)) | Ok(Answer::Done) => Ok(Met::Done),
            Ok(Answer::Switch(state)) => Ok(Met::Switch(state)),
            Ok(_) | Err(_) => Ok(Met::Failed),
        }
    }

    /// Waits for the poll interval and asks how far the switch is. All of this time is the switch's.
    async fn poll(&self) -> Result<Met, Setback> {
        if self.run.is_stopped() {
            return Err(Setback::Closed);
        }
        self.run.world.sleep_until(self.now() + self.run.plan.poll_interval).await;
        let met = self.order(Side::Target, &Call::PollSwitch).await;
        self.ledger.borrow_mut().settle_all(Cause::Switch, self.now());
        met
    }
}

const fn met(done: bool) -> Met {
    if done { Met::Done } else { Met::Failed }
}

const fn stage_of(step: Step) -> Option<Stage> {
    match step {
        Step::StopSource => Some(Stage::Stop),
        Step::LastDelta => Some(Stage::LastDelta),
        Step::Provision => Some(Stage::Provision),
        Step::StartSwitch => Some(Stage::Switch),
        Step::Verify => Some(Stage::Verify),
        Step::ReleaseSource => Some(Stage::Release),
        _ => None,
    }
}
