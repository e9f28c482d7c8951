//! Sizes and counts as people and programs write them.

/// The unit of a bare number, from the heading of its column.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Unit {
    /// Bytes.
    #[default]
    Byte,
    /// 2^10 bytes, as PowerShell counts.
    Kilobyte,
    /// 2^20 bytes.
    Megabyte,
    /// 2^30 bytes.
    Gigabyte,
    /// 2^40 bytes.
    Terabyte,
}

impl Unit {
    fn bytes(self) -> f64 {
        match self {
            Self::Byte => 1.0,
            Self::Kilobyte => 1_024.0,
            Self::Megabyte => 1_048_576.0,
            Self::Gigabyte => 1_073_741_824.0,
            Self::Terabyte => 1_099_511_627_776.0,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "b" | "byte" | "bytes" => Self::Byte,
            "k" | "kb" | "kib" => Self::Kilobyte,
            "m" | "mb" | "mib" => Self::Megabyte,
            "g" | "gb" | "gib" => Self::Gigabyte,
            "t" | "tb" | "tib" => Self::Terabyte,
            _ => return None,
        })
    }
}

/// A size.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Size {
    pub(super) bytes: u64,
    /// Whether it was written in a rounded form.
    pub(super) rounded: bool,
}

/// Words that mean that there is no number.
fn is_absent(text: &str) -> bool {
    let absent = ["", "unlimited", "n/a", "na", "-", "none", "null", "nan", "unbegrenzt", "illimité", "ilimitado"];
    absent.iter().any(|word| text.to_lowercase() == *word)
}

/// Reads a size. Absent sizes, "Unlimited" among them, are nothing, not zero.
///
/// # Errors
///
/// If the text is neither a size nor a word for its absence; the reason is given.
pub(super) fn size(text: &str, unit: Unit, decimal_comma: bool) -> Result<Option<Size>, String> {
    let text = text.trim();
    if is_absent(text) {
        return Ok(None);
    }
    if text.starts_with('-') || text.starts_with('\u{2212}') {
        return Err(format!("the size `{text}` is negative"));
    }
    // "49.5 GB (53,150,220,288 bytes)": the number in brackets is the truth, whatever separates its digits.
    if let Some((_, bracket)) = text.split_once('(') {
        let inside = bracket.split(')').next().unwrap_or_default();
        let digits: String = inside.chars().filter(char::is_ascii_digit).collect();
        return match digits.parse() {
            Ok(bytes) => Ok(Some(Size { bytes, rounded: false })),
            Err(_) => Err(format!("`{text}` has no number of bytes in its brackets")),
        };
    }
    let unreadable = || format!("`{text}` is not a size");
    let number = text.trim_end_matches(|c: char| c.is_alphabetic());
    let suffix = &text[number.len()..];
    let unit = if suffix.is_empty() { unit } else { Unit::named(suffix).ok_or_else(unreadable)? };
    let value = decimal(number.trim(), unit == Unit::Byte, decimal_comma).ok_or_else(unreadable)?;
    let bytes = value * unit.bytes();
    if bytes >= 9e15 {
        return Err(format!("the size `{text}` is impossibly large"));
    }
    let rounded = unit != Unit::Byte || number.contains(['e', 'E']);
    Ok(Some(Size { bytes: bytes.round() as u64, rounded }))
}

/// Reads a whole number.
///
/// # Errors
///
/// If the text is neither a whole number nor a word for its absence; the reason is given.
pub(super) fn count(text: &str) -> Result<Option<u64>, String> {
    let text = text.trim();
    if is_absent(text) {
        return Ok(None);
    }
    match decimal(text, true, false) {
        Some(value) if (0.0..9e15).contains(&value) && value.fract() == 0.0 => Ok(Some(value as u64)),
        _ => Err(format!("`{text}` is not a number of items")),
    }
}

