//! Distributions of durations: `constant 45 ms`, `exponential mean 45 ms`, `uniform 10 ms to 90 ms`,
//! `log-normal median 8 min sigma 0.5`. A duration alone is constant.

use mock_server::draw::Distribution;

use super::{UnitError, number, time};

const HELP: &str = "write \"constant 45 ms\", \"exponential mean 45 ms\", \"uniform 10 ms to 90 ms\" or \"log-normal \
                    median 8 min sigma 0.5\"";

/// Reads a distribution of durations.
pub fn parse(text: &str) -> Result<Distribution, UnitError> {
    let text = text.trim();
    let (family, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let part = |words: &str| UnitError::new(format!("`{text}` lacks `{words}`"), HELP);
    match family {
        "constant" => Ok(Distribution::Constant(time::parse(rest)?)),
        "exponential" => {
            let mean = rest.trim().strip_prefix("mean").ok_or_else(|| part("mean"))?;
            Ok(Distribution::Exponential { mean: time::parse(mean)? })
        }
        "uniform" => {
            let (low, high) = rest.split_once(" to ").ok_or_else(|| part("to"))?;
            let (low, high) = (time::parse(low)?, time::parse(high)?);
            if high < low {
                let message = format!("`{text}` ends before it begins");
                return Err(UnitError::new(message, "write the shorter duration first"));
            }
            Ok(Distribution::Uniform { low, high })
        }
        "log-normal" => {
            let (median, sigma) = rest.split_once("sigma").ok_or_else(|| part("sigma"))?;
            let median = median.trim().strip_prefix("median").ok_or_else(|| part("median"))?;
            let (sigma, after) = number::split(sigma, "a standard deviation", HELP)?;
            if !after.is_empty() {
                let message = format!("sigma has no unit, found `{after}`");
                return Err(UnitError::new(message, "it is the standard deviation of the natural logarithm"));
            }
            Ok(Distribution::LogNormal { median: time::parse(median)?, sigma: sigma.as_f64() })
        }
        _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            Ok(Distribution::Constant(time::parse(text)?))
        }
        _ => Err(UnitError::new(format!("`{family}` is not a distribution"), HELP)),
    }
}

/// Prints a distribution.
#[must_use]
pub fn print(distribution: &Distribution) -> String {
    match *distribution {
        Distribution::Constant(span) => format!("constant {}", time::print(span)),
        Distribution::Exponential { mean } => format!("exponential mean {}", time::print(mean)),
        Distribution::Uniform { low, high } => format!("uniform {} to {}", time::print(low), time::print(high)),
        Distribution::LogNormal { median, sigma } => format!("log-normal median {} sigma {sigma}", time::print(median)),
    }
}

#[cfg(test)]
mod tests {
    use mock_server::time::Span;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_family_is_read() {
        let ms = Span::milliseconds;
        assert_eq!(parse("45 ms"), Ok(Distribution::Constant(ms(45))));
        assert_eq!(parse("constant 45 ms"), Ok(Distribution::Constant(ms(45))));
        assert_eq!(parse("exponential mean 45 ms"), Ok(Distribution::Exponential { mean: ms(45) }));
        assert_eq!(parse("uniform 10 ms to 90 ms"), Ok(Distribution::Uniform { low: ms(10), high: ms(90) }));
        let switch = Distribution::LogNormal { median: Span::seconds(480), sigma: 0.5 };
        assert_eq!(parse("log-normal median 8 min sigma 0.5"), Ok(switch));
    }

    #[test]
    fn a_distribution_that_is_none_says_why() {
        let message = |text: &str| parse(text).expect_err("wrong").message;
        assert_eq!(message("normal 5 s"), "`normal` is not a distribution");
        assert_eq!(message("uniform 5 s"), "`uniform 5 s` lacks `to`");
        assert_eq!(message("uniform 5 s to 1 s"), "`uniform 5 s to 1 s` ends before it begins");
        assert_eq!(message("exponential mean 5 kB"), "`5 kB` is an amount of data, expected a duration");
        assert_eq!(message("log-normal median 5 s sigma -1"), "`-1` is negative, expected a standard deviation");
    }

    fn distributions() -> impl Strategy<Value = Distribution> {
        prop_oneof![
            any::<u64>().prop_map(|span| Distribution::Constant(Span(span))),
            any::<u64>().prop_map(|mean| Distribution::Exponential { mean: Span(mean) }),
            (any::<u64>(), any::<u64>())
                .prop_map(|(a, b)| Distribution::Uniform { low: Span(a.min(b)), high: Span(a.max(b)) }),
            (any::<u64>(), 0u32..10_000).prop_map(|(median, sigma)| Distribution::LogNormal {
                median: Span(median),
                sigma: f64::from(sigma) / 1_000.0
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_as_the_same_distribution(distribution in distributions()) {
            prop_assert_eq!(parse(&print(&distribution)), Ok(distribution));
        }
    }
}
