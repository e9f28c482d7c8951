//! Comparing both sides.
//!
//! | depth | source closed | source in use |
//! | --- | --- | --- |
//! | counts | every folder of the target holds as many items and bytes as its source folder, less those left behind | every folder of the target holds as many items as were stored in it |
//! | fingerprint | as well, every item of the source is in the target once, by identity and size, and nothing else that was copied is | as well, every item of the source that has not changed since it was copied is in the target once |
//!
//! Counts cannot see one item missing while another is there twice, unless their sizes differ; the fingerprint can. The
//! sizes are those of the exported streams; that the bytes themselves arrived unaltered is what the service's own check
//! of an imported stream shows. Where the target folder held items before the move, what is in it beyond the copied
//! items cannot be told from those.
//!
//! Users work in the target as soon as the switch is complete, and nobody keeps them from it before. What the target holds
//! beyond the copy is theirs, and no fault of the move, if its identity is there once and it was not stored by us. What is
//! there more than once, or was copied and is no longer in the source, is a fault. Nor is it a fault if they move an item,
//! by deleting it to begin with: what is missing in its folder is looked for in the others that were copied, where it has
//! another reference. So what counts find missing is looked into item by item. What they change or delete for good cannot
//! be told from what was lost.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mock_server::wire::answer::{ChangeKind, FolderEntry, ItemChange};
use mock_server::wire::call::FolderKind;
use mock_server::wire::id::{Id, ItemKey};

use super::job::{Job, Setback};
use super::join::workers;
use crate::checkpoint::{Checkpoint, FolderProgress};
use crate::event::{Listener, Verification};
use crate::scenario::plan::Verify;
use crate::world::{Side, World};

/// What was left behind in one folder.
#[derive(Copy, Clone, Default)]
struct Left {
    items: u64,
    /// Of these, items of which the target holds an older version.
    older: u64,
    bytes: u64,
}

/// Folders that were listed. They are looked for where they are expected first: both sides often list alike.
struct Listing<'f> {
    folders: &'f [FolderEntry],
    by_id: OnceCell<BTreeMap<&'f Id, &'f FolderEntry>>,
}

impl<'f> Listing<'f> {
    fn new(folders: &'f [FolderEntry]) -> Self {
        Self { folders, by_id: OnceCell::new() }
    }

