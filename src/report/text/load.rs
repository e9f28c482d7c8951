//! `load` as text.

use std::fmt::Write as _;

use mock_server::time::Span;

use super::line;
use crate::load::outcome::Outcome;
use crate::load::tally::Times;
use crate::report::number::{bytes, count, span};

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// What a load came to.
#[must_use]
pub fn report(outcome: &Outcome) -> String {
    let mut text = String::new();
    let tally = &outcome.tally;
    let streams = if outcome.streams > 1 { format!(" of {} streams", outcome.streams) } else { String::new() };
    let mut say = |name: &str, what: &str| line(&mut text, &format!("{name:<17} {what}"));
    say("load", &format!("{} for {}", outcome.demand, span(outcome.measured)));
    let (connections, workers) = (outcome.connections, outcome.workers);
    let threads = if workers == 1 { "one thread".to_owned() } else { format!("{workers} threads") };
    let (target, http) = (&outcome.target, outcome.http);
    say("sent to", &format!("{target}, {http}, {connections} connections{streams}, {threads}"));
    let [due, answered] = [tally.offered, tally.answered].map(count);
    let [failed, dropped, unanswered] = [tally.failures(), tally.dropped, tally.unanswered].map(count);
    say(
        "requests",
        &format!("{due} due: {answered} answered, {failed} failed, {dropped} dropped, {unanswered} unanswered"),
    );
    say("late", &format!("{} sent more than {} after they were due", count(tally.late), span(outcome.tolerance)));
    let rate = outcome.answers_per_second();
    let flow = tally.bytes as f64 / outcome.measured.as_seconds().max(f64::MIN_POSITIVE);
    say("throughput", &format!("{} answers/s, {}/s", count(rate.round() as u64), bytes(flow)));
    for (status, answers) in tally.statuses() {
        say(&format!("status {status}"), &count(answers));
    }
    for (failure, requests) in tally.failed() {
        say(&failure.name().replace('_', " "), &count(requests));
    }
    say("", &row(&QUANTILES.map(|(name, _)| name.to_owned()), "max"));
    say("response time", &(times(&tally.response) + "   since the intended start"));
    say("service time", &(times(&tally.service) + "   since sending"));
    say("lag", &(times(&tally.lag) + "   of the generator itself"));
    let kinds: Vec<_> = tally.kinds().collect();
    if !kinds.is_empty() {
        line(&mut text, "service time by kind");
        for (name, kind) in kinds {
            let (answered, refused) = (count(kind.answered), count(kind.refused));
            let what = format!("{}   {answered} answered, {refused} of them refused", times(&kind.service));
            line(&mut text, &format!("{name:<17} {what}"));
        }
    }
    line(&mut text, &format!("{:<17} {}", "verdict", verdict(outcome)));
    text
}

fn verdict(outcome: &Outcome) -> String {
    match outcome.spoiled {
        Some(spoiled) => format!(
            "INVALID: at quantile {} the generator's own lag is {} of the {} response time",
            spoiled.quantile,
            span(spoiled.lag),
            span(spoiled.response)
        ),
        None if outcome.interrupted => "interrupted; valid so far".to_owned(),
        None => "valid".to_owned(),
    }
}

fn times(times: &Times) -> String {
    let at = |nanoseconds: u64| span(Span(nanoseconds));
    row(&QUANTILES.map(|(_, quantile)| at(times.value_at_quantile(quantile))), &at(times.max()))
}

fn row(quantiles: &[String], max: &str) -> String {
    let mut row = String::new();
    for cell in quantiles.iter().map(String::as_str).chain([max]) {
        // Writing to a string cannot fail.
        let _ = write!(row, "{cell:>10}");
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::tally::{Course, End, Failure, Tally};
    use crate::load::verdict;

    fn outcome(lag: Span) -> Outcome {
        let mut tally = Tally::default();
        let tolerance = Span::milliseconds(1);
        let course = |wait: u64| Course { lag, sent: lag + Span(wait), ended: lag + Span(wait + 2_000_000) };
        for wait in 0..100 {
            tally.ended(Some(4), course(wait * 1_000_000), End::Answered { status: 200, bytes: 9 }, tolerance);
        }
        tally.ended(None, course(0), End::Failed(Failure::Reset), tolerance);
        tally.dropped();
        Outcome {
            target: "http://127.0.0.1:1".into(),
            demand: "open loop".into(),
            http: "HTTP/1.1",
            connections: 64,
            streams: 1,
            workers: 1,
            seed: 1,
            measured: Span::seconds(1),
            tolerance,
            interrupted: false,
            spoiled: verdict::spoiled(&tally, tolerance),
            tally,
        }
    }

    #[test]
    fn both_latencies_stand_beside_each_other() {
        let text = report(&outcome(Span::ZERO));
        for part in ["102 due: 100 answered, 1 failed, 1 dropped", "98 sent", "status 200        100", "reset "] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let row = |name: &str| text.lines().find(|line| line.starts_with(name)).map(str::to_owned).unwrap_or_default();
        assert!(row("response time").contains("101 ms"), "{text}");
        assert!(row("service time").contains("2.00 ms") && !row("service time").contains("101 ms"), "{text}");
        assert!(row("verdict").ends_with(" valid") && row("outlook draft").contains("100 answered"), "{text}");
    }

    #[test]
    fn a_spoiled_run_says_so() {
        assert!(report(&outcome(Span::seconds(1))).contains("INVALID: at quantile 0.5"));
    }
}
