//! People whose programs ask a mailbox server: makes their requests and remembers what their programs would.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::Uri;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use mock_server::front::clock::Clock;
use mock_server::wire::call::Protocol;

use super::DriveError;
use super::errand::{ANCHOR, Address, Estate, Outgoing, Prepared};
use super::line::Heard;
use super::origin::HttpRequest;
use super::read;
use super::write::{self, Written};
use crate::engine::live::token::{Credentials, Tokens};
use crate::engine::wire::pool::Pool;
use crate::load::act::{Act, Action};
use crate::load::arrival::Arrival;
use crate::scenario::program::Program;

/// What a program knows of a mailbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Known {
    /// A message.
    pub(super) message: Option<String>,
    /// Where its sync goes on: a state of EWS, or the path of Graph's link.
    pub(super) state: Option<String>,
}

/// What is to be learned from an answer.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Learns {
    program: Program,
    action: Action,
    mailbox: u32,
}

/// The people of an estate, for one worker.
#[derive(Debug)]
pub(super) struct People {
    estate: Arc<Estate>,
    address: Address,
    /// The tokens of each program, by its number.
    tokens: Vec<Tokens>,
    known: RefCell<BTreeMap<(Program, u32), Known>>,
}

impl People {
    /// Gets a token for each program.
    pub(super) async fn new(estate: Arc<Estate>, address: Address, clock: &Clock) -> Result<Self, DriveError> {
        let tokens = Program::ALL.map(|program| {
            let app = format!("{}-{}", estate.credentials.client_id, program.name());
            let credentials = Credentials { client_id: app, ..estate.credentials.clone() };
            Tokens::new(Pool::new(estate.token_url.clone()), clock.clone(), credentials, program.protocol())
        });
        for program in estate.background.programs() {
            let header = tokens[program as usize].header().await;
            header.map_err(|error| DriveError::of_token(&estate.token_url, error))?;
        }
        Ok(Self { estate, address, tokens: tokens.into(), known: RefCell::default() })
    }

    /// The request of an arrival.
    pub(super) async fn prepare(&self, arrival: Arrival) -> Prepared<'static> {
        let Act { program, action, mailbox } = self.estate.background.act(arrival);
        let token = self.tokens[program as usize].header().await.ok();
        let (action, written) = self.write(program, action, mailbox);
        let learns = matches!(action, Action::Sync | Action::List | Action::Read | Action::Mark).then_some(Learns {
            program,
            action,
            mailbox,
        });
        let request = token.and_then(|token| self.request(written, token, program, mailbox));
        let request = request.map(|request| Outgoing::Made(Box::new(request)));
        Prepared { request, kind: Some(Act { program, action, mailbox }.kind()), learns }
    }

    fn write(&self, program: Program, action: Action, mailbox: u32) -> (Action, Written) {
        let address = (self.estate.address)(mailbox);
        let known = self.known.borrow();
        let unknown = Known::default();
        let known = known.get(&(program, mailbox)).unwrap_or(&unknown);
        let written = match program.protocol() {
            Protocol::Ews => write::ews(action, &address, known),
            Protocol::Graph => write::graph(action, &address, known),
        };
        (write::possible(action, known), written)
    }

    fn request(&self, written: Written, token: HeaderValue, program: Program, mailbox: u32) -> Option<HttpRequest> {
        let mut request = self.address.request(written.method, &written.path, token, written.body)?;
        let headers = request.headers_mut();
        if let Some(content_type) = written.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if program.protocol() == Protocol::Ews {
            headers.insert(ANCHOR, HeaderValue::try_from((self.estate.address)(mailbox)).ok()?);
        }
        Some(request)
    }

    /// Learns from an answer. What a server no longer knows is forgotten.
    pub(super) fn learn(&self, learns: Learns, heard: &Heard) {
        let Learns { program, action, mailbox } = learns;
        let heard_of = match program.protocol() {
            _ if heard.status >= 400 => Known::default(),
            Protocol::Ews => read::ews(&heard.body),
            Protocol::Graph => read::graph(&heard.body),
        };
        let mut all = self.known.borrow_mut();
        let known = all.entry((program, mailbox)).or_default();
        // A server that has no time says nothing about what it knows.
        let gone = matches!(heard.status, 404 | 410) || (heard.status < 400 && program.protocol() == Protocol::Ews);
        match action {
            Action::Sync if heard.status < 400 || gone => {
                known.state = heard_of.state.and_then(|state| self.state(program, &state));
                known.message = heard_of.message.or(known.message.take());
            }
            Action::List if heard_of.message.is_some() => known.message = heard_of.message,
            Action::Read | Action::Mark if gone && heard_of.message.is_none() => known.message = None,
            _ => {}
        }
    }

    /// Where a sync goes on, as [`Known`] holds it.
    fn state(&self, program: Program, state: &str) -> Option<String> {
        match program.protocol() {
            Protocol::Ews => Some(state.to_owned()),
            Protocol::Graph => {
                let link: Uri = state.parse().ok()?;
                let path = link.path_and_query()?.as_str();
                let prefix = self.address.url().path("");
                Some(path.strip_prefix(&prefix).unwrap_or(path).to_owned())
            }
        }
    }
}
