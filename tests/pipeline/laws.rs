//! Laws of the pipeline as a whole, against the service core.

use std::rc::Rc;

use mock_server::draw::Distribution;
use mock_server::fault::also::Also;
use mock_server::fault::rule::{Act, FaultRule, Match};
use mock_server::service::config::{Config, Holding};
use mock_server::service::core::Held;
use mock_server::throttle::limit::{Limit, Rule, Scope};
use mock_server::time::{Moment, Span};
use mock_server::wire::call::{FolderKind, Protocol};
use mock_server::wire::id::MailboxKey;
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::{ItemError, ItemErrorKind, RefusalKind};

use crate::content::{Folder, Small};
use crate::rig::{Played, Setup, TestWorld, calls_of, play, server};
use wavetank::checkpoint::disk::Disk;
use wavetank::checkpoint::memory::Memory;
use wavetank::checkpoint::prestaged::Prestaged;
use wavetank::event::{Cause, Event, Mark, Stage};
use wavetank::world::Side;

const FOLDERS: [Folder; 7] = [
    (FolderKind::Root, None, "", 0),
    (FolderKind::Inbox, Some(0), "Inbox", 61),
    (FolderKind::Sent, Some(0), "Sent Items", 12),
    (FolderKind::User, Some(0), "Projects", 5),
    (FolderKind::User, Some(3), "Alpha", 30),
    (FolderKind::User, Some(4), "Deep", 3),
    (FolderKind::Calendar, Some(0), "Calendar", 0),
];

/// Mailboxes in which nothing changes and everything can be read.
pub(crate) const QUIET: Small = Small { folders: &FOLDERS, changes: 0, per: Span::seconds(60), corrupt: false };
pub(crate) const BUSY: Small = Small { changes: 2, corrupt: true, ..QUIET };

pub(crate) fn rule(name: &str, operations: &[Operation], rate: f64, act: Act) -> FaultRule {
    let matches = Match {
        operations: operations.to_vec(),
        mailboxes: None,
        from: Moment::START,
        until: Moment::NEVER,
        nth: None,
        rate,
        attempts_below: Some(6),
        also: Also::default(),
    };
    FaultRule { name: name.into(), matches, act }
}

/// Every kind of fault at once.
pub(crate) fn every_fault(config: &mut Config, seed: u64) {
    config.seed = seed;
    let refuse = |kind, status, wait: Option<u64>| Act::Refuse { kind, status, retry_after: wait.map(Span::seconds) };
    config.faults = vec![
        rule("unavailable", &[], 0.04, refuse(RefusalKind::Unavailable, 503, Some(3))),
        rule("throttled", &[], 0.03, refuse(RefusalKind::RequestLimit, 429, Some(5))),
        rule("busy", &[], 0.02, refuse(RefusalKind::ServerBusy, 500, None)),
        rule("reset", &[], 0.04, Act::Reset),
        rule("cut", &[], 0.04, Act::Truncate),
        rule("lost", &[], 0.06, Act::LoseAnswer),
        rule("slow", &[], 0.05, Act::Delay(Distribution::Exponential { mean: Span::seconds(4) })),
    ];
    if config.holding == Holding::Live {
        config.faults.push(rule("corrupt", &[Operation::ExportItems], 0.01, Act::CorruptItem));
    }
}

pub(crate) fn moved(world: &Rc<TestWorld>, played: &Played, mailboxes: u32) {
    assert!(played.finished);
    let counts = played.summary.mailboxes;
    assert_eq!((counts.completed, counts.total), (u64::from(mailboxes), u64::from(mailboxes)), "{counts:?}");
    let found = played.summary.verification;
    assert_eq!((found.missing, found.duplicate), (0, 0), "{found:?}");
    assert_eq!(found.expected, found.present + found.skipped);
    let mut lacking = 0;
    for mailbox in 0..mailboxes {
        let [source, target] = world.holdings(MailboxKey(mailbox));
        lacking += lacks(&source, &target);
    }
    assert_eq!(lacking, found.skipped);
}

