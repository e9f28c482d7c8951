//! Published policies by name, each number with its source.
//!
//! "Graph limits page" is "Microsoft Graph service-specific throttling limits"
//! (learn.microsoft.com/graph/throttling-limits, text of 2025-01-14), "EWS throttling page" is "EWS throttling in
//! Exchange" (learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-throttling-in-exchange), "store
//! limits page" is "Limits to the Managed Store" (learn.microsoft.com/exchange/managed-store-limits), "hybrid
//! performance page" is "Exchange hybrid migration performance best practices"
//! (learn.microsoft.com/exchange/exchange-hybrid/performance-best-practices).

use super::announce::{Announce, Wait};
use super::asked::OF_DIRECTORY;
use super::sharing::Sharing;
use super::unit::Unit;
use super::{Meter, Policy};
use crate::throttle::preset::MEGABYTE;
use crate::time::Span;
use crate::wire::call::Protocol;
use crate::wire::operation::Operation;
use crate::wire::refusal::RefusalKind;

/// What a client is told that has too many sync calls in progress (seen against Exchange Online in 2024: "Suggested
/// backoff time 5000 ms", github.com/mustang-im/mustang/issues/121).
pub const SYNC_WAIT: Span = Span::seconds(5);

/// The longest that an EWS batch may run (EWS throttling page: one minute).
pub const LONGEST_BATCH: Span = Span::seconds(60);

/// Calls that synchronize.
const SYNC: [Operation; 2] = [Operation::SyncItems, Operation::SyncFolders];

/// Calls that store whole items.
const IMPORT: [Operation; 4] =
    [Operation::UploadItems, Operation::ImportItem, Operation::CreateMessage, Operation::CreateItems];

/// The presets: name, what it is, where its numbers come from.
pub const NAMES: &[(&str, &str, &str)] = &[
    (
        "entra-small",
        "identity limits of a tenant below 50 users: 3,500 resource units in 10 s per app and tenant, and the shared ones",
        "Microsoft Graph limits page, identity and access; a token bucket of one span is assumed",
    ),
    (
        "entra-medium",
        "identity limits of a tenant of 50 to 500 users: 5,000 resource units in 10 s per app and tenant, and the shared \
         ones",
        "Microsoft Graph limits page, identity and access; a token bucket of one span is assumed",
    ),
    (
        "entra-large",
        "identity limits of a tenant above 500 users: 8,000 resource units in 10 s per app and tenant, and the shared ones",
        "Microsoft Graph limits page, identity and access; a token bucket of one span is assumed",
    ),
    (
        "graph-global",
        "per app over all tenants: 130,000 requests in 10 s",
        "Microsoft Graph limits page, 2024-06-19 and 2025-01-14",
    ),
    (
        "ews-online-whole",
        "per app and mailbox: 27 requests at once, 5 sync calls at once, 10 hanging connections, 30 sent messages a \
         minute, and a budget that is checked after each item of a batch of at most a minute",
        "Microsoft EWS throttling page (27, 10, 30, one minute); 5 sync calls and their back-off as seen in the field; \
         the budget's numbers are assumed (burst 300,000 ms, recharge 900,000 ms an hour, cutoff 3,000,000 ms)",
    ),
    ("ews-2010", "per app and mailbox: 10 requests at once", "Microsoft EWS throttling page (Exchange 2010)"),
    ("ews-hanging-2013", "per mailbox: 3 hanging connections", "Microsoft EWS throttling page (Exchange 2013)"),
    (
        "store",
        "per user and database: 16 sessions; per database: 50 threads",
        "Microsoft store limits page (Exchange 2016 and 2019); the back-off is assumed (1 s)",
    ),
    (
        "mrs-proxy",
        "per server: 100 connections",
        "Microsoft hybrid performance page (MRSMaxConnections); the back-off is assumed (30 s, RetryDelay of the 2010 \
         configuration)",
    ),
    (
        "import-rate",
        "per mailbox: 150 MB of imports in 5 minutes",
        "third parties quoting Microsoft's support portal; MB is read as 1,000,000 bytes, the refusal is assumed",
    ),
    (
        "pst-import",
        "for everybody: about 24 GB of imports a day",
        "Stellar (third party), not guaranteed by Microsoft; a token bucket of one hour is assumed",
    ),
];

/// The policies of a preset; none if there is no such name.
#[must_use]
pub fn named(name: &str) -> Option<Vec<Policy>> {
    let policies = match name {
        "entra-small" => entra(3_500),
        "entra-medium" => entra(5_000),
        "entra-large" => entra(8_000),
        "graph-global" => graph_global(),
        "ews-online-whole" => ews_online_whole(),
        "ews-2010" => vec![of_ews(lanes("ews-2010-concurrency", 10, Sharing::APP_MAILBOX, Span::ZERO))],
        "ews-hanging-2013" => vec![of_ews(hanging("ews-2013-hanging", 3))],
        "store" => store(),
        "mrs-proxy" => vec![lanes("mrs-proxy-connections", 100, Sharing::SERVER, Span::seconds(30))],
        "import-rate" => import_rate(),
        "pst-import" => pst_import(),
        _ => return None,
    };
    Some(policies)
}

/// The source of a policy: that of the smallest preset that has it; empty for a policy of one's own.
#[must_use]
pub fn source_of(policy: &Policy) -> &'static str {
    NAMES
        .iter()
        .filter_map(|(name, _, source)| Some((named(name)?, source)))
        .filter(|(policies, _)| policies.contains(policy))
        .min_by_key(|(policies, _)| policies.len())
        .map_or("", |(_, source)| source)
}

