//! The servers of a live run: mocks of our own on loopback, or others.

use std::sync::Arc;

use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::clock::Clock;
use mock_server::front::desk::Desk;
use mock_server::front::listen::{self, Handle, ListenError, ListenOptions};
use mock_server::journal::witness::{Witness, Witnessed};
use mock_server::mailbox::content::Content;
use mock_server::service::config::Config;
use mock_server::service::core::Service;
use mock_server::throttle::health::stall::Account;

use super::token::Credentials;
use crate::engine::seed;
use crate::engine::wire::url::ServerUrl;
use crate::scenario::plan::Plan;
use crate::world::Side;

/// The replication whose seeds a live run uses, the one of `simulate`.
pub(super) const REPLICATION: u64 = 0;

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
}

impl ServerChoice {
    /// A mock of our own.
    #[must_use]
    pub fn mock() -> Self {
        Self { url: None, token_url: None, credentials: Credentials::mock(), witness: None }
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
    start_watched(config, content, clock, None, Account::default())
}

/// Starts a mock server like [`start`], with a witness before it if there is one, and with an account of what its health
/// does to the moves.
///
/// # Errors
///
/// If the system gives no port or no thread.
pub fn start_watched<P>(
    config: Config,
    content: Arc<P>,
    clock: Clock,
    witness: Option<Witness>,
    account: Account,
) -> Result<Handle, ListenError>
where
    P: Content + Send + Sync + 'static,
{
    let access = Access::new(config.seed, TOKEN_LIFE);
    let service = move || Service::new(config, content).with_bytes(true).accounting(account);
    match witness {
        None => listen::start(ListenOptions::loopback(clock), move || Desk::new(service(), access)),
        Some(witness) => listen::start(ListenOptions::loopback(clock), move || {
            Witnessed::new(Desk::new(service().with_trace(), access), witness)
        }),
    }
}
