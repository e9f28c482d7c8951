//! Which servers a live run talks to, and with what it proves itself.

use std::env;
use std::fs;
use std::path::PathBuf;

use super::console;
use super::exit::Exit;
use crate::engine::live::server::ServerChoice;
use crate::engine::live::token::Credentials;
use crate::engine::wire::url::{ServerUrl, UrlError};

/// The environment variable that holds the app's secret.
const SECRET: &str = "WAVETANK_CLIENT_SECRET";

/// The servers of a live run.
#[derive(clap::Args, Clone, Debug)]
pub struct ServerArgs {
    /// Where the source is; a mock server on this machine is started if absent
    #[arg(long, value_name = "URL")]
    source_url: Option<String>,

    /// Where the target is; a mock server on this machine is started if absent
    #[arg(long, value_name = "URL")]
    target_url: Option<String>,

    /// Where tokens for these servers come from, if not from themselves
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,

    /// The tenant to ask tokens for
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,

    /// The app that asks for tokens
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// A file with the app's secret; without it the environment variable `WAVETANK_CLIENT_SECRET` is used
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,

    /// A host besides this machine that the run may talk to; may be repeated
    #[arg(long = "allow-host", value_name = "HOST")]
    allowed: Vec<String>,
}

impl ServerArgs {
    /// The servers, source first; problems are written to stderr.
    pub fn choose(&self) -> Result<[ServerChoice; 2], Exit> {
        let source = self.url(self.source_url.as_deref())?;
        let target = self.url(self.target_url.as_deref())?;
        let token_url = self.url(self.token_url.as_deref())?;
        if token_url.is_some() && source.is_none() && target.is_none() {
            console::error("--token-url needs --source-url or --target-url: mock servers give out tokens themselves");
            return Err(Exit::InvalidInput);
        }
        let credentials = self.credentials()?;
        Ok([source, target].map(|url| match url {
            Some(url) => ServerChoice {
                url: Some(url),
                token_url: token_url.clone(),
                credentials: credentials.clone(),
                witness: None,
                succession: None,
                people: None,
            },
            None => ServerChoice::mock(),
        }))
    }

    fn url(&self, text: Option<&str>) -> Result<Option<ServerUrl>, Exit> {
        text.map(|text| allowed(text, &self.allowed)).transpose()
    }

    /// What is given, and what our own mock is content with for the rest.
    fn credentials(&self) -> Result<Credentials, Exit> {
        let mock = Credentials::mock();
        let secret = match &self.client_secret_file {
            Some(file) => {
                let read = fs::read_to_string(file).map_err(|error| {
                    console::error(&format!("cannot read {}: {error}", file.display()));
                    Exit::InvalidInput
                })?;
                read.trim_end_matches(['\r', '\n']).to_owned()
            }
            None => env::var(SECRET).unwrap_or(mock.client_secret),
        };
        Ok(Credentials {
            tenant: self.tenant.clone().unwrap_or(mock.tenant),
            client_id: self.client_id.clone().unwrap_or(mock.client_id),
            client_secret: secret,
        })
    }
}

/// Reads the URL of a server on this machine or on one of the allowed hosts; problems are written to stderr.
pub(super) fn allowed(text: &str, hosts: &[String]) -> Result<ServerUrl, Exit> {
    text.parse::<ServerUrl>().and_then(|url| url.allowed(hosts)).map_err(|error| {
        console::error(&error.to_string());
        if let UrlError::NotAllowed { host } = error {
            console::message(format_args!("help: if you mean it, add --allow-host {host}"));
        }
        Exit::InvalidInput
    })
}
