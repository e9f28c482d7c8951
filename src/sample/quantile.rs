//! Distributions that have no closed inverse, as tables of their quantiles.

/// A distribution function, tabulated and inverted: the quantiles at equally spaced probabilities, and straight lines
/// between them.
#[derive(Clone, PartialEq, Debug)]
pub struct Quantiles {
    /// The values at probabilities `0, 1/n, ... 1`. Apart from the integrals, as most are asked for values alone, and the
    /// smaller table stays in nearer caches.
    values: Vec<f64>,
    /// The integral of the values up to there.
    integrals: Vec<f64>,
}

impl Quantiles {
    /// Inverts a distribution that is known at ascending points: pairs of a value and the weight of all that lies below.
    /// The weights ascend strictly from the first pair to the last and need not be normalized.
    ///
    /// # Panics
    ///
    /// If there are fewer than two points.
    #[must_use]
    pub fn invert(points: &[(f64, f64)], cells: usize) -> Self {
        assert!(points.len() >= 2, "a distribution needs two points");
        let (first, last) = (points[0].1, points[points.len() - 1].1);
        let mut values = Vec::with_capacity(cells + 1);
        let mut place = 0;
        for cell in 0..=cells {
            let wanted = first + (last - first) * cell as f64 / cells as f64;
            while place + 2 < points.len() && points[place + 1].1 < wanted {
                place += 1;
            }
            let ((low, below), (high, above)) = (points[place], points[place + 1]);
            values.push(low + (high - low) * ((wanted - below) / (above - below)).clamp(0.0, 1.0));
        }
        let mut integrals = vec![0.0];
        let mut sum = 0.0;
        for pair in values.windows(2) {
            sum += 0.5 * (pair[0] + pair[1]) / cells as f64;
            integrals.push(sum);
        }
        Self { values, integrals }
    }

    /// The Beta distribution with both parameters at least one.
    #[must_use]
    pub fn beta(a: f64, b: f64, cells: usize) -> Self {
        let steps = 4 * cells;
        let mut weight = 0.0;
        let mut points = vec![(0.0, 0.0)];
        for step in 0..steps {
            let middle = (step as f64 + 0.5) / steps as f64;
            weight += libm::pow(middle, a - 1.0) * libm::pow(1.0 - middle, b - 1.0);
            points.push(((step + 1) as f64 / steps as f64, weight));
        }
        Self::invert(&points, cells)
    }

    /// The value below which a share of all draws lies.
    #[must_use]
    #[inline]
    pub fn at(&self, share: f64) -> f64 {
        let (cell, rest) = self.cell(share);
        let (low, high) = (self.values[cell], self.values[cell + 1]);
        low + (high - low) * rest
    }

    /// The integral of the quantiles from 0 to a share; the mean at 1.
    #[must_use]
    #[inline]
    pub fn integral(&self, share: f64) -> f64 {
        let (cell, rest) = self.cell(share);
        let (low, high) = (self.values[cell], self.values[cell + 1]);
        let (below, whole) = (self.integrals[cell], self.integrals[cell + 1]);
        let width = 1.0 / (self.values.len() - 1) as f64;
        (below + rest * width * (low + 0.5 * rest * (high - low))).min(whole)
    }

    #[inline]
    fn cell(&self, share: f64) -> (usize, f64) {
        let cells = self.values.len() - 1;
        let place = share.clamp(0.0, 1.0) * cells as f64;
        let cell = (place as usize).min(cells - 1);
        (cell, place - cell as f64)
    }
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{Beta, ContinuousCDF};

    use super::*;

    #[test]
    fn a_tabulated_beta_agrees_with_its_distribution_function() {
        let table = Quantiles::beta(4.0, 1.5, 512);
        let oracle = Beta::new(4.0, 1.5).expect("both parameters are positive");
        for percent in 1..100 {
            let share = f64::from(percent) / 100.0;
            assert!((oracle.cdf(table.at(share)) - share).abs() < 1e-3, "{share}");
        }
        assert!((table.integral(1.0) - 4.0 / 5.5).abs() < 1e-3);
    }

    #[test]
    fn integrals_ascend_with_the_share() {
        let table = Quantiles::beta(4.0, 1.5, 64);
        let integrals: Vec<_> = (0..=1_000).map(|n| table.integral(f64::from(n) / 1_000.0)).collect();
        assert!(integrals.is_sorted());
    }
}
