//! All waves: when the whole estate is done if every opening of every window takes a wave of the size that was found.
//!
//! That is a bound, not yet a plan: nothing ramps up, pauses, or grows. Of each wave the share counts that is wanted inside
//! the window; the others come again with a later one. Where mailboxes are copied ahead, no more can be switched than
//! have been copied by then, day and night, from the lead before the first opening on.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::prestage::bytes_per_second;
use crate::calendar::Window;
use crate::calendar::opening::Opening;
use crate::population::describe::Description;
use crate::scenario::plan::Plan;

/// How far ahead is looked. Assumed: a move that takes longer is not one.
const YEARS: i64 = 20;

/// When the whole estate is done, at best.
#[derive(Clone, PartialEq, Debug)]
pub struct Campaign {
    /// The local date of the first opening.
    pub begins: Date,
    /// When it is done with waves of the sizes that were found; nothing if it is not within twenty years.
    pub done: Option<Done>,
    /// The same with waves of the largest and of the smallest size of the interval.
    pub interval: (Option<Date>, Option<Date>),
    /// What copying ahead does to that, if it makes it later.
    pub copying: Option<Copying>,
}

/// A whole estate that is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Done {
    /// The local date on which the last opening that is needed closes.
    pub on: Date,
    /// How many openings of each window that takes, in the order of the scenario.
    pub waves: Vec<(String, u32)>,
}

/// Copying ahead that decides when everybody is done.
#[derive(Clone, PartialEq, Debug)]
pub struct Copying {
    /// Gigabytes an hour that lanes and network carry.
    pub gigabytes_per_hour: f64,
    /// Days that copying everybody takes.
    pub days: f64,
    /// When the windows would be done if everybody were copied in time.
    pub windows_alone: Date,
}

/// A window, with the size of its waves, and the least and greatest of the interval.
#[derive(Copy, Clone, Debug)]
pub struct Taken<'a> {
    /// The window.
    pub window: &'a Window,
    /// Mailboxes of a wave.
    pub size: u32,
    /// Least and greatest.
    pub interval: (u32, u32),
}

/// The flow of mailboxes that are copied ahead.
#[derive(Copy, Clone, Debug)]
struct Flow {
    /// When copying begins.
    since: Timestamp,
    mailboxes_per_second: f64,
}

impl Flow {
    fn copied(&self, at: Timestamp) -> u64 {
        (at.duration_since(self.since).as_secs_f64().max(0.0) * self.mailboxes_per_second) as u64
    }
}

