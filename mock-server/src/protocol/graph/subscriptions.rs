//! Subscriptions: made, renewed, listed and deleted (learn.microsoft.com/graph/api/resources/subscription). The mock calls
//! nobody: notifications are not sent, and the notification URL is not validated.

use std::collections::BTreeMap;

use hyper::Uri;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::failure::Failure;
use super::filter::date;
use super::reply::Reply;
use super::route::{self, Place, Route as R};
use super::{Asked, State, task, times};
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

/// Most subscriptions at a time. Assumed: it bounds memory.
const MAX_SUBSCRIPTIONS: usize = 10_000;

/// Longest life of a subscription to Outlook resources, in minutes (same page: 10,080, under seven days).
const MAX_MINUTES: i64 = 10_080;

/// The subscriptions, by id.
#[derive(Clone, Default, Debug)]
pub(super) struct Subscriptions {
    last: u64,
    by_id: BTreeMap<String, Subscription>,
}

#[derive(Clone, Debug)]
struct Subscription {
    /// When it is forgotten unless it is renewed.
    expires: Timestamp,
    /// What is said of it.
    entity: Map<String, Value>,
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(400, "InvalidRequest", message)
}

/// Whether a new subscription says what it is about (the texts are assumed).
fn check(sent: &Map<String, Value>) -> Result<(), Failure> {
    let text = |name: &str| {
        let text = sent.get(name).and_then(Value::as_str);
        text.ok_or_else(|| invalid(format!("The property {name} is required.")))
    };
    let changes = text("changeType")?;
    if !changes.split(',').all(|change| ["created", "updated", "deleted"].contains(&change.trim())) {
        return Err(invalid(format!("The change type '{changes}' is invalid.")));
    }
    let url = text("notificationUrl")?;
    if !url.parse::<Uri>().is_ok_and(|url| url.scheme_str() == Some("https") && url.host().is_some()) {
        return Err(invalid("The notification URL must be an absolute URL that begins with https."));
    }
    text("resource").map(drop)
}

fn expiry(sent: &Map<String, Value>, wall: Timestamp) -> Result<Timestamp, Failure> {
    let text = sent.get("expirationDateTime").and_then(Value::as_str).and_then(date);
    let at = text.ok_or_else(|| invalid("The property expirationDateTime is required."))?;
    let seconds = at.as_second() - wall.as_second();
    if seconds <= 0 || MAX_MINUTES * 60 < seconds {
        return Err(invalid("Subscription expiration can only be 10070 minutes in the future."));
    }
    Ok(at)
}

/// The mailbox whose resource is subscribed to; the first where the resource names none.
fn owner<H: Host>(resource: &str, asked: &Asked<'_>, host: &H) -> MailboxKey {
    let place = route::find(&format!("/v1.0/{}", resource.trim_start_matches('/'))).ok();
    let found = place.and_then(|place| super::owner(asked, &place, host).ok());
    found.unwrap_or(MailboxKey(0))
}

/// Carries out a request on subscriptions.
pub(super) fn carry_out<H: Host>(
    asked: &Asked<'_>,
    place: &Place,
    state: &mut State,
    host: &mut H,
) -> Result<Reply, Failure> {
    let sent = task::object(asked.body)?;
    let known = state.subscriptions.by_id.get(&place.item).map(|known| &known.entity);
    let resource = sent.get("resource").or_else(|| known?.get("resource")).and_then(Value::as_str).unwrap_or_default();
    let mailbox = owner(resource, asked, host);
    let wall = host.wall();
    host.perform(mailbox, Operation::Subscribe, |_| (act(asked, place, &sent, state, wall), Work::default()))?
}

