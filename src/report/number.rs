//! Numbers as people read them.

use mock_server::time::Span;

/// A count with a comma between thousands.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of something that has a name of its own if there is one of it.
#[must_use]
pub fn plural(value: u64, one: &str) -> String {
    format!("{} {one}{}", count(value), if value == 1 { "" } else { "s" })
}

/// A number of bytes in decimal units, with three significant digits.
#[must_use]
pub fn bytes(value: f64) -> String {
    scaled(value, &["B", "kB", "MB", "GB", "TB", "PB", "EB"])
}

fn scaled(mut value: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1_000.0;
        unit += 1;
    }
    format!("{} {}", significant(value), units[unit])
}

/// Three significant digits, without an exponent.
#[must_use]
pub fn significant(value: f64) -> String {
    let size = value.abs();
    if size >= 99.95 || size == 0.0 {
        format!("{value:.0}")
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A span in the unit that suits it.
#[must_use]
pub fn span(value: Span) -> String {
    let seconds = value.as_seconds();
    // Weekends are known by their hours.
    if seconds >= 4.0 * 86_400.0 {
        format!("{} d", significant(seconds / 86_400.0))
    } else if seconds >= 2.0 * 3_600.0 {
        format!("{} h", significant(seconds / 3_600.0))
    } else if seconds >= 120.0 {
        format!("{} min", significant(seconds / 60.0))
    } else if seconds >= 1.0 {
        format!("{} s", significant(seconds))
    } else {
        format!("{} ms", significant(seconds * 1_000.0))
    }
}

/// A share as a percentage with one decimal; with as many as it takes where one would make it all.
#[must_use]
pub fn percent(share: f64) -> String {
    let with = |decimals: usize| format!("{:.decimals$}%", share * 100.0);
    let is_all = |text: &String| share < 1.0 && text.starts_with("100");
    (1..12).map(with).find(|text| !is_all(text)).unwrap_or_else(|| with(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(2_100_000), "2,100,000");
        assert_eq!([0, 1, 1_200].map(|lanes| plural(lanes, "lane")), ["0 lanes", "1 lane", "1,200 lanes"]);
        assert_eq!(bytes(2.3e15), "2.30 PB");
        assert_eq!(bytes(999.6), "1.00 kB");
        assert_eq!(span(Span::seconds(39_600)), "11.0 h");
        assert_eq!(span(Span::seconds(59 * 3_600)), "59.0 h");
        assert_eq!(span(Span::seconds(7 * 86_400)), "7.00 d");
        assert_eq!(span(Span::milliseconds(45)), "45.0 ms");
        assert_eq!(percent(0.123_4), "12.3%");
        assert_eq!([1.0, 0.999_9, 0.999_5, 0.0].map(percent), ["100.0%", "99.99%", "99.95%", "0.0%"]);
    }
}
