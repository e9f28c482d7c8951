//! Autodiscover: where a mailbox's services are. The SOAP, the plain XML and the JSON way, all of which lead back to
//! the host that was asked.

use serde_json::json;

use super::host::Host;
use crate::wire::ews::xml::{Element, Writer, parse};
use crate::wire::http::HttpAnswer;

/// Longest request in bytes: requests name a handful of users and settings.
const REQUEST_BYTES: usize = 64 << 10;

/// The namespace of autodiscover over SOAP.
const SOAP_NAMESPACE: &str = "http://schemas.microsoft.com/exchange/2010/Autodiscover";
const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const POX_ANSWER: &str = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006";
const POX_OUTLOOK: &str = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

/// The versions of the EWS schema that are spoken (`EwsSupportedSchemas`).
const SCHEMAS: &str = "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2, \
    Exchange2013, Exchange2013_SP1, Exchange2015, Exchange2016";

/// Which way a path leads to autodiscover.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Way {
    /// `autodiscover.svc`.
    Soap,
    /// `autodiscover.xml`.
    Plain,
    /// `autodiscover.json`.
    Json,
}

/// The way of a path; none if it does not lead to autodiscover.
#[must_use]
pub fn way(path: &str) -> Option<Way> {
    let mut words = path.split('/').filter(|word| !word.is_empty());
    if !words.next()?.eq_ignore_ascii_case("autodiscover") {
        return None;
    }
    match words.next()?.to_ascii_lowercase().as_str() {
        "autodiscover.svc" => Some(Way::Soap),
        "autodiscover.xml" => Some(Way::Plain),
        "autodiscover.json" => Some(Way::Json),
        _ => None,
    }
}

/// A request.
#[derive(Copy, Clone, Debug)]
pub struct Asked<'a> {
    /// The path and query.
    pub path_and_query: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// The scheme, host and port that were asked.
    pub base: &'a str,
}

/// Answers a request.
pub fn answer<H: Host>(way: Way, asked: &Asked<'_>, host: &H) -> HttpAnswer {
    match way {
        Way::Soap => soap(asked, host),
        Way::Plain => plain(asked, host),
        Way::Json => by_json(asked, host),
    }
}

fn xml(status: u16, writer: Writer) -> HttpAnswer {
    let headers = vec![("Content-Type", "text/xml; charset=utf-8".to_owned())];
    HttpAnswer { status, headers, body: writer.finish() }
}

/// All elements of a name below an element.
fn all<'d, 'a>(element: &'d Element<'a>, name: &str, found: &mut Vec<&'d Element<'a>>) {
    for child in &element.children {
        if &*child.name == name {
            found.push(child);
        }
        all(child, name, found);
    }
}

fn texts<'d>(document: &'d Element<'_>, name: &str) -> Vec<&'d str> {
    let mut found = Vec::new();
    all(document, name, &mut found);
    found.into_iter().map(Element::text).collect()
}

fn ews(base: &str) -> String {
    format!("{base}/EWS/Exchange.asmx")
}

/// The value of a setting of a user.
fn setting(name: &str, address: &str, base: &str) -> Option<String> {
    let user = address.split_once('@').map_or(address, |(user, _)| user);
    let authority = base.split_once("://").map_or(base, |(_, authority)| authority);
    Some(match name {
        "UserDisplayName" => user.to_owned(),
        "UserDN" => format!("/o=mock-server/ou=Exchange Administrative Group/cn=Recipients/cn={user}"),
        "AutoDiscoverSMTPAddress" => address.to_owned(),
        "ExternalEwsUrl" | "InternalEwsUrl" => ews(base),
        "ExternalEwsVersion" | "CasVersion" => "15.20.0001.000".to_owned(),
        "EwsSupportedSchemas" => SCHEMAS.to_owned(),
        "ExternalMailboxServer" | "InternalMailboxServer" | "ActiveDirectoryServer" => authority.to_owned(),
        _ => return None,
    })
}