/// How many items the target lacks or holds in another version; it must hold nothing that the source does not.
fn lacks(source: &[Held], target: &[Held]) -> u64 {
    let mut keys: Vec<_> = target.iter().map(|held| (&held.folder, held.key)).collect();
    keys.dedup();
    assert_eq!(keys.len(), target.len(), "no item is there twice");
    for held in target {
        assert!(source.iter().any(|other| other.key == held.key && other.folder == held.folder), "{held:?} is gone");
    }
    source.iter().filter(|held| target.binary_search(held).is_err()).count() as u64
}

pub(crate) fn world(content: Small, protocol: Protocol, change: impl Fn(&mut Config)) -> Rc<TestWorld> {
    let (mut source, mut target) = (server(Holding::Live), server(Holding::Empty));
    change(&mut source);
    change(&mut target);
    TestWorld::new(content, source, target, [Protocol::Ews, protocol])
}

#[test]
fn a_first_copy_and_cutover_move_everything() {
    for protocol in [Protocol::Graph, Protocol::Ews] {
        let world = world(QUIET, protocol, |_| {});
        let played = play(&world, &Setup::new(protocol, true, 9), Memory::default());
        moved(&world, &played, 9);
        assert_eq!(played.summary.items.copied, 9 * 111);
        assert_eq!(played.summary.items.skipped, 0);
    }
}

#[test]
fn a_live_source_that_changes_is_followed_to_its_end() {
    for protocol in [Protocol::Graph, Protocol::Ews] {
        let world = world(BUSY, protocol, |_| {});
        let played = play(&world, &Setup::new(protocol, true, 9), Memory::default());
        moved(&world, &played, 9);
        assert_eq!(played.summary.verification.skipped, 9);
    }
}

#[test]
fn nothing_is_lost_or_doubled_whatever_goes_wrong() {
    for seed in 0..50 {
        for protocol in [Protocol::Graph, Protocol::Ews] {
            let world = world(BUSY, protocol, |config| every_fault(config, seed));
            let played = play(&world, &Setup::new(protocol, true, 3), Memory::default());
            moved(&world, &played, 3);
        }
    }
}

#[test]
fn a_copy_without_cutover_is_compared_with_what_was_stored() {
    for seed in 0..10 {
        let world = world(BUSY, Protocol::Graph, |config| every_fault(config, seed));
        let played = play(&world, &Setup::new(Protocol::Graph, false, 3), Memory::default());
        let counts = played.summary.mailboxes;
        assert_eq!(counts.completed, 3, "seed {seed}: {:?}", played.summary.verification);
        assert_eq!(calls_of(&world, Side::Source, "stop_mailbox"), 0);
    }
}

#[test]
fn a_prestaged_mailbox_needs_only_its_delta() {
    let taken = Span::seconds(3_600);
    let (mut source, mut target) = (server(Holding::Live), server(Holding::Copy { taken }));
    source.clock_at_start = taken + Span::seconds(600);
    target.clock_at_start = source.clock_at_start;
    let world = TestWorld::new(BUSY, source, target, [Protocol::Ews, Protocol::Graph]);
    let checkpoint = Prestaged::new(BUSY, taken, false, Memory::default());
    let played = play(&world, &Setup::new(Protocol::Graph, true, 5), checkpoint);
    assert!(played.finished);
    assert_eq!(played.summary.mailboxes.completed, 5, "{:?}", played.summary.verification);
    assert_eq!((played.summary.verification.missing, played.summary.verification.duplicate), (0, 0));
    assert_eq!(calls_of(&world, Side::Target, "create_folder"), 0);
    assert!(played.summary.items.copied < 5 * 6 * 80, "{:?}", played.summary.items);
}

