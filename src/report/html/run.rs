//! One run as one HTML file that opens offline: words, tables and bars, without scripts.

use super::{STYLE, assumptions, beside, escape, push};
use crate::event::Cause;
use crate::metrics::summary::Summary;
use crate::report::inside::Inside;
use crate::report::number::{bytes, count, percent, significant, span};
use crate::report::phrase;
use crate::report::told::Told;
use crate::scenario::plan::Plan;
use mock_server::journal::judge::goal::Verdict;
use mock_server::time::Moment;
use mock_server::wire::refusal::RefusalKind;

const RUN_STYLE: &str = include_str!("run.css");

/// The whole page.
#[must_use]
pub fn page(plan: &Plan, told: &Told<'_>, wall_seconds: f64) -> String {
    let mut page = String::with_capacity(1 << 16);
    let title = escape(&plan.title);
    push(&mut page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">");
    push(&mut page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    push(&mut page, &format!("<title>{title}</title>\n<style>\n{STYLE}{RUN_STYLE}</style>\n</head>\n<body>\n<main>"));
    push(
        &mut page,
        &format!(
            "<header><h1>{title}</h1><p>One wave, {}. Scenario {}, seed {}, wavetank {}.</p></header>",
            escape(told.world),
            escape(&plan.hash),
            plan.seed,
            env!("CARGO_PKG_VERSION")
        ),
    );
    answers(&mut page, plan, told);
    if !told.goals.is_empty() {
        goals(&mut page, told.goals);
    }
    wave(&mut page, told.summary);
    causes(&mut page, told.summary);
    beside::tables(&mut page, told.beside, 2, 1);
    requests(&mut page, told.summary);
    assumptions(&mut page, &plan.assumptions);
    let took = significant(wall_seconds);
    push(&mut page, &format!("<footer><p>Took {took} s.</p></footer></main>\n</body>\n</html>"));
    page
}

fn answer(page: &mut String, name: &str, size: &str, words: &str) {
    push(page, &format!("<div class=\"answer\"><p class=\"window\">{name}</p><p class=\"size\">{size}</p>"));
    push(page, &format!("<p>{words}</p></div>"));
}

fn answers(page: &mut String, plan: &Plan, told: &Told<'_>) {
    let mailboxes = &told.summary.mailboxes;
    push(page, "<div class=\"answers\">");
    let late = Some(mailboxes.late()).filter(|late| *late > 0);
    let late = late.map(|late| format!(", {} of them after the window closed", count(late))).unwrap_or_default();
    let rest = [
        (mailboxes.failed, "failed"),
        (mailboxes.half_switched, "half-switched"),
        (mailboxes.unfinished, "unfinished"),
    ];
    let rest: String = rest.map(|(number, what)| format!(", {} {what}", count(number))).concat();
    let words = format!("of {} mailboxes completed{late}{rest}", count(mailboxes.total));
    answer(page, "mailboxes", &count(mailboxes.completed), &words);
    if let Some(inside) = Inside::of(plan, mailboxes) {
        answer(page, "inside the window", &percent(inside.share()), &escape(&phrase::inside(&inside)));
    }
    let makespan = span(told.summary.makespan.since(Moment::START));
    answer(page, "makespan", &makespan, "until the last mailbox ended");
    if !told.goals.is_empty() {
        let met = told.goals.iter().filter(|goal| goal.met).count();
        answer(page, "goals", &format!("{met} of {}", told.goals.len()), "met");
    }
    push(page, "</div>");
}

fn goals(page: &mut String, verdicts: &[Verdict]) {
    push(page, "<section><h2>Goals</h2><table><thead><tr><th></th><th>Goal</th><th>What was found</th></tr></thead>");
    push(page, "<tbody>");
    for verdict in verdicts {
        let (class, word) = if verdict.met { ("met", "met") } else { ("missed", "missed") };
        let (goal, told) = (escape(&verdict.goal.replace('_', " ")), escape(&verdict.told));
        push(page, &format!("<tr><td class=\"{class}\">{word}</td><td>{goal}</td><td>{told}</td></tr>"));
    }
    push(page, "</tbody></table></section>");
}

fn wave(page: &mut String, summary: &Summary) {
    push(page, "<section><h2>The wave</h2><table><tbody>");
    let mut row = |name: &str, value: String| push(page, &format!("<tr><th>{name}</th><td>{value}</td></tr>"));
    let items = &summary.items;
    row("Items", format!("{} copied, {}", count(items.copied), bytes(items.copied_bytes as f64)));
    row("Left behind", format!("{}, {}", count(items.skipped), bytes(items.skipped_bytes as f64)));
    for (reason, number) in &summary.skipped {
        row("", format!("{} {}", count(*number), escape(reason)));
    }
    let found = &summary.verification;
    let counts = [found.expected, found.present, found.missing, found.duplicate, found.skipped].map(count);
    let [expected, present, missing, duplicate, skipped] = counts;
    row(
        "Verification",
        format!("{expected} expected, {present} present, {missing} missing, {duplicate} duplicate, {skipped} skipped"),
    );
    if found.added > 0 {
        row("", format!("{} added by others", count(found.added)));
    }
    let (sent, received) = (bytes(summary.sent_bytes as f64), bytes(summary.received_bytes as f64));
    row("Network", format!("{sent} sent, {received} received"));
    push(page, "</tbody></table></section>");
}

fn causes(page: &mut String, summary: &Summary) {
    push(page, "<section><h2>Where lane time goes</h2><table><tbody>");
    let mut shares: Vec<_> = Cause::ALL.into_iter().zip(summary.shares()).collect();
    shares.sort_by(|one, other| other.1.total_cmp(&one.1));
    for (cause, share) in shares.into_iter().filter(|(_, share)| *share >= 0.000_5) {
        let (name, width) = (cause.name().replace('_', " "), format!("{:.1}%", share * 100.0));
        let bar = format!("<span class=\"bar\" style=\"width:{width}\"></span>");
        let share = percent(share);
        push(page, &format!("<tr><th>{name}</th><td class=\"number\">{share}</td><td class=\"wide\">{bar}</td></tr>"));
    }
    push(page, "</tbody></table></section>");
}

fn requests(page: &mut String, summary: &Summary) {
    push(page, "<section><h2>Requests of the pipeline</h2><table><thead><tr><th></th>");
    for name in ["Count", "p50 ms", "p99 ms", "Longest ms"] {
        push(page, &format!("<th class=\"number\">{name}</th>"));
    }
    push(page, "</tr></thead><tbody>");
    for calls in summary.requests.iter().filter(|calls| calls.count > 0) {
        let at = |quantile| significant(calls.latency.value_at_quantile(quantile) as f64 / 1e3);
        let longest = significant(calls.latency.max() as f64 / 1e3);
        let cells = [count(calls.count), at(0.5), at(0.99), longest];
        let cells = cells.map(|cell| format!("<td class=\"number\">{cell}</td>")).concat();
        push(page, &format!("<tr><td>{}</td>{cells}</tr>", calls.operation.name().replace('_', " ")));
    }
    push(page, "</tbody></table>");
    let refused: Vec<_> = RefusalKind::ALL.into_iter().zip(summary.refusals).filter(|(_, count)| *count > 0).collect();
    let told = |(kind, number): &(RefusalKind, u64)| format!("{} {}", count(*number), kind.name().replace('_', " "));
    let refused =
        if refused.is_empty() { "none".to_owned() } else { refused.iter().map(told).collect::<Vec<_>>().join(", ") };
    push(page, &format!("<p>Refusals: {refused}.</p></section>"));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mock_server::journal::judge::goal::Jury;

    use super::*;
    use crate::metrics::beside::Beside;
    use crate::scenario;

    #[test]
    fn a_page_tells_of_goals_and_keeps_markup_out() {
        let text =
            "title = \"<b>Night\"\n[wave]\nmailboxes = 1\n[[goals]]\nname = \"<i>\"\nmeasure = \"lost\"\nat_most = 0\n";
        let plan = scenario::parse(Path::new("trial.toml"), text, &[], None).expect("a scenario");
        let goals = Jury::new(1.0).with_goals(plan.goals.clone()).card().goals;
        let (summary, beside) = (Summary::default(), Beside::default());
        let told = Told { world: "virtual", summary: &summary, beside: &beside, goals: &goals };
        let page = page(&plan, &told, 0.0);
        for part in ["&lt;b&gt;Night", "&lt;i&gt;", "class=\"missed\"", "0 of 1", "no client asked for anything"] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("Move states") && !page.contains("<i>"));
    }
}
