//! Cutting items into batches by count and bytes. Pure.

use std::ops::Range;

/// Cuts items, given by size and in order, into runs of at most `most_items` items and `most_bytes` bytes. An item that
/// is larger than `most_bytes` travels alone. A limit of zero counts as one.
#[must_use]
pub fn cut(sizes: impl IntoIterator<Item = u64>, most_items: u32, most_bytes: u64) -> Vec<Range<usize>> {
    let most_items = most_items.max(1) as usize;
    let mut batches = Vec::new();
    let (mut start, mut end, mut bytes) = (0, 0, 0u64);
    for size in sizes {
        let full = end - start == most_items || bytes.saturating_add(size) > most_bytes;
        if full && end > start {
            batches.push(start..end);
            (start, bytes) = (end, 0);
        }
        end += 1;
        bytes = bytes.saturating_add(size);
    }
    if end > start {
        batches.push(start..end);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_oversize_item_travels_alone() {
        assert_eq!(cut([1, 1, 50, 1, 1], 10, 10), [0..2, 2..3, 3..5]);
    }

    proptest! {
        #[test]
        fn batches_hold_every_item_once_in_order_and_keep_both_limits(
            sizes in prop::collection::vec(0u64..100, 0..200), items in 0u32..20, bytes in 0u64..150,
        ) {
            let batches = cut(sizes.iter().copied(), items, bytes);
            let order: Vec<usize> = batches.iter().cloned().flatten().collect();
            prop_assert_eq!(order, (0..sizes.len()).collect::<Vec<_>>());
            for batch in batches {
                prop_assert!(batch.len() <= items.max(1) as usize);
                let total: u64 = sizes[batch.clone()].iter().sum();
                prop_assert!(total <= bytes || batch.len() == 1);
            }
        }
    }
}
