//! Whoever stands before a desk and writes down what passes.

use std::borrow::Cow;

use jiff::Timestamp;

use super::judge::hear;
use super::pieces::{self, Answered};
use super::record::{Piece, Record, StepRecord};
use super::recorder::Recorder;
use super::told::{Subject, Told};
use super::{kept, redact, subject};
use crate::fault::trick::Door;
use crate::front::beside::Serving;
use crate::front::body::Unread;
use crate::front::desk::Desk;
use crate::front::exchange::{Decide, Decision, Received};
use crate::mailbox::content::Content;
use crate::mailbox::named::Directory;
use crate::protocol::ews::streaming::{Ongoing, Said};
use crate::service::core::Service;
use crate::service::reply::{Reply, Request, Spoil};
use crate::service::trace::Step;
use crate::time::Moment;
use crate::wire::answer::Answer;
use crate::wire::call::Call;
use crate::wire::http::HttpAnswer;
use crate::wire::refusal::RefusalKind;

/// What one server writes into a journal.
#[derive(Clone, Debug)]
pub struct Witness {
    recorder: Recorder,
    /// Which server it is, where there are several.
    server: Option<&'static str>,
}

/// A request with its answer, as a desk and its service know them.
#[derive(Debug)]
pub struct Seen<'a> {
    /// When the request had arrived.
    pub now: Moment,
    /// What the wall clock showed when the answer left.
    pub wall: Timestamp,
    /// The request.
    pub request: &'a Received,
    /// What became of it.
    pub decision: &'a Decision,
    /// The pieces of work that it was.
    pub steps: &'a [Step],
    /// The address of the mailbox concerned, if it came that far.
    pub mailbox: Option<String>,
}

impl Witness {
    /// What one server writes; `server` is its name where there are several.
    #[must_use]
    pub fn new(recorder: Recorder, server: Option<&'static str>) -> Self {
        Self { recorder, server }
    }

    /// Whoever keeps and judges.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Writes down one request.
    pub fn note(&self, seen: &Seen<'_>) {
        let Seen { now, request, decision, steps, .. } = seen;
        let answer = &decision.answer;
        let (method, url) = (request.method.as_str(), kept::target(request));
        let owner = seen.mailbox.as_deref().unwrap_or_default();
        let key = pieces::fingerprint(&[owner.as_bytes(), method.as_bytes(), url.as_bytes(), &request.body]);
        let done = if steps.is_empty() { answer.status < 400 } else { steps.iter().any(Step::done) };
        let heard = heard(seen);
        let told = Told {
            number: 0,
            at: *now,
            answered: decision.ready.max(*now),
            server: self.server,
            mailbox: seen.mailbox.as_deref(),
            agent: kept::agent(request),
            app: decision.about.map(|about| about.app),
            refusal: heard.kind,
            wait: heard.wait,
            is_spoiled: decision.spoil.is_some(),
            status: if decision.spoil == Some(Spoil::Reset) { 0 } else { answer.status },
            is_work: !steps.is_empty(),
            done,
            items: moved(steps),
            request_bytes: request.body.len() as u64,
            key,
            makes: &makes(seen, key, done),
            subject: Subject::Of { method, url, body: &request.body },
        };
        self.recorder.note(&told, || record(seen, &told, self.recorder.body_bytes()));
    }
}

/// The name of how an answer is spoiled.
#[must_use]
pub const fn spoil_name(spoil: Spoil) -> &'static str {
    match spoil {
        Spoil::Reset => "reset",
        Spoil::Truncate => "truncate",
        Spoil::Malformed => "malformed",
        Spoil::Empty => "empty",
        Spoil::WrongLength => "wrong-length",
        Spoil::Drip(_) => "drip",
    }
}

/// Items that pieces of work moved or removed.
fn moved(steps: &[Step]) -> u64 {
    steps.iter().filter(|step| step.done()).map(|step| step.items).sum()
}

/// What is kept of an error that the client heard.
fn error<'a>(seen: &Seen<'a>) -> Option<Cow<'a, str>> {
    let reset = seen.decision.spoil == Some(Spoil::Reset);
    kept::error(seen.request, &seen.decision.answer).filter(|_| !reset)
}

