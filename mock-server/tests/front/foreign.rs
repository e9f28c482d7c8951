//! Clients of other makes at a desk without sockets, at moments that the test chooses: what one request counts as.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mock_server::draw::Distribution;
use mock_server::fault::also::Also;
use mock_server::fault::rule::{Act, FaultRule, Match};
use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::desk::Desk;
use mock_server::front::exchange::{Decide, Decision, Received};
use mock_server::mailbox::content::Content;
use mock_server::mailbox::named::{Directory, Named};
use mock_server::mailbox::plain::Plain;
use mock_server::service::config::{Config, Holding};
use mock_server::service::core::Service;
use mock_server::service::reply::Spoil;
use mock_server::throttle::limit::{Limit, Rule, Scope};
use mock_server::throttle::preset;
use mock_server::time::{Moment, Span};
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::RefusalKind;
use serde_json::{Value, json};

use crate::alice::ALICE;
use crate::server::free;

const BOB: &str = "bob@contoso.test";

const SECOND: Span = Span::seconds(1);

/// A server of two mailboxes, and its clock.
struct Server {
    desk: Desk<Named<Plain>>,
    now: Moment,
    /// How long after each other requests come.
    between: Span,
}

fn received(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Received {
    let mut request = hyper::Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).expect("a request").into_parts();
    let body = Bytes::copy_from_slice(body.as_bytes());
    Received { method: head.method, uri: head.uri, headers: head.headers, peer: None, secure: false, body }
}

impl Server {
    fn new(config: Config) -> Self {
        let mut content = Named::new(Plain::default());
        for address in [ALICE, BOB] {
            content.add(address).expect("room for a mailbox");
        }
        let service = Service::new(config, content).with_bytes(true);
        let desk = Desk::new(service, Access::new(3, TOKEN_LIFE));
        Self { desk, now: Moment::START + SECOND, between: Span::seconds(100) }
    }

    /// What becomes of a request, long after the one before.
    fn decide(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Decision {
        self.now += self.between;
        let credentials = format!("Basic {}", STANDARD.encode(format!("{ALICE}:any")));
        let headers: Vec<_> = headers.iter().copied().chain([("authorization", &*credentials)]).collect();
        self.desk.decide(self.now, &received(method, path, &headers, body))
    }

    /// How long after it arrived the answer to the last request left.
    fn took(&self, decision: &Decision) -> Span {
        decision.ready.since(self.now)
    }

    fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> u16 {
        self.decide("GET", &format!("/v1.0{path}"), headers, "").answer.status
    }

    /// What becomes of a batch, and the statuses of its entries.
    fn batch(&mut self, entries: &[Value]) -> (Decision, Vec<u64>) {
        let numbered = entries.iter().enumerate().map(|(id, entry)| {
            let mut entry = entry.clone();
            entry["id"] = json!(id.to_string());
            entry
        });
        let body = json!({"requests": numbered.collect::<Vec<_>>()}).to_string();
        let decision = self.decide("POST", "/v1.0/$batch", &[("content-type", "application/json")], &body);
        let answers: Value = serde_json::from_slice(&decision.answer.body).unwrap_or_default();
        let answers = answers["responses"].as_array().cloned().unwrap_or_default();
        (decision, answers.iter().map(|answer| answer["status"].as_u64().expect("a status")).collect())
    }

    fn ews(&mut self, operation: &str) -> (Decision, String) {
        const BASE: &str = "http://schemas.microsoft.com/exchange/services/2006/";
        let body = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:m=\"{BASE}messages\" \
             xmlns:t=\"{BASE}types\"><s:Body>{operation}</s:Body></s:Envelope>"
        );
        let decision = self.decide("POST", "/EWS/Exchange.asmx", &[("content-type", "text/xml")], &body);
        let text = String::from_utf8(decision.answer.body.clone()).expect("text");
        (decision, text)
    }
}

fn limit(name: &str, rule: Rule, refusal: RefusalKind) -> Limit {
    Limit { name: name.into(), rule, scope: Scope::AppMailbox, operations: Vec::new(), protocols: Vec::new(), refusal }
}

