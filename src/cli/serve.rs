//! `wavetank serve`: the servers of a scenario as a process of their own, which outlives the runs against it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use clap::ValueEnum;
use mock_server::front::clock::Clock;
use mock_server::front::listen::{Handle, ListenError};
use serde::Serialize;

use super::console;
use super::exit::Exit;
use super::options::Format;
use super::wave::{Model, ModelArgs};
use crate::engine::live::{run as live, server};
use crate::engine::wire::url::ServerUrl;
use crate::world::Side;

/// Serve the mailboxes of a scenario over HTTP, with its limits, costs and faults, until interrupted
///
/// The network of the scenario is not modelled between processes. What clients change is kept in memory until the end.
#[derive(clap::Args, Debug)]
pub struct Options {
    #[command(flatten)]
    model: ModelArgs,

    /// Which servers to start
    #[arg(long, value_enum, default_value_t, value_name = "SIDE")]
    side: Sides,

    /// The address to listen on; with port 0 the system chooses one, and with another port the target of two servers
    /// gets the next one
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))]
    listen: SocketAddr,

    /// How to say that the servers are ready
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Format,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Sides {
    /// The server that mailboxes come from
    Source,
    /// The server that mailboxes go to
    Target,
    /// Both, on a port each
    #[default]
    Both,
}

/// The line that says that the servers are ready.
#[derive(Serialize)]
struct Ready {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let model = match options.model.load("serving") {
        Ok(model) => model,
        Err(exit) => return exit,
    };
    if !options.listen.ip().is_loopback() {
        console::message("warning: other machines can reach this server, and any password opens any mailbox");
    }
    let handles = match start(options, &model) {
        Ok(handles) => handles,
        Err(error) => {
            console::failure(&error);
            return Exit::InvalidInput;
        }
    };
    let exit = console::print(&ready(options.format, &handles));
    if exit != Exit::Ok {
        return exit;
    }
    match live::wait_for_interrupt() {
        Ok(()) => Exit::Ok,
        Err(error) => {
            console::failure(&error);
            Exit::Incomplete
        }
    }
}

/// Starts the servers that are wanted, each with its place in the order source, target.
fn start(options: &Options, model: &Model) -> Result<[Option<Handle>; 2], ListenError> {
    let clock = Clock::start();
    let wanted = |side| match options.side {
        Sides::Source => side == Side::Source,
        Sides::Target => side == Side::Target,
        Sides::Both => true,
    };
    let start = |side: Side| {
        let mut address = options.listen;
        if address.port() != 0 && options.side == Sides::Both && side == Side::Target {
            address.set_port(address.port().wrapping_add(1));
        }
        let config = server::config(&model.plan, side);
        wanted(side)
            .then(|| server::start_at(address, config, Arc::clone(&model.population), clock.clone()))
            .transpose()
    };
    Ok([start(Side::Source)?, start(Side::Target)?])
}

fn ready(format: Format, handles: &[Option<Handle>; 2]) -> String {
    let [source, target] = handles.each_ref().map(|handle| {
        let handle = handle.as_ref()?;
        Some(ServerUrl::of(handle.address()).to_string())
    });
    let mut line = match format {
        Format::Json => {
            serde_json::to_string(&Ready { schema: "wavetank.serve/1", source, target }).expect("texts are valid JSON")
        }
        Format::Text => {
            let url = |name: &str, url: Option<String>| url.map(|url| format!("--{name}-url {url}"));
            let urls: Vec<String> = url("source", source).into_iter().chain(url("target", target)).collect();
            format!("ready: {}", urls.join(" "))
        }
    };
    line.push('\n');
    line
}
