//! Amounts of data: `150 MB` (decimal) and `64 MiB` (binary).

use super::{UnitError, number, wrong_unit};

const WANTED: &str = "an amount of data";
const HELP: &str =
    "write a number and one of B, kB, MB, GB, TB, PB (powers of 1,000) or KiB, MiB, GiB, TiB (powers of 1,024)";

/// Units with their size in bytes.
const UNITS: [(&str, u64); 10] = [
    ("PB", 1_000_000_000_000_000),
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

/// The size of a unit of data in bytes.
pub(super) fn bytes(unit: &str) -> Option<u64> {
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, size)| *size)
}

/// Reads an amount of data in bytes.
pub fn parse(text: &str) -> Result<u64, UnitError> {
    let (amount, unit) = number::split(text, WANTED, HELP)?;
    let size = bytes(unit).ok_or_else(|| match UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) {
        Some((name, _)) => UnitError::new(format!("`{unit}` is not a unit of data"), format!("did you mean `{name}`?")),
        None => wrong_unit(text, unit, WANTED, HELP),
    })?;
    amount.times(u128::from(size)).ok_or_else(|| UnitError::new(format!("`{text}` is more than 18 exabytes"), HELP))
}

/// Prints an amount in the largest unit of which it is a whole multiple.
#[must_use]
pub fn print(bytes: u64) -> String {
    let (unit, size) = *UNITS.iter().find(|(_, size)| bytes != 0 && bytes.is_multiple_of(*size)).unwrap_or(&("B", 1));
    format!("{} {unit}", bytes / size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimal_and_binary_units_differ() {
        assert_eq!(parse("150 MB"), Ok(150_000_000));
        assert_eq!(parse("64 MiB"), Ok(67_108_864));
        assert_eq!(parse("1.8GB"), Ok(1_800_000_000));
        assert_eq!(parse("75 KB").expect_err("unknown").help, "did you mean `kB`?");
        assert_eq!(parse("75 s").expect_err("wrong").message, "`75 s` is a duration, expected an amount of data");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_as_the_same_amount(bytes: u64) {
            prop_assert_eq!(parse(&print(bytes)), Ok(bytes));
        }
    }
}
