//! Independent runs on several threads, with results in the order of their numbers.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Computes one result for each number of a range. The results do not depend on the number of threads.
///
/// # Panics
/// If a computation panics.
pub fn map<R: Send>(threads: usize, numbers: Range<u64>, compute: impl Fn(u64) -> R + Sync) -> Vec<R> {
    let next = AtomicU64::new(numbers.start);
    let results = Mutex::new(Vec::with_capacity((numbers.end - numbers.start) as usize));
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        break;
                    }
                    let result = compute(number);
                    results.lock().expect("a panic elsewhere ends the whole computation").push((number, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("all threads have ended");
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_whatever_the_number_of_threads() {
        let expected: Vec<u64> = (3..200).map(|n| n * n).collect();
        for threads in [1, 2, 7] {
            assert_eq!(map(threads, 3..200, |n| n * n), expected);
        }
    }
}
