//! Where requests are taken: reads what is asked, lets the service decide, writes what it says.
//!
//! Never waits and does no I/O. Knows the protocols' front doors, and nothing of limits, faults or mailboxes' contents.

mod owners;
mod voice;

use std::borrow::Cow;

use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use memchr::memmem;
use xxhash_rust::xxh3::xxh3_64;

use self::owners::Owners;
use self::voice::{AdminVoice, EwsVoice, GraphVoice, Voice, write};
use super::access::{Access, Caller, Denied, Door};
use super::body::Unread;
use super::challenge::{self, challenge};
use super::entra::Asked;
use super::exchange::{self, About, Decide, Decision, Received};
use super::folders;
use super::foreign::{Foreign, Name};
use super::header;
use super::server_timing;
use super::visit::{NO_TOKEN, Visit, Visitor};
use crate::fault::also::{Target, Who};
use crate::fault::plan::TokenLoss;
use crate::fault::trick;
use crate::mailbox::content::Content;
use crate::protocol;
use crate::protocol::ews::streaming::{Ongoing, Said};
use crate::service::core::Service;
use crate::service::reply::{Request, Spoil};
use crate::throttle::policy::asked::{self as policy, resource_units};
use crate::time::Moment;
use crate::wire::call::{Call, FIRST_FOREIGN, Protocol, RequestIdentity};
use crate::wire::graph::error::GraphError;
use crate::wire::graph::{self, Named};
use crate::wire::http::{HttpAnswer, text};
use crate::wire::id::MailboxKey;
use crate::wire::refusal::{Refusal, RefusalKind};
use crate::wire::{admin, entra, ews, identity};

const NOT_FOUND: Refusal = Refusal { kind: RefusalKind::NotFound, status: 404, retry_after: None };

/// Takes requests for one service.
#[derive(Debug)]
pub struct Desk<C> {
    service: Service<C>,
    access: Access,
    /// Requests that did not say which they are.
    foreign: Foreign,
    /// Requests that were answered without being calls of the migration.
    requests: u64,
    /// What Graph remembers beside mailboxes.
    graph: protocol::graph::State,
}

impl<C: Content> Desk<C> {
    /// A desk before a service, which must answer with bytes.
    pub fn new(mut service: Service<C>, access: Access) -> Self {
        service.faults().fail_at_front();
        Self { service, access, foreign: Foreign::default(), requests: 0, graph: protocol::graph::State::default() }
    }

    /// The service.
    pub fn service(&mut self) -> &mut Service<C> {
        &mut self.service
    }

    /// Which request it is.
    fn identity(&mut self, mailbox: MailboxKey, request: &Received) -> RequestIdentity {
        if let Some(identity) = request.header(&header::IDENTITY).and_then(identity::decode) {
            return identity;
        }
        self.foreign.next(mailbox, named(request))
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
        let about = |refusal| Some(About { app: caller.app, mailbox, operation: call.operation(), refusal });
        if let Some(token) = caller.token.filter(|token| token.again)
            && let Some(loss) = self.service.faults().takes_token(&Target {
                now,
                mailbox,
                operation: call.operation(),
                identity,
                who: Some(Who { app: caller.app, protocol: voice.protocol() }),
            })
        {
            self.access.lose(self.service.wall(now), token, loss);
            let door = if voice.protocol() == Protocol::Ews { Door::Ews } else { Door::Graph };
            let answer = self.turn_away(now, request, door, &loss.into());
            return Decision { about: about(Some(NO_TOKEN)), ..Decision::at_once(now, answer) };
        }
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
        // Virtual time reckons with the length of the service's own number.
        self.service.remarks_mut().lanes = None;
        let (mut answer, spoil) = write(&reply, voice);
        answer.headers.push((server_timing::HEADER, server_timing::encode(reply.spent)));
        answer.headers.push(("request-id", identity::encode(identity)));
        let about = about(reply.outcome.as_ref().err().copied());
        Decision { answer, ready: reply.ready, spoil, about, ongoing: None }
    }

