//! How many requests per second are due as time goes on.
//!
//! A shape is straight lines one after another. What an open loop needs of it is the expected number of arrivals up to
//! a moment, and the moment at which that number is reached: unit-rate arrivals, pushed through the latter, arrive at
//! the shape's rate (the time-rescaling theorem; Daley and Vere-Jones, "An Introduction to the Theory of Point
//! Processes", section 7.4).

use mock_server::time::Span;

/// Hours in a week.
pub const HOURS_PER_WEEK: usize = 168;

const SECONDS_PER_HOUR: f64 = 3_600.0;

/// A stretch of time in which the rate changes evenly.
#[derive(Copy, Clone, PartialEq, Debug)]
struct Piece {
    /// When it begins, in seconds.
    from: f64,
    /// The rate at its beginning, per second.
    rate: f64,
    /// By how much the rate grows in each second.
    slope: f64,
    /// Expected arrivals before it.
    before: f64,
}

impl Piece {
    fn expected(&self, seconds: f64) -> f64 {
        let inside = seconds - self.from;
        self.before + inside * (self.rate + 0.5 * self.slope * inside)
    }

    /// When so many arrivals are expected, if the piece went on for ever.
    fn reached(&self, arrivals: f64) -> f64 {
        let wanted = arrivals - self.before;
        let root = libm::sqrt((self.rate * self.rate + 2.0 * self.slope * wanted).max(0.0));
        self.from + 2.0 * wanted / (self.rate + root)
    }
}

/// Requests per second as time goes on.
#[derive(Clone, PartialEq, Debug)]
pub struct Shape {
    pieces: Vec<Piece>,
    /// After how many seconds it begins anew, if it does, and the arrivals expected until then.
    cycle: Option<(f64, f64)>,
}

/// One step of a staircase.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Step {
    /// Requests per second.
    pub rate: f64,
    /// How long the step lasts.
    pub lasts: Span,
}

impl Shape {
    /// Always the same rate, per second.
    #[must_use]
    pub fn constant(rate: f64) -> Self {
        Self::of([(Span::FOREVER, rate, rate)])
    }

    /// One rate after another. The last one holds for ever.
    #[must_use]
    pub fn steps(steps: &[Step]) -> Self {
        Self::of(steps.iter().map(|step| (step.lasts, step.rate, step.rate)))
    }

    /// A rate that changes evenly from one value to another within a span, and then stays.
    #[must_use]
    pub fn ramp(from: f64, to: f64, within: Span) -> Self {
        Self::of([(within, from, to), (Span::FOREVER, to, to)])
    }

    /// A rate for each hour of the week, repeated every week. `start` is where in the week time begins, in hours since
    /// Monday 00:00.
    #[must_use]
    pub fn weekly(rates: &[f64; HOURS_PER_WEEK], start: f64) -> Self {
        let start = start.rem_euclid(HOURS_PER_WEEK as f64);
        let first = start as usize % HOURS_PER_WEEK;
        let rest = 1.0 - start.fract();
        let hour = |hours: f64, rate: f64| (Span::from_seconds(hours * SECONDS_PER_HOUR), rate, rate);
        let between = (1..HOURS_PER_WEEK).map(|later| hour(1.0, rates[(first + later) % HOURS_PER_WEEK]));
        let pieces = std::iter::once(hour(rest, rates[first])).chain(between).chain([hour(1.0 - rest, rates[first])]);
        let mut shape = Self::of(pieces);
        let week = HOURS_PER_WEEK as f64 * SECONDS_PER_HOUR;
        let last = shape.pieces[shape.pieces.len() - 1];
        shape.cycle = Some((week, last.expected(week)));
        shape
    }

    /// Stretches of time, each with its length and the rates at its two ends. The last rate holds for ever; negative
    /// rates count as zero.
    fn of(stretches: impl IntoIterator<Item = (Span, f64, f64)>) -> Self {
        let mut pieces = Vec::new();
        let (mut from, mut before, mut held) = (0.0, 0.0, 0.0);
        for (lasts, rate, to) in stretches {
            let (rate, to) = (rate.max(0.0), to.max(0.0));
            held = to;
            if lasts == Span::ZERO {
                continue;
            }
            let length = lasts.as_seconds();
            let piece = Piece { from, rate, slope: (to - rate) / length, before };
            from += length;
            before = piece.expected(from);
            pieces.push(piece);
        }
        pieces.push(Piece { from, rate: held, slope: 0.0, before });
        Self { pieces, cycle: None }
    }

    /// The rate at a moment, per second.
    #[must_use]
    pub fn rate(&self, seconds: f64) -> f64 {
        let seconds = self.cycle.map_or(seconds, |(length, _)| seconds.rem_euclid(length));
        let piece = self.at(|piece| piece.from <= seconds);
        piece.rate + piece.slope * (seconds - piece.from)
    }

