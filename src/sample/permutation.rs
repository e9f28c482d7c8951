//! Random orders that are computed one place at a time, without storing or shuffling anything.

use mock_server::draw::mix;

/// A permutation of `0..len`, chosen by a key.
///
/// A six-round Feistel network over the next even power of two; places outside the range walk the cycle until they are
/// inside again (Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains"). A final turn by a keyed distance makes
/// every place equally likely even where the network is too small to mix well.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Permutation {
    len: u64,
    half_bits: u32,
    key: u64,
    turn: u64,
}

impl Permutation {
    /// The permutation of `len` places that belongs to a key; `len` is at most 2^62.
    #[must_use]
    pub fn new(len: u64, key: u64) -> Self {
        let bits = u64::BITS - len.saturating_sub(1).leading_zeros();
        let turn = mix(key ^ 0xe703_7ed1_a0b4_28db) % len.max(1);
        Self { len, half_bits: bits.div_ceil(2).max(1), key, turn }
    }

    /// Where place `index` goes.
    ///
    /// # Panics
    ///
    /// If `index` is not below the length.
    #[must_use]
    pub fn apply(&self, index: u64) -> u64 {
        assert!(index < self.len, "index {index} of {}", self.len);
        let mut place = index;
        loop {
            place = self.round_trip(place);
            if place < self.len {
                let turned = place + self.turn;
                return if turned < self.len { turned } else { turned - self.len };
            }
        }
    }

    fn round_trip(&self, place: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (place >> self.half_bits, place & mask);
        for round in 1..=6_u64 {
            let word = mix(self.key ^ right.wrapping_add(round << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            (left, right) = (right, left ^ (word & mask));
        }
        left << self.half_bits | right
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_place_is_hit_exactly_once(len in 1_u64..2_000, key: u64) {
            let permutation = Permutation::new(len, key);
            let mut hit = vec![false; len as usize];
            for index in 0..len {
                let place = permutation.apply(index) as usize;
                prop_assert!(!hit[place]);
                hit[place] = true;
            }
        }
    }

    #[test]
    fn the_first_place_is_spread_evenly_over_keys() {
        let mut counts = [0_u32; 10];
        for key in 0..100_000 {
            counts[Permutation::new(10, mix(key)).apply(0) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }
}
