//! Which waves were seen to fit into a window in virtual runs, and which were not.
//!
//! The correction of the fluid model holds for waves of about the size at which virtual runs were made. Where it leads far
//! from there, as with an allowance for a day that a larger wave uses up, runs are made again where it leads to.

use super::correct::Estimate;

/// How far from the size of the virtual runs a corrected size may lie, as a share (assumed: time grows in proportion over
/// as little).
const NEAR: f64 = 0.05;

/// Waves that were tried.
#[derive(Clone, Default, Debug)]
pub struct Bracket {
    /// The largest that fitted.
    fits: Option<u32>,
    /// The smallest that did not.
    fails: Option<u32>,
}

impl Bracket {
    /// A wave was tried, some times. `times` are those that it took, as shares of the window. One that took hardly longer
    /// than the window tells nothing: the correction at its size is as good.
    pub fn note(&mut self, size: u32, times: &[f64]) {
        let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
        if times.iter().all(|time| *time <= 1.0) {
            self.fits = self.fits.max(Some(size));
        } else if mean > 1.0 + NEAR {
            self.fails = Some(self.fails.map_or(size, |fails| fails.min(size)));
        }
    }

    /// Both bounds, if they are bounds of anything.
    fn bounds(&self) -> Option<(u32, u32)> {
        self.fits.zip(self.fails).filter(|(fits, fails)| fits < fails)
    }

    /// The size to try after one that led to an estimate; nothing if that lies near enough, or nothing else is left to try.
    #[must_use]
    pub fn next(&self, size: u32, estimate: f64) -> Option<u32> {
        if (estimate / f64::from(size) - 1.0).abs() <= NEAR {
            return None;
        }
        let next = match self.bounds() {
            Some((fits, fails)) if f64::from(fails - fits) <= f64::from(fits) * NEAR => return None,
            Some((fits, fails)) if estimate <= f64::from(fits) || f64::from(fails) <= estimate => {
                fits + (fails - fits) / 2
            }
            _ => (estimate as u32).max(1),
        };
        (next != size && Some(next) != self.fits && Some(next) != self.fails).then_some(next)
    }

    /// An estimate that contradicts no wave that was tried: where it does, the largest that fitted. One that lies just below
    /// that stands: few runs that fit are not the confidence that is asked for.
    #[must_use]
    pub fn hold(&self, estimate: Estimate) -> Estimate {
        match self.bounds() {
            Some((fits, fails))
                if f64::from(fails) <= estimate.value || estimate.value < f64::from(fits) * (1.0 - NEAR) =>
            {
                Estimate { value: f64::from(fits), interval: (f64::from(fits), f64::from(fails)) }
            }
            _ => estimate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks for the largest wave by trials that take so much of the window and lead to estimates. The waves tried, and the
    /// result.
    fn look(first: u32, time: impl Fn(u32) -> f64, estimate: impl Fn(u32) -> f64) -> (Vec<u32>, f64) {
        let (mut bracket, mut tried) = (Bracket::default(), vec![first]);
        loop {
            let size = tried[tried.len() - 1];
            bracket.note(size, &[time(size)]);
            let value = estimate(size);
            match bracket.next(size, value) {
                Some(next) => tried.push(next),
                None => return (tried, bracket.hold(Estimate { value, interval: (value, value) }).value),
            }
        }
    }

    #[test]
    fn an_estimate_near_the_runs_stands() {
        let (tried, found) = look(30_300, |size| f64::from(size) / 30_000.0, |_| 30_000.0);
        assert_eq!((tried.len(), found), (1, 30_000.0));
    }

    #[test]
    fn where_time_grows_in_proportion_a_second_look_is_enough() {
        for found in [19_900.0, 20_000.0, 20_100.0] {
            let looked = look(30_000, |size| f64::from(size) / 20_000.0, |_| found);
            assert_eq!(looked, (vec![30_000, found as u32], found));
        }
    }

    #[test]
    fn a_cliff_is_found_between_what_fits_and_what_does_not() {
        // Beyond the cliff nothing goes on for half a day.
        for cliff in [15_000, 22_000, 29_000] {
            let (tried, found) = look(
                30_250,
                |size| if size <= cliff { 0.9 } else { 2.0 },
                |size| if size <= cliff { 30_200.0 } else { 13_000.0 },
            );
            assert!(found <= f64::from(cliff) && found >= f64::from(cliff) * 0.93, "{cliff}: {found}, {tried:?}");
            assert!(tried.len() <= 10, "{tried:?}");
        }
    }

    #[test]
    fn trials_that_contradict_each_other_come_to_an_end() {
        let (tried, _) = look(
            1_000,
            |size| f64::from(size % 2) * 2.0,
            |size| f64::from(size) * if size % 3 == 0 { 2.0 } else { 0.4 },
        );
        assert!(tried.len() < 40, "{tried:?}");
    }
}