#[test]
fn a_killed_run_is_resumed_without_loss_or_duplicate() {
    let folder = tempfile::tempdir().expect("a folder for checkpoints");
    for seed in 0..30 {
        let protocol = if seed % 2 == 0 { Protocol::Graph } else { Protocol::Ews };
        let world = world(BUSY, protocol, |config| every_fault(config, seed));
        let setup = Setup::new(protocol, true, 2);
        let file = folder.path().join(seed.to_string());
        let mut kills = 0;
        let played = loop {
            let disk = Disk::open(&file, "plan", seed).expect("the file is ours");
            world.life.set(Some(20 + seed * 7 + kills * 30));
            let played = play(&world, &setup, disk);
            if played.finished {
                break played;
            }
            kills += 1;
            assert!(kills < 100);
        };
        assert!(kills > 0);
        moved(&world, &played, 2);
    }
}

#[test]
fn refusals_by_limits_are_obeyed_and_never_lose_anything() {
    let limit = |name: &str, rule, refusal| Limit {
        name: name.into(),
        rule,
        scope: Scope::AppMailbox,
        operations: Vec::new(),
        protocols: Vec::new(),
        refusal,
    };
    let per = Span::seconds(60);
    let limits = vec![
        limit("requests", Rule::Requests { count: 40, per, refused_count: true }, RefusalKind::RequestLimit),
        limit("lanes", Rule::Concurrency { lanes: 2, retry_after: Span::ZERO }, RefusalKind::ConcurrencyLimit),
    ];
    let world = world(QUIET, Protocol::Graph, |config| config.limits.clone_from(&limits));
    let played = play(&world, &Setup::new(Protocol::Graph, true, 2), Memory::default());
    moved(&world, &played, 2);
    assert!(played.summary.refusals[RefusalKind::RequestLimit as usize] > 0);
    assert!(played.summary.refusals[RefusalKind::ConcurrencyLimit as usize] > 0);
    let refused: u64 = played.summary.refusals.iter().sum();
    assert!(
        refused * 6 < played.summary.calls(),
        "{refused} of {}: {:?}",
        played.summary.calls(),
        played.summary.refusals
    );
    let charged = played.summary.charged;
    assert!(charged[Cause::TargetThrottle as usize] > charged[Cause::TargetService as usize]);
}

#[test]
fn a_known_limit_is_kept_without_a_single_refusal() {
    let per = Span::seconds(60);
    let limit = Limit {
        name: "requests".into(),
        rule: Rule::Requests { count: 40, per, refused_count: true },
        scope: Scope::AppMailbox,
        operations: Vec::new(),
        protocols: Vec::new(),
        refusal: RefusalKind::RequestLimit,
    };
    let (source, mut target) = (server(Holding::Live), server(Holding::Empty));
    target.limits = vec![limit];
    let world = TestWorld::new(QUIET, source, target, [Protocol::Ews, Protocol::Graph]);
    let mut setup = Setup::new(Protocol::Graph, false, 2);
    setup.plan.pace.target_requests = Some((40, per));
    setup.plan.batch.batch_calls = 1;
    let played = play(&world, &setup, Memory::default());
    assert_eq!(played.summary.mailboxes.completed, 2);
    assert_eq!(played.summary.refusals.iter().sum::<u64>(), 0);
}

#[test]
fn a_failed_cutover_gives_the_source_back() {
    let refuse = Act::Refuse { kind: RefusalKind::Forbidden, status: 403, retry_after: None };
    for operation in [Operation::ProvisionUser, Operation::AssignLicense, Operation::StartSwitch] {
        let (source, mut target) = (server(Holding::Live), server(Holding::Empty));
        target.faults = vec![rule("never", &[operation], 1.0, refuse.clone())];
        let world = TestWorld::new(QUIET, source, target, [Protocol::Ews, Protocol::Graph]);
        let played = play(&world, &Setup::new(Protocol::Graph, true, 2), Memory::default());
        assert_eq!(played.summary.mailboxes.failed, 2, "{operation}: {:?}", played.summary.mailboxes);
        assert_eq!(calls_of(&world, Side::Source, "start_mailbox"), 2);
        let turned = |event: &Event| matches!(event, Event::Reached { mark: Mark::TurnedBack, .. });
        assert_eq!(played.events.iter().filter(|(_, event)| turned(event)).count(), 2, "{operation}");
    }
}

