//! Rates: `10 Gbit/s` and `1.8 GB/h` as bytes per second, `150 MB/5 min` and `10000/10 min` as an amount in a span.

use mock_server::time::Span;

use super::{UnitError, number, size, time, wrong_unit};

const RATE: &str = "a rate";
const RATE_HELP: &str = "write an amount of data, a slash and a duration: for example \"10 Gbit/s\" or \"1.8 GB/h\"";
const DATA_HELP: &str = "write an amount of data, a slash and a duration: for example \"150 MB/5 min\"";
const COUNT_HELP: &str = "write a count, a slash and a duration: for example \"10000/10 min\"";

/// Units of network speed with their size in bits.
const BITS: [(&str, u64); 5] =
    [("Tbit", 1_000_000_000_000), ("Gbit", 1_000_000_000), ("Mbit", 1_000_000), ("kbit", 1_000), ("bit", 1)];

/// Splits `amount/span`, where the span may leave out the number one.
fn halves<'t>(text: &'t str, wanted: &str, help: &str) -> Result<(&'t str, Span), UnitError> {
    let Some((amount, per)) = text.split_once('/') else {
        let (_, unit) = number::split(text, wanted, help)?;
        return Err(match unit {
            "" => UnitError::new(format!("`{text}` says no duration, expected {wanted}"), help),
            unit => wrong_unit(text, unit, wanted, help),
        });
    };
    let per = per.trim();
    let span = if per.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        time::parse(per)?
    } else {
        time::parse(&format!("1 {per}"))?
    };
    if span == Span::ZERO {
        return Err(UnitError::new(format!("`{text}` refers to no time at all"), help));
    }
    Ok((amount.trim(), span))
}

/// Reads a flow of data in bytes per second.
pub fn parse_flow(text: &str) -> Result<f64, UnitError> {
    let (amount, per) = halves(text, RATE, RATE_HELP)?;
    let (value, unit) = number::split(amount, RATE, RATE_HELP)?;
    let bits = BITS.iter().find(|(name, _)| *name == unit).map(|(_, bits)| *bits as f64);
    let factor = match (bits, size::bytes(unit)) {
        (Some(bits), _) => bits / 8.0,
        (None, Some(bytes)) => bytes as f64,
        (None, None) => return Err(wrong_unit(text, unit, RATE, RATE_HELP)),
    };
    Ok(value.as_f64() * factor / per.as_seconds())
}

/// Prints a flow in bytes per second as people write it where that is exact, and to the last digit where it is not.
#[must_use]
pub fn print_flow(bytes_per_second: f64) -> String {
    let units = [("Gbit/s", 1.25e8), ("Mbit/s", 1.25e5), ("GB/h", 1e9 / 3600.0), ("MB/s", 1e6), ("kB/s", 1e3)];
    units
        .iter()
        .map(|(unit, size)| (bytes_per_second / size, unit))
        .filter(|(value, _)| (0.01..10_000.0).contains(value))
        .map(|(value, unit)| format!("{} {unit}", (value * 1e4).round() / 1e4))
        .find(|text| parse_flow(text).is_ok_and(|flow| flow.to_bits() == bytes_per_second.to_bits()))
        .unwrap_or_else(|| format!("{bytes_per_second} B/s"))
}

/// Reads an amount of data in a span.
pub fn parse_data(text: &str) -> Result<(u64, Span), UnitError> {
    let (amount, per) = halves(text, "an amount of data in a span", DATA_HELP)?;
    Ok((size::parse(amount)?, per))
}

/// Prints an amount of data in a span.
#[must_use]
pub fn print_data((bytes, per): (u64, Span)) -> String {
    format!("{}/{}", size::print(bytes), time::print(per))
}

/// Reads a count in a span; the word for what is counted may follow the number.
pub fn parse_count(text: &str) -> Result<(u64, Span), UnitError> {
    let (amount, per) = halves(text, "a count in a span", COUNT_HELP)?;
    let (count, word) = number::split(amount, "a count", COUNT_HELP)?;
    if !matches!(word, "" | "requests" | "calls") {
        return Err(wrong_unit(amount, word, "a count in a span", COUNT_HELP));
    }
    let count = count.times(1).ok_or_else(|| UnitError::new(format!("`{text}` is too much"), COUNT_HELP))?;
    Ok((count, per))
}

/// Prints a count in a span.
#[must_use]
pub fn print_count((count, per): (u64, Span)) -> String {
    format!("{count}/{}", time::print(per))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn flows_are_bytes_per_second_whatever_the_unit() {
        assert_eq!(parse_flow("10 Gbit/s"), Ok(1.25e9));
        assert_eq!(parse_flow("1.8 GB/h"), Ok(500_000.0));
        assert_eq!(parse_flow("150 MB/5 min"), Ok(500_000.0));
        assert_eq!(print_flow(1.25e9), "10 Gbit/s");
        assert_eq!(print_flow(parse_flow("0.66 GB/h").expect("a flow")), "0.66 GB/h");
    }

    #[test]
    fn amounts_keep_their_span() {
        assert_eq!(parse_data("150 MB/5 min"), Ok((150_000_000, Span::seconds(300))));
        assert_eq!(parse_count("10000/10 min"), Ok((10_000, Span::seconds(600))));
        assert_eq!(parse_count("10_000 requests/10 min"), Ok((10_000, Span::seconds(600))));
    }

    #[test]
    fn a_rate_that_is_none_says_what_it_is() {
        let message = |text: &str| parse_flow(text).expect_err("wrong").message;
        assert_eq!(message("10 GB"), "`10 GB` is an amount of data, expected a rate");
        assert_eq!(message("10 ms"), "`10 ms` is a duration, expected a rate");
        assert_eq!(message("10 s/h"), "`10 s/h` is a duration, expected a rate");
        assert_eq!(message("10 GB/0 s"), "`10 GB/0 s` refers to no time at all");
        assert_eq!(
            parse_count("27").expect_err("no span").message,
            "`27` says no duration, expected a count in a span"
        );
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_as_the_same_rate(flow in 1e-3..1e13f64, amount: u64, per in 1u64..) {
            prop_assert_eq!(parse_flow(&print_flow(flow)).map(f64::to_bits), Ok(flow.to_bits()));
            prop_assert_eq!(parse_data(&print_data((amount, Span(per)))), Ok((amount, Span(per))));
            prop_assert_eq!(parse_count(&print_count((amount, Span(per)))), Ok((amount, Span(per))));
        }
    }
}
