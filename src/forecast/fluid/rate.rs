//! Rates that change as time goes on.

/// Something per second: from each moment on, another rate.
#[derive(Clone, PartialEq, Debug)]
pub struct Rate {
    /// Seconds and rates, in the order of time. The first is at zero.
    steps: Vec<(f64, f64)>,
}

impl Rate {
    /// Without bound.
    pub const UNLIMITED: f64 = f64::INFINITY;

    /// Always the same.
    #[must_use]
    pub fn constant(rate: f64) -> Self {
        Self { steps: vec![(0.0, rate)] }
    }

    /// The same up to a moment, and another rate from then on. Moments come in their order.
    #[must_use]
    pub fn then(mut self, from: f64, rate: f64) -> Self {
        self.steps.retain(|(at, _)| *at < from);
        self.steps.push((from.max(0.0), rate));
        self
    }

    /// The rate at a moment.
    #[must_use]
    pub fn at(&self, seconds: f64) -> f64 {
        let before = self.steps.partition_point(|(from, _)| *from <= seconds);
        before.checked_sub(1).map_or(Self::UNLIMITED, |last| self.steps[last].1)
    }

    /// The smaller of two rates at every moment.
    #[must_use]
    pub fn min(&self, other: &Self) -> Self {
        let mut moments: Vec<f64> = self.steps.iter().chain(&other.steps).map(|(from, _)| *from).collect();
        moments.sort_by(f64::total_cmp);
        moments.dedup();
        Self { steps: moments.into_iter().map(|from| (from, self.at(from).min(other.at(from)))).collect() }
    }

    /// The seconds in which an amount comes together; infinite if it never does.
    #[must_use]
    pub fn time_for(&self, amount: f64) -> f64 {
        let mut left = amount;
        if left <= 0.0 {
            return 0.0;
        }
        for (place, (from, rate)) in self.steps.iter().enumerate() {
            let lasts = self.steps.get(place + 1).map_or(f64::INFINITY, |(next, _)| next - from);
            let needed = if *rate > 0.0 { left / rate } else { f64::INFINITY };
            if needed <= lasts {
                return from + needed;
            }
            left -= rate * lasts;
        }
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const N: usize>(found: [f64; N], expected: [f64; N]) {
        let near = found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-9);
        assert!(near, "{found:?} is not {expected:?}");
    }

    #[test]
    fn an_amount_takes_its_part_of_every_step() {
        let rate = Rate::constant(10.0).then(60.0, 5.0).then(120.0, 0.0);
        check([59.0, 60.0, 500.0].map(|at| rate.at(at)), [10.0, 5.0, 0.0]);
        check([0.0, 600.0, 700.0, 900.0].map(|amount| rate.time_for(amount)), [0.0, 60.0, 80.0, 120.0]);
        assert!(rate.time_for(901.0).is_infinite());
        check([rate.then(200.0, 10.0).time_for(1_000.0)], [210.0]);
        check([Rate::constant(Rate::UNLIMITED).time_for(1e9)], [0.0]);
    }

    #[test]
    fn of_two_rates_the_smaller_one_counts() {
        let least = Rate::constant(8.0).then(10.0, 2.0).min(&Rate::constant(4.0).then(5.0, 16.0));
        check([0.0, 5.0, 10.0].map(|at| least.at(at)), [4.0, 8.0, 2.0]);
    }
}