    fn find(&self, place: u32, id: &Id) -> Option<&'f FolderEntry> {
        match self.folders.get(place as usize) {
            Some(entry) if entry.id == *id => Some(entry),
            _ => {
                let table = || self.folders.iter().map(|entry| (&entry.id, entry)).collect();
                self.by_id.get_or_init(table).get(id).copied()
            }
        }
    }
}

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Compares both sides as deeply as planned. Items that are in the target more than once are deleted there, and both
    /// sides compared again.
    pub(super) async fn verify(&self) -> Result<Verification, Setback> {
        let (found, surplus) = self.compare_all().await?;
        if surplus.is_empty() || self.run.is_careless() || !self.remove_repeated(&surplus).await? {
            return Ok(found);
        }
        Ok(self.compare_all().await?.0)
    }

    /// Compares both sides. Tells as well of which folders the target holds too much.
    async fn compare_all(&self) -> Result<(Verification, BTreeSet<u32>), Setback> {
        let source = self.list_folders(Side::Source).await?;
        let target = self.list_folders(Side::Target).await?;
        let (mut found, more) = self.compare_counts(&source, &target)?;
        let mut surplus = more.keys().copied().collect();
        if self.run.plan.verify == Verify::Fingerprint || found.missing > 0 {
            found = self.compare_items(&source, found, &mut surplus).await?;
        } else {
            for (place, items) in more {
                found += self.tell_apart(place, items).await?;
            }
        }
        Ok((found, surplus))
    }

    /// Whose items are in a folder of the target that holds so many too many, by a listing of it alone.
    async fn tell_apart(&self, place: u32, surplus: u64) -> Result<Verification, Setback> {
        let folder = self.progress.borrow().folders[place as usize].target.clone();
        let items = self.list_items(Side::Target, &folder, self.reserve(1)).await?;
        let mut often: BTreeMap<ItemKey, u32> = BTreeMap::new();
        for key in items.iter().filter_map(|item| item.key) {
            *often.entry(key).or_default() += 1;
        }
        let once = items.into_iter().filter(|item| item.key.is_none_or(|key| often.get(&key) == Some(&1)));
        let added = self.added_by_others(once.map(|item| item.item).collect())?.min(surplus);
        Ok(Verification { duplicate: surplus - added, added, ..Verification::default() })
    }

    /// How many of these items of the target were not stored by us.
    fn added_by_others(&self, items: Vec<Id>) -> Result<u64, Setback> {
        if items.is_empty() {
            return Ok(0);
        }
        let unpaired = self.run.checkpoint.unpaired(self.mailbox, items);
        unpaired.map(|items| items.len() as u64).map_err(|error| self.break_off(error))
    }

    fn source_is_closed(&self) -> bool {
        self.progress.borrow().cutover.is_some()
    }

    fn left_behind(&self, folder: u32) -> Result<Left, Setback> {
        let mut left = Left::default();
        for skipped in self.progress.borrow().skipped.iter().filter(|skipped| skipped.folder == folder) {
            let older = self.run.checkpoint.target_of(self.mailbox, &skipped.item);
            left.items += 1;
            left.older += u64::from(older.map_err(|error| self.break_off(error))?.is_some());
            left.bytes += u64::from(skipped.size);
        }
        Ok(left)
    }

    /// Compares what both sides say of their folders. Tells as well of how many items each folder of the target holds too
    /// many; whose they are, it cannot tell.
    fn compare_counts(
        &self,
        source: &[FolderEntry],
        target: &[FolderEntry],
    ) -> Result<(Verification, BTreeMap<u32, u64>), Setback> {
        let mut surplus = BTreeMap::new();
        let closed = self.source_is_closed();
        let held = Listing::new(target);
        let mut total = Verification::default();
        for (place, entry) in source.iter().filter(|entry| entry.kind != FolderKind::Root).enumerate() {
            let progress = self.progress.borrow();
            let Some((place, folder)) = find_folder(&progress.folders, place, &entry.id) else {
                if closed {
                    total.expected += entry.items;
                    total.missing += entry.items;
                }
                continue;
            };
            let found = held.find(place, &folder.target);
            let (items, bytes) = found.map_or((0, 0), |entry| (entry.items, entry.bytes));
            let left = self.left_behind(place)?;
            // What the target is to hold: what the source does, or what we stored where the source has moved on.
            let exact = closed && folder.ours;
            let wanted = match folder.items {
                Some(stored) if !exact => stored,
                _ => (entry.items + left.older).saturating_sub(left.items),
            };
            let mut missing = wanted.saturating_sub(items);
            if exact && missing == 0 && items == wanted && left.older == 0 {
                // As many items, but not the same: at least one of them is not what the source holds.
                missing = u64::from(bytes + left.bytes != entry.bytes);
            }
            let expected = if closed { entry.items } else { wanted + left.items - left.older };
            let skipped = left.items.min(expected);
            total.expected += expected;
            total.skipped += skipped;
            total.missing += missing.min(expected - skipped);
            total.present += (expected - skipped).saturating_sub(missing);
            if items > wanted {
                surplus.insert(place, items - wanted);
            }
        }
        if closed {
            let progress = self.progress.borrow();
            let left = gone(&progress.folders, source).into_iter().filter(|(_, folder)| folder.ours);
            let left = left.filter_map(|(place, folder)| Some((place, held.find(place, &folder.target)?.items)));
            surplus.extend(left.filter(|(_, items)| *items > 0));
        }
        Ok((total, surplus))
    }

    /// Lists every folder on both sides and compares item by item.
    async fn compare_items(
        &self,
        source: &[FolderEntry],
        counts: Verification,
        surplus: &mut BTreeSet<u32>,
    ) -> Result<Verification, Setback> {
        let folders = Arc::clone(&self.progress.borrow().folders);
        let first = self.reserve(folders.len() * 3);
        let next = Cell::new(0);
        let compared = RefCell::new(BTreeMap::new());
        let setback = Cell::new(None);
        let gone: BTreeSet<u32> = gone(&folders, source).into_iter().map(|(place, _)| place).collect();
        let (next, compared_in, setback_in, folders, gone) = (&next, &compared, &setback, &folders, &gone);
        workers(&self.run.world, &self.signal, self.width().min(folders.len()).max(1), |_| async move {
            while setback_in.get().is_none() && next.get() < folders.len() {
                let place = next.replace(next.get() + 1);
                let numbers = first + 3 * place as u64;
                let outcome = if gone.contains(&(place as u32)) {
                    self.look_into_gone(&folders[place], numbers).await
                } else {
                    self.compare_folder(place as u32, &folders[place], numbers).await
                };
                match outcome {
                    Ok(found) => {
                        compared_in.borrow_mut().insert(place as u32, found);
                    }
                    Err(refused) => setback_in.set(Some(refused)),
                }
            }
        })
        .await;
        self.settle();
        if let Some(setback) = setback.get() {
            return Err(setback);
        }
        let compared = compared.into_inner();
        let mut total = Verification::default();
        let mut missing: BTreeMap<(ItemKey, u32), u64> = BTreeMap::new();
        for item in compared.values().flat_map(|folder| &folder.missing) {
            *missing.entry(*item).or_default() += 1;
        }
        let mut moved = 0;
        for (place, folder) in compared {
            let found = self.judge_folder(&folders[place as usize], folder, &mut missing, &mut moved)?;
            if found.duplicate > 0 {
                surplus.insert(place);
            }
            total += found;
        }
        // Folders without a counterpart were counted above and are on no list here.
        if self.source_is_closed() {
            let known: BTreeSet<&Id> = folders.iter().map(|folder| &folder.source).collect();
            let unknown = source.iter().filter(|entry| entry.kind != FolderKind::Root && !known.contains(&entry.id));
            let unknown: u64 = unknown.map(|entry| entry.items).sum();
            total.expected += unknown;
            total.missing += unknown;
        }
        // What the counts found and the listing did not: the server's own totals disagree with its listings. Counts know
        // nothing of what was moved.
        let wanted = total.expected - total.skipped;
        total.missing = total.missing.max(counts.missing).saturating_sub(moved).min(wanted);
        total.present = wanted - total.missing;
        Ok(total)
    }

    /// What was found of one folder, less what is missing elsewhere and was moved here. `missing` are the items that are
    /// still looked for, `moved` how many were found.
    fn judge_folder(
        &self,
        folder: &FolderProgress,
        compared: Compared,
        missing: &mut BTreeMap<(ItemKey, u32), u64>,
        moved: &mut u64,
    ) -> Result<Verification, Setback> {
        let Compared { mut found, strange, deleted, .. } = compared;
        if !folder.ours || strange.is_empty() {
            return Ok(found);
        }
        let of_others =
            self.run.checkpoint.unpaired(self.mailbox, strange.iter().map(|item| item.item.clone()).collect());
        let of_others: BTreeSet<Id> = of_others.map_err(|error| self.break_off(error))?.into_iter().collect();
        let (added, ours): (Vec<_>, Vec<_>) = strange.into_iter().partition(|item| of_others.contains(&item.item));
        for item in added {
            let wanted = item.key.and_then(|key| missing.get_mut(&(key, item.size))).filter(|wanted| **wanted > 0);
            match wanted {
                Some(wanted) => {
                    *wanted -= 1;
                    *moved += 1;
                }
                None => found.added += 1,
            }
        }
        found.duplicate += (ours.len() as u64).saturating_sub(deleted);
        Ok(found)
    }

    /// What the target holds of a folder that the source no longer has.
    async fn look_into_gone(&self, folder: &FolderProgress, request: u64) -> Result<Compared, Setback> {
        if !folder.ours || !self.source_is_closed() {
            return Ok(Compared::default());
        }
        let strange = self.list_items(Side::Target, &folder.target, request + 1).await?;
        Ok(Compared { strange, ..Compared::default() })
    }

    async fn compare_folder(&self, place: u32, folder: &FolderProgress, request: u64) -> Result<Compared, Setback> {
        let source = self.list_items(Side::Source, &folder.source, request).await?;
        let target = self.list_items(Side::Target, &folder.target, request + 1).await?;
        let since = if self.source_is_closed() {
            Vec::new()
        } else {
            self.list_changes(Side::Source, &folder.source, folder.state.clone(), request + 2).await?
        };
        let progress = self.progress.borrow();
        let skipped = progress.skipped.iter().filter(|skipped| skipped.folder == place).map(|skipped| &skipped.item);
        Ok(compare(&source, &target, &since, &skipped.collect::<Vec<_>>()))
    }
}

