//! Dividing a whole number by weights so that the parts sum exactly to it.

/// Hands out a total in proportion to weights, in whole units. A part of weight zero is zero; every part is within one
/// unit of its proportional share.
#[derive(Clone, Debug)]
pub struct Split {
    total: u64,
    whole: f64,
    seen: f64,
    given: u64,
}

impl Split {
    /// A total, below 2^53, and the sum of all weights, added up in the order in which they will be asked for.
    #[must_use]
    pub fn new(total: u64, whole: f64) -> Self {
        Self { total, whole, seen: 0.0, given: 0 }
    }

    /// The part of the next weight. After the last weight, everything has been handed out.
    pub fn part(&mut self, weight: f64) -> u64 {
        if weight <= 0.0 {
            return 0;
        }
        self.seen += weight;
        let due = ((self.total as f64 * (self.seen / self.whole)) as u64).min(self.total);
        let part = due.saturating_sub(self.given);
        self.given += part;
        part
    }
}

/// Divides a total by weights. Nothing is handed out if all weights are zero.
#[must_use]
pub fn proportionally(total: u64, weights: &[f64]) -> Vec<u64> {
    let mut split = Split::new(total, weights.iter().sum());
    weights.iter().map(|&weight| split.part(weight)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_sum_to_the_total(total in 0_u64..1 << 50, weights in prop::collection::vec(0.0..1e6_f64, 1..200)) {
            prop_assume!(weights.iter().any(|&weight| weight > 0.0));
            let parts = proportionally(total, &weights);
            prop_assert_eq!(parts.iter().sum::<u64>(), total);
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!(*weight > 0.0 || *part == 0);
            }
        }
    }
}
