//! The folder trees of both sides: which target folder belongs to which source folder, what is missing, and what is not
//! where it should be. Pure.
//!
//! Default folders are matched by kind, other folders by path when they are first seen. From then on it is by reference,
//! so that the target follows when users rename or move folders in the source. Where another folder of the move has the
//! place of one, it gives way first, under a free name (`Letters (2)`); where a folder has it that is none of the move's,
//! what should be there stays where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::sync::Arc;

use mock_server::wire::answer::FolderEntry;
use mock_server::wire::call::FolderKind;
use mock_server::wire::id::Id;

use crate::checkpoint::FolderProgress;

/// Where a folder of the source is, as progress keeps it; nothing for default folders, which stay where they are.
pub(super) fn place_of(entry: &FolderEntry) -> Option<NonZeroU64> {
    (entry.kind == FolderKind::User).then(|| FolderProgress::place_of(entry.parent.as_ref(), &entry.name))
}

/// A step of the target towards the tree of the source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// Another name.
    Rename {
        /// The target folder.
        folder: Id,
        /// Its new name.
        name: Arc<str>,
    },
    /// Another place.
    Move {
        /// The target folder.
        folder: Id,
        /// The target folder that it goes into.
        parent: Id,
    },
}

impl Change {
    /// The target folder.
    pub(super) const fn folder(&self) -> &Id {
        match self {
            Self::Rename { folder, .. } | Self::Move { folder, .. } => folder,
        }
    }

    /// Makes the change in a listing.
    pub(super) fn apply(&self, target: &mut [FolderEntry]) {
        let Some(entry) = target.iter_mut().find(|entry| entry.id == *self.folder()) else { return };
        match self {
            Self::Rename { name, .. } => entry.name = Arc::clone(name),
            Self::Move { parent, .. } => entry.parent = Some(parent.clone()),
        }
    }
}

/// The target folder of each source folder, as far as there is one.
pub(super) struct Matched {
    /// By position in the listing of the source.
    pub(super) targets: Vec<Option<Id>>,
    /// For each source folder without a target: the target folder it belongs into, if that exists.
    parents: Vec<Option<Id>>,
    /// What is to be done before anything is made.
    pub(super) change: Option<Change>,
}

impl Matched {
    /// Matches two listings. `known` are the pairs on record; target folders in `stay` cannot be changed.
    pub(super) fn new(
        source: &[FolderEntry],
        target: &[FolderEntry],
        known: &[FolderProgress],
        stay: &BTreeSet<Id>,
    ) -> Self {
        let tree = Tree::new(target, known, stay);
        let mut places: BTreeMap<&Id, usize> = BTreeMap::new();
        let (targets, parents) = (vec![None; source.len()], vec![None; source.len()]);
        let mut matched = Self { targets, parents, change: None };
        // Folders in one that is yet to be made wait for it, and whatever is to go into them waits for them: so none is
        // moved into what is still inside it.
        let mut waits = vec![false; source.len()];
        for place in top_down(source) {
            let entry = &source[place];
            let above = entry.parent.as_ref().and_then(|parent| places.get(parent).copied());
            let parent = above.map_or_else(|| tree.root.cloned(), |above| matched.targets[above].clone());
            let found = tree.find(entry, parent.as_ref()).cloned();
            waits[place] = parent.is_none() || above.is_some_and(|above| waits[above]);
            if let (None, FolderKind::User, false, Some(parent)) = (&matched.change, entry.kind, waits[place], &parent)
            {
                matched.change = tree.change(entry, found.as_ref(), parent);
            }
            matched.parents[place] = parent.filter(|_| found.is_none() && !waits[place]);
            matched.targets[place] = found;
            places.insert(&entry.id, place);
        }
        matched
    }

    /// Up to `most` folders that can be made now, with the target folder they belong into.
    pub(super) fn ready_to_make(&self, most: usize) -> Vec<(usize, Id)> {
        let missing = self.parents.iter().enumerate();
        missing.filter_map(|(place, parent)| parent.clone().map(|parent| (place, parent))).take(most.max(1)).collect()
    }
}

/// Positions in a listing, folders after those that hold them. Services list in any order what was moved.
fn top_down(folders: &[FolderEntry]) -> Vec<usize> {
    let by_id: BTreeMap<&Id, &FolderEntry> = folders.iter().map(|entry| (&entry.id, entry)).collect();
    let depth = |place: &usize| {
        let above = |entry: &&FolderEntry| entry.parent.as_ref().and_then(|parent| by_id.get(parent).copied());
        std::iter::successors(Some(&folders[*place]), above).take(folders.len()).count()
    };
    let mut order: Vec<usize> = (0..folders.len()).collect();
    order.sort_by_cached_key(depth);
    order
}

