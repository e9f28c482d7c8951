//! The people beside a wave in virtual time.

use std::cell::RefCell;

use mock_server::mailbox::content::Content;
use mock_server::time::Moment;

use super::world::VirtualWorld;
use crate::engine::crowd::People;
use crate::load::tally::Tally;
use crate::population::Population;
use crate::scenario::plan::Plan;
use crate::world::Side;

/// The people of both sides.
#[derive(Debug)]
pub(super) struct Crowd {
    /// Whether there is nobody: asked before every event, so it must cost next to nothing.
    is_empty: bool,
    people: RefCell<Vec<People>>,
}

impl Crowd {
    /// The people who are at work beside a wave of a plan.
    pub(super) fn new(plan: &Plan, population: &Population, replication: u64) -> Self {
        let of = |side| People::new(plan, population, replication, side);
        let people: Vec<_> = [Side::Source, Side::Target].into_iter().filter_map(of).collect();
        Self { is_empty: people.is_empty(), people: RefCell::new(people) }
    }

    /// Has everything happen that is due up to a moment.
    #[inline]
    pub(super) fn advance<C: Content>(&self, until: Moment, world: &VirtualWorld<C>) {
        if self.is_empty {
            return;
        }
        for people in &mut *self.people.borrow_mut() {
            let side = people.side();
            people.advance(until, |due, errand, work| world.bear(side, due, errand, work));
        }
    }

    /// What came of it, side by side.
    pub(super) fn into_tallies(self) -> Vec<(Side, Tally)> {
        let people = self.people.into_inner();
        people.into_iter().map(|people| (people.side(), people.into_tally())).collect()
    }
}
