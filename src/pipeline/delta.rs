//! One pass over all folders of a mailbox: ask what changed, copy it, keep the new sync states.
//!
//! A pass works in rounds. Each round asks for one page of as many folders as a round's worth of changes is expected
//! in, then copies what they brought, all folders together, then saves. So small folders do not wait for each other,
//! memory stays bounded for large ones, and which request carries what does not depend on the order of answers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use mock_server::wire::answer::{Answer, ChangeKind, FolderEntry, ItemChange};
use mock_server::wire::call::Call;
use mock_server::wire::id::{Id, ItemKey};
use mock_server::wire::refusal::RefusalKind;

use super::ask::LOOK;
use super::changes::{Copied, IdMap};
use super::job::{Job, Setback};
use super::join::workers;
use super::planted::Bug;
use crate::checkpoint::{Checkpoint, Pair};
use crate::event::{Listener, Mark};
use crate::world::{Side, World};

/// Changes that one round is meant to bring (assumed: some minutes of work at 4 imports at once, and what is done twice
/// at most if the pipeline dies).
const ROUND_CHANGES: u64 = 2_048;

/// Changes expected in a folder that was copied before (assumed; decides only how a pass is divided into rounds).
const EXPECTED_CHANGES: u64 = 16;

/// One folder of a pass.
pub(super) struct Open {
    /// Its position in the progress.
    pub(super) folder: u32,
    expected: u64,
    /// Where the source is asked to go on. Ahead of the state on record only while a folder starts over.
    cursor: Option<Id>,
    /// What the target folder holds, where that must be known.
    pub(super) held: Option<Held>,
    /// Whether the folder is no longer in the source, and so nothing that was in it.
    pub(super) gone: bool,
}

/// What a target folder holds, by identity, less what the pass has met already.
pub(super) struct Held {
    /// The items.
    pub(super) items: BTreeMap<ItemKey, (Id, u32)>,
    /// Items whose identity occurs more than once.
    pub(super) repeated: Vec<Id>,
}

