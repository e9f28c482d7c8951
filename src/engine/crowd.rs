//! People at work beside a wave: what they ask passes the faults and limits of the servers, takes their time, and is
//! counted.
//!
//! They ask whatever the answers are, and are not on the pipeline's links. Nothing of what they do changes a mailbox: the
//! changes that people make are part of what mailboxes hold, and would be counted twice.

pub mod demand;

use std::iter::Peekable;
use std::ops::Range;

use mock_server::service::cost::Work;
use mock_server::service::errand::{Errand, Performed};
use mock_server::time::{Moment, Span};
use mock_server::wire::call::RequestIdentity;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::refusal::{Refusal, RefusalKind};

use crate::engine::seed;
use crate::load::act::{Act, Action};
use crate::load::arrival::{Arrival, Arrivals, Law};
use crate::load::background::Background;
use crate::load::burden::burden;
use crate::load::shape::Shape;
use crate::load::tally::{Course, End, Failure, Tally};
use crate::population::Population;
use crate::scenario::plan::Plan;
use crate::scenario::program::Program;
use crate::world::Side;

/// The number of the first app of people. The pipeline's is below in virtual time, and elsewhere live.
const FIRST_APP: u32 = 2;

/// The apps of people.
pub(super) const APPS: Range<u32> = FIRST_APP..FIRST_APP + Program::ALL.len() as u32;

/// Requests of people have numbers from here on, so that faults do not take them for the pipeline's.
const FIRST_REQUEST: u64 = 1 << 63;

/// After how long people give up, as `wavetank load` does if nothing else is said.
const PATIENCE: Span = Span::seconds(30);

/// Mailboxes whose items are looked at for their mean size.
const LOOKED_AT: u32 = 64;

/// The people of one side.
#[derive(Debug)]
pub(super) struct People {
    side: Side,
    background: Background,
    arrivals: Peekable<Arrivals>,
    /// For each mailbox, one bit for each program that knows a message in it; made for the first one.
    known: Vec<u8>,
    mean_item_bytes: u64,
    tally: Tally,
}

/// The load of the people of one side: what is asked, and when. Nothing if nobody is at work there.
#[must_use]
pub fn load(plan: &Plan, mailboxes: u32, replication: u64, side: Side) -> Option<(Background, Arrivals)> {
    let (people, shape) = shape(plan, mailboxes, replication, side)?;
    Some((people, Arrivals::new(seed::background(plan.seed, replication, side), Law::Poisson, shape)))
}

/// The same with the rate at which something is asked, and not yet when.
fn shape(plan: &Plan, mailboxes: u32, replication: u64, side: Side) -> Option<(Background, Shape)> {
    let background = plan.background.as_ref()?;
    let factor = match side {
        Side::Source => background.source,
        Side::Target => background.target,
    };
    if factor <= 0.0 {
        return None;
    }
    let seed = seed::background(plan.seed, replication, side);
    let people = Background::new(seed, mailboxes, &background.programs, plan.begins());
    let shape = people.shape(factor);
    Some((people, shape))
}

/// The mean size of the items of some mailboxes.
fn mean_item_bytes(population: &Population) -> u64 {
    let looked_at = (0..population.len().min(LOOKED_AT)).map(|key| population.mailbox(MailboxKey(key)));
    let (items, bytes) = looked_at.fold((0, 0), |(items, bytes), one| (items + one.items, bytes + one.bytes));
    bytes.checked_div(items).unwrap_or(0)
}

impl People {
    /// The people of one side. None if nobody is at work there.
    pub(super) fn new(plan: &Plan, population: &Population, replication: u64, side: Side) -> Option<Self> {
        let (background, arrivals) = load(plan, population.len(), replication, side)?;
        Some(Self {
            side,
            background,
            arrivals: arrivals.peekable(),
            known: Vec::new(),
            mean_item_bytes: mean_item_bytes(population),
            tally: Tally::default(),
        })
    }

    /// Where they are at work.
    pub(super) fn side(&self) -> Side {
        self.side
    }

    /// Has everything happen that is due up to a moment; `bear` has a server bear one request.
    #[inline]
    pub(super) fn advance(&mut self, until: Moment, mut bear: impl FnMut(Moment, &Errand, Work) -> Performed) {
        while let Some(arrival) = self.arrivals.next_if(|arrival| arrival.due <= until) {
            self.ask(arrival, &mut bear);
        }
    }

    /// What came of it.
    pub(super) fn into_tally(self) -> Tally {
        self.tally
    }

    fn ask(&mut self, arrival: Arrival, bear: &mut impl FnMut(Moment, &Errand, Work) -> Performed) {
        let Act { program, action, mailbox } = self.background.act(arrival);
        let action = self.possible(program, action, mailbox);
        let burden = burden(program, action);
        let errand = Errand {
            app: FIRST_APP + program as u32,
            mailbox: MailboxKey(mailbox),
            protocol: program.protocol(),
            identity: RequestIdentity::new(FIRST_REQUEST | arrival.number, 0),
            body_bytes: burden.body_bytes,
            operation: burden.operation,
        };
        let content_bytes = burden.brought_bytes + if burden.fetches { self.mean_item_bytes } else { 0 };
        let work = Work { items: burden.items, content_bytes };
        let Performed { outcome, ready, .. } = bear(arrival.due, &errand, work);
        if outcome.is_ok() && matches!(action, Action::List | Action::Sync) {
            self.known[mailbox as usize] |= bit(program);
        }
        let waited = ready.since(arrival.due);
        let end = match outcome {
            _ if waited > PATIENCE => End::Failed(Failure::TimedOut),
            Ok(()) => End::Answered { status: 200, bytes: 0 },
            Err(Refusal { kind: RefusalKind::ConnectionReset | RefusalKind::Truncated, .. }) => {
                End::Failed(Failure::Reset)
            }
            Err(refusal) => End::Answered { status: refusal.status, bytes: 0 },
        };
        let kind = Act { program, action, mailbox }.kind();
        let course = Course { lag: Span::ZERO, sent: Span::ZERO, ended: waited.min(PATIENCE) };
        self.tally.ended(Some(kind), course, end, Span::ZERO);
    }

    /// What can be asked for: a program that knows no message lists some first.
    fn possible(&mut self, program: Program, action: Action, mailbox: u32) -> Action {
        let place = mailbox as usize;
        if self.known.len() <= place {
            self.known.resize(place + 1, 0);
        }
        match action {
            Action::Read | Action::Mark if self.known[place] & bit(program) == 0 => Action::List,
            other => other,
        }
    }
}

const fn bit(program: Program) -> u8 {
    1 << program as u8
}
