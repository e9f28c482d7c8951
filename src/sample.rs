//! Samplers: hashes in, draws out.
//!
//! Every sampler is a pure function of a hash from [`mock_server::draw`]; transcendental functions come from `libm`, so
//! that a seed gives the same numbers on every machine. Knows nothing of mailboxes.

pub mod permutation;
pub mod quantile;
pub mod split;

use mock_server::draw;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

/// A log-normal number: its median, and the standard deviation of its natural logarithm.
#[must_use]
pub fn log_normal(word: u64, median: f64, ln_sigma: f64) -> f64 {
    median * libm::exp(ln_sigma * draw::normal(word))
}

/// A Pareto law cut off at both ends.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct TruncatedPareto {
    from: f64,
    to: f64,
    alpha: f64,
    /// How much of the untruncated law lies above the greatest value.
    cut: f64,
    /// What the partial mean is a multiple of, and where it is zero.
    factor: f64,
    origin: f64,
}

impl TruncatedPareto {
    /// The law with a least and a greatest value and a tail exponent, which must not be 1.
    #[must_use]
    pub fn new(from: f64, to: f64, alpha: f64) -> Self {
        let cut = libm::pow(from / to, alpha);
        let factor = alpha * libm::pow(from, alpha) / (1.0 - cut);
        Self { from, to, alpha, cut, factor, origin: libm::pow(from, 1.0 - alpha) }
    }

    /// The greatest value.
    #[must_use]
    pub fn greatest(&self) -> f64 {
        self.to
    }

    /// The value that a share `above` of all draws exceeds.
    #[must_use]
    pub fn exceeded_by(&self, above: f64) -> f64 {
        let value = self.from * libm::pow(1.0 - (1.0 - above) * (1.0 - self.cut), -1.0 / self.alpha);
        value.clamp(self.from, self.to)
    }

    /// The integral of the values below `value` over their probability; the mean if `value` is the greatest one.
    #[must_use]
    pub fn partial_mean(&self, value: f64) -> f64 {
        let power = 1.0 - self.alpha;
        self.factor * (libm::pow(value, power) - self.origin) / power
    }
}

/// Which of several shares a hash falls into. The shares need not sum to one; the last one takes what is left over.
#[must_use]
pub fn categorical(word: u64, shares: impl IntoIterator<Item = f64>) -> usize {
    let mut left = draw::unit(word);
    let mut chosen = 0;
    for (index, share) in shares.into_iter().enumerate() {
        chosen = index;
        if left < share {
            break;
        }
        left -= share;
    }
    chosen
}

/// A generator for places that need a sequence whose length is not known beforehand.
#[must_use]
pub fn stream(word: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(word)
}

#[cfg(test)]
mod tests {
    use mock_server::draw::{Purpose, hash};
    use rand::Rng as _;

    use super::*;

    #[test]
    fn truncated_pareto_draws_stay_inside_and_have_the_stated_mean() {
        let law = TruncatedPareto::new(2.0, 48.0, 1.3);
        let draws = 200_000_u64;
        let mut sum = 0.0;
        for n in 0..draws {
            let value = law.exceeded_by(draw::unit(hash(3, Purpose::Test, n, 0, 0)));
            assert!((2.0..=48.0).contains(&value));
            sum += value;
        }
        assert!((sum / draws as f64 / law.partial_mean(law.greatest()) - 1.0).abs() < 0.01);
    }

    #[test]
    fn categories_come_up_as_often_as_their_shares_say() {
        let mut counts = [0_u32; 3];
        for n in 0..100_000 {
            counts[categorical(hash(3, Purpose::Test, n, 1, 0), [0.5, 0.3, 0.2])] += 1;
        }
        for (count, share) in counts.into_iter().zip([0.5, 0.3, 0.2]) {
            assert!((f64::from(count) / 100_000.0 - share).abs() < 0.006);
        }
    }

    #[test]
    fn streams_repeat_for_the_same_hash_and_differ_otherwise() {
        assert_eq!(stream(5).next_u64(), stream(5).next_u64());
        assert_ne!(stream(5).next_u64(), stream(6).next_u64());
    }
}
