//! What is under way of a pass: the rounds that are being copied, and the one that is being prepared.
//!
//! Rounds overlap. When nothing is left to begin of those under way, the next one is prepared and copied beside their last
//! calls, so that a call that has to wait holds nobody else up. What that asks for:
//!
//! | what | how |
//! | --- | --- |
//! | numbers of requests do not depend on the order of answers | rounds are prepared one after another, and numbers given out only there |
//! | a crash loses nothing | rounds are saved in their order: what a later one stored is looked for like all that was not saved |
//! | a change to what an earlier round is still storing | such a round is planned when the earlier ones are saved, and so is one that has to list the target or deletes what is left there |
//! | memory stays bounded, and what is done twice after a crash | few rounds are under way, with few changes |

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault};
use std::rc::Rc;

use mock_server::draw::mix;
use mock_server::wire::answer::ItemChange;
use mock_server::wire::id::{Id, ItemKey};

use super::changes::{IdHasher, Work};
use super::copy::Copying;
use super::job::Setback;

/// Changes that one round is meant to bring (assumed: some minutes of work at 4 imports at once).
const ROUND_CHANGES: u64 = 2_048;

/// Changes expected in a folder that was copied before (assumed; decides only how a pass is divided into rounds).
pub(super) const EXPECTED_CHANGES: u64 = 16;

/// Most rounds under way at once (assumed: rounds of one large folder are a page each, some ten seconds of work; so a call
/// may wait for most of a minute before others wait for it).
const MOST_ROUNDS: usize = 5;

/// Changes under way up to which a further round is begun (assumed: with the ones of that round, what is done twice at
/// most if the pipeline dies).
const MOST_CHANGES: usize = ROUND_CHANGES as usize;

/// One folder of a pass.
pub(super) struct Open {
    /// Its position in the progress.
    pub(super) folder: u32,
    /// Changes that are expected in it.
    pub(super) expected: u64,
    /// Where the source is asked to go on. Ahead of the state on record while a folder starts over or a round of it is
    /// under way.
    pub(super) cursor: Option<Id>,
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

impl Held {
    /// Takes the item of an identity out, if it is there.
    pub(super) fn take(&mut self, key: Option<ItemKey>) -> Option<(Id, u32)> {
        self.items.remove(&key?)
    }
}

/// What one sync call brought.
pub(super) struct Page {
    /// Position of the folder in the progress.
    pub(super) folder: u32,
    /// The changes, oldest first.
    pub(super) changes: Vec<ItemChange>,
    /// Where to go on.
    pub(super) cursor: Option<Id>,
    /// Whether nothing follows.
    pub(super) complete: bool,
}

/// Items by reference and by identity, as numbers that differ where they do. Should two be alike that are not, a round
/// waits that need not.
pub(super) type Marks = hashbrown::HashSet<u64, BuildHasherDefault<IdHasher>>;

/// What tells whether two changes are of the same item.
fn marks(change: &ItemChange) -> impl Iterator<Item = u64> {
    let item = BuildHasherDefault::<IdHasher>::default().hash_one(&change.item);
    std::iter::once(item).chain(change.key.map(|key| mix(!key.0)))
}

impl Page {
    /// Whether it names an item that a round under way names too.
    pub(super) fn names_any_of(&self, under_way: &VecDeque<Rc<Copying<'_>>>) -> bool {
        under_way.iter().any(|round| {
            let named = round.named.get_or_init(|| {
                let changes = round.pages.iter().flat_map(|page| &page.changes);
                let mut named = Marks::default();
                named.reserve(2 * round.changes());
                changes.for_each(|change| named.extend(marks(change)));
                named
            });
            self.changes.iter().flat_map(marks).any(|mark| named.contains(&mark))
        })
    }
}

impl Copying<'_> {
    /// How many changes its pages brought.
    fn changes(&self) -> usize {
        self.pages.iter().map(|page| page.changes.len()).sum()
    }
}