/// So many calls at once, each of which takes a second.
fn at_once(lanes: u32, refusal: RefusalKind) -> Config {
    let mut config = free(Holding::Live);
    config.costs.default.call = Distribution::Constant(SECOND);
    config.limits = vec![limit("lanes", Rule::Concurrency { lanes, retry_after: SECOND }, refusal)];
    config
}

fn fault(matches: Match, act: Act) -> Config {
    Config { faults: vec![FaultRule { name: "a fault".into(), matches, act }], ..free(Holding::Live) }
}

fn of(operation: Operation) -> Match {
    Match { operations: vec![operation], ..Match::default() }
}

fn busy() -> Act {
    Act::Refuse { kind: RefusalKind::RequestLimit, status: 429, retry_after: None }
}

/// An entry that lists folders.
fn listing(owner: &str) -> Value {
    json!({"method": "GET", "url": format!("/users/{owner}/mailFolders")})
}

/// An entry that stores a message.
fn message(owner: &str, text: &str) -> Value {
    let body = json!({"subject": "s", "body": {"contentType": "text", "content": text}});
    let headers = json!({"content-type": "application/json"});
    json!({"method": "POST", "url": format!("/users/{owner}/messages"), "headers": headers, "body": body})
}

/// A folder of the named owner, or of the caller.
fn inbox(owner: Option<&str>) -> String {
    let owner = owner.map(|owner| format!("<t:Mailbox><t:EmailAddress>{owner}</t:EmailAddress></t:Mailbox>"));
    format!("<t:DistinguishedFolderId Id=\"inbox\">{}</t:DistinguishedFolderId>", owner.unwrap_or_default())
}

fn find(folders: &str) -> String {
    format!(
        "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>\
         <m:ParentFolderIds>{folders}</m:ParentFolderIds></m:FindItem>"
    )
}

#[test]
fn an_ews_request_is_one_call_however_many_folders_it_names() {
    let mut server = Server::new(at_once(1, RefusalKind::ConnectionCount));
    let names = (0..40).map(|name| format!("<t:Folder><t:DisplayName>{name}</t:DisplayName></t:Folder>"));
    let make = format!(
        "<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id=\"msgfolderroot\"/></m:ParentFolderId>\
         <m:Folders>{}</m:Folders></m:CreateFolder>",
        names.collect::<String>()
    );
    let (_, made) = server.ews(&make);
    let ids = made.split("<t:FolderId ").skip(1).map(|rest| rest.split_once("/>").expect("an end").0);
    let ids = ids.fold(String::new(), |ids, id| ids + "<t:FolderId " + id + "/>");
    let within = "<t:FolderId Id=\"nonsense\"/>";
    let requests = [
        (find(&inbox(None).repeat(40)), 40, 0),
        (find(&[inbox(None), within.to_owned(), inbox(None)].concat()), 2, 1),
        (
            format!(
                "<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>true\
                     </m:SuppressReadReceipts><m:FolderIds>{}</m:FolderIds></m:MarkAllItemsAsRead>",
                inbox(None).repeat(3)
            ),
            3,
            0,
        ),
        (format!("<m:DeleteFolder DeleteType=\"HardDelete\"><m:FolderIds>{ids}</m:FolderIds></m:DeleteFolder>"), 40, 0),
        (format!("<m:DeleteFolder DeleteType=\"HardDelete\"><m:FolderIds>{ids}</m:FolderIds></m:DeleteFolder>"), 0, 40),
    ];
    for (request, done, failed) in requests {
        let (decision, text) = server.ews(&request);
        assert_eq!(decision.answer.status, 200, "{text}");
        assert_eq!((text.matches("\"Success\"").count(), text.matches("\"Error\"").count()), (done, failed), "{text}");
        assert_eq!(server.took(&decision), SECOND, "{request}");
    }
}

