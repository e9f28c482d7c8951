//! What clients ask of Entra: tokens by any grant, and sign-ins on another device.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use super::denial::Denial;
use super::{MAX_BODY_BYTES, Version};
use crate::wire::permission::Resource;

/// The name of the device grant (RFC 8628 section 3.4).
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Scopes that are about the user and the token, and not about a resource (`OpenID` Connect Core section 5.4 and 11).
const OF_OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// With what an app proves itself.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// With nothing: it is public.
    Nothing,
    /// With its secret.
    Secret(String),
    /// With a JWT that it signed (RFC 7523).
    Assertion(String),
}

/// On what grounds a token is asked for.
#[derive(Clone, PartialEq, Eq)]
pub enum Grant {
    /// The app by itself.
    App,
    /// A user's name and password.
    Password {
        /// The user's address.
        username: String,
        /// The password.
        password: String,
    },
    /// A refresh token.
    Refresh(String),
    /// The code of a sign-in on another device.
    Device(String),
}

/// What a token is to be for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The token's audience, as it was spelled.
    pub audience: String,
    /// The resource.
    pub resource: Resource,
    /// The names of single scopes.
    pub names: Vec<String>,
    /// Whether everything is wanted that the app is permitted.
    pub default: bool,
    /// The scopes of `OpenID` among those asked for.
    pub openid: Vec<String>,
}

/// A request for a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// The generation of the endpoint.
    pub version: Version,
    /// The tenant: a GUID, a domain, or `common` and the like.
    pub tenant: String,
    /// The app.
    pub client_id: String,
    /// Its proof.
    pub proof: Proof,
    /// The grounds.
    pub grant: Grant,
    /// What for. Absent where a refresh token or a code says so.
    pub wanted: Option<Wanted>,
    /// Whether the client wants to hear who the user is (`client_info`).
    pub client_info: bool,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, tenant, client_id, proof: _, grant: _, wanted, client_info: _ } = self;
        let mut shown = f.debug_struct("Ask");
        shown.field("version", version).field("tenant", tenant).field("client_id", client_id);
        shown.field("wanted", wanted).finish_non_exhaustive()
    }
}

/// A request for the beginning of a sign-in on another device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AskDevice {
    /// The generation of the endpoint.
    pub version: Version,
    /// The tenant.
    pub tenant: String,
    /// The app.
    pub client_id: String,
    /// What for.
    pub wanted: Wanted,
    /// Who is expected to sign in.
    pub login_hint: Option<String>,
}

/// The parameters of a request.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(method: &str, body: &[u8]) -> Result<Self, Denial> {
        if !method.eq_ignore_ascii_case("POST") {
            return Err(Denial::method(method));
        }
        if MAX_BODY_BYTES < body.len() {
            return Err(Denial::too_large());
        }
        Ok(Self(form_urlencoded::parse(body).into_owned().collect()))
    }

    fn get(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        found.filter(|value| !value.is_empty()).cloned()
    }

    fn need(&self, name: &str) -> Result<String, Denial> {
        self.get(name).ok_or_else(|| Denial::missing(name))
    }

    /// What the token is to be for, if the request says so.
    fn wanted(&self, version: Version, tenant: &str) -> Result<Option<Wanted>, Denial> {
        let scope = self.get("scope").unwrap_or_default();
        match version {
            Version::V1 => self.get("resource").map(|resource| of_resource(&resource, &scope, tenant)).transpose(),
            Version::V2 if scope.trim().is_empty() => Ok(None),
            Version::V2 => of_scope(&scope, tenant).map(Some),
        }
    }

    fn need_wanted(&self, version: Version, tenant: &str) -> Result<Wanted, Denial> {
        let name = if version == Version::V1 { "resource" } else { "scope" };
        self.wanted(version, tenant)?.ok_or_else(|| Denial::missing(name))
    }
}

fn openid_of(scope: &str) -> Vec<String> {
    scope.split_whitespace().filter(|word| OF_OPENID.contains(word)).map(str::to_owned).collect()
}

fn of_resource(audience: &str, scope: &str, tenant: &str) -> Result<Wanted, Denial> {
    let resource = Resource::of(audience).ok_or_else(|| Denial::resource(audience, tenant))?;
    let openid = openid_of(scope);
    Ok(Wanted { audience: audience.to_owned(), resource, names: Vec::new(), default: true, openid })
}

