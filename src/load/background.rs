//! What the people of an estate do with their mailboxes all day: the load beside a migration.
//!
//! Volumes are requests of an average mailbox and day. They follow from its mail, 13.0 messages received per day (27
//! million over 2.1 million mailboxes) and a quarter of that sent; how many requests a program makes for a message is
//! assumed. Each program has its own hours.

use std::sync::Arc;

use mock_server::draw::{Purpose, hash, unit};
use mock_server::time::{Moment, Span};

use super::act::{Act, Action};
use super::arrival::Arrival;
use super::recorded::Recording;
use super::shape::{HOURS_PER_WEEK, Shape};
use super::users;
use crate::population::profile::Week;
use crate::sample::categorical;
use crate::scenario::program::Program;

/// The draws of this module, apart from others for the same purpose.
const PROGRAM: u64 = 3;
const ACTION: u64 = 4;
const MAILBOX: u64 = 5;

const HOUR: Span = Span::seconds(3_600);
const DAYS_PER_WEEK: f64 = 7.0;

/// Share of the mailboxes that are used with a program. Of 131 people active on a day in a tenant of 2023, 108 used
/// Outlook for Windows within a week, 61 a phone and 2 the web (an example in the documentation of the `PnP` CLI for
/// Microsoft 365); here Outlook stands for all desktop programs. Chat volumes are per mailbox of the estate, so its share is one.
const USED_WITH: [(Program, f64); Program::ALL.len()] =
    [(Program::Outlook, 0.82), (Program::Mobile, 0.47), (Program::Web, 0.015), (Program::Chat, 1.0)];

/// Requests of a desktop program per day (assumed): it is told of each new message and of each that was read elsewhere,
/// fetches what is new, marks what was read, and keeps a draft or two of what it sends.
const OUTLOOK: &[(Action, f64)] = &[
    (Action::Sync, 26.0),
    (Action::Read, 13.0),
    (Action::Mark, 8.0),
    (Action::Draft, 5.0),
    (Action::Send, 2.5),
    (Action::Calendar, 8.0),
    (Action::Folders, 4.0),
];

/// Requests of a phone per day (assumed): it syncs for each new message and shows a third of them.
const MOBILE: &[(Action, f64)] = &[
    (Action::Sync, 13.0),
    (Action::Read, 4.0),
    (Action::Mark, 3.0),
    (Action::Send, 0.6),
    (Action::Calendar, 4.0),
    (Action::Folders, 1.0),
];

/// Requests of a mail page per day (assumed): it lists whenever somebody comes back to it.
const WEB: &[(Action, f64)] = &[
    (Action::List, 20.0),
    (Action::Read, 10.0),
    (Action::Mark, 6.0),
    (Action::Draft, 4.0),
    (Action::Send, 2.0),
    (Action::Folders, 3.0),
    (Action::Calendar, 3.0),
];

/// Chat messages per mailbox and day: almost a million a day in an estate of 2.1 million mailboxes (NHS, February 2021;
/// its 1.3 million users of Teams sent 0.4 to 0.8 each). That each is kept in one mailbox is assumed.
const CHAT: &[(Action, f64)] = &[(Action::Post, 1.0 / 2.1)];

/// Share of a week's use of phones on each day, Monday first (assumed: one in five looks at mail on the weekend before
/// noon, Microsoft Work Trend Index 2025).
const MOBILE_DAYS: [f64; 7] = [0.16, 0.16, 0.16, 0.16, 0.15, 0.105, 0.105];

/// Percent of a day's use of phones in each hour (assumed: 40% are online by six, 29% are back at ten in the evening,
/// Microsoft Work Trend Index 2025).
const MOBILE_HOURS: [f64; 24] = [
    1.0, 0.6, 0.4, 0.4, 0.6, 1.5, 4.2, 6.2, 6.8, 6.2, 5.8, 5.6, 6.4, 5.8, 5.4, 5.4, 5.8, 6.2, 5.6, 5.0, 4.8, 4.6, 3.8,
    1.9,
];

/// What the users of one program do.
#[derive(Clone, PartialEq, Debug)]
struct Habit {
    program: Program,
    /// How much of each action.
    actions: &'static [(Action, f64)],
    /// Requests per second in each hour of the week.
    rates: [f64; HOURS_PER_WEEK],
}

