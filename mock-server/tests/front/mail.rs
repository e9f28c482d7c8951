//! Mailboxes through a front: real bytes in both protocols, limits, faults and access.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use mock_server::draw::Distribution;
use mock_server::fault::also::Also;
use mock_server::fault::rule::{Act, FaultRule, Match};
use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::clock::Clock;
use mock_server::front::desk::Desk;
use mock_server::front::listen::{Handle, ListenOptions, start};
use mock_server::front::server_timing;
use mock_server::mailbox::named::Named;
use mock_server::mailbox::plain::Plain;
use mock_server::service::config::{Config, Holding, SwitchConfig};
use mock_server::service::core::Service;
use mock_server::throttle::limit::{Limit, Rule, Scope};
use mock_server::time::{Moment, Span};
use mock_server::wire::answer::{Answer, SwitchState};
use mock_server::wire::call::{Call, Content, FolderKind, Protocol, RequestIdentity, Upload};
use mock_server::wire::entra::{self, TokenRequest};
use mock_server::wire::http::{HttpAnswer, HttpCall};
use mock_server::wire::id::Id;
use mock_server::wire::operation::Operation;
use mock_server::wire::refusal::{Refusal, RefusalKind};
use mock_server::wire::{codec, identity};

use crate::client::{Heard, block_on, connect, exchange, request, send};
use crate::server;

const PLAIN: Plain = Plain { mailboxes: 3, items: 40, item_bytes: 5_000, changes_per_day: 0.0 };

/// A server without limits, faults or costs.
fn free(holding: Holding) -> Config {
    let switch = SwitchConfig { places: 2, duration: Distribution::Constant(Span::ZERO), failure_rate: 0.0 };
    Config { switch, ..server::free(holding) }
}

/// A fault that hits the first attempt of every call of one operation.
fn first_attempts(operation: Operation, act: Act) -> FaultRule {
    let matches = Match {
        operations: vec![operation],
        mailboxes: None,
        from: Moment::START,
        until: Moment::NEVER,
        nth: None,
        rate: 1.0,
        attempts_below: Some(1),
        also: Also::default(),
    };
    FaultRule { name: "first".into(), matches, act }
}

fn front(config: Config) -> Handle {
    // What the library's own program serves, so that the protocols are not compiled here once more.
    let service = move || Service::new(config, Named::new(PLAIN)).with_bytes(true);
    let desk = move || Desk::new(service(), Access::new(7, TOKEN_LIFE));
    start(ListenOptions::loopback(Clock::start()), desk).expect("a free port")
}

/// A client of mailbox 1 that speaks one protocol.
struct Client {
    server: SocketAddr,
    protocol: Protocol,
    sender: SendRequest<Full<Bytes>>,
    token: String,
    requests: u64,
}

impl Client {
    async fn new(server: SocketAddr, protocol: Protocol) -> Self {
        let resource = match protocol {
            Protocol::Ews => "https://outlook.office365.com/.default",
            Protocol::Graph => "https://graph.microsoft.com/.default",
        };
        let [tenant, client_id, client_secret] = ["contoso.test", "app", "any"].map(str::to_owned);
        let wish = TokenRequest { tenant, client_id, client_secret, scope: resource.to_owned() };
        let granted = exchange(server, http(server, entra::encode_request(&wish))).await.expect("an answer");
        assert_eq!(granted.header("content-type"), "application/json; charset=utf-8");
        let token = entra::decode_answer(&plain(granted)).expect("a token").access_token;
        Self { server, protocol, sender: connect(server).await, token, requests: 0 }
    }

    fn request(&self, call: &Call, attempt: u32) -> Request<Full<Bytes>> {
        let base = format!("http://{}", self.server);
        let call =
            codec::encode_call(self.protocol, call, "User1@contoso.test", &base).expect("a call of the protocol");
        let mut request = http(self.server, call);
        let identity = identity::encode(RequestIdentity::new(self.requests, attempt));
        request.headers_mut().insert("client-request-id", identity.parse().expect("a header"));
        request.headers_mut().insert("authorization", format!("Bearer {}", self.token).parse().expect("a header"));
        request
    }

