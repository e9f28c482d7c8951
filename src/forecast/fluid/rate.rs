//! Rates that change as time goes on.

/// Something per second: from each moment on, another rate.
#[derive(Clone, PartialEq, Debug)]
pub struct Rate {
    /// What is there at the beginning.
    at_once: f64,
    /// Seconds and rates, in the order of time. The first is at zero.
    steps: Vec<(f64, f64)>,
}

impl Rate {
    /// Without bound.
    pub const UNLIMITED: f64 = f64::INFINITY;

    /// Always the same, with nothing there at the beginning.
    #[must_use]
    pub fn constant(rate: f64) -> Self {
        Self { at_once: 0.0, steps: vec![(0.0, rate)] }
    }

    /// The same, with an amount that is there at the beginning: what fits into a window that is empty, or into a bucket
    /// that is full.
    #[must_use]
    pub fn beginning_with(self, at_once: f64) -> Self {
        Self { at_once, ..self }
    }

    /// The same up to a moment, and another rate from then on. Moments come in their order.
    #[must_use]
    pub fn then(mut self, from: f64, rate: f64) -> Self {
        self.steps.retain(|(at, _)| *at < from);
        self.steps.push((from.max(0.0), rate));
        self
    }

    /// The seconds in which an amount comes together; infinite if it never does.
    #[must_use]
    pub fn time_for(&self, amount: f64) -> f64 {
        let mut left = amount - self.at_once;
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
        check([0.0, 600.0, 700.0, 900.0].map(|amount| rate.time_for(amount)), [0.0, 60.0, 80.0, 120.0]);
        assert!(rate.time_for(901.0).is_infinite());
        check([rate.then(200.0, 10.0).time_for(1_000.0)], [210.0]);
        check([Rate::constant(Rate::UNLIMITED).time_for(1e9)], [0.0]);
    }

    #[test]
    fn what_is_there_at_the_beginning_takes_no_time() {
        let rate = Rate::constant(10.0).then(60.0, 5.0).beginning_with(100.0);
        check([100.0, 200.0, 800.0].map(|amount| rate.time_for(amount)), [0.0, 10.0, 80.0]);
    }
}
