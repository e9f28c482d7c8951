//! How large items are: a published mixture for what arrives, and for what a folder already holds, sizes of the same
//! law that sum exactly to the folder's bytes.

use std::f64::consts::SQRT_2;

use mock_server::draw::{mix, unit};

use crate::sample::TruncatedPareto;
use crate::sample::permutation::Permutation;
use crate::sample::quantile::Quantiles;

/// Least size of an item in bytes, where the folder has as much for each.
pub(super) const SMALLEST: u64 = 64;

/// Classes of items: share, median in bytes, and standard deviation of the natural logarithm. Calendar, contact and
/// task items; short text or HTML; HTML with inline images; with attachment. The form follows two log-normals fitted to
/// a published distribution function (FreeBSD list 2002, largest error 0.009), the level a mean of 75 KB (Exchange
/// planning default; 68 KiB weighted over eight published mailboxes); the split into classes is assumed.
const CLASSES: [(f64, f64, f64); 4] =
    [(0.10, 5_400.0, 0.8), (0.57, 11_000.0, 0.8), (0.18, 48_000.0, 0.9), (0.15, 136_000.0, 1.3)];

/// Where the Pareto tail begins, in bytes, and its exponent. Assumed.
const TAIL_FROM: f64 = 2_097_152.0;
const TAIL_ALPHA: f64 = 1.3;

/// Mean size of a message that arrives, in bytes (customer e-mail audits 2007: 50 to 60 KB).
const ARRIVING_MEAN: f64 = 60_000.0;

const CELLS: usize = 4_096;

/// Folders of up to this many items draw each item; larger ones draw the greatest and stratify the rest.
const DRAWN: u64 = 16;

/// How many of the greatest items of a larger folder are drawn.
const GREATEST: usize = 4;

/// Most of a folder's bytes that its greatest items may take together. Assumed.
const GREATEST_SHARE: f64 = 0.95;

/// The law of item sizes.
#[derive(Clone, Debug)]
pub(super) struct SizeLaw {
    body: Quantiles,
    tail: TruncatedPareto,
    /// Share of items in the tail.
    tail_share: f64,
    mean: f64,
    largest: u32,
}

/// The folder in which a size is asked for.
#[derive(Copy, Clone, Debug)]
pub(super) struct Holding {
    /// Items in the folder.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The hash that is the folder's own.
    pub word: u64,
    /// Size of the one oversize item that is to be put in, if the folder has room for it.
    pub oversize: Option<u64>,
}

impl SizeLaw {
    /// The law with a largest item, in bytes, above the beginning of the tail.
    pub(super) fn new(largest: u32) -> Self {
        let below = |size: f64| {
            let parts = CLASSES.map(|(share, median, sigma)| share * normal_below(libm::log(size / median) / sigma));
            parts.iter().sum::<f64>()
        };
        let (low, high) = (libm::log(SMALLEST as f64), libm::log(TAIL_FROM));
        let points: Vec<_> = (0..=CELLS)
            .map(|n| libm::exp(low + (high - low) * n as f64 / CELLS as f64))
            .map(|size| (size, below(size)))
            .collect();
        let body = Quantiles::invert(&points, CELLS);
        let tail = TruncatedPareto::new(TAIL_FROM, f64::from(largest), TAIL_ALPHA);
        let tail_share = 1.0 - below(TAIL_FROM);
        let mean = (1.0 - tail_share) * body.integral(1.0) + tail_share * tail.partial_mean(tail.greatest());
        Self { body, tail, tail_share, mean, largest }
    }

    /// Mean size in bytes.
    #[cfg(test)]
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// The size that a share `above` of all items exceeds.
    #[inline]
    pub(super) fn exceeded_by(&self, above: f64) -> f64 {
        if above < self.tail_share {
            self.tail.exceeded_by(above / self.tail_share)
        } else {
            self.body.at((1.0 - above) / (1.0 - self.tail_share))
        }
    }

    /// Bytes of the smallest `share` of items, over the mean of all.
    fn share_of_smallest(&self, share: f64) -> f64 {
        let body_share = 1.0 - self.tail_share;
        let sum = if share <= body_share {
            body_share * self.body.integral(share / body_share)
        } else {
            let greatest = self.tail.exceeded_by((1.0 - share) / self.tail_share);
            body_share * self.body.integral(1.0) + self.tail_share * self.tail.partial_mean(greatest)
        };
        sum / self.mean
    }

    /// The size of a message that arrives, or of an item that was updated.
    #[inline]
    pub(super) fn arriving(&self, word: u64) -> u32 {
        let size = self.exceeded_by(unit(word)) * (ARRIVING_MEAN / self.mean);
        (size as u32).clamp(SMALLEST as u32, self.largest)
    }

