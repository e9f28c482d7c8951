//! The desk with a control desk before it.

use jiff::Timestamp;
use serde_json::json;

use super::access::{Guard, TurnedAway};
use super::faults::{Fault, Wanted};
use super::journal::{Filter, Journal};
use super::mailboxes;
use super::metrics::Metrics;
use super::reply::{self, Wrong};
use super::{PREFIX, acts, har, limits, page, policies, resources};
use crate::fault::rule::FaultRule;
use crate::fault::trick::Door;
use crate::front::beside::Serving;
use crate::front::body::Unread;
use crate::front::desk::Desk;
use crate::front::exchange::{Decide, Decision, Received};
use crate::journal::judge;
use crate::journal::recorder::Recorder;
use crate::journal::rehearse::Rehearsal;
use crate::journal::witness::{Seen, Witness};
use crate::mailbox::named::Directory;
use crate::protocol::ews::streaming::{Ongoing, Said};
use crate::service::core::Service;
use crate::time::Moment;
use crate::wire::http::HttpAnswer;
use crate::wire::id::MailboxKey;

/// Whoever decides what becomes of requests, with a journal and control routes.
#[derive(Debug)]
pub struct Tank<C> {
    desk: Desk<C>,
    guard: Guard,
    journal: Journal,
    metrics: Metrics,
    /// Items that were made so far.
    made: u64,
    witness: Witness,
    rehearsal: Option<Rehearsal>,
}

impl<C: Directory> Tank<C> {
    /// A desk under control. `began` is when its clock showed zero.
    #[must_use]
    pub fn new(mut desk: Desk<C>, guard: Guard, began: Timestamp) -> Self {
        // What was made before an earlier end of the server keeps its identities to itself.
        let made = desk.service().starts() << 48;
        Self {
            desk,
            guard,
            journal: Journal::new(began),
            metrics: Metrics::default(),
            made,
            witness: Witness::new(Recorder::new(1.0), None),
            rehearsal: None,
        }
    }

    /// The service behind the desk.
    pub fn service(&mut self) -> &mut Service<C> {
        self.desk.service()
    }

    /// The tank with a witness of its own, whose recorder others may share.
    #[must_use]
    pub fn with_witness(mut self, witness: Witness) -> Self {
        self.witness = witness;
        self
    }

    /// The tank with recorded refusals and delays instead of new ones.
    #[must_use]
    pub fn with_rehearsal(mut self, rehearsal: Option<Rehearsal>) -> Self {
        self.rehearsal = rehearsal;
        self
    }

    fn note(&mut self, now: Moment, request: &Received, decision: &Decision) {
        self.metrics.count(now, request, decision);
        self.journal.add(now, request, decision);
    }

    fn control(&mut self, now: Moment, request: &Received) -> HttpAnswer {
        if let Err(reason) = self.guard.admit(request) {
            return turned_away(reason).answer();
        }
        let path = request.uri.path().strip_prefix(PREFIX).unwrap_or_default().trim_matches('/').to_owned();
        let words: Vec<&str> = path.split('/').collect();
        match self.route(now, request, &words) {
            Ok(answer) => answer,
            Err(wrong) => wrong.answer(),
        }
    }

    fn route(&mut self, now: Moment, request: &Received, words: &[&str]) -> Result<HttpAnswer, Wrong> {
        let service = self.desk.service();
        match (request.method.as_str(), words) {
            ("GET", [""]) => Ok(reply::typed(200, "text/html; charset=utf-8", page::PAGE.into())),
            ("GET", ["health"]) => {
                let seconds = now.since(Moment::START).as_seconds();
                Ok(reply::json(200, &json!({ "status": "ok", "uptime_seconds": seconds })))
            }
            ("GET", ["state"]) => {
                let mailboxes = mailboxes::state(service, now);
                let requests = self.journal.written();
                Ok(reply::json(
                    200,
                    &json!({ "schema": "mock-server.state/1", "mailboxes": mailboxes, "requests": requests }),
                ))
            }
            ("GET", ["metrics"]) => {
                let touched = service.touched().len();
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                Ok(reply::typed(200, kind, self.metrics.text(touched).into_bytes()))
            }
            ("GET", ["limits"]) => Ok(reply::json(200, &limits::show(service, now))),
            ("PUT", ["limits"]) => {
                let change = reply::object(&request.body, limits::CHANGE)?;
                let changed = limits::change(service.limits().limits().cloned().collect(), &change)?;
                service.set_limits(changed);
                Ok(reply::json(200, &limits::show(service, now)))
            }
            ("GET", ["policies"]) => Ok(reply::json(200, &policies::show(service, now))),
            ("PUT", ["policies"]) => {
                let entries: Vec<policies::Entry> = reply::read(&request.body, policies::CHANGE)?;
                service.set_policies(policies::read(&entries)?);
                Ok(reply::json(200, &policies::show(service, now)))
            }
            ("GET", ["resources"]) => Ok(reply::json(200, &resources::show(service, now))),
            ("PUT", ["resources"]) => {
                let change: resources::Change = reply::object(&request.body, resources::CHANGE)?;
                service.set_health(change.terms()?);
                Ok(reply::json(200, &resources::show(service, now)))
            }
            ("GET", ["scorecard"]) => Ok(self.scorecard(request)),
            (_, ["faults", ..]) => self.faults(now, request, &words[1..]),
            (_, ["mailboxes", ..]) => self.mailboxes(now, request, &words[1..]),
            (_, ["journal", ..]) => self.read_journal(request, &words[1..]),
            _ => Err(Wrong::missing(format!("there is no {} {PREFIX}/{}", request.method, words.join("/")), ROUTES)),
        }
    }

