//! A straight line through points, by least squares.

/// A straight line, and how surely it is known.
#[derive(Copy, Clone, PartialEq, Debug)]
pub(super) struct Line {
    /// Where it is at zero.
    pub(super) at_zero: f64,
    /// How much it rises from one unit to the next.
    pub(super) slope: f64,
    /// Standard deviation of the points from it.
    pub(super) sigma: f64,
    /// Standard error of where it is at zero.
    pub(super) at_zero_error: f64,
    /// Standard error of the slope; infinite where all points have the same place.
    pub(super) slope_error: f64,
}

impl Line {
    /// The line through a sample.
    pub(super) fn through(points: &[(f64, f64)]) -> Self {
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
        let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|(x, y)| of(x - x_mean, y - y_mean)).sum::<f64>();
        let spread = sum(&|x, _| x * x);
        let slope = if spread > 0.0 { sum(&|x, y| x * y) / spread } else { 0.0 };
        Self { slope_error: f64::INFINITY, ..Self::with_slope(points, slope) }.with_errors(points.len(), x_mean, spread)
    }

    /// The line of a slope that is known.
    pub(super) fn with_slope(points: &[(f64, f64)], slope: f64) -> Self {
        let count = points.len() as f64;
        let at_zero = points.iter().map(|(x, y)| y - slope * x).sum::<f64>() / count;
        let squares = points.iter().map(|(x, y)| (y - slope * x - at_zero) * (y - slope * x - at_zero)).sum::<f64>();
        let sigma = libm::sqrt(squares / count);
        Self { at_zero, slope, sigma, at_zero_error: sigma / libm::sqrt(count), slope_error: 0.0 }
    }

    /// The errors of a line whose slope was found as well, from points that lie around a place and spread so much.
    fn with_errors(self, count: usize, mean: f64, spread: f64) -> Self {
        if spread <= 0.0 {
            return self;
        }
        let at_zero_error = self.sigma * libm::sqrt(1.0 / count as f64 + mean * mean / spread);
        Self { at_zero_error, slope_error: self.sigma / libm::sqrt(spread), ..self }
    }

    /// Standard error of sigma.
    pub(super) fn sigma_error(&self, count: usize) -> f64 {
        self.sigma / libm::sqrt(2.0 * count as f64)
    }
}

#[cfg(test)]
mod tests {
    use mock_server::draw::{Purpose, hash, normal};

    use super::*;

    #[test]
    fn a_line_is_found_again_within_its_errors() {
        let (mut slopes, mut zeros) = (0, 0);
        for sample in 0..400 {
            let points: Vec<_> = (0..100)
                .map(|n| {
                    let word = |part| hash(sample, Purpose::Test, n, part, 0);
                    let x = 1.0 + 1.5 * normal(word(0));
                    (x, 4.0 - 0.3 * x + 0.5 * normal(word(1)))
                })
                .collect();
            let line = Line::through(&points);
            assert!((line.sigma - 0.5).abs() < 5.0 * line.sigma_error(points.len()), "{line:?}");
            slopes += u32::from((line.slope + 0.3).abs() < 1.96 * line.slope_error);
            zeros += u32::from((line.at_zero - 4.0).abs() < 1.96 * line.at_zero_error);
        }
        // 380 are expected of each; five standard deviations.
        assert!((358..=400).contains(&slopes) && (358..=400).contains(&zeros), "{slopes} {zeros}");
    }

    #[test]
    fn points_at_one_place_tell_no_slope() {
        let line = Line::through(&[(2.0, 1.0), (2.0, 3.0)]);
        assert!(line.slope_error.is_infinite() && (line.at_zero - 2.0).abs() < 1e-12, "{line:?}");
    }
}
