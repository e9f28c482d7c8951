//! Mailboxes that are never done, however long a window is open: those that fail for good.
//!
//! Whether so few of a wave fail that the wanted share can be done is a question of its own, as time does not help. Each
//! mailbox is taken to fail by itself with the share of the virtual runs, so that how many of a wave do follows a binomial
//! distribution.

/// Mailboxes of a wave that need not be done.
fn allowed(wave: u32, share: f64) -> u32 {
    wave - ((share * f64::from(wave)).ceil() as u32).min(wave)
}

/// The probability that so few of a wave fail that a share of it can be done.
#[must_use]
pub fn probability(wave: u32, failing: f64, share: f64) -> f64 {
    at_most(allowed(wave, share), wave, failing)
}

/// The largest wave up to one, of which a share can be done with a probability; zero if there is none.
#[must_use]
pub fn largest(wave: u32, failing: f64, share: f64, wanted: f64) -> u32 {
    let mut wave = wave;
    while wave > 0 && probability(wave, failing, share) < wanted {
        // As long as not fewer may fail, a smaller wave is the better one.
        let allowed = allowed(wave, share);
        let (mut too_small, mut large) = (0, wave);
        while large - too_small > 1 {
            let middle = too_small + (large - too_small) / 2;
            if self::allowed(middle, share) < allowed { too_small = middle } else { large = middle }
        }
        if probability(large, failing, share) < wanted {
            wave = too_small;
            continue;
        }
        // Between the two, the probability falls.
        let (mut fits, mut fails) = (large, wave);
        while fails - fits > 1 {
            let middle = fits + (fails - fits) / 2;
            if probability(middle, failing, share) < wanted { fails = middle } else { fits = middle }
        }
        return fits;
    }
    wave
}

/// The binomial distribution function: the probability of at most so many failures. Terms are summed as multiples of the
/// first, so that nothing has to be raised to a power.
fn at_most(most: u32, trials: u32, failing: f64) -> f64 {
    const LARGE: f64 = 1e200;

    if failing <= 0.0 || most >= trials {
        return 1.0;
    }
    if failing >= 1.0 {
        return 0.0;
    }
    let odds = failing / (1.0 - failing);
    let (mut term, mut within, mut all) = (1.0, 0.0, 0.0);
    for failures in 0..=trials {
        if failures <= most {
            within += term;
        }
        all += term;
        let beyond = f64::from(failures) > f64::from(trials) * failing;
        if beyond && failures > most && term < all * f64::EPSILON {
            break;
        }
        term *= odds * f64::from(trials - failures) / f64::from(failures + 1);
        if term > LARGE {
            (term, within, all) = (term / LARGE, within / LARGE, all / LARGE);
        }
    }
    within / all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{Binomial, DiscreteCDF};

    use super::*;

    proptest! {
        #[test]
        fn at_most_is_the_binomial_distribution(trials in 1_u32..20_000, share in 0.0..1.0_f64, failing in 0.0001..0.9_f64) {
            let most = (share * f64::from(trials)) as u32;
            let known = Binomial::new(failing, trials.into()).expect("a distribution").cdf(most.into());
            prop_assert!((at_most(most, trials, failing) - known).abs() < 1e-9);
        }

        #[test]
        fn the_largest_wave_is_found(wave in 1_u32..600, failing in 0.0..0.05_f64, share in 0.9..1.0_f64) {
            let fits = |wave: &u32| probability(*wave, failing, share) >= 0.95;
            prop_assert_eq!(largest(wave, failing, share, 0.95), (1..=wave).rev().find(fits).unwrap_or(0));
        }
    }

    #[test]
    fn where_nobody_fails_every_wave_fits_and_where_too_many_do_none_does() {
        assert_eq!(largest(163_071, 0.0, 0.99, 0.95), 163_071);
        assert_eq!(largest(163_071, 0.2, 0.99, 0.95), 0);
        assert_eq!(largest(163_071, 1.0, 0.99, 0.95), 0);
        // Half of what may fail does.
        assert_eq!(largest(163_071, 0.005, 0.99, 0.95), 163_071);
        assert_eq!((allowed(100, 0.99), allowed(101, 0.99), allowed(1, 1.0)), (1, 1, 0));
    }
}
