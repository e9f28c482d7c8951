//! Bodies that are compressed, chunked, or both, over HTTP/1.1, HTTP/2 and TLS.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mock_server::front::bounds::Bounds;
use mock_server::front::clock::Clock;
use mock_server::front::exchange::{Decide, Decision, Received};
use mock_server::front::listen::{Handle, ListenOptions, Secure, start};
use mock_server::front::tls::Authority;
use mock_server::time::Moment;
use mock_server::wire::http::HttpAnswer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Heard, block_on, exchange, multiplex, request};

/// Answers every request with its own body as text.
struct Echo;

impl Decide for Echo {
    fn decide(&mut self, now: Moment, request: &Received) -> Decision {
        let headers = vec![("Content-Type", "text/plain".to_owned())];
        Decision::at_once(now, HttpAnswer { status: 200, headers, body: request.body.to_vec() })
    }
}

fn front(bounds: Bounds) -> Handle {
    start(ListenOptions { bounds, ..ListenOptions::loopback(Clock::start()) }, || Echo).expect("a free port")
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

fn unpacked(content: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(content).read_to_end(&mut unpacked).expect("gzip");
    unpacked
}

fn long() -> Vec<u8> {
    b"All work and no play makes a dull text. ".repeat(1_000)
}

/// A request with a packed body that wants a packed answer.
fn ask(address: SocketAddr, url: &str, content: &[u8]) -> Request<Full<Bytes>> {
    let mut asked = request(address, url, packed(content));
    for (name, value) in [("content-encoding", "gzip"), ("accept-encoding", "gzip"), ("authorization", "Bearer x")] {
        asked.headers_mut().insert(name, value.parse().expect("a header"));
    }
    asked
}

fn check_packed(heard: &Heard) {
    let body = heard.body.as_ref().expect("a whole body");
    assert_eq!((heard.status.as_u16(), heard.header("content-encoding")), (200, "gzip"));
    assert_eq!((heard.header("vary"), heard.header("content-length")), ("Accept-Encoding", &*body.len().to_string()));
    assert_eq!(unpacked(body), long());
}

#[test]
fn packed_requests_are_understood_and_long_answers_packed() {
    let front = front(Bounds::default());
    let address = front.address();
    block_on(async {
        check_packed(&exchange(address, ask(address, "/", &long())).await.expect("an answer"));
        let url = format!("http://{address}/");
        for heard in multiplex(address, vec![ask(address, &url, &long()), ask(address, &url, &long())]).await {
            check_packed(&heard.expect("an answer"));
        }
        // A client that says nothing of compression gets what it always got.
        let plain = exchange(address, request(address, "/", long())).await.expect("an answer");
        assert_eq!((plain.header("vary"), plain.header("content-encoding")), ("", ""));
        assert_eq!(plain.body.expect("a whole body"), long());
    });
}

#[test]
fn chunks_of_a_packed_body_are_put_together() {
    let front = front(Bounds::default());
    block_on(async {
        let mut stream = TcpStream::connect(front.address()).await.expect("a listening server");
        let head = "POST / HTTP/1.1\r\nhost: here\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\
                    content-encoding: gzip\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("a connection");
        for chunk in packed(b"in several chunks").chunks(7) {
            stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.expect("a connection");
            stream.write_all(chunk).await.expect("a connection");
            stream.write_all(b"\r\n").await.expect("a connection");
        }
        stream.write_all(b"0\r\n\r\n").await.expect("a connection");
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.expect("an orderly end");
        assert!(heard.starts_with("HTTP/1.1 200 OK\r\n") && heard.ends_with("\r\n\r\nin several chunks"), "{heard}");
    });
}

#[test]
fn bombs_and_unknown_codings_are_refused() {
    let front = front(Bounds { body_bytes: 100_000, ..Bounds::default() });
    let address = front.address();
    block_on(async {
        let bomb = exchange(address, ask(address, "/", &vec![0; 100_001])).await.expect("an answer");
        assert_eq!(bomb.status, 413);
        let full = exchange(address, ask(address, "/", &vec![0; 100_000])).await.expect("an answer");
        assert_eq!(full.status, 200);
        let mut asked = request(address, "/", "x");
        asked.headers_mut().insert("content-encoding", "br".parse().expect("a header"));
        let heard = exchange(address, asked).await.expect("an answer");
        assert_eq!((heard.status.as_u16(), heard.header("accept-encoding")), (415, "gzip, deflate"));
        let mut asked = request(address, "/", "not packed");
        asked.headers_mut().insert("content-encoding", "gzip".parse().expect("a header"));
        assert_eq!(exchange(address, asked).await.expect("an answer").status, 400);
    });
}

/// A connection through TLS to a host, by a client that speaks one protocol and trusts one authority.
async fn connect(
    (address, host): (SocketAddr, &'static str),
    ca: &str,
    protocol: &[u8],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).expect("a certificate")).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.expect("known versions").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await.expect("a listening server");
    let name = ServerName::try_from(host).expect("a name");
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// A connection through TLS that speaks one protocol.
async fn secure(address: SocketAddr, ca: &str, protocol: &[u8]) -> tokio_rustls::client::TlsStream<TcpStream> {
    let stream = connect((address, "graph.microsoft.com"), ca, protocol).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
    stream
}

async fn hear(response: hyper::Response<hyper::body::Incoming>) -> Heard {
    let (head, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes);
    Heard { status: head.status, headers: head.headers, body }
}

/// An echo behind TLS for some mail domains, and the certificate of its authority.
fn echo_behind_tls(domains: &[String]) -> (Handle, SocketAddr, String) {
    let authority = Authority::new(domains).expect("a certificate");
    let ca = authority.pem().to_owned();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = ListenOptions::loopback(Clock::start());
    let options = ListenOptions { secure: Some(Secure { authority, tls: Some(any), proxy: None }), ..options };
    let front = start(options, || Echo).expect("a free port");
    let address = front.tls().expect("TLS");
    (front, address, ca)
}

#[test]
fn every_host_in_a_mail_domain_has_a_certificate_and_no_stranger_has() {
    let (_front, address, ca) = echo_behind_tls(&["Example.org".to_owned()]);
    block_on(async {
        let hosts = ["graph.microsoft.com", "example.org", "autodiscover.o00017.example.org", "o21999.example.org"];
        for host in hosts.into_iter().chain(hosts) {
            connect((address, host), &ca, b"http/1.1").await.unwrap_or_else(|error| panic!("{host}: {error}"));
        }
        for host in ["example.com", "graph.microsoft.com.example.net", "notexample.org"] {
            let error = connect((address, host), &ca, b"http/1.1").await.expect_err(host);
            assert!(error.to_string().contains("certificate"), "{host}: {error}");
        }
    });
}

#[test]
fn both_versions_of_http_work_through_tls() {
    let (_front, address, ca) = echo_behind_tls(&[]);
    block_on(async {
        let io = TokioIo::new(secure(address, &ca, b"h2").await);
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("a handshake");
        tokio::spawn(connection);
        let asked = ask(address, "https://graph.microsoft.com/", &long());
        check_packed(&hear(sender.send_request(asked).await.expect("an answer")).await);
        let io = TokioIo::new(secure(address, &ca, b"http/1.1").await);
        let (mut sender, connection) = http1::handshake(io).await.expect("a handshake");
        tokio::spawn(connection);
        check_packed(&hear(sender.send_request(ask(address, "/", &long())).await.expect("an answer")).await);
    });
}
