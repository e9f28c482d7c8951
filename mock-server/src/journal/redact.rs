//! Takes out of what is kept whatever proves who somebody is.

use std::borrow::Cow;

use serde_json::Value;

/// What stands where a secret was.
pub(super) const REDACTED: &str = "REDACTED";

/// Names of fields that hold secrets, in lower case: those of OAuth 2.0 (RFC 6749), of URLs that are their own permission
/// (Graph's upload and import sessions, Azure's shared access signatures), and the plain ones.
const SECRETS: [&str; 18] = [
    "access_token",
    "accesstoken",
    "assertion",
    "authtoken",
    "authorization",
    "client_assertion",
    "client_secret",
    "code",
    "cookie",
    "device_code",
    "id_token",
    "passwd",
    "password",
    "refresh_token",
    "secret",
    "sig",
    "tempauth",
    "token",
];

fn is_secret(name: &str) -> bool {
    // Most names in queries are those of OData, which begin with a dollar sign.
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

/// A URL without the secrets in its query, and without a user and password before its host.
pub(super) fn url(url: &str) -> Cow<'_, str> {
    let bare = match url.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            match host.rsplit_once('@') {
                Some((user, _)) => Cow::Owned(format!("{scheme}://{}", &rest[user.len() + 1..])),
                None => Cow::Borrowed(url),
            }
        }
        None => Cow::Borrowed(url),
    };
    match query(&bare) {
        Cow::Owned(clean) => Cow::Owned(clean),
        Cow::Borrowed(_) => bare,
    }
}

/// A URL, or the path and query of one, without the secrets in its query.
pub(super) fn query(url: &str) -> Cow<'_, str> {
    let Some((path, query)) = url.split_once('?') else { return Cow::Borrowed(url) };
    let secret = |part: &str| is_secret(part.split('=').next().unwrap_or_default());
    if !query.split('&').any(secret) {
        return Cow::Borrowed(url);
    }
    let part = |part: &str| match part.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={REDACTED}"),
        _ => part.to_owned(),
    };
    Cow::Owned(format!("{path}?{}", query.split('&').map(part).collect::<Vec<_>>().join("&")))
}

/// A header's value as it is kept: links without what they prove.
pub(super) fn header<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if name.eq_ignore_ascii_case("location") { url(value) } else { Cow::Borrowed(value) }
}

/// A body as it is kept; nothing if it holds secrets in a place from which they cannot be taken out.
pub(super) fn body(content_type: &str, text: &str) -> Option<String> {
    if content_type.contains("json") {
        let Ok(mut value) = serde_json::from_str::<Value>(text) else {
            let lower = text.to_ascii_lowercase();
            let quoted = |secret: &&str| lower.contains(&format!("\"{secret}\""));
            return if SECRETS.iter().any(quoted) { None } else { clean(text) };
        };
        return Some(if redact(&mut value) { value.to_string() } else { text.to_owned() });
    }
    if content_type.contains("x-www-form-urlencoded") {
        let as_query = format!("?{text}");
        return Some(url(&as_query)[1..].to_owned());
    }
    clean(text)
}

/// A text, unless elements or fields of it are called like secrets.
fn clean(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let marks = ["password>", "secret>", "client_secret=", "refresh_token=", "securitytoken>", "authorization:"];
    (!marks.iter().any(|mark| lower.contains(mark))).then(|| text.to_owned())
}

/// Takes secrets out of a value; tells whether there were any.
fn redact(value: &mut Value) -> bool {
    match value {
        Value::Object(fields) => {
            let mut any = false;
            for (name, value) in fields {
                // Delta tokens and the like are objects or have other names; a number or text under these is a secret.
                any |= if is_secret(name) && (value.is_string() || value.is_number()) {
                    *value = REDACTED.into();
                    true
                } else {
                    redact(value)
                };
            }
            any
        }
        Value::Array(values) => values.iter_mut().fold(false, |any, value| redact(value) | any),
        Value::String(text) if text.starts_with("http") => {
            let bare = url(text).into_owned();
            let any = bare != *text;
            *text = bare;
            any
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_their_secrets_and_nothing_else() {
        let check = |from: &str, to: &str| assert_eq!(url(from), to);
        check("https://h/a?b=c", "https://h/a?b=c");
        check("https://user:pass@h/a", "https://h/a");
        check("https://h/a@b", "https://h/a@b");
        check("https://h/api/x?authtoken=abc&y=1", "https://h/api/x?authtoken=REDACTED&y=1");
        check("/a?$deltatoken=abc", "/a?$deltatoken=abc");
    }

    #[test]
    fn bodies_lose_their_secrets_or_are_left_out() {
        let check = |kind: &str, from: &str, to: Option<&str>| assert_eq!(body(kind, from).as_deref(), to);
        check("application/json", r#"{"a":{"password":"x"}}"#, Some(r#"{"a":{"password":"REDACTED"}}"#));
        check("application/json", r#"{"subject":"the password"}"#, Some(r#"{"subject":"the password"}"#));
        check("application/json", r#"["https://h/?sig=1"]"#, Some(r#"["https://h/?sig=REDACTED"]"#));
        check("application/json", r#"{"a":{"Password":"x""#, None);
        check("application/json", r#"{"subject":"#, Some(r#"{"subject":"#));
        check("application/x-www-form-urlencoded", "code=1&a=b", Some("code=REDACTED&a=b"));
        check("text/xml", "<t:Password>x</t:Password>", None);
        check("text/xml", "<a>x</a>", Some("<a>x</a>"));
    }
}
