//! Laws that health keeps, whatever it is like.

use proptest::prelude::*;

use super::episode::{Effect, Episode, Reach, When};
use super::load::Load;
use super::resource::Resource;
use super::{Health, Terms, Verdict, preset};
use crate::draw::Distribution;
use crate::throttle::policy::asked::Asked;
use crate::time::{Moment, Span};
use crate::wire::call::{Protocol, Side};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

const STALL: Effect = Effect::Stall { patience: Span::seconds(30), back_off: Span::seconds(60) };

fn call(operation: Operation, database: u32) -> Asked {
    Asked {
        app: 1,
        mailbox: MailboxKey(1),
        user: 0,
        tenant: 0,
        address: 0,
        database,
        server: 0,
        protocol: Protocol::Ews,
        operation,
        body_bytes: 0,
        items: 1,
        resource_units: 1,
        writes: false,
    }
}

fn health(seed: u64, when: When, effect: Effect) -> Health {
    let episode = Episode { resource: Resource::DiskLatency, when, reach: Reach::Database, effect };
    Health::new(seed, Terms { episodes: vec![episode], ..Terms::default() })
}

fn ask(health: &mut Health, seconds: f64, operation: Operation) -> Verdict {
    health.ask(Moment::START + Span::from_seconds(seconds), Span::ZERO, &call(operation, 0))
}

/// Whether a share of a number of looks is what a law says, within six standard deviations of independent looks, each
/// counted as often as looks hang together.
fn explains(expected: f64, found: f64, independent: f64) -> bool {
    (found - expected).abs() <= 6.0 * (expected * (1.0 - expected) / independent).sqrt() + 0.01
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The share of time in which a resource suffers is that of an M/G/infinity queue: 1 - exp(-length/every).
    #[test]
    fn the_share_of_time_that_is_bad_follows_from_frequency_and_length(
        seed: u64, every in 100_u64..10_000, share in 0.01_f64..0.8, shape in 0..3,
    ) {
        let mean = Span::from_seconds(every as f64 * share);
        let length = match shape {
            0 => Distribution::Constant(mean),
            1 => Distribution::Exponential { mean },
            _ => Distribution::Uniform { low: Span::ZERO, high: mean * 2 },
        };
        let every = Span::seconds(every);
        let health = health(seed, When::Random { every, length }, STALL);
        let looks = 6_000_u64;
        let bad = (0..looks).filter(|look| {
            // Each look is at a place of its own, at any moment: looks are independent.
            let now = Moment(look.wrapping_mul(7_919) % 1_000 * every.0 / 37 + every.0 * 5);
            health.suffering(now, &call(Operation::ExportItems, *look as u32)).next().is_some()
        });
        let found = bad.count() as f64 / looks as f64;
        // A stretch holds one beginning at most, where a Poisson process may have more.
        let slack = 0.06 * share;
        let expected = 1.0 - (-mean.as_seconds() / every.as_seconds()).exp();
        prop_assert!(explains(expected, found, looks as f64) || (found - expected).abs() <= slack + 0.02, "{expected} {found}");
    }

    /// A held call is let go exactly when the resource is well, and not a nanosecond before.
    #[test]
    fn a_stall_ends_when_it_says(seed: u64, look in 0_u64..1_000_000) {
        let when = When::Random { every: Span::seconds(100), length: Distribution::Exponential { mean: Span::seconds(50) } };
        let health = health(seed, when, STALL);
        let asked = call(Operation::ExportItems, 0);
        let now = Moment(look * 1_000_000_007);
        let well = health.suffering(now, &asked).next().map(|(_, well)| well);
        if let Some(well) = well {
            let before = health.suffering(Moment(well.0 - 1), &asked).next().map(|(_, later)| later);
            prop_assert!(now < well && before.is_some_and(|later| well <= later));
            if let Some((_, later)) = health.suffering(well, &asked).next() {
                prop_assert!(well < later);
            }
        }
    }

    /// Users are never slowed more than work that can wait, and nothing gets faster.
    #[test]
    fn work_that_can_wait_is_slowed_first(peak in 0.0_f64..2.0, hours in 0.0_f64..400.0) {
        let load = Load::office(peak);
        let week = Span::from_seconds(hours * 3_600.0);
        let (waiting, others) = (load.factor(week, true), load.factor(week, false));
        prop_assert!(1.0 <= others && others <= waiting && waiting <= 100.1);
    }
}

#[test]
fn short_stalls_hold_long_ones_refuse_and_people_pass() {
    let when = When::Window { from: Span::seconds(100), length: Span::seconds(50), every: Some(Span::seconds(1_000)) };
    let mut health = health(1, when, STALL);
    for round in [0.0, 1_000.0, 7_000.0] {
        assert_eq!(ask(&mut health, round + 99.0, Operation::ExportItems), Verdict::WELL);
        let refused = ask(&mut health, round + 101.0, Operation::ExportItems).refusal.expect("too long to hold");
        assert_eq!((refused.status, refused.retry_after), (500, Some(Span::seconds(60))));
        assert_eq!(ask(&mut health, round + 130.0, Operation::ExportItems).hold, Span::seconds(20));
        assert_eq!(ask(&mut health, round + 101.0, Operation::ReadItems), Verdict::WELL);
        assert_eq!(ask(&mut health, round + 150.0, Operation::ExportItems), Verdict::WELL);
    }
    let suffered = health.suffered()[Resource::DiskLatency as usize];
    assert_eq!((suffered.held, suffered.refused, suffered.span), (3, 3, Span::seconds(60)));
}

