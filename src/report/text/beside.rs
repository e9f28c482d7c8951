//! What was beside a wave, as text: states of stalled moves, and people at work.

use super::line;
use crate::load::tally::Tally;
use crate::metrics::beside::{Beside, State};
use crate::report::number::{count, significant, span};
use crate::world::Side;

/// The state of a stalled move with its side, where the word does not name it.
#[must_use]
pub fn name_of(state: &State) -> String {
    let (word, side) = (state.word(), state.side.name());
    if word.to_ascii_lowercase().contains(side) { word.to_owned() } else { format!("{word} ({side})") }
}

/// Says in which states moves were stalled, and what people met; nothing where neither was modelled.
pub(super) fn report(text: &mut String, beside: &Beside) {
    if beside.has_health() {
        states(text, &beside.states());
    }
    if !beside.people.is_empty() {
        people(text, beside);
    }
}

fn states(text: &mut String, states: &[State]) {
    if states.is_empty() {
        line(text, "move states       no mailbox was stalled");
        return;
    }
    let row = |cells: [&str; 6]| {
        let [state, mailboxes, all, longest, held, refused] = cells;
        format!("{state:<46}{mailboxes:>10}{all:>10}{longest:>10}{held:>9}{refused:>9}")
    };
    line(text, &row(["move states", "mailboxes", "in all", "longest", "held", "refused"]));
    for state in states {
        let stalled = &state.stalled;
        let (all, longest) = (span(stalled.span), span(stalled.longest));
        let counts = [stalled.mailboxes, stalled.held, stalled.refused].map(count);
        let name = format!("  {}", name_of(state));
        line(text, &row([&name, &counts[0], &all, &longest, &counts[1], &counts[2]]));
    }
}

/// Answers with a status of 400 or above.
pub(in crate::report) fn refused(tally: &Tally) -> u64 {
    tally.kinds().map(|(_, kind)| kind.refused).sum()
}

/// A response time in milliseconds.
pub(in crate::report) fn response(tally: &Tally, quantile: f64) -> String {
    significant(tally.response.value_at_quantile(quantile) as f64 / 1e6)
}

fn people(text: &mut String, beside: &Beside) {
    let row = |name: &str, cells: [&str; 5]| {
        let [requests, refused, failed, p50, p99] = cells;
        format!("{name:<30}{requests:>12}{refused:>11}{failed:>13}{p50:>12}{p99:>12}")
    };
    line(text, &row("people beside the wave", ["requests", "refused", "failed", "p50 ms", "p99 ms"]));
    for people in &beside.people {
        let side = match people.side {
            Side::Source => "  at the source",
            Side::Target => "  at the target",
        };
        for (name, tally) in [(side, Some(&people.with)), ("    without the wave", people.alone.as_ref())] {
            let Some(tally) = tally else { continue };
            let [requests, refused, failed] = [tally.offered, refused(tally), tally.failures()].map(count);
            let (p50, p99) = (response(tally, 0.5), response(tally, 0.99));
            line(text, &row(name, [&requests, &refused, &failed, &p50, &p99]));
        }
    }
}

#[cfg(test)]
mod tests {
    use mock_server::throttle::health::resource::Resource;
    use mock_server::throttle::health::stall::{ByResource, Stalled};
    use mock_server::time::Span;

    use super::*;
    use crate::load::tally::{Course, End};
    use crate::metrics::beside::People;

    fn told(beside: &Beside) -> Vec<String> {
        let mut text = String::new();
        report(&mut text, beside);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn nothing_is_said_of_what_was_not_modelled() {
        assert!(told(&Beside::default()).is_empty());
        let well = Beside { stalled: [None, Some(ByResource::default())], ..Beside::default() };
        assert_eq!(told(&well), ["move states no mailbox was stalled"]);
    }

    #[test]
    fn states_have_the_words_of_move_reports_and_their_side() {
        let mut all = ByResource::default();
        let (span, longest) = (Span::seconds(7_200), Span::seconds(600));
        let stalled = Stalled { mailboxes: 40, span, longest, held: 1_310, refused: 12 };
        (all[Resource::MailboxCapacity as usize], all[Resource::ContentIndexing as usize]) = (stalled, stalled);
        let lines = told(&Beside { stalled: [None, Some(all)], ..Beside::default() });
        assert_eq!(lines[1], "StalledDueToCI (target) 40 2.00 h 10.0 min 1,310 12");
        assert_eq!(lines[2], "StalledDueToTarget_MailboxCapacityExceeded 40 2.00 h 10.0 min 1,310 12");
    }

    #[test]
    fn people_are_told_with_and_without_the_wave() {
        let tally = |milliseconds, status| {
            let mut tally = Tally::default();
            let course = Course { lag: Span::ZERO, sent: Span::ZERO, ended: Span::milliseconds(milliseconds) };
            tally.ended(Some(0), course, End::Answered { status, bytes: 0 }, Span::ZERO);
            tally
        };
        let people = People { side: Side::Source, with: tally(200, 429), alone: Some(tally(20, 200)) };
        let lines = told(&Beside { people: vec![people], ..Beside::default() });
        assert_eq!(lines[1..], ["at the source 1 1 0 200 200", "without the wave 1 0 0 20.0 20.0"]);
    }
}
