//! The mock server as a program of its own: mailboxes that are all alike, for any client.
//!
//! It is a part of the library so that the server of such mailboxes, which the tests use as well, is compiled once.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::front::clock::Clock;
use crate::front::listen::{Handle, ListenError};
use crate::mailbox::content::Content;
use crate::mailbox::plain::{DOMAIN, Plain};
use crate::serve::interrupt::Interrupt;
use crate::serve::{Doors, Ready, ServeError};
use crate::service::config::{Config, Holding, LARGEST_ITEM_BYTES};
use crate::service::credentials::Credentials;
use crate::throttle::limit::Limit;
use crate::throttle::preset;
use crate::wire::id::MailboxKey;

/// The exit code for wrong options, an address that is taken among them.
const USAGE: u8 = 2;

/// Serves mailboxes over EWS and Microsoft Graph, on this machine, until interrupted.
#[derive(Parser, Debug)]
#[command(version, about)]
struct Options {
    #[command(flatten)]
    doors: Doors,
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
    #[arg(long, value_name = "PRESET", default_value = "exchange-online", value_parser = limits)]
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
    preset::chosen(name).map(Limits)
}

/// Serves as the command line asks, until interrupted.
#[must_use]
pub fn main() -> ExitCode {
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

fn serve(options: &Options) -> Result<(), ServeError> {
    let plain = Plain {
        mailboxes: options.mailboxes,
        items: options.items,
        item_bytes: options.item_bytes,
        changes_per_day: 0.0,
    };
    let holding = if options.empty { Holding::Empty } else { Holding::Live };
    let config = Config { holding, ..Config::instant(options.seed, options.limits.0.clone()) };
    let doors = &options.doors;
    let authority = doors.authority(vec![DOMAIN.to_owned()])?;
    let owner = owner(options, &plain);
    let front = doors.open(config, plain, &owner, Clock::start(), authority, Credentials::default())?;
    let interrupt = Interrupt::new().map_err(ListenError::Thread)?;
    // Whoever closed our output does not want to know.
    let _ = writeln!(io::stdout(), "{}", ready(options, &front, &plain));
    interrupt.wait().map_err(ListenError::Thread)?;
    front.stop();
    Ok(())
}

/// What the state of this server belongs to.
fn owner(options: &Options, plain: &Plain) -> String {
    let Plain { mailboxes, items, item_bytes, .. } = plain;
    let begin = if options.empty { "beginning empty" } else { "beginning full" };
    format!("{mailboxes} mailboxes of {items} items of {item_bytes} bytes, {begin}, with seed {}", options.seed)
}

fn ready(options: &Options, front: &Handle, plain: &Plain) -> String {
    let ready = Ready::of(&options.doors, front);
    match options.format {
        Format::Json => serde_json::to_string(&ready).expect("texts are valid JSON"),
        Format::Text => {
            let (first, last) = (plain.address(MailboxKey(0)), plain.address(MailboxKey(plain.mailboxes - 1)));
            let mut mailboxes = format!("{first} to {last}");
            for address in &options.doors.named {
                mailboxes = format!("{mailboxes}, {address}");
            }
            format!("serving {mailboxes} at {}", ready.sentence())
        }
    }
}
