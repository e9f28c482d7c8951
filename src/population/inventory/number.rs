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

/// A mark that stands before decimals in one notation and between thousands in another.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    Comma,
    Point,
}

impl Mark {
    fn of(letter: u8) -> Self {
        if letter == b',' { Self::Comma } else { Self::Point }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Comma => Self::Point,
            Self::Point => Self::Comma,
        }
    }
}

/// What a text says of a number.
#[derive(Copy, Clone, PartialEq, Debug)]
pub(super) enum Number {
    /// It can be read in one way only, and shows which mark stands before decimals, or does not.
    Sure { value: f64, decimal: Option<Mark> },
    /// Thousands or decimals, such as `1.234`: the column has to tell.
    Either { thousands: f64, decimals: f64, mark: Mark },
}

/// A size as far as its text tells it.
#[derive(Copy, Clone, PartialEq, Debug)]
pub(super) struct Reading {
    pub(super) number: Number,
    unit: Unit,
    /// Whether nothing names the unit, and bytes are a guess.
    pub(super) is_assumed: bool,
    /// Whether it is written in a rounded form.
    pub(super) is_rounded: bool,
}

impl Reading {
    /// The size in bytes where a mark stands before decimals; with none, every doubtful mark groups thousands.
    ///
    /// # Errors
    ///
    /// If it has a fraction of a byte, or no disk could hold it; what is wrong is given without the text itself.
    pub(super) fn bytes(&self, decimal: Option<Mark>) -> Result<u64, &'static str> {
        let value = match self.number {
            Number::Sure { value, .. } => value,
            Number::Either { decimals, mark, .. } if Some(mark) == decimal => decimals,
            Number::Either { thousands, .. } => thousands,
        };
        let bytes = value * self.unit.bytes();
        if bytes >= 9e15 {
            return Err("is impossibly large");
        }
        if self.unit == Unit::Byte && bytes.fract() != 0.0 {
            return Err(if self.is_assumed {
                "has a fraction of a byte, and nothing names another unit: name it in the heading, such as `Size (MB)`"
            } else {
                "has a fraction of a byte"
            });
        }
        Ok(bytes.round() as u64)
    }
}

/// Words that mean that there is no number.
fn is_absent(text: &str) -> bool {
    let absent = ["", "unlimited", "n/a", "na", "-", "none", "null", "nan", "unbegrenzt", "illimité", "ilimitado"];
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let text = text.to_lowercase();
    absent.contains(&text.as_str())
}

/// Reads a size under a heading that names a unit, or none. Absent sizes, "Unlimited" among them, are nothing, not zero.
///
/// # Errors
///
/// If the text is neither a size nor a word for its absence; the reason is given.
pub(super) fn size(text: &str, heading: Option<Unit>) -> Result<Option<Reading>, String> {
    let text = text.trim();
    if is_absent(text) {
        return Ok(None);
    }
    if text.starts_with('-') || text.starts_with('\u{2212}') {
        return Err(format!("the size `{text}` is negative"));
    }
    let unreadable = || format!("`{text}` is not a size");
    // "49.5 GB (53,150,220,288 bytes)": the number in brackets is the truth, whatever separates its digits.
    if let Some((before, bracket)) = text.split_once('(') {
        if !before.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(unreadable());
        }
        return match bracketed(bracket) {
            Some(value) => {
                let number = Number::Sure { value, decimal: None };
                Ok(Some(Reading { number, unit: Unit::Byte, is_assumed: false, is_rounded: false }))
            }
            None => Err(format!("`{text}` has no number of bytes in its brackets")),
        };
    }
    let number = text.trim_end_matches(|c: char| c.is_alphabetic());
    let suffix = &text[number.len()..];
    let named = if suffix.is_empty() { heading } else { Some(Unit::named(suffix).ok_or_else(unreadable)?) };
    let unit = named.unwrap_or_default();
    let is_rounded = unit != Unit::Byte || number.contains(['e', 'E']);
    let number = match read(number.trim()).ok_or_else(unreadable)? {
        // Bytes have no fractions.
        Number::Either { thousands, mark, .. } if named == Some(Unit::Byte) => {
            Number::Sure { value: thousands, decimal: Some(mark.other()) }
        }
        number => number,
    };
    let reading = Reading { number, unit, is_assumed: named.is_none(), is_rounded };
    let is_sound = reading.bytes(None).and(reading.bytes(Some(Mark::Comma))).and(reading.bytes(Some(Mark::Point)));
    match (is_sound, reading.number) {
        // A fraction of a guessed unit tells something of the column before it is refused.
        (Err(reason), Number::Sure { value, .. }) if !(reading.is_assumed && value < 9e15) => {
            Err(format!("the size `{text}` {reason}"))
        }
        _ => Ok(Some(reading)),
    }
}

