//! What is due when: the options that say so.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use jiff::fmt::strtime;
use mock_server::draw::Distribution;
use mock_server::time::{Moment, Span};

use crate::calendar::{TUESDAY_AT_TEN, hours_since_monday};
use crate::cli::console;
use crate::cli::exit::Exit;
use crate::cli::options::duration;
use crate::load::arrival::{Arrivals, Law};
use crate::load::background::Background;
use crate::load::demand::{Demand, Share};
use crate::load::recorded::Recording;
use crate::load::shape::{Shape, Step};
use crate::load::users::Users;
use crate::report::number::{count, significant};
use crate::scenario::plan::{BackgroundPlan, Plan};
use crate::scenario::program::Program;
use crate::scenario::unit::{distribution, time};

/// How long a load lasts if nothing says so.
const LENGTH: Span = Span::seconds(10);

/// Greatest rate, per second: one request each nanosecond.
const RATE_MAX: f64 = 1e9;

/// What is due when.
#[derive(clap::Args, Debug)]
#[group(skip)]
pub(super) struct DemandArgs {
    /// An open loop of so many requests per second
    #[arg(long, value_name = "NUMBER", value_parser = rate, group = "demand")]
    rate: Option<f64>,

    /// An open loop whose rate changes in steps, for example --steps 100:30s,200:1min
    #[arg(long, value_name = "RATE:DURATION,...", value_parser = step, value_delimiter = ',', group = "demand")]
    steps: Vec<Step>,

    /// An open loop whose rate changes evenly from one value to another, for example --ramp 0..5000
    #[arg(long, value_name = "FROM..TO", value_parser = ramp, group = "demand")]
    ramp: Option<(f64, f64)>,

    /// An open loop at the rate at which the scenario's people ask at that hour of the week, times a factor; without a
    /// number that of `[background]` for the source, or 1. This is what a scenario's load is if nothing else is said
    #[arg(
        long,
        value_name = "FACTOR",
        value_parser = rate,
        group = "demand",
        requires = "scenario",
        num_args = 0..=1
    )]
    diurnal: Option<f64>,

    /// An open loop that follows a recorded schedule: JSON Lines or CSV with `at` in seconds and, if known, `program`,
    /// `action` and `mailbox`
    #[arg(long, value_name = "FILE", group = "demand")]
    schedule: Option<PathBuf>,

    /// A closed loop of so many users, who wait for an answer and think before they ask again. This is what the load of a
    /// URL is if nothing else is said, with a user for each request that can be under way
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..), group = "demand")]
    users: Option<u32>,

    /// How long users of a closed loop think, for example "exponential mean 5 s"
    #[arg(long, value_name = "DISTRIBUTION", value_parser = distribution::parse, default_value = "constant 0 s")]
    think: Distribution,

    /// How arrivals of an open loop spread
    #[arg(long, value_enum, default_value_t, value_name = "LAW")]
    arrivals: Spread,

    /// For how long requests are due: 10 s if nothing is said, or as long as the steps or the recorded schedule last
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    duration: Option<Span>,

    /// Requests due within this time from the beginning are sent but not counted
    #[arg(long, value_name = "DURATION", default_value = "0 s", value_parser = time::parse)]
    warm_up: Span,

    /// When in the week the load begins, for the hours of the scenario's people; when they begin in `[background]`, or
    /// Tue 10:00 if nothing is said
    #[arg(long, value_name = "DAY HH:MM", value_parser = start, requires = "scenario")]
    start: Option<f64>,

    /// The programs of the scenario's people; those of `[background]`, or outlook,mobile,web,chat if nothing is said
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = program, requires = "scenario")]
    programs: Vec<Program>,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Spread {
    /// Independently of each other, as requests of many people do
    #[default]
    Poisson,
    /// Evenly
    Even,
}

/// The people of an estate.
#[derive(Clone, Debug)]
pub(super) struct People {
    /// What they do.
    pub(super) background: Background,
    /// How much they ask, as a factor on what is usual.
    factor: f64,
}