    fn ews(&mut self, now: Moment, request: &Received, caller: &Caller) -> Decision {
        if request.method == "GET" || request.method == "HEAD" {
            return Decision::at_once(now, protocol::ews::page::answer(&request.base()));
        }
        if request.method != "POST" {
            let headers = vec![("Allow", "GET, HEAD, POST".to_owned())];
            return Decision::at_once(now, HttpAnswer { status: 405, headers, body: Vec::new() });
        }
        let identity = request.header(&header::IDENTITY).and_then(identity::decode);
        let anchor = request.header(&header::ANCHOR);
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
        // The narrow way asks for no permissions.
        let identity = request.header(&header::IDENTITY).and_then(identity::decode).filter(|_| caller.unlimited);
        let method = request.method.as_str();
        let decode = |_| {
            let prefer = request.headers.get_all(&header::PREFER).iter().flat_map(|value| value.to_str());
            let prefer = prefer.collect::<Vec<_>>().join(",");
            let headers = graph::Headers { content_type: request.header(CONTENT_TYPE), prefer: Some(&prefer) };
            graph::decode_call(method, path_and_query(request), headers, &request.body)
        };
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

    /// Answers a client that asks where services are.
    fn autodiscover(&mut self, now: Moment, request: &Received, way: protocol::autodiscover::Way) -> Decision {
        let stranger = Caller::trusted(None);
        let visitor = visitor(now, request, &stranger, Protocol::Ews);
        let visit = Visit::new(&mut self.service, &mut self.foreign, visitor);
        let base = request.base();
        let asked =
            protocol::autodiscover::Asked { path_and_query: path_and_query(request), body: &request.body, base: &base };
        Decision::at_once(now, protocol::autodiscover::answer(way, &asked, &visit))
    }

    /// The service's own name for a request of a client of another make.
    fn request_id(&mut self) -> String {
        self.requests += 1;
        identity::encode(RequestIdentity::new(FIRST_FOREIGN + self.requests, 0))
    }

    /// Answers whatever a client of EWS may ask. The answer says which request it is to, in the client's own words too if
    /// it asks for that ("Instrumenting client requests for EWS and REST in Exchange", learn.microsoft.com).
    fn ews_whole(&mut self, now: Moment, request: &Received, caller: &Caller) -> Decision {
        let request_id = self.request_id();
        let asked = protocol::ews::Asked {
            body: &request.body,
            anchor: request.header(&header::ANCHOR),
            user: caller.user.as_deref(),
        };
        let visitor = visitor(now, request, caller, Protocol::Ews);
        let mut visit = Visit::new(&mut self.service, &mut self.foreign, visitor);
        let (mut answer, ongoing) = protocol::ews::answer(&asked, &mut visit);
        answer.headers.push(("request-id", request_id));
        let returned = request.header("return-client-request-id").is_some_and(|wish| wish.eq_ignore_ascii_case("true"));
        if let Some(id) = client_request_id(request).filter(|_| returned) {
            answer.headers.push((identity::HEADER, id.to_owned()));
        }
        let lost = visit.lost;
        let decision = Decision { ongoing: ongoing.map(Box::new), ..visit.leave(answer, caller.app) };
        self.unless_lost(now, request, (Door::Ews, caller), decision, lost)
    }

    /// Answers whatever a client of Graph may ask.
    fn graph_whole(&mut self, now: Moment, request: &Received, caller: &Caller) -> Decision {
        let request_id = self.request_id();
        let visitor = visitor(now, request, caller, Protocol::Graph);
        let mut visit = Visit::new(&mut self.service, &mut self.foreign, visitor);
        let base = request.base();
        let asked = protocol::graph::Asked {
            method: request.method.as_str(),
            url: path_and_query(request),
            headers: headers(request),
            body: &request.body,
            base: &base,
            user: caller.user.as_deref(),
            permissions: caller.permissions,
            request_id: &request_id,
        };
        let mut answer = protocol::graph::answer(&asked, &mut self.graph, &mut visit);
        answer.headers.push(("request-id", request_id));
        let lost = visit.lost;
        let decision = visit.leave(answer, caller.app);
        self.unless_lost(now, request, (Door::Graph, caller), decision, lost)
    }

    /// Answers a request to Entra.
    fn entra(&mut self, now: Moment, request: &Received, target: (&str, entra::Endpoint)) -> HttpAnswer {
        let base = request.base();
        let shortened = self.service.faults().token_life(now, self.access.entra.number());
        let life = shortened.unwrap_or(self.access.token_life());
        let asked = Asked {
            method: &request.method,
            authorization: request.header(AUTHORIZATION),
            body: &request.body,
            base: &base,
            correlation: client_request_id(request),
            now: self.service.wall(now),
            life,
        };
        self.access.entra(&asked, target, &Owners(&self.service))
    }

    /// What was decided, unless a fault took the caller's token from it.
    fn unless_lost(
        &mut self,
        now: Moment,
        request: &Received,
        (door, caller): (Door, &Caller),
        decision: Decision,
        lost: Option<TokenLoss>,
    ) -> Decision {
        let (Some(token), Some(loss)) = (caller.token, lost) else { return decision };
        self.access.lose(self.service.wall(now), token, loss);
        Decision { answer: self.turn_away(now, request, door, &loss.into()), ongoing: None, ..decision }
    }

    fn turn_away(&mut self, now: Moment, request: &Received, door: Door, denied: &Denied) -> HttpAnswer {
        self.requests += 1;
        let request_id = identity::encode(RequestIdentity::new(FIRST_FOREIGN + self.requests, 0));
        let base = request.base();
        let client_request_id = client_request_id(request);
        let place =
            challenge::Place { base: &base, now: self.service.wall(now), request_id: &request_id, client_request_id };
        challenge(door, denied, place)
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

    fn knows(&mut self, now: Moment, request: &Received) -> bool {
        let path = path_and_query(request);
        let way = protocol::autodiscover::way(request.uri.path());
        let door = if way.is_some() { Door::Ews } else { door(path) };
        self.access.knows(self.service.wall(now), door, request.header(AUTHORIZATION))
            || by_url(door, request).is_some() && protocol::graph::is_session(path)
    }

    fn decide(&mut self, now: Moment, request: &Received) -> Decision {
        let path = path_and_query(request);
        // Most requests are Graph's, and those need not be compared with what others are asked for.
        let is_graph = ["/v1.0/", "/beta/"].iter().any(|version| path.starts_with(version));
        if !is_graph && let Some(target) = entra::endpoint(path) {
            return Decision::at_once(now, self.entra(now, request, target));
        }
        if !is_graph && let Some(answer) = protocol::openid::answer(request.uri.path(), || request.base()) {
            return Decision::at_once(now, answer);
        }
        let way = if is_graph { None } else { protocol::autodiscover::way(request.uri.path()) };
        if way == Some(protocol::autodiscover::Way::Json) {
            // This way is open to strangers: a client asks it before it knows whom to prove anything to.
            return self.autodiscover(now, request, protocol::autodiscover::Way::Json);
        }
        let door = if way.is_some() { Door::Ews } else { door(path) };
        let wall = self.service.wall(now);
        let admitted = self.access.admit(wall, door, request.header(AUTHORIZATION));
        match admitted.or_else(|denied| by_url(door, request).ok_or(denied)) {
            Err(denied) => Decision::at_once(now, self.turn_away(now, request, door, &denied)),
            Ok(caller) => {
                // Only faults ask for it.
                let continues = self.service.faults().rules().next().is_some() && continues(request);
                self.service.introduce(continues, || introduction(request, &caller));
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

    fn refuse(&mut self, _now: Moment, request: &Received, why: Unread) -> HttpAnswer {
        refuse(request, why)
    }
}

/// What a client hears whose body was not read, in the words of the protocol that it speaks.
fn refuse(request: &Received, why: Unread) -> HttpAnswer {
    let bare = exchange::refuse(why);
    let path = path_and_query(request);
    let (graph, text) = match why {
        Unread::TooLarge => (GraphError::BodyTooLarge, "the request is larger than the server takes"),
        Unread::Coding => (GraphError::BadContentType, "the request is compressed in a way that is not understood"),
        Unread::Undecodable => (GraphError::BadBody, "the request is not compressed in the way that it says"),
        Unread::TooSlow | Unread::Broken => return bare,
    };
    let mut answer = match door(path) {
        _ if entra::endpoint(path).is_some() => return bare,
        Door::Ews => ews::encode_error(&ews::EwsError::Schema(text.to_owned())),
        Door::Graph | Door::Admin => graph.answer(),
    };
    answer.status = bare.status;
    answer.headers.extend(bare.headers);
    answer
}

/// The client's name for a request: a header, or for Entra a part of the query.
fn client_request_id(request: &Received) -> Option<&str> {
    let parts = || request.uri.query().unwrap_or_default().split('&');
    let in_query = || parts().find_map(|part| part.strip_prefix("client-request-id="));
    request.header("client-request-id").or_else(in_query).filter(|id| !id.is_empty() && id.len() <= 64)
}

/// What is known of whoever sends a request beyond the app, and what the request costs where that is published.
fn introduction(request: &Received, caller: &Caller) -> policy::Caller {
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
    }
}

/// How much of a body is looked at for a state: what EWS writes before it is short.
const STATE_WITHIN: usize = 4_096;

/// Whether a request continues from a state that the server gave out (Graph's delta tokens, EWS' `SyncState`).
fn continues(request: &Received) -> bool {
    let query = request.uri.query().unwrap_or_default();
    let body = &request.body[..request.body.len().min(STATE_WITHIN)];
    query.contains("deltatoken") || query.contains("skiptoken") || memmem::find(body, b"SyncState>").is_some()
}

/// The headers of a request, but for what it proves: that was read already.
fn headers(request: &Received) -> Vec<(&str, Cow<'_, str>)> {
    let told = request.headers.iter().filter(|(name, _)| *name != AUTHORIZATION);
    let mut headers = Vec::with_capacity(request.headers.len());
    headers.extend(told.map(|(name, value)| (name.as_str(), text(value.as_bytes()))));
    headers
}

/// Who sends a request.
fn visitor(now: Moment, request: &Received, caller: &Caller, protocol: Protocol) -> Visitor {
    let identity = request.header(&header::IDENTITY).and_then(identity::decode);
    let shows_token = caller.token.is_some_and(|token| token.again);
    let name = if identity.is_none() { named(request) } else { None };
    Visitor { now, app: caller.app, protocol, identity, name, body_bytes: request.body.len() as u64, shows_token }
}

/// What a request is known by that may come again.
fn named(request: &Received) -> Option<Name> {
    let parts = [request.method.as_str().as_bytes(), path_and_query(request).as_bytes(), &request.body];
    client_request_id(request).map(|id| Name::of(id, parts))
}

fn path_and_query(request: &Received) -> &str {
    request.uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str)
}

/// A caller whose URL is its permission: Graph's sessions for uploads and imports are used without an `Authorization`
/// header (learn.microsoft.com/graph/outlook-large-attachments). Whoever answers checks the token in the URL.
fn by_url(door: Door, request: &Received) -> Option<Caller> {
    (door == Door::Graph && request.has_session()).then_some(Caller::trusted(None))
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
