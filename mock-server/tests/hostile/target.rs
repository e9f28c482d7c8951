//! What is attacked: everything behind the sockets, with every door open.

use bytes::Bytes;
use hyper::Uri;
use mock_server::control::access::Guard;
use mock_server::control::tank::Tank;
use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::desk::Desk;
use mock_server::front::exchange::{Decide, Decision, Received};
use mock_server::mailbox::named::{Directory, Named};
use mock_server::mailbox::plain::Plain;
use mock_server::service::config::Holding;
use mock_server::service::core::Service;
use mock_server::time::{Moment, Span};

use crate::corpus::Sample;
use crate::server::free;

/// The mailbox of the samples.
pub(crate) const USER: &str = "alice@contoso.test";

/// A user and a password in the form of a header, and the mailbox of the samples.
pub(crate) const BASIC: &str = "Basic YWxpY2VAY29udG9zby50ZXN0OnB3";

/// Everything that decides, with its control desk.
pub(crate) fn tank() -> Tank<Named<Plain>> {
    let plain = Plain { mailboxes: 2, items: 40, item_bytes: 3_000, changes_per_day: 0.0 };
    let mut content = Named::new(plain);
    content.add(USER).expect("room for one more");
    let service = Service::new(free(Holding::Live), content).with_bytes(true);
    let began = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
    Tank::new(Desk::new(service, Access::new(3, TOKEN_LIFE)), Guard::default(), began)
}

/// A server without sockets that is asked one request after the other.
pub(crate) struct Target {
    tank: Tank<Named<Plain>>,
    now: Moment,
    token: String,
}

impl Target {
    pub(crate) fn new() -> Self {
        let mut target = Self { tank: tank(), now: Moment::START, token: String::new() };
        let wish = Sample::new("POST", "/contoso.test/oauth2/v2.0/token", "application/x-www-form-urlencoded").body(
            "grant_type=client_credentials&client_id=22222222-0000-0000-0000-000000000001&client_secret=x\
                   &scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
        );
        let granted = target.decide(&wish).expect("a request").answer;
        let granted: serde_json::Value = serde_json::from_slice(&granted.body).expect("JSON");
        target.token = format!("Bearer {}", granted["access_token"].as_str().expect("a token"));
        target
    }

    /// Decides a request. Nothing if no server would ever see it: hyper itself refuses what is no URL, method or
    /// header.
    pub(crate) fn decide(&mut self, sample: &Sample) -> Option<Decision> {
        let uri: Uri = std::str::from_utf8(&sample.path).ok()?.parse().ok()?;
        let mut request = hyper::Request::builder().method(sample.method.as_slice()).uri(uri);
        request = request.header("host", "127.0.0.1:8080").header("content-type", sample.content_type.as_slice());
        let authorization = match (&sample.authorization, sample.graph()) {
            (Some(own), _) => own.as_slice(),
            (None, true) => self.token.as_bytes(),
            (None, false) => BASIC.as_bytes(),
        };
        request = request.header("authorization", authorization);
        for (name, value) in &sample.headers {
            request = request.header(name.as_slice(), value.as_slice());
        }
        let (head, ()) = request.body(()).ok()?.into_parts();
        let received = Received {
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            peer: Some(([127, 0, 0, 1], 50_000).into()),
            secure: false,
            body: Bytes::from(sample.body.clone()),
        };
        self.now += Span::milliseconds(1);
        Some(self.tank.decide(self.now, &received))
    }
}
