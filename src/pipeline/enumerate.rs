//! Which folders there are on both sides: make what is missing in the target, and bring what was renamed or moved in the
//! source to its new place. [`super::tree`] says what that is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mock_server::wire::answer::{Answer, FolderEntry};
use mock_server::wire::call::{Call, FolderKind, Protocol};
use mock_server::wire::id::Id;
use mock_server::wire::refusal::{Refusal, RefusalKind};

use super::ask::{Step, Tries};
use super::job::{Job, Setback};
use super::tree::{Change, Matched, place_of};
use crate::checkpoint::{Checkpoint, FolderProgress};
use crate::event::Listener;
use crate::world::{Side, World};

/// Folders asked for in one page (EWS `FindFolder` returns at most 1,000; office-developer-exchange-docs,
/// `ews-throttling-in-exchange.md`).
const FOLDER_PAGE: u32 = 1_000;

/// Rounds of listing the target and making what is missing before the mailbox is given up, whatever it holds (assumed).
const MOST_ROUNDS: usize = 400;

/// Rounds for each folder of either side beyond those: it is made, or gives way, gets its name and gets its place.
const ROUNDS_PER_FOLDER: usize = 3;

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Lists all folders of one side.
    pub(super) async fn list_folders(&self, side: Side) -> Result<Vec<FolderEntry>, Setback> {
        let mut all = Vec::new();
        let mut from = 0;
        loop {
            match self.need(side, &Call::FindFolders { from, limit: FOLDER_PAGE }).await? {
                Answer::Folders { folders, next, .. } => {
                    if folders.is_empty() && next.is_some() {
                        return Err(Setback::Confused);
                    }
                    if all.is_empty() {
                        all = folders;
                    } else {
                        all.extend(folders);
                    }
                    match next {
                        Some(next) if next > from => from = next,
                        Some(_) => return Err(Setback::Confused),
                        None => return Ok(all),
                    }
                }
                _ => return Err(Setback::Confused),
            }
        }
    }

    /// Finds or makes the target folder of every source folder, and keeps the pairs. Returns the listing of the source.
    pub(super) async fn enumerate(&self) -> Result<Vec<FolderEntry>, Setback> {
        let source = self.list_folders(Side::Source).await?;
        let complete = {
            let progress = self.progress.borrow();
            let counted = self.run.cutover || progress.folders.iter().all(|folder| folder.items.is_some());
            counted && all_known(&progress.folders, &source)
        };
        if !complete {
            let target = self.list_folders(Side::Target).await?;
            self.match_folders(&source, target).await?;
        }
        Ok(source)
    }

    /// After the target said that something is not there: looks whether it is folders on record that are gone, and finds or
    /// makes others.
    pub(super) async fn replace_lost_folders(&self, source: &[FolderEntry]) -> Result<(), Setback> {
        let target = self.list_folders(Side::Target).await?;
        let there: BTreeSet<&Id> = target.iter().map(|entry| &entry.id).collect();
        let listed: BTreeSet<&Id> = source.iter().map(|entry| &entry.id).collect();
        let is_lost = |folder: &FolderProgress| listed.contains(&folder.source) && !there.contains(&folder.target);
        let is_any_lost = self.progress.borrow().folders.iter().any(is_lost);
        if is_any_lost { self.match_folders(source, target).await } else { Ok(()) }
    }

    async fn match_folders(&self, source: &[FolderEntry], mut target: Vec<FolderEntry>) -> Result<(), Setback> {
        let known = Arc::clone(&self.progress.borrow().folders);
        let mut stay = BTreeSet::new();
        for _ in 0..MOST_ROUNDS + ROUNDS_PER_FOLDER * (source.len() + target.len()) {
            let matched = Matched::new(source, &target, &known, &stay);
            if let Some(change) = &matched.change {
                if !self.change_folder(change, &mut target, &mut stay).await? {
                    target = self.list_folders(Side::Target).await?;
                }
                continue;
            }
            let ready = matched.ready_to_make(self.run.plan.batch.batch_calls as usize);
            if ready.is_empty() {
                if matched.targets.iter().any(Option::is_none) {
                    return Err(Setback::Confused);
                }
                // Kept before anything is stored: a resumed run must know that what it finds there is its own.
                self.keep_folders(source, &target, &matched);
                return self.save(&[]);
            }
            if !self.make_folders(source, &ready, &mut target).await? {
                target = self.list_folders(Side::Target).await?;
            }
        }
        Err(Setback::Confused)
    }

    fn keep_folders(&self, source: &[FolderEntry], target: &[FolderEntry], matched: &Matched) {
        let held: BTreeMap<&Id, u64> = target.iter().map(|folder| (&folder.id, folder.items)).collect();
        let mut progress = self.progress.borrow_mut();
        let folders = Arc::make_mut(&mut progress.folders);
        for folder in folders.iter_mut() {
            folder.items = folder.items.or_else(|| held.get(&folder.target).copied());
        }
        let found = source.iter().zip(&matched.targets);
        let found: BTreeMap<&Id, (&FolderEntry, &Option<Id>)> = found.map(|pair| (&pair.0.id, pair)).collect();
        for folder in folders.iter_mut() {
            let Some((entry, target)) = found.get(&folder.source) else { continue };
            folder.place = place_of(entry);
            if let Some(target) = target
                && *target != folder.target
            {
                // Somebody deleted the target folder, and all that was copied into it: another one takes its place.
                let items = held.get(target).copied().unwrap_or(0);
                (folder.target, folder.state) = (target.clone(), None);
                (folder.items, folder.ours, folder.restarting) = (Some(items), items == 0, false);
            }
        }
        let known: BTreeSet<Id> = folders.iter().map(|folder| folder.source.clone()).collect();
        for (entry, found) in source.iter().zip(&matched.targets) {
            if let Some(found) = found
                && entry.kind != FolderKind::Root
                && !known.contains(&entry.id)
            {
                let items = held.get(found).copied().unwrap_or(0);
                folders.push(FolderProgress {
                    source: entry.id.clone(),
                    target: found.clone(),
                    state: None,
                    items: Some(items),
                    ours: items == 0,
                    restarting: false,
                    place: place_of(entry),
                });
            }
        }
    }

    /// Makes folders; those that were made are added to `target`. False if the target must be listed again, because
    /// something was refused or an answer was lost.
    async fn make_folders(
        &self,
        source: &[FolderEntry],
        ready: &[(usize, Id)],
        target: &mut Vec<FolderEntry>,
    ) -> Result<bool, Setback> {
        let calls: Vec<Call> = ready
            .iter()
            .map(|(place, parent)| Call::CreateFolder {
                parent: parent.clone(),
                name: Arc::clone(&source[*place].name),
            })
            .collect();
        let request = self.reserve(calls.len());
        let mut made = |place: usize, parent: &Id, id: Id| {
            target.push(FolderEntry {
                id,
                parent: Some(parent.clone()),
                name: Arc::clone(&source[place].name),
                kind: FolderKind::User,
                items: 0,
                bytes: 0,
            });
        };
        if self.run.protocol(Side::Target) == Protocol::Graph && calls.len() > 1 {
            let call = Call::Batch { calls };
            let answers = match self.make_once(request, &call).await? {
                Some(Answer::Batch(answers)) if answers.len() == ready.len() => answers,
                Some(_) => return Err(Setback::Confused),
                None => return Ok(false),
            };
            let mut wait = None;
            let mut whole = true;
            for ((place, parent), answer) in ready.iter().zip(answers) {
                match answer {
                    Ok(Answer::Created(id)) => made(*place, parent, id),
                    Ok(_) => return Err(Setback::Confused),
                    Err(refusal) if refusal.kind.is_transient() || refusal.kind == RefusalKind::Conflict => {
                        whole = false;
                        self.entry_refused(Side::Target, &refusal);
                        if refusal.kind.is_throttle() {
                            wait = wait.max(Some(refusal.retry_after.unwrap_or_default()));
                        }
                    }
                    Err(refusal) => return Err(Setback::Refused(refusal.kind)),
                }
            }
            if wait.is_some() {
                self.pause(Side::Target, request, 0, wait, true).await;
            }
            return Ok(whole);
        }
        for (number, ((place, parent), call)) in ready.iter().zip(&calls).enumerate() {
            match self.make_once(request + number as u64, call).await? {
                Some(Answer::Created(id)) => made(*place, parent, id),
                Some(_) => return Err(Setback::Confused),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Gives a target folder another name or place; `target` then says so. False if the target must be listed again: an
    /// answer was lost, or the folder cannot be there and has to `stay` where it is.
    async fn change_folder(
        &self,
        change: &Change,
        target: &mut [FolderEntry],
        stay: &mut BTreeSet<Id>,
    ) -> Result<bool, Setback> {
        let call = match change {
            Change::Rename { folder, name } => Call::RenameFolder { folder: folder.clone(), name: Arc::clone(name) },
            Change::Move { folder, parent } => Call::MoveFolder { folder: folder.clone(), parent: parent.clone() },
        };
        let mut tries = Tries::new(Side::Target, self.reserve(1));
        loop {
            match self.attempt(&mut tries, &call).await {
                Step::Done(Answer::Created(_)) => {
                    change.apply(target);
                    return Ok(true);
                }
                Step::Done(_) => return Err(Setback::Confused),
                Step::Repeat { ambiguous: true } => return Ok(false),
                Step::Repeat { ambiguous: false } => {}
                Step::GaveUp(Refusal { kind, .. }) if !kind.is_transient() => {
                    stay.insert(change.folder().clone());
                    return Ok(false);
                }
                Step::GaveUp(refusal) => return Err(Setback::Refused(refusal.kind)),
            }
        }
    }

    /// Makes a call that must not be repeated blindly. Nothing if it may have been carried out unseen, or clashed with
    /// something that is there already.
    async fn make_once(&self, request: u64, call: &Call) -> Result<Option<Answer>, Setback> {
        let mut tries = Tries::new(Side::Target, request);
        loop {
            match self.attempt(&mut tries, call).await {
                Step::Done(answer) => return Ok(Some(answer)),
                Step::Repeat { ambiguous: true } => return Ok(None),
                Step::Repeat { ambiguous: false } => {}
                Step::GaveUp(refusal) if refusal.kind == RefusalKind::Conflict => return Ok(None),
                Step::GaveUp(refusal) => return Err(Setback::Refused(refusal.kind)),
            }
        }
    }
}

/// Whether every source folder is on record, and where it was. The order is that of the listing as long as no folder was
/// added.
fn all_known(known: &[FolderProgress], source: &[FolderEntry]) -> bool {
    let mut expected = known.iter();
    source.iter().filter(|entry| entry.kind != FolderKind::Root).all(|entry| {
        let is = |folder: &&FolderProgress| folder.source == entry.id;
        let folder = expected.next().filter(is).or_else(|| known.iter().find(is));
        folder.is_some_and(|folder| folder.place == place_of(entry))
    })
}
