//! One opening of a window: a date, two instants, and the real time between them.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use mock_server::time::Span;

use super::{Freeze, Window};

/// One opening of a window.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Opening {
    /// The local date on which it opens.
    pub date: Date,
    /// When it opens.
    pub opens: Timestamp,
    /// When it closes.
    pub closes: Timestamp,
}

impl Opening {
    /// How long it is open in real time: an hour more or less than the clock says if the clock is changed meanwhile.
    #[must_use]
    pub fn duration(&self) -> Span {
        let nanoseconds = self.closes.as_nanosecond() - self.opens.as_nanosecond();
        Span(u64::try_from(nanoseconds.max(0)).unwrap_or(u64::MAX))
    }

    /// How long it is open, in hours.
    #[must_use]
    pub fn hours(&self) -> f64 {
        self.duration().as_seconds() / 3_600.0
    }
}

impl Freeze {
    /// Whether a date is frozen.
    #[must_use]
    pub fn holds(&self, date: Date) -> bool {
        self.from <= date && date <= self.until
    }
}

impl Window {
    /// The opening on a date, if the window opens then. A local time that the clock skips counts as one hour later,
    /// one that it shows twice as the first of the two.
    #[must_use]
    pub fn opening_on(&self, date: Date) -> Option<Opening> {
        if !self.days.contains(&date.weekday()) || self.freezes.iter().any(|freeze| freeze.holds(date)) {
            return None;
        }
        let closing_date = date.checked_add(i64::from(self.closes_days_later).days()).ok()?;
        let instant = |civil| Some(self.zone.to_ambiguous_zoned(civil).compatible().ok()?.timestamp());
        let opens = instant(date.to_datetime(self.opens))?;
        let closes = instant(closing_date.to_datetime(self.closes))?;
        (opens < closes).then_some(Opening { date, opens, closes })
    }

    /// The first opening on or after a date; none if there is none before the end of the calendar.
    #[must_use]
    pub fn next_opening(&self, from: Date) -> Option<Opening> {
        self.openings(from, Date::MAX).next()
    }

    /// The opening that a forecast is made for: the first on or after the window's own date.
    #[must_use]
    pub fn first_opening(&self) -> Option<Opening> {
        self.next_opening(self.from)
    }

    /// All openings from a date to another, both included, in order.
    pub fn openings(&self, from: Date, until: Date) -> impl Iterator<Item = Opening> {
        let mut next = (!self.days.is_empty()).then_some(from);
        std::iter::from_fn(move || {
            while let Some(date) = next.filter(|date| *date <= until) {
                next = self.date_after(date);
                if let Some(opening) = self.opening_on(date) {
                    return Some(opening);
                }
            }
            None
        })
    }

    /// The first time at which another window is open as well, if that happens within three weeks from when both may open.
    #[must_use]
    pub fn meets(&self, other: &Self) -> Option<Timestamp> {
        let from = self.from.max(other.from);
        let until = from.checked_add(3.weeks()).unwrap_or(Date::MAX);
        let begins = |one: Opening, two: Opening| {
            let begin = one.opens.max(two.opens);
            (begin < one.closes.min(two.closes)).then_some(begin)
        };
        self.openings(from, until)
            .flat_map(|one| other.openings(from, until).filter_map(move |two| begins(one, two)))
            .min()
    }

    /// The first opening that began before a freeze and is still open when a frozen day ends, with that freeze.
    #[must_use]
    pub fn open_through(&self) -> Option<(Opening, &Freeze)> {
        let through = self.freezes.iter().filter_map(|freeze| {
            let before = freeze.from.yesterday().ok()?;
            let since = freeze.from.checked_sub(i64::from(self.closes_days_later).days()).ok()?;
            let ends = freeze.from.tomorrow().ok()?.to_zoned(self.zone.clone()).ok()?.timestamp();
            let opening = self.openings(since.max(self.from), before).find(|opening| opening.closes > ends)?;
            Some((opening, freeze))
        });
        through.min_by_key(|(opening, _)| opening.opens)
    }