#[test]
fn subscriptions_of_one_mailbox_are_streamed_as_one_call() {
    let mut server = Server::new(at_once(1, RefusalKind::ConnectionCount));
    let subscribe = format!(
        "<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds>{}</t:FolderIds><t:EventTypes>\
         <t:EventType>NewMailEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>",
        inbox(None)
    );
    let ids = (0..3).map(|_| {
        let (_, begun) = server.ews(&subscribe);
        let (_, rest) = begun.split_once("<m:SubscriptionId>").expect("a subscription");
        format!("<t:SubscriptionId>{}</t:SubscriptionId>", rest.split_once('<').expect("an end").0)
    });
    let stream = format!(
        "<m:GetStreamingEvents><m:SubscriptionIds>{}</m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout>\
         </m:GetStreamingEvents>",
        ids.collect::<String>()
    );
    let (decision, text) = server.ews(&stream);
    assert!(decision.ongoing.is_some() && text.contains("<m:ConnectionStatus>OK<"), "{text}");
}

#[test]
fn a_refusal_of_too_many_at_once_names_the_limit() {
    for lanes in [3, 27] {
        let mut server = Server::new(at_once(lanes, RefusalKind::ConnectionCount));
        server.between = Span::ZERO;
        for _ in 0..lanes {
            assert_eq!(server.ews(&find(&inbox(None))).0.answer.status, 200);
        }
        let (decision, text) = server.ews(&find(&inbox(None)));
        assert_eq!(decision.answer.status, 500);
        for named in [format!("policy value '{lanes}'"), format!("\"MaxConcurrencyLimit\">{lanes}<")] {
            assert!(text.contains(&named), "{named} is not in {text}");
        }
    }
}

#[test]
fn clients_are_held_to_the_limits_of_the_protocol_that_they_speak() {
    let mut config = at_once(1, RefusalKind::ConnectionCount);
    config.limits = preset::exchange_online();
    let mut server = Server::new(config);
    server.between = Span::ZERO;
    let list = format!("/v1.0/users/{ALICE}/mailFolders");
    let listed: Vec<_> = (0..6).map(|_| server.decide("GET", &list, &[], "").answer.status).collect();
    assert_eq!(listed, [200, 200, 200, 200, 429, 429]);
    // The directory is another service.
    assert!((0..6).all(|_| server.decide("GET", "/v1.0/users", &[], "").answer.status == 200));
    let found: Vec<_> = (0..28).map(|_| server.ews(&find(&inbox(None))).0.answer.status).collect();
    assert_eq!((&found[..27], found[27]), (&[200; 27][..], 500));
}

#[test]
fn what_was_done_in_one_mailbox_is_told_although_another_is_refused() {
    let mut known = Server::new(free(Holding::Live));
    let [alice, bob] = [ALICE, BOB].map(|address| known.desk.service().content().find(address).expect("a mailbox").0);
    let hits = |mailbox| Match { mailboxes: Some((mailbox, mailbox)), ..Match::default() };
    let refused =
        |act| Server::new(fault(hits(bob), act)).ews(&find(&[inbox(None), inbox(Some(BOB)), inbox(None)].concat()));
    for act in [busy(), Act::Refuse { kind: RefusalKind::Unavailable, status: 503, retry_after: Some(SECOND) }] {
        let (decision, text) = refused(act);
        assert_eq!((decision.answer.status, decision.spoil), (200, None), "{text}");
        assert_eq!((text.matches("\"Success\"").count(), text.matches("ErrorServerBusy").count()), (2, 1), "{text}");
    }
    let (decision, text) =
        Server::new(fault(hits(alice), busy())).ews(&find(&[inbox(None), inbox(Some(BOB))].concat()));
    assert_eq!(decision.answer.status, 500, "nothing was done: {text}");
}

#[test]
fn each_entry_of_a_batch_uploads_its_own_bytes() {
    let mut config = free(Holding::Live);
    let rule = Rule::UploadBytes { bytes: 1_500, per: Span::seconds(1_000_000) };
    config.limits = vec![limit("upload", rule, RefusalKind::UploadLimit)];
    let mut server = Server::new(config);
    let text = "x".repeat(900);
    let entries = [listing(BOB), message(ALICE, &text), message(ALICE, &text), message(BOB, &text), listing(ALICE)];
    assert_eq!(server.batch(&entries).1, [200, 201, 429, 201, 200]);
    assert_eq!(server.batch(&entries).1, [200, 429, 429, 429, 200]);
}