fn find_folder<'f>(folders: &'f [FolderProgress], place: usize, id: &Id) -> Option<(u32, &'f FolderProgress)> {
    let found = match folders.get(place) {
        Some(folder) if folder.source == *id => Some(place),
        _ => folders.iter().position(|folder| folder.source == *id),
    };
    found.map(|place| (place as u32, &folders[place]))
}

/// The folders of the progress that are not in a listing of the source, with their positions.
fn gone<'f>(folders: &'f [FolderProgress], source: &[FolderEntry]) -> Vec<(u32, &'f FolderProgress)> {
    // As long as no folder was made or deleted, both are in the same order.
    let mut entries = source.iter().filter(|entry| entry.kind != FolderKind::Root);
    if folders.iter().all(|folder| entries.next().is_some_and(|entry| entry.id == folder.source)) {
        return Vec::new();
    }
    let listed: BTreeSet<&Id> = source.iter().map(|entry| &entry.id).collect();
    (0..).zip(folders).filter(|(_, folder)| !listed.contains(&folder.source)).collect()
}

/// What the target is to hold of one identity.
#[derive(Default)]
struct Wanted {
    /// The sizes of the items that were not found yet.
    sizes: Vec<u32>,
    /// How many items there may be, of any size, before there are too many.
    room: usize,
    /// Whether the target may hold any number of them without proving anything.
    tolerated: bool,
}

