//! `simulate` and `run` as text.

use super::{beside, line, time_by_cause};
use crate::report::inside::Inside;
use crate::report::number::{bytes, count, significant, span};
use crate::report::phrase;
use crate::report::told::Told;
use crate::scenario::plan::Plan;
use mock_server::journal::judge::text::goals;
use mock_server::time::Moment;
use mock_server::wire::refusal::RefusalKind;

/// What a run came to.
#[must_use]
pub fn report(plan: &Plan, told: &Told<'_>, wall_seconds: f64) -> String {
    let mut text = String::new();
    let summary = told.summary;
    let mailboxes = &summary.mailboxes;
    line(&mut text, &plan.title);
    line(
        &mut text,
        &format!(
            "mailboxes         {} of {} completed, {} failed, {} half-switched, {} unfinished",
            count(mailboxes.completed),
            count(mailboxes.total),
            count(mailboxes.failed),
            count(mailboxes.half_switched),
            count(mailboxes.unfinished)
        ),
    );
    if mailboxes.late() > 0 {
        let late = count(mailboxes.late());
        line(&mut text, &format!("                  {late} of the completed were done after the window closed"));
    }
    if let Some(inside) = Inside::of(plan, mailboxes) {
        line(&mut text, &format!("window            {}", phrase::inside(&inside)));
    }
    line(&mut text, &format!("makespan          {}", span(summary.makespan.since(Moment::START))));
    line(
        &mut text,
        &format!(
            "items             {} copied ({}), {} left behind ({})",
            count(summary.items.copied),
            bytes(summary.items.copied_bytes as f64),
            count(summary.items.skipped),
            bytes(summary.items.skipped_bytes as f64)
        ),
    );
    for (reason, items) in &summary.skipped {
        line(&mut text, &format!("                  {} {reason}", count(*items)));
    }
    let found = &summary.verification;
    line(
        &mut text,
        &format!(
            "verification      {} expected, {} present, {} missing, {} duplicate, {} skipped",
            count(found.expected),
            count(found.present),
            count(found.missing),
            count(found.duplicate),
            count(found.skipped)
        ),
    );
    if found.added > 0 {
        line(&mut text, &format!("                  {} added by others", count(found.added)));
    }
    line(
        &mut text,
        &format!(
            "network           {} sent, {} received",
            bytes(summary.sent_bytes as f64),
            bytes(summary.received_bytes as f64)
        ),
    );
    line(&mut text, "requests                      count      p50 ms      p99 ms      max ms");
    for calls in summary.requests.iter().filter(|calls| calls.count > 0) {
        let at = |quantile| significant(calls.latency.value_at_quantile(quantile) as f64 / 1_000.0);
        line(
            &mut text,
            &format!(
                "  {:<22}{:>11}{:>12}{:>12}{:>12}",
                calls.operation.name().replace('_', " "),
                count(calls.count),
                at(0.5),
                at(0.99),
                significant(calls.latency.max() as f64 / 1_000.0)
            ),
        );
    }
    let refused: u64 = summary.refusals.iter().sum();
    line(&mut text, &format!("refusals          {}", count(refused)));
    for (kind, refusals) in RefusalKind::ALL.into_iter().zip(summary.refusals).filter(|(_, refusals)| *refusals > 0) {
        line(&mut text, &format!("  {:<22}{:>11}", kind.name().replace('_', " "), count(refusals)));
    }
    line(&mut text, "where lane time goes");
    time_by_cause(&mut text, &summary.shares());
    beside::report(&mut text, told.beside);
    if !told.goals.is_empty() {
        text.push_str(&goals(told.goals));
    }
    line(&mut text, &format!("took {} s", significant(wall_seconds)));
    text
}