/// The wait and the kind of refusal that a client hears. The words of the answer are asked only for what the service does
/// not tell.
fn heard(seen: &Seen<'_>) -> hear::Heard {
    let answer = &seen.decision.answer;
    let refused = seen.decision.about.and_then(|about| about.refusal);
    let by_steps = seen.steps.iter().rev().find_map(|step| step.refusal);
    let wait = by_steps.or(refused).and_then(|refusal| refusal.retry_after);
    let refused = refused.map(|refusal| refusal.kind);
    if answer.status < 400 || (refused.is_some() && wait.is_some()) {
        return hear::Heard { kind: refused, wait: wait.filter(|_| refused.is_some()) };
    }
    let by_words =
        hear::heard(answer.status, answer.header("retry-after"), &error(seen).unwrap_or_default(), seen.wall);
    let kind = refused.or(by_words.kind);
    hear::Heard { kind, wait: wait.or(by_words.wait).filter(|_| kind.is_some()) }
}

/// What is written down of a request.
fn record(seen: &Seen<'_>, told: &Told<'_>, body_bytes: usize) -> Record {
    let Seen { request, decision, steps, .. } = seen;
    let answer = &decision.answer;
    let token = subject::proves(request.uri.path());
    let content_type = request.header("content-type");
    let body = (!token && !request.body.is_empty() && request.body.len() <= body_bytes)
        .then(|| std::str::from_utf8(&request.body).ok())
        .flatten()
        .and_then(|text| redact::body(content_type.unwrap_or_default(), text));
    Record {
        url: kept::url(request),
        method: request.method.as_str().to_owned(),
        content_type: content_type.map(str::to_owned),
        body,
        operation: decision.about.map(|about| about.operation.name().to_owned()),
        spoiled: decision.spoil.map(|spoil| spoil_name(spoil).to_owned()),
        answer_bytes: answer.body.len() as u64,
        answer_headers: kept::headers(answer),
        error: error(seen).and_then(|error| redact::body("text/plain", &error)),
        ..of_told(told, steps)
    }
}

/// What is written down of whatever a judge is told.
fn of_told(told: &Told<'_>, steps: &[Step]) -> Record {
    Record {
        at_ns: told.at.0,
        lasted_ns: told.answered.since(told.at).0,
        server: told.server.map(str::to_owned),
        subject: told.subject.name().into_owned(),
        mailbox: told.mailbox.map(str::to_owned),
        app: told.app,
        user_agent: told.agent.map(str::to_owned),
        refusal: told.refusal.map(RefusalKind::name).map(str::to_owned),
        wait_ns: told.wait.map(|wait| wait.0),
        status: told.status,
        done: told.done,
        items: told.items,
        request_bytes: told.request_bytes,
        key: told.key,
        makes: told.makes.to_vec(),
        steps: steps.iter().map(StepRecord::from).collect(),
        ..Record::default()
    }
}

/// What a request would make.
fn makes(seen: &Seen<'_>, key: super::record::Key, done: bool) -> Vec<Piece> {
    let Seen { request, decision, steps, mailbox, .. } = seen;
    let Some(about) = decision.about else { return Vec::new() };
    if !pieces::makes(about.operation) && !steps.iter().any(|step| pieces::makes(step.operation)) {
        return Vec::new();
    }
    let owner = mailbox.as_deref().unwrap_or_default();
    let answer = Answered { done, body: &decision.answer.body };
    let path = request.uri.path();
    if subject::is_ews(path) {
        pieces::of_ews(owner, &request.body, &answer)
    } else if path.ends_with("/$batch") {
        pieces::of_batch(owner, &request.body, &answer)
    } else if request.method == "GET" || request.method == "DELETE" {
        Vec::new()
    } else {
        vec![Piece { key, done }]
    }
}

/// A call that was made as a function, without HTTP.
#[derive(Debug)]
pub struct Called<'a> {
    /// When it arrived.
    pub now: Moment,
    /// The call and who made it.
    pub request: &'a Request<'a>,
    /// What became of it.
    pub reply: &'a Reply,
    /// The pieces of work that it was.
    pub steps: &'a [Step],
    /// The address of the mailbox.
    pub mailbox: String,
}