/// What a comparison of the items of one folder found.
#[derive(Default)]
struct Compared {
    /// In numbers, strange items left aside.
    found: Verification,
    /// Identities and sizes of the items that the target folder lacks.
    missing: Vec<(ItemKey, u32)>,
    /// Items of the target folder that are not in the source folder.
    strange: Vec<ItemChange>,
    /// How many of those may be there because they were deleted in the source after the copy.
    deleted: u64,
}

/// Compares the items of one folder. `since` are changes of the source after the copy, whose items prove nothing;
/// `skipped` are items that were left behind.
fn compare(source: &[ItemChange], target: &[ItemChange], since: &[ItemChange], skipped: &[&Id]) -> Compared {
    if since.is_empty() && skipped.is_empty() {
        // Most of a copy is in the order of its source.
        let alike = alike(source, target);
        let mut rest = compare_by_identity(&source[alike..], &target[alike..], &[], &[]);
        // What is strange here may be there a second time.
        if rest.strange.is_empty() {
            rest.found.expected += alike as u64;
            rest.found.present += alike as u64;
            return rest;
        }
    }
    compare_by_identity(source, target, since, skipped)
}

/// How many items two listings have in common before they differ.
fn alike(source: &[ItemChange], target: &[ItemChange]) -> usize {
    let same =
        |(one, other): &(&ItemChange, &ItemChange)| one.key.is_some() && (one.key, one.size) == (other.key, other.size);
    source.iter().zip(target).take_while(same).count()
}

