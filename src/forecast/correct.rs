//! From fluid wave sizes and a few virtual runs to an estimate with an interval.
//!
//! A virtual run of a wave takes `rho` times as long as the fluid model says. In replication r the virtual world's largest
//! wave is therefore the one of which the fluid model says that it fills a window that is `rho` times as short
//! ([`super::walk`]); mostly time grows in proportion to the size, and it is the fluid model's largest wave over `rho`. The
//! spread of the ratios over virtual runs is part of the spread of the result. The interval comes from a bootstrap of
//! the replications (Efron 1979), of which there are many, and from Student's t for the mean of the ratios, of which there
//! are few: resampling four values alone covers the truth in 89 of 100 cases where it says 95.

use mock_server::draw::{Purpose, hash, normal, unit};

use super::result::{Correction, CurvePoint};

/// Resamples in the bootstrap.
const RESAMPLES: u64 = 2_000;
/// Where the curve begins, as a share of where it ends, if all waves fit.
const NEARLY: f64 = 0.9;

/// An estimate of a lower quantile, with its interval.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// A 95% interval on it.
    pub interval: (f64, f64),
}

/// Summarizes the ratios of virtual to fluid makespan.
#[must_use]
pub fn correction(ratios: Vec<f64>, mailboxes: u32) -> Correction {
    let count = ratios.len() as f64;
    let mean = ratios.iter().sum::<f64>() / count;
    let variance = ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    Correction { mean, standard_error: (variance / count).sqrt(), ratios, mailboxes }
}

