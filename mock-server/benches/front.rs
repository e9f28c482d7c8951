//! What real clients' requests cost the front, against a bare hyper server that answers two bytes to everything.
//! A long answer is also compared with one that answers as many bytes.
//!
//! Both servers run on a thread of their own, on a single-threaded runtime of the same kind and with the same limits of
//! HTTP. One client after the other, in many short rounds that alternate, keeps the same number of connections busy with
//! the same prepared bytes, so that a noisy machine is as noisy for both. Printed are medians over the rounds: requests a
//! second, processor time of the server's thread for each request, and the reference's share of both.
//!
//! `cargo bench -p mock-server --bench front [-- NAME]` measures; with `--serve hello|mock` the servers stay for a tool
//! like perf or wrk.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::convert::Infallible;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use mock_server::control::access::Guard;
use mock_server::control::tank::Tank;
use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::clock::Clock;
use mock_server::front::desk::Desk;
use mock_server::front::listen::{self, Handle, ListenOptions};
use mock_server::mailbox::named::Named;
use mock_server::mailbox::plain::Plain;
use mock_server::service::config::Config;
use mock_server::service::core::Service;
use mock_server::throttle::limit::{Limit, Rule, Scope};
use mock_server::time::Span;
use mock_server::wire::refusal::RefusalKind;
use tokio::runtime::LocalOptions;

// Both servers have the allocator that the programs have.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connections that are kept busy.
const CONNECTIONS: usize = 32;

/// Rounds of each server, which alternate.
const ROUNDS: usize = 15;

/// How long one round takes.
const ROUND: Duration = Duration::from_millis(300);

/// Somebody who has as many messages as a small mailbox (assumed), of whom the list asks for ten.
const PLAIN: Plain = Plain { mailboxes: 1, items: 1_000, item_bytes: 16 << 10, changes_per_day: 0.0 };

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let hello = Server::hello(b"ok".to_vec());
    let mock = Server::mock(Vec::new());
    let never = Limit {
        name: "never".to_owned(),
        rule: Rule::Requests { count: 1, per: Span::seconds(86_400), refused_count: false },
        scope: Scope::AppMailbox,
        operations: Vec::new(),
        protocols: Vec::new(),
        refusal: RefusalKind::RequestLimit,
    };
    let throttled = Server::mock(vec![never]);
    if arguments.iter().any(|word| word == "--serve") {
        println!("hello {} mock {} throttled {}", hello.address, mock.address, throttled.address);
        thread::sleep(Duration::from_hours(1));
        return;
    }
    let token = token(mock.address);
    let list = graph_list(&token);
    let (fields, body) = ews_get_item(mock.address);
    let long = "ews GetItem of one id, with its body of 16 KiB";
    // What of the costs of a long answer is nothing but sending it.
    let (_, whole) = ask(mock.address, &body);
    let as_long = Server::hello(whole.into_bytes());
    let cases = [
        ("graph list of 10 with $select", &mock, list.clone(), 200, 0.40),
        ("answer 429", &throttled, list, 429, 0.70),
        ("ews GetItem of one id, three fields", &mock, fields, 200, 0.30),
        (long, &mock, body.clone(), 200, 0.30),
    ];
    let wanted = |name: &str| arguments.iter().all(|word| name.contains(word.as_str()));
    for (name, server, request, status, goal) in cases {
        if wanted(name) {
            compare(name, &hello, server, &request, status, goal);
        }
    }
    if wanted(long) {
        compare(&format!("{long}, against as many bytes"), &as_long, &mock, &body, 200, 0.30);
    }
}

/// A server on a thread of its own.
struct Server {
    address: SocketAddr,
    thread: u64,
    _handle: Option<Handle>,
}

