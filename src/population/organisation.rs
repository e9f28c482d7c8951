//! Which mailboxes belong together: a table of organisations, small enough to store.

use std::ops::Range;

use mock_server::draw::{Purpose, hash, normal};

use crate::sample::log_normal;
use crate::sample::permutation::Permutation;
use crate::sample::split;

use super::preset::{OrganisationLaw, Preset};

/// All organisations of a population, in the order of their mailboxes.
#[derive(Clone, Debug)]
pub(super) struct Organisations {
    /// First mailbox of each, and one past the last of all.
    starts: Vec<u32>,
    /// Factor on the sizes of each one's mailboxes.
    factors: Vec<f64>,
}

impl Organisations {
    /// As many organisations as keep the preset's mean size.
    pub(super) fn draw(preset: &Preset, mailboxes: u32, seed: u64) -> Self {
        let law = preset.organisations;
        let scale = f64::from(mailboxes) / f64::from(preset.mailboxes);
        let count = ((f64::from(law.count) * scale).round() as u32).clamp(1, mailboxes);
        let large = (f64::from(count) * f64::from(law.large) / f64::from(law.count)).round() as u64;
        let order = Permutation::new(u64::from(count), hash(seed, Purpose::Organisation, 0, 0, 0));
        // One mailbox each, and the rest by weight: nobody is left without.
        let weights: Vec<f64> = (0..u64::from(count))
            .map(|n| {
                let (median, ln_sigma) = if order.apply(n) < large { law.large_size } else { law.small_size };
                log_normal(hash(seed, Purpose::Organisation, n, 1, 0), median, ln_sigma)
            })
            .collect();
        let sizes = split::proportionally(u64::from(mailboxes - count), &weights);
        let mut starts = vec![0];
        let mut next = 0;
        for size in sizes {
            next += 1 + size as u32;
            starts.push(next);
        }
        debug_assert_eq!(next, mailboxes);
        let factors = Self::factors(law, &starts, seed);
        Self { starts, factors }
    }

    /// The spread between organisations, scaled so that the mean over all mailboxes is what the law says: the estate's
    /// total is known, only its distribution over organisations is not.
    fn factors(law: OrganisationLaw, starts: &[u32], seed: u64) -> Vec<f64> {
        let sigma = law.effect_ln_sigma;
        let mut factors: Vec<f64> = (0..starts.len() as u64 - 1)
            .map(|n| libm::exp(sigma * normal(hash(seed, Purpose::Organisation, n, 2, 0))))
            .collect();
        let weighted: f64 =
            factors.iter().zip(starts.windows(2)).map(|(factor, pair)| factor * f64::from(pair[1] - pair[0])).sum();
        let mailboxes = f64::from(starts[starts.len() - 1]);
        let correction = libm::exp(0.5 * sigma * sigma) * mailboxes / weighted;
        factors.iter_mut().for_each(|factor| *factor *= correction);
        factors
    }

    /// Organisations of these sizes.
    pub(super) fn of_sizes(sizes: impl IntoIterator<Item = u32>) -> Self {
        let mut starts = vec![0];
        let mut next = 0;
        for size in sizes {
            next += size;
            starts.push(next);
        }
        let factors = vec![1.0; starts.len() - 1];
        Self { starts, factors }
    }

    pub(super) fn len(&self) -> u32 {
        self.factors.len() as u32
    }

    pub(super) fn range(&self, organisation: u32) -> Range<u32> {
        let n = organisation as usize;
        self.starts[n]..self.starts[n + 1]
    }

    pub(super) fn of(&self, mailbox: u32) -> u32 {
        (self.starts.partition_point(|&start| start <= mailbox) - 1) as u32
    }

    pub(super) fn factor(&self, organisation: u32) -> f64 {
        self.factors[organisation as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisations_cover_every_mailbox_once() {
        let preset = Preset::named("nhs").expect("a preset");
        for mailboxes in [1, 2, 95, 96, 10_000, 2_100_000] {
            let organisations = Organisations::draw(&preset, mailboxes, 7);
            let mut next = 0;
            for n in 0..organisations.len() {
                let range = organisations.range(n);
                assert_eq!(range.start, next);
                assert!(!range.is_empty());
                assert_eq!(organisations.of(range.start), n);
                assert_eq!(organisations.of(range.end - 1), n);
                next = range.end;
            }
            assert_eq!(next, mailboxes);
        }
    }

    #[test]
    fn the_nhs_has_its_organisations_and_two_thirds_of_mailboxes_in_the_large_ones() {
        let preset = Preset::named("nhs").expect("a preset");
        let organisations = Organisations::draw(&preset, preset.mailboxes, 7);
        assert_eq!(organisations.len(), 22_000);
        let mut sizes: Vec<_> = (0..organisations.len()).map(|n| organisations.range(n).len()).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let large: usize = sizes.iter().take(220).sum();
        assert!((0.60..0.74).contains(&(large as f64 / 2.1e6)), "{large}");
        assert!((15..27).contains(&sizes[11_000]), "{}", sizes[11_000]);
    }
}
