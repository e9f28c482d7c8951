//! `[pipeline]`: how the pipeline works.

use mock_server::throttle::limit::{Limit, Rule, Scope};
use mock_server::throttle::policy::asked::OF_DIRECTORY;
use mock_server::time::Span;
use mock_server::wire::call::Protocol;
use mock_server::wire::operation::Operation;

use crate::scenario::kind::{Choice, Count, CountPer, Data, DataPer, Duration, Share};
use crate::scenario::plan::{BatchPlan, Order, PacePlan, PipelinePlan, RetryPlan, SidePlan, Verify};
use crate::scenario::section::{Otherwise, Section};
use crate::scenario::unit::{rate, time};

const ORDERS: Choice<Order> = Choice(&[
    ("heaviest-first", Order::HeaviestFirst),
    ("lightest-first", Order::LightestFirst),
    ("as-drawn", Order::AsDrawn),
]);

const VERIFY: Choice<Verify> = Choice(&[("counts", Verify::Counts), ("fingerprint", Verify::Fingerprint)]);

pub(crate) fn read(section: Section<'_>, source: &SidePlan, target: &SidePlan) -> PipelinePlan {
    let lanes = section.or("lanes", &Count(1..=1_000_000), Otherwise::default(32, "assumed: a small set of workers"));
    let note = "Microsoft Graph limits page: 4 requests at once per app and mailbox";
    let requests_per_mailbox = section.or("requests_per_mailbox", &Count(1..=16), Otherwise::default(4, note));
    let default =
        Otherwise::default(lanes.min(target.server.switch.places), "as many as lanes and the target's places allow");
    let open_switches = section.or("open_switches", &Count(1..=1_000_000), default);
    if open_switches > lanes {
        let message = format!("{open_switches} open switches need as many lanes, but there are {lanes}");
        let help = "a lane stays with its mailbox through the switch: raise `lanes` or lower `open_switches`";
        section.contradict(&["open_switches", "lanes"], "more than `lanes`", message, help);
    }
    let duration = |key, span, note| section.or(key, &Duration(Span::milliseconds(1)), Otherwise::default(span, note));
    let poll_interval = duration("poll_interval", Span::seconds(15), "assumed: often enough for a step of minutes");
    let patience =
        duration("patience", Span::seconds(100), "assumed: the time-out that HTTP clients commonly come with");
    let retry = retry(section.section("retry"));
    let batch = batch(section.section("batch"), source, target);
    let pace = pace(section.section("pace"), &target.server.limits, target.protocol);
    let note = "New-MoveRequest: up to 10 is advised for on-premises moves";
    let limit = |key| section.or(key, &Count(0..=u32::MAX), Otherwise::default(10, note));
    let bad_item_limit = limit("bad_item_limit");
    let large_item_limit = limit("large_item_limit");
    let default = Otherwise::default(target.server.largest_item_bytes, "what the target takes");
    let largest_item_bytes = section.or("largest_item", &Data(1..=u32::MAX), default);
    let note = "heaviest first shortens the median makespan by 19% in our measurement";
    let order = section.or("order", &ORDERS, Otherwise::default(Order::HeaviestFirst, note));
    let verify =
        section.or("verify", &VERIFY, Otherwise::default(Verify::Fingerprint, "assumed: trust needs identities"));
    section.finish();
    PipelinePlan {
        lanes,
        requests_per_mailbox,
        open_switches,
        poll_interval,
        patience,
        retry,
        batch,
        pace,
        bad_item_limit,
        large_item_limit,
        largest_item_bytes,
        order,
        verify,
    }
}

fn retry(section: Section<'_>) -> RetryPlan {
    let attempts = section.or("attempts", &Count(1..=1_000), Otherwise::default(8, "assumed"));
    let duration = |key, span, note| section.or(key, &Duration(Span::milliseconds(1)), Otherwise::default(span, note));
    let first_back_off = duration("first_back_off", Span::seconds(2), "assumed");
    let longest_back_off = duration(
        "longest_back_off",
        Span::seconds(300),
        "assumed: the span of the shortest published window of uploads",
    );
    if first_back_off > longest_back_off {
        let message = format!(
            "the first back-off of {} is above the longest of {}",
            time::print(first_back_off),
            time::print(longest_back_off)
        );
        let keys = ["first_back_off", "longest_back_off"];
        section.contradict(&keys, "above `longest_back_off`", message, "lower the first or raise the longest");
    }
    let jitter =
        section.or("jitter", &Share, Otherwise::default(0.5, "assumed: spreads repeats without doubling them"));
    let note = "the mailbox replication service gives a move 60 transient failures (MaxRetries)";
    let budget = section.or("budget", &Count(0..=u32::MAX), Otherwise::default(60, note));
    section.finish();
    RetryPlan { attempts, first_back_off, longest_back_off, jitter, budget }
}

