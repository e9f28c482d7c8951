//! A bare server on a thread of its own, with manners that tests choose.

use std::cell::Cell;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::runtime::LocalOptions;

/// How the server behaves.
#[derive(Copy, Clone)]
pub(crate) enum Manner {
    /// It answers at once.
    Prompt,
    /// It does nothing at all for `lasts`, once, some time after its first request.
    Stall { after: Duration, lasts: Duration },
    /// It drops every so-many-th request with its connection.
    Drop { every: u32 },
    /// It never answers.
    Silent,
}

/// Runs the tasks of HTTP/2 on the thread of the server.
#[derive(Copy, Clone)]
struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

async fn answer(manner: Manner, number: u32) -> Result<Response<Full<Bytes>>, io::Error> {
    match manner {
        Manner::Stall { after, lasts } if number == 0 => {
            tokio::task::spawn_local(async move {
                tokio::time::sleep(after).await;
                // Nothing else runs on this thread meanwhile: that is the point.
                std::thread::sleep(lasts);
            });
        }
        Manner::Drop { every } if number % every == every - 1 => return Err(io::Error::other("on purpose")),
        Manner::Silent => std::future::pending::<()>().await,
        _ => {}
    }
    Ok(Response::new(Full::new(Bytes::from_static(b"Hello, world!"))))
}

/// Starts a server that lives as long as the test.
pub(crate) fn start(manner: Manner) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("a bound socket");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        runtime.expect("a runtime").block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
            let numbers = Rc::new(Cell::new(0));
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("a socket");
                let numbers = Rc::clone(&numbers);
                tokio::task::spawn_local(async move {
                    let service = service_fn(move |_: Request<Incoming>| {
                        let number = numbers.get();
                        numbers.set(number + 1);
                        answer(manner, number)
                    });
                    // How a connection ends concerns the client only.
                    let _ = auto::Builder::new(Local).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
    });
    address
}
