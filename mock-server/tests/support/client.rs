//! A client of one mailbox of a server.

use mock_server::service::config::Config;
use mock_server::service::core::Service;
use mock_server::service::reply::{Reply, Request};
use mock_server::time::Moment;
use mock_server::wire::answer::Answer;
use mock_server::wire::call::{Call, Protocol, RequestIdentity};
use mock_server::wire::id::MailboxKey;

use super::content::Small;

/// A server and a client of one of its mailboxes.
pub(crate) struct Client {
    /// The server.
    pub service: Service<Small>,
    /// The mailbox.
    pub mailbox: MailboxKey,
    /// The present moment.
    pub now: Moment,
    requests: u64,
}

impl Client {
    /// A client of a server with this configuration.
    pub(crate) fn new(config: Config, changes_per_hour: u64) -> Self {
        let service = Service::new(config, Small { changes: changes_per_hour, ..Small::default() });
        Self { service, mailbox: MailboxKey(4), now: Moment::START, requests: 0 }
    }

    /// Makes a call.
    pub(crate) fn call(&mut self, call: &Call) -> Reply {
        self.requests += 1;
        let request = Request {
            app: 1,
            mailbox: self.mailbox,
            protocol: Protocol::Graph,
            identity: RequestIdentity::new(self.requests, 0),
            body_bytes: call.content_bytes(),
            call,
        };
        self.service.handle(self.now, &request)
    }

    /// Makes a call that must succeed.
    pub(crate) fn ask(&mut self, call: &Call) -> Answer {
        let reply = self.call(call);
        reply.outcome.unwrap_or_else(|refusal| panic!("{call:?} was refused: {refusal:?}"))
    }
}
