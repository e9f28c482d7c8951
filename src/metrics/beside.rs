//! What a run comes to beside the wave itself: how long the servers' health stalled mailboxes, and what people met who
//! worked beside the wave.

use mock_server::throttle::health::resource::Resource;
use mock_server::throttle::health::stall::{ByResource, Stalled};

use crate::load::tally::Tally;
use crate::world::Side;

/// What a run comes to beside the wave. Runs add up.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Beside {
    /// What the resources of the source and of the target did to moves; absent where health is not modelled.
    pub stalled: [Option<ByResource>; 2],
    /// People at work, for each side where there were some.
    pub people: Vec<People>,
}

/// What the people of one side met.
#[derive(Clone, PartialEq, Debug)]
pub struct People {
    /// Where they worked.
    pub side: Side,
    /// What they met beside the wave.
    pub with: Tally,
    /// What the same requests meet without a wave, if that was looked at.
    pub alone: Option<Tally>,
}

/// What one resource did to moves.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct State {
    /// On which side.
    pub side: Side,
    /// Which resource.
    pub resource: Resource,
    /// What it did.
    pub stalled: Stalled,
}

impl State {
    /// The state of a move that it stalls, as Microsoft prints it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        self.resource.word(self.side)
    }
}

impl Beside {
    /// Whether the health of any server was modelled.
    #[must_use]
    pub fn has_health(&self) -> bool {
        self.stalled.iter().any(Option::is_some)
    }

    /// The states in which moves were stalled, those of the source first, by time, the longest first.
    #[must_use]
    pub fn states(&self) -> Vec<State> {
        let of = |side: Side| {
            let stalled = self.stalled[side as usize].as_ref();
            let state = move |(resource, stalled): (Resource, &Stalled)| State { side, resource, stalled: *stalled };
            let all = stalled.into_iter().flat_map(|all| Resource::ALL.into_iter().zip(all));
            let mut states: Vec<_> = all.filter(|(_, stalled)| stalled.mailboxes > 0).map(state).collect();
            states.sort_by_key(|state| std::cmp::Reverse(state.stalled.span));
            states
        };
        [Side::Source, Side::Target].into_iter().flat_map(of).collect()
    }

    /// Adds what another run came to.
    pub fn add(&mut self, other: &Self) {
        for (mine, other) in self.stalled.iter_mut().zip(&other.stalled) {
            let Some(other) = other else { continue };
            let mine = mine.get_or_insert_default();
            mine.iter_mut().zip(other).for_each(|(mine, other)| mine.add(other));
        }
        for people in &other.people {
            let Some(mine) = self.people.iter_mut().find(|mine| mine.side == people.side) else {
                self.people.push(people.clone());
                continue;
            };
            mine.with.add(&people.with);
            // Times with and without a wave are compared, so there are as many of both or none.
            match (&mut mine.alone, &people.alone) {
                (Some(mine), Some(other)) => mine.add(other),
                (alone, _) => *alone = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mock_server::time::Span;

    use super::*;

    fn beside(side: Side, resource: Resource, seconds: u64) -> Beside {
        let mut all = ByResource::default();
        let span = Span::seconds(seconds);
        all[resource as usize] = Stalled { mailboxes: 1, span, longest: span, held: 2, refused: 1 };
        let mut stalled = [None, None];
        stalled[side as usize] = Some(all);
        Beside { stalled, people: Vec::new() }
    }

    #[test]
    fn states_are_those_of_move_reports_and_runs_add_up() {
        let mut sum = beside(Side::Target, Resource::Processor, 10);
        sum.add(&beside(Side::Target, Resource::Processor, 30));
        sum.add(&beside(Side::Target, Resource::ContentIndexing, 99));
        sum.add(&beside(Side::Source, Resource::DiskLatency, 1));
        let told: Vec<_> =
            sum.states().iter().map(|state| (state.word(), state.stalled.mailboxes, state.stalled.span)).collect();
        let expected = [
            ("StalledDueToSource_DiskLatency", 1, Span::seconds(1)),
            ("StalledDueToCI", 1, Span::seconds(99)),
            ("StalledDueToTarget_Processor", 2, Span::seconds(40)),
        ];
        assert_eq!(told, expected);
        assert_eq!(sum.states()[2].stalled.longest, Span::seconds(30));
        assert!(sum.has_health() && !Beside::default().has_health());
    }

    #[test]
    fn people_are_compared_only_if_all_runs_were() {
        let people = |alone| People { side: Side::Source, with: Tally::default(), alone };
        let one = Beside { people: vec![people(Some(Tally::default()))], ..Beside::default() };
        let mut sum = one.clone();
        sum.add(&one);
        assert!(sum.people[0].alone.is_some() && sum.people.len() == 1);
        sum.add(&Beside { people: vec![people(None)], ..Beside::default() });
        assert!(sum.people[0].alone.is_none());
    }
}
