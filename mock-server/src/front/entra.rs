//! Entra: gives out tokens, and tells with which key they are signed.
//!
//! Grants are not kept anywhere: a refresh token and a device code hold what they stand for, signed. Every sign-in on
//! another device is approved at once.

pub(super) mod key;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use self::key::{Key, read_unverified};
use crate::service::credentials::{AppCredential, Credentials, WrongUser};
use crate::time::Span;
use crate::wire::entra::denial::{Denial, Marks};
use crate::wire::entra::grant::{self, Ask, AskDevice, Grant, Proof, Wanted};
use crate::wire::entra::token::{self, Claims, Granted, Remembered, User};
use crate::wire::entra::{Endpoint, JSON_TYPE, Version, issuing_tenant, tenant_id};
use crate::wire::http::HttpAnswer;
use crate::wire::permission::{Holder, Permissions, Resource};

/// How long a refresh token is good for: 90 days (learn.microsoft.com/entra/identity-platform/refresh-tokens).
const REFRESH_SECONDS: i64 = 90 * 24 * 3_600;

/// How long a device code is good for (the example of learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code).
const DEVICE_SECONDS: u64 = 900;

/// Where a user would enter a device code (same page).
const DEVICE_PAGE: &str = "https://microsoft.com/devicelogin";

/// What an app's or a token's GUID is made from, beside the seed.
#[derive(Copy, Clone)]
enum Made {
    Principal = 1,
    Token = 2,
    Trace = 3,
}

/// A request to Entra.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    /// The header `Authorization`.
    pub(super) authorization: Option<&'a str>,
    pub(super) body: &'a [u8],
    /// The scheme, host and port that the request was sent to.
    pub(super) base: &'a str,
    /// The client's name for the request.
    pub(super) correlation: Option<&'a str>,
    /// The moment of the wall clock.
    pub(super) now: Timestamp,
    /// How long tokens are good for.
    pub(super) life: Span,
}

/// Who knows the users.
pub(super) trait Users {
    /// The user of an address.
    fn find(&self, address: &str) -> Option<User>;
    /// Who signs in on another device, unless the request says so.
    fn first(&self) -> Option<User>;
}

/// Gives out tokens.
#[derive(Clone, Debug)]
pub(super) struct Entra {
    seed: u64,
    pub(super) credentials: Credentials,
    /// Who signs in on another device.
    pub(super) signs_in: Option<String>,
    /// How many requests were answered.
    answered: u64,
}

