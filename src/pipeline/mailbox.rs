//! One mailbox from beginning to end.

use mock_server::time::Span;
use mock_server::wire::id::MailboxKey;

use super::job::{Job, Setback};
use super::planted::Bug;
use super::run::Run;
use crate::checkpoint::{Checkpoint, CheckpointError, Ended};
use crate::event::{Cause, End, Event, Listener, Mark, Stage, Verification};
use crate::world::World;

/// Moves one mailbox and reports how it ended.
pub(super) async fn carry<W: World, C: Checkpoint, L: Listener>(run: &Run<W, C, L>, mailbox: MailboxKey) {
    let started = run.world.now();
    let (ended, charged) = match try_carry(run, mailbox).await {
        Ok(outcome) => outcome,
        Err(error) => {
            run.break_off(error);
            return;
        }
    };
    let Ended { end, verification } = ended;
    run.listener.note(run.world.now(), &Event::MailboxEnded { mailbox, end, started, charged, verification });
}

type Charged = [Span; Cause::ALL.len()];

async fn try_carry<W: World, C: Checkpoint, L: Listener>(
    run: &Run<W, C, L>,
    mailbox: MailboxKey,
) -> Result<(Ended, Charged), CheckpointError> {
    run.listener.note(run.world.now(), &Event::MailboxStarted { mailbox });
    if let Some(ended) = run.checkpoint.ended(mailbox)? {
        return Ok((ended, Charged::default()));
    }
    let known = run.checkpoint.load(mailbox)?.filter(|_| !run.errs(Bug::ForgetCheckpoint));
    let job = Job::new(run, mailbox, known);
    let (end, verification) = match job.move_all().await {
        Ok(outcome) => outcome,
        Err(Setback::Closed) => (End::Unfinished, Verification::default()),
        Err(_) => (End::Failed, Verification::default()),
    };
    job.settle();
    let ended = Ended { end, verification };
    if !ended.is_final() {
        let mut progress = job.progress.borrow_mut();
        progress.open = !job.clean.get();
        if end == End::Failed {
            // Undone as a whole: a later run begins the cutover anew.
            progress.cutover = None;
        }
        drop(progress);
        // A checkpoint that failed is reported already.
        let _ = job.save(&[]);
    }
    run.checkpoint.finish(mailbox, &ended)?;
    let charged = job.ledger.borrow().charged();
    Ok((ended, charged))
}

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    async fn move_all(&self) -> Result<(End, Verification), Setback> {
        let interrupted = self.progress.borrow().cutover.is_some();
        self.progress.borrow_mut().open = true;
        self.save(&[])?;
        if interrupted {
            self.mark(Mark::CutoverResumed);
            return self.cut_over().await;
        }
        if self.unsure.get() {
            self.mark(Mark::CopyResumed);
        }
        self.enter(Stage::Enumerate);
        let source = self.enumerate().await?;
        let first = self.progress.borrow().folders.iter().any(|folder| folder.state.is_none());
        self.enter(if first { Stage::Copy } else { Stage::Delta });
        self.delta(&source).await?;
        if self.run.cutover {
            return self.cut_over().await;
        }
        self.enter(Stage::Verify);
        let verification = self.verify().await?;
        let end = if verification.is_exact() { End::Completed } else { End::Failed };
        Ok((end, verification))
    }
}