impl Server {
    /// The reference: it answers everything with the same bytes.
    fn hello(body: Vec<u8>) -> Self {
        let body = Bytes::from(body);
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build_local(LocalOptions::default()).expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
                tell.send((listener.local_addr().expect("an address"), this_thread())).expect("it is awaited");
                loop {
                    let (stream, _) = listener.accept().await.expect("a connection");
                    stream.set_nodelay(true).expect("an option");
                    let body = body.clone();
                    let answer = service_fn(move |_: hyper::Request<Incoming>| {
                        let answer = Response::new(Full::new(body.clone()));
                        async { Ok::<_, Infallible>(answer) }
                    });
                    let mut builder = hyper::server::conn::http1::Builder::new();
                    builder.timer(TokioTimer::new());
                    tokio::task::spawn_local(builder.serve_connection(TokioIo::new(stream), answer));
                }
            });
        });
        let (address, thread) = told.recv().expect("it starts");
        Self { address, thread, _handle: None }
    }

    /// The mock, with its control desk.
    fn mock(limits: Vec<Limit>) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let handle = listen::start(ListenOptions::loopback(Clock::start()), move || {
            tell.send(this_thread()).expect("it is awaited");
            let began = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
            let service = Service::new(Config::instant(3, limits), Named::new(PLAIN)).with_bytes(true).with_wall(began);
            Tank::new(Desk::new(service, Access::new(3, TOKEN_LIFE)), Guard::default(), began)
        });
        let handle = handle.expect("a port");
        Self { address: handle.address(), thread: told.recv().expect("it starts"), _handle: Some(handle) }
    }

    /// The processor time that the thread has had.
    fn worked(&self) -> Duration {
        let path = format!("/proc/self/task/{}/schedstat", self.thread);
        let text = fs::read_to_string(path).unwrap_or_default();
        Duration::from_nanos(text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0))
    }
}

/// The number of this thread in Linux's list of tasks.
fn this_thread() -> u64 {
    let link = fs::read_link("/proc/thread-self").unwrap_or_default();
    link.file_name().and_then(|name| name.to_str()?.parse().ok()).unwrap_or(0)
}

fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
        .into_bytes()
}

/// Sends one request on a fresh connection; the answer's status and body.
fn ask(address: SocketAddr, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(request).expect("it reads");
    let mut heard = Vec::new();
    let mut buffer = vec![0; 65_536];
    loop {
        if let Some((head, length, status)) = head(&heard)
            && heard.len() >= head + length
        {
            return (status, String::from_utf8_lossy(&heard[head..]).into_owned());
        }
        let count = stream.read(&mut buffer).expect("it answers");
        assert!(count > 0, "the connection ended");
        heard.extend_from_slice(&buffer[..count]);
    }
}

/// Where an answer's body begins, how long it is, and its status, once the head is whole.
fn head(heard: &[u8]) -> Option<(usize, usize, u16)> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = answer.parse(heard).expect("HTTP") else { return None };
    let status = answer.code.expect("a status");
    let length = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    Some((head, length.expect("a length"), status))
}

fn token(address: SocketAddr) -> String {
    let body = "grant_type=client_credentials&client_id=22222222-0000-0000-0000-000000000001&client_secret=x\
                &scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
    let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
    let (status, body) = ask(address, &post("/contoso.test/oauth2/v2.0/token", headers, body));
    assert_eq!(status, 200, "{body}");
    let granted: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    granted["access_token"].as_str().expect("a token").to_owned()
}

fn graph_list(token: &str) -> Vec<u8> {
    let path =
        "/v1.0/users/user0@contoso.test/mailFolders/inbox/messages?$top=10&$select=subject,from,receivedDateTime";
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\r\n"
    )
    .into_bytes()
}

const ENVELOPE: &str = r#"<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Header><t:RequestServerVersion Version="Exchange2016"/></s:Header><s:Body>BODY</s:Body></s:Envelope>"#;

fn ews(body: &str) -> Vec<u8> {
    // user0@contoso.test and any password.
    let headers = "Content-Type: text/xml; charset=utf-8\r\nAuthorization: Basic dXNlcjBAY29udG9zby50ZXN0OnB3\r\n";
    post("/EWS/Exchange.asmx", headers, &ENVELOPE.replace("BODY", body))
}

