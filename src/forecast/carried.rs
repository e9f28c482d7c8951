//! What a wave carries of a mailbox in the fluid model: what has changed since it was copied ahead, or all that it holds
//! where nothing was.

use mock_server::throttle::limit::{Rule, Scope};
use mock_server::time::Span;
use mock_server::wire::call::Protocol;
use mock_server::wire::codec;
use mock_server::wire::operation::Operation;

use super::calls;
use crate::population::mailbox::Mailbox;
use crate::population::wave;
use crate::scenario::plan::{LinkPlan, Plan, PrestagePlan, SidePlan};

/// Bytes on the line for each byte of content: both protocols carry it in base64.
const ENCODED: f64 = 4.0 / 3.0;

const MEBIBYTE: f64 = 1_048_576.0;
const DAY_SECONDS: f64 = 86_400.0;

/// What is carried of one mailbox, and what that takes before its switch.
#[derive(Copy, Clone, PartialEq, Default, Debug)]
pub struct Carried {
    /// Lane time.
    pub takes: Span,
    /// Requests that ask the source what changed.
    pub syncs: f64,
    /// Requests that export.
    pub exports: f64,
    /// Requests that import.
    pub imports: f64,
    /// Bytes that cross either link.
    pub bytes: f64,
    /// Time that the source's and the target's servers work, but for asking what changed.
    pub served: (Span, Span),
}

/// The mean times of the calls that carry content.
#[derive(Clone, Debug)]
pub struct Carrying {
    sync: Span,
    source: Times,
    target: Times,
}

/// The times of the calls that carry content on one side.
#[derive(Clone, Debug)]
struct Times {
    call: Span,
    item: Span,
    mebibyte: Span,
    network: Span,
    limits: Vec<Rule>,
}

impl Times {
    fn of(side: &SidePlan, operation: Operation, link: &LinkPlan) -> Self {
        let cost = side.server.costs.of(operation);
        let of_mailbox = |scope| matches!(scope, Scope::AppMailbox | Scope::Mailbox);
        let limits = side.server.limits.iter().filter(|limit| {
            of_mailbox(limit.scope) && limit.concerns(operation, codec::spoken(side.protocol, operation))
        });
        Self {
            call: cost.call.mean(),
            item: cost.per_item,
            mebibyte: cost.per_mebibyte,
            network: link.latency.mean() * 2,
            limits: limits.map(|limit| limit.rule).collect(),
        }
    }

    /// The time that the servers work for so many calls.
    fn served(&self, calls: f64, items: f64, bytes: f64) -> Span {
        self.call.scale(calls) + self.item.scale(items) + self.mebibyte.scale(bytes / MEBIBYTE)
    }

    /// The least time in which the limits of a mailbox admit so many calls, of which so many bytes are sent. What a limit
    /// admits at once comes at the beginning.
    fn least(&self, calls: f64, served: Span, sent: f64) -> Span {
        let beyond = |used: f64, most: f64, per: Span| per.scale((used / most.max(1.0) - 1.0).max(0.0));
        let least = self.limits.iter().map(|rule| match *rule {
            Rule::Requests { count, per, .. } => beyond(calls, count as f64, per),
            Rule::UploadBytes { bytes, per } => beyond(sent, bytes as f64, per),
            Rule::Concurrency { lanes, .. } => {
                (served + self.network.scale(calls)).scale(1.0 / f64::from(lanes.max(1)))
            }
            Rule::Budget { burst, recharge_per_hour, cutoff } => {
                let owed = served.0.saturating_sub(burst.0 + cutoff.0) as f64;
                Span::seconds(3_600).scale(owed / recharge_per_hour.0.max(1) as f64)
            }
        });
        least.max().unwrap_or(Span::ZERO)
    }
}

impl Carrying {
    /// The mean times under a plan.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            sync: plan.source.server.costs.of(Operation::SyncItems).call.mean(),
            source: Times::of(&plan.source, Operation::ExportItems, &plan.network.source),
            target: Times::of(&plan.target, calls::import(plan.target.protocol), &plan.network.target),
        }
    }

    /// What is carried of a mailbox.
    #[must_use]
    pub fn of_mailbox(&self, plan: &Plan, shape: &Mailbox) -> Carried {
        match plan.wave.prestage {
            Some(prestage) => self.changes(plan, shape, &prestage),
            None => self.everything(plan, shape),
        }
    }

    /// What has changed since a mailbox was copied ahead. It is so little that one call after the other fetches it, and all
    /// workers store it.
    fn changes(&self, plan: &Plan, shape: &Mailbox, prestage: &PrestagePlan) -> Carried {
        let Self { sync, source, target } = self;
        let changed = shape.changes_per_day * (prestage.age.as_seconds() / DAY_SECONDS);
        let (folders, workers) = (f64::from(shape.folders), f64::from(plan.pipeline.requests_per_mailbox));
        let exports = (changed / f64::from(plan.pipeline.batch.export_items)).ceil();
        let imports = match plan.target.protocol {
            Protocol::Graph => changed,
            Protocol::Ews => (changed / f64::from(plan.pipeline.batch.upload_items)).ceil(),
        };
        let together = if imports > 0.0 { changed / imports } else { 1.0 };
        let import = target.call + target.item.scale(together);
        let sync_round = (*sync + source.network).scale(folders / workers);
        let import_round = (import + target.network).scale((imports / workers).ceil());
        let export_round = (source.call + source.network).scale(exports) + source.item.scale(changed);
        Carried {
            takes: sync_round + export_round + import_round,
            syncs: folders,
            exports,
            imports,
            bytes: changed * wave::BYTES_PER_CHANGE,
            served: (source.call.scale(exports) + source.item.scale(changed), import.scale(imports)),
        }
    }

    /// All that a mailbox holds. Its workers fetch and store side by side, and none of them waits before the end.
    fn everything(&self, plan: &Plan, shape: &Mailbox) -> Carried {
        let Self { sync, source, target } = self;
        let batch = &plan.pipeline.batch;
        let (items, bytes) = (shape.items as f64, shape.bytes as f64);
        let calls = |most_items: u32, most_bytes: u64| {
            (items / f64::from(most_items.max(1))).max(bytes / most_bytes.max(1) as f64).ceil()
        };
        let syncs = f64::from(shape.folders) + items / f64::from(batch.sync_changes.max(1));
        let exports = calls(batch.export_items, batch.export_bytes);
        let imports = match plan.target.protocol {
            Protocol::Graph => items,
            Protocol::Ews => calls(batch.upload_items, batch.upload_bytes),
        };
        let served = (source.served(exports, items, bytes), target.served(imports, items, bytes));
        let waited =
            (*sync + source.network).scale(syncs) + source.network.scale(exports) + target.network.scale(imports);
        let together = (served.0 + served.1 + waited).scale(1.0 / f64::from(plan.pipeline.requests_per_mailbox));
        let least = source.least(exports, served.0, 0.0).max(target.least(imports, served.1, bytes * ENCODED));
        Carried { takes: together.max(least), syncs, exports, imports, bytes: bytes * ENCODED, served }
    }
}
