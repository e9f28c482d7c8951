//! Which folders there are on both sides: match default folders by kind and the others by path, make what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mock_server::wire::answer::{Answer, FolderEntry};
use mock_server::wire::call::{Call, FolderKind, Protocol};
use mock_server::wire::id::Id;
use mock_server::wire::refusal::RefusalKind;

use super::ask::{Step, Tries};
use super::job::{Job, Setback};
use crate::checkpoint::{Checkpoint, FolderProgress};
use crate::event::Listener;
use crate::world::{Side, World};

/// Folders asked for in one page (EWS `FindFolder` returns at most 1,000; office-developer-exchange-docs,
/// `ews-throttling-in-exchange.md`).
const FOLDER_PAGE: u32 = 1_000;

/// Rounds of listing the target and making what is missing, beyond one for each level of the tree, before the mailbox is
/// given up (assumed).
const MOST_ROUNDS: u32 = 400;

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Lists all folders of one side.
    pub(super) async fn list_folders(&self, side: Side) -> Result<Vec<FolderEntry>, Setback> {
        let mut all = Vec::new();
        let mut from = 0;
        loop {
            match self.need(side, &Call::FindFolders { from, limit: FOLDER_PAGE }).await? {
                Answer::Folders { folders, next, .. } => {
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
            self.match_folders(&source).await?;
        }
        Ok(source)
    }

    async fn match_folders(&self, source: &[FolderEntry]) -> Result<(), Setback> {
        let mut target = self.list_folders(Side::Target).await?;
        for _ in 0..MOST_ROUNDS {
            let matched = Matched::new(source, &target);
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
        Err(Setback::Refused(RefusalKind::NotFound))
    }

    fn keep_folders(&self, source: &[FolderEntry], target: &[FolderEntry], matched: &Matched) {
        let held: BTreeMap<&Id, u64> = target.iter().map(|folder| (&folder.id, folder.items)).collect();
        let mut progress = self.progress.borrow_mut();
        let folders = Arc::make_mut(&mut progress.folders);
        for folder in folders.iter_mut() {
            folder.items = folder.items.or_else(|| held.get(&folder.target).copied());
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

/// Whether every source folder is on record. The order is that of the listing as long as no folder was added.
fn all_known(known: &[FolderProgress], source: &[FolderEntry]) -> bool {
    let mut expected = known.iter();
    source.iter().filter(|entry| entry.kind != FolderKind::Root).all(|entry| {
        expected.next().is_some_and(|folder| folder.source == entry.id)
            || known.iter().any(|folder| folder.source == entry.id)
    })
}

/// The target folder of each source folder, as far as there is one.
struct Matched {
    targets: Vec<Option<Id>>,
    /// For each source folder without a target: the target folder it belongs into, if that exists.
    parents: Vec<Option<Id>>,
}

impl Matched {
    fn new(source: &[FolderEntry], target: &[FolderEntry]) -> Self {
        let by_kind: BTreeMap<FolderKind, &Id> =
            target.iter().filter(|entry| entry.kind != FolderKind::User).map(|entry| (entry.kind, &entry.id)).collect();
        let by_name: BTreeMap<(Option<&Id>, &str), &Id> =
            target.iter().map(|entry| ((entry.parent.as_ref(), &*entry.name), &entry.id)).collect();
        // Listings need not show the root itself; it is then what holds a default folder but is not listed.
        let root = by_kind.get(&FolderKind::Root).map(|id| (*id).clone()).or_else(|| unlisted_parent(target));
        let mut places: BTreeMap<&Id, usize> = BTreeMap::new();
        let mut matched = Self { targets: Vec::with_capacity(source.len()), parents: Vec::with_capacity(source.len()) };
        for (place, entry) in source.iter().enumerate() {
            let parent = match entry.parent.as_ref().and_then(|parent| places.get(parent)) {
                Some(&parent) => matched.targets[parent].clone(),
                None => root.clone(),
            };
            let found = if entry.kind == FolderKind::User {
                parent.as_ref().and_then(|parent| by_name.get(&(Some(parent), &*entry.name)))
            } else {
                by_kind.get(&entry.kind)
            };
            let found = match (entry.kind, found) {
                (FolderKind::Root, None) => root.clone(),
                // A default folder that the target lacks is made under its name like any other.
                (FolderKind::User, found) => found.map(|id| (*id).clone()),
                (_, Some(found)) => Some((*found).clone()),
                (_, None) => parent
                    .as_ref()
                    .and_then(|parent| by_name.get(&(Some(parent), &*entry.name)))
                    .map(|id| (*id).clone()),
            };
            matched.parents.push(if found.is_none() { parent } else { None });
            matched.targets.push(found);
            places.insert(&entry.id, place);
        }
        matched
    }

    /// Up to `most` folders that can be made now, with the target folder they belong into.
    fn ready_to_make(&self, most: usize) -> Vec<(usize, Id)> {
        let missing = self.parents.iter().enumerate();
        missing.filter_map(|(place, parent)| parent.clone().map(|parent| (place, parent))).take(most.max(1)).collect()
    }
}

fn unlisted_parent(folders: &[FolderEntry]) -> Option<Id> {
    let listed: BTreeSet<&Id> = folders.iter().map(|entry| &entry.id).collect();
    folders.iter().filter_map(|entry| entry.parent.as_ref()).find(|parent| !listed.contains(parent)).cloned()
}