    /// Makes a call. Where the connection broke, there is only a refusal.
    async fn call(&mut self, call: &Call, attempt: u32) -> (Result<Answer, Refusal>, Option<Heard>) {
        let request = self.request(call, attempt);
        let lost = |kind| Err(Refusal { kind, status: 0, retry_after: None });
        match send(&mut self.sender, request).await {
            Err(_) => {
                self.sender = connect(self.server).await;
                (lost(RefusalKind::ConnectionReset), None)
            }
            Ok(heard) if heard.body.is_err() => {
                self.sender = connect(self.server).await;
                (lost(RefusalKind::Truncated), Some(heard))
            }
            Ok(heard) => {
                let answer = HttpAnswer {
                    status: heard.status.as_u16(),
                    headers: vec![("Retry-After", heard.header("retry-after").to_owned())],
                    body: heard.body.as_ref().expect("checked").to_vec(),
                };
                (codec::decode_answer(self.protocol, call, &answer), Some(heard))
            }
        }
    }

    /// Makes a call that must succeed.
    async fn ask(&mut self, call: &Call) -> Answer {
        self.requests += 1;
        let (result, _) = self.call(call, 0).await;
        result.unwrap_or_else(|refusal| panic!("{call:?} was refused: {refusal:?}"))
    }

    async fn folder(&mut self, kind: FolderKind) -> Id {
        let answer = self.ask(&Call::FindFolders { from: 0, limit: 100 }).await;
        let Answer::Folders { folders, .. } = answer else { panic!("no folders: {answer:?}") };
        folders.into_iter().find(|folder| folder.kind == kind).expect("the folder").id
    }

    /// All items of a folder.
    async fn items(&mut self, folder: &Id) -> Vec<Id> {
        let answer = self.ask(&Call::SyncItems { folder: folder.clone(), state: None, limit: 100 }).await;
        let Answer::Items { changes, .. } = answer else { panic!("no items: {answer:?}") };
        changes.into_iter().map(|change| change.item).collect()
    }

    /// The streams of items.
    async fn export(&mut self, items: Vec<Id>) -> Vec<Content> {
        let answer = self.ask(&Call::ExportItems { items }).await;
        let Answer::Contents(contents) = answer else { panic!("no contents: {answer:?}") };
        contents.into_iter().map(|content| content.expect("a readable item")).collect()
    }

    /// What stores an item in a folder.
    async fn store(&mut self, folder: &Id, content: Content) -> Call {
        let (folder, replace) = (folder.clone(), None);
        match self.protocol {
            Protocol::Ews => Call::UploadItems { uploads: vec![Upload { folder, replace, content }] },
            Protocol::Graph => {
                let answer = self.ask(&Call::CreateImportSession).await;
                let Answer::Session(session) = answer else { panic!("no session: {answer:?}") };
                Call::ImportItem { session, folder, replace, content }
            }
        }
    }
}

fn http(server: SocketAddr, call: HttpCall) -> Request<Full<Bytes>> {
    let mut request = request(server, &call.path, call.body);
    *request.method_mut() = call.method.parse().expect("a method");
    for (name, value) in call.headers {
        request.headers_mut().insert(name, value.parse().expect("a header"));
    }
    request
}

fn plain(heard: Heard) -> HttpAnswer {
    HttpAnswer { status: heard.status.as_u16(), headers: Vec::new(), body: heard.body.expect("a body").to_vec() }
}

/// Makes the target user. Graph does that, whatever carries the mail.
async fn provision(server: SocketAddr) {
    let mut client = Client::new(server, Protocol::Graph).await;
    client.ask(&Call::ProvisionUser).await;
    client.ask(&Call::AssignLicense).await;
}

fn round_trip(from: Protocol, to: Protocol) {
    let (source, target) = (front(free(Holding::Live)), front(free(Holding::Empty)));
    block_on(async {
        let mut source = Client::new(source.address(), from).await;
        let mut target = Client::new(target.address(), to).await;
        let inbox = source.folder(FolderKind::Inbox).await;
        let items = source.items(&inbox).await;
        assert_eq!(items.len(), 24);
        let exported = source.export(items[..4].to_vec()).await;

        provision(target.server).await;
        let inbox = target.folder(FolderKind::Inbox).await;
        for content in &exported {
            assert_eq!(content.bytes.as_ref().expect("bytes").len(), 5_000);
            let store = target.store(&inbox, content.clone()).await;
            target.ask(&store).await;
        }
        let arrived = target.items(&inbox).await;
        assert_eq!(target.export(arrived).await, exported);
    });
}

#[test]
fn items_arrive_byte_for_byte_from_graph_to_graph() {
    round_trip(Protocol::Graph, Protocol::Graph);
}

#[test]
fn items_arrive_byte_for_byte_from_ews_to_graph() {
    round_trip(Protocol::Ews, Protocol::Graph);
}

#[test]
fn items_arrive_byte_for_byte_from_ews_to_ews() {
    round_trip(Protocol::Ews, Protocol::Ews);
}