/// Reads a non-negative decimal number with any separators. In whole numbers, a single separator before three digits
/// groups them; elsewhere that is so for a comma, unless the file writes decimal commas, and for a point if it does.
fn decimal(text: &str, whole: bool, decimal_comma: bool) -> Option<f64> {
    let is_gap = |c: char| c.is_whitespace() || matches!(c, '\'' | '\u{2019}' | '\u{a0}' | '\u{202f}' | '_');
    let text: String = text.chars().filter(|&c| !is_gap(c)).collect();
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    if !mantissa.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.') {
        return None;
    }
    let marks = mantissa.matches([',', '.']).count();
    let last = mantissa.rfind([',', '.']);
    let point = last.filter(|&place| {
        let mark = &mantissa[place..=place];
        let alike = mantissa.matches(mark).count();
        let grouping_mark = if decimal_comma { "." } else { "," };
        let looks_grouped = mantissa.len() - place == 4 && alike == marks;
        alike == 1 && !(looks_grouped && (whole || mark == grouping_mark))
    });
    let digits = |part: &str| part.replace([',', '.'], "");
    let plain = match point {
        Some(place) => format!("{}.{}", digits(&mantissa[..place]), &mantissa[place + 1..]),
        None => digits(mantissa),
    };
    format!("{plain}e{exponent}").parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, unit: Unit, decimal_comma: bool, bytes: u64, rounded: bool) {
        assert_eq!(size(text, unit, decimal_comma), Ok(Some(Size { bytes, rounded })), "{text}");
    }

    #[test]
    fn the_number_in_brackets_is_the_truth() {
        check("1.2 GB (1,288,490,188 bytes)", Unit::Byte, false, 1_288_490_188, false);
        check("1,2 GB (1.288.490.188 bytes)", Unit::Byte, true, 1_288_490_188, false);
        check("180 GB (193 275 660 107 bytes)", Unit::Byte, false, 193_275_660_107, false);
        check("180 GB (193\u{a0}275\u{202f}660\u{a0}107 octets)", Unit::Byte, false, 193_275_660_107, false);
        check("0 B (0 bytes)", Unit::Byte, false, 0, false);
    }

    #[test]
    fn short_forms_are_binary_and_rounded() {
        check("12 GB", Unit::Byte, false, 12 << 30, true);
        check("5GB", Unit::Byte, false, 5 << 30, true);
        check("2.5 GB", Unit::Byte, false, 5 << 29, true);
        check("2,5 GB", Unit::Byte, true, 5 << 29, true);
        check("1,024 MB", Unit::Byte, false, 1 << 30, true);
        check("1.024,5 MB", Unit::Byte, true, (1 << 30) + (1 << 19), true);
        check("6672B", Unit::Byte, false, 6_672, false);
    }

    #[test]
    fn bare_numbers_take_the_unit_of_their_heading() {
        check("50000", Unit::Megabyte, false, 50_000 << 20, true);
        check("0.5", Unit::Gigabyte, false, 1 << 29, true);
        check("7571826", Unit::Byte, false, 7_571_826, false);
        check("1.288.490.188", Unit::Byte, true, 1_288_490_188, false);
        check("1'288'490'188", Unit::Byte, false, 1_288_490_188, false);
        check("1.5E+09", Unit::Byte, false, 1_500_000_000, true);
    }

    #[test]
    fn absence_is_not_zero() {
        for text in ["Unlimited", "", "  ", "n/a", "N/A", "-"] {
            assert_eq!(size(text, Unit::Byte, false), Ok(None), "{text}");
            assert_eq!(count(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for text in ["not-a-number", "-500", "12 apples", "GB", "1.2 GB (bytes)", "1e99", "0x10"] {
            assert!(size(text, Unit::Byte, false).is_err(), "{text}");
        }
        assert!(count("1.5").is_err() && count("-3").is_err() && count("many").is_err());
    }

    #[test]
    fn counts_may_be_grouped() {
        assert_eq!(count("16.021"), Ok(Some(16_021)));
        assert_eq!(count("16,021"), Ok(Some(16_021)));
        assert_eq!(count("16 021"), Ok(Some(16_021)));
        assert_eq!(count("16021.0"), Ok(Some(16_021)));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_fail(text in ".{0,30}", comma: bool) {
            let _ = size(&text, Unit::Gigabyte, comma);
            let _ = count(&text);
        }
    }
}