    /// How the bytes of a folder are spread over the items that it holds from the beginning. All sizes of a folder sum to
    /// its bytes.
    ///
    /// Up to sixteen items: draws of the law, scaled. Above: the four greatest items are drawn as order statistics of
    /// the law, and the others share what is left along the law's Lorenz curve, each in a place of its own, so that
    /// one item costs the same in a folder of a million.
    pub(super) fn spread(&self, folder: &Holding) -> Spread<'_> {
        let Holding { items, bytes, word, .. } = *folder;
        let floor = SMALLEST.min(bytes / items);
        let free = bytes - floor * items;
        // An inventory may hold larger items than the law knows.
        let largest = u64::from(self.largest).saturating_sub(floor).max(free / items + 1) as f64;
        let parts = if items <= DRAWN {
            Parts::Drawn { free, shares: self.drawn(free, items, word, largest) }
        } else {
            let greatest = self.greatest(folder, free, largest);
            Parts::Stratified { greatest, rest: self.stratified(free - greatest.iter().sum::<u64>(), items, largest) }
        };
        Spread { law: self, items, floor, order: Permutation::new(items, word), parts }
    }

    /// The size of an item that a folder holds from the beginning.
    pub(super) fn base(&self, folder: &Holding, ordinal: u64) -> u32 {
        self.spread(folder).size(ordinal)
    }

    /// A small folder: every item's draw, scaled so that the sum fits, none above the largest. Tells the share of the
    /// folder before each item, and after the last.
    fn drawn(&self, free: u64, items: u64, word: u64, largest: f64) -> [f64; DRAWN as usize + 1] {
        let mut draws = [0.0; DRAWN as usize];
        let draws = &mut draws[..items as usize];
        for (n, draw) in draws.iter_mut().enumerate() {
            *draw = self.exceeded_by(unit(mix(word.wrapping_add(n as u64 + 1))));
        }
        let sum: f64 = draws.iter().sum();
        let greatest = draws.iter().copied().fold(0.0, f64::max) / sum;
        let evenness = evenness(greatest, 1.0 / items as f64, free as f64, largest);
        let mut shares = [1.0; DRAWN as usize + 1];
        let mut before = 0.0;
        for (n, draw) in draws.iter().enumerate() {
            shares[n] = (1.0 - evenness) * (before / sum) + evenness * n as f64 / items as f64;
            before += draw;
        }
        shares
    }

    /// The greatest items of a larger folder: order statistics from exponential spacings.
    fn greatest(&self, folder: &Holding, free: u64, largest: f64) -> [u64; GREATEST] {
        let mean = free as f64 / folder.items as f64;
        let scale = mean / self.mean;
        let mut above = 0.0;
        let mut sizes = [0.0; GREATEST];
        for (n, size) in sizes.iter_mut().enumerate() {
            above -= libm::log(unit(mix(folder.word.wrapping_add(n as u64 + 1)))) / folder.items as f64;
            *size = (scale * self.exceeded_by(above.min(1.0))).clamp(mean, largest);
        }
        if let Some(oversize) = folder.oversize.filter(|&size| size < free / 2) {
            sizes[0] = oversize as f64;
        }
        let sum: f64 = sizes.iter().sum();
        let shrink = (GREATEST_SHARE * free as f64 / sum).min(1.0);
        sizes.map(|size| (size * shrink) as u64)
    }

    /// The other items of a larger folder.
    fn stratified(&self, bytes: u64, items: u64, largest: f64) -> Stratified {
        let count = (items - GREATEST as u64) as f64;
        let whole = self.share_of_smallest(count / items as f64);
        let mut rest = Stratified { bytes, count, whole, evenness: 0.0 };
        rest.evenness = evenness(1.0 - rest.lorenz(self, items, count - 1.0), 1.0 / count, bytes as f64, largest);
        rest
    }
}

/// How the bytes of one folder are spread over the items that it holds from the beginning.
#[derive(Clone, Debug)]
pub struct Spread<'l> {
    law: &'l SizeLaw,
    items: u64,
    floor: u64,
    /// In which order of size the items lie in the folder.
    order: Permutation,
    parts: Parts,
}

/// The parts of what exceeds the least sizes.
#[derive(Clone, Debug)]
enum Parts {
    Drawn { free: u64, shares: [f64; DRAWN as usize + 1] },
    Stratified { greatest: [u64; GREATEST], rest: Stratified },
}

/// All but the greatest items of a larger folder, from the smallest up.
#[derive(Copy, Clone, Debug)]
struct Stratified {
    bytes: u64,
    /// How many they are.
    count: f64,
    /// What they have of all bytes under the law.
    whole: f64,
    evenness: f64,
}

impl Spread<'_> {
    /// The size of an item.
    pub(super) fn size(&self, ordinal: u64) -> u32 {
        debug_assert!(ordinal < self.items);
        let place = self.order.apply(ordinal) as usize;
        let size = match &self.parts {
            Parts::Drawn { free, shares } => part(*free, shares[place], shares[place + 1]),
            Parts::Stratified { greatest, rest } => match greatest.get(place) {
                Some(size) => *size,
                None => rest.size(self.law, self.items, (place - GREATEST) as f64),
            },
        };
        (self.floor + size) as u32
    }
}

