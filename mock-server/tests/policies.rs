//! Policies in the service: before limits, beside them, and item by item.

#[path = "support/client.rs"]
mod client;
#[path = "support/content.rs"]
mod content;
#[path = "support/server.rs"]
mod server;

use client::Client;
use mock_server::draw::Distribution;
use mock_server::fault::rule::{Act, FaultRule, Match};
use mock_server::fault::trick::Trick;
use mock_server::mailbox::reference;
use mock_server::service::config::{Config, Holding};
use mock_server::service::cost::Work;
use mock_server::service::errand::Errand;
use mock_server::service::reply::Reply;
use mock_server::throttle::health::Terms;
use mock_server::throttle::health::load::{Load, OFFICE_HOURS};
use mock_server::throttle::limit::{Limit, Rule, Scope};
use mock_server::throttle::policy::asked::Caller;
use mock_server::throttle::policy::sharing::Sharing;
use mock_server::throttle::policy::unit::Unit;
use mock_server::throttle::policy::{Meter, Policy, preset};
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::Answer;
use mock_server::wire::call::{Call, Content, Protocol, RequestIdentity, Upload};
use mock_server::wire::id::ItemKey;
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::{ItemErrorKind, RefusalKind};
use server::free;

fn with(policies: Vec<Policy>) -> Config {
    let mut config = free(Holding::Empty);
    config.conditions.policies = policies;
    config
}

fn requests(most: u64, sharing: Sharing) -> Policy {
    let meter = Meter::Sliding { unit: Unit::Requests, most, per: Span::seconds(10) };
    Policy::new("requests", meter, sharing, RefusalKind::RequestLimit)
}

fn kind(reply: &Reply) -> Option<RefusalKind> {
    reply.outcome.as_ref().err().map(|refusal| refusal.kind)
}

fn listing() -> Call {
    Call::FindFolders { from: 0, limit: 10 }
}

fn uploads(count: u64) -> Call {
    let content = |number| Content { key: ItemKey(number), size: 700, bytes: None };
    let upload = |number| Upload { folder: reference::folder(1), replace: None, content: content(number) };
    Call::UploadItems { uploads: (1..=count).map(upload).collect() }
}

#[test]
fn a_policy_refuses_before_anything_is_done_and_says_how_long() {
    let mut client = Client::new(with(vec![requests(2, Sharing::APP_MAILBOX)]), 0);
    assert!(kind(&client.call(&listing())).is_none() && kind(&client.call(&uploads(1))).is_none());
    let refused = client.call(&uploads(1));
    assert_eq!(kind(&refused), Some(RefusalKind::RequestLimit));
    assert_eq!(refused.outcome.err().and_then(|refusal| refusal.retry_after), Some(Span::seconds(10)));
    assert_eq!(client.service.holdings(client.now, client.mailbox).len(), 1);
}

#[test]
fn what_a_limit_refuses_counts_with_policies_that_count_refused_calls() {
    let mut config = with(vec![requests(3, Sharing::APP)]);
    let rule = Rule::Concurrency { lanes: 0, retry_after: Span::ZERO };
    let refusal = RefusalKind::ConcurrencyLimit;
    config.limits = vec![Limit {
        name: "none".into(),
        rule,
        scope: Scope::App,
        operations: Vec::new(),
        protocols: Vec::new(),
        refusal,
    }];
    let mut client = Client::new(config, 0);
    for _ in 0..3 {
        assert_eq!(kind(&client.call(&listing())), Some(RefusalKind::ConcurrencyLimit));
    }
    assert_eq!(kind(&client.call(&listing())), Some(RefusalKind::RequestLimit));
}

#[test]
fn a_refused_call_takes_nothing_from_the_limits_behind() {
    let mut config = with(vec![requests(1, Sharing::APP)]);
    let rule = Rule::UploadBytes { bytes: 1_500, per: Span::seconds(100) };
    let refusal = RefusalKind::UploadLimit;
    config.limits = vec![Limit {
        name: "up".into(),
        rule,
        scope: Scope::App,
        operations: Vec::new(),
        protocols: Vec::new(),
        refusal,
    }];
    let mut client = Client::new(config, 0);
    assert_eq!(kind(&client.call(&uploads(1))), None);
    for _ in 0..5 {
        assert_eq!(kind(&client.call(&uploads(1))), Some(RefusalKind::RequestLimit));
    }
    client.now = Moment::START + Span::seconds(20);
    assert_eq!(kind(&client.call(&uploads(1))), None, "only the first upload has used bytes");
}

#[test]
fn entries_of_a_batch_are_asked_one_by_one() {
    let mut client = Client::new(with(vec![requests(2, Sharing::APP_MAILBOX)]), 0);
    let batch = Call::Batch { calls: vec![listing(), listing(), listing()] };
    let Answer::Batch(answers) = client.ask(&batch) else { panic!("a batch") };
    let refused: Vec<_> = answers.iter().map(Result::is_err).collect();
    assert_eq!(refused, [false, false, true]);
}

/// The results of an upload of so many items that take a second each, as done, busy or stopped.
fn upload_under(meter: Meter, items: u64) -> (usize, Vec<ItemErrorKind>, Span) {
    let mut config = with(vec![Policy::new("budget", meter, Sharing::APP_MAILBOX, RefusalKind::ServerBusy)]);
    config.costs.default.call = Distribution::Constant(Span::ZERO);
    config.costs.default.per_item = Span::seconds(1);
    let mut client = Client::new(config, 0);
    let reply = client.call(&uploads(items));
    let Ok(Answer::Uploaded(results)) = reply.outcome else { panic!("an upload") };
    assert_eq!(results.len() as u64, items);
    let stored = client.service.holdings(client.now, client.mailbox).len();
    assert_eq!(stored, results.iter().filter(|result| result.is_ok()).count());
    (
        stored,
        results.into_iter().filter_map(|result| result.err().map(|error| error.kind)).collect(),
        reply.spent.served,
    )
}