#[test]
fn the_way_back_has_a_budget_of_its_own() {
    let refuse = Act::Refuse { kind: RefusalKind::Unavailable, status: 503, retry_after: None };
    let (source, mut target) = (server(Holding::Live), server(Holding::Empty));
    let mut never = rule("never", &[Operation::StartSwitch], 1.0, refuse.clone());
    never.matches.attempts_below = None;
    let mut once = rule("once", &[Operation::RemoveLicense], 1.0, refuse);
    once.matches.attempts_below = Some(1);
    target.faults = vec![never, once];
    let world = TestWorld::new(QUIET, source, target, [Protocol::Ews, Protocol::Graph]);
    let mut setup = Setup::new(Protocol::Graph, true, 1);
    setup.plan.retry.budget = 2;
    let played = play(&world, &setup, Memory::default());
    assert_eq!(played.summary.mailboxes.failed, 1, "{:?}", played.summary.mailboxes);
}

#[test]
fn items_that_a_limit_refuses_for_ever_are_left_behind() {
    let (source, mut target) = (server(Holding::Live), server(Holding::Empty));
    let busy = Act::FailItem(ItemError { kind: ItemErrorKind::Busy, retry_after: None });
    let mut fault = rule("busy", &[Operation::UploadItems], 1.0, busy);
    fault.matches.attempts_below = None;
    target.faults = vec![fault];
    let world = TestWorld::new(QUIET, source, target, [Protocol::Ews, Protocol::Ews]);
    let mut setup = Setup::new(Protocol::Ews, true, 1);
    setup.plan.bad_item_limit = 1_000;
    let played = play(&world, &setup, Memory::default());
    moved(&world, &played, 1);
    assert_eq!(played.summary.skipped, [("busy".to_owned(), 111)]);
}

#[test]
fn what_cannot_be_undone_is_reported() {
    let refuse = Act::Refuse { kind: RefusalKind::Forbidden, status: 403, retry_after: None };
    let (mut source, mut target) = (server(Holding::Live), server(Holding::Empty));
    source.faults = vec![rule("never", &[Operation::StartMailbox], 1.0, refuse.clone())];
    target.faults = vec![rule("never", &[Operation::AssignLicense], 1.0, refuse)];
    let world = TestWorld::new(QUIET, source, target, [Protocol::Ews, Protocol::Graph]);
    let played = play(&world, &Setup::new(Protocol::Graph, true, 2), Memory::default());
    assert_eq!(played.summary.mailboxes.half_switched, 2);
}

#[test]
fn the_closing_window_leaves_the_rest_unfinished_and_the_source_in_use() {
    let world = world(QUIET, Protocol::Graph, |_| {});
    let mut setup = Setup::new(Protocol::Graph, true, 30);
    setup.deadline = Moment::START + Span::seconds(1_500);
    let played = play(&world, &setup, Memory::default());
    let counts = played.summary.mailboxes;
    assert!(played.finished);
    assert!(counts.in_time > 0 && counts.unfinished > 0, "{counts:?}");
    assert_eq!(counts.failed + counts.half_switched, 0);
    assert_eq!(calls_of(&world, Side::Source, "stop_mailbox") as u64, counts.completed);
}

#[test]
fn the_time_of_the_switch_and_of_its_places_is_told_apart() {
    let world = world(QUIET, Protocol::Graph, |_| {});
    let mut setup = Setup::new(Protocol::Graph, true, 6);
    setup.plan.open_switches = 1;
    let played = play(&world, &setup, Memory::default());
    moved(&world, &played, 6);
    let charged = played.summary.charged;
    let switch = charged[Cause::Switch as usize].as_seconds();
    assert!((6.0 * 540.0..6.0 * 600.0).contains(&switch), "{switch}");
    // The n-th of six waits for n switches: fifteen in all.
    let place = charged[Cause::SwitchPlace as usize].as_seconds();
    assert!((15.0 * 530.0..15.0 * 620.0).contains(&place), "{place}");
    let waiting = |event: &Event| matches!(event, Event::StageEntered { stage: Stage::Waiting, .. });
    assert_eq!(played.events.iter().filter(|(_, event)| waiting(event)).count(), 6);
}