    fn faults(&mut self, now: Moment, request: &Received, words: &[&str]) -> Result<HttpAnswer, Wrong> {
        let service = self.desk.service();
        let faults = service.faults();
        let ended: Vec<_> = faults.rules().filter(|rule| rule.matches.until <= now).map(name_of).collect();
        for name in ended {
            faults.remove(&name);
        }
        match (request.method.as_str(), words) {
            ("GET", []) => {}
            ("POST", []) => {
                let rules = Wanted::read(&request.body)?.rules(now, |address| service.content().find(address))?;
                let faults = service.faults();
                for rule in rules {
                    // A fault of a name takes the place of the one before.
                    faults.remove(&rule.name);
                    faults.add(rule);
                }
            }
            ("GET", ["acts"]) => return Ok(reply::json(200, &acts::offered())),
            ("DELETE", []) => {
                let all: Vec<_> = faults.rules().map(name_of).collect();
                for name in all {
                    faults.remove(&name);
                }
            }
            ("DELETE", [name]) => {
                let name = decoded(name);
                if faults.remove(&name) == 0 {
                    return Err(Wrong::missing(format!("there is no fault `{name}`"), "look at GET /_tank/faults"));
                }
            }
            _ => return Err(Wrong::missing("no such way to change faults", ROUTES)),
        }
        let rules: Vec<FaultRule> = service.faults().rules().cloned().collect();
        let content = service.content();
        let address = |mailbox: MailboxKey| (mailbox.0 < content.mailboxes()).then(|| content.address(mailbox));
        let shown: Vec<_> = rules.iter().map(|rule| Fault::of(rule, now, address)).collect();
        Ok(reply::json(200, &shown))
    }

    fn mailboxes(&mut self, now: Moment, request: &Received, words: &[&str]) -> Result<HttpAnswer, Wrong> {
        match (request.method.as_str(), words) {
            ("GET", []) => Ok(reply::json(200, &mailboxes::state(self.desk.service(), now))),
            ("POST", []) => {
                let new = reply::object(&request.body, mailboxes::NEW_MAILBOX)?;
                let key = mailboxes::add(self.desk.service(), &new)?;
                let address = self.desk.service().content().address(key);
                Ok(reply::json(201, &json!({ "address": address })))
            }
            ("GET", [address]) => {
                let mailbox = self.mailbox(address)?;
                Ok(reply::json(200, &mailboxes::folders(self.desk.service(), now, mailbox)))
            }
            ("DELETE", [address]) => {
                let mailbox = self.mailbox(address)?;
                self.desk.service().forget(mailbox);
                Ok(reply::json(200, &json!({ "address": decoded(address), "reset": true })))
            }
            ("POST", [address, "items"]) => {
                let mailbox = self.mailbox(address)?;
                let service = self.desk.service();
                let items = if request.header("content-type").is_some_and(|kind| kind.starts_with("message/rfc822")) {
                    mailboxes::deliver(service, now, mailbox, request.body.clone())?
                } else {
                    let new = reply::object(&request.body, mailboxes::NEW_ITEMS)?;
                    self.made += 1 << 32;
                    mailboxes::make(service, now, mailbox, &new, self.made)?
                };
                Ok(reply::json(201, &json!({ "items": items })))
            }
            _ => Err(Wrong::missing("no such way to change mailboxes", ROUTES)),
        }
    }

    fn scorecard(&self, request: &Received) -> HttpAnswer {
        let card = self.witness.recorder().card();
        if request.uri.query().is_some_and(|query| query.contains("format=text")) {
            return reply::typed(200, "text/plain; charset=utf-8", judge::text::report(&card).into_bytes());
        }
        reply::json(200, &card)
    }

    fn mailbox(&mut self, address: &str) -> Result<MailboxKey, Wrong> {
        let address = decoded(address);
        let found = self.desk.service().content().find(&address);
        found.ok_or_else(|| Wrong::missing(format!("there is no mailbox `{address}`"), mailboxes::NEW_MAILBOX))
    }

