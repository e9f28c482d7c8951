//! What people's programs ask, against the mock.

use std::fmt::Write as _;
use std::future::pending;
use std::path::Path;
use std::sync::Arc;

use mock_server::front::clock::Clock;
use mock_server::time::{Moment, Span};
use wavetank::engine::live::drive::{DriveOptions, Driven, Http, drive};
use wavetank::engine::live::server;
use wavetank::load::act::Action;
use wavetank::load::background::Background;
use wavetank::load::demand::Demand;
use wavetank::load::recorded::Recording;
use wavetank::population::Population;
use wavetank::scenario;
use wavetank::scenario::program::Program;
use wavetank::world::Side;

use crate::{SEED, options};

/// Every program does everything, and does it again when it knows more, one request after another.
fn recording() -> Recording {
    let mut rows = String::from("at,program,action,mailbox\n");
    let mut at = 0;
    for round in 0..3 {
        for program in Program::ALL {
            for action in Action::ALL {
                writeln!(rows, "{},{},{},{}", f64::from(at) / 1_000.0, program.name(), action.name(), round / 2)
                    .expect("a string takes everything");
                at += 10;
            }
        }
    }
    Recording::read(&rows).expect("a recording")
}

fn send(http: Http) -> Driven {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/small-business.toml");
    let plan = scenario::load(&file, &[], None).expect("a scenario");
    let population = Arc::new(Population::of(&plan).expect("a population"));
    let mock = server::start(server::config(&plan, Side::Source), Arc::clone(&population), Clock::start());
    let mock = mock.expect("a free port");
    let recording = Arc::new(recording());
    let background = Background::new(SEED, population.len(), &Program::ALL, 34.0).recorded(Arc::clone(&recording));
    let errand = crate::people(background, population, mock.address());
    let end = Moment::START + recording.length() + Span(1);
    let options = DriveOptions { end, ..options(mock.address(), http, Span::ZERO) };
    let demand = |share| Demand::recorded(Arc::clone(&recording), share, end);
    drive(&Arc::new(options), demand, &errand, |_| {}, pending()).expect("a run")
}

#[test]
fn the_mock_understands_everything_that_programs_ask() {
    for http in [Http::One, Http::Two] {
        let driven = send(http);
        assert_eq!(crate::check(&driven), 108);
        let refused: Vec<_> = driven.tally.kinds().filter(|(_, kind)| kind.refused > 0).map(|(name, _)| name).collect();
        let statuses: Vec<_> = driven.tally.statuses().collect();
        assert!(refused.is_empty(), "{http:?} {refused:?} {statuses:?}");
        let kinds: Vec<_> = driven.tally.kinds().map(|(name, _)| name).collect();
        for kind in ["outlook read", "outlook mark", "mobile sync", "web list", "web mark", "chat post"] {
            assert!(kinds.iter().any(|name| name == kind), "{kind} in {kinds:?}");
        }
    }
}