fn compare_by_identity(
    source: &[ItemChange],
    target: &[ItemChange],
    since: &[ItemChange],
    skipped: &[&Id],
) -> Compared {
    let mut found = Verification::default();
    let changed: BTreeSet<&Id> = since.iter().map(|change| &change.item).collect();
    let mut wanted: BTreeMap<ItemKey, Wanted> = BTreeMap::new();
    for item in source {
        let Some(key) = item.key else { continue };
        let entry = wanted.entry(key).or_default();
        if skipped.contains(&&item.item) {
            found.expected += 1;
            found.skipped += 1;
            entry.tolerated = true;
        } else if changed.contains(&item.item) {
            entry.tolerated = true;
        } else {
            found.expected += 1;
            entry.sizes.push(item.size);
            entry.room += 1;
        }
    }
    let mut strange = Vec::new();
    for item in target {
        let Some(entry) = item.key.and_then(|key| wanted.get_mut(&key)) else {
            strange.push(item.clone());
            continue;
        };
        if let Some(place) = entry.sizes.iter().position(|size| *size == item.size) {
            entry.sizes.swap_remove(place);
            found.present += 1;
        }
        if entry.room > 0 {
            entry.room -= 1;
        } else if !entry.tolerated {
            found.duplicate += 1;
        }
    }
    found.missing = found.expected - found.skipped - found.present;
    let missing = wanted.into_iter().flat_map(|(key, wanted)| wanted.sizes.into_iter().map(move |size| (key, size)));
    let deleted = since.iter().filter(|change| change.kind == ChangeKind::Delete).count() as u64;
    Compared { found, missing: missing.collect(), strange, deleted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(number: u64, size: u32) -> ItemChange {
        ItemChange { kind: ChangeKind::Create, item: Id::Number(number), key: Some(ItemKey(number)), size }
    }

    /// What is present, missing, there more than once, left behind and strange.
    fn check(source: &[ItemChange], target: &[ItemChange], skipped: &[u64]) -> (u64, u64, u64, u64, usize) {
        let skipped: Vec<Id> = skipped.iter().map(|number| Id::Number(*number)).collect();
        let Compared { found, strange, .. } = compare(source, target, &[], &skipped.iter().collect::<Vec<_>>());
        assert_eq!(found.expected, found.present + found.missing + found.skipped);
        (found.present, found.missing, found.duplicate, found.skipped, strange.len())
    }

    #[test]
    fn missing_repeated_stale_strange_and_skipped_items_are_told_apart() {
        let source = [item(1, 10), item(2, 20), item(3, 30), item(4, 40)];
        assert_eq!(check(&source, &source, &[]), (4, 0, 0, 0, 0));
        assert_eq!(check(&source, &source[..3], &[]), (3, 1, 0, 0, 0));
        assert_eq!(check(&source, &source[..3], &[4]), (3, 0, 0, 1, 0));
        assert_eq!(check(&source[..2], &source, &[]), (2, 0, 0, 0, 2));
        assert_eq!(check(&source[..1], &[item(1, 10), item(1, 10)], &[]), (1, 0, 1, 0, 0));
        assert_eq!(check(&source[..1], &[item(1, 11)], &[]), (0, 1, 0, 0, 0));
        for both in [[item(1, 10), item(1, 11)], [item(1, 11), item(1, 10)]] {
            assert_eq!(check(&source[..1], &both, &[]), (1, 0, 1, 0, 0), "an older version beside the right one");
        }
    }

    #[test]
    fn what_changed_after_the_copy_proves_nothing() {
        let since = [item(2, 21), ItemChange { kind: ChangeKind::Delete, key: None, ..item(9, 0) }];
        let target = [item(1, 10), item(2, 20), item(9, 90)];
        let compared = compare(&[item(1, 10), item(2, 21)], &target, &since, &[]);
        let Verification { expected, present, missing, duplicate, .. } = compared.found;
        assert_eq!((expected, present, missing, duplicate), (1, 1, 0, 0));
        assert_eq!((compared.strange, compared.deleted), (vec![item(9, 90)], 1));
    }

    proptest! {
        #[test]
        fn what_both_list_alike_is_compared_like_the_rest(
            begin in prop::collection::vec((prop::option::weighted(0.9, 0u64..20), 1u32..3), 0..20),
            ends in [(); 2].map(|()| prop::collection::vec((prop::option::weighted(0.9, 0u64..20), 1u32..3), 0..4)),
        ) {
            let [source, target] = ends.map(|end| {
                let items = begin.iter().copied().chain(end).zip(0..);
                let items = items.map(|((key, size), number)| ItemChange { key: key.map(ItemKey), ..item(number, size) });
                items.collect::<Vec<_>>()
            });
            let [quick, full] = [compare, compare_by_identity].map(|compare| {
                let mut compared = compare(&source, &target, &[], &[]);
                // In which order items of one identity are told does not matter.
                compared.missing.sort_unstable();
                compared
            });
            prop_assert_eq!(quick.found, full.found);
            prop_assert_eq!((quick.missing, quick.strange), (full.missing, full.strange));
        }

        #[test]
        fn losing_and_doubling_items_is_counted_exactly(
            copies in prop::collection::vec(0usize..3, 0..60),
        ) {
            let source: Vec<ItemChange> = (0..copies.len() as u64).map(|number| item(number, number as u32)).collect();
            let target: Vec<ItemChange> =
                source.iter().zip(&copies).flat_map(|(item, copies)| vec![item.clone(); *copies]).collect();
            let lost = copies.iter().filter(|copies| **copies == 0).count() as u64;
            let doubled = copies.iter().filter(|copies| **copies == 2).count() as u64;
            let (present, missing, duplicate, ..) = check(&source, &target, &[]);
            prop_assert_eq!((present, missing, duplicate), (copies.len() as u64 - lost, lost, doubled));
        }
    }
}
