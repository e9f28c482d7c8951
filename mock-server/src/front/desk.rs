//! Where requests are taken: reads what is asked, lets the service decide, writes what it says.
//!
//! Never waits and does no I/O. Knows the protocols' front doors, and nothing of limits, faults or mailboxes' contents.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use super::access::{Access, Caller, Door, challenge};
use super::exchange::{About, Decide, Decision, Received};
use super::folders;
use super::server_timing;
use super::visit::{FIRST_FOREIGN, Visit, Visitor};
use crate::fault::trick;
use crate::mailbox::content::Content;
use crate::protocol;
use crate::protocol::ews::streaming::{Ongoing, Said};
use crate::service::core::Service;
use crate::service::reply::{Reply, Request, Spoil};
use crate::throttle::policy::asked::{self as policy, resource_units};
use crate::time::Moment;
use crate::wire::answer::Answer;
use crate::wire::call::{Call, Protocol, RequestIdentity};
use crate::wire::graph::{self, Named};
use crate::wire::http::HttpAnswer;
use crate::wire::id::MailboxKey;
use crate::wire::refusal::{Refusal, RefusalKind};
use crate::wire::{admin, entra, ews, identity};

const NOT_FOUND: Refusal = Refusal { kind: RefusalKind::NotFound, status: 404, retry_after: None };

/// Takes requests for one service.
#[derive(Debug)]
pub struct Desk<C> {
    service: Service<C>,
    access: Access,
    /// Requests that did not say which they are, by mailbox.
    foreign: BTreeMap<MailboxKey, u64>,
    /// Requests that were answered without being calls of the migration.
    requests: u64,
    /// What Graph remembers beside mailboxes.
    graph: protocol::graph::State,
}

/// Writes answers and refusals of one request in the protocol in which it came.
trait Voice {
    fn protocol(&self) -> Protocol;
    fn answer(&self, answer: &Answer) -> HttpAnswer;
    fn refusal(&self, refusal: &Refusal) -> HttpAnswer;
}

impl<C: Content> Desk<C> {
    /// A desk before a service, which must answer with bytes.
    pub fn new(mut service: Service<C>, access: Access) -> Self {
        service.faults().fail_at_front();
        Self { service, access, foreign: BTreeMap::new(), requests: 0, graph: protocol::graph::State::default() }
    }

    /// The service.
    pub fn service(&mut self) -> &mut Service<C> {
        &mut self.service
    }

    /// Which request it is.
    fn identity(&mut self, mailbox: MailboxKey, request: &Received) -> RequestIdentity {
        if let Some(identity) = request.header(identity::HEADER).and_then(identity::decode) {
            return identity;
        }
        let count = self.foreign.entry(mailbox).or_default();
        *count += 1;
        RequestIdentity { request: FIRST_FOREIGN + *count - 1, attempt: 0 }
    }

    /// Has the service carry out a call, and writes what the client hears.
    fn serve(
        &mut self,
        now: Moment,
        (request, caller): (&Received, &Caller),
        mailbox: MailboxKey,
        call: &Call,
        voice: &impl Voice,
    ) -> Decision {
        let identity = self.identity(mailbox, request);
        let placed = folders::place(call, mailbox, self.service.content());
        let asked = Request {
            app: caller.app,
            mailbox,
            protocol: voice.protocol(),
            identity,
            body_bytes: request.body.len() as u64,
            call: placed.as_ref().unwrap_or(call),
        };
        let reply = self.service.handle(now, &asked);
        let (mut answer, spoil) = write(&reply, voice);
        answer.headers.push((server_timing::HEADER, server_timing::encode(reply.spent)));
        answer.headers.push(("request-id", identity::encode(identity)));
        let about = About {
            app: caller.app,
            mailbox,
            operation: call.operation(),
            refusal: reply.outcome.as_ref().err().map(|refusal| refusal.kind),
        };
        Decision { answer, ready: reply.ready, spoil, about: Some(about), ongoing: None }
    }

