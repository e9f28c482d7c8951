//! Durations: `45 ms`, `9 min`, `1 h 30 min`, `7 d`.

use mock_server::time::Span;

use super::{UnitError, number, wrong_unit};

const WANTED: &str = "a duration";
const HELP: &str = "write a number and one of ns, us, ms, s, min, h, d: for example \"45 ms\", \"9 min\" or \"7 d\"";

/// Units with their length in nanoseconds, longest first.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// The length of a unit of time in nanoseconds.
pub(super) fn nanoseconds(unit: &str) -> Option<u64> {
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, length)| *length)
}

/// Reads a duration, in one unit or as a sum of several.
pub fn parse(text: &str) -> Result<Span, UnitError> {
    let text = text.trim();
    let (mut total, mut rest) = (0u64, text);
    loop {
        let (amount, after) = number::split(rest, WANTED, HELP)?;
        let end = after.find(|c: char| c.is_whitespace() || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let length = nanoseconds(unit).ok_or_else(|| wrong_unit(text, unit, WANTED, HELP))?;
        total = amount
            .times(u128::from(length))
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| UnitError::new(format!("`{text}` is longer than 584 years"), HELP))?;
        rest = next.trim_start();
        if rest.is_empty() {
            return Ok(Span(total));
        }
    }
}

/// Prints a duration in the longest unit of which it is a whole multiple.
#[must_use]
pub fn print(span: Span) -> String {
    let (unit, length) = *UNITS
        .iter()
        .find(|(_, length)| span.0 != 0 && span.0.is_multiple_of(*length))
        .unwrap_or(&("s", 1_000_000_000));
    format!("{} {unit}", span.0 / length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, nanoseconds: u64) {
        assert_eq!(parse(text), Ok(Span(nanoseconds)), "{text}");
    }

    #[test]
    fn durations_are_read_in_every_unit_and_as_sums() {
        check("45 ms", 45_000_000);
        check("9min", 540_000_000_000);
        check("1 h 30 min", 5_400_000_000_000);
        check("1h30min", 5_400_000_000_000);
        check("7 d", 604_800_000_000_000);
        check("2.5 s", 2_500_000_000);
    }

    #[test]
    fn a_wrong_unit_is_named_for_what_it_is() {
        let message = |text: &str| parse(text).expect_err("wrong").message;
        assert_eq!(message("5 kB"), "`5 kB` is an amount of data, expected a duration");
        assert_eq!(message("5"), "`5` has no unit, expected a duration");
        assert_eq!(message("5 fortnights"), "`fortnights` is not a unit of duration");
        assert_eq!(message("-5 s"), "`-5 s` is negative, expected a duration");
        assert_eq!(message("PT5S"), "`PT5S` does not begin with a number, expected a duration");
        assert_eq!(message("400000 d"), "`400000 d` is longer than 584 years");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_as_the_same_duration(nanoseconds: u64) {
            prop_assert_eq!(parse(&print(Span(nanoseconds))), Ok(Span(nanoseconds)));
        }
    }
}