/// The number of bytes in brackets: digits, whatever separates them, and a word for bytes in any language.
fn bracketed(text: &str) -> Option<f64> {
    let inside = text.split(')').next().unwrap_or_default();
    let word: String = inside.chars().filter(|c| c.is_alphabetic()).collect();
    if Unit::named(&word).is_some_and(|unit| unit != Unit::Byte) {
        return None;
    }
    let digits: String = inside.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
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
    let value = match read(text) {
        Some(Number::Sure { value, .. } | Number::Either { thousands: value, .. }) => value,
        None => f64::NAN,
    };
    if (0.0..9e15).contains(&value) && value.fract() == 0.0 {
        Ok(Some(value as u64))
    } else {
        Err(format!("`{text}` is not a number of items"))
    }
}

/// Reads a non-negative number with any separators.
fn read(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if text.len() < 16 && text.bytes().all(|letter| letter.is_ascii_digit()) {
        return Some(Number::Sure { value: text.parse().ok()?, decimal: None });
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    // Gaps of every kind become one, so that each separator is a byte.
    let is_gap = |c: char| c.is_whitespace() || matches!(c, '\'' | '\u{2019}' | '\u{a0}' | '\u{202f}' | '_');
    let plain: String = mantissa.chars().map(|c| if is_gap(c) { ' ' } else { c }).collect();
    let marks: Vec<u8> = plain.bytes().filter(|letter| !letter.is_ascii_digit()).collect();
    if marks.iter().any(|mark| !matches!(mark, b' ' | b',' | b'.')) {
        return None;
    }
    let parts: Vec<&str> = plain.split([' ', ',', '.']).collect();
    let assembled = |whole: &[&str], fraction: &str| -> Option<f64> {
        format!("{}.{fraction}0e{}", whole.concat(), exponent.unwrap_or("0")).parse().ok()
    };
    let Some((&last, others)) = marks.split_last() else {
        return Some(Number::Sure { value: assembled(&parts, "")?, decimal: None });
    };
    let (fraction, whole) = parts.split_last()?;
    let is_alike = |marks: &[u8]| marks.windows(2).all(|pair| pair[0] == pair[1]);
    if last == b' ' || others.contains(&last) {
        // All separators group digits.
        let decimal = (last != b' ').then(|| Mark::of(last).other());
        let value = assembled(&parts, "")?;
        return (is_alike(&marks) && are_grouped(&parts)).then_some(Number::Sure { value, decimal });
    }
    let (mark, decimals) = (Mark::of(last), assembled(whole, fraction)?);
    if !others.is_empty() {
        let is_sound = is_alike(others) && are_grouped(whole);
        return is_sound.then_some(Number::Sure { value: decimals, decimal: Some(mark) });
    }
    let could_group = are_grouped(&parts) && !parts[0].starts_with('0') && exponent.is_none();
    Some(if could_group {
        Number::Either { thousands: assembled(&parts, "")?, decimals, mark }
    } else {
        Number::Sure { value: decimals, decimal: (!fraction.is_empty()).then_some(mark) }
    })
}

/// Whether digits are grouped as people do: three at the end, two or three before that, up to three at the beginning.
fn are_grouped(parts: &[&str]) -> bool {
    let [first, middle @ .., last] = parts else { return true };
    (1..=3).contains(&first.len()) && middle.iter().all(|part| matches!(part.len(), 2 | 3)) && last.len() == 3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONE: Option<Unit> = None;

    #[track_caller]
    fn check(text: &str, unit: Option<Unit>, decimal: Option<Mark>, bytes: u64, rounded: bool) {
        let reading = size(text, unit).expect(text).expect(text);
        assert_eq!((reading.bytes(decimal), reading.is_rounded), (Ok(bytes), rounded), "{text}");
    }

    #[test]
    fn the_number_in_brackets_is_the_truth() {
        check("1.2 GB (1,288,490,188 bytes)", NONE, None, 1_288_490_188, false);
        check("1,2 GB (1.288.490.188 bytes)", NONE, None, 1_288_490_188, false);
        check("180 GB (193 275 660 107 bytes)", NONE, None, 193_275_660_107, false);
        check("180 GB (193\u{a0}275\u{202f}660\u{a0}107 octets)", NONE, None, 193_275_660_107, false);
        check("0 B (0 bytes)", NONE, None, 0, false);
    }

    #[test]
    fn short_forms_are_binary_and_rounded() {
        check("12 GB", NONE, None, 12 << 30, true);
        check("5GB", NONE, None, 5 << 30, true);
        check("2.5 GB", NONE, None, 5 << 29, true);
        check("2,5 GB", NONE, None, 5 << 29, true);
        check("1,024 MB", NONE, Some(Mark::Point), 1 << 30, true);
        check("1.024,5 MB", NONE, None, (1 << 30) + (1 << 19), true);
        check("6672B", NONE, None, 6_672, false);
    }

    #[test]
    fn bare_numbers_take_the_unit_of_their_heading() {
        check("50000", Some(Unit::Megabyte), None, 50_000 << 20, true);
        check("0.5", Some(Unit::Gigabyte), None, 1 << 29, true);
        check("7571826", Some(Unit::Byte), None, 7_571_826, false);
        check("1.288.490.188", Some(Unit::Byte), None, 1_288_490_188, false);
        check("1'288'490'188", Some(Unit::Byte), None, 1_288_490_188, false);
        check("1.5E+09", Some(Unit::Byte), None, 1_500_000_000, true);
        check("12,34,56,789", Some(Unit::Byte), None, 123_456_789, false);
    }

    #[test]
    fn one_mark_before_three_digits_is_left_to_the_column() {
        let reading = size("1.500", Some(Unit::Gigabyte)).expect("a size").expect("a size");
        assert!(matches!(reading.number, Number::Either { mark: Mark::Point, .. }), "{reading:?}");
        assert_eq!(reading.bytes(Some(Mark::Point)), Ok(3 << 29));
        assert_eq!(reading.bytes(Some(Mark::Comma)), Ok(1_500 << 30));
        for (text, decimal) in [
            ("0.512", Some(Mark::Point)),
            ("1234.567", Some(Mark::Point)),
            ("3,75", Some(Mark::Comma)),
            ("1.234,567", Some(Mark::Comma)),
            ("1.234.567", Some(Mark::Comma)),
            ("1 234", None),
            ("5.", None),
        ] {
            let reading = size(text, Some(Unit::Gigabyte)).expect(text).expect(text);
            assert!(matches!(reading.number, Number::Sure { decimal: found, .. } if found == decimal), "{reading:?}");
        }
        // Bytes have no fractions, so that there the mark groups.
        check("1.500", Some(Unit::Byte), Some(Mark::Point), 1_500, false);
    }

    #[test]
    fn absence_is_not_zero() {
        for text in ["Unlimited", "", "  ", "n/a", "N/A", "-"] {
            assert_eq!(size(text, NONE), Ok(None), "{text}");
            assert_eq!(count(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for text in ["not-a-number", "-500", "12 apples", "GB", "1.2 GB (bytes)", "1e99", "0x10"] {
            assert!(size(text, NONE).is_err(), "{text}");
        }
        assert!(size("1.5", NONE).expect("a size").expect("a size").bytes(None).is_err());
        for text in ["(500)", "1.2.3", "1,2,3", "1.234,567.8", "12 34", "1 GB (1,024 MB)", "1.5 B", "0,25 bytes"] {
            assert!(size(text, NONE).is_err(), "{text}");
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
        fn no_text_makes_the_reader_fail(text in ".{0,30}") {
            let _ = size(&text, Some(Unit::Gigabyte));
            let _ = count(&text);
        }
    }
}