impl Stratified {
    /// The share of the bytes that the first so many items have under the law.
    fn lorenz(&self, law: &SizeLaw, items: u64, first: f64) -> f64 {
        if first >= self.count { 1.0 } else { law.share_of_smallest(first / items as f64) / self.whole }
    }

    fn size(&self, law: &SizeLaw, items: u64, place: f64) -> u64 {
        let share =
            |first: f64| (1.0 - self.evenness) * self.lorenz(law, items, first) + self.evenness * (first / self.count);
        part(self.bytes, share(place), share(place + 1.0))
    }
}

/// How far shares must be evened out so that the greatest of them stays below the largest size: 0 not at all, 1 all
/// alike.
fn evenness(greatest: f64, even: f64, total: f64, largest: f64) -> f64 {
    let allowed = (largest - 1.0) / total.max(1.0);
    if greatest <= allowed { 0.0 } else { ((greatest - allowed) / (greatest - even)).clamp(0.0, 1.0) }
}

/// What lies between two cumulative shares of a total, in whole units: neighbouring parts add up exactly.
fn part(total: u64, from: f64, to: f64) -> u64 {
    let before = |share: f64| if share >= 1.0 { total } else { (total as f64 * share) as u64 };
    before(to).saturating_sub(before(from))
}

/// The share of a standard normal distribution below a value.
fn normal_below(value: f64) -> f64 {
    0.5 * libm::erfc(-value / SQRT_2)
}

#[cfg(test)]
mod tests {
    use mock_server::draw::{Purpose, hash};
    use proptest::prelude::*;

    use super::*;

    const NHS: u32 = 48 * 1_048_576;

    proptest! {
        #[test]
        fn sizes_sum_to_the_folder(items in 1_u64..400, mean in 0_u64..2_000_000, rest in 0_u64..100_000, word: u64) {
            let law = SizeLaw::new(NHS);
            let folder = Holding { items, bytes: items * mean + rest, word, oversize: None };
            let sizes: Vec<_> = (0..items).map(|n| u64::from(law.base(&folder, n))).collect();
            prop_assert_eq!(sizes.iter().sum::<u64>(), folder.bytes);
            let smallest = SMALLEST.min(folder.bytes / items);
            let largest = u64::from(NHS).max(folder.bytes / items + 1 + SMALLEST);
            prop_assert!(sizes.iter().all(|size| (smallest..=largest).contains(size)));
        }
    }

    #[test]
    fn a_million_items_sum_to_their_folder() {
        let law = SizeLaw::new(NHS);
        let folder = Holding { items: 1_000_000, bytes: 75_123_456_789, word: 5, oversize: None };
        assert_eq!((0..folder.items).map(|n| u64::from(law.base(&folder, n))).sum::<u64>(), folder.bytes);
    }

    #[test]
    fn a_folder_holds_the_oversize_item_that_it_is_given() {
        let law = SizeLaw::new(NHS);
        let folder = Holding { items: 10_000, bytes: 750_000_000, word: 5, oversize: Some(90_000_000) };
        let sizes: Vec<_> = (0..folder.items).map(|n| u64::from(law.base(&folder, n))).collect();
        assert_eq!(sizes.iter().sum::<u64>(), folder.bytes);
        assert_eq!(sizes.iter().filter(|&&size| size >= 90_000_000).count(), 1);
    }

    /// The law against the table of a published simulation of four million draws.
    #[test]
    fn the_mixture_has_its_published_quantiles() {
        let law = SizeLaw::new(NHS);
        assert!((law.mean() / 74_900.0 - 1.0).abs() < 0.01, "{}", law.mean());
        for (above, size) in [(0.5, 15_700.0), (0.1, 133_000.0), (0.01, 964_000.0), (0.001, 4_300_000.0)] {
            assert!((law.exceeded_by(above) / size - 1.0).abs() < 0.03, "{above}: {}", law.exceeded_by(above));
        }
        let draws = 400_000_u64;
        let sum: f64 = (0..draws).map(|n| f64::from(law.arriving(hash(1, Purpose::Test, n, 0, 0)))).sum();
        assert!((sum / draws as f64 / ARRIVING_MEAN - 1.0).abs() < 0.02, "{}", sum / draws as f64);
    }

    /// Folders of one size and one mean show the law they were made from; the scaling of small ones blurs it.
    #[test]
    fn sizes_within_folders_follow_the_law() {
        let law = SizeLaw::new(NHS);
        for (items, tolerance) in [(100, 0.25), (1_000, 0.1)] {
            let mut sizes = Vec::new();
            for word in 0..200_000 / items {
                let word = hash(9, Purpose::Test, word, 0, 0);
                let folder = Holding { items, bytes: items * 75_000, word, oversize: None };
                sizes.extend((0..items).map(|n| f64::from(law.base(&folder, n))));
            }
            sizes.sort_by(f64::total_cmp);
            for above in [0.5, 0.1, 0.01] {
                let ratio = sizes[((1.0 - above) * sizes.len() as f64) as usize] / law.exceeded_by(above);
                assert!((ratio - 1.0).abs() < tolerance, "{items} items, {above}: {ratio}");
            }
        }
    }
}