fn act(
    asked: &Asked<'_>,
    place: &Place,
    sent: &Map<String, Value>,
    state: &mut State,
    wall: Timestamp,
) -> Result<Reply, Failure> {
    let own = &mut state.subscriptions;
    own.by_id.retain(|_, known| wall < known.expires);
    let root = format!("{}/{}/$metadata#subscriptions", asked.base, place.version);
    match (asked.method, place.route) {
        ("GET", R::Subscriptions) => {
            let value: Vec<_> = own.by_id.values().map(|known| Value::Object(known.entity.clone())).collect();
            Ok(Reply::json(200, json!({"@odata.context": root, "value": value})))
        }
        ("POST", R::Subscriptions) => {
            check(sent)?;
            if MAX_SUBSCRIPTIONS <= own.by_id.len() {
                return Err(Failure::new(403, "ExtensionError", "The limit of subscriptions is reached."));
            }
            let expires = expiry(sent, wall)?;
            own.last += 1;
            let hex = format!("{:032x}", xxh3_128(&own.last.to_be_bytes()));
            let id = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
            let mut entity: Map<String, Value> = [("id".to_owned(), json!(id))].into_iter().collect();
            for name in ["resource", "changeType", "clientState", "notificationUrl", "lifecycleNotificationUrl"] {
                entity.insert(name.to_owned(), sent.get(name).cloned().unwrap_or(Value::Null));
            }
            entity.insert("expirationDateTime".to_owned(), json!(times::utc(expires)));
            own.by_id.insert(id, Subscription { expires, entity: entity.clone() });
            Ok(one(&root, entity, 201))
        }
        ("GET" | "PATCH" | "DELETE", R::Subscription) => {
            let gone = || Failure::new(404, "ResourceNotFound", "The object was not found.");
            let Subscription { expires, entity } = own.by_id.get_mut(&place.item).ok_or_else(gone)?;
            if asked.method == "DELETE" {
                own.by_id.remove(&place.item);
                return Ok(Reply::empty(204));
            }
            if asked.method == "PATCH" {
                *expires = expiry(sent, wall)?;
                entity.insert("expirationDateTime".to_owned(), json!(times::utc(*expires)));
            }
            Ok(one(&root, entity.clone(), 200))
        }
        _ => Err(Failure::no_method()),
    }
}

fn one(root: &str, entity: Map<String, Value>, status: u16) -> Reply {
    let mut body: Map<String, Value> =
        [("@odata.context".to_owned(), json!(format!("{root}/$entity")))].into_iter().collect();
    body.extend(entity);
    Reply::json(status, Value::Object(body))
}

#[cfg(test)]
mod tests {
    use super::super::reply::Body;
    use super::*;
    use crate::wire::permission::Permissions;

    /// Asks for something on subscriptions some minutes after the beginning; the answer's status and body.
    fn ask(state: &mut State, minutes: i64, (method, url): (&str, &str), sent: Value) -> (u16, Value) {
        let wall = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_mins(minutes);
        let place = route::find(url).expect("a place");
        let asked = Asked {
            method,
            url,
            headers: Vec::new(),
            body: &[],
            base: "http://h",
            user: None,
            permissions: Permissions::ALL,
            request_id: "r",
        };
        let sent: Map<String, Value> = serde_json::from_value(sent).expect("an object");
        match act(&asked, &place, &sent, state, wall) {
            Ok(Reply { status, body: Body::Json(value), .. }) => (status, value),
            Ok(reply) => (reply.status, Value::Null),
            Err(failure) => (failure.status(), Value::Null),
        }
    }

    #[test]
    fn a_subscription_lives_until_its_time_is_over_unless_it_is_renewed() {
        let mut state = State::default();
        let all = ("GET", "/v1.0/subscriptions");
        let wanted = json!({
            "changeType": "created", "notificationUrl": "https://c.test/n", "resource": "/users/a@b.test/messages",
            "expirationDateTime": "1970-01-01T01:00:00Z",
        });
        let (status, made) = ask(&mut state, 0, ("POST", "/v1.0/subscriptions"), wanted);
        assert_eq!((status, &made["expirationDateTime"]), (201, &json!("1970-01-01T01:00:00Z")));
        let one = format!("/v1.0/subscriptions/{}", made["id"].as_str().expect("an id"));
        let renewed = json!({"expirationDateTime": "1970-01-01T02:00:00Z"});
        assert_eq!(ask(&mut state, 59, ("PATCH", &one), renewed.clone()).0, 200);
        assert_eq!(ask(&mut state, 119, all, json!({})).1["value"].as_array().map(Vec::len), Some(1));
        assert_eq!(ask(&mut state, 120, all, json!({})).1["value"].as_array().map(Vec::len), Some(0));
        assert_eq!(ask(&mut state, 120, ("PATCH", &one), renewed).0, 404);
    }
    #[test]
    fn a_subscription_that_cannot_notify_is_refused() {
        let mut state = State::default();
        let mut check = |name: &str, value: Value, expected: u16| {
            let mut wanted = json!({
                "changeType": "created, updated", "notificationUrl": "https://c.test/n", "resource": "/me/messages",
                "expirationDateTime": "1970-01-01T01:00:00Z",
            });
            wanted[name] = value;
            assert_eq!(ask(&mut state, 0, ("POST", "/v1.0/subscriptions"), wanted).0, expected, "{name}");
        };
        check("clientState", json!("x"), 201);
        check("changeType", json!("made"), 400);
        check("notificationUrl", json!("http://c.test/n"), 400);
        check("notificationUrl", json!("https:///n"), 400);
        check("resource", Value::Null, 400);
        check("expirationDateTime", json!("1970-02-01T00:00:00Z"), 400);
    }
}
