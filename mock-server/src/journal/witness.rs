//! Whoever stands before a desk and writes down what passes.

use jiff::Timestamp;

use super::judge::hear;
use super::pieces::{self, Answered};
use super::record::{Piece, Record, StepRecord};
use super::recorder::Recorder;
use super::{kept, redact, subject};
use crate::fault::trick::Door;
use crate::front::body::Unread;
use crate::front::desk::Desk;
use crate::front::exchange::{Decide, Decision, Received};
use crate::mailbox::content::Content;
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
        let body_bytes = self.recorder.body_bytes();
        let record = record(seen, body_bytes);
        self.recorder.note(Record { server: self.server.map(str::to_owned), ..record });
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

/// The wait and the kind of refusal that a client hears.
fn heard(seen: &Seen<'_>, error: Option<&str>) -> hear::Heard {
    let answer = &seen.decision.answer;
    let by_words = if answer.status >= 400 {
        hear::heard(answer.status, answer.header("retry-after"), error.unwrap_or_default(), seen.wall)
    } else {
        hear::Heard::default()
    };
    let by_steps = seen.steps.iter().rev().find_map(|step| step.refusal);
    let refused = seen.decision.about.and_then(|about| about.refusal);
    let kind = refused.or(by_words.kind);
    let wait = by_steps.and_then(|refusal| refusal.retry_after).or(by_words.wait);
    hear::Heard { kind, wait: wait.filter(|_| kind.is_some()) }
}

/// What is written down of a request.
fn record(seen: &Seen<'_>, body_bytes: usize) -> Record {
    let Seen { now, request, decision, steps, mailbox, .. } = seen;
    let answer = &decision.answer;
    let token = subject::proves(request.uri.path());
    let shown = kept::target(request);
    let (subject, owner) = (subject::subject(request.method.as_str(), shown, &request.body), mailbox.as_deref());
    let owner = owner.unwrap_or_default().as_bytes();
    let method = request.method.as_str();
    let key = pieces::fingerprint(&[owner, method.as_bytes(), shown.as_bytes(), &request.body]);
    let done = if steps.is_empty() { answer.status < 400 } else { steps.iter().any(Step::done) };
    let reset = decision.spoil == Some(Spoil::Reset);
    let error = kept::error(request, answer).filter(|_| !reset);
    let heard = heard(seen, error.as_deref());
    let content_type = request.header("content-type");
    let body = (!token && !request.body.is_empty() && request.body.len() <= body_bytes)
        .then(|| std::str::from_utf8(&request.body).ok())
        .flatten()
        .and_then(|text| redact::body(content_type.unwrap_or_default(), text));
    Record {
        number: 0,
        at_ns: now.0,
        lasted_ns: decision.ready.since(*now).0,
        server: None,
        method: method.to_owned(),
        url: kept::url(request),
        subject,
        content_type: content_type.map(str::to_owned),
        body,
        mailbox: mailbox.clone(),
        operation: decision.about.map(|about| about.operation.name().to_owned()),
        app: decision.about.map(|about| about.app),
        user_agent: kept::agent(request),
        status: if reset { 0 } else { answer.status },
        refusal: heard.kind.map(RefusalKind::name).map(str::to_owned),
        wait_ns: heard.wait.map(|wait| wait.0),
        spoiled: decision.spoil.map(|spoil| spoil_name(spoil).to_owned()),
        done,
        items: steps.iter().filter(|step| step.done()).map(|step| step.items).sum(),
        request_bytes: request.body.len() as u64,
        answer_bytes: answer.body.len() as u64,
        key,
        makes: makes(seen, key, done),
        steps: steps.iter().map(StepRecord::from).collect(),
        answer_headers: kept::headers(answer),
        error: error.and_then(|error| redact::body("text/plain", &error)),
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
        let makes = match request.call {
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
        let status = refusal.map_or(200, |refusal| refusal.status);
        self.recorder.note(Record {
            at_ns: now.0,
            lasted_ns: reply.ready.since(now).0,
            server: self.server.map(str::to_owned),
            method: "CALL".to_owned(),
            subject: operation.to_owned(),
            operation: Some(operation.to_owned()),
            app: Some(request.app),
            user_agent: Some("wavetank".to_owned()),
            status,
            refusal: refusal.map(|refusal| refusal.kind.name().to_owned()),
            wait_ns: refusal.and_then(|refusal| refusal.retry_after).map(|wait| wait.0),
            spoiled: reply.spoiled.as_ref().map(|(spoil, _)| spoil_name(*spoil).to_owned()),
            done,
            items: steps.iter().filter(|step| step.done()).map(|step| step.items).sum(),
            request_bytes: request.body_bytes,
            key: said(request.call),
            makes,
            steps: steps.iter().map(StepRecord::from).collect(),
            mailbox: Some(mailbox),
            ..Record::default()
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