    fn ews(&mut self, now: Moment, request: &Received, caller: &Caller) -> Decision {
        if request.method != "POST" {
            let headers = vec![("Allow", "POST".to_owned())];
            return Decision::at_once(now, HttpAnswer { status: 405, headers, body: Vec::new() });
        }
        let identity = request.header(identity::HEADER).and_then(identity::decode);
        let anchor = request.header("x-anchormailbox");
        // Requests that say which they are come from our own pipeline, whose calls have a way of their own.
        let Some(Ok(decoded)) = identity.map(|_| ews::decode_call(&request.body, anchor)) else {
            return self.ews_whole(now, request, caller);
        };
        let named = decoded.address.as_deref().or(caller.user.as_deref());
        let mailbox = match (named.map(|address| self.service.content().find(address)), decoded.mailbox) {
            (Some(None), _) | (None, None) => None,
            (Some(Some(named)), owner) => owner.is_none_or(|owner| owner == named).then_some(named),
            (None, Some(owner)) => Some(owner),
        };
        match mailbox {
            Some(mailbox) => {
                let voice = EwsVoice { call: &decoded.call, mailbox };
                self.serve(now, (request, caller), mailbox, &decoded.call, &voice)
            }
            None => Decision::at_once(now, ews::encode_refusal(Some(&decoded.call), &NOT_FOUND)),
        }
    }

    /// Requests that say which of the migration's they are stay with the calls that the migration knows; all others are
    /// answered as real clients expect.
    fn graph(&mut self, now: Moment, request: &Received, caller: &Caller) -> Decision {
        let prefer: Vec<&str> = request.headers.get_all("prefer").iter().flat_map(|value| value.to_str()).collect();
        let prefer = prefer.join(",");
        let headers = graph::Headers { content_type: request.header("content-type"), prefer: Some(&prefer) };
        let identity = request.header(identity::HEADER).and_then(identity::decode);
        let method = request.method.as_str();
        let decode = |_| graph::decode_call(method, path_and_query(request), headers, &request.body);
        let Some(Ok(decoded)) = identity.map(decode) else { return self.graph_whole(now, request, caller) };
        let base = request.base();
        let mailbox = match &decoded.mailbox {
            Named::Address(address) => self.service.content().find(address),
            Named::Key(key) => (key.0 < self.service.content().mailboxes()).then_some(*key),
            Named::Nobody => return self.graph_whole(now, request, caller),
        };
        match mailbox.filter(|&mailbox| decoded.belongs_to(mailbox)) {
            Some(mailbox) => {
                let voice = GraphVoice { decoded: &decoded, mailbox, base: &base };
                self.serve(now, (request, caller), mailbox, &decoded.call, &voice)
            }
            None => Decision::at_once(now, graph::encode_refusal(&NOT_FOUND)),
        }
    }

    /// Answers whatever a client of Graph may ask.
    fn autodiscover(&mut self, now: Moment, request: &Received, way: protocol::autodiscover::Way) -> Decision {
        let stranger = Caller { app: 0, user: None };
        let visitor = visitor(now, request, &stranger, Protocol::Ews);
        let visit = Visit::new(&mut self.service, &mut self.foreign, visitor);
        let base = request.base();
        let asked =
            protocol::autodiscover::Asked { path_and_query: path_and_query(request), body: &request.body, base: &base };
        Decision::at_once(now, protocol::autodiscover::answer(way, &asked, &visit))
    }

    fn ews_whole(&mut self, now: Moment, request: &Received, caller: &Caller) -> Decision {
        let asked = protocol::ews::Asked {
            body: &request.body,
            anchor: request.header("x-anchormailbox"),
            user: caller.user.as_deref(),
        };
        let visitor = visitor(now, request, caller, Protocol::Ews);
        let mut visit = Visit::new(&mut self.service, &mut self.foreign, visitor);
        let (answer, ongoing) = protocol::ews::answer(&asked, &mut visit);
        Decision { ongoing, ..visit.leave(answer, caller.app) }
    }

    fn graph_whole(&mut self, now: Moment, request: &Received, caller: &Caller) -> Decision {
        self.requests += 1;
        let request_id = identity::encode(RequestIdentity { request: FIRST_FOREIGN + self.requests, attempt: 0 });
        let visitor = visitor(now, request, caller, Protocol::Graph);
        let mut visit = Visit::new(&mut self.service, &mut self.foreign, visitor);
        let base = request.base();
        let asked = protocol::graph::Asked {
            method: request.method.as_str(),
            url: path_and_query(request),
            headers: request
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
                .collect(),
            body: &request.body,
            base: &base,
            user: caller.user.as_deref(),
            request_id: &request_id,
        };
        let mut answer = protocol::graph::answer(&asked, &mut self.graph, &mut visit);
        answer.headers.push(("request-id", request_id));
        visit.leave(answer, caller.app)
    }