    fn read_journal(&mut self, request: &Received, words: &[&str]) -> Result<HttpAnswer, Wrong> {
        match (request.method.as_str(), words) {
            ("GET", []) => {
                let Asked { mut filter, mailbox, form } = asked(request.uri.query().unwrap_or_default())?;
                let content = self.desk.service().content();
                let known = mailbox.as_deref().map(|address| content.find(address));
                filter.mailbox = known.flatten();
                let found = match known {
                    // Nothing was asked of a mailbox that there is not.
                    Some(None) => Vec::new(),
                    _ => self.journal.select(&filter, |mailbox| content.address(mailbox)),
                };
                if form == Form::Har {
                    return Ok(reply::json(200, &har::archive(&found)));
                }
                let mut lines = Vec::new();
                for entry in found {
                    serde_json::to_writer(&mut lines, &entry).expect("writing to memory does not fail");
                    lines.push(b'\n');
                }
                Ok(reply::typed(200, "application/x-ndjson; charset=utf-8", lines))
            }
            ("DELETE", []) => {
                self.journal.clear();
                Ok(reply::json(200, &json!({ "written": self.journal.written() })))
            }
            _ => Err(Wrong::missing("no such way to read the journal", ROUTES)),
        }
    }
}

/// What there is, for whoever asks for something else.
const ROUTES: &str = "GET / health state metrics scorecard?format=json|text limits policies resources faults faults/acts mailboxes mailboxes/ADDRESS journal?mailbox=&operation=\
&status=&refused=true&after=&last=&format=jsonl|har; PUT limits policies resources; POST faults mailboxes mailboxes/ADDRESS/items; \
DELETE faults faults/NAME mailboxes/ADDRESS journal";

fn name_of(rule: &FaultRule) -> String {
    rule.name.clone()
}

fn decoded(word: &str) -> String {
    percent_encoding::percent_decode_str(word).decode_utf8_lossy().into_owned()
}

fn turned_away(reason: TurnedAway) -> Wrong {
    let (error, help) = match reason {
        TurnedAway::Stranger => {
            ("control requests from other machines need the token", "send it as Authorization: Bearer TOKEN")
        }
        TurnedAway::ForeignHost => ("the request names another host", "use 127.0.0.1 or localhost in the URL"),
        TurnedAway::Simple => ("any web page could have sent this", "send Content-Type: application/json"),
    };
    Wrong { status: 403, error: error.into(), help: help.into() }
}

#[derive(Copy, Clone, PartialEq, Eq)]
enum Form {
    Lines,
    Har,
}

/// What a query asks of the journal.
struct Asked {
    filter: Filter,
    /// The mailbox concerned, by address.
    mailbox: Option<String>,
    form: Form,
}

fn asked(query: &str) -> Result<Asked, Wrong> {
    let (mut filter, mut mailbox, mut form) = (Filter::default(), None, Form::Lines);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let odd = || Wrong::request(format!("`{name}={value}` is not understood"), ROUTES);
        match &*name {
            "mailbox" => mailbox = Some(value.into_owned()),
            "operation" => filter.operation = Some(value.into_owned()),
            "status" => filter.status = Some(value.parse().map_err(|_| odd())?),
            "refused" => filter.refused = value.parse().map_err(|_| odd())?,
            "after" => filter.after = value.parse().map_err(|_| odd())?,
            "last" => filter.last = Some(value.parse().map_err(|_| odd())?),
            "format" => {
                form = match &*value {
                    "jsonl" => Form::Lines,
                    "har" => Form::Har,
                    _ => return Err(odd()),
                }
            }
            _ => return Err(odd()),
        }
    }
    Ok(Asked { filter, mailbox, form })
}

/// Whether a request is for the control desk.
fn is_control(request: &Received) -> bool {
    let rest = request.uri.path().strip_prefix(PREFIX);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl<C: Directory> Serving for Tank<C> {
    type Content = C;

    fn service(&mut self) -> &mut Service<C> {
        Tank::service(self)
    }
}

impl<C: Directory> Decide for Tank<C> {
    fn door(&mut self, now: Moment, connection: u64) -> Option<Door> {
        self.desk.door(now, connection)
    }

    fn knows(&mut self, now: Moment, request: &Received) -> bool {
        if is_control(request) { self.guard.admit(request).is_ok() } else { self.desk.knows(now, request) }
    }

    fn decide(&mut self, now: Moment, request: &Received) -> Decision {
        if is_control(request) {
            return Decision::at_once(now, self.control(now, request));
        }
        let line = self.rehearsal.as_mut().and_then(|rehearsal| rehearsal.next(request));
        let asked = line.as_ref().and_then(|line| line.mailbox.clone());
        let decision = match line {
            Some(line) => {
                let wall = self.desk.service().wall(now);
                line.play(now, wall, || self.desk.decide(now, request))
            }
            None => self.desk.decide(now, request),
        };
        let service = self.desk.service();
        let steps = service.take_trace();
        let mailbox = decision.about.map(|about| service.content().address(about.mailbox)).or(asked);
        let wall = service.wall(decision.ready);
        self.witness.note(&Seen { now, wall, request, decision: &decision, steps: &steps, mailbox });
        self.note(now, request, &decision);
        decision
    }

    fn refuse(&mut self, now: Moment, request: &Received, why: Unread) -> HttpAnswer {
        let decision = Decision::at_once(now, self.desk.refuse(now, request, why));
        self.note(now, request, &decision);
        decision.answer
    }

    fn proceed(&mut self, now: Moment, ongoing: &mut Ongoing) -> Said {
        self.desk.proceed(now, ongoing)
    }
}
