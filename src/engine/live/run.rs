//! A run in the live world: servers, lanes, and an orderly end.

use std::cell::RefCell;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use mock_server::front::access;
use mock_server::front::clock::Clock;
use mock_server::front::listen::{Handle, ListenError};
use mock_server::mailbox::content::Content;
use mock_server::state::StateError;
use mock_server::throttle::health::stall::Account;
use mock_server::time::{Moment, Span};
use mock_server::wire::id::MailboxKey;
use tokio::task::JoinSet;

use super::bystanders::Bystanders;
use super::event_queue;
use super::server::{self, REPLICATION, ServerChoice};
use super::token::{TokenError, Tokens};
use super::world::{Endpoint, LiveWorld};
use crate::checkpoint::prestaged::Prestaged;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::engine::crowd::{self, APPS};
use crate::engine::network::Link;
use crate::engine::seed;
use crate::engine::wire::pool::{Lost, Pool};
use crate::engine::wire::url::ServerUrl;
use crate::event::Listener;
use crate::metrics::beside::{Beside, People};
use crate::pipeline::run::{Run, RunOptions, lane};
use crate::scenario::plan::Plan;
use crate::world::{Side, World};

/// How often one may ask a run to end: the first time it ends in an orderly way, the second time at once.
const INTERRUPTS: u32 = 2;

/// A run in the live world. What keeps and what listens are behind pointers, so that there is one live pipeline to
/// compile: what is looked up costs nothing beside the calls.
type LiveRun = Run<LiveWorld, Rc<dyn Checkpoint>, Rc<dyn Listener>>;

/// Why a run did not take place, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// A mock server could not be started.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// What a mock server left cannot be gone on from.
    #[error(transparent)]
    State(#[from] StateError),
    /// The system gave no event queue.
    #[error("cannot start the run")]
    Runtime(#[source] io::Error),
    /// A server, or the one that gives out its tokens, cannot be reached.
    #[error("the {} at {url} cannot be reached", side.name())]
    Unreachable {
        /// Which server.
        side: Side,
        /// Where it should be.
        url: String,
        /// Why.
        source: Lost,
    },
    /// A server gives us no token.
    #[error("the {} at {url} lets nobody in", side.name())]
    Denied {
        /// Which server.
        side: Side,
        /// Where it is.
        url: String,
        /// Why.
        source: TokenError,
    },
    /// Progress could not be kept.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// How a run ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Finished {
    /// When the last lane ended.
    pub at: Moment,
    /// Whether the run was asked to end before its work was done.
    pub interrupted: bool,
    /// Mailboxes that no lane took up.
    pub waiting: usize,
    /// What the health of mock servers of the run's own did to the moves, and what people met who worked there.
    pub beside: Beside,
}

/// Runs a wave, in the order given, against two servers.
///
/// `close` is when the window closes, counted from its opening; without it the run goes on until every mailbox has
/// ended. `interrupts` is awaited for wishes to end the run. Servers that are not chosen are mocks of the plan's, started
/// on this machine for the run; `content` is what they hold, and tells the addresses of mailboxes.
///
/// # Errors
///
/// See [`LiveError`]. Progress up to the error is kept.
#[expect(clippy::too_many_arguments, reason = "each is a different thing that only the caller has")]
pub fn migrate<P: Content + Send + Sync + 'static>(
    plan: &Plan,
    content: &Arc<P>,
    wave: &[MailboxKey],
    close: Option<Span>,
    servers: &[ServerChoice; 2],
    checkpoint: Rc<dyn Checkpoint>,
    listener: Rc<dyn Listener>,
    interrupts: impl AsyncFnMut(),
) -> Result<Finished, LiveError> {
    if servers.iter().any(|choice| choice.url.is_none()) {
        // Mocks sign tokens with a key that takes a moment to make; the run must not wait for it.
        access::make_key();
    }
    let clock = Clock::start();
    let accounts = [Account::default(), Account::default()];
    let bystanders = [Bystanders::default(), Bystanders::default()];
    let start = |side: Side| {
        let number = side as usize;
        endpoint(plan, content, side, (&servers[number], &accounts[number], &bystanders[number]), &clock)
    };
    let (source, source_handle) = start(Side::Source)?;
    let (target, target_handle) = start(Side::Target)?;
    let addresses = Arc::clone(content);
    let world = LiveWorld::new(clock.clone(), [source, target], move |mailbox| addresses.address(mailbox));
    let deadline = close.map_or(Moment::NEVER, |open| Moment::START + open);
    let options = RunOptions::from_plan(plan, seed::pipeline(plan.seed, REPLICATION), deadline);
    let wave = wave.to_vec();
    let checkpoint: Rc<dyn Checkpoint> = match plan.wave.prestage {
        Some(prestage) => Rc::new(Prestaged::new(Arc::clone(content), prestage.lead - prestage.age, true, checkpoint)),
        None => checkpoint,
    };
    let ended = block_on(drive(&clock, &bystanders, Run::new(world, options, wave, checkpoint, listener), interrupts));
    drop((source_handle, target_handle));
    let stalled = [(&plan.source, 0), (&plan.target, 1)].map(|(side, number)| {
        let known = servers[number].url.is_none() && !side.server.conditions.health.is_empty();
        known.then(|| accounts[number].sum_without(APPS))
    });
    let people = [Side::Source, Side::Target].into_iter().zip(&bystanders);
    let people = people.filter_map(|(side, here)| Some(People { side, with: here.take()?, alone: None })).collect();
    ended.map(|finished| Finished { beside: Beside { stalled, people }, ..finished })
}