/// Takes a scope apart into the resource and the name; a bare name is one of Graph's.
fn split(scope: &str) -> (&str, &str) {
    match scope.rsplit_once('/') {
        Some((resource, name)) => (resource, name),
        None => ("https://graph.microsoft.com", scope),
    }
}

fn of_scope(scope: &str, tenant: &str) -> Result<Wanted, Denial> {
    let openid = openid_of(scope);
    let mut audience: Option<(&str, Resource)> = None;
    let (mut names, mut default) = (Vec::new(), false);
    for word in scope.split_whitespace().filter(|word| !OF_OPENID.contains(word)) {
        let (named, name) = split(word);
        if name.is_empty() {
            return Err(Denial::scope(word));
        }
        let resource = Resource::of(named).ok_or_else(|| Denial::resource(named, tenant))?;
        match audience {
            Some((other, _)) if !other.eq_ignore_ascii_case(named) => return Err(Denial::several_resources(scope)),
            _ => audience = Some((named, resource)),
        }
        if name == ".default" {
            default = true;
        } else {
            names.push(name.to_owned());
        }
    }
    let (audience, resource) = audience.unwrap_or(("https://graph.microsoft.com", Resource::Graph));
    Ok(Wanted { audience: audience.to_owned(), resource, names, default, openid })
}

/// The app and secret of a header `Authorization` (RFC 6749 section 2.3.1).
fn basic(authorization: Option<&str>) -> Option<(String, String)> {
    let (scheme, value) = authorization?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned).ok();
    Some((plain(id)?, plain(secret)?))
}

/// Reads a request for a token.
///
/// # Errors
/// If it is not one. The denial can be sent as it is.
pub fn read(
    version: Version,
    tenant: &str,
    method: &str,
    authorization: Option<&str>,
    body: &[u8],
) -> Result<Ask, Denial> {
    let form = Form::read(method, body)?;
    let grant = form.need("grant_type")?;
    let by_header = basic(authorization);
    let client_id = match (form.get("client_id"), &by_header) {
        (Some(id), _) => id,
        (None, Some((id, _))) => id.clone(),
        (None, None) => return Err(Denial::missing("client_id")),
    };
    let proof = match (form.get("client_assertion"), form.get("client_secret"), by_header) {
        (Some(assertion), ..) => Proof::Assertion(assertion),
        (None, Some(secret), _) | (None, None, Some((_, secret))) => Proof::Secret(secret),
        (None, None, None) => Proof::Nothing,
    };
    let (grant, wanted) = match grant.as_str() {
        "client_credentials" => (Grant::App, Some(form.need_wanted(version, tenant)?)),
        "password" => {
            let (username, password) = (form.need("username")?, form.need("password")?);
            (Grant::Password { username, password }, Some(form.need_wanted(version, tenant)?))
        }
        "refresh_token" => (Grant::Refresh(form.need("refresh_token")?), form.wanted(version, tenant)?),
        DEVICE | "device_code" => {
            let code = form.get("device_code").or_else(|| form.get("code"));
            (Grant::Device(code.ok_or_else(|| Denial::missing("device_code"))?), None)
        }
        // No code was ever given out: there is no page on which a user could sign in.
        "authorization_code" => return Err(Denial::malformed()),
        other => return Err(Denial::grant(other)),
    };
    if let (Grant::App, Version::V2, Some(wanted)) = (&grant, version, &wanted)
        && (!wanted.default || !wanted.names.is_empty())
    {
        return Err(Denial::scope_of_app(&form.get("scope").unwrap_or_default()));
    }
    let client_info = form.get("client_info").is_some_and(|value| value == "1");
    Ok(Ask { version, tenant: tenant.to_owned(), client_id, proof, grant, wanted, client_info })
}

