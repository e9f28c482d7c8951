//! Where a load goes, and what it asks for there.

use std::fmt;
use std::sync::Arc;

use hyper::Uri;
use mock_server::front::clock::Clock;
use mock_server::front::listen::Handle;
use mock_server::mailbox::content::Content;
use mock_server::wire::id::MailboxKey;

use super::Options;
use super::demand::{Demanded, People};
use crate::cli::console;
use crate::cli::exit::Exit;
use crate::cli::servers;
use crate::cli::wave::Model;
use crate::engine::live::drive::errand::{Errand, Estate};
use crate::engine::live::server;
use crate::engine::live::token::Credentials;
use crate::engine::wire::url::ServerUrl;
use crate::population::Population;
use crate::world::Side;

/// The seed where there is neither a scenario nor an option.
const SEED: u64 = 1;

/// Where a load goes.
pub(super) struct Target {
    /// The server.
    pub(super) url: ServerUrl,
    /// The same for people.
    pub(super) said: String,
    /// The seed of all draws.
    pub(super) seed: u64,
    /// What is fetched, where nobody's people make the load.
    path: String,
    /// The people who make the load.
    pub(super) people: Option<People>,
    population: Option<Arc<Population>>,
    token_url: ServerUrl,
    /// A mock server of our own, which ends when this is dropped.
    _mock: Option<Handle>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("url", &self.url).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Target {
    /// What the options say. Starts a mock server if there is to be one; problems are written to stderr.
    pub(super) fn choose(options: &Options) -> Result<Self, Exit> {
        let allowed = |text: &str| servers::allowed(text, &options.allowed);
        let Some(file) = &options.scenario else {
            let (url, path) = split(options.url.as_deref().unwrap_or_default());
            let url = allowed(&url)?;
            let said = format!("{url}{path}");
            let (seed, token_url) = (options.changes.seed.unwrap_or(SEED), url.clone());
            return Ok(Self { url, said, seed, path, people: None, population: None, token_url, _mock: None });
        };
        let url = options.url.as_deref().map(allowed).transpose()?;
        let token_url = options.token_url.as_deref().map(allowed).transpose()?;
        let Model { plan, population } = options.changes.of(file).load("load")?;
        let (url, said, mock) = if let Some(url) = url {
            (url.clone(), url.to_string(), None)
        } else {
            let config = server::config(&plan, Side::Source);
            let started = server::start(config, Arc::clone(&population), Clock::start());
            let handle = started.map_err(|error| {
                console::failure(&error);
                Exit::InvalidInput
            })?;
            (ServerUrl::of(handle.address()), "a mock server of the scenario's source".to_owned(), Some(handle))
        };
        let people = options.demand.background(&plan, population.len());
        let token_url = token_url.unwrap_or_else(|| url.clone());
        Ok(Self {
            url,
            said,
            seed: plan.seed,
            path: String::new(),
            people: Some(people),
            population: Some(population),
            token_url,
            _mock: mock,
        })
    }

    /// What the requests ask for.
    pub(super) fn errand(&self, demand: &Demanded) -> Errand {
        let (Some(background), Some(population)) = (demand.background.clone(), &self.population) else {
            return Errand::Get(self.path.clone());
        };
        let population = Arc::clone(population);
        Errand::People(Arc::new(Estate {
            background,
            address: Box::new(move |mailbox| population.address(MailboxKey(mailbox))),
            credentials: Credentials::mock(),
            token_url: self.token_url.clone(),
        }))
    }
}

/// A URL without its path, and the path with what is asked there.
fn split(url: &str) -> (String, String) {
    let path = url.parse::<Uri>().ok().and_then(|uri| uri.path_and_query().map(|path| path.as_str().to_owned()));
    match path {
        Some(path) if path != "/" => match url.trim().find(&path) {
            Some(at) => (url.trim()[..at].to_owned(), path),
            None => (url.to_owned(), path),
        },
        _ => (url.to_owned(), "/".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, base: &str, path: &str) {
        assert_eq!(split(url), (base.to_owned(), path.to_owned()));
    }

    #[test]
    fn a_url_is_a_server_and_what_is_fetched_there() {
        check("http://127.0.0.1:80/a/b?c=d", "http://127.0.0.1:80", "/a/b?c=d");
        check("http://127.0.0.1:80", "http://127.0.0.1:80", "/");
        check("http://127.0.0.1:80/", "http://127.0.0.1:80/", "/");
        check("nonsense", "nonsense", "/");
    }
}
