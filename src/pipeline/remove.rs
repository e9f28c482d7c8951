//! Deleting items in the target that are gone from the source. An item that is not there is as good as deleted.

use mock_server::wire::answer::Answer;
use mock_server::wire::call::{Call, Protocol};
use mock_server::wire::id::Id;
use mock_server::wire::refusal::{ItemError, ItemErrorKind, Refusal, RefusalKind};

use super::ask::{Step, Tries};
use super::copy::Copying;
use super::export::{Again, MOST_BUSY_ROUNDS};
use super::job::{Job, Setback};
use super::planted::Bug;
use crate::checkpoint::Checkpoint;
use crate::event::{Event, Listener};
use crate::world::{Side, World};

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Deletes one batch.
    pub(super) async fn delete(&self, copying: &Copying<'_>, number: usize) -> Result<(), Setback> {
        let work = &copying.work;
        let from = number * work.delete_batch;
        let until = (from + work.delete_batch).min(work.deletes.len());
        let mut left: Vec<usize> = (from..until).collect();
        let request = work.first_delete + number as u64;
        let mut tries = Tries::new(Side::Target, request);
        let mut round = 0;
        loop {
            let items = left.iter().map(|&place| work.deletes[place].1.clone()).collect();
            let call = self.deletion(items);
            let again = match self.attempt(&mut tries, &call).await {
                Step::Done(Answer::Deleted(results)) if results.len() == left.len() => {
                    let mut again = Again::default();
                    for (&place, result) in left.iter().zip(results) {
                        self.sort_deletion(place, result, &mut again);
                    }
                    again
                }
                Step::Done(Answer::Batch(answers)) if answers.len() == left.len() => self.sort_batch(&left, answers)?,
                Step::Done(Answer::Done) => return Ok(()),
                Step::Done(_) => return Err(Setback::Confused),
                Step::Repeat { .. } => continue,
                Step::GaveUp(refusal) if refusal.kind == RefusalKind::NotFound => return Ok(()),
                Step::GaveUp(refusal) => return Err(Setback::Refused(refusal.kind)),
            };
            if again.places.is_empty() {
                return Ok(());
            }
            round += 1;
            if round >= MOST_BUSY_ROUNDS {
                return Err(Setback::Refused(RefusalKind::ServerBusy));
            }
            self.pause(Side::Target, request, round - 1, again.wait, again.limited).await;
            left = again.places;
        }
    }

    fn deletion(&self, items: Vec<Id>) -> Call {
        if self.run.protocol(Side::Target) == Protocol::Ews || items.len() == 1 {
            return Call::DeleteItems { items };
        }
        Call::Batch { calls: items.into_iter().map(|item| Call::DeleteItems { items: vec![item] }).collect() }
    }

    fn sort_deletion(&self, place: usize, result: Result<(), ItemError>, again: &mut Again) {
        if let Err(error) = result {
            self.note(&Event::ItemRefused { mailbox: self.mailbox, kind: error.kind });
            if error.kind.is_transient() {
                again.add(place, error);
            }
        }
    }

    fn sort_batch(&self, left: &[usize], answers: Vec<Result<Answer, Refusal>>) -> Result<Again, Setback> {
        let mut again = Again::default();
        for (&place, answer) in left.iter().zip(answers) {
            match answer {
                Ok(Answer::Deleted(results)) => {
                    for result in results {
                        self.sort_deletion(place, result, &mut again);
                    }
                }
                Ok(_) => {}
                Err(refusal) if refusal.kind == RefusalKind::NotFound => {}
                Err(refusal) if refusal.kind.is_throttle() && self.run.errs(Bug::IgnoreRefusedEntries) => {}
                Err(refusal) if refusal.kind.is_transient() => {
                    self.entry_refused(Side::Target, &refusal);
                    let kind = if refusal.kind.is_throttle() { ItemErrorKind::Busy } else { ItemErrorKind::Stopped };
                    again.add(place, ItemError { kind, retry_after: refusal.retry_after });
                }
                Err(refusal) => return Err(Setback::Refused(refusal.kind)),
            }
        }
        Ok(again)
    }
}
