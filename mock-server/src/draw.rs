//! Randomness that does not depend on the order in which it is asked for.
//!
//! Every draw is a pure function of the seed, the purpose and up to three numbers that say what it is for. Adding a
//! draw for one purpose leaves all others unchanged; the same faults hit the same requests in virtual time and live;
//! two candidates that share a seed share their random numbers. Transcendental functions come from `libm`, so that the
//! same seed gives the same bytes on every machine.

use crate::time::Span;

/// What a draw is for. Each purpose has a stream of its own.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Purpose {
    /// Whether a fault rule hits a request.
    Fault = 1,
    /// How long a fault delays a request.
    FaultDelay = 2,
    /// Service time of a call.
    Service = 3,
    /// Duration of a mailbox switch.
    Switch = 4,
    /// Whether a mailbox switch fails.
    SwitchFailure = 5,
    /// Jitter of a back-off.
    Jitter = 6,
    /// The identity (search key) of an item.
    ItemKey = 7,
    /// The size of an item.
    ItemSize = 8,
    /// The class of an item.
    ItemClass = 9,
    /// Whether an item is corrupt.
    ItemDefect = 10,
    /// The order of changes in a mailbox.
    Change = 11,
    /// The bytes of generated content.
    Bytes = 12,
    /// A mailbox's size, items, folders and daily changes.
    Mailbox = 13,
    /// An organisation's size and its effect on its mailboxes.
    Organisation = 14,
    /// How a mailbox's items spread over its folders.
    Folder = 15,
    /// Which organisations make a wave.
    Wave = 16,
    /// Replications of a Monte Carlo study.
    Replication = 17,
    /// Network latency.
    Latency = 18,
    /// When a load generator sends.
    Arrival = 19,
    /// Resampling in an interval estimate.
    Bootstrap = 20,
    /// Tests and benchmarks.
    Test = 21,
    /// Which stretches of time are bad.
    FaultBurst = 40,
    /// Which mailboxes a fault rule concerns.
    FaultCohort = 41,
    /// Which items of a call fail.
    FaultItem = 42,
    /// Which connections fail.
    FaultDoor = 43,
    /// When a resource stalls, and for how long.
    Health = 44,
}

