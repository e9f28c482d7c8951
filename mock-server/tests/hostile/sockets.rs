//! Harm over sockets: garbage, oversize and slow requests, and many idle clients. The server goes on for everybody else.

use std::net::SocketAddr;
use std::time::Duration;

use mock_server::front::bounds::Bounds;
use mock_server::front::clock::Clock;
use mock_server::front::listen::{Handle, ListenOptions, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::mutate::Dice;
use crate::target::{BASIC, tank};

/// Idle clients at once, if the system lets a process open so many files; both ends are in this process.
const IDLERS: usize = 2_000;

/// How long a client waits for an answer, or for the server to hang up.
const PATIENCE: Duration = Duration::from_secs(10);

fn front(bounds: Bounds) -> Handle {
    start(ListenOptions { bounds, ..ListenOptions::loopback(Clock::start()) }, tank).expect("a free port")
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// Sends bytes and hears whatever comes, up to a bound, until the server closes or a while has passed.
async fn say(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("a listening server");
    // The server may hang up before everything is said.
    let _ = stream.write_all(bytes).await;
    let mut heard = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.take(1 << 20).read_to_end(&mut heard)).await;
    heard
}

/// A good client is served.
async fn check_alive(address: SocketAddr, after: &str) {
    let request = format!("GET /_tank/health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let heard = say(address, request.as_bytes()).await;
    assert!(heard.starts_with(b"HTTP/1.1 200"), "after {after}: {}", heard.escape_ascii());
}

#[test]
fn garbage_leaves_the_server_alive() {
    let front = front(Bounds { idle: Duration::from_millis(300), ..Bounds::default() });
    let address = front.address();
    block_on(async {
        let mut dice = Dice::new(11);
        for length in [0, 1, 3, 24, 100, 1_000, 70_000] {
            let bytes: Vec<u8> = (0..length).map(|_| dice.next() as u8).collect();
            say(address, &bytes).await;
        }
        let texts: [&[u8]; 14] = [
            b"\r\n\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET http://[::1 HTTP/1.1\r\n\r\n",
            b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n",
            b"POST / HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\nGET /",
            b"CONNECT example.com:443 HTTP/1.1\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x05\x01\x05\x00\x00\x00\x01\xff\xff\xff\xff\xff",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET / HTTP/1.1\r\nhost: \xff\xfe\r\nauthorization: Basic \x80\r\n\r\n",
        ];
        for text in texts {
            say(address, text).await;
        }
        check_alive(address, "garbage").await;
    });
}

#[test]
fn oversize_requests_are_refused() {
    let bounds = Bounds { body_bytes: 100_000, stranger_body_bytes: 1_000, ..Bounds::default() };
    let front = front(bounds);
    let address = front.address();
    block_on(async {
        let many = "x-filler: yyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(500);
        let long = format!("x-long: {}\r\n", "z".repeat(2 << 20));
        for (name, headers) in [("many", many), ("long", long)] {
            let heard = say(address, format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes()).await;
            let refused = heard.is_empty() || heard.starts_with(b"HTTP/1.1 4");
            assert!(refused, "{name} headers: {}", heard[..heard.len().min(200)].escape_ascii());
        }
        let heard = say(address, format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(100_000)).as_bytes()).await;
        assert!(
            heard.is_empty() || heard.starts_with(b"HTTP/1.1 4"),
            "{}",
            heard[..100.min(heard.len())].escape_ascii()
        );

        let head = format!("POST /EWS/Exchange.asmx HTTP/1.1\r\nhost: x\r\nauthorization: {BASIC}\r\n");
        let announced = format!("{head}content-length: 99999999999\r\n\r\nxxxx");
        let heard = say(address, announced.as_bytes()).await;
        assert!(heard.starts_with(b"HTTP/1.1 413"), "{}", heard.escape_ascii());
        let chunk = format!("FFFF\r\n{}\r\n", "x".repeat(0xffff));
        let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{}", chunk.repeat(40));
        let heard = say(address, chunked.as_bytes()).await;
        assert!(heard.is_empty() || heard.starts_with(b"HTTP/1.1 413"), "{}", heard.escape_ascii());
        // Whoever makes up who it is may send no more than whoever does not say: nobody waits for the rest.
        let session = "/api/v2.0/Users('u')/Messages('m')/AttachmentSessions('s')?authtoken=s";
        for (path, credentials) in [
            ("/v1.0/me/messages", "authorization: x\r\n"),
            ("/v1.0/me/messages", "authorization: Bearer made.up.token\r\n"),
            ("/EWS/Exchange.asmx", "authorization: Basic bm9ib2R5\r\n"),
            (session, ""),
            ("/api/gbeta/Mailboxes('u')/importItem?authtoken=s", ""),
        ] {
            let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{credentials}");
            for body in ["content-length: 50000\r\n\r\nxxxx", "content-length: 50000\r\ncontent-encoding: gzip\r\n\r\n"]
            {
                let heard = say(address, format!("{head}{body}").as_bytes()).await;
                assert!(heard.starts_with(b"HTTP/1.1 4"), "{path} {credentials}: {}", heard.escape_ascii());
            }
        }
        let known = format!("{head}connection: close\r\ncontent-length: 50000\r\n\r\n{}", "x".repeat(50_000));
        let heard = say(address, known.as_bytes()).await;
        assert!(heard.starts_with(b"HTTP/1.1 500"), "the whole body is read: {}", heard.escape_ascii());
        check_alive(address, "oversize requests").await;
    });
}

#[test]
fn slow_clients_do_not_hold_up_others_and_are_cut_off() {
    let idle = Duration::from_millis(400);
    let front = front(Bounds { idle, body_time: idle, ..Bounds::default() });
    let address = front.address();
    block_on(async {
        let slow: Vec<_> = (0..150)
            .map(|client| {
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(address).await.expect("a listening server");
                    let head = if client % 2 == 0 {
                        "POST /EWS/Exchange.asmx HTTP/1.1\r\nhost: x\r\nx-slow: "
                    } else {
                        "POST /EWS/Exchange.asmx HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n"
                    };
                    stream.write_all(head.as_bytes()).await.expect("a connection");
                    // A byte now and then, for as long as the server puts up with it.
                    for bytes in 0..1_000 {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        if stream.write_all(b"a").await.is_err() {
                            return bytes;
                        }
                    }
                    1_000
                })
            })
            .collect();
        for _ in 0..10 {
            check_alive(address, "slow clients").await;
        }
        for client in slow {
            let bytes = client.await.expect("no panic");
            assert!(bytes < 1_000, "a slow client was never cut off");
        }
        check_alive(address, "slow clients").await;
    });
}

/// How many files this process may open.
fn files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(256)
}

#[test]
#[expect(clippy::print_stderr, reason = "fewer clients than wanted is worth saying")]
fn thousands_of_idle_clients_leave_room_for_others() {
    let front = front(Bounds::default());
    let address = front.address();
    let clients = IDLERS.min(files().saturating_sub(200) / 2);
    if clients < IDLERS {
        eprintln!("only {clients} idle clients instead of {IDLERS}: this process may open {} files", files());
    }
    block_on(async {
        let mut idlers = Vec::with_capacity(clients);
        for client in 0..clients {
            let mut stream = TcpStream::connect(address).await.expect("a listening server");
            if client % 2 == 0 {
                stream.write_all(b"GET / HTTP/1.1\r\nho").await.expect("a connection");
            }
            idlers.push(stream);
        }
        check_alive(address, "idle clients").await;
        drop(idlers);
        check_alive(address, "idle clients that left").await;
    });
}
