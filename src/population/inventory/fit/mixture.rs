//! Two normal components in one sample, by expectation and maximization.

use crate::population::describe::quantile;

/// Most rounds of the iteration.
const ROUNDS: u32 = 500;
/// The iteration ends when the log-likelihood per value grows by less.
const TOLERANCE: f64 = 1e-10;
/// Least standard deviation of a component, against collapse onto one value.
const SIGMA_LEAST: f64 = 0.05;
/// Two components count only if their means are this many times the larger sigma apart. Assumed.
const APART: f64 = 1.25;
/// Least and greatest share of the lower component that counts. Assumed.
const SHARES: (f64, f64) = (0.02, 0.6);
/// How much better two components must explain the sample than one, in Schwarz's criterion.
const EXTRA_PARAMETERS: f64 = 3.0;

/// Most values that are taken one by one; of more, those that hardly differ are taken together.
const ONE_BY_ONE: usize = 4_096;
/// Parts of each unit within which values are taken together: far narrower than any sigma.
const PARTS: f64 = 256.0;

/// A value, and how many there are of it.
type Counted = (f64, f64);

/// Values that hardly differ as their mean: every round then costs the same, however many values there are.
fn gathered(sorted: &[f64]) -> Vec<Counted> {
    if sorted.len() <= ONE_BY_ONE {
        return sorted.iter().map(|&value| (value, 1.0)).collect();
    }
    let part = |value: f64| libm::floor(value * PARTS) as i64;
    let groups = sorted.chunk_by(|&one, &two| part(one) == part(two));
    groups.map(|group| (group.iter().sum::<f64>() / group.len() as f64, group.len() as f64)).collect()
}

/// One normal component.
#[derive(Copy, Clone, PartialEq, Debug)]
pub(super) struct Component {
    pub(super) mean: f64,
    pub(super) sigma: f64,
    /// How many values belong to it, in expectation.
    pub(super) weight: f64,
}

impl Component {
    /// The component of a whole sample, by its moments.
    pub(super) fn of(values: &[f64]) -> Self {
        Self::weighted(values.iter().map(|&value| (value, 1.0)))
    }

    fn weighted(values: impl Iterator<Item = Counted> + Clone) -> Self {
        let total: f64 = values.clone().map(|(_, weight)| weight).sum::<f64>().max(f64::MIN_POSITIVE);
        let mean = values.clone().map(|(value, weight)| weight * value).sum::<f64>() / total;
        let squares = values.map(|(value, weight)| weight * (value - mean) * (value - mean));
        let sigma = libm::sqrt(squares.sum::<f64>() / total).max(SIGMA_LEAST);
        Self { mean, sigma, weight: total }
    }

    fn density(&self, value: f64) -> f64 {
        let z = (value - self.mean) / self.sigma;
        libm::exp(-0.5 * z * z) / (self.sigma * libm::sqrt(std::f64::consts::TAU))
    }

    /// Standard error of the median of the values' exponentials.
    pub(super) fn median_error(&self) -> f64 {
        libm::exp(self.mean) * self.sigma / libm::sqrt(self.weight.max(1.0))
    }

    /// Standard error of sigma.
    pub(super) fn sigma_error(&self) -> f64 {
        self.sigma / libm::sqrt(2.0 * self.weight.max(1.0))
    }
}

/// Two components.
#[derive(Copy, Clone, PartialEq, Debug)]
pub(super) struct Mixture {
    pub(super) low_share: f64,
    pub(super) low: Component,
    pub(super) high: Component,
}

impl Mixture {
    /// Fits two components; nothing if the sample does not show them.
    pub(super) fn fit(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self::of(&sorted, &gathered(&sorted))
    }

    /// Fits two components to a sorted sample, given with values that may be taken together.
    fn of(sorted: &[f64], values: &[Counted]) -> Option<Self> {
        let whole = Component::of(sorted);
        let start = |share: f64| Component { mean: quantile(sorted, share), ..whole };
        let mut mixture = Self { low_share: 0.2, low: start(0.08), high: start(0.6) };
        let mut before = f64::NEG_INFINITY;
        for _ in 0..ROUNDS {
            let (next, likelihood) = mixture.step(values, None);
            mixture = next;
            if likelihood - before < TOLERANCE * sorted.len() as f64 {
                break;
            }
            before = likelihood;
        }
        let (_, two) = mixture.step(values, None);
        let one: f64 = values.iter().map(|&(value, count)| count * libm::log(whole.density(value))).sum();
        let penalty = 0.5 * EXTRA_PARAMETERS * libm::log(sorted.len() as f64);
        let are_apart = mixture.high.mean - mixture.low.mean > APART * mixture.low.sigma.max(mixture.high.sigma);
        let is_share_sound = (SHARES.0..=SHARES.1).contains(&mixture.low_share);
        (two - one > penalty && are_apart && is_share_sound).then_some(mixture)
    }

