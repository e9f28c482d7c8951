//! Users, as far as a mailbox needs one: who it belongs to, its settings and its categories.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::failure::Failure;
use super::page::{self, Access};
use super::query::Query;
use super::reply::Reply;
use super::task::Task;
use super::{messages, reference};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::wire::call::FolderKind;
use crate::wire::graph::mailbox_id;
use crate::wire::id::MailboxKey;

/// Users on a page without `$top` (learn.microsoft.com/graph/api/user-list).
const DEFAULT_PAGE: u32 = 100;

/// Most categories of one mailbox. Assumed.
const MAX_CATEGORIES: usize = 500;

/// What is written without being asked for (learn.microsoft.com/graph/api/user-get).
const USUAL: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

/// What else can be selected.
const MORE: [&str; 9] = [
    "accountEnabled",
    "userType",
    "mailNickname",
    "proxyAddresses",
    "otherMails",
    "assignedLicenses",
    "usageLocation",
    "createdDateTime",
    "department",
];

/// Master categories of mailboxes, with their colors.
#[derive(Clone, Default, Debug)]
pub(super) struct Categories(BTreeMap<MailboxKey, Vec<(String, String)>>);

fn property(mailbox: MailboxKey, address: &str, name: &str) -> Value {
    let nickname = address.split('@').next().unwrap_or(address);
    let mut words = nickname.split(['.', '_', '-']).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect::<String>())
    };
    match name {
        "id" => json!(reference::user_id(mailbox)),
        "displayName" => json!(words.map(capital).collect::<Vec<_>>().join(" ")),
        "givenName" => json!(words.next().map(capital)),
        "surname" => json!(words.nth(1).map(capital)),
        "mail" | "userPrincipalName" => json!(address),
        "mailNickname" => json!(nickname),
        "proxyAddresses" => json!([format!("SMTP:{address}")]),
        "businessPhones" | "otherMails" | "assignedLicenses" => json!([]),
        "accountEnabled" => json!(true),
        "userType" => json!("Member"),
        _ => Value::Null,
    }
}

fn write(mailbox: MailboxKey, address: &str, query: &Query) -> Map<String, Value> {
    let mut user = Map::new();
    match &query.select {
        None => {
            for name in USUAL {
                user.insert(name.to_owned(), property(mailbox, address, name));
            }
        }
        Some(names) => {
            for name in names {
                let known = USUAL.into_iter().chain(MORE).find(|known| known.eq_ignore_ascii_case(name));
                if let Some(name) = known {
                    user.insert(name.to_owned(), property(mailbox, address, name));
                }
            }
        }
    }
    user
}

fn context(task: &Task<'_>) -> String {
    let select = task.place.query.select.as_ref().map_or(String::new(), |names| format!("({})", names.join(",")));
    format!("{}/$metadata#users{select}", task.root())
}

fn reply(task: &Task<'_>, address: &str, status: u16) -> Reply {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), Value::String(format!("{}/$entity", context(task))));
    body.extend(write(task.mailbox, address, &task.place.query));
    Reply::json(status, Value::Object(body))
}

/// One user.
pub(super) fn get<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Reply {
    let address = open.address();
    reply(task, &address, 200)
}

/// All users, which are all mailboxes.
pub(super) fn list<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let open = &*open;
    let all: Vec<u32> = (0..u32::MAX).take_while(|number| open.address_of(MailboxKey(*number)).is_some()).collect();
    let user = |number: u32| open.address_of(MailboxKey(number)).map(|address| (MailboxKey(number), address));
    let page = task.prefer.page.or(Some(DEFAULT_PAGE));
    let chosen = page::choose(
        &task.place.query,
        page,
        &all,
        &mut Access {
            load: &mut |number: &u32| user(*number),
            property: &|user: &(MailboxKey, String), name: &str| property(user.0, &user.1, name),
            knows: &|name| USUAL.contains(&name) || MORE.contains(&name),
            kind: "User",
        },
    )?;
    let found = chosen.members.iter().filter_map(|number| user(*number));
    let value: Vec<Value> =
        found.map(|(mailbox, address)| Value::Object(write(mailbox, &address, &task.place.query))).collect();
    Ok(page::body(&context(task), &task.url(), &task.place.query, &chosen, &value))
}

