//! What was beside a wave, as tables: states of stalled moves, and people at work.

use super::{escape, push};
use crate::metrics::beside::Beside;
use crate::report::number::{count, percent, span};
use crate::report::text::beside::{name_of, refused, response};
use crate::world::Side;

/// What stands above a table, and why one may read it.
const STATES: &str = "Time in which a resource of the service held or refused the work of a move, in the words of move \
                      reports. A mailbox is in one state at a time; what many calls waited for counts once.";
const PEOPLE: &str = "Requests of people who work with their mailboxes while the wave runs. They contend with it for \
                      limits and servers.";

fn head(page: &mut String, names: &[&str]) {
    push(page, "<table><thead><tr>");
    for (number, name) in names.iter().enumerate() {
        let class = if number == 0 { "" } else { " class=\"number\"" };
        push(page, &format!("<th{class}>{}</th>", escape(name)));
    }
    push(page, "</tr></thead><tbody>");
}

fn row(page: &mut String, name: &str, cells: &[String]) {
    push(page, &format!("<tr><td>{}</td>", escape(name)));
    for cell in cells {
        push(page, &format!("<td class=\"number\">{}</td>", escape(cell)));
    }
    push(page, "</tr>");
}

/// Tables of what was modelled under headings of a level; nothing of what was not. `runs` is how many runs the numbers
/// are the sum of.
pub(super) fn tables(page: &mut String, beside: &Beside, level: u8, runs: usize) {
    let sum = if runs > 1 { format!(" Sums over {runs} runs.") } else { String::new() };
    let heading = |name: &str, words: &str| format!("<h{level}>{name}</h{level}><p>{words}{sum}</p>");
    if beside.has_health() {
        push(page, &heading("Move states", STATES));
        states(page, beside);
    }
    if beside.people.is_empty() {
        return;
    }
    push(page, &heading("People beside the wave", PEOPLE));
    if beside.people.iter().any(|people| people.alone.is_some()) {
        push(page, "<p>Below each row stands what the same requests meet without the wave.</p>");
    }
    people(page, beside);
}

fn states(page: &mut String, beside: &Beside) {
    let states = beside.states();
    if states.is_empty() {
        push(page, "<p>No mailbox was stalled.</p>");
        return;
    }
    head(page, &["State", "Mailboxes", "Time in all", "Longest", "Calls held", "Calls refused"]);
    for state in &states {
        let stalled = &state.stalled;
        let (all, longest) = (span(stalled.span), span(stalled.longest));
        let cells = [count(stalled.mailboxes), all, longest, count(stalled.held), count(stalled.refused)];
        row(page, &name_of(state), &cells);
    }
    push(page, "</tbody></table>");
}

fn people(page: &mut String, beside: &Beside) {
    let quantiles = ["p50 ms", "p90 ms", "p99 ms"];
    head(page, &[&["", "Requests", "Refused", "of all", "Failed"][..], &quantiles].concat());
    for people in &beside.people {
        let side = if people.side == Side::Source { "at the source" } else { "at the target" };
        let without = format!("{side}, without the wave");
        for (name, tally) in [(side, Some(&people.with)), (&without, people.alone.as_ref())] {
            let Some(tally) = tally else { continue };
            let refusals = refused(tally);
            let share = percent(refusals as f64 / tally.offered.max(1) as f64);
            let counts = [count(tally.offered), count(refusals), share, count(tally.failures())];
            let times = [0.5, 0.9, 0.99].map(|quantile| response(tally, quantile));
            row(page, name, &[&counts[..], &times].concat());
        }
    }
    push(page, "</tbody></table>");
}
