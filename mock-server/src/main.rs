//! The mock server as a program of its own: mailboxes that are all alike, for any client.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mock_server::control::access::Guard;
use mock_server::control::tank::Tank;
use mock_server::draw::Distribution;
use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::clock::Clock;
use mock_server::front::desk::Desk;
use mock_server::front::listen::{Handle, ListenError, ListenOptions, Secure, start};
use mock_server::front::tls::{Authority, TlsError};
use mock_server::mailbox::content::Content;
use mock_server::mailbox::named::{Directory, Named};
use mock_server::mailbox::plain::{DOMAIN, Plain};
use mock_server::service::config::{Conditions, Config, Cost, Costs, Holding, SwitchConfig};
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
    /// The address to listen on with TLS, under an authority that is made at the start
    #[arg(long, value_name = "ADDRESS:PORT")]
    tls: Option<SocketAddr>,
    /// The address of a proxy that leads the service's host names here
    #[arg(long, value_name = "ADDRESS:PORT")]
    proxy: Option<SocketAddr>,
    /// Where to write the certificate of the authority, for clients to trust
    #[arg(long, value_name = "FILE")]
    ca_out: Option<PathBuf>,
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

/// Why the server does not serve.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot write the certificate to {path}")]
    Certificate { path: PathBuf, source: io::Error },
    #[error("`{address}` is not an SMTP address such as alice@contoso.test")]
    Address { address: String },
}

/// The authority under which to listen with TLS, if that is wanted.
fn secure(options: &Options) -> Result<Option<Secure>, ServeError> {
    if options.tls.is_none() && options.proxy.is_none() && options.ca_out.is_none() {
        return Ok(None);
    }
    let domains = options.mailbox.iter().filter_map(|address| address.split_once('@'));
    let mut domains: Vec<String> = domains.map(|(_, domain)| domain.to_lowercase()).collect();
    domains.push(DOMAIN.to_owned());
    domains.sort_unstable();
    domains.dedup();
    let authority = Authority::new(&domains)?;
    if let Some(path) = &options.ca_out {
        let failed = |source| ServeError::Certificate { path: path.clone(), source };
        std::fs::write(path, authority.pem()).map_err(failed)?;
    }
    Ok(Some(Secure { authority, tls: options.tls, proxy: options.proxy }))
}

fn serve(options: &Options) -> Result<(), ServeError> {
    let plain = Plain {
        mailboxes: options.mailboxes,
        items: options.items,
        item_bytes: options.item_bytes,
        changes_per_day: 0.0,
    };
    let config = config(options);
    let access = Access::new(options.seed, TOKEN_LIFE);
    let secure = secure(options)?;
    let listen = ListenOptions { address: options.listen, secure, ..ListenOptions::loopback(Clock::start()) };
    let mut content = Named::new(plain);
    for address in &options.mailbox {
        let known = address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        if !known || content.add(address).is_none() {
            return Err(ServeError::Address { address: address.clone() });
        }
    }
    let guard = Guard::new(options.control_token.clone());
    let began = jiff::Timestamp::now();
    let desk = move || {
        Tank::new(Desk::new(Service::new(config, content).with_bytes(true).with_wall(began), access), guard, began)
    };
    let front = start(listen, desk)?;
    // Whoever closed our output does not want to know.
    let _ = writeln!(io::stdout(), "{}", ready(options, &front, &plain));
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
        conditions: Conditions::default(),
    }
}

fn ready(options: &Options, front: &Handle, plain: &Plain) -> String {
    let http = format!("http://{}", front.address());
    let https = front.tls().map(|address| format!("https://{address}"));
    let proxy = front.proxy().map(|address| format!("http://{address}"));
    let ca = options.ca_out.as_ref().map(|path| path.display().to_string());
    match options.format {
        Format::Json => serde_json::json!({ "http": http, "https": https, "proxy": proxy, "ca": ca }).to_string(),
        Format::Text => {
            let (first, last) = (plain.address(MailboxKey(0)), plain.address(MailboxKey(plain.mailboxes - 1)));
            let mut mailboxes = format!("{first} to {last}");
            for address in &options.mailbox {
                mailboxes = format!("{mailboxes}, {address}");
            }
            let ways = [Some(http.clone()), https, proxy.map(|proxy| format!("the proxy {proxy}"))];
            let ways: Vec<_> = ways.into_iter().flatten().collect();
            let ca = ca.map_or(String::new(), |ca| format!("; trust {ca}"));
            format!("serving {mailboxes} at {}{ca}; control at {http}/_tank/", ways.join(", "))
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
