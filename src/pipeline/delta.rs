//! One pass over all folders of a mailbox: ask what changed, copy it, keep the new sync states.
//!
//! A pass works in rounds. Each round asks for one page of as many folders as a round's worth of changes is expected
//! in, then copies what they brought, all folders together, then saves. So small folders do not wait for each other,
//! memory stays bounded for large ones, and which request carries what does not depend on the order of answers. Rounds
//! overlap ([`super::pass`]), and are prepared and saved one after another.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use mock_server::wire::answer::{Answer, ChangeKind, FolderEntry, ItemChange};
use mock_server::wire::call::{Call, Protocol};
use mock_server::wire::id::Id;
use mock_server::wire::refusal::RefusalKind;

use super::ask::LOOK;
use super::changes::{Copied, latest};
use super::copy::{Copying, Task};
use super::job::{Job, Setback};
use super::pass::{Ask, Asked, Coming, EXPECTED_CHANGES, Held, Open, Page, Pass};
use super::planted::Bug;
use crate::checkpoint::Checkpoint;
use crate::event::{Listener, Mark};
use crate::world::{Side, World};

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Copies what changed in all folders. `source` is the listing of the source, made just now.
    pub(super) async fn delta(&self, source: &[FolderEntry]) -> Result<(), Setback> {
        self.doubts_folders.set(true);
        loop {
            match self.pass(source).await {
                // Somebody may have deleted folders in the target since they were made.
                Err(Setback::Refused(RefusalKind::NotFound)) if self.doubts_folders.replace(false) => {
                    Box::pin(self.replace_lost_folders(source)).await?;
                    // What was stored beside what was refused is not on record.
                    self.unsure.set(true);
                }
                outcome => {
                    self.doubts_folders.set(false);
                    return outcome;
                }
            }
        }
    }

    async fn pass(&self, source: &[FolderEntry]) -> Result<(), Setback> {
        let on_the_way = Cell::new(0);
        let pass = Pass::new(self.open_folders(source), &on_the_way);
        if !pass.is_done() {
            self.work_off(&pass, self.width()).await?;
        }
        if !pass.is_done() {
            return Err(Setback::Closed);
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

    /// What is to be done for the round that follows those under way.
    pub(super) fn prepare<'p>(&self, pass: &Pass<'p>) -> Task<'p> {
        let mut coming = pass.coming.borrow_mut();
        match &mut *coming {
            Coming::Planned => return Task::Wait(None),
            Coming::Nothing if pass.open.borrow().is_empty() => return Task::Leave,
            _ if self.is_to_end() => return Task::Leave,
            Coming::Nothing => {
                let Some(round) = pass.next_round(u64::from(self.run.plan.batch.sync_changes.max(1))) else {
                    return Task::Wait(None);
                };
                let first = self.reserve(round.len());
                *coming = Coming::Asked(Box::new(Asked::new(round, first)));
            }
            Coming::Asked(_) => {}
        }
        let Coming::Asked(asked) = &mut *coming else { return Task::Wait(None) };
        if let Some(ask) = asked.next() {
            return Task::Ask(ask);
        }
        if !asked.is_answered() || !self.goes_beside(pass, asked) {
            return Task::Wait(None);
        }
        match std::mem::replace(&mut *coming, Coming::Planned) {
            Coming::Asked(asked) => Task::Plan(asked),
            Coming::Nothing | Coming::Planned => Task::Wait(None),
        }
    }

    /// Whether no further round is begun.
    fn is_to_end(&self) -> bool {
        self.run.is_stopped() || (self.progress.borrow().cutover.is_none() && self.run.is_closed())
    }

    /// Whether a round may be planned while others are under way: not if it has to do with what they do, which is not on
    /// record before they have ended.
    fn goes_beside(&self, pass: &Pass<'_>, asked: &mut Asked) -> bool {
        let under_way = pass.under_way.borrow();
        under_way.is_empty()
            || !*asked.alone.get_or_insert_with(|| {
                let mut pages = asked.round.iter().zip(&asked.pages);
                pages.any(|(open, page)| self.lists_target(open, page) || (page.complete && open.held.is_some()))
                    || asked.pages.iter().any(|page| page.names_any_of(&under_way))
            })
    }

    /// Asks for a page of the next round. Says whether it was the last one to arrive.
    pub(super) async fn ask_page(&self, pass: &Pass<'_>, ask: Ask) -> Result<bool, Setback> {
        let page = self.sync_page(&ask).await?;
        let Coming::Asked(asked) = &mut *pass.coming.borrow_mut() else { return Ok(false) };
        asked.answered(ask.place, page);
        Ok(asked.is_answered())
    }

    /// Decides what a round means, and begins it.
    pub(super) async fn plan_round(&self, pass: &Pass<'_>, asked: Box<Asked>) -> Result<(), Setback> {
        let Asked { mut round, pages, .. } = *asked;
        self.list_held(&mut round, &pages).await?;
        let work = self.plan_work(&mut round, &pages)?;
        if self.run.errs(Bug::AdvanceStateFirst) {
            self.advance_early(&pages)?;
        }
        if !work.items.is_empty() && self.run.protocol(Side::Target) == Protocol::Graph {
            self.open_session().await?;
        }
        // Not before: a round under way may end meanwhile, after which all is on record.
        self.clean.set(false);
        pass.begin_planned(work, round, pages);
        self.keep_ended(pass)
    }

    async fn sync_page(&self, ask: &Ask) -> Result<Page, Setback> {
        if ask.gone {
            // Should it come back, it is compared from the start.
            return Ok(Page { folder: ask.folder, changes: Vec::new(), cursor: None, complete: true });
        }
        let folder = self.progress.borrow().folders[ask.folder as usize].source.clone();
        let limit = self.run.plan.batch.sync_changes.max(1);
        let call = Call::SyncItems { folder, state: ask.cursor.clone(), limit };
        match self.ask(Side::Source, ask.request, &call).await {
            Ok(Answer::Items { changes, state, complete }) => {
                let complete = complete || self.run.errs(Bug::FirstPageOnly);
                if !complete && ask.cursor.as_ref() == Some(&state) {
                    return Err(Setback::Confused);
                }
                Ok(Page { folder: ask.folder, changes, cursor: Some(state), complete })
            }
            Err(refusal) if refusal.kind == RefusalKind::SyncStateLost && self.run.errs(Bug::ForgetLostState) => {
                Ok(Page { folder: ask.folder, changes: Vec::new(), cursor: ask.cursor.clone(), complete: true })
            }
            Ok(_) => Err(Setback::Confused),
            // Beginning anew could go on forever, so every time but the first uses up the budget.
            Err(refusal)
                if refusal.kind == RefusalKind::SyncStateLost && (self.begins_anew(ask) || self.may_repeat()) =>
            {
                let mut progress = self.progress.borrow_mut();
                let folder = &mut Arc::make_mut(&mut progress.folders)[ask.folder as usize];
                folder.state = None;
                folder.restarting |= ask.cursor.is_some();
                drop(progress);
                self.mark(Mark::DeltaRestarted);
                Ok(Page { folder: ask.folder, changes: Vec::new(), cursor: None, complete: false })
            }
            // The folder has gone since it was listed, and everything in it: the next listing will not have it.
            Err(refusal) if refusal.kind == RefusalKind::NotFound => {
                Ok(Page { folder: ask.folder, changes: Vec::new(), cursor: ask.cursor.clone(), complete: true })
            }
            Err(refusal) => Err(Setback::Refused(refusal.kind)),
        }
    }

    /// Whether a folder whose state is lost begins anew for the first time: it had one, and does not start over already.
    fn begins_anew(&self, ask: &Ask) -> bool {
        ask.cursor.is_some() && !self.progress.borrow().folders[ask.folder as usize].restarting
    }

    /// Lists the target folders of which it is not certain what they hold: those that start over because the source
    /// forgot their state, and those that an interrupted run may have stored something in.
    async fn list_held(&self, round: &mut [Open], pages: &[Page]) -> Result<(), Setback> {
        for (open, page) in round.iter_mut().zip(pages) {
            if !self.lists_target(open, page) {
                continue;
            }
            let target = self.progress.borrow().folders[open.folder as usize].target.clone();
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

    fn lists_target(&self, open: &Open, page: &Page) -> bool {
        let restarting = self.progress.borrow().folders[open.folder as usize].restarting;
        let wanted = restarting || open.gone || (self.unsure.get() && (!page.changes.is_empty() || page.complete));
        // A comparison that starts over needs the whole listing again: what was met so far is no longer in it.
        wanted && (open.held.is_none() || (restarting && page.cursor.is_none()))
    }

    /// Lists all items of a folder. Page n is request `request + n * LOOK`, so that listings made at the same time do
    /// not share numbers.
    pub(super) async fn list_items(&self, side: Side, folder: &Id, request: u64) -> Result<Vec<ItemChange>, Setback> {
        let changes = self.list_changes(side, folder, None, request).await?;
        // A listing from scratch may still tell an item more than once, and tell of its end.
        let there = latest(&changes).filter(|(change, _)| change.kind != ChangeKind::Delete);
        Ok(there.map(|(change, _)| change.clone()).collect())
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
            if self.run.is_stopped() {
                return Err(Setback::Closed);
            }
            let call = Call::SyncItems { folder: folder.clone(), state: state.clone(), limit };
            match self.ask(side, request, &call).await {
                Ok(Answer::Items { changes, state: next, complete }) => {
                    all.extend(changes);
                    if complete {
                        return Ok(all);
                    }
                    if state.as_ref() == Some(&next) {
                        return Err(Setback::Confused);
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
    fn advance_early(&self, pages: &[Page]) -> Result<(), Setback> {
        for page in pages {
            let mut progress = self.progress.borrow_mut();
            Arc::make_mut(&mut progress.folders)[page.folder as usize].state.clone_from(&page.cursor);
            drop(progress);
        }
        self.save(&[])
    }

    /// Keeps what the rounds came to that have ended, in their order.
    pub(super) fn keep_ended(&self, pass: &Pass<'_>) -> Result<(), Setback> {
        while let Some(round) = pass.take_ended() {
            self.settle();
            // Work that is no part of a pass leaves no state behind.
            if !round.pages.is_empty() {
                self.commit(&round, pass.under_way.borrow().is_empty())?;
            }
        }
        Ok(())
    }

    /// Keeps the states of a round whose changes are all stored. `last` says whether no other is under way.
    fn commit(&self, round: &Copying<'_>, last: bool) -> Result<(), Setback> {
        let Copied { pairs, balance } = round.take_copied();
        {
            let mut progress = self.progress.borrow_mut();
            let folders = Arc::make_mut(&mut progress.folders);
            for page in &round.pages {
                let folder = &mut folders[page.folder as usize];
                // A folder that starts over keeps no state before it has been compared to its end: only a complete
                // listing tells what is no longer in the source.
                if page.complete || !folder.restarting {
                    folder.state.clone_from(&page.cursor);
                }
                folder.restarting &= !page.complete;
            }
            for (folder, change) in balance {
                if let Some(items) = &mut folders[folder as usize].items {
                    *items = items.saturating_add_signed(change);
                }
            }
        }
        self.save(&pairs)?;
        self.clean.set(last && !self.unsure.get());
        Ok(())
    }
}
