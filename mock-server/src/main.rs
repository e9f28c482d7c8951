//! The mock server as a program of its own: mailboxes that are all alike, for any client.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mock_server::control::access::Guard;
use mock_server::control::tank::Tank;
use mock_server::draw::Distribution;
use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::clock::Clock;
use mock_server::front::desk::Desk;
use mock_server::front::listen::{ListenError, ListenOptions, start};
use mock_server::mailbox::content::Content;
use mock_server::mailbox::named::{Directory, Named};
use mock_server::mailbox::plain::Plain;
use mock_server::service::config::{Config, Cost, Costs, Holding, SwitchConfig};
use mock_server::service::core::Service;
use mock_server::throttle::limit::Limit;
use mock_server::throttle::preset;
use mock_server::time::Span;
use mock_server::wire::id::MailboxKey;

/// The exit code for wrong options, an address that is taken among them.
const USAGE: u8 = 2;

/// The largest item that can be stored: what Exchange Online can be set to, 150 MB
/// (`MaxReceiveSize`), read as decimal.
const LARGEST_ITEM_BYTES: u32 = 150_000_000;

/// Serves mailboxes over EWS and Microsoft Graph, on this machine, until interrupted.
#[derive(Parser, Debug)]
#[command(version, about)]
struct Options {
    /// The address to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// An empty mailbox to serve beside the others; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    mailbox: Vec<String>,
    /// The token that control requests from other machines must bear; without one they are turned away
    #[arg(long, value_name = "TOKEN", env = "MOCK_SERVER_CONTROL_TOKEN", hide_env_values = true)]
    control_token: Option<String>,
    /// How many mailboxes, user0@contoso.test and so on
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    mailboxes: u32,
    /// How many items each mailbox holds
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    items: u64,
    /// How large each item is, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(16..=i64::from(LARGEST_ITEM_BYTES)))]
    item_bytes: u32,
    /// Whether mailboxes begin empty
    #[arg(long)]
    empty: bool,
    /// The limits to enforce: the name of a preset, or none
    #[arg(long, value_name = "PRESET", default_value = "graph", value_parser = limits)]
    limits: Limits,
    /// The seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How to say that the server is ready
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Copy, Clone, Debug, ValueEnum)]
enum Format {
    /// A sentence
    Text,
    /// A JSON object
    Json,
}

#[derive(Clone, Debug)]
struct Limits(Vec<Limit>);

fn limits(name: &str) -> Result<Limits, String> {
    if name == "none" {
        return Ok(Limits(Vec::new()));
    }
    let known = || preset::NAMES.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
    preset::named(name).map(Limits).ok_or_else(|| format!("known presets are none, {}", known()))
}

fn main() -> ExitCode {
    match serve(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("mock-server: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            // Nobody can be told that nobody listens.
            let _ = writeln!(io::stderr(), "{text}");
            ExitCode::from(USAGE)
        }
    }
}

fn serve(options: &Options) -> Result<(), ListenError> {
    let plain = Plain {
        mailboxes: options.mailboxes,
        items: options.items,
        item_bytes: options.item_bytes,
        changes_per_day: 0.0,
    };
    let config = config(options);
    let access = Access::new(options.seed, TOKEN_LIFE);
    let listen = ListenOptions { address: options.listen, ..ListenOptions::loopback(Clock::start()) };
    let mut content = Named::new(plain);
    for address in &options.mailbox {
        content.add(address);
    }
    let guard = Guard::new(options.control_token.clone());
    let began = jiff::Timestamp::now();
    let desk = move || Tank::new(Desk::new(Service::new(config, content).with_bytes(true), access), guard, began);
    let front = start(listen, desk)?;
    // Whoever closed our output does not want to know.
    let _ = writeln!(io::stdout(), "{}", ready(options.format, front.address(), &plain));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ListenError::Thread)?;
    runtime.block_on(interrupted()).map_err(ListenError::Thread)?;
    front.stop();
    Ok(())
}

/// A server that takes no time for anything but what its limits ask.
fn config(options: &Options) -> Config {
    Config {
        seed: options.seed,
        holding: if options.empty { Holding::Empty } else { Holding::Live },
        clock_at_start: Span::ZERO,
        limits: options.limits.0.clone(),
        faults: Vec::new(),
        costs: Costs {
            default: Cost { call: Distribution::Constant(Span::ZERO), per_item: Span::ZERO, per_mebibyte: Span::ZERO },
            by_operation: Vec::new(),
            servers: None,
        },
        switch: SwitchConfig { places: 300, duration: Distribution::Constant(Span::seconds(60)), failure_rate: 0.0 },
        largest_item_bytes: LARGEST_ITEM_BYTES,
    }
}

fn ready(format: Format, address: SocketAddr, plain: &Plain) -> String {
    let url = format!("http://{address}");
    match format {
        Format::Json => serde_json::json!({ "http": url }).to_string(),
        Format::Text => {
            let (first, last) = (plain.address(MailboxKey(0)), plain.address(MailboxKey(plain.mailboxes - 1)));
            format!("serving {first} to {last} at {url}")
        }
    }
}

/// Waits for an interrupt or, where there are such, a request to terminate.
async fn interrupted() -> io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupt = tokio::signal::ctrl_c() => interrupt,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
