//! What happens to calls on their way through the service: limits, faults, costs, batches, switches.

#[path = "support/client.rs"]
mod client;
#[path = "support/content.rs"]
mod content;
#[path = "support/server.rs"]
mod server;

use bytes::Bytes;
use client::Client;
use mock_server::draw::Distribution;
use mock_server::fault::also::Also;
use mock_server::fault::rule::{Act, FaultRule, Match};
use mock_server::mailbox::{mime, reference, stream};
use mock_server::service::config::{Config, Holding};
use mock_server::service::reply::Spoil;
use mock_server::throttle::limit::{Limit, Rule, Scope};
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::{Answer, SwitchState};
use mock_server::wire::call::{Call, Content};
use mock_server::wire::id::{Id, ItemKey};
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::RefusalKind;
use server::free;

fn fault(operations: Vec<Operation>, act: Act) -> FaultRule {
    let matches = Match {
        operations,
        mailboxes: None,
        from: Moment::START,
        until: Moment::NEVER,
        nth: None,
        rate: 1.0,
        attempts_below: None,
        also: Also::default(),
    };
    FaultRule { name: "always".into(), matches, act }
}

fn limit(rule: Rule, refusal: RefusalKind) -> Limit {
    Limit {
        name: "limit".into(),
        rule,
        scope: Scope::AppMailbox,
        operations: Vec::new(),
        protocols: Vec::new(),
        refusal,
    }
}

fn content(number: u64) -> Content {
    Content { key: ItemKey(number), size: 700, bytes: None }
}

fn message(number: u64) -> Call {
    Call::CreateMessage { folder: reference::folder(1), content: content(number) }
}

fn stored(client: &mut Client) -> usize {
    client.service.holdings(client.now, client.mailbox).len()
}

fn kind(reply: &mock_server::service::reply::Reply) -> Option<RefusalKind> {
    reply.outcome.as_ref().err().map(|refusal| refusal.kind)
}

fn with_fault(operation: Operation, act: Act) -> Client {
    let mut config = free(Holding::Empty);
    config.faults = vec![fault(vec![operation], act)];
    Client::new(config, 0)
}

fn with_call_cost(config: &mut Config, seconds: u64) {
    config.costs.default.call = Distribution::Constant(Span::seconds(seconds));
}

#[test]
fn a_lost_answer_leaves_the_item_stored() {
    let mut client = with_fault(Operation::CreateMessage, Act::LoseAnswer);
    let reply = client.call(&message(5));
    assert_eq!(kind(&reply), Some(RefusalKind::ConnectionReset));
    assert!(matches!(reply.spoiled, Some((Spoil::Reset, answer)) if matches!(*answer, Answer::Created(_))));
    assert_eq!(stored(&mut client), 1);
}

#[test]
fn a_cut_answer_leaves_the_item_stored() {
    let mut client = with_fault(Operation::CreateMessage, Act::Truncate);
    let reply = client.call(&message(5));
    assert_eq!(kind(&reply), Some(RefusalKind::Truncated));
    assert!(matches!(reply.spoiled, Some((Spoil::Truncate, _))));
    assert_eq!(stored(&mut client), 1);
}

#[test]
fn a_reset_or_refused_call_stores_nothing() {
    let refuse = Act::Refuse { kind: RefusalKind::Unavailable, status: 503, retry_after: None };
    for (act, expected) in [(Act::Reset, RefusalKind::ConnectionReset), (refuse, RefusalKind::Unavailable)] {
        let mut client = with_fault(Operation::CreateMessage, act);
        let reply = client.call(&message(5));
        assert_eq!(kind(&reply), Some(expected));
        assert_eq!(reply.spoiled, None);
        assert_eq!(stored(&mut client), 0);
    }
}

#[test]
fn an_import_that_is_repeated_is_stored_twice() {
    let mut client = Client::new(free(Holding::Empty), 0);
    client.ask(&message(5));
    client.ask(&message(5));
    assert_eq!(stored(&mut client), 2);
}

#[test]
fn delays_are_added_to_the_service_time_and_keep_no_server_busy() {
    let mut config = free(Holding::Empty);
    with_call_cost(&mut config, 2);
    config.costs.servers = Some(1);
    let delay = Act::Delay(Distribution::Constant(Span::seconds(60)));
    config.faults = vec![fault(vec![Operation::ProvisionUser], delay)];
    let mut client = Client::new(config, 0);
    let reply = client.call(&Call::ProvisionUser);
    assert_eq!((reply.spent.delayed, reply.spent.served), (Span::seconds(60), Span::seconds(2)));
    assert_eq!(reply.ready, Moment::START + Span::seconds(62));
    assert_eq!(client.call(&Call::ReleaseMailbox).spent.queued, Span::seconds(2));
}