/// How one side is reached, and its mock if we started one. The mock stops when its handle is dropped.
fn endpoint<P: Content + Send + Sync + 'static>(
    plan: &Plan,
    content: &Arc<P>,
    side: Side,
    (choice, account, bystanders): (&ServerChoice, &Account, &Bystanders),
    clock: &Clock,
) -> Result<(Endpoint, Option<Handle>), LiveError> {
    let (protocol, path) = match side {
        Side::Source => (plan.source.protocol, plan.network.source),
        Side::Target => (plan.target.protocol, plan.network.target),
    };
    let (handle, url) = if let Some(url) = &choice.url {
        (None, url.clone())
    } else {
        let config = server::config(plan, side);
        let people = choice.people.as_ref();
        let people = people.and_then(|population| crowd::People::new(plan, population, server::REPLICATION, side));
        let crowd = people.map(|people| (people, bystanders.clone()));
        let handle = server::start_chosen(config, Arc::clone(content), clock.clone(), choice, account.clone(), crowd)?;
        let url = ServerUrl::of(handle.address());
        (Some(handle), url)
    };
    let link = Link::new(path, seed::network(plan.seed, REPLICATION, side), side);
    let token_url = choice.token_url.clone().unwrap_or_else(|| url.clone());
    let endpoint = Endpoint {
        protocol,
        tokens: Tokens::new(Pool::new(token_url), clock.clone(), choice.credentials.clone(), protocol),
        pool: Pool::new(url),
        // A server elsewhere has a real network before it.
        link: handle.is_some().then(|| RefCell::new(link)),
    };
    Ok((endpoint, handle))
}

fn block_on<T>(future: impl Future<Output = Result<T, LiveError>>) -> Result<T, LiveError> {
    event_queue().map_err(LiveError::Runtime)?.block_on(future)
}

/// Gets the first tokens, which shows that both servers are there.
async fn prepare(world: &LiveWorld) -> Result<(), LiveError> {
    for side in [Side::Source, Side::Target] {
        let endpoint = world.endpoint(side);
        if let Err(error) = endpoint.tokens.header().await {
            let url = endpoint.pool.url().to_string();
            return Err(match error {
                TokenError::Lost(source) => LiveError::Unreachable { side, url, source },
                source => LiveError::Denied { side, url, source },
            });
        }
    }
    Ok(())
}

/// Runs all lanes to their end.
///
/// The first interrupt closes the queue: no mailbox is begun, and those in progress end at their next safe place. The
/// second one drops what is in progress; what was saved by then is kept. Before the first mailbox, one ends the run.
async fn drive(
    clock: &Clock,
    bystanders: &[Bystanders],
    run: LiveRun,
    mut interrupts: impl AsyncFnMut(),
) -> Result<Finished, LiveError> {
    let run = Rc::new(run);
    let mut lanes = JoinSet::new();
    let mut count = 0;
    while count < INTERRUPTS {
        let mut interrupt = pin!(interrupts());
        if count == 0 {
            tokio::select! {
                biased;
                ready = prepare(run.world()) => ready?,
                () = interrupt.as_mut() => {
                    return Ok(finished(&run, true));
                }
            }
            clock.restart();
            for here in bystanders {
                here.work_until(Moment::NEVER);
            }
            for _ in 0..run.lanes() {
                lanes.spawn_local(lane(Rc::clone(&run)));
            }
        }
        let ended = loop {
            tokio::select! {
                biased;
                joined = lanes.join_next() => match joined {
                    None => break true,
                    Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    Some(_) => {}
                },
                () = interrupt.as_mut() => break false,
            }
        };
        if ended {
            break;
        }
        count += 1;
        run.stop();
    }
    lanes.shutdown().await;
    let finished = finished(&run, count > 0);
    for here in bystanders {
        here.work_until(finished.at);
    }
    match run.take_error() {
        Some(error) => Err(error.into()),
        None => Ok(finished),
    }
}

fn finished(run: &LiveRun, interrupted: bool) -> Finished {
    Finished { at: run.world().now(), interrupted, waiting: run.waiting(), beside: Beside::default() }
}

/// Somebody wishes this process to end: an interrupt from the keyboard or, where there are such, a request to terminate.
/// Never comes where the system tells of neither.
pub async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            () = keyboard() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    keyboard().await;
}

async fn keyboard() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
