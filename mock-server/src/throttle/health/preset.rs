//! Health as it is seen, by name. Every rate, length and share is assumed: Microsoft publishes what can stall a move and
//! which work comes first, not how often and for how long. Where a published figure bounds an assumption, it is named.

use super::Terms;
use super::episode::{Effect, Episode, Reach, When};
use super::load::Load;
use super::resource::Resource;
use crate::draw::Distribution;
use crate::time::Span;

/// The presets: name, what it is, where its numbers come from.
pub const NAMES: &[(&str, &str, &str)] = &[
    (
        "exchange-online",
        "databases stall now and then for disks, processors, replication and indexing, and users come to work",
        "causes and order of priority as Microsoft's Exchange team blog names them (2018-06-25, 2020-10-19); frequencies, \
         lengths and shares are assumed, so that moves are stalled about 5% of the time, two thirds of it for processors \
         (3.32% and 1.23% for indexing in the sample of \"Mailbox migration performance analysis\", 2014)",
    ),
    (
        "exchange-server",
        "an own server: users take up to 70% of it by day, indexing and backups by night",
        "assumed; source servers are held below 80% (same analysis)",
    ),
    (
        "brownout",
        "everything takes four times as long for a quarter of an hour, every three hours on average",
        "assumed",
    ),
    (
        "maintenance",
        "the service is away for 20 minutes each night, three hours after the run began",
        "assumed; Microsoft Graph error responses (503: maintenance)",
    ),
];

/// The health of a preset; none if there is no such name.
#[must_use]
pub fn named(name: &str) -> Option<Terms> {
    let hour = Span::seconds(3_600);
    let minutes = |count: u64| Span::seconds(60 * count);
    let terms = match name {
        "exchange-online" => Terms {
            episodes: vec![
                stall(Resource::DiskLatency, hour * 24, minutes(2), Reach::Database),
                stall(Resource::Processor, minutes(150), minutes(3), Reach::Server),
                stall(Resource::MdbReplication, hour * 72, minutes(5), Reach::Database),
                stall(Resource::MdbAvailability, hour * 96, minutes(6), Reach::Database),
                stall(Resource::ContentIndexing, minutes(400), minutes(3), Reach::Database),
            ],
            load: Some(Load::office(0.5)),
            ..Terms::default()
        },
        "exchange-server" => Terms {
            episodes: vec![
                stall(Resource::ContentIndexing, hour * 6, minutes(5), Reach::Database),
                Episode {
                    resource: Resource::DiskLatency,
                    when: When::Window { from: hour * 4, length: hour, every: Some(hour * 24) },
                    reach: Reach::Everything,
                    effect: Effect::Slow { waiting: 2.0, others: 1.2 },
                },
            ],
            load: Some(Load::office(0.7)),
            ..Terms::default()
        },
        "brownout" => Terms {
            episodes: vec![Episode {
                resource: Resource::Service,
                when: When::Random { every: hour * 3, length: Distribution::Constant(minutes(15)) },
                reach: Reach::Everything,
                effect: Effect::Slow { waiting: 4.0, others: 4.0 },
            }],
            ..Terms::default()
        },
        "maintenance" => Terms {
            episodes: vec![Episode {
                resource: Resource::Service,
                when: When::Window { from: hour * 3, length: minutes(20), every: Some(hour * 24) },
                reach: Reach::Everything,
                effect: Effect::Down { back_off: Some(minutes(5)) },
            }],
            ..Terms::default()
        },
        _ => return None,
    };
    Some(terms)
}

/// The longest that a stalled call is held (assumed), and what is announced beyond it: `RetryDelay`, 30 s (configuration
/// of the Mailbox Replication Service, 2010).
pub const PATIENCE: Span = Span::seconds(30);

/// See [`PATIENCE`].
pub const BACK_OFF: Span = Span::seconds(30);

/// A stall: most are short, a few are long (log-normal).
fn stall(resource: Resource, every: Span, median: Span, reach: Reach) -> Episode {
    Episode {
        resource,
        when: When::Random { every, length: Distribution::LogNormal { median, sigma: 1.0 } },
        reach,
        effect: Effect::Stall { patience: PATIENCE, back_off: BACK_OFF },
    }
}