#[test]
fn costs_grow_with_items_moved_and_content() {
    let mut config = free(Holding::Live);
    with_call_cost(&mut config, 1);
    config.costs.default.per_item = Span::seconds(10);
    config.costs.default.per_mebibyte = Span::seconds(1 << 20);
    let mut client = Client::new(config, 0);
    assert_eq!(client.call(&message(1)).spent.served, Span::seconds(1 + 10 + 700));
    assert_eq!(client.call(&Call::ProvisionUser).spent.served, Span::seconds(1));
    let sync = Call::SyncItems { folder: reference::folder(2), state: None, limit: 9 };
    assert_eq!(client.call(&sync).spent.served, Span::seconds(1), "listing moves nothing");
    let reply = client.call(&Call::ExportItems { items: vec![reference::item(1, 0), reference::item(1, 1)] });
    let Ok(answer) = &reply.outcome else { panic!("{reply:?}") };
    assert_eq!(reply.spent.served, Span::seconds(1 + 20 + answer.content_bytes()));
}

#[test]
fn a_limit_refuses_at_once_and_nothing_is_done() {
    let mut config = free(Holding::Empty);
    with_call_cost(&mut config, 3);
    let rule = Rule::Requests { count: 2, per: Span::seconds(60), refused_count: false };
    config.limits = vec![limit(rule, RefusalKind::RequestLimit)];
    let mut client = Client::new(config, 0);
    client.ask(&message(1));
    client.ask(&message(2));
    let reply = client.call(&message(3));
    assert_eq!((kind(&reply), reply.ready), (Some(RefusalKind::RequestLimit), Moment::START));
    assert_eq!(stored(&mut client), 2);
    client.now += Span::seconds(61);
    client.ask(&message(3));
}

fn lanes(lanes: u32) -> Limit {
    limit(Rule::Concurrency { lanes, retry_after: Span::seconds(1) }, RefusalKind::ConcurrencyLimit)
}

#[test]
fn a_batch_works_on_four_entries_at_once() {
    let mut config = free(Holding::Empty);
    with_call_cost(&mut config, 3);
    config.limits = vec![lanes(4)];
    let mut client = Client::new(config, 0);
    let reply = client.call(&Call::Batch { calls: (0..10).map(message).collect() });
    assert_eq!(reply.spent.served, Span::seconds(9));
    assert_eq!(reply.ready, Moment::START + Span::seconds(9));
    let Ok(Answer::Batch(answers)) = reply.outcome else { panic!("a batch is answered as a whole") };
    assert!(answers.len() == 10 && answers.iter().all(Result::is_ok));
    // Two places are busy for nine seconds, the other two for six.
    client.now = Moment::START + Span::seconds(5);
    assert_eq!(kind(&client.call(&message(10))), Some(RefusalKind::ConcurrencyLimit));
    client.now = Moment::START + Span::seconds(6);
    assert_eq!(kind(&client.call(&message(10))), None);
}

#[test]
fn entries_of_a_batch_are_limited_one_by_one() {
    let mut config = free(Holding::Empty);
    with_call_cost(&mut config, 3);
    let rule = Rule::UploadBytes { bytes: 1_500, per: Span::seconds(60) };
    config.limits = vec![lanes(3), limit(rule, RefusalKind::UploadLimit)];
    let mut client = Client::new(config, 0);
    let Answer::Batch(answers) = client.ask(&Call::Batch { calls: (0..3).map(message).collect() }) else {
        panic!("a batch is answered as a whole")
    };
    let kinds: Vec<_> = answers.iter().map(|answer| answer.as_ref().err().map(|refusal| refusal.kind)).collect();
    assert_eq!(kinds, [None, None, Some(RefusalKind::UploadLimit)]);
    client.now = Moment::START + Span::seconds(2);
    assert_eq!(kind(&client.call(&Call::ProvisionUser)), None, "one place is free");
    assert_eq!(kind(&client.call(&Call::ProvisionUser)), Some(RefusalKind::ConcurrencyLimit));
}

#[test]
fn a_batch_that_is_too_long_or_holds_a_batch_is_refused() {
    let mut client = Client::new(free(Holding::Empty), 0);
    let long = Call::Batch { calls: (0..21).map(message).collect() };
    let nested = Call::Batch { calls: vec![Call::Batch { calls: Vec::new() }] };
    for call in [long, nested] {
        assert_eq!(kind(&client.call(&call)), Some(RefusalKind::Invalid));
    }
    assert_eq!(stored(&mut client), 0);
}

#[test]
fn an_entry_whose_answer_is_lost_is_stored_and_reported_by_the_gateway() {
    let mut client = with_fault(Operation::CreateMessage, Act::LoseAnswer);
    let Answer::Batch(answers) = client.ask(&Call::Batch { calls: vec![message(1)] }) else {
        panic!("a batch is answered as a whole")
    };
    assert_eq!(answers[0].as_ref().err().map(|refusal| refusal.status), Some(504));
    assert_eq!(stored(&mut client), 1);
}

