//! Published limits by name, each number with its source.
//!
//! "Graph limits page" is "Microsoft Graph service-specific throttling limits"
//! (learn.microsoft.com/graph/throttling-limits, text of 2025-01-14), "Graph throttling page" is "Microsoft Graph
//! throttling guidance" (learn.microsoft.com/graph/throttling), "EWS throttling page" is "EWS throttling in Exchange"
//! (learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-throttling-in-exchange). Every field of a
//! limit can be changed after it was made; what is contested says so and has a preset for the other reading. Limits of
//! Graph count calls of Graph, and limits of EWS calls of EWS.

use super::limit::{Limit, Rule, Scope};
use super::policy::asked::OF_DIRECTORY;
use crate::time::Span;
use crate::wire::call::Protocol;
use crate::wire::operation::Operation;
use crate::wire::refusal::RefusalKind;

/// Bytes in the megabyte of the Outlook upload limit. The Graph limits page writes "150 megabytes (MB)" and does not
/// say which; the decimal one is assumed, which is the stricter by 4.9%.
pub const MEGABYTE: u64 = 1_000_000;

/// What Graph announces as the wait when too many requests of a mailbox are in progress. Not documented for this limit;
/// assumed to be that of the sample answer on the Graph throttling page.
pub const CONCURRENCY_WAIT: Span = Span::seconds(10);

/// The presets: name, what it is, where its numbers come from.
pub const NAMES: &[(&str, &str, &str)] = &[
    (
        "outlook",
        "per app and mailbox: 10,000 requests in 10 minutes, 4 requests at once, 150 MB of uploads in 5 minutes",
        "Microsoft Graph limits page; the scope of the 4 is contested, MB is read as 1,000,000 bytes, the announced \
         wait of the 4 is assumed (10 s)",
    ),
    (
        "outlook-app-concurrency",
        "as outlook, but the 4 requests at once are shared by all mailboxes of an app",
        "Microsoft Graph limits page, wording of 2023-24, withdrawn on 2024-09-30 as incorrect",
    ),
    (
        "graph-global",
        "per app: 130,000 requests in 10 seconds",
        "Microsoft Graph limits page, 2024-06-19 and 2025-01-14",
    ),
    (
        "graph-global-2000",
        "per app: 2,000 requests in 1 second",
        "Microsoft Graph limits page, wording before 2024-06-19",
    ),
    ("graph", "graph-global, then outlook", "as for both; the order is assumed (each request is checked against all)"),
    ("exchange-online", "graph for calls of Graph, ews-online for calls of EWS", "as for both"),
    (
        "ews-online",
        "per app and mailbox: 27 requests at once; a budget of 300 s service time, 900 s more each hour, cutoff 3,000 s",
        "EWS throttling page (27, contested: see ews-online-16); the budget's numbers are widely quoted for Exchange \
         Server 2013-2019 and unconfirmed, those of Exchange Online are not published",
    ),
    (
        "ews-online-16",
        "as ews-online, but 16 requests at once",
        "a statement of the product group passed on in a proposed change to the EWS throttling page (2025-04-04), \
         closed without answer",
    ),
    (
        "ews-import",
        "per mailbox: 150 MB of EWS uploads in 5 minutes, which a relaxed EWS policy does not lift",
        "third parties quoting Microsoft's support portal; MB is read as 1,000,000 bytes, the refusal is assumed",
    ),
];

/// The limits of a preset; none if there is no such name.
#[must_use]
pub fn named(name: &str) -> Option<Vec<Limit>> {
    let limits = match name {
        "outlook" => outlook(),
        "outlook-app-concurrency" => outlook_with_concurrency_of(Scope::App),
        "graph-global" => graph_global(),
        "graph-global-2000" => vec![app_requests(2_000, Span::seconds(1))],
        "graph" => graph(),
        "exchange-online" => exchange_online(),
        "ews-online" => ews_online(),
        "ews-online-16" => ews_online_with_concurrency(16),
        "ews-import" => ews_import(),
        _ => return None,
    };
    Some(limits)
}

/// The limits that somebody chose by name on a command line; `none` is no limit.
///
/// # Errors
///
/// If there is no such name: a sentence with those that there are.
pub fn chosen(name: &str) -> Result<Vec<Limit>, String> {
    if name == "none" {
        return Ok(Vec::new());
    }
    let known = || NAMES.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
    named(name).ok_or_else(|| format!("known presets are none, {}", known()))
}

/// The Outlook service limits of Microsoft Graph, with the concurrency limit per app and mailbox.
///
/// Its scope is contested: the wording of 2018 and 2021 and the text of the refusal ("`MailboxConcurrency`") say app and
/// mailbox, the Graph limits page of 2023-24 said app. See [`outlook_with_concurrency_of`].
#[must_use]
pub fn outlook() -> Vec<Limit> {
    outlook_with_concurrency_of(Scope::AppMailbox)
}

/// The Outlook service limits of Microsoft Graph, with a scope of one's own for the concurrency limit.
///
/// All numbers are from the Graph limits page, which lists the resources of the Outlook service: mail, calendars, contacts,
/// settings and the like, but no users. That refused requests count against the request limit is from the Graph
/// throttling page ("usage is recorded while throttled").
#[must_use]
pub fn outlook_with_concurrency_of(scope: Scope) -> Vec<Limit> {
    vec![
        of_outlook(
            "outlook-requests",
            Rule::Requests { count: 10_000, per: Span::seconds(600), refused_count: true },
            Scope::AppMailbox,
            RefusalKind::RequestLimit,
        ),
        of_outlook(
            "outlook-concurrency",
            Rule::Concurrency { lanes: 4, retry_after: CONCURRENCY_WAIT },
            scope,
            RefusalKind::ConcurrencyLimit,
        ),
        of_outlook(
            "outlook-upload",
            Rule::UploadBytes { bytes: 150 * MEGABYTE, per: Span::seconds(300) },
            Scope::AppMailbox,
            RefusalKind::UploadLimit,
        ),
    ]
}