    /// Fits the upper component where the lower one and its share are known.
    pub(super) fn fit_high(values: &[f64], low_share: f64, low: Component) -> Component {
        let values: Vec<Counted> = values.iter().map(|&value| (value, 1.0)).collect();
        let mut mixture = Self { low_share, low, high: Component::weighted(values.iter().copied()) };
        for _ in 0..ROUNDS {
            let (next, _) = mixture.step(&values, Some((low_share, low)));
            let moved = (next.high.mean - mixture.high.mean).abs();
            mixture = next;
            if moved < TOLERANCE {
                break;
            }
        }
        mixture.high
    }

    /// One round: the next estimate, and the log-likelihood of this one.
    fn step(&self, values: &[Counted], known: Option<(f64, Component)>) -> (Self, f64) {
        let mut likelihood = 0.0;
        let belongs: Vec<f64> = values
            .iter()
            .map(|&(value, count)| {
                let low = self.low_share * self.low.density(value);
                let both = (low + (1.0 - self.low_share) * self.high.density(value)).max(f64::MIN_POSITIVE);
                likelihood += count * libm::log(both);
                low / both
            })
            .collect();
        let parts = values.iter().zip(&belongs);
        let high = Component::weighted(parts.clone().map(|(&(value, count), low)| (value, count * (1.0 - low))));
        let (low_share, low) = known.unwrap_or_else(|| {
            let low = Component::weighted(parts.map(|(&(value, count), low)| (value, count * low)));
            (low.weight / values.iter().map(|&(_, count)| count).sum::<f64>(), low)
        });
        (Self { low_share, low, high }, likelihood)
    }
}

#[cfg(test)]
mod tests {
    use mock_server::draw::{Purpose, hash, normal, unit};

    use super::*;

    fn sample(count: u64, low_share: f64) -> Vec<f64> {
        (0..count)
            .map(|n| {
                let z = normal(hash(2, Purpose::Test, n, 0, 0));
                if unit(hash(2, Purpose::Test, n, 1, 0)) < low_share { 16.0 + 1.6 * z } else { 20.4 + 1.2 * z }
            })
            .collect()
    }

    #[test]
    fn two_components_are_found_again() {
        let mixture = Mixture::fit(&sample(20_000, 0.2)).expect("there are two");
        assert!((mixture.low_share - 0.2).abs() < 0.02, "{mixture:?}");
        assert!((mixture.low.mean - 16.0).abs() < 0.15 && (mixture.high.mean - 20.4).abs() < 0.05, "{mixture:?}");
        assert!((mixture.low.sigma - 1.6).abs() < 0.12 && (mixture.high.sigma - 1.2).abs() < 0.04, "{mixture:?}");
    }

    #[test]
    fn many_values_are_taken_together_without_loss() {
        let mut sorted = sample(50_000, 0.2);
        sorted.sort_by(f64::total_cmp);
        let together = gathered(&sorted);
        assert!(together.len() < 4_000, "{} parts", together.len());
        let apart: Vec<Counted> = sorted.iter().map(|&value| (value, 1.0)).collect();
        let fits = [Mixture::of(&sorted, &together), Mixture::of(&sorted, &apart)];
        let [together, apart] = fits.map(|fit| fit.expect("there are two"));
        for (one, two) in [(together.low, apart.low), (together.high, apart.high)] {
            assert!((one.mean - two.mean).abs() < 1e-4 && (one.sigma - two.sigma).abs() < 1e-4, "{one:?} {two:?}");
        }
    }

    #[test]
    fn a_single_component_is_not_split() {
        assert_eq!(Mixture::fit(&sample(5_000, 0.0)), None);
    }

    #[test]
    fn a_known_lower_component_helps_few_values() {
        let low = Component { mean: 16.0, sigma: 1.6, weight: 0.0 };
        let high = Mixture::fit_high(&sample(120, 0.2), 0.2, low);
        assert!((high.mean - 20.4).abs() < 0.4, "{high:?}");
    }
}