fn batch(section: Section<'_>, source: &SidePlan, target: &SidePlan) -> BatchPlan {
    let note = "SyncFolderItems returns at most 512 changes (MaxChangesReturned)";
    let sync_changes = section.or("sync_changes", &Count(1..=512), Otherwise::default(512, note));
    let (most, note) = match source.protocol {
        Protocol::Ews => (100, "ExportItems: at most 100 items a call are advised"),
        Protocol::Graph => (20, "mailbox: exportItems takes at most 20 items"),
    };
    let export_items = section.or("export_items", &Count(1..=most), Otherwise::default(most, note));
    let size = Data(1..=1 << 40);
    let note = "assumed: well below the 64 MB that Exchange accepts in one message";
    let export_bytes = section.or("export_size", &size, Otherwise::default(25_000_000, note));
    let (most, usual, note) = match target.protocol {
        Protocol::Ews => (1_000, 50, "assumed: about 4 MB at 75 kB an item"),
        Protocol::Graph => (1, 1, "an import session takes one item a call"),
    };
    let upload_items = section.or("upload_items", &Count(1..=most), Otherwise::default(usual, note));
    let note = "UploadItems takes 25 MB of base64 text a request, which is 18 MB of content";
    let upload_bytes = section.or("upload_size", &size, Otherwise::default(18_000_000, note));
    let note = "a Graph batch holds at most 20 requests";
    let batch_calls = section.or("batch_calls", &Count(1..=20), Otherwise::default(20, note));
    section.finish();
    BatchPlan { sync_changes, export_items, export_bytes, upload_items, upload_bytes, batch_calls }
}

fn pace(section: Section<'_>, limits: &[Limit], protocol: Protocol) -> PacePlan {
    let note = "the limit is found out by being refused";
    let target_requests = section.maybe("target_requests", &CountPer, "none", note);
    let target_upload_bytes = section.maybe("target_upload", &DataPer, "none", note);
    for limit in limits.iter().filter(|limit| concerns_all_of_a_mailbox(limit, protocol)) {
        match (limit.rule, target_requests, target_upload_bytes) {
            (Rule::Requests { count, per, .. }, Some(pace), _) if above(pace, (count, per)) => {
                let text = (rate::print_count(pace), rate::print_count((count, per)));
                above_limit(&section, "target_requests", &limit.name, &text);
            }
            (Rule::UploadBytes { bytes, per }, _, Some(pace)) if above(pace, (bytes, per)) => {
                let text = (rate::print_data(pace), rate::print_data((bytes, per)));
                above_limit(&section, "target_upload", &limit.name, &text);
            }
            _ => {}
        }
    }
    section.finish();
    PacePlan { target_requests, target_upload_bytes }
}

fn concerns_all_of_a_mailbox(limit: &Limit, protocol: Protocol) -> bool {
    matches!(limit.scope, Scope::AppMailbox | Scope::Mailbox)
        && Operation::ALL
            .iter()
            .filter(|operation| !operation.is_admin() && !OF_DIRECTORY.contains(operation))
            .all(|operation| limit.concerns(*operation, protocol))
}

/// Whether the first mean rate is above the second.
fn above((amount, per): (u64, Span), (limit, span): (u64, Span)) -> bool {
    u128::from(amount) * u128::from(span.0) > u128::from(limit) * u128::from(per.0)
}

fn above_limit(section: &Section<'_>, key: &str, limit: &str, (pace, allowed): &(String, String)) {
    let message = format!("a pace of {pace} is above the target's limit `{limit}` of {allowed}");
    let help = "a pace keeps below a limit: lower it, or leave it out and let refusals tell";
    section.report(key, "above the limit", message, help);
}