#[test]
fn the_same_seed_makes_the_same_calls() {
    let calls = || {
        let world = world(BUSY, Protocol::Graph, |config| every_fault(config, 7));
        play(&world, &Setup::new(Protocol::Graph, true, 4), Memory::default());
        world.calls.take()
    };
    assert_eq!(calls(), calls());
}

#[test]
fn a_stopped_run_is_resumed_where_it_ended() {
    let folder = tempfile::tempdir().expect("a folder for checkpoints");
    for seed in 0..12 {
        let world = world(BUSY, Protocol::Graph, |config| every_fault(config, seed));
        let mut setup = Setup::new(Protocol::Graph, true, 4);
        let file = folder.path().join(seed.to_string());
        setup.stop_after = Some(Span::seconds(seed * 60));
        let disk = Disk::open(&file, "plan", seed).expect("the file is ours");
        let stopped = play(&world, &setup, disk);
        assert!(stopped.finished);
        let counts = stopped.summary.mailboxes;
        assert_eq!((counts.failed, counts.half_switched), (0, 0), "{counts:?}");
        setup.stop_after = None;
        let disk = Disk::open(&file, "plan", seed).expect("the file is ours");
        moved(&world, &play(&world, &setup, disk), 4);
    }
}

#[test]
fn too_many_bad_or_large_items_fail_the_mailbox_before_anybody_is_disturbed() {
    for large in [false, true] {
        let world = world(BUSY, Protocol::Graph, |_| {});
        let mut setup = Setup::new(Protocol::Graph, true, 2);
        setup.plan.bad_item_limit = 0;
        setup.plan.large_item_limit = 0;
        if large {
            setup.plan.bad_item_limit = 1;
            setup.plan.largest_item_bytes = 30_000;
        }
        let played = play(&world, &setup, Memory::default());
        assert_eq!(played.summary.mailboxes.failed, 2);
        assert_eq!(calls_of(&world, Side::Source, "stop_mailbox"), 0);
        let (reason, count) = &played.summary.skipped[0];
        assert_eq!((reason.as_str(), *count), (if large { "too_large" } else { "corrupt" }, 2));
    }
}

#[test]
fn items_too_large_are_left_behind_with_their_reason() {
    let world = world(BUSY, Protocol::Graph, |_| {});
    let mut setup = Setup::new(Protocol::Graph, true, 2);
    setup.plan.large_item_limit = 1_000;
    setup.plan.largest_item_bytes = 30_000;
    let played = play(&world, &setup, Memory::default());
    moved(&world, &played, 2);
    assert!(played.summary.verification.skipped > 50);
}

#[test]
fn an_app_limit_holds_every_mailbox_until_the_moment_it_names() {
    let wait = Span::seconds(40);
    let mut fault = rule(
        "app",
        &[Operation::CreateImportSession],
        1.0,
        Act::Refuse { kind: RefusalKind::AppLimit, status: 429, retry_after: Some(wait) },
    );
    fault.matches.until = Moment::START + Span::seconds(1);
    let (source, mut target) = (server(Holding::Live), server(Holding::Empty));
    target.faults = vec![fault];
    let world = TestWorld::new(QUIET, source, target, [Protocol::Ews, Protocol::Graph]);
    let played = play(&world, &Setup::new(Protocol::Graph, true, 6), Memory::default());
    moved(&world, &played, 6);
    let limited = |event: &Event| matches!(event, Event::CallEnded { refusal: Some(RefusalKind::AppLimit), .. });
    let heard = played.events.iter().filter(|(_, event)| limited(event)).map(|(at, _)| *at);
    let (first, last) = (heard.clone().min().expect("one was refused"), heard.max().expect("one was refused"));
    let calls = world.calls.borrow();
    let mut during =
        calls.iter().filter(|(at, route, _)| route.side == Side::Target && *at > last && *at < first + wait);
    assert_eq!(during.next(), None);
}
