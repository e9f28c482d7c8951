//! Whether a run says something about the server, or about the generator.

use mock_server::time::Span;

use super::tally::Tally;

/// Lag that is of no consequence, however short the answers are (assumed: what a busy operating system does to any
/// program now and then).
pub const HARMLESS: Span = Span::milliseconds(1);

/// The share of the response time that the generator's own lag may have (assumed: more than half is most of it).
const SHARE: f64 = 0.5;

/// The quantiles that are looked at.
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// Where the generator spoiled its own run.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Spoiled {
    /// The quantile.
    pub quantile: f64,
    /// The generator's lag there.
    pub lag: Span,
    /// The response time there.
    pub response: Span,
}

/// Looks for a quantile at which lag is above what is harmless and more than half of the response time.
#[must_use]
pub fn spoiled(tally: &Tally, harmless: Span) -> Option<Spoiled> {
    QUANTILES.into_iter().find_map(|quantile| {
        let lag = Span(tally.lag.value_at_quantile(quantile));
        let response = Span(tally.response.value_at_quantile(quantile));
        (lag > harmless && lag.as_seconds() > SHARE * response.as_seconds()).then_some(Spoiled {
            quantile,
            lag,
            response,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::tally::{Course, End};

    fn check(lag: Span, wait: Span, service: Span) -> bool {
        let mut tally = Tally::default();
        for _ in 0..100 {
            let course = Course { lag, sent: lag + wait, ended: lag + wait + service };
            tally.ended(None, course, End::Answered { status: 200, bytes: 0 }, HARMLESS);
        }
        spoiled(&tally, HARMLESS).is_some()
    }

    #[test]
    fn a_slow_server_spoils_nothing() {
        assert!(!check(Span::ZERO, Span::seconds(3), Span::milliseconds(200)));
        assert!(!check(Span::milliseconds(2), Span::milliseconds(3), Span::milliseconds(1)));
    }

    #[test]
    fn a_slow_generator_spoils_its_run() {
        assert!(check(Span::milliseconds(2), Span::ZERO, Span::milliseconds(1)));
        assert!(check(Span::seconds(9), Span::ZERO, Span::seconds(1)));
    }

    #[test]
    fn a_little_lag_is_harmless_even_where_answers_are_quick() {
        assert!(!check(Span::microseconds(900), Span::ZERO, Span::microseconds(10)));
    }

    #[test]
    fn a_run_without_requests_is_not_spoiled() {
        assert_eq!(spoiled(&Tally::default(), HARMLESS), None);
    }
}
