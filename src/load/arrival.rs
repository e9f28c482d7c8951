//! When the requests of an open loop are due: a pure function of the seed, whatever the answers do.

use mock_server::draw::{Purpose, hash, unit};
use mock_server::time::{Moment, Span};

use super::shape::Shape;

/// The draws of this module, apart from others for the same purpose.
const GAP: u64 = 0;

/// A request that is due.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Which request it is; what it asks for is drawn from this.
    pub number: u64,
    /// When it should be sent: its intended start.
    pub due: Moment,
}

/// How arrivals spread around their rate.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub enum Law {
    /// Independently of each other, as those of many people are.
    #[default]
    Poisson,
    /// Evenly.
    Even,
}

/// The arrivals of a shape, in order, without end unless the rate becomes zero for ever.
#[derive(Clone, Debug)]
pub struct Arrivals {
    seed: u64,
    law: Law,
    shape: Shape,
    number: u64,
    /// Expected arrivals up to the last one.
    passed: f64,
}

impl Arrivals {
    /// The arrivals that belong to a seed.
    #[must_use]
    pub fn new(seed: u64, law: Law, shape: Shape) -> Self {
        Self { seed, law, shape, number: 0, passed: 0.0 }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let number = self.number;
        self.passed = match self.law {
            Law::Poisson => self.passed - libm::log(unit(hash(self.seed, Purpose::Arrival, number, GAP, 0))),
            Law::Even => number as f64 + 0.5,
        };
        let seconds = self.shape.reached(self.passed)?;
        self.number += 1;
        Some(Arrival { number, due: Moment::START + Span::from_seconds(seconds) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn due(seed: u64, law: Law, shape: &Shape, until: u64) -> Vec<f64> {
        let arrivals = Arrivals::new(seed, law, shape.clone()).map(|arrival| arrival.due.as_seconds());
        arrivals.take_while(|&seconds| seconds < until as f64).collect()
    }

    #[test]
    fn even_arrivals_are_evenly_spaced() {
        let due = due(1, Law::Even, &Shape::constant(1_000.0), 2);
        assert_eq!(due.len(), 2_000);
        assert!(due.windows(2).all(|pair| (pair[1] - pair[0] - 0.001).abs() < 1e-6));
    }

    #[test]
    fn poisson_gaps_have_the_mean_and_spread_of_their_law() {
        let due = due(7, Law::Poisson, &Shape::constant(1_000.0), 100);
        let gaps: Vec<f64> = due.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / gaps.len() as f64;
        assert!((mean * 1_000.0 - 1.0).abs() < 0.02, "{mean}");
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.02, "{variance}");
    }

    #[test]
    fn counts_of_disjoint_spans_are_as_spread_as_poisson_counts() {
        let due = due(11, Law::Poisson, &Shape::constant(50.0), 2_000);
        let mut counts = vec![0_f64; 2_000];
        for seconds in due {
            counts[seconds as usize] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / 2_000.0;
        let variance = counts.iter().map(|count| (count - mean) * (count - mean)).sum::<f64>() / 2_000.0;
        // The dispersion index of n counts has a standard deviation of sqrt(2 / n): 0.03 here.
        assert!((variance / mean - 1.0).abs() < 0.13, "{mean} {variance}");
    }

    proptest! {
        #[test]
        fn arrivals_are_numbered_ordered_and_repeat(seed: u64, rate in 0.1..1e5_f64, to in 0.1..1e5_f64) {
            let shape = Shape::ramp(rate, to, Span::seconds(5));
            let first: Vec<_> = Arrivals::new(seed, Law::Poisson, shape.clone()).take(200).collect();
            let again: Vec<_> = Arrivals::new(seed, Law::Poisson, shape).take(200).collect();
            prop_assert_eq!(&first, &again);
            prop_assert!(first.is_sorted_by_key(|arrival| arrival.due));
            prop_assert!(first.iter().enumerate().all(|(n, arrival)| arrival.number == n as u64));
        }

        #[test]
        fn even_arrivals_never_stray_from_their_shape_by_more_than_one(from in 0.0..1e3_f64, to in 0.0..1e3_f64) {
            let shape = Shape::ramp(from, to, Span::seconds(10));
            for (n, arrival) in Arrivals::new(0, Law::Even, shape.clone()).take(500).enumerate() {
                prop_assert!((shape.expected(arrival.due.as_seconds()) - n as f64).abs() <= 1.0);
            }
        }
    }
}
