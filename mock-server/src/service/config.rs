//! What one mailbox server is like.

use crate::draw::Distribution;
use crate::fault::rule::FaultRule;
use crate::throttle::change::{LimitChange, PolicyChange};
use crate::throttle::health::Terms;
use crate::throttle::limit::Limit;
use crate::throttle::policy::Policy;
use crate::throttle::policy::topology::Topology;
use crate::time::Span;
use crate::wire::operation::Operation;

/// The time that one kind of call takes the server, without waiting for others.
#[derive(Clone, PartialEq, Debug)]
pub struct Cost {
    /// Time for the call itself.
    pub call: Distribution,
    /// Time for each item that the call moves (exports, imports, uploads, reads as MIME) or deletes; listing costs none.
    pub per_item: Span,
    /// Time for each mebibyte of item content that the call carries or returns.
    pub per_mebibyte: Span,
}

/// The times that calls take.
#[derive(Clone, PartialEq, Debug)]
pub struct Costs {
    /// The cost of calls that have none of their own below.
    pub default: Cost,
    /// Costs by operation; the first entry that names the operation counts.
    pub by_operation: Vec<(Operation, Cost)>,
    /// How many calls the server works on at once, for all mailboxes together; further calls wait in the order of their
    /// arrival. Unlimited if absent. Only the service time counts against it.
    pub servers: Option<u32>,
}

impl Costs {
    /// The cost of an operation.
    #[must_use]
    pub fn of(&self, operation: Operation) -> &Cost {
        let own = self.by_operation.iter().find(|(named, _)| *named == operation);
        own.map_or(&self.default, |(_, cost)| cost)
    }
}

/// The asynchronous switch of a mailbox's address to this server.
#[derive(Clone, PartialEq, Debug)]
pub struct SwitchConfig {
    /// How many switches may be under way at once; further ones are queued in the order of their arrival.
    pub places: u32,
    /// How long a switch takes once it is under way.
    pub duration: Distribution,
    /// The share of switches that fail, from 0 to 1. Drawn anew for every attempt.
    pub failure_rate: f64,
}

/// What the mailboxes of this server hold when the run begins.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Holding {
    /// Everything that the content describes, and it goes on changing: a source.
    Live,
    /// Nothing but empty default folders: a target before any copy.
    Empty,
    /// A copy of the source as it was when the staging clock showed this: a target after pre-staging.
    Copy {
        /// The reading of the staging clock at the last copy.
        taken: Span,
    },
}

/// What a server has beyond limits, faults and costs. Nothing by default.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Conditions {
    /// The policies, asked in order before the limits.
    pub policies: Vec<Policy>,
    /// Policies that have other numbers from a moment on.
    pub policy_changes: Vec<PolicyChange>,
    /// Where mailboxes are, for policies that databases, servers or tenants share.
    pub topology: Topology,
    /// What resources suffer from, and the work of real users.
    pub health: Terms,
}

/// The largest item that can be stored: what Exchange Online can be set to, 150 MB
/// (`MaxReceiveSize`), read as decimal.
pub const LARGEST_ITEM_BYTES: u32 = 150_000_000;

/// One mailbox server.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The seed of everything that is drawn.
    pub seed: u64,
    /// What the mailboxes hold at the beginning.
    pub holding: Holding,
    /// What the staging clock shows when the run begins. While the run goes on, it advances with time.
    pub clock_at_start: Span,
    /// The limits, asked in order; the first that refuses is what the client sees.
    pub limits: Vec<Limit>,
    /// Limits that have other numbers from a moment on.
    pub limit_changes: Vec<LimitChange>,
    /// The fault rules, asked in order.
    pub faults: Vec<FaultRule>,
    /// The times that calls take.
    pub costs: Costs,
    /// The switch.
    pub switch: SwitchConfig,
    /// The largest item that can be stored, in bytes.
    pub largest_item_bytes: u32,
    /// What it has beyond that.
    pub conditions: Conditions,
}

impl Config {
    /// A server that takes no time for anything but what its limits ask, and that nothing is wrong with. A switch takes
    /// a minute (assumed).
    #[must_use]
    pub fn instant(seed: u64, limits: Vec<Limit>) -> Self {
        let free = Cost { call: Distribution::Constant(Span::ZERO), per_item: Span::ZERO, per_mebibyte: Span::ZERO };
        Self {
            seed,
            holding: Holding::Live,
            clock_at_start: Span::ZERO,
            limits,
            limit_changes: Vec::new(),
            faults: Vec::new(),
            costs: Costs { default: free, by_operation: Vec::new(), servers: None },
            switch: SwitchConfig {
                places: 300,
                duration: Distribution::Constant(Span::seconds(60)),
                failure_rate: 0.0,
            },
            largest_item_bytes: LARGEST_ITEM_BYTES,
            conditions: Conditions::default(),
        }
    }
}