#[test]
fn a_brownout_slows_and_an_outage_refuses_everybody() {
    let when = When::Window { from: Span::ZERO, length: Span::seconds(10), every: None };
    let mut slow = health(1, when, Effect::Slow { waiting: 4.0, others: 1.5 });
    assert!((ask(&mut slow, 1.0, Operation::ExportItems).factor - 4.0).abs() < 1e-9);
    assert!((ask(&mut slow, 1.0, Operation::ReadItems).factor - 1.5).abs() < 1e-9);
    assert_eq!(ask(&mut slow, 10.0, Operation::ReadItems), Verdict::WELL);
    let mut down = health(1, when, Effect::Down { back_off: None });
    assert_eq!(ask(&mut down, 1.0, Operation::ReadItems).refusal.map(|refusal| refusal.status), Some(503));
}

#[test]
fn the_week_goes_round_and_nights_are_quiet() {
    let load = Load::office(0.5);
    let at = |day: u64, hour: u64| load.utilization(Span::seconds((day * 24 + hour) * 3_600));
    assert!((at(0, 9) - 0.5).abs() < 1e-9);
    assert!(at(0, 3) < 0.05 && at(5, 9) < at(4, 9));
    assert!((at(7, 9) - at(0, 9)).abs() < 1e-9);
    let between = load.utilization(Span::seconds(7 * 3_600 + 1_800));
    assert!((between - f64::midpoint(at(0, 7), at(0, 8))).abs() < 1e-9);
}

#[test]
fn every_listed_preset_exists_and_online_moves_stall_about_as_often_as_they_were_seen_to() {
    for (name, description, source) in preset::NAMES {
        assert!(preset::named(name).is_some_and(|terms| !terms.is_empty()), "{name}");
        assert!(!description.is_empty() && !source.is_empty(), "{name}");
    }
    assert_eq!(preset::named("no-such-preset"), None);
    let health = Health::new(5, preset::named("exchange-online").expect("it is listed"));
    let looks = 20_000_u32;
    let stalled = (0..looks).filter(|look| {
        let now = Moment::START + Span::seconds(86_400 + u64::from(*look) * 61);
        health.suffering(now, &Asked { server: *look, ..call(Operation::ExportItems, *look) }).next().is_some()
    });
    let share = stalled.count() as f64 / f64::from(looks);
    assert!((0.03..0.08).contains(&share), "{share}");
}

#[test]
fn stalls_are_named_as_in_reports_of_moves() {
    let line = Resource::DiskLatency.relinquished(Side::Target);
    assert!(line.ends_with("with a request throttling state 'StalledDueToTarget_DiskLatency'."), "{line}");
    for resource in Resource::ALL {
        assert!([Side::Source, Side::Target].into_iter().all(|side| resource.word(side).starts_with("StalledDueTo")));
    }
}

/// How long a mailbox was stalled: looks at these seconds, with these episodes of resource, beginning and length.
fn check_stalls(episodes: &[(Resource, u64, u64)], looks: &[u64], expected: &[(Resource, u64, u64)]) {
    let episode = |&(resource, from, length): &(Resource, u64, u64)| Episode {
        resource,
        when: When::Window { from: Span::seconds(from), length: Span::seconds(length), every: None },
        reach: Reach::Everything,
        effect: STALL,
    };
    let mut health = Health::new(1, Terms { episodes: episodes.iter().map(episode).collect(), ..Terms::default() });
    for look in looks {
        ask(&mut health, *look as f64, Operation::ExportItems);
        ask(&mut health, *look as f64, Operation::ReadItems);
    }
    let stalled = health.stalled().of(1);
    let found: Vec<_> = Resource::ALL
        .into_iter()
        .zip(stalled)
        .filter(|(_, stalled)| stalled.mailboxes > 0)
        .map(|(resource, stalled)| (resource, stalled.span.0 / 1_000_000_000, stalled.held + stalled.refused))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_time_of_a_stall_counts_once_however_many_calls_it_holds() {
    let disk = (Resource::DiskLatency, 100, 50);
    check_stalls(&[disk], &[10, 99], &[]);
    check_stalls(&[disk], &[105, 110, 149], &[(Resource::DiskLatency, 45, 3)]);
    let processor = (Resource::Processor, 120, 60);
    let both = [(Resource::DiskLatency, 40, 1), (Resource::Processor, 20, 1)];
    check_stalls(&[disk, processor], &[110, 160], &both);
    let later = [(Resource::DiskLatency, 40, 1), (Resource::Service, 6, 1)];
    check_stalls(&[disk, (Resource::Service, 300, 10)], &[110, 304], &later);
}

#[test]
fn a_mailbox_that_is_forgotten_stays_counted() {
    let when = When::Window { from: Span::ZERO, length: Span::seconds(50), every: None };
    let mut health = health(1, when, STALL);
    ask(&mut health, 10.0, Operation::ExportItems);
    health.forget(MailboxKey(1));
    let other = Asked { mailbox: MailboxKey(2), ..call(Operation::ExportItems, 0) };
    health.ask(Moment::START + Span::seconds(45), Span::ZERO, &other);
    let stalled = health.stalled().of(1)[Resource::DiskLatency as usize];
    assert_eq!((stalled.mailboxes, stalled.span, stalled.longest), (2, Span::seconds(45), Span::seconds(40)));
    assert_eq!((stalled.held, stalled.refused), (1, 1));
}
