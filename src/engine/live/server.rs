//! The servers of a live run: mocks of our own on loopback, or others.

use std::path::PathBuf;
use std::sync::Arc;

use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::beside::Beside;
use mock_server::front::clock::Clock;
use mock_server::front::desk::Desk;
use mock_server::front::listen::{self, Handle, ListenError, ListenOptions};
use mock_server::journal::witness::{Witness, Witnessed};
use mock_server::mailbox::content::Content;
use mock_server::mailbox::named::Named;
use mock_server::service::config::Config;
use mock_server::service::core::Service;
use mock_server::state::legacy::{self, Legacy};
use mock_server::throttle::health::stall::Account;

use super::bystanders::{Bystanders, Crowd};
use super::run::LiveError;
use super::token::Credentials;
use crate::engine::crowd::People;
use crate::engine::seed;
use crate::engine::wire::url::ServerUrl;
use crate::population::Population;
use crate::scenario::plan::Plan;
use crate::world::Side;

/// The replication whose seeds a live run uses, the one of `simulate`.
pub const REPLICATION: u64 = 0;

/// Which server to use for one side.
#[derive(Clone, Debug)]
pub struct ServerChoice {
    /// Where the server is. A mock of our own is started if absent.
    pub url: Option<ServerUrl>,
    /// Where its tokens come from, if not from the same place.
    pub token_url: Option<ServerUrl>,
    /// What to prove ourselves with.
    pub credentials: Credentials,
    /// Who keeps what passes, if it is a mock of our own.
    pub witness: Option<Witness>,
    /// How it goes on from one that ended and leaves its state to another, if it is a mock of our own.
    pub succession: Option<Succession>,
    /// The people of an estate, at work beside the wave if the plan says so and it is a mock of our own.
    pub people: Option<Arc<Population>>,
}

/// What a mock begins with, and what it leaves.
#[derive(Clone, Debug)]
pub struct Succession {
    /// Whose state it is, in words that follow "the state of".
    pub owner: String,
    /// The file with what another one left; it begins anew if absent.
    pub file: Option<PathBuf>,
    /// What it leaves.
    pub legacy: Legacy,
}

impl ServerChoice {
    /// A mock of our own.
    #[must_use]
    pub fn mock() -> Self {
        Self {
            url: None,
            token_url: None,
            credentials: Credentials::mock(),
            witness: None,
            succession: None,
            people: None,
        }
    }
}

/// The server of one side as a live run of a plan finds it. It draws from the seeds that `simulate` uses.
#[must_use]
pub fn config(plan: &Plan, side: Side) -> Config {
    let config = match side {
        Side::Source => plan.source_config(),
        Side::Target => plan.target_config(),
    };
    Config { seed: seed::service(plan.seed, REPLICATION, side), ..config }
}

/// Starts a mock server on a free port of this machine, on a thread of its own. It stops when the handle is dropped.
///
/// # Errors
///
/// If the system gives no port or no thread.
pub fn start<P>(config: Config, content: Arc<P>, clock: Clock) -> Result<Handle, ListenError>
where
    P: Content + Send + Sync + 'static,
{
    let access = Access::new(config.seed, TOKEN_LIFE);
    // Named like those of a run, so that the server is compiled once for both.
    let service = move || Service::new(config, Named::new(content)).with_bytes(true);
    listen::start(ListenOptions::loopback(clock), move || Desk::new(service(), access))
}

/// Starts the mock server of a choice like [`start`], with an account of what its health does to the moves, and with
/// people who work there.
///
/// # Errors
///
/// If the system gives no port or no thread, or what another server left cannot be gone on from.
pub(super) fn start_chosen<P>(
    config: Config,
    content: Arc<P>,
    clock: Clock,
    choice: &ServerChoice,
    account: Account,
    crowd: Option<(People, Bystanders)>,
) -> Result<Handle, LiveError>
where
    P: Content + Send + Sync + 'static,
{
    let access = Access::new(config.seed, TOKEN_LIFE);
    let mut service = Service::new(config, Named::new(content)).with_bytes(true).accounting(account);
    if let Some(Succession { owner, file, .. }) = &choice.succession {
        legacy::begin(file.as_deref(), owner, &mut service)?;
    }
    // Nobody wishes for what is left where there is no succession.
    let legacy = choice.succession.as_ref().map_or_else(Legacy::default, |succession| succession.legacy.clone());
    let (options, witness) = (ListenOptions::loopback(clock), choice.witness.clone());
    let traced = if witness.is_some() { service.with_trace() } else { service };
    let desk = move || Desk::new(traced, access);
    let handle = match witness {
        None => listen::start(options, move || Beside::new(Beside::new(desk(), Crowd(crowd)), legacy)),
        Some(witness) => listen::start(options, move || {
            Beside::new(Beside::new(Witnessed::new(desk(), witness), Crowd(crowd)), legacy)
        }),
    };
    Ok(handle?)
}