/// The limits of identity and access (Graph limits page): resource units per app and tenant in 10 s, which depend on the
/// size of the tenant; 3,000 writes per app and tenant in 2.5 minutes; 150,000 resource units in 20 s and 70,000 writes
/// in 5 minutes per app over all tenants; 18,000 writes in 5 minutes per tenant.
#[must_use]
pub fn entra(units: u64) -> Vec<Policy> {
    let bucket = |name, unit, most, per, sharing| {
        let meter = Meter::Bucket { unit, burst: most, refill: most, per };
        let mut policy = Policy::new(name, meter, sharing, RefusalKind::AppLimit);
        policy.concerns.operations = OF_DIRECTORY.to_vec();
        policy.concerns.protocols = vec![Protocol::Graph];
        policy
    };
    let (per_app, minutes) = (Sharing::APP_TENANT, Span::seconds(300));
    vec![
        bucket("entra-app-tenant", Unit::ResourceUnits, units, Span::seconds(10), per_app),
        bucket("entra-app-tenant-writes", Unit::Writes, 3_000, Span::seconds(150), per_app),
        bucket("entra-app", Unit::ResourceUnits, 150_000, Span::seconds(20), Sharing::APP),
        bucket("entra-app-writes", Unit::Writes, 70_000, minutes, Sharing::APP),
        bucket("entra-tenant-writes", Unit::Writes, 18_000, minutes, Sharing::TENANT),
    ]
}

/// The global limit of Microsoft Graph, which an app has over all tenants.
#[must_use]
pub fn graph_global() -> Vec<Policy> {
    let meter = Meter::Sliding { unit: Unit::Requests, most: 130_000, per: Span::seconds(10) };
    let mut policy = Policy::new("graph-global-app", meter, Sharing::APP, RefusalKind::AppLimit);
    policy.concerns.protocols = vec![Protocol::Graph];
    vec![policy]
}

/// Everything that the EWS throttling page lists for Exchange Online. A caller has a budget for each mailbox that it
/// impersonates.
#[must_use]
pub fn ews_online_whole() -> Vec<Policy> {
    let mut sync = lanes("ews-sync-concurrency", 5, Sharing::APP_MAILBOX, SYNC_WAIT);
    sync.concerns.operations = SYNC.to_vec();
    sync.refusal = RefusalKind::ServerBusy;
    let meter = Meter::Sliding { unit: Unit::Requests, most: 30, per: Span::seconds(60) };
    let mut sending = Policy::new("ews-message-rate", meter, Sharing::MAILBOX, RefusalKind::ServerBusy);
    sending.concerns.operations = vec![Operation::SendItems];
    let meter = Meter::Budget {
        burst: Span::milliseconds(300_000),
        recharge_per_hour: Span::milliseconds(900_000),
        cutoff: Span::milliseconds(3_000_000),
        longest_batch: Some(LONGEST_BATCH),
    };
    let budget = Policy::new("ews-budget-by-item", meter, Sharing::APP_MAILBOX, RefusalKind::ServerBusy);
    let at_once = lanes("ews-max-concurrency", 27, Sharing::APP_MAILBOX, Span::ZERO);
    [at_once, sync, hanging("ews-hanging", 10), sending, budget].map(of_ews).to_vec()
}

fn of_ews(mut policy: Policy) -> Policy {
    policy.concerns.protocols = vec![Protocol::Ews];
    policy
}

fn store() -> Vec<Policy> {
    let user = Sharing { user: true, mailbox: true, ..Sharing::DATABASE };
    let mut threads = lanes("store-threads", 50, Sharing::DATABASE, Span::seconds(1));
    threads.refusal = RefusalKind::ServerBusy;
    vec![lanes("store-sessions", 16, user, Span::seconds(1)), threads]
}

fn import_rate() -> Vec<Policy> {
    let meter = Meter::Sliding { unit: Unit::Bytes, most: 150 * MEGABYTE, per: Span::seconds(300) };
    let mut policy = Policy::new("import-rate-mailbox", meter, Sharing::MAILBOX, RefusalKind::ServerBusy);
    policy.concerns.operations = IMPORT.to_vec();
    policy.refused_count = false;
    vec![policy]
}

fn pst_import() -> Vec<Policy> {
    let (hour, gigabyte) = (Span::seconds(3_600), 1_000 * MEGABYTE);
    let meter = Meter::Bucket { unit: Unit::Bytes, burst: gigabyte, refill: gigabyte, per: hour };
    let mut policy = Policy::new("pst-import-rate", meter, Sharing::EVERYBODY, RefusalKind::ServerBusy);
    policy.concerns.operations = IMPORT.to_vec();
    policy.refused_count = false;
    vec![policy]
}

/// Calls in progress; a refusal always announces the same wait.
fn lanes(name: &str, most: u32, sharing: Sharing, wait: Span) -> Policy {
    let mut policy = Policy::new(name, Meter::Lanes { most }, sharing, RefusalKind::ConnectionCount);
    policy.announce = Announce::of(Wait::Constant(wait));
    policy
}

/// Connections that stay open for notifications (EWS throttling page, `HangingConnectionLimit`).
fn hanging(name: &str, most: u32) -> Policy {
    let mut policy = lanes(name, most, Sharing::MAILBOX, Span::ZERO);
    policy.concerns.operations = vec![Operation::GetEvents];
    policy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_preset_exists_and_names_its_policies_once() {
        for (name, description, source) in NAMES {
            let policies = named(name).unwrap_or_else(|| panic!("{name} is listed but unknown"));
            assert!(!policies.is_empty() && !description.is_empty() && !source.is_empty(), "{name}");
            let mut names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), policies.len(), "{name}");
            assert!(policies.iter().all(|policy| policy.refusal.is_throttle()), "{name}");
            assert!(policies.iter().all(|policy| !source_of(policy).is_empty()), "{name}");
        }
        assert_eq!(named("no-such-preset"), None);
    }
}