impl Witness {
    /// Writes down a call that was made as a function.
    pub fn note_call(&self, called: Called<'_>) {
        let Called { now, request, reply, steps, mailbox } = called;
        let refusal = reply.outcome.as_ref().err().copied();
        let operation = request.call.operation().name();
        let said = |call: &Call| pieces::fingerprint(&[mailbox.as_bytes(), format!("{call:?}").as_bytes()]);
        let done = steps.iter().any(Step::done);
        let makes: Vec<Piece> = match request.call {
            Call::Batch { calls } => {
                // The first step is that of the batch itself.
                let entries = calls.iter().zip(steps.iter().skip(1));
                let making = entries.filter(|(call, _)| pieces::makes(call.operation()));
                making.map(|(call, step)| Piece { key: said(call), done: step.done() }).collect()
            }
            Call::UploadItems { uploads } => {
                let answer = match (&reply.outcome, &reply.spoiled) {
                    (Ok(answer), _) => Some(answer),
                    (_, Some((_, answer))) => Some(&**answer),
                    _ => None,
                };
                let made = |position: usize| match answer {
                    Some(Answer::Uploaded(results)) => results.get(position).is_some_and(Result::is_ok),
                    _ => false,
                };
                let key = |upload| pieces::fingerprint(&[mailbox.as_bytes(), format!("{upload:?}").as_bytes()]);
                uploads.iter().enumerate().map(|(at, upload)| Piece { key: key(upload), done: made(at) }).collect()
            }
            call if pieces::makes(call.operation()) => vec![Piece { key: said(call), done }],
            _ => Vec::new(),
        };
        let told = Told {
            number: 0,
            at: now,
            answered: reply.ready.max(now),
            server: self.server,
            mailbox: Some(&mailbox),
            agent: Some("wavetank"),
            app: Some(request.app),
            refusal: refusal.map(|refusal| refusal.kind),
            wait: refusal.and_then(|refusal| refusal.retry_after),
            is_spoiled: reply.spoiled.is_some(),
            status: refusal.map_or(200, |refusal| refusal.status),
            is_work: !steps.is_empty(),
            done,
            items: moved(steps),
            request_bytes: request.body_bytes,
            key: said(request.call),
            makes: &makes,
            subject: Subject::Known(operation),
        };
        self.recorder.note(&told, || Record {
            method: "CALL".to_owned(),
            operation: Some(operation.to_owned()),
            spoiled: reply.spoiled.as_ref().map(|(spoil, _)| spoil_name(*spoil).to_owned()),
            ..of_told(&told, steps)
        });
    }
}

/// A desk before which a witness stands.
#[derive(Debug)]
pub struct Witnessed<C> {
    desk: Desk<C>,
    witness: Witness,
}

impl<C: Content> Witnessed<C> {
    /// A desk, whose service must [keep its trace](crate::service::core::Service::with_trace), and a witness before it.
    #[must_use]
    pub fn new(desk: Desk<C>, witness: Witness) -> Self {
        Self { desk, witness }
    }

    /// The service behind the desk.
    pub fn service(&mut self) -> &mut Service<C> {
        self.desk.service()
    }
}

impl<C: Directory> Serving for Witnessed<C> {
    type Content = C;

    fn service(&mut self) -> &mut Service<C> {
        Witnessed::service(self)
    }
}

impl<C: Content> Decide for Witnessed<C> {
    fn door(&mut self, now: Moment, connection: u64) -> Option<Door> {
        self.desk.door(now, connection)
    }

    fn decide(&mut self, now: Moment, request: &Received) -> Decision {
        let decision = self.desk.decide(now, request);
        let service = self.desk.service();
        let steps = service.take_trace();
        let mailbox = decision.about.map(|about| service.content().address(about.mailbox));
        let wall = service.wall(decision.ready);
        self.witness.note(&Seen { now, wall, request, decision: &decision, steps: &steps, mailbox });
        decision
    }

    fn knows(&mut self, now: Moment, request: &Received) -> bool {
        self.desk.knows(now, request)
    }

    fn refuse(&mut self, now: Moment, request: &Received, why: Unread) -> HttpAnswer {
        self.desk.refuse(now, request, why)
    }

    fn proceed(&mut self, now: Moment, ongoing: &mut Ongoing) -> Said {
        self.desk.proceed(now, ongoing)
    }
}

/// An answer in recorded words.
pub(super) fn recorded(record: &Record) -> HttpAnswer {
    let headers = record.answer_headers.iter().filter_map(|(name, value)| {
        let known = kept::HEADERS.iter().find(|known| known.eq_ignore_ascii_case(name))?;
        Some((*known, value.clone()))
    });
    let body = record.error.clone().unwrap_or_default().into_bytes();
    HttpAnswer { status: record.status, headers: headers.collect(), body }
}
