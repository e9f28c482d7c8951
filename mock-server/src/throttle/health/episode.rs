//! When resources suffer, where, and what they do to calls meanwhile.

use super::resource::Resource;
use crate::draw::{Distribution, Purpose, hash, unit};
use crate::throttle::policy::asked::Asked;
use crate::time::{Moment, Span};

/// Into how many stretches the mean time between two beginnings is cut. The more, the closer are beginnings to a Poisson
/// process.
const STRETCHES: u64 = 8;

/// The longest that something lasts, in stretches: four times the mean time between beginnings. What lasts longer is
/// rather a server that is never well.
const LONGEST: u64 = 4 * STRETCHES;

/// Something that a resource suffers from, now and then.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Episode {
    /// What suffers.
    pub resource: Resource,
    /// When.
    pub when: When,
    /// What has a time of its own for it.
    pub reach: Reach,
    /// What it does to calls.
    pub effect: Effect,
}

/// When a resource suffers.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum When {
    /// At random. Beginnings come almost as a Poisson process does, and may overlap.
    Random {
        /// The mean time from one beginning to the next.
        every: Span,
        /// How long it lasts; at most four times `every`.
        length: Distribution,
    },
    /// As announced.
    Window {
        /// When it begins.
        from: Span,
        /// How long it lasts.
        length: Span,
        /// How often it comes again; never if absent.
        every: Option<Span>,
    },
}

/// What has a time of its own for an episode.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Each mailbox.
    Mailbox,
    /// Each database.
    Database,
    /// Each server.
    Server,
    /// Everything has it at once.
    Everything,
}

impl Reach {
    /// All of them, with their names in scenarios.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("mailbox", Self::Mailbox),
        ("database", Self::Database),
        ("server", Self::Server),
        ("everything", Self::Everything),
    ];

    /// Which place of this kind a call goes to.
    fn place(self, asked: &Asked) -> u64 {
        match self {
            Self::Mailbox => u64::from(asked.mailbox.0),
            Self::Database => u64::from(asked.database),
            Self::Server => u64::from(asked.server),
            Self::Everything => 0,
        }
    }
}

/// What an episode does to calls.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Effect {
    /// Work that can wait is held until the resource is well; all other work goes on.
    Stall {
        /// Work that would have to wait longer is refused.
        patience: Span,
        /// The wait that a refusal announces. Nobody knows when the resource will be well.
        back_off: Span,
    },
    /// Work takes longer.
    Slow {
        /// By which factor, if it can wait.
        waiting: f64,
        /// By which factor otherwise.
        others: f64,
    },
    /// Nothing is done for anybody: 503.
    Down {
        /// The wait that is announced, if any.
        back_off: Option<Span>,
    },
}

/// An episode with the seed of its own draws.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) episode: Episode,
    seed: u64,
}

impl Prepared {
    pub(super) fn new(seed: u64, number: u64, episode: Episode) -> Self {
        Self { episode, seed: hash(seed, Purpose::Health, number, 0, 0) }
    }

    /// When the place of a call is well again; nothing if it is.
    pub(super) fn well_again(&self, now: Moment, asked: &Asked) -> Option<Moment> {
        match self.episode.when {
            When::Random { every, length } => self.random(now, self.episode.reach.place(asked), every, length),
            When::Window { from, length, every } => window(now, from, length, every),
        }
    }

    /// Time is cut into stretches. In each, something begins with a probability that gives the mean time, at a moment
    /// that is drawn; what began earlier may go on.
    fn random(&self, now: Moment, place: u64, every: Span, length: Distribution) -> Option<Moment> {
        let stretch = (every.0 / STRETCHES).max(1);
        let present = now.0 / stretch;
        let longest = Span(stretch.saturating_mul(LONGEST - 1));
        let mut well = None;
        for number in present.saturating_sub(LONGEST - 1)..=present {
            let word = hash(self.seed, Purpose::Health, place, number, 1);
            if unit(word) * STRETCHES as f64 >= 1.0 {
                continue;
            }
            let offset = (unit(hash(self.seed, Purpose::Health, place, number, 2)) * stretch as f64) as u64;
            let from = Moment(number.saturating_mul(stretch).saturating_add(offset));
            if now < from {
                continue;
            }
            let lasts = length.draw(hash(self.seed, Purpose::Health, place, number, 3)).min(longest);
            let until = from + lasts;
            if now < until {
                well = well.max(Some(until));
            }
        }
        well
    }
}

fn window(now: Moment, from: Span, length: Span, every: Option<Span>) -> Option<Moment> {
    let first = Moment::START + from;
    if now < first {
        return None;
    }
    let since = now.since(first);
    let begun = match every {
        Some(every) if every.0 != 0 => Span(since.0 / every.0 * every.0),
        _ => Span::ZERO,
    };
    (since.saturating_sub(begun) < length).then(|| first + begun + length)
}
