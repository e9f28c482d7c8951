//! What the fluid model counts where verification compares every item: each side lists all that it holds, folder by
//! folder.

use mock_server::time::Span;
use mock_server::wire::answer::{Answer, ChangeKind, ItemChange};
use mock_server::wire::call::Call;
use mock_server::wire::codec;
use mock_server::wire::id::{Id, ItemKey};
use mock_server::wire::operation::Operation;

use crate::population::mailbox::Mailbox;
use crate::scenario::plan::{LinkPlan, Plan, SidePlan, Verify};

/// The comparisons of a plan.
#[derive(Clone, Debug)]
pub struct Comparison {
    items_per_page: f64,
    /// How many folders of a mailbox are compared at once.
    workers: f64,
    source: Pages,
    target: Pages,
}

/// The pages in which one side lists its items.
#[derive(Copy, Clone, Debug)]
struct Pages {
    /// Time that its server works for one.
    served: Span,
    /// Time from asking for one until it is there.
    takes: Span,
    /// Bytes of an empty one, and bytes by which an item makes it longer.
    bytes: (f64, f64),
}

/// The comparison of one mailbox; nothing where items are only counted.
#[derive(Copy, Clone, PartialEq, Default, Debug)]
pub struct Compared {
    /// Lane time.
    pub takes: Span,
    /// Pages that each side lists.
    pub pages: f64,
    /// Bytes of all pages of the source and of the target.
    pub bytes: (f64, f64),
    /// Time that the source's and the target's servers work.
    pub served: (Span, Span),
}

impl Comparison {
    /// The comparisons of a plan; none where items are only counted.
    #[must_use]
    pub fn of(plan: &Plan) -> Option<Self> {
        (plan.pipeline.verify == Verify::Fingerprint).then(|| Self {
            items_per_page: f64::from(plan.pipeline.batch.sync_changes),
            workers: f64::from(plan.pipeline.requests_per_mailbox),
            source: Pages::new(&plan.source, &plan.network.source),
            target: Pages::new(&plan.target, &plan.network.target),
        })
    }

    /// The comparison of a mailbox, as if its folders were alike. As the one that holds most is listed page after page, it
    /// takes longer (half as long again in mailboxes of the enterprise preset), which is left to the correction by virtual
    /// runs.
    #[must_use]
    pub fn of_mailbox(&self, shape: &Mailbox) -> Compared {
        let Self { items_per_page, workers, source, target } = self;
        let items = shape.items as f64;
        // Every folder but the root has a page, however little it holds.
        let pages = f64::from(shape.folders.saturating_sub(1)) + items / items_per_page;
        let bytes = |side: &Pages| side.bytes.0 * pages + side.bytes.1 * items;
        Compared {
            takes: (source.takes + target.takes).scale(pages / workers),
            pages,
            bytes: (bytes(source), bytes(target)),
            served: (source.served.scale(pages), target.served.scale(pages)),
        }
    }
}

impl Pages {
    fn new(side: &SidePlan, link: &LinkPlan) -> Self {
        let served = side.server.costs.of(Operation::SyncItems).call.mean();
        Self { served, takes: served + link.latency.mean() * 2, bytes: bytes(side) }
    }
}

/// Bytes of an empty page, and bytes by which an item makes it longer.
fn bytes(side: &SidePlan) -> (f64, f64) {
    let call = Call::SyncItems { folder: Id::Number(1), state: None, limit: 2 };
    let item = ItemChange { kind: ChangeKind::Create, item: Id::Number(1), key: Some(ItemKey(1)), size: 10_000 };
    let page = |items: usize| {
        let answer = Answer::Items { changes: vec![item.clone(); items], state: Id::Number(1), complete: true };
        codec::answer_bytes(side.protocol, &call, &answer)
    };
    (page(0) as f64, (page(2) - page(1)) as f64)
}
