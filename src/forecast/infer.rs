//! Which assumptions would explain published wave sizes: inference, clearly apart from the forecast.
//!
//! A window of length `W` with `c` open switches that are held `h` each carries `c * W / h` mailboxes (Little 1961). For
//! each mean switch duration the held time is the duration plus what else happens while a place is held; the number of
//! open switches that gives the published size follows. Where one number serves every window, the combination explains
//! what was published. Many combinations do; the publication does not say which is true.

use mock_server::time::Span;

use super::result::{Combination, Inference};

/// What is known of one window.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// Name of the window.
    pub window: String,
    /// How long it is open.
    pub open: Span,
    /// The published wave size.
    pub published: u32,
    /// Mean time that a place is held beyond the switch itself.
    pub overhead: Span,
}

/// Mean switch durations that are tried, in minutes.
const MINUTES: [u64; 9] = [2, 4, 6, 8, 9, 10, 12, 15, 20];

/// Tries mean switch durations from two minutes to twenty.
#[must_use]
pub fn explain(seen: &[Seen]) -> Option<Inference> {
    if seen.is_empty() {
        return None;
    }
    let combinations = MINUTES
        .into_iter()
        .map(|minutes| {
            let switch_mean = Span::seconds(minutes * 60);
            let open_switches: Vec<(String, f64)> = seen
                .iter()
                .map(|window| {
                    let held = (switch_mean + window.overhead).as_seconds();
                    (window.window.clone(), f64::from(window.published) * held / window.open.as_seconds())
                })
                .collect();
            let most = open_switches.iter().map(|(_, count)| *count).fold(0.0, f64::max);
            let least = open_switches.iter().map(|(_, count)| *count).fold(f64::INFINITY, f64::min);
            Combination { switch_mean, explains_all: most <= least * 1.1, open_switches }
        })
        .collect();
    Some(Inference {
        combinations,
        note: "Inference, not forecast: the open switches that each mean switch duration would need for the published \
               wave sizes, given the assumed window hours. The durations, caps and hours of the real move were not \
               published."
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(name: &str, hours: u64, published: u32) -> Seen {
        Seen { window: name.to_owned(), open: Span::seconds(hours * 3_600), published, overhead: Span::ZERO }
    }

    #[test]
    fn nine_minutes_and_three_hundred_switches_explain_an_eleven_hour_evening_of_22_000() {
        let inference = explain(&[window("evening", 11, 22_000)]).expect("there is a window");
        let nine = inference.combinations.iter().find(|c| c.switch_mean == Span::seconds(540)).expect("it is tried");
        assert!((nine.open_switches[0].1 - 300.0).abs() < 1e-9);
    }

    #[test]
    fn windows_that_need_different_numbers_are_not_explained_together() {
        let together = explain(&[window("evening", 10, 10_000), window("weekend", 40, 40_000)]).expect("windows");
        assert!(together.combinations.iter().all(|c| c.explains_all));
        let apart = explain(&[window("evening", 10, 10_000), window("weekend", 40, 80_000)]).expect("windows");
        assert!(apart.combinations.iter().all(|c| !c.explains_all));
    }

    #[test]
    fn without_published_sizes_there_is_nothing_to_explain() {
        assert_eq!(explain(&[]), None);
    }
}
