//! What a front does with connections, whatever the requests mean.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use mock_server::front::bounds::Bounds;
use mock_server::front::clock::Clock;
use mock_server::front::exchange::{Decide, Decision, Received};
use mock_server::front::listen::{Handle, ListenOptions, start};
use mock_server::service::reply::Spoil;
use mock_server::time::{Moment, Span};
use mock_server::wire::http::HttpAnswer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{block_on, connect, exchange, multiplex, request, send};

/// Answers every request with its own body, after so many milliseconds as the path says, spoiled as it says.
struct Echo;

impl Decide for Echo {
    fn decide(&mut self, now: Moment, request: &Received) -> Decision {
        let (wait, spoil) = request.uri.path()[1..].split_once('/').expect("two parts");
        let spoil = match spoil {
            "reset" => Some(Spoil::Reset),
            "truncate" => Some(Spoil::Truncate),
            _ => None,
        };
        let ready = now + Span::milliseconds(wait.parse().expect("a number"));
        let answer = HttpAnswer {
            status: if request.body.is_empty() { 204 } else { 200 },
            headers: vec![("x-host", request.host().to_owned()), ("x-bad", "no\nheader".into())],
            body: request.body.to_vec(),
        };
        Decision { answer, ready, spoil, about: None, ongoing: None }
    }
}

fn front(bounds: Bounds) -> Handle {
    let options = ListenOptions { bounds, ..ListenOptions::loopback(Clock::start()) };
    start(options, || Echo).expect("a free port")
}

fn kind(error: &hyper::Error) -> Option<ErrorKind> {
    Some(error.source()?.downcast_ref::<std::io::Error>()?.kind())
}

#[test]
fn answers_come_back_on_a_kept_connection() {
    let front = front(Bounds::default());
    block_on(async {
        let mut sender = connect(front.address()).await;
        for body in ["one", "two"] {
            let heard = send(&mut sender, request(front.address(), "/1/", body)).await.expect("an answer");
            assert_eq!((heard.status.as_u16(), heard.text()), (200, body));
            assert_eq!(heard.header("x-host"), front.address().to_string());
            assert_eq!(heard.header("x-bad"), "");
        }
    });
}

#[test]
fn a_reset_reaches_the_client_as_a_reset() {
    let front = front(Bounds::default());
    block_on(async {
        let heard = exchange(front.address(), request(front.address(), "/1/reset", "x")).await;
        assert_eq!(kind(&heard.expect_err("no answer")), Some(ErrorKind::ConnectionReset));
    });
}

#[test]
fn a_truncated_answer_has_its_head_and_half_its_body() {
    let front = front(Bounds::default());
    block_on(async {
        let address = front.address();
        let mut stream = TcpStream::connect(address).await.expect("a listening server");
        let head = "POST /1/truncate HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\n0123456789";
        stream.write_all(head.as_bytes()).await.expect("a connection");
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.expect("an orderly end");
        assert!(heard.starts_with("HTTP/1.1 200 OK\r\n") && heard.contains("content-length: 10\r\n"), "{heard}");
        assert!(heard.ends_with("\r\n\r\n01234"), "{heard}");

        for body in ["", "x", "long enough"] {
            let heard = exchange(address, request(address, "/1/truncate", body)).await.expect("a head");
            let error = heard.body.expect_err("half a body");
            assert_eq!(kind(&error), Some(ErrorKind::UnexpectedEof), "{body}");
        }
    });
}

#[test]
fn a_spoiled_stream_leaves_its_http2_connection_alone() {
    let front = front(Bounds::default());
    block_on(async {
        let address = front.address();
        let url = |path| format!("http://{address}{path}");
        let paths = ["/5/reset", "/20/", "/5/truncate"];
        let requests = paths.map(|path| request(address, &url(path), "0123456789")).into();
        let heard = multiplex(address, requests).await;
        assert!(heard[0].is_err());
        assert_eq!(heard[1].as_ref().expect("an answer").text(), "0123456789");
        assert!(heard[2].as_ref().expect("a head").body.is_err());
    });
}

#[test]
fn an_answer_comes_when_it_is_ready_and_hardly_later() {
    let front = front(Bounds::default());
    block_on(async {
        let mut sender = connect(front.address()).await;
        let clock = Clock::start();
        let mut took = Vec::new();
        for _ in 0..40 {
            let asked = clock.now();
            send(&mut sender, request(front.address(), "/5/", "x")).await.expect("an answer");
            took.push(clock.now().since(asked));
        }
        // Not the mean, which tells of the machine's other work: a timer of whole milliseconds would miss this as well.
        took.sort_unstable();
        let quick = took[took.len() / 4];
        assert!(took[0] >= Span::milliseconds(5) && quick < Span::microseconds(5_600), "{quick:?}");
    });
}

#[test]
fn a_body_beyond_the_bound_is_refused() {
    let front = front(Bounds { body_bytes: 1_000, stranger_body_bytes: 10, ..Bounds::default() });
    block_on(async {
        let address = front.address();
        let known = |length: usize| {
            let mut request = request(address, "/1/", vec![b'x'; length]);
            request.headers_mut().insert("authorization", "Bearer x".parse().expect("a header"));
            request
        };
        let heard = exchange(address, known(1_000)).await.expect("an answer");
        assert_eq!(heard.text().len(), 1_000);
        assert_eq!(exchange(address, known(1_001)).await.expect("an answer").status, 413);
        // A stranger is told so, not that the body is too large.
        assert_eq!(exchange(address, request(address, "/1/", "x".repeat(11))).await.expect("an answer").status, 204);
    });
}

#[test]
fn silent_and_slow_clients_are_cut_off() {
    let idle = Duration::from_millis(60);
    let front = front(Bounds { idle, body_time: idle, ..Bounds::default() });
    block_on(async {
        for (said, hears) in [
            ("", ""),
            ("POST /1/ HTTP/1.1\r\nhos", ""),
            ("POST /1/ HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nx", "408"),
        ] {
            let mut stream = TcpStream::connect(front.address()).await.expect("a listening server");
            stream.write_all(said.as_bytes()).await.expect("a connection");
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).await.expect("an orderly end");
            assert!(String::from_utf8_lossy(&heard).contains(hears), "{said:?}");
        }
        // A request in progress is no idle time.
        let heard = exchange(front.address(), request(front.address(), "/150/", "x")).await.expect("an answer");
        assert_eq!(heard.text(), "x");
    });
}

#[test]
fn stopping_lets_requests_in_progress_end_and_drops_them_at_the_deadline() {
    let front = front(Bounds { stop: Duration::from_millis(100), ..Bounds::default() });
    let address = front.address();
    block_on(async {
        let mut idle = connect(address).await;
        send(&mut idle, request(address, "/0/", "x")).await.expect("an answer");
        let [short, long] = ["/50/", "/5000/"].map(|path| tokio::spawn(exchange(address, request(address, path, "x"))));
        // Both are in progress once a third one has been answered.
        exchange(address, request(address, "/20/", "x")).await.expect("an answer");
        let stopping = std::thread::spawn(move || front.stop());
        assert_eq!(short.await.expect("no panic").expect("an answer").text(), "x");
        assert!(long.await.expect("no panic").is_err());
        stopping.join().expect("no panic");
        assert!(TcpStream::connect(address).await.is_err());
        assert!(idle.ready().await.is_err());
    });
}
