//! Serving as a program does: the options of a command line that say where, what is opened for them, and the line that
//! says that clients may come.

pub mod interrupt;

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::control::access::Guard;
use crate::control::tank::Tank;
use crate::front::access::{Access, TOKEN_LIFE};
use crate::front::beside::Beside;
use crate::front::clock::Clock;
use crate::front::desk::Desk;
use crate::front::listen::{self, Handle, ListenError, ListenOptions, Secure};
use crate::front::tls::{Authority, TlsError};
use crate::journal::rehearse::Rehearsal;
use crate::journal::witness::Witness;
use crate::mailbox::named::{Directory, Named, is_address};
use crate::service::config::Config;
use crate::service::core::Service;
use crate::service::credentials::Credentials;
use crate::state::file::StateFile;
use crate::state::{self, Keeper, StateError, Writer};

/// Where clients find the server, and which mailboxes they find beside the computed ones.
#[derive(clap::Args, Clone, Debug)]
pub struct Doors {
    /// The address to listen on; with port 0 the system chooses one
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))]
    pub listen: SocketAddr,

    /// The address to listen on with TLS, under an authority that is made at the start
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub tls: Option<SocketAddr>,

    /// The address of a proxy that leads Microsoft's host names here
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub proxy: Option<SocketAddr>,

    /// Where to write the certificate of the authority, for clients to trust
    #[arg(long, value_name = "FILE")]
    pub ca_out: Option<PathBuf>,

    /// An empty mailbox to serve beside the others; may be given several times
    #[arg(long = "mailbox", value_name = "ADDRESS")]
    pub named: Vec<String>,

    /// The token that control requests from other machines must bear; without one they are turned away
    #[arg(long, value_name = "TOKEN", env = "WAVETANK_CONTROL_TOKEN", hide_env_values = true)]
    pub control_token: Option<String>,

    /// The file that keeps what clients write, so that the next server of the same mailboxes goes on with it: ids, change
    /// keys and sync states stay good. No answer leaves before the disk has what it rests on, so a server that is killed
    /// loses nothing that a client was told of. Limits and faults set while running are not kept
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

/// Why the doors do not open.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address is taken, or the system gave no thread.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// No certificate could be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The certificate could not be written.
    #[error("cannot write the certificate to {path}")]
    Certificate {
        /// Where to.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file with the state cannot be used, or is another server's.
    #[error(transparent)]
    State(#[from] StateError),
    /// A mailbox has a name that is no address.
    #[error("`{address}` is not an SMTP address such as alice@contoso.test")]
    Address {
        /// What was given.
        address: String,
    },
}

impl Doors {
    /// Makes the authority that certificates are signed by, if anything asks for it, and writes its certificate where it
    /// is wanted. `domains` are those of the computed mailboxes; autodiscover clients ask for hosts in them.
    ///
    /// # Errors
    ///
    /// If no certificate can be made or written.
    pub fn authority(&self, domains: Vec<String>) -> Result<Option<Authority>, ServeError> {
        if self.tls.is_none() && self.proxy.is_none() && self.ca_out.is_none() {
            return Ok(None);
        }
        let named = self.named.iter().filter_map(|address| address.split_once('@'));
        let named = named.map(|(_, domain)| domain.to_lowercase());
        let mut domains: Vec<String> = domains.into_iter().chain(named).collect();
        domains.sort_unstable();
        domains.dedup();
        let authority = Authority::new(&domains)?;
        if let Some(path) = &self.ca_out {
            let failed = |source| ServeError::Certificate { path: path.clone(), source };
            fs::write(path, authority.pem()).map_err(failed)?;
        }
        Ok(Some(authority))
    }

    /// The doors of one more server beside the first: ports that were chosen by the user are the next ones, and the name
    /// of the file with its state has `-2` behind it.
    #[must_use]
    pub fn next(&self) -> Self {
        let next = |mut address: SocketAddr| {
            if address.port() != 0 {
                address.set_port(address.port().wrapping_add(1));
            }
            address
        };
        let state = self.state.as_ref().map(|file| {
            let mut file = file.clone().into_os_string();
            file.push("-2");
            PathBuf::from(file)
        });
        Self { listen: next(self.listen), tls: self.tls.map(next), proxy: self.proxy.map(next), state, ..self.clone() }
    }

    /// Serves some content to who proves to be listed, with the named mailboxes beside it and the control desk before it,
    /// on a thread of its own until the handle is dropped. Where no users are listed, the owner of the first named
    /// mailbox signs in on other devices. `owner` says in words what is served, for the file with the state: everything
    /// that the computed mailboxes depend on.
    ///
    /// # Errors
    ///
    /// If a mailbox has no proper address, an address to listen on is taken or not ours, or the file with the state cannot
    /// be used or is of another owner.
    pub fn open<C>(
        &self,
        config: Config,
        content: C,
        owner: &str,
        clock: Clock,
        authority: Option<Authority>,
        credentials: Credentials,
    ) -> Result<Handle, ServeError>
    where
        C: crate::mailbox::content::Content + Send + 'static,
    {
        self.open_kept(config, content, owner, clock, authority, credentials, Kept::default())
    }

    /// Serves like [`open`](Self::open), with a witness who may be shared, and recorded refusals if there are any.
    ///
    /// # Errors
    ///
    /// Like [`open`](Self::open).
    #[expect(clippy::too_many_arguments, reason = "each is a decision of its own of the program that serves")]
    pub fn open_kept<C>(
        &self,
        config: Config,
        content: C,
        owner: &str,
        clock: Clock,
        authority: Option<Authority>,
        credentials: Credentials,
        kept: Kept,
    ) -> Result<Handle, ServeError>
    where
        C: crate::mailbox::content::Content + Send + 'static,
    {
        let began = Timestamp::now();
        let seed = config.seed;
        let mut service = Service::new(config, Named::new(content)).with_bytes(true).with_wall(began).with_trace();
        let file = self.state.as_ref().map(|file| StateFile::open(file, owner)).transpose()?;
        if let Some(file) = &file {
            state::restore(file, &mut service)?;
        }
        for address in &self.named {
            if !is_address(address) || service.content_mut().add(address).is_none() {
                return Err(ServeError::Address { address: address.clone() });
            }
        }
        let secure = authority.map(|authority| Secure { authority, tls: self.tls, proxy: self.proxy });
        let signs_in = self.named.first().filter(|_| credentials.users.is_empty()).cloned();
        let access = Access::new(seed, TOKEN_LIFE).with_credentials(credentials).with_sign_in(signs_in);
        let guard = Guard::new(self.control_token.clone());
        let listen = ListenOptions { address: self.listen, secure, ..ListenOptions::loopback(clock) };
        let tank = move || {
            let tank = Tank::new(Desk::new(service, access), guard, began).with_rehearsal(kept.rehearsal);
            match kept.witness {
                Some(witness) => tank.with_witness(witness),
                None => tank,
            }
        };
        let Some(file) = file else { return Ok(listen::start(listen, tank)?) };
        let writer = Writer::start(file, not_kept)?;
        Ok(listen::start(listen, move || Beside::new(tank(), Keeper::new(writer)))?)
    }
}

/// Tells whoever runs the program why state is no longer kept.
fn not_kept(error: &StateError) {
    let cause = error.source().map_or(String::new(), |cause| format!(": {cause}"));
    // Nobody can be told that nobody listens.
    let _ = writeln!(io::stderr(), "error: nothing is answered any more: {error}{cause}");
}

/// What is kept of what passes, and what is played again.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Who keeps and judges; somebody of the server's own if absent.
    pub witness: Option<Witness>,
    /// Recorded refusals and delays to be given instead of new ones.
    pub rehearsal: Option<Rehearsal>,
}