/// The target, by what its folders are looked for by.
struct Tree<'t> {
    root: Option<&'t Id>,
    by_id: BTreeMap<&'t Id, &'t FolderEntry>,
    by_kind: BTreeMap<FolderKind, &'t Id>,
    /// By the folder that holds them and their names in lower case: services take names in any case for the same.
    by_name: BTreeMap<(&'t Id, String), &'t FolderEntry>,
    /// The target folders on record, by their source folders.
    known: BTreeMap<&'t Id, &'t Id>,
    /// The target folders on record.
    ours: BTreeSet<&'t Id>,
    stay: &'t BTreeSet<Id>,
}

impl<'t> Tree<'t> {
    fn new(target: &'t [FolderEntry], known: &'t [FolderProgress], stay: &'t BTreeSet<Id>) -> Self {
        let defaults = target.iter().filter(|entry| entry.kind != FolderKind::User);
        let by_kind: BTreeMap<FolderKind, &Id> = defaults.map(|entry| (entry.kind, &entry.id)).collect();
        // Listings need not show the root itself; it is then what holds a default folder but is not listed.
        let root = by_kind.get(&FolderKind::Root).copied().or_else(|| unlisted_parent(target));
        let by_name = target.iter().filter_map(|entry| {
            let parent = entry.parent.as_ref().or(root)?;
            Some(((parent, entry.name.to_lowercase()), entry))
        });
        Self {
            root,
            by_id: target.iter().map(|entry| (&entry.id, entry)).collect(),
            by_kind,
            by_name: by_name.collect(),
            known: known.iter().map(|folder| (&folder.source, &folder.target)).collect(),
            ours: known.iter().map(|folder| &folder.target).collect(),
            stay,
        }
    }

    /// The target folder of a source folder whose parent's target folder is `parent`.
    fn find(&self, entry: &FolderEntry, parent: Option<&Id>) -> Option<&Id> {
        if let Some(known) = self.known.get(&entry.id).filter(|known| self.by_id.contains_key(*known)) {
            return Some(known);
        }
        let by_name = || {
            let named = &self.holder(parent?, &entry.name)?.id;
            // That of another source folder is not this one's, whatever it is called.
            (!self.ours.contains(named)).then_some(named)
        };
        match entry.kind {
            FolderKind::User => by_name(),
            FolderKind::Root => self.by_kind.get(&FolderKind::Root).copied().or(self.root),
            // A default folder that the target lacks is made under its name like any other.
            kind => self.by_kind.get(&kind).copied().or_else(by_name),
        }
    }

    /// What is to be done next so that the target folder of a source folder, `found` or yet to be made, can have its place
    /// in `parent`. Nothing if it is there, or cannot be.
    fn change(&self, entry: &FolderEntry, found: Option<&Id>, parent: &Id) -> Option<Change> {
        let name = &entry.name;
        let Some(own) = found.and_then(|found| self.by_id.get(found)) else {
            return self.give_way(self.holder(parent, name)?);
        };
        let above = own.parent.as_ref().or(self.root)?;
        let (is_placed, is_named) = (above == parent, own.name == *name);
        if (is_placed && is_named) || self.stay.contains(&own.id) {
            return None;
        }
        let rename = |name: Arc<str>| Some(Change::Rename { folder: own.id.clone(), name });
        let holder = |parent: &Id, name: &str| self.holder(parent, name).filter(|other| other.id != own.id);
        if is_placed {
            return match holder(parent, name) {
                None => rename(Arc::clone(name)),
                Some(other) => self.give_way(other),
            };
        }
        match holder(parent, &own.name) {
            None => Some(Change::Move { folder: own.id.clone(), parent: parent.clone() }),
            Some(other) if is_named => self.give_way(other),
            // Its old name is taken there: it changes before it moves.
            Some(_) if holder(parent, name).is_none() && holder(above, name).is_none() => rename(Arc::clone(name)),
            Some(_) => rename(self.free_name(name, &[above, parent])),
        }
    }