    /// The next date to look at: the day after, or the day after the freeze that holds.
    fn date_after(&self, date: Date) -> Option<Date> {
        let frozen = self.freezes.iter().filter(|freeze| freeze.holds(date)).map(|freeze| freeze.until).max();
        frozen.unwrap_or(date).tomorrow().ok()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, date, time};
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    fn evening(days: &[Weekday]) -> Window {
        Window {
            name: "evening".to_owned(),
            days: days.to_vec(),
            opens: time(20, 0, 0, 0),
            closes_days_later: 1,
            closes: time(7, 0, 0, 0),
            zone: TimeZone::get("Europe/London").expect("a bundled zone"),
            freezes: Vec::new(),
            from: date(2020, 10, 5),
        }
    }

    fn weekend() -> Window {
        Window { days: vec![Weekday::Friday], closes_days_later: 3, ..evening(&[]) }
    }

    fn check(window: &Window, from: Date, opens: Date, hours: f64) {
        let opening = window.next_opening(from).expect("an opening");
        assert_eq!((opening.date, opening.hours()), (opens, hours));
    }

    #[test]
    fn windows_meet_where_both_are_open() {
        let friday = [Weekday::Monday, Weekday::Friday];
        let met = weekend().meets(&evening(&friday)).expect("both open on Friday");
        assert_eq!(met, evening(&friday).next_opening(date(2020, 10, 9)).expect("a Friday").opens);
        assert_eq!(evening(&friday).meets(&weekend()), Some(met));
        // The weekend ends on Monday at seven, and evenings begin at eight.
        let others = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday];
        assert_eq!(weekend().meets(&evening(&others)), None);
        let frozen = Freeze { from: date(2020, 10, 5), until: date(2021, 1, 3), reason: "autumn".to_owned() };
        assert_eq!(weekend().meets(&Window { freezes: vec![frozen], ..evening(&friday) }), None);
    }

    #[test]
    fn an_evening_is_an_hour_longer_in_october_and_shorter_in_march() {
        let window = evening(&ALL);
        check(&window, date(2020, 10, 23), date(2020, 10, 23), 11.0);
        check(&window, date(2020, 10, 24), date(2020, 10, 24), 12.0);
        check(&window, date(2020, 10, 25), date(2020, 10, 25), 11.0);
        check(&window, date(2021, 3, 27), date(2021, 3, 27), 10.0);
        check(&window, date(2021, 3, 28), date(2021, 3, 28), 11.0);
    }

    #[test]
    fn a_weekend_is_59_hours_and_60_or_58_when_the_clock_changes() {
        let window = weekend();
        check(&window, date(2020, 10, 5), date(2020, 10, 9), 59.0);
        check(&window, date(2020, 10, 19), date(2020, 10, 23), 60.0);
        check(&window, date(2021, 3, 22), date(2021, 3, 26), 58.0);
    }

    #[test]
    fn frozen_dates_are_passed_over() {
        let mut window = evening(&[Weekday::Monday, Weekday::Tuesday]);
        let freeze = |from, until| Freeze { from, until, reason: "freeze".to_owned() };
        window.freezes =
            vec![freeze(date(2020, 8, 31), date(2020, 8, 31)), freeze(date(2020, 12, 21), date(2021, 1, 3))];
        check(&window, date(2020, 8, 31), date(2020, 9, 1), 11.0);
        check(&window, date(2020, 12, 16), date(2021, 1, 4), 11.0);
        window.freezes.push(freeze(date(2020, 1, 1), Date::MAX));
        assert_eq!(window.next_opening(date(2020, 12, 16)), None);
    }

    #[test]
    fn a_weekend_stays_open_on_a_day_that_is_frozen() {
        let freeze = |from, until| Freeze { from, until, reason: "freeze".to_owned() };
        let through = |freezes: &[Freeze]| {
            let window = Window { freezes: freezes.to_vec(), ..weekend() };
            window.open_through().map(|(opening, freeze)| (opening.date, freeze.from))
        };
        let saturday = freeze(date(2020, 10, 17), date(2020, 10, 17));
        assert_eq!(through(std::slice::from_ref(&saturday)), Some((date(2020, 10, 16), date(2020, 10, 17))));
        // The morning of a frozen Monday is not a day; with the Friday frozen there is no weekend; and what was before
        // the window's own date is past.
        assert_eq!(through(&[freeze(date(2020, 10, 19), date(2020, 10, 25))]), None);
        assert_eq!(through(&[saturday, freeze(date(2020, 10, 16), date(2020, 10, 16))]), None);
        assert_eq!(through(&[freeze(date(2020, 10, 3), date(2020, 10, 3))]), None);
    }

    #[test]
    fn a_week_has_as_many_openings_as_days() {
        let window = evening(&ALL[..4]);
        let dates: Vec<Date> =
            window.openings(date(2020, 10, 5), date(2020, 10, 11)).map(|opening| opening.date).collect();
        assert_eq!(dates, [date(2020, 10, 5), date(2020, 10, 6), date(2020, 10, 7), date(2020, 10, 8)]);
    }

    #[test]
    fn a_window_of_skipped_hours_does_not_open() {
        let mut window = evening(&ALL);
        // In the night of 28 March 2021 the clock goes from 01:00 to 02:00.
        (window.opens, window.closes, window.closes_days_later) = (time(1, 0, 0, 0), time(2, 0, 0, 0), 0);
        assert_eq!(window.opening_on(date(2021, 3, 28)), None);
        assert_eq!(window.opening_on(date(2021, 3, 29)).map(|opening| opening.hours()), Some(1.0));
    }

    fn windows() -> impl Strategy<Value = Window> {
        let zones = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"];
        let freezes = proptest::collection::vec((0i32..400, 0i32..30), 0..4);
        (
            proptest::sample::subsequence(ALL.to_vec(), 1..=7),
            (0i8..24, 0i8..60),
            (0i8..24, 0i8..60),
            1u8..4,
            proptest::sample::select(zones.to_vec()),
            freezes,
        )
            .prop_map(|(days, opens, closes, later, zone, freezes)| Window {
                name: "any".to_owned(),
                days,
                opens: time(opens.0, opens.1, 0, 0),
                closes_days_later: later,
                closes: time(closes.0, closes.1, 0, 0),
                zone: TimeZone::get(zone).expect("a bundled zone"),
                freezes: freezes
                    .into_iter()
                    .map(|(start, length)| {
                        let from = date(2020, 1, 1) + start.days();
                        Freeze { from, until: from + length.days(), reason: "any".to_owned() }
                    })
                    .collect(),
                from: date(2020, 1, 1),
            })
    }

    proptest! {
        #[test]
        fn openings_are_those_of_the_single_dates_in_order(window in windows(), start in 0i32..300, length in 0i32..100) {
            let from = date(2020, 1, 1) + start.days();
            let until = from + length.days();
            let listed: Vec<Opening> = window.openings(from, until).collect();
            let single: Vec<Opening> =
                (0..=length).filter_map(|day| window.opening_on(from + day.days())).collect();
            prop_assert_eq!(&listed, &single);
            prop_assert_eq!(window.next_opening(from).filter(|opening| opening.date <= until), listed.first().copied());
        }

        #[test]
        fn real_hours_differ_from_the_clock_by_at_most_the_change(window in windows(), start in 0i32..700) {
            let opening = window.next_opening(date(2020, 1, 1) + start.days()).expect("freezes end");
            prop_assert!(window.days.contains(&opening.date.weekday()));
            prop_assert!(!window.freezes.iter().any(|freeze| freeze.holds(opening.date)));
            let clock = f64::from(window.closes_days_later) * 24.0
                + f64::from(i32::from(window.closes.hour()) - i32::from(window.opens.hour()))
                + f64::from(i32::from(window.closes.minute()) - i32::from(window.opens.minute())) / 60.0;
            prop_assert!((opening.hours() - clock).abs() < 1.0 + 1e-9, "{} {}", opening.hours(), clock);
        }
    }
}
