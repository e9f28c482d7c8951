//! One request on its way through the handlers.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::failure::Failure;
use super::prefer::Prefer;
use super::query::escape;
use super::route::Place;
use super::{Asked, State, reference};
use crate::mailbox::content::Content;
use crate::mailbox::hidden;
use crate::mailbox::open::Open;
use crate::service::cost::Work;
use crate::wire::call::FolderKind;
use crate::wire::graph::folder_kind_named;
use crate::wire::id::MailboxKey;

/// A request with everything that handlers need to know, and the work that they count.
pub(super) struct Task<'a> {
    pub asked: &'a Asked<'a>,
    pub place: std::sync::Arc<Place>,
    pub prefer: Prefer,
    /// The mailbox concerned.
    pub mailbox: MailboxKey,
    pub state: &'a mut State,
    /// What was moved, for its cost.
    pub work: Work,
}

impl Task<'_> {
    /// The scheme, host, port and version.
    pub(super) fn root(&self) -> String {
        format!("{}/{}", self.asked.base, self.place.version)
    }

    /// The URL that was asked, without its query.
    pub(super) fn url(&self) -> String {
        format!("{}{}", self.root(), self.place.path)
    }

    /// The URL of the mailbox's user.
    pub(super) fn user_url(&self) -> String {
        format!("{}/users('{}')", self.root(), escape(&reference::user_id(self.mailbox)))
    }

    /// What `@odata.context` says of entities below the user: `users('id')/messages`.
    pub(super) fn context(&self, below: &str) -> String {
        let named = match self.place.user.as_str() {
            "" => Cow::Owned(reference::user_id(self.mailbox)),
            named => escape(named),
        };
        let select = match &self.place.query.select {
            Some(names) => format!("({})", names.join(",")),
            None => String::new(),
        };
        format!("{}/$metadata#users('{named}')/{below}{select}", self.root())
    }

    /// The same for one entity.
    pub(super) fn context_of_one(&self, below: &str) -> String {
        format!("{}/$entity", self.context(below))
    }

    /// Counts items and their bytes as moved.
    pub(super) fn count(&mut self, items: u64, bytes: u64) {
        self.work.items += items;
        self.work.content_bytes += bytes;
    }

    /// The body as a JSON object; an empty one if there is no body.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Failure> {
        object(self.asked.body)
    }

    /// The folder of an id or a well-known name.
    pub(super) fn folder<C: Content>(&self, open: &mut Open<'_, C>, text: &str) -> Result<u32, Failure> {
        let name = text.to_ascii_lowercase();
        let hidden = HIDDEN.contains(&name.as_str()).then(|| hidden::distinguished(&name)).flatten();
        let ordinal = match (hidden, folder_kind_named(&name)) {
            (Some(hidden), _) => hidden,
            (None, FolderKind::User) => reference::read_folder(self.mailbox, text)?,
            (None, kind) => open.known_folder(kind).ok_or_else(Failure::item_not_found)?,
        };
        match open.folder(ordinal) {
            Some(_) => Ok(ordinal),
            None => Err(Failure::item_not_found()),
        }
    }

    /// The item of the path.
    pub(super) fn item(&self) -> Result<u64, Failure> {
        reference::read_item(self.mailbox, &self.place.item)
    }
}

/// Well-known names of folders outside of the tree that users see (learn.microsoft.com/graph/api/resources/mailfolder).
const HIDDEN: [&str; 2] = ["recoverableitemsdeletions", "searchfolders"];

/// A body as a JSON object; an empty one if there is no body.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Failure> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(as_documented(object)),
        _ => Err(Failure::bad(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON \
             format.",
        )),
    }
}

/// An object all of whose names begin with a small letter: case does not matter to the service, and scripts write
/// `EmailAddress` as well as `emailAddress`.
fn as_documented(object: Map<String, Value>) -> Map<String, Value> {
    fn below(value: Value) -> Value {
        match value {
            Value::Array(list) => list.into_iter().map(below).collect(),
            Value::Object(object) => Value::Object(as_documented(object)),
            other => other,
        }
    }
    let named = object.into_iter().map(|(mut name, value)| {
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        (name, below(value))
    });
    named.collect()
}