/// When everybody of an estate is done; nothing if no window ever opens.
#[must_use]
pub fn campaign(plan: &Plan, estate: &Description, windows: &[Taken<'_>]) -> Option<Campaign> {
    let first = windows.iter().filter_map(|taken| Some((taken.window.first_opening()?, taken.window)));
    let (first, window) = first.min_by_key(|(opening, _)| opening.opens)?;
    let flow = plan.wave.prestage.as_ref().map(|prestage| Flow {
        since: first
            .opens
            .checked_sub(SignedDuration::from_nanos(prestage.lead.0.cast_signed()))
            .unwrap_or(first.opens),
        mailboxes_per_second: bytes_per_second(plan, prestage) / estate.size_bytes.mean.max(1.0),
    });
    let share = plan.forecast.completed_share;
    let run = |flow: Option<Flow>, size: fn(&Taken<'_>) -> u32| done(windows, estate.mailboxes, share, flow, size);
    let done = run(flow, |taken| taken.size);
    let alone = run(None, |taken| taken.size);
    let copying = plan.wave.prestage.as_ref().zip(alone).and_then(|(prestage, alone)| {
        let rate = bytes_per_second(plan, prestage);
        let days = estate.bytes as f64 / rate / 86_400.0;
        let decides = done.as_ref().is_none_or(|done| alone.on < done.on);
        decides.then_some(Copying { gigabytes_per_hour: rate * 3_600.0 / 1e9, days, windows_alone: alone.on })
    });
    let on = |done: Option<Done>| done.map(|done| done.on);
    Some(Campaign {
        begins: first.opens.to_zoned(window.zone.clone()).date(),
        interval: (on(run(flow, |taken| taken.interval.1)), on(run(flow, |taken| taken.interval.0))),
        done,
        copying,
    })
}

/// Takes a wave of a size into one opening after the other, until nobody is left.
fn done(
    windows: &[Taken<'_>],
    mailboxes: u32,
    share: f64,
    flow: Option<Flow>,
    size: fn(&Taken<'_>) -> u32,
) -> Option<Done> {
    let (mut left, mut moved) = (u64::from(mailboxes), 0);
    let mut waves: Vec<(String, u32)> = windows.iter().map(|taken| (taken.window.name.clone(), 0)).collect();
    let mut last = None;
    for (place, opening) in openings(windows, size) {
        if left == 0 {
            break;
        }
        let wave = u64::from(size(&windows[place])).min(left);
        let wave = flow.map_or(wave, |flow| wave.min(flow.copied(opening.opens).saturating_sub(moved)));
        // Whoever is left behind comes again; a last one that would be left behind forever does not.
        let sure = ((wave as f64 * share).ceil() as u64).min(wave);
        if sure > 0 {
            (left, moved) = (left - sure, moved + sure);
            waves[place].1 += 1;
            last = Some(opening.closes.to_zoned(windows[place].window.zone.clone()).date());
        }
    }
    (left == 0).then(|| Done { on: last.unwrap_or(Date::MIN), waves })
}

/// All openings of the windows into which anybody fits, in order, with the place of their window. Of openings that meet,
/// the one that begins first is taken.
fn openings(windows: &[Taken<'_>], size: fn(&Taken<'_>) -> u32) -> Vec<(usize, Opening)> {
    let taken = windows.iter().enumerate().filter(|(_, taken)| size(taken) > 0);
    let mut all: Vec<(usize, Opening)> = taken
        .flat_map(|(place, taken)| {
            let until = taken.window.from.checked_add(YEARS.years()).unwrap_or(Date::MAX);
            taken.window.openings(taken.window.from, until).map(move |opening| (place, opening))
        })
        .collect();
    all.sort_by_key(|(place, opening)| (opening.opens, *place));
    let mut free_from = Timestamp::MIN;
    all.retain(|(_, opening)| {
        let is_free = opening.opens >= free_from;
        if is_free {
            free_from = opening.closes;
        }
        is_free
    });
    all
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, date, time};
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn window(name: &str, days: &[Weekday], closes_days_later: u8) -> Window {
        Window {
            name: name.to_owned(),
            days: days.to_vec(),
            opens: time(20, 0, 0, 0),
            closes_days_later,
            closes: time(7, 0, 0, 0),
            zone: TimeZone::get("Europe/London").expect("a bundled zone"),
            freezes: Vec::new(),
            from: date(2020, 10, 5),
        }
    }

    fn evening() -> Window {
        window("evening", &[Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday], 1)
    }

    fn taken(window: &Window, size: u32) -> Taken<'_> {
        Taken { window, size, interval: (size, size) }
    }

    fn of(windows: &[Taken<'_>], mailboxes: u32, share: f64, flow: Option<Flow>) -> Option<(Date, Vec<u32>)> {
        let done = done(windows, mailboxes, share, flow, |taken| taken.size)?;
        Some((done.on, done.waves.into_iter().map(|(_, waves)| waves).collect()))
    }

    #[test]
    fn one_opening_after_the_other_is_filled() {
        let (evening, weekend) = (evening(), window("weekend", &[Weekday::Friday], 3));
        let both = [taken(&evening, 100), taken(&weekend, 300)];
        // A week takes four evenings and a weekend, which is over on Monday morning.
        assert_eq!(of(&both, 700, 1.0, None), Some((date(2020, 10, 12), vec![4, 1])));
        assert_eq!(of(&both, 701, 1.0, None), Some((date(2020, 10, 13), vec![5, 1])));
        // Nobody fits into an evening.
        assert_eq!(
            of(&[taken(&evening, 0), taken(&weekend, 300)], 600, 1.0, None),
            Some((date(2020, 10, 19), vec![0, 2]))
        );
        assert_eq!(of(&[taken(&evening, 0)], 1, 1.0, None), None);
        // Half of each wave comes again: 50, 50, then the half of what is left.
        assert_eq!(of(&both[..1], 100, 0.5, None), Some((date(2020, 10, 15), vec![7])));
    }

    #[test]
    fn frozen_dates_and_openings_that_meet_take_nobody() {
        let mut evening = window("evening", &[Weekday::Thursday, Weekday::Friday], 1);
        let weekend = window("weekend", &[Weekday::Friday], 3);
        // On Fridays, the evening is listed first.
        assert_eq!(
            of(&[taken(&evening, 100), taken(&weekend, 100)], 200, 1.0, None),
            Some((date(2020, 10, 10), vec![2, 0]))
        );
        let reason = "autumn".to_owned();
        evening.freezes.push(crate::calendar::Freeze { from: date(2020, 10, 8), until: date(2020, 10, 9), reason });
        assert_eq!(of(&[taken(&evening, 100)], 200, 1.0, None), Some((date(2020, 10, 17), vec![2])));
    }

    #[test]
    fn nobody_is_switched_before_being_copied() {
        let evening = evening();
        let opens = evening.first_opening().expect("an opening").opens;
        // A hundred have been copied as it begins, and fifty are each day.
        let flow = Flow { since: opens - SignedDuration::from_hours(48), mailboxes_per_second: 50.001 / 86_400.0 };
        assert_eq!(of(&[taken(&evening, 1_000)], 100, 1.0, Some(flow)), Some((date(2020, 10, 6), vec![1])));
        // 100, 50, 50, 50 until Thursday, and 200 on the Monday after.
        assert_eq!(of(&[taken(&evening, 1_000)], 450, 1.0, Some(flow)), Some((date(2020, 10, 13), vec![5])));
    }

    proptest! {
        #[test]
        fn larger_waves_are_never_done_later(size in 1_u32..500, more in 0_u32..500, all in 1_u32..20_000, share in 0.5..1.0) {
            let evening = evening();
            let on = |size: u32| of(&[taken(&evening, size)], all, share, None).map_or(Date::MAX, |(on, _)| on);
            prop_assert!(on(size + more) <= on(size));
        }
    }
}
