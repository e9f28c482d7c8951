//! `limit_changes` of a side: limits and policies that have other numbers from a time of the run on.

use mock_server::throttle::change::{LimitChange, PolicyChange};
use mock_server::throttle::limit::Limit;
use mock_server::throttle::policy::Policy;
use mock_server::time::{Moment, Span};

use crate::scenario::kind::{Duration, Factor, Words, suggestion};
use crate::scenario::section::Section;

/// What a change is of.
enum Changed {
    Limit(LimitChange),
    Policy(PolicyChange),
}

/// The changes of limits and those of policies.
pub(crate) fn read(side: &Section<'_>, limits: &[Limit], policies: &[Policy]) -> (Vec<LimitChange>, Vec<PolicyChange>) {
    let (mut of_limits, mut of_policies) = (Vec::new(), Vec::new());
    let mut before = Vec::new();
    for section in side.sections("limit_changes") {
        match change(section, limits, policies, &mut before) {
            Some(Changed::Limit(change)) => of_limits.push(change),
            Some(Changed::Policy(change)) => of_policies.push(change),
            None => {}
        }
    }
    (of_limits, of_policies)
}

fn change(
    section: Section<'_>,
    limits: &[Limit],
    policies: &[Policy],
    before: &mut Vec<(Moment, String)>,
) -> Option<Changed> {
    let help = "say when, counted from the beginning of the run: at = \"30 min\"";
    let at = section.need("at", &Duration(Span::ZERO), help).map(|span| Moment::START + span);
    let name = section.need("limit", &Words, "name the limit or policy that changes: limit = \"...\"");
    let help = "say what its numbers are multiplied by: factor = 0.5 halves them, 1 restores them";
    let factor = section.need("factor", &Factor, help);
    let limit = name.as_ref().and_then(|name| limits.iter().find(|limit| limit.name == *name));
    let policy = name.as_ref().and_then(|name| policies.iter().find(|policy| policy.name == *name));
    if let (Some(name), None, None) = (&name, limit, policy) {
        let names = limits.iter().map(|limit| limit.name.as_str());
        let names: Vec<&str> = names.chain(policies.iter().map(|policy| policy.name.as_str())).collect();
        let help = if names.is_empty() {
            "write the limit down in `limits` or `policies` first".to_owned()
        } else {
            suggestion(name, &names)
        };
        section.report("limit", "no such limit", format!("this side has no limit or policy `{name}`"), help);
    }
    if let (Some(_), Some(_), Some(name)) = (limit, policy, &name) {
        let message = format!("there is a limit `{name}` and a policy of the same name");
        section.report("limit", "which of them", message, "give one of them another name");
    }
    if let (Some(at), Some(name)) = (at, &name) {
        if before.iter().any(|(moment, other)| *moment == at && other == name) {
            let message = format!("the limit `{name}` changes twice at the same time");
            section.report("at", "again", message, "leave one of the changes out, or give it another time");
        }
        before.push((at, name.clone()));
    }
    section.finish();
    let (at, factor) = (at?, factor?);
    if let Some(limit) = limit {
        return Some(Changed::Limit(LimitChange {
            at,
            limit: Limit { rule: limit.rule.times(factor), ..limit.clone() },
        }));
    }
    let policy = policy?;
    let policy = Policy { meter: policy.meter.times(factor), ..policy.clone() };
    Some(Changed::Policy(PolicyChange { at, policy }))
}
