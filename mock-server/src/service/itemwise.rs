//! Calls with several items of which some are left undone: the answer says so item by item.

use super::core::Service;
use super::cost::Work;
use super::{refusals, trick};
use crate::fault::trick::Played;
use crate::mailbox::content::Content;
use crate::throttle::policy::batch::{Progress, Stopped};
use crate::throttle::stack::Asked;
use crate::time::{Moment, Span};
use crate::wire::answer::Answer;
use crate::wire::call::{Call, RequestIdentity};
use crate::wire::refusal::{ItemError, ItemErrorKind, Refusal};

/// Why items of a call are left undone, by position; none for those that are done.
type Undone = Vec<Option<ItemError>>;

impl<C: Content> Service<C> {
    /// Carries a call out as far as budgets let it come. What only reads is done and then cut, for its cost depends on
    /// what it finds; what writes is cut first.
    pub(super) fn act_itemwise(
        &mut self,
        now: Moment,
        asked: &Asked,
        identity: RequestIdentity,
        call: &Call,
    ) -> Result<(Answer, Work), Refusal> {
        let trick = self.trick.take();
        if trick == Some(Played::Expired) && trick::continues(call) {
            return Err(refusals::SYNC_STATE_LOST);
        }
        if let Some(refusal) = self.single_failure(now, asked, identity, call) {
            return Err(refusal);
        }
        if trick == Some(Played::Twice) {
            // Nobody hears the first answer.
            let _ = self.act(now, asked.mailbox, call);
        }
        let items = match call {
            Call::GetItems { .. } | Call::ExportItems { .. } | Call::UploadItems { .. } | Call::DeleteItems { .. } => {
                call.items()
            }
            _ => 0,
        };
        if items == 0 {
            let mut answer = self.act(now, asked.mailbox, call)?;
            if trick == Some(Played::Shuffled) {
                trick::shuffle(&mut answer);
            }
            let work = Work::of(call, Some(&answer));
            return Ok((answer, work));
        }
        let reads = matches!(call, Call::GetItems { .. } | Call::ExportItems { .. });
        let failure = |position| self.item_failure(now, asked, identity, position);
        let mut undone: Undone = (0..items).map(failure).collect();
        if !reads {
            let progress = self.progress(asked, identity, Work::of(call, None));
            leave_undone(&mut undone, progress);
        }
        let mut answer = self.act_but(now, asked, call, &undone)?;
        if reads {
            let progress = self.progress(asked, identity, Work::of(call, Some(&answer)));
            leave_undone(&mut undone, progress);
            cut(&mut answer, &undone);
        }
        self.note_undone(&undone);
        let left = undone.iter().flatten().count() as u64;
        let carried = rest(call, &undone).as_ref().map_or(0, Call::content_bytes);
        let work = Work { items: u64::from(items) - left, content_bytes: carried + answer.content_bytes() };
        Ok((answer, work))
    }

    /// How far a call comes whose items are alike.
    fn progress(&mut self, asked: &Asked, identity: RequestIdentity, work: Work) -> Progress {
        let base = self.costs.served(asked.mailbox, asked.operation, identity, Work::default());
        let whole = self.costs.served(asked.mailbox, asked.operation, identity, work);
        let Some(all) = &mut self.surroundings else { return Progress::whole(work.items as u32) };
        let each = Span(whole.saturating_sub(base).0 / work.items.max(1));
        let asked = all.asked(asked);
        let progress = all.policies.progress(&asked, base, each);
        all.items_wait += progress.delay;
        progress
    }

    /// Carries out the items of a call that are not left undone.
    fn act_but(&mut self, now: Moment, asked: &Asked, call: &Call, undone: &Undone) -> Result<Answer, Refusal> {
        if undone.iter().all(Option::is_none) {
            return self.act(now, asked.mailbox, call);
        }
        let answer = match rest(call, undone) {
            Some(rest) => self.act(now, asked.mailbox, &rest)?,
            None => return self.act(now, asked.mailbox, call),
        };
        Ok(match answer {
            Answer::Contents(done) => Answer::Contents(spread(done, undone)),
            Answer::Uploaded(done) => Answer::Uploaded(spread(done, undone)),
            Answer::Deleted(done) => Answer::Deleted(spread(done, undone)),
            other => other,
        })
    }
}

/// Notes that what progress does not reach is left undone.
fn leave_undone(undone: &mut Undone, progress: Progress) {
    let error = match progress.stopped {
        None => return,
        Some(Stopped::Spent { wait }) => ItemError { kind: ItemErrorKind::Busy, retry_after: wait },
        Some(Stopped::TooLong) => ItemError { kind: ItemErrorKind::Stopped, retry_after: None },
    };
    for item in undone.iter_mut().skip(progress.done as usize) {
        *item = item.or(Some(error));
    }
}

/// The call without the items that are left undone; nothing for calls without items.
fn rest(call: &Call, undone: &Undone) -> Option<Call> {
    fn keep<T: Clone>(items: &[T], undone: &Undone) -> Vec<T> {
        items.iter().zip(undone).filter(|(_, undone)| undone.is_none()).map(|(item, _)| item.clone()).collect()
    }
    match call {
        Call::GetItems { items } => Some(Call::GetItems { items: keep(items, undone) }),
        Call::ExportItems { items } => Some(Call::ExportItems { items: keep(items, undone) }),
        Call::DeleteItems { items } => Some(Call::DeleteItems { items: keep(items, undone) }),
        Call::UploadItems { uploads } => Some(Call::UploadItems { uploads: keep(uploads, undone) }),
        _ => None,
    }
}

/// Puts the results of what was done in their places among those of what was not.
fn spread<T>(done: Vec<Result<T, ItemError>>, undone: &Undone) -> Vec<Result<T, ItemError>> {
    let mut done = done.into_iter();
    let omitted = ItemError { kind: ItemErrorKind::Omitted, retry_after: None };
    undone.iter().map(|error| error.map_or_else(|| done.next().unwrap_or(Err(omitted)), Err)).collect()
}

/// Takes the results of items that are left undone out of an answer.
fn cut(answer: &mut Answer, undone: &Undone) {
    if let Answer::Contents(contents) = answer {
        for (content, error) in contents.iter_mut().zip(undone) {
            if let Some(error) = error {
                *content = Err(*error);
            }
        }
    }
}
