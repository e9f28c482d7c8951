//! Where the time of a call went, in the header `Server-Timing` ([W3C Server Timing]).
//!
//! [W3C Server Timing]: https://www.w3.org/TR/server-timing/

use crate::service::reply::Spent;
use crate::time::Span;

/// The name of the header.
pub const HEADER: &str = "server-timing";

/// Most parts of a header that are looked at; ours has three.
const PARTS: usize = 32;

/// Writes the header, in milliseconds with three decimals.
#[must_use]
pub fn encode(spent: Spent) -> String {
    // Refusals take no time at all, and there may be very many.
    if spent == Spent::default() {
        return "delayed;dur=0.000, queued;dur=0.000, served;dur=0.000".to_owned();
    }
    let [delayed, queued, served] = [spent.delayed, spent.queued, spent.served].map(|span| span.0 / 1_000);
    format!(
        "delayed;dur={}.{:03}, queued;dur={}.{:03}, served;dur={}.{:03}",
        delayed / 1_000,
        delayed % 1_000,
        queued / 1_000,
        queued % 1_000,
        served / 1_000,
        served % 1_000,
    )
}

/// Reads the header. What it does not name is zero.
#[must_use]
pub fn decode(value: &str) -> Spent {
    let mut spent = Spent::default();
    for part in value.split(',').take(PARTS) {
        let mut words = part.split(';').map(str::trim);
        let name = words.next().unwrap_or_default();
        let duration = words.find_map(|word| word.strip_prefix("dur="));
        let Some(milliseconds) = duration.and_then(|text| text.parse::<f64>().ok()) else { continue };
        let span = Span::from_seconds(milliseconds / 1_000.0);
        match name {
            "delayed" => spent.delayed = span,
            "queued" => spent.queued = span,
            "served" => spent.served = span,
            _ => {}
        }
    }
    spent
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_that_are_not_ours_are_passed_over() {
        let spent = decode("cache;desc=\"hit, or not\", served;desc=x;dur=12.5,queued, delayed;dur=oops");
        assert_eq!(spent, Spent { served: Span::microseconds(12_500), ..Spent::default() });
    }

    #[test]
    fn no_time_at_all_is_written_like_any_other() {
        let of = |served| encode(Spent { served, ..Spent::default() });
        assert_eq!(of(Span::ZERO), of(Span(1)));
    }

    proptest! {
        #[test]
        fn microseconds_survive(delayed in 0u64..1 << 40, queued in 0u64..1 << 40, served in 0u64..1 << 40) {
            let spent = Spent { delayed: Span(delayed), queued: Span(queued), served: Span(served) };
            let read = decode(&encode(spent));
            for (read, written) in
                [(read.delayed, delayed), (read.queued, queued), (read.served, served)]
            {
                prop_assert!(read.0.abs_diff(written) <= 1_000, "{read:?} for {written}");
            }
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".{0,200}") {
            let _ = decode(&text);
        }
    }
}