#[test]
fn fifth_request_at_once_is_refused_with_a_wait() {
    let limit = Limit {
        name: "outlook-concurrency".into(),
        rule: Rule::Concurrency { lanes: 4, retry_after: Span::seconds(7) },
        scope: Scope::AppMailbox,
        operations: Vec::new(),
        protocols: Vec::new(),
        refusal: RefusalKind::ConcurrencyLimit,
    };
    let mut config = free(Holding::Live);
    config.limits = vec![limit];
    config.costs.default.call = Distribution::Constant(Span::milliseconds(80));
    let front = front(config);
    block_on(async {
        let client = Client::new(front.address(), Protocol::Graph).await;
        let find = Call::FindFolders { from: 0, limit: 10 };
        let sent: Vec<_> = (0..5).map(|_| tokio::spawn(exchange(front.address(), client.request(&find, 0)))).collect();
        let mut refused = Vec::new();
        for heard in sent {
            let heard = heard.await.expect("no panic").expect("an answer");
            if heard.status == 429 {
                refused.push(heard);
            } else {
                assert_eq!(heard.status, 200);
            }
        }
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].header("retry-after"), "7");
        assert!(refused[0].text().contains("MailboxConcurrency"), "{}", refused[0].text());
    });
}

#[test]
fn time_spent_is_told_and_taken() {
    let mut config = free(Holding::Live);
    config.costs.servers = Some(1);
    config.costs.default.call = Distribution::Constant(Span::microseconds(20_500));
    let delay = Act::Delay(Distribution::Constant(Span::milliseconds(10)));
    config.faults = vec![first_attempts(Operation::FindFolders, delay)];
    let front = front(config);
    block_on(async {
        let client = Client::new(front.address(), Protocol::Graph).await;
        let find = Call::FindFolders { from: 0, limit: 10 };
        let requests = [0, 1].map(|attempt| client.request(&find, attempt));
        let mut sender = connect(front.address()).await;
        let clock = Clock::start();
        for (request, delayed) in requests.into_iter().zip([10_000, 0]) {
            let asked = clock.now();
            let heard = send(&mut sender, request).await.expect("an answer");
            let took = clock.now().since(asked);
            let spent = server_timing::decode(heard.header("server-timing"));
            assert_eq!((spent.delayed, spent.served), (Span::microseconds(delayed), Span::microseconds(20_500)));
            assert!(
                took >= spent.delayed + spent.served && took < spent.delayed + spent.served + Span::milliseconds(8)
            );
        }
    });
}

#[test]
fn busy_server_says_so_in_the_words_of_ews() {
    let mut config = free(Holding::Live);
    let busy = Act::Refuse { kind: RefusalKind::ServerBusy, status: 500, retry_after: Some(Span::milliseconds(1_234)) };
    config.faults = vec![first_attempts(Operation::FindFolders, busy)];
    let front = front(config);
    block_on(async {
        let mut client = Client::new(front.address(), Protocol::Ews).await;
        let (result, heard) = client.call(&Call::FindFolders { from: 0, limit: 10 }, 0).await;
        let refusal = result.expect_err("a fault");
        assert_eq!((refusal.kind, refusal.retry_after), (RefusalKind::ServerBusy, Some(Span::milliseconds(1_234))));
        let heard = heard.expect("an answer");
        assert_eq!(heard.status, 500);
        assert!(heard.text().contains("BackOffMilliseconds") && heard.text().contains("ErrorServerBusy"));
        assert!(client.call(&Call::FindFolders { from: 0, limit: 10 }, 1).await.0.is_ok());
    });
}

fn spoiled(protocol: Protocol, act: Act, expected: RefusalKind, stored: usize) {
    let mut config = free(Holding::Empty);
    let operation = match protocol {
        Protocol::Ews => Operation::UploadItems,
        Protocol::Graph => Operation::ImportItem,
    };
    config.faults = vec![first_attempts(operation, act)];
    let front = front(config);
    block_on(async {
        let mut client = Client::new(front.address(), protocol).await;
        provision(front.address()).await;
        let inbox = client.folder(FolderKind::Inbox).await;
        let bytes = mock_server::wire::stream::computed(mock_server::wire::id::ItemKey(77), 900);
        let store = client.store(&inbox, mock_server::wire::stream::content(bytes)).await;
        client.requests += 1;
        let (result, _) = client.call(&store, 0).await;
        assert_eq!(result.expect_err("a spoiled answer").kind, expected);
        assert_eq!(client.items(&inbox).await.len(), stored);
    });
}