/// A page to ask for.
pub(super) struct Ask {
    /// Its place in the round.
    pub(super) place: usize,
    /// The request.
    pub(super) request: u64,
    /// Position of the folder in the progress.
    pub(super) folder: u32,
    /// Where to go on.
    pub(super) cursor: Option<Id>,
    /// Whether the folder is no longer in the source.
    pub(super) gone: bool,
}

/// A round whose pages are being asked for.
pub(super) struct Asked {
    /// Its folders.
    pub(super) round: Vec<Open>,
    /// Their pages, as far as they are there.
    pub(super) pages: Vec<Page>,
    /// Whether it has to wait until no other round is under way, once that is known.
    pub(super) alone: Option<bool>,
    first: u64,
    next: usize,
    unanswered: usize,
}

impl Asked {
    /// A round of which nothing was asked yet. `first` is the number of the first request.
    pub(super) fn new(round: Vec<Open>, first: u64) -> Self {
        let unread = |open: &Open| Page { folder: open.folder, changes: Vec::new(), cursor: None, complete: false };
        let pages = round.iter().map(unread).collect();
        Self { unanswered: round.len(), round, pages, alone: None, first, next: 0 }
    }

    /// The next page to ask for.
    pub(super) fn next(&mut self) -> Option<Ask> {
        let place = self.next;
        let open = self.round.get(place)?;
        self.next += 1;
        let request = self.first + place as u64;
        Some(Ask { place, request, folder: open.folder, cursor: open.cursor.clone(), gone: open.gone })
    }

    /// A page has arrived.
    pub(super) fn answered(&mut self, place: usize, page: Page) {
        self.pages[place] = page;
        self.unanswered -= 1;
    }

    /// Whether all pages have arrived.
    pub(super) fn is_answered(&self) -> bool {
        self.unanswered == 0
    }
}

/// The round that comes next.
pub(super) enum Coming {
    /// Nobody has begun to prepare it.
    Nothing,
    /// Its pages are being asked for, or it waits until it may be planned.
    Asked(Box<Asked>),
    /// It is being planned.
    Planned,
}

/// A pass.
pub(super) struct Pass<'p> {
    /// Folders that are not done and not in the round that comes next, in their order.
    pub(super) open: RefCell<Vec<Open>>,
    /// The round that comes next.
    pub(super) coming: RefCell<Coming>,
    /// The rounds that are being copied, oldest first.
    pub(super) under_way: RefCell<VecDeque<Rc<Copying<'p>>>>,
    /// Why it goes no further.
    pub(super) setback: Cell<Option<Setback>>,
    on_the_way: &'p Cell<u64>,
}

impl<'p> Pass<'p> {
    /// A pass over some folders. `on_the_way` counts bytes on their way between the two sides.
    pub(super) fn new(open: Vec<Open>, on_the_way: &'p Cell<u64>) -> Self {
        Self {
            open: RefCell::new(open),
            coming: RefCell::new(Coming::Nothing),
            under_way: RefCell::default(),
            setback: Cell::new(None),
            on_the_way,
        }
    }

    /// Whether nothing is left to do.
    pub(super) fn is_done(&self) -> bool {
        self.open.borrow().is_empty()
            && matches!(*self.coming.borrow(), Coming::Nothing)
            && self.under_way.borrow().is_empty()
    }

    /// Takes the folders of the next round out, if one more may be under way. `page` is how many changes a page holds.
    pub(super) fn next_round(&self, page: u64) -> Option<Vec<Open>> {
        let under_way = self.under_way.borrow();
        let changes: usize = under_way.iter().map(|round| round.changes()).sum();
        if under_way.len() >= MOST_ROUNDS || changes > MOST_CHANGES {
            return None;
        }
        let mut open = self.open.borrow_mut();
        let count = round_of(&open, page).min(open.len());
        let later = open.split_off(count);
        Some(std::mem::replace(&mut *open, later))
    }

    /// A round is copied from now on.
    pub(super) fn begin(&self, round: Copying<'p>) {
        self.under_way.borrow_mut().push_back(Rc::new(round));
    }

