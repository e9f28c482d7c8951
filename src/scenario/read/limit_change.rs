//! `limit_changes` of a side: limits that have other numbers from a time of the run on.

use mock_server::throttle::change::LimitChange;
use mock_server::throttle::limit::Limit;
use mock_server::time::{Moment, Span};

use crate::scenario::kind::{Duration, Factor, Words, suggestion};
use crate::scenario::section::Section;

pub(crate) fn read(side: &Section<'_>, limits: &[Limit]) -> Vec<LimitChange> {
    let mut changes: Vec<LimitChange> = Vec::new();
    for section in side.sections("limit_changes") {
        let Some(change) = change(section, limits, &changes) else { continue };
        changes.push(change);
    }
    changes
}

fn change(section: Section<'_>, limits: &[Limit], before: &[LimitChange]) -> Option<LimitChange> {
    let help = "say when, counted from the beginning of the run: at = \"30 min\"";
    let at = section.need("at", &Duration(Span::ZERO), help).map(|span| Moment::START + span);
    let name = section.need("limit", &Words, "name the limit that changes: limit = \"...\"");
    let help = "say what its numbers are multiplied by: factor = 0.5 halves them, 1 restores them";
    let factor = section.need("factor", &Factor, help);
    let found = name.as_ref().and_then(|name| limits.iter().find(|limit| limit.name == *name));
    if let (Some(name), None) = (&name, found) {
        let names: Vec<&str> = limits.iter().map(|limit| limit.name.as_str()).collect();
        let help = if names.is_empty() {
            "write the limit down in `limits` first".to_owned()
        } else {
            suggestion(name, &names)
        };
        section.report("limit", "no such limit", format!("this side has no limit `{name}`"), help);
    }
    if let (Some(at), Some(limit)) = (at, found)
        && before.iter().any(|change| change.at == at && change.limit.name == limit.name)
    {
        let message = format!("the limit `{}` changes twice at the same time", limit.name);
        section.report("at", "again", message, "leave one of the changes out, or give it another time");
    }
    section.finish();
    let (at, limit, factor) = (at?, found?, factor?);
    Some(LimitChange { at, limit: Limit { rule: limit.rule.times(factor), ..limit.clone() } })
}