impl Entra {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, credentials: Credentials::default(), signs_in: None, answered: 0 }
    }

    /// The number of the request that is answered next.
    pub(super) fn number(&self) -> u64 {
        self.answered
    }

    /// Answers a request to an endpoint.
    pub(super) fn answer(
        &mut self,
        asked: &Asked<'_>,
        (tenant, endpoint): (&str, Endpoint),
        users: &impl Users,
    ) -> HttpAnswer {
        self.answered += 1;
        let trace = self.guid(Made::Trace, self.answered.to_string().as_bytes());
        let correlation = asked.correlation.map_or_else(|| trace.clone(), str::to_owned);
        let marks = Marks { now: asked.now, trace, correlation };
        let answer = match endpoint {
            Endpoint::Keys => keys(asked, tenant),
            Endpoint::Token(version) => self.token(asked, tenant, version, users),
            Endpoint::Device(version) => self.device(asked, tenant, version, users),
        };
        let mut answer = answer.unwrap_or_else(|denial| denial.answer(&marks));
        answer.headers.push(("x-ms-request-id", marks.trace));
        answer.headers.push(("client-request-id", marks.correlation));
        answer
    }

    /// A GUID that is always the same for the same.
    fn guid(&self, made: Made, of: &[u8]) -> String {
        let number = xxh3_128_with_seed(of, self.seed ^ (made as u64) << 56);
        // The marks of a random GUID (RFC 9562 section 5.4).
        let marked = number & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
        let hex = format!("{marked:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    fn token(
        &self,
        asked: &Asked<'_>,
        tenant: &str,
        version: Version,
        users: &impl Users,
    ) -> Result<HttpAnswer, Denial> {
        let ask = grant::read(version, tenant, asked.method.as_str(), asked.authorization, asked.body)?;
        let known = self.credentials.app(&ask.client_id);
        let app = known.map_err(|_| Denial::unknown_app(&ask.client_id, tenant))?;
        prove(&ask, app, asked.now)?;
        let key = Key::get().ok_or_else(Denial::transient)?;
        let user = match &ask.grant {
            Grant::App => None,
            Grant::Password { username, password } => Some(self.user(username, password, tenant, users)?),
            Grant::Refresh(token) => return self.again(asked, &ask, app, recall(key, asked, "refresh", token)?),
            Grant::Device(code) => return self.again(asked, &ask, app, recall(key, asked, "device", code)?),
        };
        let wanted = ask.wanted.clone().ok_or_else(|| Denial::missing("scope"))?;
        self.give(asked, &ask, app, user, &wanted)
    }

    /// Gives a token for what a refresh token or a device code stands for.
    fn again(
        &self,
        asked: &Asked<'_>,
        ask: &Ask,
        app: Option<&AppCredential>,
        remembered: Remembered,
    ) -> Result<HttpAnswer, Denial> {
        if !remembered.client_id.eq_ignore_ascii_case(&ask.client_id) {
            return Err(Denial::other_app());
        }
        let Remembered { user, audience, names, default, openid, .. } = remembered;
        let resource = Resource::of(&audience).ok_or_else(Denial::malformed)?;
        let mut wanted = Wanted { audience, resource, names, default, openid };
        if let Some(asked) = &ask.wanted {
            let openid = if asked.openid.is_empty() { wanted.openid } else { asked.openid.clone() };
            wanted = Wanted { openid, ..asked.clone() };
        }
        self.give(asked, ask, app, Some(user), &wanted)
    }

    fn user(&self, name: &str, password: &str, tenant: &str, users: &impl Users) -> Result<User, Denial> {
        self.credentials.user(name, password).map_err(|wrong| match wrong {
            WrongUser::Unknown => Denial::unknown_user(tenant_id(tenant)),
            WrongUser::Password => Denial::password(),
        })?;
        users.find(name).ok_or_else(|| Denial::unknown_user(tenant_id(tenant)))
    }

    /// The names of what an app is permitted, out of what it wants.
    fn permitted(wanted: &Wanted, app: Option<&AppCredential>, holder: Holder) -> Option<Vec<String>> {
        let listed = app.and_then(|app| app.permissions.as_ref());
        let of_resource: Vec<&str> = Permissions::names(wanted.resource, holder).collect();
        let all = || match listed {
            None => of_resource.iter().map(|&name| name.to_owned()).collect(),
            Some(listed) => {
                let fits = |name: &&String| of_resource.iter().any(|known| known.eq_ignore_ascii_case(name));
                listed.iter().filter(fits).cloned().collect::<Vec<_>>()
            }
        };
        if wanted.default {
            return Some(all());
        }
        let has = |name: &String| listed.is_none_or(|listed| listed.iter().any(|own| own.eq_ignore_ascii_case(name)));
        wanted.names.iter().all(has).then(|| wanted.names.clone())
    }

    fn give(
        &self,
        asked: &Asked<'_>,
        ask: &Ask,
        app: Option<&AppCredential>,
        user: Option<User>,
        wanted: &Wanted,
    ) -> Result<HttpAnswer, Denial> {
        let key = Key::get().ok_or_else(Denial::transient)?;
        let holder = if user.is_some() { Holder::User } else { Holder::App };
        let names = Self::permitted(wanted, app, holder).ok_or_else(|| Denial::consent(&ask.client_id))?;
        let seconds = asked.life.0 / Span::seconds(1).0;
        let claims = self.claims(asked, ask, user.as_ref(), wanted, names);
        let scope = claims.scp.as_ref().map(|_| told(&claims, wanted));
        let openid = |name: &str| ask.version == Version::V1 || wanted.openid.iter().any(|own| own == name);
        let sign = |claims: &serde_json::Value| key.sign(claims).ok_or_else(Denial::transient);
        let (mut refresh, mut id, mut client_info) = (None, None, None);
        if let Some(user) = user {
            if openid("openid") {
                id = Some(sign(&id_claims(asked, ask, &user, &claims))?);
            }
            if ask.client_info {
                let about = json!({"uid": user.oid, "utid": claims.tid});
                client_info = Some(URL_SAFE_NO_PAD.encode(about.to_string()));
            }
            if openid("offline_access") {
                let exp = claims.iat + REFRESH_SECONDS;
                let token = key.sign(&remember("refresh", &ask.client_id, user, wanted, exp));
                // Clients must not look into it, so it does not look like a token that they can read.
                refresh = Some(format!("1.{}", token.ok_or_else(Denial::transient)?));
            }
        }
        let access = key.sign(&claims).ok_or_else(Denial::transient)?;
        Ok(Granted { access, seconds, claims, scope, refresh, id, client_info }.answer(ask.version))
    }

    fn claims(&self, asked: &Asked<'_>, ask: &Ask, user: Option<&User>, wanted: &Wanted, names: Vec<String>) -> Claims {
        let tid = tenant_id(&ask.tenant).to_owned();
        let iss = format!("https://sts.windows.net/{tid}/");
        let now = asked.now.as_second();
        let principal = self.guid(Made::Principal, ask.client_id.to_lowercase().as_bytes());
        let oid = user.map_or_else(|| principal.clone(), |user| user.oid.clone());
        let pair = format!("{}{oid}", ask.client_id);
        let (roles, scp) = if user.is_some() {
            let openid = wanted.openid.iter().filter(|name| *name != "offline_access").cloned();
            (Vec::new(), Some(names.into_iter().chain(openid).collect::<Vec<_>>().join(" ")))
        } else {
            (names, None)
        };
        let acr = match ask.proof {
            Proof::Nothing => "0",
            Proof::Secret(_) => "1",
            Proof::Assertion(_) => "2",
        };
        Claims {
            aud: wanted.audience.clone(),
            iss: iss.clone(),
            iat: now,
            nbf: now,
            // A part of a second does not make a token live longer.
            exp: now.saturating_add_unsigned(asked.life.0 / Span::seconds(1).0),
            appid: ask.client_id.clone(),
            appidacr: acr.to_owned(),
            idp: iss,
            idtyp: if user.is_some() { "user" } else { "app" }.to_owned(),
            name: user.map(|user| user.name().to_owned()),
            sub: if user.is_some() { self.guid(Made::Principal, pair.as_bytes()) } else { oid.clone() },
            oid,
            roles,
            scp,
            tenant_region_scope: "EU".to_owned(),
            tid,
            unique_name: user.map(|user| user.address.clone()),
            upn: user.map(|user| user.address.clone()),
            uti: self.guid(Made::Token, self.answered.to_string().as_bytes()),
            ver: "1.0".to_owned(),
        }
    }

    fn device(
        &self,
        asked: &Asked<'_>,
        tenant: &str,
        version: Version,
        users: &impl Users,
    ) -> Result<HttpAnswer, Denial> {
        let ask = grant::read_device(version, tenant, asked.method.as_str(), asked.body)?;
        let AskDevice { client_id, wanted, login_hint, .. } = ask;
        self.credentials.app(&client_id).map_err(|_| Denial::unknown_app(&client_id, tenant))?;
        let listed = || self.credentials.users.first().map(|user| user.address.clone());
        let user = match login_hint.or_else(|| self.signs_in.clone()).or_else(listed) {
            Some(address) => users.find(&address),
            None => users.first(),
        };
        let user = user.ok_or_else(|| Denial::unknown_user(tenant_id(tenant)))?;
        let key = Key::get().ok_or_else(Denial::transient)?;
        let exp = asked.now.as_second().saturating_add_unsigned(DEVICE_SECONDS);
        let code = key.sign(&remember("device", &client_id, user, &wanted, exp)).ok_or_else(Denial::transient)?;
        let shown = self.guid(Made::Token, self.answered.to_string().as_bytes());
        let shown: String = shown.chars().filter(char::is_ascii_alphanumeric).take(9).collect();
        Ok(token::device_answer(version, &code, &shown.to_uppercase(), DEVICE_PAGE, DEVICE_SECONDS))
    }
}

