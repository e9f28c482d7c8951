//! One mailbox's cutover in the fluid model: three stretches of time and what it draws from shared resources.
//!
//! The stretches are means computed from the plan, except for the switch, which is the very draw that the service will
//! make for this mailbox in the same replication.

use mock_server::draw::{self, Purpose};
use mock_server::time::Span;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::operation::Operation;

use super::calls::Calls;
use super::carried::Carrying;
use super::comparison::Comparison;
use crate::population::mailbox::Mailbox;
use crate::scenario::plan::{LinkPlan, Plan, SidePlan};

/// One mailbox's cutover.
#[derive(Copy, Clone, Debug)]
pub struct Job {
    /// Lane time before an open-switch place is needed.
    pub before: Span,
    /// Lane time while the place is held.
    pub held: Span,
    /// Lane time after the place is given back.
    pub after: Span,
    /// Bytes that cross the links to the source and to the target.
    pub bytes: (f64, f64),
    /// Calls of both sides.
    pub calls: Calls,
    /// Time that the source's and the target's servers work.
    pub served: (Span, Span),
}

/// The mean times of the calls that a cutover makes.
#[derive(Clone, Debug)]
pub struct Rates {
    list_source: Span,
    list_target: Span,
    sync: Span,
    person: Span,
    network_source: Span,
    network_target: Span,
    carrying: Carrying,
    comparison: Option<Comparison>,
}

fn there_and_back(link: &LinkPlan) -> Span {
    link.latency.mean() * 2
}

impl Rates {
    /// The mean times under a plan.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let call = |side: &SidePlan, operation| side.server.costs.of(operation).call.mean();
        Self {
            list_source: call(&plan.source, Operation::FindFolders),
            list_target: call(&plan.target, Operation::FindFolders),
            sync: call(&plan.source, Operation::SyncItems),
            person: call(&plan.target, Operation::ProvisionUser),
            network_source: there_and_back(&plan.network.source),
            network_target: there_and_back(&plan.network.target),
            carrying: Carrying::new(plan),
            comparison: Comparison::of(plan),
        }
    }

    /// The cutover of one mailbox in one replication. `service_seed` is the seed of the target's service in that
    /// replication.
    #[must_use]
    pub fn job(&self, plan: &Plan, mailbox: MailboxKey, shape: &Mailbox, service_seed: u64) -> Job {
        let folders = f64::from(shape.folders);
        let workers = f64::from(plan.pipeline.requests_per_mailbox);
        let pages = (folders / 500.0).ceil();
        let carried = self.carrying.of_mailbox(plan, shape);
        let sync_round = (self.sync + self.network_source).scale(folders / workers);
        let listing = (self.list_source + self.network_source + self.list_target + self.network_target).scale(pages);
        let person = self.person + self.network_target;
        let drawn = draw::hash(service_seed, Purpose::Switch, u64::from(mailbox.0), 0, 0);
        let switch = plan.target.server.switch.duration.draw(drawn);
        let poll = plan.pipeline.poll_interval;
        let polls = if poll == Span::ZERO { 0 } else { switch.0.div_ceil(poll.0) };
        let seen = if poll == Span::ZERO { switch } else { poll * polls };
        let compared = self.comparison.as_ref().map(|comparison| comparison.of_mailbox(shape)).unwrap_or_default();
        Job {
            before: listing + carried.takes,
            held: sync_round + person * 4 + seen,
            after: listing + compared.takes + person * 2,
            bytes: (carried.bytes + compared.bytes.0, carried.bytes + compared.bytes.1),
            calls: Calls {
                mailboxes: 1.0,
                listings: pages * 2.0,
                syncs: carried.syncs + folders,
                exports: carried.exports,
                imports: carried.imports,
                polls: polls as f64,
                item_pages: compared.pages,
            },
            served: (
                self.sync.scale(carried.syncs + folders) + carried.served.0 + compared.served.0,
                carried.served.1 + self.person * (4 + polls) + compared.served.1,
            ),
        }
    }
}
