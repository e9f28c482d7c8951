//! Alice, who has an empty mailbox on a server of her own, and asks one thing after another on one connection.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::clock::Clock;
use mock_server::front::desk::Desk;
use mock_server::front::listen::{Handle, ListenOptions, start};
use mock_server::mailbox::named::{Directory, Named};
use mock_server::mailbox::plain::Plain;
use mock_server::service::config::{Config, Holding};
use mock_server::service::core::Service;
use tokio::runtime::Runtime;

use crate::client::{Heard, connect, send};
use crate::server::free;

/// Her address.
pub(super) const ALICE: &str = "alice@contoso.test";

/// A server of her mailbox and of some computed ones, which behaves as it is told.
pub(super) fn serve(config: Config, access: Access) -> Handle {
    let desk = move || {
        let mut content = Named::new(Plain::default());
        content.add(ALICE).expect("room for a mailbox");
        Desk::new(Service::new(config, content).with_bytes(true), access)
    };
    start(ListenOptions::loopback(Clock::start()), desk).expect("a free port")
}

/// Alice at her client.
pub(super) struct Alice {
    server: Handle,
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
}

impl Alice {
    /// A server without limits, faults or costs, and a connection to it.
    pub(super) fn start() -> Self {
        Self::with(free(Holding::Live))
    }

    /// A server that behaves as it is told, and a connection to it.
    pub(super) fn with(config: Config) -> Self {
        let server = serve(config, Access::new(3, TOKEN_LIFE));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let sender = runtime.block_on(connect(server.address()));
        Self { server, runtime, sender }
    }

    /// Asks with her password.
    pub(super) fn ask(&mut self, method: &str, path: &str, kind: &str, body: impl Into<Bytes>) -> Heard {
        let credentials = format!("Basic {}", STANDARD.encode(format!("{ALICE}:any")));
        let request = Request::builder().method(method).uri(path).header("host", self.server.address().to_string());
        let request = request.header("authorization", credentials).header("content-type", kind);
        let request = request.body(Full::new(body.into())).expect("a valid request");
        self.runtime.block_on(send(&mut self.sender, request)).expect("an answer")
    }

    /// Asks EWS.
    pub(super) fn ews(&mut self, body: impl Into<Bytes>) -> Heard {
        self.ask("POST", "/EWS/Exchange.asmx", "text/xml; charset=utf-8", body)
    }
}
