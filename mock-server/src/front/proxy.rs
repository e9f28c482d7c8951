//! The proxy: takes CONNECT requests for the hosts that the mock stands in for, so that a client needs nothing but the
//! address of a proxy and an authority to trust.
//!
//! It leads nowhere but to the mock itself; other hosts are refused.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tls::Authority;

/// Longest request that opens a tunnel, in bytes: a host name has 253 at most, the rest is room for headers.
const HEAD_BYTES: usize = 8 << 10;

/// Most headers of a request that opens a tunnel.
const HEADERS: usize = 64;

/// What a client of the proxy wants.
pub(super) enum Wanted {
    /// A tunnel to a host that the mock stands in for; it has been told that it is open.
    Tunnel,
    /// An ordinary request, of which nothing has been read yet.
    Request,
    /// Nothing that it gets; it has been told why.
    Nothing,
}

/// Reads what a client wants. Bytes that belong to an ordinary request are left where they are.
pub(super) async fn greet(stream: &mut TcpStream, authority: &Authority) -> io::Result<Wanted> {
    let mut head = vec![0; HEAD_BYTES];
    let mut seen = 0;
    loop {
        let length = stream.peek(&mut head).await?;
        if length == 0 {
            return Ok(Wanted::Nothing);
        }
        if !b"CONNECT ".starts_with(&head[..length.min(8)]) {
            return Ok(Wanted::Request);
        }
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head[..length]) {
            Ok(httparse::Status::Complete(end)) => {
                let host = request.path.unwrap_or_default().to_owned();
                stream.read_exact(&mut head[..end]).await?;
                return answer(stream, authority, &host).await;
            }
            Ok(httparse::Status::Partial) if length < HEAD_BYTES => {
                // There is more to come; what is there already would be seen again at once.
                if length == seen {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
                seen = length;
            }
            Ok(httparse::Status::Partial) | Err(_) => {
                refuse(stream, "400 Bad Request", "this is no request that opens a tunnel").await?;
                return Ok(Wanted::Nothing);
            }
        }
    }
}

async fn answer(stream: &mut TcpStream, authority: &Authority, target: &str) -> io::Result<Wanted> {
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host).trim_matches(['[', ']']);
    if authority.covers(host) {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
        return Ok(Wanted::Tunnel);
    }
    let why = format!("this proxy leads to the mock server only, which does not stand in for {host}");
    refuse(stream, "403 Forbidden", &why).await?;
    Ok(Wanted::Nothing)
}

/// Tells a client, whatever it wants, that the host's name is not known: what a proxy says when DNS fails.
pub(super) async fn unknown_name(stream: &mut TcpStream) -> io::Result<()> {
    let mut head = vec![0; HEAD_BYTES];
    // What was asked is taken off the line, so that the answer is not lost in a reset.
    let _ = stream.read(&mut head).await?;
    refuse(stream, "502 Bad Gateway", "the name of the host cannot be resolved").await
}

async fn refuse(stream: &mut TcpStream, status: &str, why: &str) -> io::Result<()> {
    let why: String = why.chars().filter(|c| !c.is_control()).collect();
    let length = why.len() + 1;
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{why}\n"
    );
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}
