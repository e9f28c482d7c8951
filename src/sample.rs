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
    /// The least value.
    pub from: f64,
    /// The greatest value.
    pub to: f64,
    /// The tail exponent; must not be 1.
    pub alpha: f64,
}

impl TruncatedPareto {
    /// The value that a share `above` of all draws exceeds.
    #[must_use]
    pub fn exceeded_by(&self, above: f64) -> f64 {
        let cut = libm::pow(self.from / self.to, self.alpha);
        let value = self.from * libm::pow(1.0 - (1.0 - above) * (1.0 - cut), -1.0 / self.alpha);
        value.clamp(self.from, self.to)
    }

    /// The integral of the values below `value` over their probability; the mean if `value` is the greatest one.
    #[must_use]
    pub fn partial_mean(&self, value: f64) -> f64 {
        let cut = libm::pow(self.from / self.to, self.alpha);
        let power = 1.0 - self.alpha;
        self.alpha * libm::pow(self.from, self.alpha) / (1.0 - cut)
            * (libm::pow(value, power) - libm::pow(self.from, power))
            / power
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
        let law = TruncatedPareto { from: 2.0, to: 48.0, alpha: 1.3 };
        let draws = 200_000_u64;
        let mut sum = 0.0;
        for n in 0..draws {
            let value = law.exceeded_by(draw::unit(hash(3, Purpose::Test, n, 0, 0)));
            assert!((law.from..=law.to).contains(&value));
            sum += value;
        }
        assert!((sum / draws as f64 / law.partial_mean(law.to) - 1.0).abs() < 0.01);
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