/// What a refresh token or a device code is to remember.
fn remember(kind: &str, client_id: &str, user: User, wanted: &Wanted, exp: i64) -> Remembered {
    let Wanted { audience, names, default, openid, .. } = wanted.clone();
    Remembered { kind: kind.to_owned(), client_id: client_id.to_owned(), user, audience, names, default, openid, exp }
}

/// What a refresh token or a device code stands for.
fn recall(key: &Key, asked: &Asked<'_>, kind: &str, token: &str) -> Result<Remembered, Denial> {
    let bare = if kind == "refresh" { token.strip_prefix("1.") } else { Some(token) };
    let remembered = bare.and_then(|token| key.read::<Remembered>(token).ok()).ok_or_else(Denial::malformed)?;
    if remembered.kind != kind {
        return Err(Denial::malformed());
    }
    if asked.now.as_second() < remembered.exp {
        return Ok(remembered);
    }
    Err(if kind == "refresh" { Denial::refresh_expired() } else { Denial::code_expired() })
}

/// What of an app's own assertion is looked at.
#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    exp: i64,
}

/// Whether an app proves itself.
fn prove(ask: &Ask, app: Option<&AppCredential>, now: Timestamp) -> Result<(), Denial> {
    let secret = app.and_then(|app| app.secret.as_ref());
    match &ask.proof {
        Proof::Nothing if ask.grant == Grant::App || secret.is_some() => Err(Denial::no_proof()),
        Proof::Secret(given) if secret.is_some_and(|secret| secret != given) => Err(Denial::secret(&ask.client_id)),
        Proof::Nothing | Proof::Secret(_) => Ok(()),
        Proof::Assertion(token) => {
            let said: Assertion = read_unverified(token).ok_or_else(Denial::assertion_malformed)?;
            if said.iss != ask.client_id || said.sub != ask.client_id {
                return Err(Denial::assertion_subject());
            }
            if said.exp <= now.as_second() {
                return Err(Denial::assertion_time());
            }
            // Where a secret is listed, no key is.
            if secret.is_some() { Err(Denial::assertion_key()) } else { Ok(()) }
        }
    }
}

