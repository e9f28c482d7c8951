//! Counters in the text format of Prometheus (`OpenMetrics`).

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::front::exchange::{Decision, Received};
use crate::time::Moment;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    status: u16,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Refused {
    kind: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Of {
    operation: &'static str,
}

/// What is counted.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    refusals: Family<Refused, Counter>,
    seconds: Family<Of, Histogram>,
    received: Counter,
    sent: Counter,
    touched: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        // From one millisecond to 262 seconds: back-off times are minutes.
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(0.001, 4.0, 10));
        let mut metrics = Self {
            registry: Registry::with_prefix("mock_server"),
            requests: Family::default(),
            refusals: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            received: Counter::default(),
            sent: Counter::default(),
            touched: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register("refusals", "Requests refused, by kind", metrics.refusals.clone());
        let help = "Time from a request's arrival to its answer";
        registry.register_with_unit("answer", help, Unit::Seconds, metrics.seconds.clone());
        registry.register_with_unit("received", "Request bodies", Unit::Bytes, metrics.received.clone());
        registry.register_with_unit("sent", "Answer bodies", Unit::Bytes, metrics.sent.clone());
        registry.register("mailboxes_touched", "Mailboxes that hold state of their own", metrics.touched.clone());
        metrics
    }
}

impl Metrics {
    /// Counts a request.
    pub(super) fn count(&self, now: Moment, request: &Received, decision: &Decision) {
        let operation = decision.about.map_or("none", |about| about.operation.name());
        self.requests.get_or_create(&Answered { operation, status: decision.answer.status }).inc();
        if let Some(kind) = decision.about.and_then(|about| about.refusal).map(|refusal| refusal.kind.name()) {
            self.refusals.get_or_create(&Refused { kind }).inc();
        }
        self.seconds.get_or_create(&Of { operation }).observe(decision.ready.since(now).as_seconds());
        self.received.inc_by(request.body.len() as u64);
        self.sent.inc_by(decision.answer.body.len() as u64);
    }

    /// The text.
    pub(super) fn text(&self, touched: usize) -> String {
        self.touched.set(i64::try_from(touched).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}