#[test]
fn lost_answer_leaves_the_item_stored() {
    spoiled(Protocol::Graph, Act::LoseAnswer, RefusalKind::ConnectionReset, 1);
    spoiled(Protocol::Ews, Act::LoseAnswer, RefusalKind::ConnectionReset, 1);
}

#[test]
fn truncated_answer_leaves_the_item_stored() {
    spoiled(Protocol::Graph, Act::Truncate, RefusalKind::Truncated, 1);
    spoiled(Protocol::Ews, Act::Truncate, RefusalKind::Truncated, 1);
}

#[test]
fn reset_before_the_work_stores_nothing() {
    spoiled(Protocol::Graph, Act::Reset, RefusalKind::ConnectionReset, 0);
}

#[test]
fn strangers_are_challenged_and_not_billed() {
    let mut config = free(Holding::Live);
    config.limits = vec![Limit {
        name: "one-request".into(),
        rule: Rule::Requests { count: 1, per: Span::seconds(60), refused_count: true },
        scope: Scope::Tenant,
        operations: Vec::new(),
        protocols: Vec::new(),
        refusal: RefusalKind::RequestLimit,
    }];
    let front = front(config);
    block_on(async {
        let address = front.address();
        for path in ["/EWS/Exchange.asmx", "//ews/exchange.asmx", "/v1.0/users/user1@contoso.test/mailFolders"] {
            let heard = exchange(address, request(address, path, "<x/>")).await.expect("an answer");
            assert_eq!(heard.status, 401);
            let offered: Vec<_> = heard.headers.get_all("www-authenticate").iter().collect();
            assert!(offered.iter().any(|value| value.as_bytes().starts_with(b"Basic realm=")), "{offered:?}");
            assert!(offered.iter().any(|value| value.as_bytes().starts_with(b"Bearer ")), "{offered:?}");
        }
        // The one request that the limit allows is still to be had, with a password.
        let client = Client::new(address, Protocol::Graph).await;
        let mut request = client.request(&Call::FindFolders { from: 0, limit: 10 }, 0);
        let basic = "Basic dXNlcjFAY29udG9zby50ZXN0OmFueQ==";
        request.headers_mut().insert("authorization", basic.parse().expect("a header"));
        assert_eq!(exchange(address, request.clone()).await.expect("an answer").status, 200);
        assert_eq!(exchange(address, request).await.expect("an answer").status, 429);
    });
}

#[test]
fn requests_without_an_identity_are_numbered_as_they_come() {
    let mut config = free(Holding::Live);
    let mut rule = first_attempts(
        Operation::FindFolders,
        Act::Refuse { kind: RefusalKind::Unavailable, status: 503, retry_after: None },
    );
    rule.matches.nth = Some(2);
    config.faults = vec![rule];
    let front = front(config);
    block_on(async {
        let client = Client::new(front.address(), Protocol::Graph).await;
        let mut statuses = Vec::new();
        for number in 0..4 {
            let mut request = client.request(&Call::FindFolders { from: 0, limit: 10 }, 0);
            let foreign = format!("7d9ba5c9-9a8e-4b6f-a1b2-00000000000{number}");
            request.headers_mut().insert("client-request-id", foreign.parse().expect("a header"));
            statuses.push(exchange(front.address(), request).await.expect("an answer").status.as_u16());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 503, 503]);
    });
}

#[test]
fn mailboxes_are_switched_through_administration() {
    let front = front(free(Holding::Empty));
    block_on(async {
        provision(front.address()).await;
        let mut client = Client::new(front.address(), Protocol::Ews).await;
        client.ask(&Call::StartSwitch).await;
        assert_eq!(client.ask(&Call::PollSwitch).await, Answer::Switch(SwitchState::Completed));
    });
}

#[test]
fn unknown_mailboxes_and_paths_are_not_found() {
    let front = front(free(Holding::Live));
    block_on(async {
        let client = Client::new(front.address(), Protocol::Graph).await;
        // Graph answers paths that it does not know with 400.
        for (path, status) in [("/v1.0/users/nobody@contoso.test/mailFolders", 404), ("/v1.0/no/such/thing", 400)] {
            let mut request = client.request(&Call::FindFolders { from: 0, limit: 10 }, 0);
            *request.uri_mut() = path.parse().expect("a path");
            let heard = exchange(front.address(), request).await.expect("an answer");
            assert_eq!(heard.status, status, "{path}");
            assert!(heard.text().starts_with("{\"error\":{\"code\":"), "{}", heard.text());
        }
    });
}