impl Habit {
    fn of(program: Program, mailboxes: f64) -> Self {
        let actions = match program {
            Program::Outlook => OUTLOOK,
            Program::Mobile => MOBILE,
            Program::Web => WEB,
            Program::Chat => CHAT,
        };
        let share = USED_WITH.iter().find(|(used, _)| *used == program).map_or(0.0, |(_, share)| *share);
        let daily: f64 = actions.iter().map(|(_, count)| count).sum();
        let weekly = mailboxes * share * daily * DAYS_PER_WEEK;
        let hours = match program {
            Program::Mobile => phone_hours(),
            Program::Outlook | Program::Web | Program::Chat => office_hours(),
        };
        Self { program, actions, rates: hours.map(|share| weekly * share / HOUR.as_seconds()) }
    }
}

/// Share of a week in each of its hours where people work, that of changes to mailboxes.
fn office_hours() -> [f64; HOURS_PER_WEEK] {
    let week = Week::default();
    std::array::from_fn(|hour| week.elapsed(HOUR * (hour as u64 + 1)) - week.elapsed(HOUR * hour as u64))
}

/// Share of a week in each of its hours where people carry phones.
fn phone_hours() -> [f64; HOURS_PER_WEEK] {
    let whole = MOBILE_DAYS.iter().sum::<f64>() * MOBILE_HOURS.iter().sum::<f64>();
    std::array::from_fn(|hour| MOBILE_DAYS[hour / 24] * MOBILE_HOURS[hour % 24] / whole)
}

/// Which of several weights a hash falls into.
fn weighted(word: u64, weights: impl Iterator<Item = f64> + Clone) -> usize {
    let whole: f64 = weights.clone().sum();
    categorical(word, weights.map(|weight| weight / whole))
}

/// What the people of an estate do.
#[derive(Clone, PartialEq, Debug)]
pub struct Background {
    seed: u64,
    mailboxes: u32,
    /// Hours between Monday 00:00 and the moment at which time begins.
    start: f64,
    habits: Vec<Habit>,
    recording: Option<Arc<Recording>>,
    by_user: bool,
}

impl Background {
    /// The users of so many mailboxes, with some of the programs. `start` is where in the week time begins, in hours
    /// since Monday 00:00.
    #[must_use]
    pub fn new(seed: u64, mailboxes: u32, programs: &[Program], start: f64) -> Self {
        let wanted = Program::ALL.into_iter().filter(|program| programs.contains(program));
        let habits = wanted.map(|program| Habit::of(program, f64::from(mailboxes))).collect();
        Self { seed, mailboxes, start, habits, recording: None, by_user: false }
    }

    /// The same, except where a recording says what its requests ask for.
    #[must_use]
    pub fn recorded(self, recording: Arc<Recording>) -> Self {
        Self { recording: Some(recording), ..self }
    }

    /// The same for a closed loop: each of its users has one program and one mailbox.
    #[must_use]
    pub fn by_user(self) -> Self {
        Self { by_user: true, ..self }
    }