/// A batch whose second entry stores a message and is struck: what becomes of the batch and of the entry, and how many
/// messages are there then.
fn check_struck(act: &Act, expected: (Option<Spoil>, u64, u64)) {
    let mut server = Server::new(fault(of(Operation::CreateItems), act.clone()));
    let (decision, statuses) = server.batch(&[listing(ALICE), message(ALICE, "x"), listing(BOB)]);
    assert_eq!((decision.answer.status, statuses[0], statuses[2]), (200, 200, 200), "{act:?}");
    let drafts = server.decide("GET", "/v1.0/me/mailFolders/drafts", &[], "");
    let drafts: Value = serde_json::from_slice(&drafts.answer.body).expect("JSON");
    let stored = drafts["totalItemCount"].as_u64().expect("a count");
    assert_eq!((decision.spoil, statuses[1], stored), expected, "{act:?}");
}

#[test]
fn a_fault_that_hits_an_entry_of_a_batch_leaves_the_others_alone() {
    check_struck(&Act::Reset, (None, 502, 0));
    check_struck(&Act::LoseAnswer, (None, 504, 1));
    check_struck(&Act::Truncate, (None, 504, 1));
    check_struck(&busy(), (None, 429, 0));
}

#[test]
fn faults_hit_batches_as_a_whole() {
    let check = |act: Act, status: u16, spoil, stored: u64| {
        let mut server = Server::new(fault(of(Operation::Batch), act));
        let (decision, _) = server.batch(&[message(ALICE, "x")]);
        assert_eq!((decision.answer.status, decision.spoil), (status, spoil));
        let drafts = server.decide("GET", "/v1.0/me/mailFolders/drafts", &[], "");
        let drafts: Value = serde_json::from_slice(&drafts.answer.body).expect("JSON");
        assert_eq!(drafts["totalItemCount"], stored);
    };
    check(busy(), 429, None, 0);
    check(Act::LoseAnswer, 200, Some(Spoil::Reset), 1);
    check(Act::Truncate, 200, Some(Spoil::Truncate), 1);
    let mut slow = Server::new(fault(of(Operation::Batch), Act::Delay(Distribution::Constant(SECOND))));
    let (decision, statuses) = slow.batch(&[listing(ALICE), listing(BOB)]);
    assert_eq!((slow.took(&decision), statuses), (SECOND, vec![200, 200]));
}

#[test]
fn entries_of_a_batch_come_after_those_that_they_wait_for_and_four_are_worked_on_at_once() {
    let after = |entry: usize| {
        let mut listing = listing(ALICE);
        listing["dependsOn"] = json!([entry.to_string()]);
        listing
    };
    let chain: Vec<Value> = [listing(ALICE)].into_iter().chain((0..5).map(after)).collect();
    let same = vec![listing(ALICE); 6];
    let check = |lanes, entries: &[Value], statuses: &[u64], seconds| {
        let mut server = Server::new(at_once(lanes, RefusalKind::ConcurrencyLimit));
        let (decision, heard) = server.batch(entries);
        assert_eq!((&*heard, server.took(&decision)), (statuses, Span::seconds(seconds)), "{lanes} {entries:?}");
        // While the batch is in progress, it takes one place or four; then none.
        server.now = decision.ready;
        assert_eq!(server.get("/me/mailFolders", &[]), 200);
    };
    check(1, &chain, &[200; 6], 6);
    check(4, &same, &[200; 6], 2);
    check(4, &same[..4], &[200; 4], 1);
    check(2, &same[..3], &[200, 200, 429], 1);
}

#[test]
fn every_nth_request_of_a_client_is_hit_from_its_first_on() {
    let third = Match { nth: Some(3), ..Match::default() };
    let mut server = Server::new(fault(third, busy()));
    let statuses: Vec<u16> = (0..9).map(|_| server.get("/me/mailFolders", &[])).collect();
    assert_eq!(statuses, [200, 200, 429, 200, 200, 429, 200, 200, 429]);
    assert_eq!(server.get(&format!("/users/{BOB}/mailFolders"), &[]), 200, "every mailbox has a count of its own");
}