/// What is due when, read and checked.
#[derive(Debug)]
pub(super) struct Demanded {
    source: Source,
    /// For how long requests are due.
    pub(super) length: Span,
    /// For how long those due are not counted.
    pub(super) warm_up: Span,
    /// The people who ask, if people do.
    pub(super) background: Option<Background>,
    /// What it is, for people.
    pub(super) said: String,
    seed: u64,
}

#[derive(Debug)]
enum Source {
    Open(Law, Shape),
    Recorded(Arc<Recording>),
    Closed { users: u32, think: Distribution },
}

/// When in the week people begin: as the option says, or the scenario.
fn begins(told: Option<f64>, said: Option<&BackgroundPlan>) -> f64 {
    told.or(said.and_then(|said| said.starts)).unwrap_or(TUESDAY_AT_TEN)
}

impl DemandArgs {
    /// The people of so many mailboxes, and how much they ask as a factor on what is usual: as the options say, or else
    /// the scenario.
    pub(super) fn background(&self, plan: &Plan, mailboxes: u32) -> People {
        let said = plan.background.as_ref();
        let programs = match (&self.programs[..], said) {
            ([], Some(said)) => said.programs.clone(),
            ([], None) => Program::ALL.to_vec(),
            (named, _) => named.to_vec(),
        };
        let start = begins(self.start, said);
        let factor = said.map(|said| said.source).filter(|factor| *factor > 0.0).unwrap_or(1.0);
        People { background: Background::new(plan.seed, mailboxes, &programs, start), factor }
    }

    /// What the options say; problems are written to stderr. `slots` is how many requests can be under way at a time.
    pub(super) fn read(&self, seed: u64, slots: u32, people: Option<&People>) -> Result<Demanded, Exit> {
        let law = match self.arrivals {
            Spread::Poisson => Law::Poisson,
            Spread::Even => Law::Even,
        };
        let (source, natural, said) = self.source(law, slots, people)?;
        let length = self.duration.unwrap_or(natural);
        if self.warm_up >= length {
            console::error("--warm-up must be shorter than the load");
            return Err(Exit::InvalidInput);
        }
        let background = people.map(|people| people.background.clone()).map(|people| match &source {
            Source::Open(..) => people,
            Source::Recorded(recording) => people.recorded(Arc::clone(recording)),
            Source::Closed { .. } => people.by_user(),
        });
        Ok(Demanded { source, length, warm_up: self.warm_up, background, said, seed })
    }

    /// Where requests come from, how long that lasts by itself, and what it is called.
    fn source(&self, law: Law, slots: u32, people: Option<&People>) -> Result<(Source, Span, String), Exit> {
        let open = |shape, length, what: String| {
            let law_name = match law {
                Law::Poisson => "Poisson",
                Law::Even => "evenly spaced",
            };
            Ok((Source::Open(law, shape), length, format!("open loop, {what}, {law_name}")))
        };
        if let Some(file) = &self.schedule {
            let recording = read(file)?;
            let said = format!("open loop, recorded schedule of {} requests", count(recording.entries().len() as u64));
            // The last request is due, too.
            let length = recording.length() + Span(1);
            return Ok((Source::Recorded(Arc::new(recording)), length, said));
        }
        if let Some(rate) = self.rate {
            return open(Shape::constant(rate), LENGTH, format!("{} requests/s", number(rate)));
        }
        if !self.steps.is_empty() {
            let length = self.steps.iter().map(|step| step.lasts).sum();
            return open(Shape::steps(&self.steps), length, format!("{} steps", self.steps.len()));
        }
        if let Some((from, to)) = self.ramp {
            let length = self.duration.unwrap_or(LENGTH);
            let what = format!("from {} to {} requests/s", number(from), number(to));
            return open(Shape::ramp(from, to, length), length, what);
        }
        match (self.users, people) {
            (None, Some(people)) => {
                let factor = self.diurnal.unwrap_or(people.factor);
                let shape = people.background.shape(factor);
                let what = format!("people at {} requests/s in the first hour", number(shape.rate(0.0)));
                open(shape, LENGTH, what)
            }
            (users, _) => {
                let users = users.unwrap_or(slots);
                let think = distribution::print(&self.think);
                let said = format!("closed loop, {} users, thinking {think}", count(u64::from(users)));
                Ok((Source::Closed { users, think: self.think }, LENGTH, said))
            }
        }
    }
}

