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
use crate::wire::operation::Operation;
use crate::wire::refusal::RefusalKind;

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
    /// Where requests of a kind and refusals are counted, once they were met: there are few, and looking them up by their
    /// labels costs more than all the rest.
    met: Vec<Met>,
    refused: Vec<(RefusalKind, Counter)>,
}

/// Requests that were answered alike.
#[derive(Debug)]
struct Met {
    operation: Option<Operation>,
    status: u16,
    requests: Counter,
    seconds: Histogram,
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
            met: Vec::new(),
            refused: Vec::new(),
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
    pub(super) fn count(&mut self, now: Moment, request: &Received, decision: &Decision) {
        let met = self.met(decision.about.map(|about| about.operation), decision.answer.status);
        met.requests.inc();
        met.seconds.observe(decision.ready.since(now).as_seconds());
        if let Some(refusal) = decision.about.and_then(|about| about.refusal) {
            self.refused(refusal.kind).inc();
        }
        self.received.inc_by(request.body.len() as u64);
        self.sent.inc_by(decision.answer.body.len() as u64);
    }

    fn met(&mut self, operation: Option<Operation>, status: u16) -> &Met {
        let same = |met: &Met| met.operation == operation && met.status == status;
        let place = self.met.iter().position(same).unwrap_or_else(|| {
            let name = operation.map_or("none", Operation::name);
            let requests = self.requests.get_or_create_owned(&Answered { operation: name, status });
            let seconds = self.seconds.get_or_create_owned(&Of { operation: name });
            self.met.push(Met { operation, status, requests, seconds });
            self.met.len() - 1
        });
        &self.met[place]
    }

    fn refused(&mut self, kind: RefusalKind) -> &Counter {
        let place = self.refused.iter().position(|(met, _)| *met == kind).unwrap_or_else(|| {
            self.refused.push((kind, self.refusals.get_or_create_owned(&Refused { kind: kind.name() })));
            self.refused.len() - 1
        });
        &self.refused[place].1
    }

    /// The text.
    pub(super) fn text(&self, touched: usize) -> String {
        self.touched.set(i64::try_from(touched).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}