/// Where a server can be reached, for programs that started it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Ready {
    /// The base URL without TLS.
    pub http: String,
    /// The base URL with TLS, if there is one.
    pub https: Option<String>,
    /// The URL of the proxy, if there is one.
    pub proxy: Option<String>,
    /// The file with the certificate to trust, if it was written.
    pub ca: Option<String>,
}

impl Ready {
    /// What clients of an open server need to know.
    #[must_use]
    pub fn of(doors: &Doors, handle: &Handle) -> Self {
        Self {
            http: format!("http://{}", handle.address()),
            https: handle.tls().map(|address| format!("https://{address}")),
            proxy: handle.proxy().map(|address| format!("http://{address}")),
            ca: doors.ca_out.as_ref().map(|path| path.display().to_string()),
        }
    }

    /// The same in words.
    #[must_use]
    pub fn sentence(&self) -> String {
        let proxy = self.proxy.as_ref().map(|proxy| format!("the proxy {proxy}"));
        let ways: Vec<_> = [Some(self.http.clone()), self.https.clone(), proxy].into_iter().flatten().collect();
        let trust = self.ca.as_ref().map_or(String::new(), |ca| format!("; trust {ca}"));
        format!("{}{trust}; control at {}/_tank/", ways.join(", "), self.http)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors(listen: &str, tls: Option<&str>) -> Doors {
        let address = |text: &str| text.parse().expect("an address");
        Doors {
            listen: address(listen),
            tls: tls.map(address),
            proxy: None,
            ca_out: None,
            named: Vec::new(),
            control_token: None,
            state: Some(PathBuf::from("state")),
        }
    }

    #[test]
    fn a_second_server_takes_the_next_of_chosen_ports_only_and_a_file_of_its_own() {
        let next = doors("127.0.0.1:8080", Some("127.0.0.1:0")).next();
        assert_eq!(next.listen.port(), 8081);
        assert_eq!(next.tls.map(|address| address.port()), Some(0));
        assert_eq!(next.state, Some(PathBuf::from("state-2")));
    }

    #[test]
    fn an_authority_is_made_only_for_who_needs_one() {
        assert!(doors("127.0.0.1:0", None).authority(Vec::new()).expect("nothing to do").is_none());
        let authority =
            doors("127.0.0.1:0", Some("127.0.0.1:0")).authority(vec!["Contoso.test".to_owned()]).expect("one is made");
        assert!(authority.is_some_and(|authority| authority.covers("autodiscover.contoso.test")));
    }

    #[test]
    fn readiness_is_told_with_everything_a_client_needs() {
        let ready = Ready {
            http: "http://127.0.0.1:1".to_owned(),
            https: Some("https://127.0.0.1:2".to_owned()),
            proxy: None,
            ca: Some("ca.pem".to_owned()),
        };
        let expected = "http://127.0.0.1:1, https://127.0.0.1:2; trust ca.pem; control at http://127.0.0.1:1/_tank/";
        assert_eq!(ready.sentence(), expected);
    }
}