/// Reads a request for the beginning of a sign-in on another device.
///
/// # Errors
/// If it is not one. The denial can be sent as it is.
pub fn read_device(version: Version, tenant: &str, method: &str, body: &[u8]) -> Result<AskDevice, Denial> {
    let form = Form::read(method, body)?;
    let client_id = form.need("client_id")?;
    let wanted = form.need_wanted(version, tenant)?;
    let login_hint = form.get("login_hint");
    Ok(AskDevice { version, tenant: tenant.to_owned(), client_id, wanted, login_hint })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::entra::{TokenRequest, encode_request};

    fn ask(body: &str) -> Result<Ask, Denial> {
        read(Version::V2, "t", "POST", None, body.as_bytes())
    }

    fn check(body: &str, number: u32) {
        assert_eq!(ask(body).map_err(|denial| denial.number), Err(number), "{body}");
    }

    #[test]
    fn our_own_requests_are_read_as_they_were_written() {
        let scope = "https://graph.microsoft.com/.default".to_owned();
        let [tenant, client_id, client_secret] = ["t", "app 1", "s&c=r+t"].map(str::to_owned);
        let sent = encode_request(&TokenRequest { tenant, client_id, client_secret, scope });
        let ask = read(Version::V2, "t", sent.method, None, &sent.body).expect("a request");
        assert_eq!(ask.client_id, "app 1");
        assert!(ask.proof == Proof::Secret("s&c=r+t".to_owned()) && ask.grant == Grant::App);
        assert!(!format!("{ask:?}").contains("s&c"));
    }

    #[test]
    fn what_is_wrong_with_a_request_has_a_number() {
        check("", 900_144);
        check("grant_type=magic&client_id=a", 70_003);
        check("grant_type=client_credentials&client_id=a&client_secret=s", 900_144);
        check("grant_type=client_credentials&client_id=a&scope=https://graph.microsoft.com/Mail.Read", 1_002_012);
        check("grant_type=password&client_id=a&username=u&password=p&scope=https://nowhere.test/.default", 500_011);
        check("grant_type=password&client_id=a&username=u&password=p&scope=Mail.Read https://outlook.com/x", 28_000);
        check("grant_type=authorization_code&client_id=a&code=c", 9_002_313);
        assert_eq!(read(Version::V2, "t", "GET", None, b"").map_err(|denial| denial.status), Err(405));
        let long = vec![b'a'; MAX_BODY_BYTES + 1];
        assert_eq!(read(Version::V2, "t", "POST", None, &long).map_err(|denial| denial.status), Err(413));
    }

    #[test]
    fn an_app_may_prove_itself_in_the_header() {
        let header = format!("Basic {}", STANDARD.encode("app:se%3Acret"));
        let body = b"grant_type=client_credentials&scope=https://outlook.office365.com//.default";
        let ask = read(Version::V2, "t", "POST", Some(&header), body).expect("a request");
        assert!(ask.client_id == "app" && ask.proof == Proof::Secret("se:cret".to_owned()));
        let wanted = ask.wanted.expect("a scope");
        assert_eq!((wanted.audience.as_str(), wanted.resource), ("https://outlook.office365.com/", Resource::Exchange));
    }

    #[test]
    fn bare_scopes_are_those_of_graph() {
        let body =
            "grant_type=password&client_id=a&username=u&password=p&scope=openid Mail.Read offline_access User.Read";
        let wanted = ask(body).expect("a request").wanted.expect("a scope");
        assert_eq!((wanted.names, wanted.default), (vec!["Mail.Read".to_owned(), "User.Read".to_owned()], false));
        assert_eq!((wanted.openid, wanted.resource), (vec!["openid".into(), "offline_access".into()], Resource::Graph));
    }

    #[test]
    fn the_first_generation_names_a_resource() {
        let body = b"client_id=a&resource=https%3A%2F%2Foutlook.office365.com%2F";
        let ask = read_device(Version::V1, "t", "POST", body).expect("a request");
        assert_eq!((ask.wanted.audience.as_str(), ask.wanted.default), ("https://outlook.office365.com/", true));
        let missing = read_device(Version::V1, "t", "POST", b"client_id=a").map_err(|denial| denial.text);
        assert!(missing.is_err_and(|text| text.contains("'resource'")));
    }

    proptest! {
        #[test]
        fn any_request_is_read_or_refused(header: String, body: Vec<u8>, grant in "[a-z_]{0,12}", scope: String) {
            let _ = read(Version::V1, "t", "POST", Some(&header), &body);
            let text = form_urlencoded::Serializer::new(String::new())
                .append_pair("grant_type", &grant)
                .append_pair("client_id", "a")
                .append_pair("scope", &scope)
                .finish();
            let _ = ask(&text);
        }
    }
}