/// The scopes of a token as its client is told of them.
fn told(claims: &Claims, wanted: &Wanted) -> String {
    let audience = wanted.audience.trim_end_matches('/');
    let of_openid = |name: &&str| wanted.openid.iter().any(|own| own == name);
    let names = claims.scp.as_deref().unwrap_or_default().split(' ').filter(|name| !name.is_empty());
    let mut told: Vec<String> =
        names.map(|name| if of_openid(&name) { name.to_owned() } else { format!("{audience}/{name}") }).collect();
    if wanted.default {
        told.push(format!("{}/.default", wanted.audience));
    }
    told.join(" ")
}

/// What an id token says.
fn id_claims(asked: &Asked<'_>, ask: &Ask, user: &User, access: &Claims) -> serde_json::Value {
    let tid = &access.tid;
    let mut claims = json!({
        "aud": ask.client_id,
        "iat": access.iat,
        "nbf": access.nbf,
        "exp": access.iat + 3_600,
        "name": user.name(),
        "oid": user.oid,
        "sub": access.sub,
        "tid": tid,
        "uti": access.uti,
    });
    match ask.version {
        Version::V1 => {
            claims["iss"] = json!(access.iss);
            claims["upn"] = json!(user.address);
            claims["unique_name"] = json!(user.address);
            claims["ver"] = json!("1.0");
        }
        Version::V2 => {
            claims["iss"] = json!(format!("{}/{tid}/v2.0", asked.base));
            claims["preferred_username"] = json!(user.address);
            claims["email"] = json!(user.address);
            claims["ver"] = json!("2.0");
        }
    }
    claims
}

fn keys(asked: &Asked<'_>, tenant: &str) -> Result<HttpAnswer, Denial> {
    let key = Key::get().ok_or_else(Denial::transient)?;
    let issuer = format!("{}/{}/v2.0", asked.base, issuing_tenant(tenant));
    let body = key.set(&issuer).to_string().into_bytes();
    Ok(HttpAnswer { status: 200, headers: vec![("Content-Type", JSON_TYPE.to_owned())], body })
}