    /// How many arrivals are expected from the beginning to a moment in seconds.
    #[must_use]
    pub fn expected(&self, seconds: f64) -> f64 {
        let (rounds, seconds) = match self.cycle {
            Some((length, arrivals)) => (libm::floor(seconds / length) * arrivals, seconds.rem_euclid(length)),
            None => (0.0, seconds),
        };
        rounds + self.at(|piece| piece.from <= seconds).expected(seconds)
    }

    /// The moment, in seconds, at which so many arrivals are expected; nothing if they never are.
    #[must_use]
    pub fn reached(&self, arrivals: f64) -> Option<f64> {
        let (past, arrivals) = match self.cycle {
            Some((_, each)) if each <= 0.0 => return None,
            Some((length, each)) => (libm::floor(arrivals / each) * length, arrivals.rem_euclid(each)),
            None => (0.0, arrivals),
        };
        let seconds = past + self.at(|piece| piece.before < arrivals).reached(arrivals);
        seconds.is_finite().then_some(seconds)
    }

    /// The last piece for which something holds that holds for no later one; the first if it holds for none.
    fn at(&self, holds: impl Fn(&Piece) -> bool) -> &Piece {
        &self.pieces[self.pieces.partition_point(holds).saturating_sub(1)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(shape: &Shape, at: &[(f64, f64)]) {
        for &(seconds, expected) in at {
            assert!((shape.expected(seconds) - expected).abs() < 1e-6, "{seconds}: {}", shape.expected(seconds));
            let reached = shape.reached(expected).map(|seconds| shape.expected(seconds));
            assert!(reached.is_none_or(|again| (again - expected).abs() < 1e-6), "{expected}: {reached:?}");
        }
    }

    fn steps(list: &[(f64, u64)]) -> Shape {
        let steps: Vec<_> = list.iter().map(|&(rate, lasts)| Step { rate, lasts: Span::seconds(lasts) }).collect();
        Shape::steps(&steps)
    }

    #[test]
    fn expected_arrivals_are_the_area_below_the_rate() {
        check(&Shape::constant(5.0), &[(0.0, 0.0), (10.0, 50.0)]);
        check(&steps(&[(1.0, 10), (3.0, 10)]), &[(10.0, 10.0), (20.0, 40.0), (30.0, 70.0)]);
        check(&Shape::ramp(0.0, 10.0, Span::seconds(10)), &[(5.0, 12.5), (10.0, 50.0), (11.0, 60.0)]);
        check(&Shape::ramp(10.0, 0.0, Span::seconds(10)), &[(5.0, 37.5), (10.0, 50.0), (99.0, 50.0)]);
    }

    #[test]
    fn what_is_never_expected_is_never_reached() {
        assert_eq!(Shape::constant(0.0).reached(1.0), None);
        assert_eq!(steps(&[(2.0, 10), (0.0, 1)]).reached(21.0), None);
        assert_eq!(Shape::weekly(&[0.0; HOURS_PER_WEEK], 3.0).reached(0.5), None);
    }

    #[test]
    fn a_week_begins_where_it_is_told_and_repeats() {
        let mut rates = [0.0; HOURS_PER_WEEK];
        rates[9] = 2.0;
        let shape = Shape::weekly(&rates, 9.5);
        let is = |at: f64, rate: f64| (shape.rate(at) - rate).abs() < 1e-9;
        assert!(is(60.0, 2.0) && is(1_801.0, 0.0));
        check(&shape, &[(1_800.0, 3_600.0), (167.5 * 3_600.0, 3_600.0), (168.0 * 3_600.0, 7_200.0)]);
        check(&shape, &[(168.25 * 3_600.0, 9_000.0)]);
    }

    proptest! {
        #[test]
        fn reaching_undoes_expecting(
            list in prop::collection::vec((0.0..1e5_f64, 1_u64..1_000), 1..20),
            from in 0.0..1e4_f64,
            to in 0.1..1e4_f64,
            share in 0.0..1.0_f64,
            start in 0.0..168.0_f64,
        ) {
            let mut rates = [1.0; HOURS_PER_WEEK];
            for (hour, (rate, _)) in list.iter().enumerate() {
                rates[hour * 8] = *rate;
            }
            let shapes = [steps(&list), Shape::ramp(from, to, Span::seconds(100)), Shape::weekly(&rates, start)];
            for shape in shapes {
                let arrivals = share * shape.expected(1e6);
                if let Some(seconds) = shape.reached(arrivals) {
                    prop_assert!((shape.expected(seconds) - arrivals).abs() <= 1e-6 * arrivals.max(1.0));
                }
            }
        }
    }
}
