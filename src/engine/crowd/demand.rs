//! What people ask of a server in the mean, for models that know no single request.

use mock_server::service::config::Costs;
use mock_server::time::{Moment, Span};
use mock_server::wire::call::Protocol;
use mock_server::wire::operation::Operation;

use crate::load::act::Act;
use crate::load::arrival::Arrival;
use crate::load::burden::burden;
use crate::scenario::plan::Plan;
use crate::world::Side;

/// Requests that are drawn for what people ask for.
const DRAWN: u64 = 1_000;

/// The span over which the mean is taken where no window says how long a wave may take: an hour.
const HOUR: Span = Span::seconds(3_600);

/// What people ask of one server in the mean.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Demand {
    /// Requests per second.
    pub requests: f64,
    /// How many calls it works on at a time for them.
    pub busy: f64,
    /// How many of the drawn requests each operation of each protocol has.
    drawn: Vec<(Operation, Protocol, u64)>,
}

impl Demand {
    /// What the people of a plan ask of one side while the wave's window is open, or in the first hour without one.
    #[must_use]
    pub fn of(plan: &Plan, mailboxes: u32, side: Side) -> Self {
        let open = plan.open().unwrap_or(HOUR).max(Span::seconds(1));
        let Some((background, shape)) = super::shape(plan, mailboxes, 0, side) else { return Self::default() };
        let requests = shape.expected(open.as_seconds()) / open.as_seconds();
        let costs = match side {
            Side::Source => &plan.source.server.costs,
            Side::Target => &plan.target.server.costs,
        };
        let mut demand = Self { requests, ..Self::default() };
        let mut served = 0.0;
        for number in 0..DRAWN {
            let due = Moment::START + open.scale((number as f64 + 0.5) / DRAWN as f64);
            let Act { program, action, .. } = background.act(Arrival { number, due });
            let burden = burden(program, action);
            served += mean_time(costs, burden.operation, burden.items, burden.brought_bytes);
            let kind = (burden.operation, program.protocol());
            match demand.drawn.iter_mut().find(|(operation, protocol, _)| (*operation, *protocol) == kind) {
                Some((.., count)) => *count += 1,
                None => demand.drawn.push((kind.0, kind.1, 1)),
            }
        }
        demand.busy = requests * served / DRAWN as f64;
        demand
    }

    /// Requests per second of those operations and protocols that count.
    #[must_use]
    pub fn requests_of(&self, counts: impl Fn(Operation, Protocol) -> bool) -> f64 {
        let counted = self.drawn.iter().filter(|(operation, protocol, _)| counts(*operation, *protocol));
        let drawn: u64 = counted.map(|(.., count)| count).sum();
        self.requests * drawn as f64 / DRAWN as f64
    }
}

/// Mean time of a call in seconds.
fn mean_time(costs: &Costs, operation: Operation, items: u64, bytes: u64) -> f64 {
    let cost = costs.of(operation);
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    cost.call.mean().as_seconds()
        + cost.per_item.as_seconds() * items as f64
        + cost.per_mebibyte.as_seconds() * mebibytes
}