fn soap<H: Host>(asked: &Asked<'_>, host: &H) -> HttpAnswer {
    let mut writer = Writer::document(0);
    let Ok(document) = parse(asked.body, REQUEST_BYTES) else {
        write_soap(&mut writer, "GetUserSettings", |writer| {
            write_code(writer, "InvalidRequest", "The request is invalid.");
        });
        return xml(200, writer);
    };
    let mut domains = Vec::new();
    all(&document, "GetDomainSettingsRequestMessage", &mut domains);
    if !domains.is_empty() {
        write_soap(&mut writer, "GetDomainSettings", |writer| write_domains(writer, &document, asked.base));
        return xml(200, writer);
    }
    let (users, settings) = (texts(&document, "Mailbox"), texts(&document, "Setting"));
    write_soap(&mut writer, "GetUserSettings", |writer| {
        write_code(writer, "NoError", "");
        writer.open("a:UserResponses", &[]);
        for user in users {
            write_user(writer, user, &settings, asked.base, host);
        }
        writer.close("a:UserResponses");
    });
    xml(200, writer)
}

fn write_soap(writer: &mut Writer, operation: &str, write: impl FnOnce(&mut Writer)) {
    writer.open("s:Envelope", &[("xmlns:s", ENVELOPE), ("xmlns:wsa", ADDRESSING)]);
    writer.open("s:Header", &[]);
    writer.leaf("wsa:Action", &format!("{SOAP_NAMESPACE}/Autodiscover/{operation}Response"));
    writer.open("h:ServerVersionInfo", &[("xmlns:h", SOAP_NAMESPACE)]);
    for (name, value) in
        [("MajorVersion", "15"), ("MinorVersion", "20"), ("MajorBuildNumber", "1"), ("MinorBuildNumber", "0")]
    {
        writer.leaf(&format!("h:{name}"), value);
    }
    writer.leaf("h:Version", "Exchange2015");
    writer.close("h:ServerVersionInfo");
    writer.close("s:Header");
    writer.open("s:Body", &[]);
    let message = format!("a:{operation}ResponseMessage");
    writer.open(&message, &[("xmlns:a", SOAP_NAMESPACE), ("xmlns:i", INSTANCE)]);
    writer.open("a:Response", &[]);
    write(writer);
    writer.close("a:Response");
    writer.close(&message);
    writer.close("s:Body");
    writer.close("s:Envelope");
}

fn write_code(writer: &mut Writer, code: &str, text: &str) {
    writer.leaf("a:ErrorCode", code);
    writer.leaf("a:ErrorMessage", text);
}

fn write_user<H: Host>(writer: &mut Writer, user: &str, settings: &[&str], base: &str, host: &H) {
    writer.open("a:UserResponse", &[]);
    if host.mailbox(user).is_none() {
        write_code(writer, "InvalidUser", "The user is not found.");
        writer.empty("a:RedirectTarget", &[("i:nil", "true")]);
        writer.empty("a:UserSettingErrors", &[]);
        writer.empty("a:UserSettings", &[]);
        writer.close("a:UserResponse");
        return;
    }
    write_code(writer, "NoError", "No error.");
    writer.empty("a:RedirectTarget", &[("i:nil", "true")]);
    let known: Vec<_> = settings.iter().map(|name| (*name, setting(name, user, base))).collect();
    writer.open("a:UserSettingErrors", &[]);
    for (name, _) in known.iter().filter(|(_, value)| value.is_none()) {
        writer.open("a:UserSettingError", &[]);
        write_code(writer, "SettingIsNotAvailable", "The setting is not available.");
        writer.leaf("a:SettingName", name);
        writer.close("a:UserSettingError");
    }
    writer.close("a:UserSettingErrors");
    writer.open("a:UserSettings", &[]);
    for (name, value) in known {
        let Some(value) = value else { continue };
        writer.open("a:UserSetting", &[("i:type", "a:StringSetting")]);
        writer.leaf("a:Name", name);
        writer.leaf("a:Value", &value);
        writer.close("a:UserSetting");
    }
    writer.close("a:UserSettings");
    writer.close("a:UserResponse");
}

fn write_domains(writer: &mut Writer, document: &Element<'_>, base: &str) {
    write_code(writer, "NoError", "");
    writer.open("a:DomainResponses", &[]);
    for _ in texts(document, "Domain") {
        writer.open("a:DomainResponse", &[]);
        write_code(writer, "NoError", "No error.");
        writer.empty("a:DomainSettingErrors", &[]);
        writer.open("a:DomainSettings", &[]);
        for name in texts(document, "Setting") {
            let value = match name {
                "ExternalEwsUrl" => ews(base),
                "ExternalEwsVersion" | "CasVersion" => "15.20.0001.000".to_owned(),
                _ => continue,
            };
            writer.open("a:DomainSetting", &[("i:type", "a:DomainStringSetting")]);
            writer.leaf("a:Name", name);
            writer.leaf("a:Value", &value);
            writer.close("a:DomainSetting");
        }
        writer.close("a:DomainSettings");
        writer.empty("a:RedirectTarget", &[("i:nil", "true")]);
        writer.close("a:DomainResponse");
    }
    writer.close("a:DomainResponses");
}

