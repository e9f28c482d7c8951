//! One mailbox's cutover in the fluid model: three stretches of time and what it draws from shared resources.
//!
//! The stretches are means computed from the plan, except for the switch, which is the very draw that the service will
//! make for this mailbox in the same replication.

use mock_server::draw::{self, Purpose};
use mock_server::time::Span;
use mock_server::wire::call::Protocol;
use mock_server::wire::id::MailboxKey;
use mock_server::wire::operation::Operation;

use super::calls::{self, Calls};
use super::comparison::Comparison;
use crate::population::mailbox::Mailbox;
use crate::population::wave;
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
    export_each: Span,
    export_call: Span,
    import_call: Span,
    import_each: Span,
    person: Span,
    network_source: Span,
    network_target: Span,
    comparison: Option<Comparison>,
}

fn cost(side: &SidePlan, operation: Operation) -> (Span, Span) {
    let cost = side.server.costs.of(operation);
    (cost.call.mean(), cost.per_item)
}

fn there_and_back(link: &LinkPlan) -> Span {
    link.latency.mean() * 2
}

impl Rates {
    /// The mean times under a plan.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let source = |operation| cost(&plan.source, operation);
        let target = |operation| cost(&plan.target, operation);
        let import = target(calls::import(plan.target.protocol));
        let (list_source, list_target) = (source(Operation::FindFolders).0, target(Operation::FindFolders).0);
        Self {
            list_source,
            list_target,
            sync: source(Operation::SyncItems).0,
            export_call: source(Operation::ExportItems).0,
            export_each: source(Operation::ExportItems).1,
            import_call: import.0,
            import_each: import.1,
            person: target(Operation::ProvisionUser).0,
            network_source: there_and_back(&plan.network.source),
            network_target: there_and_back(&plan.network.target),
            comparison: Comparison::of(plan),
        }
    }

    /// The cutover of one mailbox in one replication. `service_seed` is the seed of the target's service in that
    /// replication.
    #[must_use]
    pub fn job(&self, plan: &Plan, mailbox: MailboxKey, shape: &Mailbox, service_seed: u64) -> Job {
        let days = plan.wave.prestage.map_or(0.0, |prestage| prestage.age.as_seconds() / 86_400.0);
        let changed = shape.changes_per_day * days;
        let folders = f64::from(shape.folders);
        let workers = f64::from(plan.pipeline.requests_per_mailbox);
        let pages = (folders / 500.0).ceil();
        let exports = (changed / f64::from(plan.pipeline.batch.export_items)).ceil();
        let imports = match plan.target.protocol {
            Protocol::Graph => changed,
            Protocol::Ews => (changed / f64::from(plan.pipeline.batch.upload_items)).ceil(),
        };
        let together = if imports > 0.0 { changed / imports } else { 1.0 };
        let import = self.import_call + self.import_each.scale(together);
        let sync_round = (self.sync + self.network_source).scale(folders / workers);
        let import_round = (import + self.network_target).scale((imports / workers).ceil());
        let export_round = (self.export_call + self.network_source).scale(exports) + self.export_each.scale(changed);
        let listing = (self.list_source + self.network_source + self.list_target + self.network_target).scale(pages);
        let person = self.person + self.network_target;
        let drawn = draw::hash(service_seed, Purpose::Switch, u64::from(mailbox.0), 0, 0);
        let switch = plan.target.server.switch.duration.draw(drawn);
        let poll = plan.pipeline.poll_interval;
        let polls = if poll == Span::ZERO { 0 } else { switch.0.div_ceil(poll.0) };
        let seen = if poll == Span::ZERO { switch } else { poll * polls };
        let compared = self.comparison.as_ref().map(|comparison| comparison.of_mailbox(shape)).unwrap_or_default();
        let copied = changed * wave::BYTES_PER_CHANGE;
        Job {
            before: listing + sync_round + export_round + import_round,
            held: sync_round + person * 4 + seen,
            after: listing + compared.takes + person * 2,
            bytes: (copied + compared.bytes.0, copied + compared.bytes.1),
            calls: Calls {
                mailboxes: 1.0,
                listings: pages * 2.0,
                syncs: folders * 2.0,
                exports,
                imports,
                polls: polls as f64,
                item_pages: compared.pages,
            },
            served: (
                self.sync.scale(folders * 2.0)
                    + self.export_call.scale(exports)
                    + self.export_each.scale(changed)
                    + compared.served.0,
                import.scale(imports) + self.person * (4 + polls) + compared.served.1,
            ),
        }
    }
}
