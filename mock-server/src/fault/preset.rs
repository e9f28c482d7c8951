//! Known traps of the service by name, each with its source. Rates, lengths and delays are assumed throughout: nobody
//! publishes how often these things happen.

use super::also::{Also, Bursts};
use super::rule::{Act, FaultRule, Match};
use super::trick::{Door, Saying, Trick, Words};
use crate::draw::Distribution;
use crate::time::Span;
use crate::wire::call::Protocol;
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, ItemErrorKind, RefusalKind};

/// The presets: name, what it is, where it was seen.
pub const NAMES: &[(&str, &str, &str)] = &[
    (
        "zero-back-off",
        "EWS says `Suggested backoff time 0 ms` to 2% of calls",
        "seen in the field (policy part MaxConcurrency; question on Microsoft Q&A, 2023-04)",
    ),
    (
        "slow-refusal",
        "2% of calls are throttled, and the answer that says so takes 20 s itself",
        "assumed; seen wherever a service queues before it refuses",
    ),
    (
        "refused-again",
        "2% of requests are refused with a wait of 10 s, and once more after it",
        "Microsoft Graph throttling page: usage is recorded while throttled, so a wait may not be enough",
    ),
    (
        "no-wait",
        "2% of calls are throttled without a Retry-After",
        "Microsoft Graph throttling and limits pages: some services never send it",
    ),
    ("lying-wait", "2% of requests are refused three times in a row, each time with a wait of 1 s", "assumed"),
    (
        "unknown-error",
        "2% of calls are throttled with code UnknownError and no message",
        "learn.microsoft.com/archive/blogs/deva (2018)",
    ),
    (
        "delta-expired",
        "1% of syncs that continue from a state are told to start over",
        "Microsoft Graph delta query and error responses: 410; EWS ErrorInvalidSyncStateData",
    ),
    ("shuffled-pages", "5% of sync pages list their changes newest first", "assumed; delta query promises no order"),
    (
        "omitted-items",
        "exports leave out 0.5% of the items without a word",
        "CIPP (third-party production code): multi-item exports silently omitted items",
    ),
    (
        "item-busy",
        "0.5% of the items of a call are answered with ErrorServerBusy or 429 of their own",
        "Microsoft EWS throttling page, error table; Microsoft Graph JSON batching",
    ),
    (
        "mailbox-moved",
        "2% of mailboxes are being moved for 10 minutes at a time, 5% of the time",
        "EWS ResponseCode ErrorMailboxMoveInProgress",
    ),
    (
        "mailbox-locked",
        "2% of mailboxes are locked for 5 minutes at a time, 5% of the time",
        "EWS ResponseCode ErrorMailboxStoreUnavailable; TotalStalledDueToMailboxLockedDuration of move reports",
    ),
    (
        "quota-exceeded",
        "1% of mailboxes are full: nothing can be stored in them",
        "Microsoft Graph error responses (507); EWS ErrorQuotaExceeded",
    ),
    (
        "server-down",
        "2% of the time the server is down, for 5 minutes at a time",
        "Microsoft Graph error responses (503)",
    ),
    (
        "gateway-timeout",
        "1% of listings take 30 s and end in 504",
        "Microsoft Graph delta query page: 504 for pages of hundreds of messages with full payload",
    ),
    ("twice", "0.5% of requests are delivered twice", "assumed; at-least-once delivery of gateways"),
    (
        "clock-skew",
        "the server's clock is 7 minutes ahead in half of its answers",
        "assumed; beyond the 5 minutes that Kerberos and many token checks allow",
    ),
    (
        "stale-token",
        "1% of tokens are stale after a second, and 0.5% of calls find theirs expired",
        "assumed; Microsoft Graph error responses (401 InvalidAuthenticationToken)",
    ),
    ("front-door", "1% of connections are refused and 1% fail in the TLS handshake", "assumed"),
    (
        "broken-answers",
        "1% of answers each are malformed, empty, shorter than announced, or come in drops over 20 s",
        "assumed",
    ),
];