/// Requests for an item: the three fields that the list in Graph asks for, and all that the shape `Default` has.
fn ews_get_item(address: SocketAddr) -> (Vec<u8>, Vec<u8>) {
    let found = ews(
        r#"<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned="1" Offset="0" BasePoint="Beginning"/><m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>"#,
    );
    let (_, body) = ask(address, &found);
    let id = body.split("<t:ItemId Id=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an item");
    let get = |shape: &str| {
        ews(&format!(
            r#"<m:GetItem><m:ItemShape>{shape}</m:ItemShape><m:ItemIds><t:ItemId Id="{id}"/></m:ItemIds></m:GetItem>"#
        ))
    };
    let fields = r#"<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Subject"/><t:FieldURI FieldURI="message:From"/><t:FieldURI FieldURI="item:DateTimeReceived"/></t:AdditionalProperties>"#;
    (get(fields), get("<t:BaseShape>Default</t:BaseShape>"))
}

/// What one round showed.
struct Round {
    requests_per_second: f64,
    work: Duration,
}

/// Keeps all connections busy for one round.
fn round(server: &Server, request: &[u8], status: u16) -> Round {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let worked = server.worked();
    let began = Instant::now();
    let requests: u64 = runtime.block_on(async {
        let mut all = Vec::new();
        for _ in 0..CONNECTIONS {
            all.push(tokio::spawn(busy(server.address, request.to_vec(), status, began + ROUND)));
        }
        // The client never sleeps: waking it would cost the server's thread time, and only whichever server is slower than
        // the client would pay for it.
        tokio::spawn(async move {
            while Instant::now() < began + ROUND {
                tokio::task::yield_now().await;
            }
        });
        let mut sum = 0;
        for one in all {
            sum += one.await.expect("a connection's count");
        }
        sum
    });
    let count = requests.max(1);
    let work = server.worked().saturating_sub(worked) / u32::try_from(count).expect("fewer than four billion");
    Round { requests_per_second: requests as f64 / began.elapsed().as_secs_f64(), work }
}

/// One request after the other on one connection, until the end; how many.
async fn busy(address: SocketAddr, request: Vec<u8>, expected: u16, end: Instant) -> u64 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
    stream.set_nodelay(true).expect("an option");
    let (mut heard, mut requests) = (Vec::with_capacity(65_536), 0);
    while Instant::now() < end {
        stream.write_all(&request).await.expect("it reads");
        heard.clear();
        let mut whole = usize::MAX;
        while heard.len() < whole {
            assert!(stream.read_buf(&mut heard).await.expect("it answers") > 0, "the connection ended");
            if whole == usize::MAX
                && let Some((head, length, status)) = head(&heard)
            {
                assert_eq!(status, expected, "{}", String::from_utf8_lossy(&heard));
                whole = head + length;
            }
        }
        requests += 1;
    }
    requests
}

fn median<T: Copy + PartialOrd>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_by(|one, other| one.partial_cmp(other).expect("numbers"));
    values[values.len() / 2]
}

fn compare(name: &str, hello: &Server, server: &Server, request: &[u8], status: u16, goal: f64) {
    // The first refusal needs something before it that is let through; the rest warms up.
    ask(server.address, request);
    round(hello, request, 200);
    round(server, request, status);
    let pairs: Vec<_> = (0..ROUNDS).map(|_| (round(hello, request, 200), round(server, request, status))).collect();
    let rates = |which: fn(&(Round, Round)) -> f64| median(pairs.iter().map(which));
    let (reference, ours) = (rates(|pair| pair.0.requests_per_second), rates(|pair| pair.1.requests_per_second));
    let share = rates(|pair| pair.1.requests_per_second / pair.0.requests_per_second);
    let work = rates(|pair| pair.1.work.as_secs_f64() * 1e6);
    let hello_work = rates(|pair| pair.0.work.as_secs_f64() * 1e6);
    let work_share = rates(|pair| pair.0.work.as_secs_f64() / pair.1.work.as_secs_f64());
    println!(
        "{name}: {ours:.0} requests/s of {reference:.0} ({:.0}%, goal {:.0}%); {work:.1} us of processor time each of \
         {hello_work:.1} ({:.0}%)",
        share * 100.0,
        goal * 100.0,
        work_share * 100.0,
    );
}