#[test]
fn a_request_that_comes_again_under_its_name_passes_where_first_attempts_fail() {
    let operations = vec![Operation::FindFolders, Operation::FindMessages];
    let first = Match { operations, attempts_below: Some(1), ..Match::default() };
    let mut server = Server::new(fault(first, busy()));
    let mut check = |path: &str, id: &str, expected| {
        assert_eq!(server.get(path, &[("client-request-id", id)]), expected, "{path} {id}");
    };
    check("/me/mailFolders", "one", 429);
    check("/me/mailFolders", "one", 200);
    check("/me/mailFolders", "two", 429);
    check("/me/messages", "one", 429);
    assert_eq!(server.get("/me/mailFolders", &[]), 429);
    assert_eq!(server.get("/me/mailFolders", &[]), 429);
    let entries = [listing(ALICE), listing(ALICE)];
    assert_eq!(server.batch(&entries).1, [429, 429], "entries are no attempts of each other");
}

#[test]
fn a_request_that_comes_again_under_its_name_shares_the_luck_of_its_first_attempt() {
    let also = Also { whole_request: true, ..Also::default() };
    let twice = Match { rate: 0.5, attempts_below: Some(2), also, ..Match::default() };
    let mut server = Server::new(fault(twice, busy()));
    let mut all = Vec::new();
    for id in 0..40 {
        let id = format!("request {id}");
        let asks = [("client-request-id", id.as_str())];
        all.push([(); 4].map(|()| server.get("/me/mailFolders", &asks)));
    }
    let [refused, passed] = [[429, 429, 200, 200], [200; 4]];
    assert!(all.iter().all(|statuses| [refused, passed].contains(statuses)), "{all:?}");
    assert!(all.contains(&refused) && all.contains(&passed), "{all:?}");
}

/// The path of a new upload session for nine bytes.
fn session(server: &mut Server) -> String {
    let made = server.decide("POST", "/v1.0/me/messages", &[("content-type", "application/json")], "{}");
    let made: Value = serde_json::from_slice(&made.answer.body).expect("JSON");
    let begin = format!("/v1.0/me/messages/{}/attachments/createUploadSession", made["id"].as_str().expect("an id"));
    let item = r#"{"AttachmentItem":{"attachmentType":"file","name":"x","size":9}}"#;
    let begun = server.decide("POST", &begin, &[("content-type", "application/json")], item);
    let begun: Value = serde_json::from_slice(&begun.answer.body).expect("JSON");
    begun["uploadUrl"].as_str().expect("a URL").replace("http://localhost", "")
}

#[test]
fn an_upload_session_lives_however_many_others_are_opened() {
    let mut server = Server::new(free(Holding::Live));
    server.between = SECOND;
    let first = session(&mut server);
    let put = |server: &mut Server, range, body| {
        server.decide("PUT", &first, &[("content-range", range)], body).answer.status
    };
    assert_eq!(put(&mut server, "bytes 0-3/9", "1234"), 200);
    for _ in 0..100 {
        session(&mut server);
    }
    assert_eq!(put(&mut server, "bytes 4-8/9", "56789"), 201);
}

#[test]
fn a_client_is_known_by_the_head_of_its_request() {
    let mut server = Server::new(free(Holding::Live));
    let url = session(&mut server);
    let wish = "grant_type=client_credentials&client_id=an-app&client_secret=x\
                &scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let granted = server.desk.decide(server.now, &received("POST", "/t/oauth2/v2.0/token", &[kind], wish));
    let granted: Value = serde_json::from_slice(&granted.answer.body).expect("JSON");
    let token = format!("Bearer {}", granted["access_token"].as_str().expect("a token"));
    let mut check = |path: &str, credentials: Option<&str>, expected| {
        let headers: Vec<_> = credentials.map(|credentials| ("authorization", credentials)).into_iter().collect();
        let known = server.desk.knows(server.now, &received("PUT", path, &headers, ""));
        assert_eq!(known, expected, "{path} {credentials:?}");
    };
    check(&url, None, true);
    check(&url.replace("')?authtoken=", "x')?authtoken=x"), None, false);
    check("/v1.0/me", Some(&token), true);
    check("/v1.0/me", Some(&token.replace('.', ".x")), false);
    check("/EWS/Exchange.asmx", Some(&token), false);
    check("/EWS/Exchange.asmx", Some(&format!("Basic {}", STANDARD.encode("alice:any"))), true);
    check("/EWS/Exchange.asmx", Some("x"), false);
    check("/v1.0/me", None, false);
}