/// The rules of a preset; none if there is no such name.
#[must_use]
pub fn named(name: &str) -> Option<Vec<FaultRule>> {
    let some = |rate| Match { rate, ..Match::default() };
    let rules = match name {
        "zero-back-off" => {
            let also = Also { protocols: vec![Protocol::Ews], ..Also::default() };
            let act = refuse(RefusalKind::ConnectionCount, Some(Span::ZERO));
            vec![rule(name, Match { also, ..some(0.02) }, act)]
        }
        "slow-refusal" => {
            let late = Distribution::LogNormal { median: Span::seconds(20), sigma: 0.3 };
            vec![rule(name, some(0.02), say(Words::Usual, RefusalKind::RequestLimit, Some(10), Some(late)))]
        }
        "refused-again" => in_a_row(name, 2, Span::seconds(10)),
        "lying-wait" => in_a_row(name, 3, Span::seconds(1)),
        "no-wait" => vec![rule(name, some(0.02), refuse(RefusalKind::RequestLimit, None))],
        "unknown-error" => vec![rule(name, some(0.02), say(Words::Unknown, RefusalKind::AppLimit, None, None))],
        "delta-expired" => vec![rule(name, of(&SYNC, 0.01), Act::Trick(Trick::Expired))],
        "shuffled-pages" => vec![rule(name, of(&[Operation::SyncItems], 0.05), Act::Trick(Trick::Shuffled))],
        "omitted-items" => {
            let error = ItemError { kind: ItemErrorKind::Omitted, retry_after: None };
            vec![rule(name, of(&[Operation::ExportItems], 0.005), Act::FailItem(error))]
        }
        "item-busy" => {
            let error = ItemError { kind: ItemErrorKind::Busy, retry_after: Some(Span::seconds(10)) };
            vec![rule(name, some(0.005), Act::FailItem(error))]
        }
        "mailbox-moved" => away(name, 600, Words::MailboxMoved),
        "mailbox-locked" => away(name, 300, Words::MailboxLocked),
        "quota-exceeded" => {
            let also = Also { cohort: Some(0.01), ..Also::default() };
            let act = say(Words::QuotaExceeded, RefusalKind::OtherStatus, None, None);
            vec![rule(name, Match { also, ..of(&STORE, 1.0) }, act)]
        }
        "server-down" => {
            let bursts = Some(Bursts { length: Span::seconds(300), share: 0.02, by_mailbox: false });
            let also = Also { bursts, ..Also::default() };
            vec![rule(name, Match { also, ..some(1.0) }, refuse(RefusalKind::Unavailable, Some(Span::seconds(60))))]
        }
        "gateway-timeout" => {
            let late = Distribution::Constant(Span::seconds(30));
            vec![rule(name, of(&LIST, 0.01), say(Words::Usual, RefusalKind::GatewayError, None, Some(late)))]
        }
        "twice" => vec![rule(name, some(0.005), Act::Trick(Trick::Twice))],
        "clock-skew" => {
            vec![rule(name, some(0.5), Act::Trick(Trick::Skew { by: Span::seconds(420), ahead: true }))]
        }
        "stale-token" => vec![
            rule("stale-token", some(0.01), Act::ShortenToken(Span::seconds(1))),
            rule("token-expired", some(0.005), Act::ExpireToken),
        ],
        "front-door" => vec![
            rule("front-door-refused", some(0.01), Act::Unreachable(Door::Refused)),
            rule("front-door-tls", some(0.01), Act::Unreachable(Door::Tls)),
        ],
        "broken-answers" => vec![
            rule("broken-malformed", some(0.01), Act::Trick(Trick::Malformed)),
            rule("broken-empty", some(0.01), Act::Trick(Trick::Empty)),
            rule("broken-length", some(0.01), Act::Trick(Trick::WrongLength)),
            rule("broken-drip", some(0.01), Act::Trick(Trick::Drip(Distribution::Constant(Span::seconds(20))))),
        ],
        _ => return None,
    };
    Some(rules)
}

/// Calls that continue from a state.
const SYNC: [Operation; 2] = [Operation::SyncItems, Operation::SyncFolders];

/// Calls that list.
const LIST: [Operation; 4] =
    [Operation::FindFolders, Operation::SyncItems, Operation::FindItems, Operation::FindMessages];

/// Calls that store.
const STORE: [Operation; 6] = [
    Operation::ImportItem,
    Operation::UploadItems,
    Operation::CreateMessage,
    Operation::CreateItems,
    Operation::SendItems,
    Operation::CopyItems,
];

fn rule(name: &str, matches: Match, act: Act) -> FaultRule {
    FaultRule { name: name.to_owned(), matches, act }
}

fn of(operations: &[Operation], rate: f64) -> Match {
    Match { operations: operations.to_vec(), rate, ..Match::default() }
}

fn refuse(kind: RefusalKind, retry_after: Option<Span>) -> Act {
    Act::Refuse { kind, status: kind.usual_status(), retry_after }
}

fn say(words: Words, kind: RefusalKind, wait: Option<u64>, late: Option<Distribution>) -> Act {
    let status = if words == Words::Usual { kind.usual_status() } else { words.usual().1 };
    let status = if kind == RefusalKind::GatewayError { 504 } else { status };
    Act::Say(Saying { kind, status, retry_after: wait.map(Span::seconds), words, late })
}

/// The same requests are refused so often in a row.
fn in_a_row(name: &str, times: u32, wait: Span) -> Vec<FaultRule> {
    let also = Also { whole_request: true, ..Also::default() };
    let matches = Match { rate: 0.02, attempts_below: Some(times), also, ..Match::default() };
    vec![rule(name, matches, refuse(RefusalKind::RequestLimit, Some(wait)))]
}

/// Some mailboxes are away for so many seconds at a time.
fn away(name: &str, seconds: u64, words: Words) -> Vec<FaultRule> {
    let bursts = Some(Bursts { length: Span::seconds(seconds), share: 0.05, by_mailbox: true });
    let also = Also { cohort: Some(0.02), bursts, ..Also::default() };
    vec![rule(name, Match { also, ..Match::default() }, say(words, RefusalKind::Unavailable, Some(60), None))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_preset_exists_and_has_rules_of_different_names() {
        for (name, description, source) in NAMES {
            let rules = named(name).unwrap_or_else(|| panic!("{name} is listed but unknown"));
            assert!(!rules.is_empty() && !description.is_empty() && !source.is_empty(), "{name}");
            let mut names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), rules.len(), "{name}");
        }
        assert_eq!(named("no-such-preset"), None);
    }
}
