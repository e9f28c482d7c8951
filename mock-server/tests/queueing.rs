//! With exponential service times and Poisson arrivals the service is the queue M/M/c, whose mean wait is known.

#[path = "support/content.rs"]
mod content;
#[path = "support/server.rs"]
mod server;

use mock_server::draw::{Distribution, Purpose, hash, unit};
use mock_server::service::config::Holding;
use mock_server::service::core::Service;
use mock_server::service::reply::Request;
use mock_server::time::{Moment, Span};
use mock_server::wire::call::{Call, Protocol, RequestIdentity};
use mock_server::wire::id::MailboxKey;
use statrs::distribution::{ContinuousCDF, StudentsT};

const SERVERS: u32 = 5;
const SERVICE: Span = Span::seconds(2);
const WARM_UP: u64 = 50_000;
const BATCHES: usize = 30;
const CALLS_PER_BATCH: u64 = 50_000;

/// Mean wait of M/M/c in seconds: Erlang's C formula, through the recursion of his B formula.
fn erlang_c(servers: u32, utilization: f64, service: f64) -> f64 {
    let offered = utilization * f64::from(servers);
    let blocked = (1..=servers).fold(1.0, |blocked, n| offered * blocked / (f64::from(n) + offered * blocked));
    let waits = blocked / (1.0 - utilization * (1.0 - blocked));
    waits * service / (f64::from(servers) * (1.0 - utilization))
}

/// Waits of calls in seconds, averaged over batches of consecutive calls.
fn simulate(seed: u64, utilization: f64) -> Vec<f64> {
    let mut config = server::free(Holding::Empty);
    config.seed = seed;
    config.costs.servers = Some(SERVERS);
    config.costs.default.call = Distribution::Exponential { mean: SERVICE };
    let mut service = Service::new(config, content::Small::default());
    let gap = Distribution::Exponential { mean: SERVICE.scale(1.0 / (utilization * f64::from(SERVERS))) };
    let mut now = Moment::START;
    let mut wait_of = |number: u64| {
        now += gap.draw(hash(seed, Purpose::Test, number, 0, 0));
        let request = Request {
            app: 1,
            mailbox: MailboxKey((unit(hash(seed, Purpose::Test, number, 1, 0)) * 1_000.0) as u32),
            protocol: Protocol::Graph,
            identity: RequestIdentity::new(number, 0),
            body_bytes: 0,
            call: &Call::ProvisionUser,
        };
        let reply = service.handle(now, &request);
        assert_eq!(reply.ready, now + reply.spent.queued + reply.spent.served);
        reply.spent.queued.as_seconds()
    };
    for number in 0..WARM_UP {
        wait_of(number);
    }
    let mut number = WARM_UP..;
    let mut batch = |_| number.by_ref().take(CALLS_PER_BATCH as usize).map(&mut wait_of).sum::<f64>();
    (0..BATCHES).map(|index| batch(index) / CALLS_PER_BATCH as f64).collect()
}

fn check(seed: u64, utilization: f64) {
    let means = simulate(seed, utilization);
    let count = means.len() as f64;
    let mean = means.iter().sum::<f64>() / count;
    let variance = means.iter().map(|batch| (batch - mean) * (batch - mean)).sum::<f64>() / (count - 1.0);
    let quantile = StudentsT::new(0.0, 1.0, count - 1.0).expect("valid parameters").inverse_cdf(0.995);
    let half_width = quantile * (variance / count).sqrt();
    let expected = erlang_c(SERVERS, utilization, SERVICE.as_seconds());
    assert!((mean - expected).abs() <= half_width, "{mean} +- {half_width}, expected {expected}");
    assert!(half_width < 0.15 * expected, "{mean} +- {half_width} says nothing about {expected}");
}

#[test]
fn mean_waits_agree_with_erlang_c_when_half_of_the_servers_are_busy() {
    check(1, 0.5);
}

#[test]
fn mean_waits_agree_with_erlang_c_when_four_in_five_servers_are_busy() {
    check(2, 0.8);
}

#[test]
fn mean_waits_agree_with_erlang_c_when_nearly_all_servers_are_busy() {
    check(3, 0.95);
}

#[test]
fn the_formula_agrees_with_the_queue_of_one_server() {
    // M/M/1: the mean wait is the service time times rho / (1 - rho).
    assert!((erlang_c(1, 0.8, 1.0) - 4.0).abs() < 1e-12);
}