/// The global limit of Microsoft Graph: 130,000 requests in 10 seconds for each app over all tenants (Graph limits page,
/// 2024-06-19 and 2025-01-14; before that 2,000 requests a second).
#[must_use]
pub fn graph_global() -> Vec<Limit> {
    vec![app_requests(130_000, Span::seconds(10))]
}

/// The global limit, then the Outlook limits. The Graph limits page says that each request is checked against all of
/// them and the first one reached throttles; that the global one comes first is assumed.
#[must_use]
pub fn graph() -> Vec<Limit> {
    [graph_global(), outlook()].concat()
}

/// What Exchange Online holds clients to, each by the protocol that it speaks.
#[must_use]
pub fn exchange_online() -> Vec<Limit> {
    [graph(), ews_online()].concat()
}

/// The EWS limits of Exchange Online: 27 requests at once (EWS throttling page, `EWSMaxConcurrency`; contested, see
/// [`ews_online_with_concurrency`]) and a budget of service time.
///
/// The budget's numbers are assumed: burst 300,000 ms, recharge 900,000 ms an hour and cutoff 3,000,000 ms are widely
/// quoted as defaults of Exchange Server 2013-2019 but not confirmed by any source, and Exchange Online publishes none.
#[must_use]
pub fn ews_online() -> Vec<Limit> {
    ews_online_with_concurrency(27)
}

/// The EWS limits of Exchange Online with another number of requests at once; 16 was reported in 2025 in a proposed
/// change to the EWS throttling page that was closed without answer.
///
/// Both limits apply per app and mailbox: with impersonation a service account has a budget for each mailbox (EWS
/// throttling page). The concurrency refusal announces no wait ("suggested backoff time 0 ms", seen in the field).
#[must_use]
pub fn ews_online_with_concurrency(lanes: u32) -> Vec<Limit> {
    vec![
        of_ews(
            "ews-concurrency",
            Rule::Concurrency { lanes, retry_after: Span::ZERO },
            Scope::AppMailbox,
            RefusalKind::ConnectionCount,
        ),
        of_ews(
            "ews-budget",
            Rule::Budget {
                burst: Span::milliseconds(300_000),
                recharge_per_hour: Span::milliseconds(900_000),
                cutoff: Span::milliseconds(3_000_000),
            },
            Scope::AppMailbox,
            RefusalKind::ServerBusy,
        ),
    ]
}

/// The limit on EWS imports that stays when a tenant's EWS policy is relaxed: 150 MB in 5 minutes for each mailbox
/// (third parties quoting Microsoft's support portal). That it is refused like a spent budget is assumed.
#[must_use]
pub fn ews_import() -> Vec<Limit> {
    vec![of_ews(
        "ews-import",
        Rule::UploadBytes { bytes: 150 * MEGABYTE, per: Span::seconds(300) },
        Scope::Mailbox,
        RefusalKind::ServerBusy,
    )]
}

fn app_requests(count: u64, per: Span) -> Limit {
    let rule = Rule::Requests { count, per, refused_count: true };
    of_graph("graph-global", rule, Scope::App, RefusalKind::AppLimit)
}

fn of_graph(name: &str, rule: Rule, scope: Scope, refusal: RefusalKind) -> Limit {
    limit(Protocol::Graph, name, rule, scope, refusal)
}

/// A limit of the Outlook service. The directory is another service, with limits of its own.
fn of_outlook(name: &str, rule: Rule, scope: Scope, refusal: RefusalKind) -> Limit {
    let operations = Operation::ALL.into_iter().filter(|operation| !OF_DIRECTORY.contains(operation)).collect();
    Limit { operations, ..of_graph(name, rule, scope, refusal) }
}

fn of_ews(name: &str, rule: Rule, scope: Scope, refusal: RefusalKind) -> Limit {
    limit(Protocol::Ews, name, rule, scope, refusal)
}

fn limit(protocol: Protocol, name: &str, rule: Rule, scope: Scope, refusal: RefusalKind) -> Limit {
    let (operations, protocols) = (Vec::new(), vec![protocol]);
    Limit { name: name.to_owned(), rule, scope, operations, protocols, refusal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_preset_exists_and_names_its_limits_once() {
        for (name, description, source) in NAMES {
            let limits = named(name).unwrap_or_else(|| panic!("{name} is listed but unknown"));
            assert!(!limits.is_empty() && !description.is_empty() && !source.is_empty(), "{name}");
            let mut names: Vec<&str> = limits.iter().map(|limit| limit.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), limits.len(), "{name}");
            assert!(limits.iter().all(|limit| limit.refusal.is_throttle()), "{name}");
        }
        assert_eq!(named("no-such-preset"), None);
    }

    #[test]
    fn the_contested_readings_differ_in_the_contested_number_only() {
        let [strict, default] = ["outlook-app-concurrency", "outlook"].map(|name| named(name).expect("listed"));
        let differing: Vec<_> = strict.iter().zip(&default).filter(|(one, other)| one != other).collect();
        assert_eq!(differing.len(), 1);
        assert_eq!(differing[0].0.scope, Scope::App);
        assert_eq!(differing[0].1.scope, Scope::AppMailbox);
    }
}
