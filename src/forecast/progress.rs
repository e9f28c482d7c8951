//! How far a forecast is.

use std::sync::atomic::{AtomicU64, Ordering};

/// Told now and then; the arguments are the share done, from 0 to 1, and what is being done.
pub type Progress<'a> = &'a (dyn Fn(f64, &str) + Sync);

/// How often a stretch tells of its steps at most.
const TOLD: u64 = 100;

/// A stretch of the progress that is gone in equal steps, which several threads may take.
pub struct Stretch<'a> {
    progress: Progress<'a>,
    ends: (f64, f64),
    what: String,
    steps: u64,
    taken: AtomicU64,
}

impl<'a> Stretch<'a> {
    /// A stretch of so many steps between two shares, which begins now.
    #[must_use]
    pub fn new(progress: Progress<'a>, ends: (f64, f64), what: String, steps: u64) -> Self {
        progress(ends.0, &what);
        Self { progress, ends, what, steps: steps.max(1), taken: AtomicU64::new(0) }
    }

    /// Takes a step.
    pub fn step(&self) {
        let before = self.taken.fetch_add(1, Ordering::Relaxed).min(self.steps - 1);
        let part = |taken: u64| taken * TOLD / self.steps;
        if part(before + 1) > part(before) {
            let (begin, end) = self.ends;
            (self.progress)(begin + (end - begin) * (before + 1) as f64 / self.steps as f64, &self.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn told(steps: u64) -> Vec<f64> {
        let told = Mutex::new(Vec::new());
        let progress = |share: f64, what: &str| {
            assert_eq!(what, "runs");
            told.lock().expect("nobody panics").push(share);
        };
        let stretch = Stretch::new(&progress, (0.2, 0.4), "runs".to_owned(), steps);
        (0..steps).for_each(|_| stretch.step());
        told.into_inner().expect("nobody panics")
    }

    #[test]
    fn a_stretch_tells_of_each_hundredth_at_most() {
        for (steps, times) in [(1, 2), (4, 5), (100, 101), (12_345, 101)] {
            let told = told(steps);
            assert_eq!(told.len(), times, "{steps}");
            assert!(told.is_sorted() && told[0].to_bits() == 0.2_f64.to_bits(), "{told:?}");
            assert!((told[times - 1] - 0.4).abs() < 1e-12, "{told:?}");
        }
    }
}