fn budget(burst: u64, cutoff: u64) -> Meter {
    Meter::Budget {
        burst: Span::seconds(burst),
        recharge_per_hour: Span::seconds(1),
        cutoff: Span::seconds(cutoff),
        longest_batch: Some(preset::LONGEST_BATCH),
    }
}

#[test]
fn a_budget_is_checked_after_each_item_and_a_batch_ends_after_a_minute() {
    assert_eq!(upload_under(budget(300, 300), 10), (10, Vec::new(), Span::seconds(10)));
    let (stored, errors, served) = upload_under(budget(3, 2), 10);
    assert_eq!((stored, served), (6, Span::seconds(6)), "the burst, the cutoff, and the item that crosses it");
    assert_eq!(errors, vec![ItemErrorKind::Busy; 4]);
    let (stored, errors, served) = upload_under(budget(300, 300), 80);
    assert_eq!((stored, served), (60, Span::seconds(60)));
    assert_eq!(errors, vec![ItemErrorKind::Stopped; 20]);
}

#[test]
fn resource_units_are_told_in_headers() {
    let mut policies = preset::named("entra-small").expect("a preset");
    for policy in &mut policies {
        policy.concerns.operations.clear();
    }
    let mut client = Client::new(with(policies), 0);
    let caller = Caller { resource_units: Some(1_600), ..Caller::default() };
    let mut ask = || {
        client.service.introduce(false, || caller);
        let status = kind(&client.call(&listing()));
        (status, client.service.remarks().headers)
    };
    let header = |name, value: &str| (name, value.to_owned());
    assert_eq!(ask(), (None, vec![header("x-ms-resource-unit", "1600")]));
    let near = vec![header("x-ms-resource-unit", "1600"), header("x-ms-throttle-limit-percentage", "0.9")];
    assert_eq!(ask(), (None, near));
    let (status, headers) = ask();
    assert_eq!(status, Some(RefusalKind::AppLimit));
    let scope =
        "Tenant_Application/ReadWrite/00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000000";
    let information = header("x-ms-throttle-information", "ResourceUnitLimitExceeded");
    assert_eq!(headers, vec![header("x-ms-throttle-scope", scope), information]);
}

#[test]
fn headers_that_nobody_takes_do_not_pile_up() {
    let mut policies = preset::named("entra-small").expect("a preset");
    for policy in &mut policies {
        policy.concerns.operations.clear();
    }
    let mut client = Client::new(with(policies), 0);
    for _ in 0..10 {
        client.ask(&listing());
    }
    assert_eq!(client.service.remarks().headers, vec![("x-ms-resource-unit", "1".to_owned())]);
}

#[test]
fn work_that_is_only_borne_takes_its_lane_until_it_is_done() {
    let lanes = Policy::new("lanes", Meter::Lanes { most: 1 }, Sharing::APP, RefusalKind::ConnectionCount);
    let mut config = with(vec![lanes]);
    config.costs.default.call = Distribution::Constant(Span::seconds(1));
    let mut client = Client::new(config, 0);
    let mut bear = |second| {
        let errand = Errand {
            app: 1,
            mailbox: client.mailbox,
            protocol: Protocol::Ews,
            identity: RequestIdentity::new(second, 0),
            body_bytes: 0,
            operation: Operation::ReadItems,
        };
        let now = Moment::START + Span::seconds(second);
        client.service.bear(now, &errand, Work::default()).outcome.err().map(|refusal| refusal.kind)
    };
    assert_eq!([bear(0), bear(0), bear(1)], [None, Some(RefusalKind::ConnectionCount), None]);
}

#[test]
fn a_trick_on_a_call_that_is_refused_is_not_played_on_the_next() {
    let mut config = with(vec![requests(0, Sharing::APP)]);
    config.conditions.policies[0].concerns.operations = vec![Operation::UploadItems];
    let matches = Match { operations: vec![Operation::UploadItems], ..Match::default() };
    config.faults = vec![FaultRule { name: "twice".to_owned(), matches, act: Act::Trick(Trick::Twice) }];
    let mut client = Client::new(config, 0);
    assert_eq!(kind(&client.call(&uploads(1))), Some(RefusalKind::RequestLimit));
    let folder = Call::CreateFolder { parent: reference::folder(0), name: "once".into() };
    assert_eq!(kind(&client.call(&folder)), None, "made twice, it would be there already");
}

#[test]
fn a_server_that_is_well_again_is_as_fast_as_before() {
    let mut config = free(Holding::Empty);
    config.costs.default.call = Distribution::Constant(Span::seconds(1));
    let busy = Load { by_hour: [1.0; OFFICE_HOURS.len()], by_day: [1.0; 7], ..Load::office(0.5) };
    config.conditions.health = Terms { load: Some(busy), ..Terms::default() };
    let mut client = Client::new(config, 0);
    let sync = Call::SyncFolders { state: None };
    assert_eq!(client.call(&sync).spent.served, Span::seconds(2));
    client.service.set_health(Terms::default());
    assert_eq!(client.call(&sync).spent.served, Span::seconds(1));
}