/// The order statistic at a share of an ascending list: the largest value that at least `1 - share` of the list reaches.
#[must_use]
pub fn quantile(ascending: &[f64], share: f64) -> f64 {
    let rank = (share * ascending.len() as f64).floor() as usize;
    ascending.get(rank.min(ascending.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

fn place(count: usize, word: u64) -> usize {
    (unit(word) * count as f64) as usize
}

fn pick(values: &[f64], word: u64) -> f64 {
    values[place(values.len(), word)]
}

/// A draw from Student's t distribution with so many degrees of freedom, and the factor in it by which the unknown standard
/// deviation exceeds the one that was seen. `word` gives hashes by number.
fn student(freedom: usize, word: impl Fn(u64) -> u64) -> (f64, f64) {
    let squares: f64 = (1..=freedom as u64).map(|number| normal(word(number)).powi(2)).sum();
    let factor = (freedom as f64 / squares).sqrt();
    (normal(word(0)) * factor, factor)
}

/// The lower quantile of the corrected wave sizes at `1 - confidence`, with a 95% interval. `sizes` are how many
/// replications there are, and the wave that fills the window in one of them under a ratio. There must be two ratios or more.
///
/// Deviations are taken as factors, so that no ratio is negative however little is known of their spread.
#[must_use]
pub fn estimate(
    seed: u64,
    sizes: (usize, impl Fn(usize, f64) -> f64),
    correction: &Correction,
    confidence: f64,
) -> Estimate {
    let (replications, size) = sizes;
    let share = 1.0 - confidence;
    let Correction { ratios, mean, standard_error, .. } = correction;
    let count = ratios.len() as f64;
    // Deviations from a mean of few are smaller than from the true one.
    let widened = (count / (count - 1.0)).sqrt();
    let deviations: Vec<f64> = ratios.iter().map(|ratio| (ratio / mean - 1.0) * widened).collect();
    let corrected = |sizes: &mut Vec<f64>| {
        sizes.sort_by(f64::total_cmp);
        quantile(sizes, share)
    };
    let of_replication = |number: usize| hash(seed, Purpose::Bootstrap, 0, number as u64, 0);
    let mut point: Vec<f64> = (0..replications)
        .map(|number| size(number, mean * libm::exp(pick(&deviations, of_replication(number)))))
        .collect();
    let value = corrected(&mut point);
    let mut resampled: Vec<f64> = (1..=RESAMPLES)
        .map(|round| {
            let word = |number: u64, use_: u64| hash(seed, Purpose::Bootstrap, round, number, use_);
            let (t, factor) = student(ratios.len() - 1, |number| word(number, 1));
            let mean = mean * libm::exp(t * standard_error / mean);
            let mut sizes: Vec<f64> = (0..replications as u64)
                .map(|number| {
                    let deviation = factor * pick(&deviations, word(number, 3));
                    size(place(replications, word(number, 2)), mean * libm::exp(deviation))
                })
                .collect();
            corrected(&mut sizes)
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    Estimate { value, interval: (quantile(&resampled, 0.025), quantile(&resampled, 0.975)) }
}

/// A 95% interval on a probability of which `hits` of `tries` were seen (Wilson 1927).
#[must_use]
pub fn wilson(hits: usize, tries: usize) -> (f64, f64) {
    // The 97.5% quantile of the standard normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    let n = tries as f64;
    let share = hits as f64 / n;
    let middle = share + Z * Z / (2.0 * n);
    let reach = Z * ((share * (1.0 - share) + Z * Z / (4.0 * n)) / n).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0))
}

/// The probability that a wave fits, at up to `points` sizes around the sizes that were found, and at most at `most`: more
/// mailboxes than there are make no wave.
#[must_use]
pub fn curve(mut sizes: Vec<f64>, points: u32, most: u32) -> Vec<CurvePoint> {
    sizes.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else { return Vec::new() };
    let margin = ((last - first) * 0.25).max(last * 0.01);
    let high = (last + margin).min(f64::from(most)).max(1.0);
    let low = (first - margin).max(1.0);
    // Where everybody fits with room to spare, it shows the largest waves there are.
    let low = if low < high { low } else { (high * NEARLY).max(1.0) };
    let mut places: Vec<u32> = (0..points)
        .map(|point| (low + (high - low) * f64::from(point) / f64::from(points.max(2) - 1)).round() as u32)
        .collect();
    // Small waves leave room for few.
    places.dedup();
    let point = |mailboxes: u32| {
        let hits = sizes.len() - sizes.partition_point(|size| *size < f64::from(mailboxes));
        CurvePoint { mailboxes, probability: hits as f64 / sizes.len() as f64, interval: wilson(hits, sizes.len()) }
    };
    places.into_iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use mock_server::draw::normal;

    use super::*;

    fn sizes(count: u64, seed: u64) -> Vec<f64> {
        (0..count).map(|n| 20_000.0 + 1_000.0 * normal(hash(seed, Purpose::Test, n, 0, 0))).collect()
    }

    fn ratios(count: u64, seed: u64) -> Vec<f64> {
        (0..count).map(|n| 1.1 + 0.01 * normal(hash(seed, Purpose::Test, n, 1, 0))).collect()
    }

    #[test]
    fn a_quantile_leaves_the_wanted_share_at_or_above_it() {
        let list: Vec<f64> = (1..=100).map(f64::from).collect();
        let value = quantile(&list, 0.05);
        assert_eq!(list.iter().filter(|x| **x >= value).count(), 95);
    }

    /// How often the interval from so many runs holds the 5% quantile of 20,000 + 1,000 z over 1.1 + 0.01 z'.
    fn check_coverage(runs: u64) {
        let truth = {
            let mut all: Vec<f64> =
                sizes(200_000, 99).iter().zip(ratios(200_000, 98)).map(|(size, ratio)| size / ratio).collect();
            all.sort_by(f64::total_cmp);
            quantile(&all, 0.05)
        };
        let trials = 200;
        let covered = (0..trials)
            .filter(|trial| {
                let sizes = sizes(100, *trial);
                let size = |number: usize, ratio: f64| sizes[number] / ratio;
                let estimate = estimate(*trial, (100, size), &correction(ratios(runs, *trial), 1), 0.95);
                estimate.interval.0 <= truth && truth <= estimate.interval.1
            })
            .count();
        let share = covered as f64 / trials as f64;
        // 0.95 would be 0.91 to 0.99 in 99 of 100 such experiments.
        assert!((0.91..=0.995).contains(&share), "{covered} of {trials} with {runs} runs");
    }

    #[test]
    fn the_interval_covers_the_true_quantile_as_often_as_it_says_with_few_runs() {
        check_coverage(4);
    }

    #[test]
    fn the_interval_covers_the_true_quantile_as_often_as_it_says_with_more_runs() {
        check_coverage(8);
    }

    #[test]
    fn draws_of_student_have_the_quantiles_of_its_table() {
        for (freedom, beyond) in [(1, 12.706), (3, 3.182), (7, 2.365)] {
            let draws = 40_000;
            let far = |number: &u64| {
                student(freedom, |word| hash(5, Purpose::Test, *number, word, freedom as u64)).0.abs() > beyond
            };
            let share = (0..draws).filter(far).count() as f64 / draws as f64;
            assert!((share - 0.05).abs() < 0.005, "{freedom}: {share}");
        }
    }

    #[test]
    fn a_curve_has_every_size_once_and_says_that_nothing_fits_where_nothing_does() {
        let few = curve(vec![2.0, 3.5, 5.0], 25, 100);
        assert_eq!(few.iter().map(|point| point.mailboxes).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        let probabilities: Vec<f64> = few.iter().map(|point| point.probability).collect();
        assert_eq!(probabilities, [1.0, 1.0, 2.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0]);
        // Three hundred fit, and there are a hundred.
        let all = curve(vec![300.0, 310.0], 25, 100);
        assert!(all.iter().all(|point| point.probability.to_bits() == 1.0_f64.to_bits()), "{all:?}");
        assert_eq!((all[0].mailboxes, all[all.len() - 1].mailboxes), (90, 100));
        let none = curve(vec![0.2, 0.3], 25, 100);
        assert_eq!(none.iter().map(|point| (point.mailboxes, point.probability)).collect::<Vec<_>>(), [(1, 0.0)]);
    }

    #[test]
    fn wilson_intervals_hold_the_share_and_stay_within_bounds() {
        for (hits, tries) in [(0, 10), (5, 10), (10, 10), (1, 1_000)] {
            let (low, high) = wilson(hits, tries);
            let share = hits as f64 / tries as f64;
            assert!(0.0 <= low && low <= share + 1e-9 && share <= high + 1e-9 && high <= 1.0);
        }
    }
}