#[test]
fn a_switch_needs_a_licensed_user_and_takes_its_time() {
    let mut client = Client::new(free(Holding::Empty), 0);
    assert_eq!(kind(&client.call(&Call::StartSwitch)), Some(RefusalKind::Invalid));
    assert_eq!(kind(&client.call(&Call::AssignLicense)), Some(RefusalKind::NotFound));
    for call in [Call::ProvisionUser, Call::ProvisionUser, Call::AssignLicense] {
        assert_eq!(client.ask(&call), Answer::Done);
    }
    assert_eq!(kind(&client.call(&Call::PollSwitch)), Some(RefusalKind::NotFound));
    assert_eq!(client.ask(&Call::StartSwitch), Answer::Switch(SwitchState::Completing));
    client.now += Span::seconds(539);
    assert_eq!(client.ask(&Call::PollSwitch), Answer::Switch(SwitchState::Completing));
    client.now += Span::seconds(1);
    assert_eq!(client.ask(&Call::PollSwitch), Answer::Switch(SwitchState::Completed));
    assert_eq!(client.ask(&Call::CancelSwitch), Answer::Switch(SwitchState::Completed));
}

#[test]
fn a_forgotten_mailbox_is_as_new() {
    let mut client = Client::new(free(Holding::Empty), 0);
    client.ask(&message(1));
    client.service.forget(client.mailbox);
    assert_eq!(stored(&mut client), 0);
}

#[test]
fn a_mailbox_that_does_not_exist_is_not_found() {
    let mut client = Client::new(free(Holding::Live), 0);
    client.mailbox.0 = 1_000;
    assert_eq!(kind(&client.call(&Call::ProvisionUser)), Some(RefusalKind::NotFound));
}

/// A client of a server that answers with bytes, and an open session.
fn with_bytes() -> (Client, Id) {
    let mut client = Client::new(free(Holding::Live), 0);
    client.service = client.service.with_bytes(true);
    let Answer::Session(session) = client.ask(&Call::CreateImportSession) else { panic!("a session is opened") };
    (client, session)
}

fn import(session: &Id, bytes: Bytes) -> Call {
    let content = Content { key: ItemKey(0), size: bytes.len() as u32, bytes: Some(bytes) };
    Call::ImportItem { session: session.clone(), folder: reference::folder(1), replace: None, content }
}

fn fetch(client: &mut Client, call: &Call) -> Content {
    let Answer::Contents(mut contents) = client.ask(call) else { panic!("items are answered with contents") };
    contents.remove(0).expect("the item can be read")
}

#[test]
fn exported_bytes_can_be_imported_and_come_back_the_same() {
    let (mut client, session) = with_bytes();
    let foreign = Bytes::from_static(b"a stream from somewhere else, not one of ours");
    let ours = fetch(&mut client, &Call::ExportItems { items: vec![reference::item(1, 3)] });
    let ours_bytes = ours.bytes.clone().expect("a server with bytes sends them");
    assert_eq!((ours_bytes.len(), stream::read(&ours_bytes)), (ours.size as usize, Ok((ours.key, ours.size))));
    for bytes in [ours_bytes, foreign] {
        let Answer::Created(item) = client.ask(&import(&session, bytes.clone())) else { panic!("it is stored") };
        assert_eq!(fetch(&mut client, &Call::ExportItems { items: vec![item] }).bytes, Some(bytes));
    }
}

#[test]
fn broken_streams_and_unknown_sessions_are_refused() {
    let (mut client, session) = with_bytes();
    let cut = stream::export(ItemKey(4), 900).slice(..800);
    assert_eq!(kind(&client.call(&import(&session, cut))), Some(RefusalKind::Invalid));
    let reply = client.call(&import(&Id::Number(77), stream::export(ItemKey(4), 900)));
    assert_eq!(kind(&reply), Some(RefusalKind::NotFound));
}

#[test]
fn messages_come_back_as_they_were_stored() {
    let (mut client, _) = with_bytes();
    let foreign = Bytes::from_static(b"From: a@example.com\r\nSubject: hello\r\n\r\nhello\r\n");
    for bytes in [mime::mime(ItemKey(9), 2_000), foreign] {
        let content = Content { key: ItemKey(0), size: 0, bytes: Some(bytes.clone()) };
        let call = Call::CreateMessage { folder: reference::folder(1), content };
        let Answer::Created(item) = client.ask(&call) else { panic!("it is stored") };
        let content = fetch(&mut client, &Call::GetItems { items: vec![item] });
        assert_eq!((content.key, content.bytes.as_ref()), (mime::read_mime(&bytes), Some(&bytes)));
    }
}