    /// The round that was planned is copied from now on. Its folders come first in the next one, except those that are
    /// done.
    pub(super) fn begin_planned(&self, work: Work, mut round: Vec<Open>, pages: Vec<Page>) {
        let mut places = 0..;
        let mut open = self.open.borrow_mut();
        round.retain_mut(|folder| {
            let page = places.next().and_then(|place: usize| pages.get(place)).filter(|page| !page.complete);
            page.inspect(|page| folder.cursor.clone_from(&page.cursor)).is_some()
        });
        round.append(&mut open);
        *open = round;
        drop(open);
        *self.coming.borrow_mut() = Coming::Nothing;
        self.begin(Copying::new(work, pages, self.on_the_way));
    }

    /// The oldest round under way, if all of it was done. It is under way no longer.
    pub(super) fn take_ended(&self) -> Option<Rc<Copying<'p>>> {
        self.under_way.borrow_mut().pop_front_if(|round| round.is_over())
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

#[cfg(test)]
mod tests {
    use super::*;

    use mock_server::wire::answer::ChangeKind;

    fn folder(expected: u64) -> Open {
        Open { folder: 0, expected, cursor: None, held: None, gone: false }
    }

    fn page(items: impl IntoIterator<Item = (u64, Option<u64>)>) -> Page {
        let change = |(item, key): (u64, Option<u64>)| ItemChange {
            kind: ChangeKind::Update,
            item: item.into(),
            key: key.map(ItemKey),
            size: 1,
        };
        Page { folder: 0, changes: items.into_iter().map(change).collect(), cursor: None, complete: false }
    }

    /// Work of which one deletion is not done.
    fn undone() -> Work {
        Work { deletes: vec![(0, 1.into())], delete_batch: 1, ..Work::default() }
    }

    #[test]
    fn small_folders_share_a_round_and_large_ones_have_their_own() {
        let many: Vec<Open> = (0..200).map(|_| folder(16)).collect();
        assert_eq!(round_of(&many, 512), 128);
        let large: Vec<Open> = (0..9).map(|_| folder(100_000)).collect();
        assert_eq!(round_of(&large, 512), 4);
        assert_eq!(round_of(&[folder(100_000)], 100_000), 1);
    }

    #[test]
    fn a_page_names_what_is_under_way_by_reference_or_by_identity() {
        let on_the_way = Cell::new(0);
        let pass = Pass::new(Vec::new(), &on_the_way);
        pass.begin(Copying::new(undone(), vec![page([(1, Some(11)), (2, None)]), page([(3, None)])], &on_the_way));
        pass.begin(Copying::new(undone(), vec![page([(4, Some(14))])], &on_the_way));
        let names = |item, key| page([(9, None), (item, key)]).names_any_of(&pass.under_way.borrow());
        assert!(names(1, None) && names(3, None) && names(4, Some(99)) && names(5, Some(11)) && names(5, Some(14)));
        assert!(!names(5, Some(15)) && !names(11, Some(1)));
        assert!(!page([]).names_any_of(&pass.under_way.borrow()));
    }

    #[test]
    fn rounds_end_in_their_order() {
        let on_the_way = Cell::new(0);
        let pass = Pass::new(Vec::new(), &on_the_way);
        pass.begin(Copying::new(undone(), vec![page([(1, None)])], &on_the_way));
        pass.begin(Copying::new(Work::default(), vec![page([(2, None)])], &on_the_way));
        assert!(pass.under_way.borrow()[1].is_over() && pass.take_ended().is_none());
        pass.under_way.borrow_mut().pop_front();
        assert!(pass.take_ended().is_some() && pass.take_ended().is_none() && pass.is_done());
    }

    #[test]
    fn few_rounds_with_few_changes_are_under_way() {
        let under_way = |changes: u64| {
            let on_the_way = Cell::new(0);
            let pass = Pass::new(vec![folder(1_000_000)], &on_the_way);
            let mut rounds = 0;
            while let Some(round) = pass.next_round(changes) {
                let pages = vec![page((0..changes).map(|item| (item, None)))];
                pass.begin_planned(undone(), round, pages);
                rounds += 1;
            }
            rounds
        };
        assert_eq!([1, 512, 513, 1_025, 2_048, 2_049].map(under_way), [5, 5, 4, 2, 2, 1]);
    }
}