    /// The programs.
    pub fn programs(&self) -> impl Iterator<Item = Program> + use<'_> {
        self.habits.iter().map(|habit| habit.program)
    }

    /// Requests per second as time goes on, times a factor.
    #[must_use]
    pub fn shape(&self, factor: f64) -> Shape {
        let rate = |hour: usize| factor * self.habits.iter().map(|habit| habit.rates[hour]).sum::<f64>();
        Shape::weekly(&std::array::from_fn(rate), self.start)
    }

    /// What a request asks for.
    #[must_use]
    pub fn act(&self, arrival: Arrival) -> Act {
        let Arrival { number, due } = arrival;
        let subject = if self.by_user { u64::from(users::user(number)) } else { number };
        let word = |subject, what| hash(self.seed, Purpose::Arrival, subject, 0, what);
        let entry = self.recording.as_ref().and_then(|recording| recording.entries().get(number as usize));
        let hour = self.hour(due);
        let drawn = weighted(word(subject, PROGRAM), self.habits.iter().map(|habit| habit.rates[hour]));
        let program = entry.and_then(|entry| entry.program);
        let program = program.or_else(|| self.habits.get(drawn).map(|habit| habit.program)).unwrap_or(Program::Web);
        let actions = self.habits.iter().find(|habit| habit.program == program).map_or(WEB, |habit| habit.actions);
        let drawn = weighted(word(number, ACTION), actions.iter().map(|(_, count)| *count));
        let action = entry.and_then(|entry| entry.action).unwrap_or(actions[drawn].0);
        let mailbox = (unit(word(subject, MAILBOX)) * f64::from(self.mailboxes)) as u32;
        let mailbox = entry.and_then(|entry| entry.mailbox).unwrap_or(mailbox);
        Act { program, action, mailbox: mailbox.min(self.mailboxes.saturating_sub(1)) }
    }

    fn hour(&self, due: Moment) -> usize {
        let hours = self.start + due.since(Moment::START).as_seconds() / HOUR.as_seconds();
        hours.rem_euclid(HOURS_PER_WEEK as f64) as usize % HOURS_PER_WEEK
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NHSMAIL: u32 = 2_100_000;
    const WEEK: f64 = 168.0 * 3_600.0;

    fn background(programs: &[Program]) -> Background {
        Background::new(5, NHSMAIL, programs, 0.0)
    }

    #[test]
    fn the_estate_chats_a_million_times_a_day() {
        let daily = background(&[Program::Chat]).shape(1.0).expected(WEEK) / 7.0;
        assert!((daily / 1e6 - 1.0).abs() < 1e-6, "{daily}");
    }

    #[test]
    fn a_working_morning_is_busier_than_a_sunday_night() {
        let shape = background(&Program::ALL).shape(1.0);
        let (tuesday_at_ten, sunday_at_four) = (shape.rate(34.5 * 3_600.0), shape.rate(148.5 * 3_600.0));
        assert!(tuesday_at_ten > 20.0 * sunday_at_four, "{tuesday_at_ten} {sunday_at_four}");
    }

    #[test]
    fn volumes_grow_with_the_estate_and_the_factor() {
        let small = Background::new(5, NHSMAIL / 100, &Program::ALL, 0.0).shape(100.0).expected(WEEK);
        let whole = background(&Program::ALL).shape(1.0).expected(WEEK);
        assert!((small / whole - 1.0).abs() < 1e-9);
    }

    #[test]
    fn programs_come_up_as_often_as_their_volumes_at_that_hour() {
        let background = background(&Program::ALL);
        let due = Moment::START + HOUR * 22;
        let draws = 50_000_u64;
        let phones = (0..draws).filter(|&number| background.act(Arrival { number, due }).program == Program::Mobile);
        let rates = |program: Program| self::background(&[program]).shape(1.0).rate(22.5 * 3_600.0);
        let expected = rates(Program::Mobile) / Program::ALL.map(rates).iter().sum::<f64>();
        let share = phones.count() as f64 / draws as f64;
        assert!((share - expected).abs() < 0.01, "{share} {expected}");
    }

    #[test]
    fn a_user_of_a_closed_loop_keeps_program_and_mailbox() {
        let background = background(&[Program::Outlook, Program::Web]).by_user();
        let act = |number| background.act(Arrival { number, due: Moment::START });
        for user in 0..50_u64 {
            let (first, later) = (act(user << 32), act((user << 32) + 17));
            assert_eq!((first.program, first.mailbox), (later.program, later.mailbox));
        }
    }

    #[test]
    fn what_a_recording_says_is_not_drawn() {
        let recording =
            Arc::new(Recording::read("at,program,action,mailbox\n0,chat,post,9\n1,,,\n").expect("readable"));
        let background = background(&[Program::Mobile]).recorded(recording);
        let act = |number| background.act(Arrival { number, due: Moment::START });
        assert_eq!(act(0), Act { program: Program::Chat, action: Action::Post, mailbox: 9 });
        assert_eq!(act(1).program, Program::Mobile);
    }

    proptest! {
        #[test]
        fn acts_repeat_and_stay_within_the_estate(seed: u64, mailboxes in 1_u32..1_000, number: u64, due: u64) {
            let background = Background::new(seed, mailboxes, &Program::ALL, 33.0);
            let arrival = Arrival { number, due: Moment(due) };
            let act = background.act(arrival);
            prop_assert!(act.mailbox < mailboxes);
            prop_assert_eq!(act, background.act(arrival));
        }
    }
}