impl Demanded {
    /// A worker's share of it.
    pub(super) fn of(&self, share: Share) -> Demand {
        let end = Moment::START + self.length;
        match &self.source {
            Source::Open(law, shape) => Demand::open(Arrivals::new(self.seed, *law, shape.clone()), share, end),
            Source::Recorded(recording) => Demand::recorded(Arc::clone(recording), share, end),
            Source::Closed { users, think } => {
                let own = (0..*users).filter(|&user| share.has(u64::from(user)));
                // Users who have thought for some time already when the load begins are spread over a thought.
                Demand::closed(Users::new(self.seed, own, *think, think.mean()), end)
            }
        }
    }
}

fn read(file: &PathBuf) -> Result<Recording, Exit> {
    let read = fs::read_to_string(file).map_err(Into::into).and_then(|text| Recording::read(&text));
    read.map_err(|error| {
        console::error(&format!("{}:", file.display()));
        console::failure(&error);
        Exit::InvalidInput
    })
}

/// A rate as people read it.
fn number(rate: f64) -> String {
    if rate >= 100.0 { count(rate.round() as u64) } else { significant(rate) }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.trim().replace('_', "").parse().map_err(|_| format!("`{text}` is no number"))?;
    if (0.0..=RATE_MAX).contains(&rate) { Ok(rate) } else { Err(format!("`{text}` is not from 0 to 1,000,000,000")) }
}

fn step(text: &str) -> Result<Step, String> {
    let (per_second, lasts) =
        text.split_once(':').ok_or_else(|| format!("`{text}` lacks a colon: write RATE:DURATION"))?;
    Ok(Step { rate: rate(per_second)?, lasts: duration(lasts)? })
}

fn ramp(text: &str) -> Result<(f64, f64), String> {
    let (from, to) = text.split_once("..").ok_or_else(|| format!("`{text}` lacks `..`: write FROM..TO"))?;
    Ok((rate(from)?, rate(to)?))
}

/// Hours since Monday 00:00.
fn start(text: &str) -> Result<f64, String> {
    let said = strtime::parse("%a %H:%M", text.trim()).ok();
    let said = said.and_then(|said| Some(hours_since_monday(said.weekday()?, said.to_time().ok()?)));
    said.ok_or_else(|| format!("`{text}` is no time of the week: write it as Tue 10:00"))
}

fn program(text: &str) -> Result<Program, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("there is no program `{text}`; there are {}", Program::ALL.map(Program::name).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_begin_when_they_are_told_or_on_a_working_morning() {
        let check = |told, said: Option<Option<f64>>, hour: f64| {
            let people = |starts| BackgroundPlan { source: 1.0, target: 0.0, programs: Vec::new(), starts };
            let begins = begins(told, said.map(people).as_ref());
            assert!((begins - hour).abs() < 1e-9, "{told:?}, {said:?}: {begins}");
        };
        check(Some(1.0), Some(Some(18.0)), 1.0);
        check(None, Some(Some(18.0)), 18.0);
        // Whatever the window of a wave: there is no wave.
        check(None, Some(None), TUESDAY_AT_TEN);
        check(None, None, TUESDAY_AT_TEN);
    }

    #[test]
    fn times_of_the_week_are_hours_since_monday() {
        assert_eq!(start("Mon 00:00"), Ok(0.0));
        assert_eq!(start("Tue 10:30"), Ok(34.5));
        assert_eq!(start("Sun 23:00"), Ok(167.0));
        assert!(start("10:30").is_err() && start("Someday 10:30").is_err());
    }

    #[test]
    fn shapes_are_read_or_refused_with_a_reason() {
        assert_eq!(step("100:30s").map(|step| (step.rate, step.lasts)), Ok((100.0, Span::seconds(30))));
        assert_eq!(ramp("0..5_000"), Ok((0.0, 5_000.0)));
        for wrong in ["100", "x:1s", "100:0s", "-1:1s", "nan:1s"] {
            assert!(step(wrong).is_err(), "{wrong}");
        }
        assert!(ramp("5").is_err() && rate("inf").is_err());
    }
}