    fn admin(&mut self, now: Moment, request: &Received, caller: &Caller) -> Decision {
        let decoded = match admin::decode_call(request.method.as_str(), path_and_query(request), &request.body) {
            Ok(decoded) => decoded,
            Err(error) => return Decision::at_once(now, error.answer()),
        };
        match self.service.content().find(&decoded.address) {
            Some(mailbox) => self.serve(now, (request, caller), mailbox, &decoded.call, &AdminVoice),
            None => Decision::at_once(now, graph::encode_refusal(&NOT_FOUND)),
        }
    }
}

impl<C: Content> Desk<C> {
    /// Leads a caller who was let in to where the request is answered.
    fn lead(
        &mut self,
        now: Moment,
        request: &Received,
        caller: &Caller,
        (door, way): (Door, Option<protocol::autodiscover::Way>),
    ) -> Decision {
        match door {
            Door::Ews => match way {
                Some(way) => self.autodiscover(now, request, way),
                None => self.ews(now, request, caller),
            },
            Door::Graph => self.graph(now, request, caller),
            Door::Admin => self.admin(now, request, caller),
        }
    }
}

impl<C: Content> Decide for Desk<C> {
    fn door(&mut self, now: Moment, connection: u64) -> Option<trick::Door> {
        self.service.faults().door(now, connection)
    }

    fn proceed(&mut self, now: Moment, ongoing: &mut Ongoing) -> Said {
        for mailbox in ongoing.mailboxes() {
            self.service.attend(now, mailbox, |open| ongoing.hear(open));
        }
        ongoing.say(now)
    }

    fn decide(&mut self, now: Moment, request: &Received) -> Decision {
        let path = path_and_query(request);
        if entra::tenant_of(path).is_some() {
            let stale = self.service.faults().next_token_is_stale(now).then(|| self.access.stale());
            let answer =
                stale.as_ref().unwrap_or(&self.access).token(now, request.method.as_str(), path, &request.body);
            return Decision::at_once(now, answer);
        }
        if let Some(answer) = protocol::openid::answer(request.uri.path(), &request.base()) {
            return Decision::at_once(now, answer);
        }
        let way = protocol::autodiscover::way(request.uri.path());
        if way == Some(protocol::autodiscover::Way::Json) {
            // This way is open to strangers: a client asks it before it knows whom to prove anything to.
            return self.autodiscover(now, request, protocol::autodiscover::Way::Json);
        }
        let door = if way.is_some() { Door::Ews } else { door(path) };
        let admitted = self.access.admit(now, door, request.header("authorization"));
        match admitted.or_else(|denied| by_url(door, request).ok_or(denied)) {
            Err(denied) => Decision::at_once(now, challenge(door, denied)),
            Ok(caller) => {
                let may_fail = self.service.faults().rules().next().is_some();
                self.service.introduce(introduction(request, &caller, may_fail));
                let mut decision = self.lead(now, request, &caller, (door, way));
                let mut remarks = self.service.remarks();
                if remarks.again {
                    decision = self.lead(now, request, &caller, (door, way));
                    remarks = self.service.remarks();
                }
                if let Some(over) = remarks.drip {
                    decision.spoil = decision.spoil.or(Some(Spoil::Drip(over)));
                }
                remarks.dress(&mut decision.answer, self.service.wall(decision.ready));
                decision
            }
        }
    }
}

/// What is known of whoever sends a request beyond the app, and what the request costs where that is published.
fn introduction(request: &Received, caller: &Caller, may_fail: bool) -> policy::Caller {
    let number = |text: &str| xxh3_64(text.as_bytes());
    let method = request.method.as_str();
    let path = request.uri.path().trim_start_matches('/');
    // A path of Graph begins with its version.
    let resource = path.split_once('/').map_or("", |(_, resource)| resource);
    policy::Caller {
        user: caller.user.as_deref().map(number),
        address: request.peer.map(|peer| number(&peer.ip().to_string())),
        resource_units: Some(resource_units(method, resource, request.uri.query().unwrap_or_default())),
        writes: None,
        continues: may_fail && continues(request),
    }
}

/// How much of a body is looked at for a state: what EWS writes before it is short.
const STATE_WITHIN: usize = 4_096;

