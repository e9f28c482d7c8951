//! Scorecards as text.

use std::fmt::Write;

use super::card::{Brownout, Card, Evidence, Scorecard};
use super::goal::Verdict;

/// A scorecard for people.
#[must_use]
pub fn report(scorecard: &Scorecard) -> String {
    let mut text = String::new();
    if scorecard.clients.is_empty() {
        text.push_str("no client asked for anything\n");
    }
    for (position, card) in scorecard.clients.iter().enumerate() {
        if position > 0 {
            text.push('\n');
        }
        one(&mut text, card);
    }
    if !scorecard.goals.is_empty() {
        text.push('\n');
        text.push_str(&goals(&scorecard.goals));
    }
    text
}

/// What came of goals: a line with how many were met, and one for each.
#[must_use]
pub fn goals(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    let met = verdicts.iter().filter(|verdict| verdict.met).count();
    line(&mut text, "goals", &format!("{met} of {} met", verdicts.len()));
    for verdict in verdicts {
        let told = &verdict.told;
        let called = if verdict.goal == verdict.measure { String::new() } else { format!(" ({})", verdict.goal) };
        line(&mut text, if verdict.met { "  met" } else { "  MISSED" }, &format!("{told}{called}"));
    }
    text
}

fn line(text: &mut String, name: &str, what: &str) {
    // Writing to memory does not fail.
    let _ = writeln!(text, "{name:<18}{what}");
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

fn one(text: &mut String, card: &Card) {
    let app = if card.app == 0 { "with a password".to_owned() } else { format!("app {}", card.app) };
    line(text, "client", &format!("{} ({app})", card.client));
    let volume = &card.volume;
    let counts = format!(
        "{} in {:.1} s: {} answered, {} refused by limits, {} failed",
        volume.requests, card.seconds, volume.answered, volume.throttled, volume.failed
    );
    line(text, "requests", &counts);
    let kinds: Vec<_> = volume.refusals.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if !kinds.is_empty() {
        line(text, "refusals", &kinds.join(", "));
    }
    obedience(text, card);
    concurrency(text, card);
    let waste = &card.waste;
    let vain = format!(
        "{} of requests refused by limits; {} sent in vain, {} of all",
        percent(waste.requests_share),
        bytes(waste.bytes),
        percent(waste.bytes_share)
    );
    line(text, "wasted work", &vain);
    items(text, card);
    card.brownouts.iter().for_each(|brownout| line(text, "brownout", &away(brownout)));
    let fairness = &card.fairness;
    if let (Some(jain), Some(fastest), Some(slowest)) = (fairness.jain, &fairness.fastest, &fairness.slowest) {
        let told = format!(
            "Jain {jain:.3} over {} of {} mailboxes; fastest {} {:.2}/s, slowest {} {:.2}/s",
            fairness.compared,
            fairness.mailboxes,
            fastest.mailbox,
            fastest.answers_per_second,
            slowest.mailbox,
            slowest.answers_per_second
        );
        line(text, "fairness", &told);
    }
}

fn obedience(text: &mut String, card: &Card) {
    let obeyed = &card.retry_after;
    let told = match obeyed.calls_too_early {
        0 if obeyed.waits_announced == 0 => "no wait was announced".to_owned(),
        0 => format!("all {} waits kept", obeyed.waits_announced),
        early => format!(
            "{} of {} waits broken: {early} calls too early, {} of all; worst {:.2} s",
            obeyed.waits_broken,
            obeyed.waits_announced,
            percent(obeyed.share_of_calls),
            obeyed.worst_early_seconds
        ),
    };
    line(text, "Retry-After", &told);
    evidence(text, &obeyed.evidence);
}

fn concurrency(text: &mut String, card: &Card) {
    let lanes = &card.concurrency;
    let mut told = format!(
        "at most {} at once, {} of one mailbox; {} calls beyond four",
        lanes.most_at_once, lanes.most_at_once_of_a_mailbox, lanes.calls_beyond_four
    );
    if lanes.refusals > 0 {
        let _ = write!(
            told,
            "; {} refused for it, {} of {} calls after that were no fewer at once",
            lanes.refusals, lanes.as_many_as_before, lanes.calls_after_refusals
        );
    }
    line(text, "concurrency", &told);
    evidence(text, &lanes.evidence);
}

fn items(text: &mut String, card: &Card) {
    let items = &card.items;
    let each = items.requests_per_item.map(|each| format!("{each:.2} requests per item, ")).unwrap_or_default();
    let mut told = format!("{each}{} moved; {} lost, {} doubled", items.moved, items.lost, items.doubled);
    if items.made_again > 0 {
        let _ = write!(told, ", {} made again", items.made_again);
    }
    if items.given_up > 0 {
        let _ = write!(told, ", {} requests given up", items.given_up);
    }
    line(text, "items", &told);
    evidence(text, &items.evidence);
}

fn away(brownout: &Brownout) -> String {
    let after = |seconds: Option<f64>| seconds.map_or("never".to_owned(), |seconds| format!("after {seconds:.0} s"));
    format!(
        "from {:.0} s to {:.0} s, {} requests failed; served again {}, at full speed {}",
        brownout.from_seconds,
        brownout.until_seconds,
        brownout.failures,
        after(brownout.served_again_after_seconds),
        after(brownout.full_speed_after_seconds)
    )
}

fn evidence(text: &mut String, list: &[Evidence]) {
    for Evidence { number, at_seconds, mailbox, subject, what } in list {
        line(text, "", &format!("request {number} at {at_seconds:.3} s, {mailbox}, {subject}: {what}"));
    }
}