/// What one sync call brought.
pub(super) struct Page {
    /// The changes, oldest first.
    pub(super) changes: Vec<ItemChange>,
    cursor: Option<Id>,
    complete: bool,
}

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Copies what changed in all folders. `source` is the listing of the source, where one was made just now.
    pub(super) async fn delta(&self, source: &[FolderEntry]) -> Result<(), Setback> {
        let mut open = self.open_folders(source);
        while !open.is_empty() {
            if self.run.is_stopped() || (self.progress.borrow().cutover.is_none() && self.run.is_closed()) {
                return Err(Setback::Closed);
            }
            let count = round_of(&open, u64::from(self.run.plan.batch.sync_changes.max(1)));
            let pages = self.sync_round(&open[..count]).await?;
            self.list_held(&mut open[..count], &pages).await?;
            let work = self.plan_work(&mut open[..count], &pages)?;
            self.clean.set(false);
            if self.run.errs(Bug::AdvanceStateFirst) {
                self.advance_early(&open, &pages)?;
            }
            let copied = self.copy(&work).await?;
            self.settle();
            self.commit(&mut open, pages, work.pairs, copied)?;
        }
        self.unsure.set(false);
        self.clean.set(true);
        Ok(())
    }

    fn open_folders(&self, source: &[FolderEntry]) -> Vec<Open> {
        let progress = self.progress.borrow();
        let folders = progress.folders.iter().enumerate();
        folders
            .map(|(place, folder)| {
                let listed = source.get(place).filter(|entry| entry.id == folder.source);
                let listed = listed.or_else(|| source.iter().find(|entry| entry.id == folder.source));
                let expected = match &folder.state {
                    Some(_) => EXPECTED_CHANGES,
                    None => listed.map_or(EXPECTED_CHANGES, |entry| entry.items.max(1)),
                };
                let gone = listed.is_none();
                Open { folder: place as u32, expected, cursor: folder.state.clone(), held: None, gone }
            })
            // What was in a folder that is gone is deleted once.
            .filter(|open| !open.gone || self.unsure.get() || progress.folders[open.folder as usize].items != Some(0))
            .collect()
    }

    async fn sync_round(&self, round: &[Open]) -> Result<Vec<Page>, Setback> {
        let first = self.reserve(round.len());
        let next = Cell::new(0);
        let unread = |_| Page { changes: Vec::new(), cursor: None, complete: false };
        let pages: RefCell<Vec<Page>> = RefCell::new(round.iter().map(unread).collect());
        let setback = Cell::new(None);
        let (next, pages_in, setback_in) = (&next, &pages, &setback);
        workers(&self.run.world, &self.signal, self.width().min(round.len()), |_| async move {
            while setback_in.get().is_none() && next.get() < round.len() {
                let place = next.replace(next.get() + 1);
                match self.sync_page(first + place as u64, &round[place]).await {
                    Ok(page) => pages_in.borrow_mut()[place] = page,
                    Err(refused) => setback_in.set(Some(refused)),
                }
            }
        })
        .await;
        setback.get().map_or(Ok(pages.into_inner()), Err)
    }

    async fn sync_page(&self, request: u64, open: &Open) -> Result<Page, Setback> {
        if open.gone {
            // Should it come back, it is compared from the start.
            return Ok(Page { changes: Vec::new(), cursor: None, complete: true });
        }
        let folder = self.progress.borrow().folders[open.folder as usize].source.clone();
        let limit = self.run.plan.batch.sync_changes.max(1);
        let call = Call::SyncItems { folder, state: open.cursor.clone(), limit };
        match self.ask(Side::Source, request, &call).await {
            Ok(Answer::Items { changes, state, complete }) => {
                let complete = complete || self.run.errs(Bug::FirstPageOnly);
                Ok(Page { changes, cursor: Some(state), complete })
            }
            Err(refusal) if refusal.kind == RefusalKind::SyncStateLost && self.run.errs(Bug::ForgetLostState) => {
                Ok(Page { changes: Vec::new(), cursor: open.cursor.clone(), complete: true })
            }
            Ok(_) => Err(Setback::Confused),
            // A folder without a state cannot lose it, and asking again could go on forever: that uses up the budget.
            Err(refusal)
                if refusal.kind == RefusalKind::SyncStateLost && (open.cursor.is_some() || self.may_repeat()) =>
            {
                let mut progress = self.progress.borrow_mut();
                let folder = &mut Arc::make_mut(&mut progress.folders)[open.folder as usize];
                folder.state = None;
                folder.restarting |= open.cursor.is_some();
                drop(progress);
                self.mark(Mark::DeltaRestarted);
                Ok(Page { changes: Vec::new(), cursor: None, complete: false })
            }
            // The folder has gone since it was listed, and everything in it: the next listing will not have it.
            Err(refusal) if refusal.kind == RefusalKind::NotFound => {
                Ok(Page { changes: Vec::new(), cursor: open.cursor.clone(), complete: true })
            }
            Err(refusal) => Err(Setback::Refused(refusal.kind)),
        }
    }

    /// Lists the target folders of which it is not certain what they hold: those that start over because the source
    /// forgot their state, and those that an interrupted run may have stored something in.
    async fn list_held(&self, round: &mut [Open], pages: &[Page]) -> Result<(), Setback> {
        for (open, page) in round.iter_mut().zip(pages) {
            let target = {
                let progress = self.progress.borrow();
                let folder = &progress.folders[open.folder as usize];
                // A comparison that starts over needs the whole listing again: what was met so far is no longer in it.
                if folder.restarting && page.cursor.is_none() {
                    open.held = None;
                }
                let wanted = folder.restarting
                    || open.gone
                    || (self.unsure.get() && (!page.changes.is_empty() || page.complete));
                if !wanted || open.held.is_some() {
                    continue;
                }
                folder.target.clone()
            };
            let mut held = Held { items: BTreeMap::new(), repeated: Vec::new() };
            for change in self.list_items(Side::Target, &target, self.reserve(1)).await? {
                if let Some(key) = change.key
                    && let Some((twin, _)) = held.items.insert(key, (change.item, change.size))
                {
                    held.repeated.push(twin);
                }
            }
            open.held = Some(held);
        }
        Ok(())
    }

    /// Lists all items of a folder. Page n is request `request + n * LOOK`, so that listings made at the same time do
    /// not share numbers.
    pub(super) async fn list_items(&self, side: Side, folder: &Id, request: u64) -> Result<Vec<ItemChange>, Setback> {
        let changes = self.list_changes(side, folder, None, request).await?;
        // A listing from scratch may still tell an item more than once, and tell of its end.
        let mut last: IdMap<&Id, usize> = IdMap::default();
        for (place, change) in changes.iter().enumerate() {
            last.insert(&change.item, place);
        }
        let latest = |(place, change): &(usize, &ItemChange)| {
            change.kind != ChangeKind::Delete && last.get(&change.item) == Some(place)
        };
        Ok(changes.iter().enumerate().filter(latest).map(|(_, change)| change.clone()).collect())
    }

    /// Lists all changes of a folder since a state, without keeping the new one.
    pub(super) async fn list_changes(
        &self,
        side: Side,
        folder: &Id,
        mut state: Option<Id>,
        mut request: u64,
    ) -> Result<Vec<ItemChange>, Setback> {
        let mut all: Vec<ItemChange> = Vec::new();
        let from_scratch = state.is_none();
        loop {
            let limit = self.run.plan.batch.sync_changes.max(1);
            let call = Call::SyncItems { folder: folder.clone(), state, limit };
            match self.ask(side, request, &call).await {
                Ok(Answer::Items { changes, state: next, complete }) => {
                    all.extend(changes);
                    if complete {
                        return Ok(all);
                    }
                    state = Some(next);
                    request += LOOK;
                }
                Ok(_) => return Err(Setback::Confused),
                // Nothing depends on where a listing from scratch began, so it begins again.
                Err(refusal) if refusal.kind == RefusalKind::SyncStateLost && from_scratch && self.may_repeat() => {
                    all.clear();
                    state = None;
                    request += LOOK;
                }
                Err(refusal) => return Err(Setback::Refused(refusal.kind)),
            }
        }
    }

    /// Takes one repeat from the budget for failures, if there is one left.
    fn may_repeat(&self) -> bool {
        let budget = self.budget.get();
        self.budget.set(budget.saturating_sub(1));
        budget > 0
    }

    /// What must not be done: keeps the states of a round before its changes are stored.
    fn advance_early(&self, open: &[Open], pages: &[Page]) -> Result<(), Setback> {
        for (open, page) in open.iter().zip(pages) {
            let mut progress = self.progress.borrow_mut();
            Arc::make_mut(&mut progress.folders)[open.folder as usize].state.clone_from(&page.cursor);
            drop(progress);
        }
        self.save(&[])
    }

    /// Keeps the states of a round whose changes are all stored, and drops the folders that are done.
    fn commit(
        &self,
        open: &mut Vec<Open>,
        pages: Vec<Page>,
        mut pairs: Vec<Pair>,
        copied: Copied,
    ) -> Result<(), Setback> {
        let mut done = Vec::with_capacity(pages.len());
        {
            let mut progress = self.progress.borrow_mut();
            let folders = Arc::make_mut(&mut progress.folders);
            for (open, page) in open.iter_mut().zip(pages) {
                let folder = &mut folders[open.folder as usize];
                // A folder that starts over keeps no state before it has been compared to its end: only a complete
                // listing tells what is no longer in the source.
                if page.complete || !folder.restarting {
                    folder.state.clone_from(&page.cursor);
                }
                folder.restarting &= !page.complete;
                open.cursor = page.cursor;
                done.push(page.complete);
            }
            for (folder, change) in copied.balance {
                if let Some(items) = &mut folders[folder as usize].items {
                    *items = items.saturating_add_signed(change);
                }
            }
        }
        let mut place = 0;
        open.retain(|_| {
            place += 1;
            !done.get(place - 1).copied().unwrap_or(false)
        });
        pairs.extend(copied.pairs);
        self.save(&pairs)?;
        self.clean.set(!self.unsure.get());
        Ok(())
    }
}

/// How many of the open folders make up the next round.
fn round_of(open: &[Open], page: u64) -> usize {
    let mut expected = 0;
    let fitting = open.iter().take_while(|folder| {
        expected += folder.expected.min(page);
        expected <= ROUND_CHANGES
    });
    fitting.count().max(1)
}

impl Held {
    /// Takes the item of an identity out, if it is there.
    pub(super) fn take(&mut self, key: Option<ItemKey>) -> Option<(Id, u32)> {
        self.items.remove(&key?)
    }
}

impl Page {
    /// Whether nothing follows.
    pub(super) fn is_last(&self) -> bool {
        self.complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_folders_share_a_round_and_large_ones_have_their_own() {
        let folder = |expected| Open { folder: 0, expected, cursor: None, held: None, gone: false };
        let many: Vec<Open> = (0..200).map(|_| folder(16)).collect();
        assert_eq!(round_of(&many, 512), 128);
        let large: Vec<Open> = (0..9).map(|_| folder(100_000)).collect();
        assert_eq!(round_of(&large, 512), 4);
        assert_eq!(round_of(&[folder(100_000)], 100_000), 1);
    }
}