    /// The folder in `parent` that has a name, in any case.
    fn holder(&self, parent: &Id, name: &str) -> Option<&'t FolderEntry> {
        self.by_name.get(&(parent, name.to_lowercase())).copied()
    }

    /// Another name for a folder that is in the way, if the move may give it one: its turn comes, or its source folder is
    /// gone.
    fn give_way(&self, other: &FolderEntry) -> Option<Change> {
        let may = other.kind == FolderKind::User && self.ours.contains(&other.id) && !self.stay.contains(&other.id);
        let parent = other.parent.as_ref().or(self.root).filter(|_| may)?;
        Some(Change::Rename { folder: other.id.clone(), name: self.free_name(&other.name, &[parent]) })
    }

    /// A name like another one that no folder in any of these has.
    fn free_name(&self, name: &str, parents: &[&Id]) -> Arc<str> {
        let free = |name: &String| parents.iter().all(|parent| self.holder(parent, name).is_none());
        let names = (2_u64..).map(|count| format!("{name} ({count})"));
        Arc::from(names.into_iter().find(free).unwrap_or_default())
    }
}

fn unlisted_parent(folders: &[FolderEntry]) -> Option<&Id> {
    let listed: BTreeSet<&Id> = folders.iter().map(|entry| &entry.id).collect();
    folders.iter().filter_map(|entry| entry.parent.as_ref()).find(|parent| !listed.contains(parent))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOT: u64 = 1_000;

    fn entry(id: u64, parent: u64, name: &str) -> FolderEntry {
        let (id, parent) = (Id::Number(id), Some(Id::Number(parent)));
        FolderEntry { id, parent, name: Arc::from(name), kind: FolderKind::User, items: 0, bytes: 0 }
    }

    /// A listing always shows a default folder, by which the root is found.
    fn inbox() -> FolderEntry {
        FolderEntry { kind: FolderKind::Inbox, ..entry(999, ROOT, "Inbox") }
    }

    fn pair(source: u64, target: u64) -> FolderProgress {
        let (source, target) = (Id::Number(source), Id::Number(target));
        FolderProgress { source, target, state: None, items: None, ours: true, restarting: false, place: None }
    }

    fn path(folders: &[FolderEntry], id: &Id) -> String {
        match folders.iter().find(|entry| entry.id == *id) {
            Some(entry) => format!("{}/{}", path(folders, entry.parent.as_ref().expect("all have one")), entry.name),
            None => String::new(),
        }
    }

    /// What a server does with a change: it refuses names that are there, in any case, and circles.
    fn carry_out(target: &mut [FolderEntry], change: &Change) {
        change.apply(target);
        let places: BTreeSet<_> = target.iter().map(|entry| (&entry.parent, entry.name.to_lowercase())).collect();
        assert_eq!(places.len(), target.len(), "{change:?} makes two of a name in {target:?}");
        assert_eq!(top_down(target).len(), target.len());
        for entry in target.iter() {
            let parent = |id: &Id| target.iter().find(|entry| entry.id == *id).and_then(|entry| entry.parent.clone());
            let above = std::iter::successors(parent(&entry.id), parent);
            assert!(above.take(target.len() + 1).count() <= target.len(), "{change:?} makes a circle in {target:?}");
        }
    }

    /// Does all that there is to do. Returns the target, and which folder belongs to which.
    fn settle(
        source: &[FolderEntry],
        mut target: Vec<FolderEntry>,
        known: &[FolderProgress],
    ) -> (Vec<FolderEntry>, Vec<Option<Id>>) {
        for round in 0..100 {
            let matched = Matched::new(source, &target, known, &BTreeSet::new());
            if let Some(change) = &matched.change {
                carry_out(&mut target, change);
                continue;
            }
            let ready = matched.ready_to_make(1);
            let Some((place, Id::Number(parent))) = ready.first() else { return (target, matched.targets) };
            target.push(entry(500 + round, *parent, &source[*place].name));
            carry_out(&mut target, &Change::Move { folder: Id::Number(500 + round), parent: Id::Number(*parent) });
        }
        panic!("it never ends: {source:?} {target:?}");
    }

    fn check(source: &[FolderEntry], target: &[FolderEntry], known: &[FolderProgress], expected: &[&str]) {
        let source: Vec<_> = std::iter::once(inbox()).chain(source.iter().cloned()).collect();
        let target: Vec<_> = std::iter::once(inbox()).chain(target.iter().cloned()).collect();
        let (target, _) = settle(&source, target, known);
        let paths: BTreeSet<_> = target.iter().skip(1).map(|entry| path(&target, &entry.id)).collect();
        assert_eq!(paths, expected.iter().map(|path| (*path).to_owned()).collect());
    }

    #[test]
    fn two_folders_change_names() {
        let target = [entry(11, ROOT, "A"), entry(12, ROOT, "B")];
        let source = [entry(1, ROOT, "B"), entry(2, ROOT, "A")];
        check(&source, &target, &[pair(1, 11), pair(2, 12)], &["/A", "/B"]);
    }

    #[test]
    fn a_folder_and_the_one_in_it_change_places() {
        let target = [entry(11, ROOT, "A"), entry(12, 11, "B")];
        let source = [entry(1, 2, "A"), entry(2, ROOT, "B")];
        check(&source, &target, &[pair(1, 11), pair(2, 12)], &["/B", "/B/A"]);
    }

    #[test]
    fn a_new_folder_with_the_name_of_a_renamed_one_is_another_folder() {
        let (target, source) = ([entry(11, ROOT, "A")], [entry(2, ROOT, "A"), entry(1, ROOT, "B")]);
        check(&source, &target, &[pair(1, 11)], &["/A", "/B"]);
    }

    #[test]
    fn a_folder_whose_source_is_gone_gives_way() {
        let (target, source) = ([entry(11, ROOT, "A")], [entry(2, ROOT, "a")]);
        check(&source, &target, &[pair(1, 11)], &["/A (2)", "/a"]);
    }

    #[test]
    fn a_folder_stays_where_it_is_if_its_place_is_taken_by_another_s() {
        let (target, source) = ([entry(11, ROOT, "A"), entry(12, ROOT, "b")], [entry(1, ROOT, "B")]);
        check(&source, &target, &[pair(1, 11)], &["/A", "/b"]);
        // It comes as near as it can.
        let source = [entry(1, 2, "B"), entry(2, ROOT, "C")];
        let target = [entry(11, ROOT, "A"), entry(12, 13, "A"), entry(13, ROOT, "C"), entry(14, 13, "B")];
        check(&source, &target, &[pair(1, 11), pair(2, 13)], &["/C", "/C/A", "/C/B", "/C/B (2)"]);
    }

    #[test]
    fn folders_that_cannot_be_changed_are_left_alone() {
        let (target, source) = ([inbox(), entry(11, ROOT, "A")], [inbox(), entry(1, ROOT, "B")]);
        let matched = |stay| Matched::new(&source, &target, &[pair(1, 11)], &stay).change;
        assert!(matched(BTreeSet::new()).is_some());
        assert_eq!(matched(BTreeSet::from([Id::Number(11)])), None);
    }

    /// A tree of folders with few names, so that they are in each other's way.
    fn tree(count: usize, first: u64) -> impl Strategy<Value = Vec<FolderEntry>> {
        prop::collection::vec((any::<prop::sample::Index>(), "[aAbB]"), count).prop_map(move |folders| {
            let mut tree: Vec<FolderEntry> = Vec::new();
            for (above, name) in folders {
                let above = above.index(tree.len() + 1);
                let parent = if above == 0 { ROOT } else { first + above as u64 - 1 };
                let new = entry(first + tree.len() as u64, parent, &name);
                let taken = tree
                    .iter()
                    .any(|one| one.parent == new.parent && one.name.to_lowercase() == new.name.to_lowercase());
                tree.push(if taken {
                    FolderEntry { name: format!("{name}{}", tree.len()).into(), ..new }
                } else {
                    new
                });
            }
            tree
        })
    }

    fn trees() -> impl Strategy<Value = (Vec<FolderEntry>, Vec<FolderEntry>)> {
        (1_usize..8, 0_usize..8).prop_flat_map(|(source, target)| (tree(source, 1), tree(target, 101)))
    }

    /// Another order, by chance.
    fn shuffled(count: usize) -> impl Strategy<Value = Vec<u64>> {
        Just((0..count as u64).collect()).prop_shuffle()
    }

    proptest! {
        #[test]
        fn the_target_becomes_what_the_source_is((source, target) in trees(), numbers in shuffled(8), order in shuffled(9)) {
            // Which target folder was made for which source folder; some have none, and some source folders are gone.
            let known: Vec<_> = (0..target.len()).map(|at| pair(1 + numbers[at], 101 + at as u64)).collect();
            let listed: Vec<_> = std::iter::once(inbox()).chain(source).collect();
            let source: Vec<_> = order.iter().filter_map(|at| listed.get(*at as usize).cloned()).collect();
            let (target, targets) = settle(&source, std::iter::once(inbox()).chain(target).collect(), &known);
            for (entry, found) in source.iter().zip(&targets) {
                let found = found.as_ref().expect("each has one");
                prop_assert_eq!(path(&source, &entry.id), path(&target, found));
                if let Some(pair) = known.iter().find(|pair| pair.source == entry.id) {
                    prop_assert_eq!(&pair.target, found);
                }
            }
        }
    }
}