fn plain<H: Host>(asked: &Asked<'_>, host: &H) -> HttpAnswer {
    let document = parse(asked.body, REQUEST_BYTES).ok();
    let address = document.as_ref().and_then(|document| texts(document, "EMailAddress").first().copied());
    let known = address.filter(|address| host.mailbox(address).is_some());
    let mut writer = Writer::document(0);
    writer.open("Autodiscover", &[("xmlns", POX_ANSWER)]);
    match known {
        None => {
            let (code, text) = match address {
                Some(_) => ("500", "The e-mail address cannot be found."),
                None => ("600", "Invalid Request"),
            };
            writer.open("Response", &[]);
            writer.open("Error", &[("Time", "00:00:00.0000000"), ("Id", "0")]);
            writer.leaf("ErrorCode", code);
            writer.leaf("Message", text);
            writer.empty("DebugData", &[]);
            writer.close("Error");
        }
        Some(address) => {
            let user = address.split_once('@').map_or(address, |(user, _)| user);
            writer.open("Response", &[("xmlns", POX_OUTLOOK)]);
            writer.open("User", &[]);
            writer.leaf("DisplayName", user);
            writer.leaf("AutoDiscoverSMTPAddress", address);
            writer.close("User");
            writer.open("Account", &[]);
            writer.leaf("AccountType", "email");
            writer.leaf("Action", "settings");
            for kind in ["EXCH", "EXPR"] {
                writer.open("Protocol", &[]);
                writer.leaf("Type", kind);
                writer.leaf("ASUrl", &ews(asked.base));
                writer.leaf("EwsUrl", &ews(asked.base));
                writer.close("Protocol");
            }
            writer.close("Account");
        }
    }
    writer.close("Response");
    writer.close("Autodiscover");
    xml(200, writer)
}

fn by_json<H: Host>(asked: &Asked<'_>, host: &H) -> HttpAnswer {
    let (path, query) = asked.path_and_query.split_once('?').unwrap_or((asked.path_and_query, ""));
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into_owned())
    };
    let last = path.rsplit('/').find(|word| word.contains('@') || word.to_ascii_lowercase().contains("%40"));
    let last = last.map(|word| percent_encoding::percent_decode_str(word).decode_utf8_lossy().into_owned());
    let address = last.or_else(|| value("Email")).unwrap_or_default();
    let protocol = value("Protocol").unwrap_or_default();
    let url = match protocol.to_ascii_lowercase().as_str() {
        "ews" => Some(ews(asked.base)),
        "autodiscoverv1" => Some(format!("{}/autodiscover/autodiscover.xml", asked.base)),
        "activesync" => Some(format!("{}/Microsoft-Server-ActiveSync", asked.base)),
        "rest" => Some(format!("{}/api", asked.base)),
        _ => None,
    };
    let (status, body) = match (host.mailbox(&address), url) {
        (Some(_), Some(url)) => (200, json!({ "Protocol": protocol, "Url": url })),
        (None, _) => (404, json!({ "ErrorCode": "UserNotFound", "ErrorMessage": "The given user is not found." })),
        (_, None) => {
            let text = format!(
                "The given protocol value '{protocol}' is invalid. Supported values are 'ActiveSync, AutodiscoverV1, Ews, Rest'."
            );
            (400, json!({ "ErrorCode": "InvalidProtocol", "ErrorMessage": text }))
        }
    };
    let headers = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
    HttpAnswer { status, headers, body: body.to_string().into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<Way>) {
        assert_eq!(way(path), expected, "{path}");
    }

    #[test]
    fn paths_lead_their_ways_in_any_case() {
        check("/autodiscover/autodiscover.svc", Some(Way::Soap));
        check("/Autodiscover//Autodiscover.xml", Some(Way::Plain));
        check("/autodiscover/autodiscover.json/v1.0/a@b", Some(Way::Json));
        check("/autodiscover/other", None);
        check("/v1.0/autodiscover/autodiscover.svc", None);
    }

    #[test]
    fn settings_lead_back_to_the_host_that_was_asked() {
        assert_eq!(setting("ExternalEwsUrl", "a@b", "https://h:1").as_deref(), Some("https://h:1/EWS/Exchange.asmx"));
        assert_eq!(setting("Unheard", "a@b", "https://h:1"), None);
    }
}