/// Whether a request continues from a state that the server gave out (Graph's delta tokens, EWS' `SyncState`).
fn continues(request: &Received) -> bool {
    let query = request.uri.query().unwrap_or_default();
    let body = &request.body[..request.body.len().min(STATE_WITHIN)];
    let state = b"SyncState>";
    query.contains("deltatoken") || query.contains("skiptoken") || body.windows(state.len()).any(|part| part == state)
}

/// Who sends a request.
fn visitor(now: Moment, request: &Received, caller: &Caller, protocol: Protocol) -> Visitor {
    let identity = request.header(identity::HEADER).and_then(identity::decode);
    Visitor { now, app: caller.app, protocol, identity, body_bytes: request.body.len() as u64 }
}

fn path_and_query(request: &Received) -> &str {
    request.uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str)
}

/// A caller whose URL is its permission: Graph's sessions for uploads and imports are used without an `Authorization`
/// header (learn.microsoft.com/graph/outlook-large-attachments). Whoever answers checks the token in the URL.
fn by_url(door: Door, request: &Received) -> Option<Caller> {
    (door == Door::Graph && request.has_session()).then_some(Caller { app: 0, user: None })
}

/// The door that a path leads to. Case and doubled slashes do not matter; what is nothing else is Graph's to refuse.
fn door(path_and_query: &str) -> Door {
    let path = path_and_query.split('?').next().unwrap_or_default();
    let mut words = path.split('/').filter(|word| !word.is_empty());
    let is = |word: Option<&str>, wanted: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(wanted));
    let first = words.next();
    if is(first, "ews") && is(words.next(), "exchange.asmx") {
        Door::Ews
    } else if is(first, "adminapi") {
        Door::Admin
    } else {
        Door::Graph
    }
}

/// The answer as it would arrive unspoiled, and how it is spoiled.
fn write(reply: &Reply, voice: &impl Voice) -> (HttpAnswer, Option<Spoil>) {
    match (&reply.outcome, &reply.spoiled) {
        (_, Some((spoil, answer))) => (voice.answer(answer), Some(*spoil)),
        (Ok(answer), None) => (voice.answer(answer), None),
        (Err(refusal), None) => {
            // There is no answer that could have been sent: the connection itself fails.
            let spoil = match refusal.kind {
                RefusalKind::ConnectionReset => Some(Spoil::Reset),
                RefusalKind::Truncated => Some(Spoil::Truncate),
                _ => None,
            };
            (voice.refusal(refusal), spoil)
        }
    }
}

struct EwsVoice<'a> {
    call: &'a Call,
    mailbox: MailboxKey,
}

impl Voice for EwsVoice<'_> {
    fn protocol(&self) -> Protocol {
        Protocol::Ews
    }

    fn answer(&self, answer: &Answer) -> HttpAnswer {
        ews::encode_answer(self.call, answer, self.mailbox)
    }

    fn refusal(&self, refusal: &Refusal) -> HttpAnswer {
        ews::encode_refusal(Some(self.call), refusal)
    }
}

struct GraphVoice<'a> {
    decoded: &'a graph::Decoded,
    mailbox: MailboxKey,
    base: &'a str,
}

impl Voice for GraphVoice<'_> {
    fn protocol(&self) -> Protocol {
        Protocol::Graph
    }

    fn answer(&self, answer: &Answer) -> HttpAnswer {
        graph::answer_to(self.decoded, answer, self.mailbox, self.base)
    }

    fn refusal(&self, refusal: &Refusal) -> HttpAnswer {
        graph::refuse(self.decoded, refusal, self.mailbox, self.base)
    }
}

struct AdminVoice;

impl Voice for AdminVoice {
    fn protocol(&self) -> Protocol {
        Protocol::Graph
    }

    fn answer(&self, answer: &Answer) -> HttpAnswer {
        admin::encode_answer(answer)
    }

    fn refusal(&self, refusal: &Refusal) -> HttpAnswer {
        graph::encode_refusal(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_doors() {
        for path in ["/EWS/Exchange.asmx", "//ews//exchange.ASMX?x=1"] {
            assert_eq!(door(path), Door::Ews, "{path}");
        }
        assert_eq!(door("/AdminApi/beta/t/InvokeCommand"), Door::Admin);
        for path in ["/v1.0/users", "/ews/other.asmx", "/ews", "/", ""] {
            assert_eq!(door(path), Door::Graph, "{path}");
        }
    }
}