/// A new user. Users exist for the mailboxes of the tenant only; one that exists cannot be made again.
pub(super) fn provision<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Result<Reply, Failure> {
    let sent = task.object()?;
    let Some(named) = messages::text(&sent, "userPrincipalName") else {
        return Err(Failure::new(
            400,
            "Request_BadRequest",
            "A value is required for property 'userPrincipalName' of resource 'User'.",
        ));
    };
    let known = open.find_mailbox(named).is_some();
    let message = if known {
        "Another object with the same value for property userPrincipalName already exists."
    } else {
        "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names \
         in your organization."
    };
    Err(Failure::new(400, "Request_BadRequest", message))
}

/// Which mailbox a user has (`exchangeSettings`).
pub(super) fn exchange_settings(task: &Task<'_>) -> Reply {
    Reply::json(
        200,
        json!({
            "@odata.context": task.context_of_one("settings/exchange"),
            "id": reference::user_id(task.mailbox),
            "primaryMailboxId": mailbox_id(task.mailbox),
        }),
    )
}

/// The settings of a mailbox. They cannot be changed, so a change is answered with what holds.
pub(super) fn mailbox_settings<C: Content>(open: &mut Open<'_, C>, task: &mut Task<'_>) -> Reply {
    let archive = open.default_folder(FolderKind::Archive);
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday"];
    Reply::json(
        200,
        json!({
            "@odata.context": task.context("mailboxSettings"),
            "archiveFolder": archive.map(|ordinal| reference::folder(task.mailbox, ordinal)),
            "timeZone": "UTC",
            "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
            "dateFormat": "yyyy-MM-dd",
            "timeFormat": "HH:mm",
            "userPurpose": "user",
            "automaticRepliesSetting": {
                "status": "disabled",
                "externalAudience": "all",
                "internalReplyMessage": "",
                "externalReplyMessage": "",
            },
            "language": {"locale": "en-US", "displayName": "English (United States)"},
            "workingHours": {
                "daysOfWeek": days,
                "startTime": "08:00:00.0000000",
                "endTime": "17:00:00.0000000",
                "timeZone": {"name": "UTC"},
            },
        }),
    )
}

/// The master categories of a mailbox: lists them, or adds one.
pub(super) fn categories(task: &mut Task<'_>) -> Result<Reply, Failure> {
    let entry = |(name, color): &(String, String)| {
        let mark = xxh3_128(name.to_lowercase().as_bytes());
        let hex = format!("{mark:032x}");
        let id = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
        json!({"id": id, "displayName": name, "color": color})
    };
    let sent = task.object()?;
    let context = task.context("outlook/masterCategories");
    let own = task.state.categories.0.entry(task.mailbox).or_default();
    if task.asked.method == "GET" {
        let value: Vec<Value> = own.iter().map(entry).collect();
        return Ok(Reply::json(200, json!({"@odata.context": context, "value": value})));
    }
    let Some(name) = messages::text(&sent, "displayName").filter(|name| !name.is_empty()) else {
        return Err(Failure::new(400, "ErrorInvalidRequest", "The property 'displayName' is required."));
    };
    if own.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) || MAX_CATEGORIES <= own.len() {
        return Err(Failure::new(
            409,
            "CategoryNameDuplicate",
            "A category with this name exists, or there are too many.",
        ));
    }
    own.push((name.to_owned(), messages::text(&sent, "color").unwrap_or("none").to_owned()));
    Ok(Reply::json(201, own.last().map_or(Value::Null, entry)))
}
