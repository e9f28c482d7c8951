//! Decimal numbers, kept exact until they meet their unit.

use super::UnitError;

/// A decimal number that is not negative: `digits` divided by ten to the power of `scale`.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Decimal {
    digits: u128,
    scale: u32,
}

impl Decimal {
    /// The number times a whole factor, rounded to the nearest whole number; absent if it does not fit 64 bits.
    #[must_use]
    pub fn times(self, factor: u128) -> Option<u64> {
        let divisor = 10u128.checked_pow(self.scale)?;
        let product = self.digits.checked_mul(factor)?;
        u64::try_from(product.checked_add(divisor / 2)? / divisor).ok()
    }

    /// The number as the nearest floating-point value.
    ///
    /// # Panics
    ///
    /// Never: digits and an exponent are a number.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        // Writing it down and reading it back rounds once, where a division would round twice.
        let text = format!("{}e-{}", self.digits, self.scale);
        text.parse().expect("digits and an exponent are a number")
    }
}

/// Splits a text into the number it begins with and the rest, trimmed.
pub fn split<'t>(text: &'t str, wanted: &str, help: &str) -> Result<(Decimal, &'t str), UnitError> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    if text.starts_with('-') || text.starts_with('\u{2212}') {
        return Err(UnitError::new(format!("`{text}` is negative, expected {wanted}"), "leave the sign out"));
    }
    if rest.starts_with(',') {
        return Err(UnitError::new(
            format!("`{text}` has a comma, expected {wanted}"),
            "write the decimal sign as a point and group digits with `_`, as in 10_000.5",
        ));
    }
    let decimal = parse(number)
        .ok_or_else(|| UnitError::new(format!("`{text}` does not begin with a number, expected {wanted}"), help))?;
    Ok((decimal, rest.trim_start()))
}

/// Reads digits with at most one decimal point; `_` may group digits.
fn parse(text: &str) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || fraction.contains('.') || (text.contains('.') && fraction.is_empty()) {
        return None;
    }
    let digits: String = whole.chars().chain(fraction.chars()).filter(char::is_ascii_digit).collect();
    let scale = fraction.chars().filter(char::is_ascii_digit).count() as u32;
    if digits.is_empty() || scale > 18 {
        return None;
    }
    Some(Decimal { digits: digits.parse().ok()?, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_meet_their_unit_without_rounding_twice() {
        let (tenth, rest) = split("0.1 s", "a duration", "").expect("a number");
        assert_eq!((tenth.times(1_000_000_000), rest), (Some(100_000_000), "s"));
        let (grouped, _) = split("10_000.25x", "a number", "").expect("a number");
        assert_eq!(grouped.times(4), Some(40_001));
        assert_eq!(grouped.as_f64().to_bits(), 10_000.25f64.to_bits());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "x", ".5", "5.", "1.2.3", "-3", "1,5", "1.0000000000000000001"] {
            assert!(split(text, "a number", "").is_err(), "{text}");
        }
    }
}