/// Mixes one 64-bit word so that every input bit reaches every output bit (the finalizer of `SplitMix64`).
#[must_use]
#[inline]
pub const fn mix(mut word: u64) -> u64 {
    word ^= word >> 30;
    word = word.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word ^= word >> 27;
    word = word.wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Undoes [`mix`].
#[must_use]
pub const fn unmix(mut word: u64) -> u64 {
    word ^= word >> 31 ^ word >> 62;
    word = word.wrapping_mul(0x3196_42b2_d24d_8ec3);
    word ^= word >> 27 ^ word >> 54;
    word = word.wrapping_mul(0x96de_1b17_3f11_9089);
    word ^ word >> 30 ^ word >> 60
}

/// Hashes a seed, a purpose and three numbers into one word.
///
/// The seed is mixed before use: seeds that differ by one give independent streams.
#[must_use]
#[inline]
pub const fn hash(seed: u64, purpose: Purpose, a: u64, b: u64, c: u64) -> u64 {
    Hashes::new(seed, purpose).of(a, b, c)
}

/// The hashes of one seed and purpose, part of which is worked out once.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Hashes(u64);

impl Hashes {
    /// Those of a seed and a purpose.
    #[must_use]
    #[inline]
    pub const fn new(seed: u64, purpose: Purpose) -> Self {
        Self(mix(seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_add(purpose as u64))
    }

    /// What [`hash`] tells for three numbers.
    #[must_use]
    #[inline]
    pub const fn of(self, a: u64, b: u64, c: u64) -> u64 {
        let word = mix(self.0 ^ a.wrapping_mul(0xd6e8_feb8_6659_fd93));
        let word = mix(word ^ b.wrapping_mul(0xa076_1d64_78bd_642f).rotate_left(23));
        mix(word ^ c.wrapping_mul(0xe703_7ed1_a0b4_28db).rotate_left(41))
    }
}

/// Turns a hash into a number strictly between 0 and 1.
#[must_use]
#[inline]
pub fn unit(word: u64) -> f64 {
    ((word >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
}

/// A standard normal number from one hash (Box and Muller 1958, the second uniform derived by mixing again).
#[must_use]
#[inline]
pub fn normal(word: u64) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(unit(word)));
    radius * libm::cos(std::f64::consts::TAU * unit(mix(word.wrapping_add(0x632b_e59b_d9b4_e019))))
}

/// A distribution of spans of time.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Distribution {
    /// Always the same span.
    Constant(Span),
    /// Exponential with this mean.
    Exponential {
        /// Mean span.
        mean: Span,
    },
    /// Evenly spread between two spans.
    Uniform {
        /// Shortest span.
        low: Span,
        /// Longest span.
        high: Span,
    },
    /// Log-normal.
    LogNormal {
        /// Median span.
        median: Span,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
}

impl Distribution {
    /// The span that belongs to a hash.
    #[must_use]
    #[inline]
    pub fn draw(&self, word: u64) -> Span {
        match *self {
            Self::Constant(span) => span,
            Self::Exponential { mean } => Span::from_seconds(-mean.as_seconds() * libm::log(unit(word))),
            Self::Uniform { low, high } => low + (high - low).scale(unit(word)),
            Self::LogNormal { median, sigma } => {
                Span::from_seconds(median.as_seconds() * libm::exp(sigma * normal(word)))
            }
        }
    }

    /// The mean span.
    #[must_use]
    pub fn mean(&self) -> Span {
        match *self {
            Self::Constant(span) => span,
            Self::Exponential { mean } => mean,
            Self::Uniform { low, high } => (low + high).scale(0.5),
            Self::LogNormal { median, sigma } => median.scale(libm::exp(0.5 * sigma * sigma)),
        }
    }

    /// The same distribution with every span multiplied by a factor.
    #[must_use]
    pub fn scale(&self, factor: f64) -> Self {
        match *self {
            Self::Constant(span) => Self::Constant(span.scale(factor)),
            Self::Exponential { mean } => Self::Exponential { mean: mean.scale(factor) },
            Self::Uniform { low, high } => Self::Uniform { low: low.scale(factor), high: high.scale(factor) },
            Self::LogNormal { median, sigma } => Self::LogNormal { median: median.scale(factor), sigma },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(distribution: Distribution) -> f64 {
        let draws = 200_000;
        let total: f64 = (0..draws).map(|n| distribution.draw(hash(7, Purpose::Test, n, 0, 0)).as_seconds()).sum();
        total / draws as f64
    }

    #[test]
    fn drawn_means_agree_with_stated_means() {
        for distribution in [
            Distribution::Constant(Span::seconds(2)),
            Distribution::Exponential { mean: Span::seconds(3) },
            Distribution::Uniform { low: Span::seconds(1), high: Span::seconds(4) },
            Distribution::LogNormal { median: Span::seconds(2), sigma: 0.8 },
        ] {
            let stated = distribution.mean().as_seconds();
            assert!((mean_of(distribution) / stated - 1.0).abs() < 0.01, "{distribution:?}");
        }
    }

    #[test]
    fn mixing_can_be_undone() {
        for n in 0..1_000 {
            assert_eq!(unmix(mix(n)), n);
            assert_eq!(unmix(mix(!n << 17)), !n << 17);
        }
    }

    #[test]
    fn neighbouring_seeds_are_independent() {
        let draws = 100_000;
        let pairs = (0..draws).map(|n| {
            let one = normal(hash(1, Purpose::Test, n, 0, 0));
            let two = normal(hash(2, Purpose::Test, n, 0, 0));
            one * two
        });
        let correlation: f64 = pairs.sum::<f64>() / draws as f64;
        assert!(correlation.abs() < 4.0 / (draws as f64).sqrt(), "{correlation}");
    }

    #[test]
    fn shifted_counters_under_the_next_seed_do_not_repeat_a_stream() {
        for n in 0..1_000 {
            assert_ne!(hash(1, Purpose::Test, n + 1, 0, 0), hash(2, Purpose::Test, n, 0, 0));
        }
    }
}
