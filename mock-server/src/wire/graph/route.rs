//! Which resource a URL names. Pure, so that the parts of a `$batch` go the same way as requests of their own.
//!
//! Clients spell URLs in many ways: `/v1.0//users`, `mailFolders('id')`, `delta()`, `%24value`, `mailfolders`, absolute
//! or relative to the version. All of them are brought to one form first.

use std::sync::LazyLock;

use matchit::Router;

use super::error::GraphError;
use super::text::read_segment;

/// Longest path and query that is read, in bytes. Assumed; a delta token with all its parameters stays far below.
pub const MAX_URL_BYTES: usize = 16 * 1024;

/// Most keys in a query. Assumed.
const MAX_QUERY_KEYS: usize = 64;

/// A resource.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Route {
    Users,
    AssignLicense,
    MailFolders,
    MailFolder,
    MailFoldersDelta,
    ChildFolders,
    MoveFolder,
    FolderMessages,
    Message,
    MessageValue,
    PermanentDelete,
    Folders,
    FoldersDelta,
    Items,
    ItemsDelta,
    ExportItems,
    CreateImportSession,
    ImportItem,
    Batch,
}

/// Paths in their one form: keywords in lower case, nothing percent-encoded in them.
const PATHS: [(&str, Route); 19] = [
    ("/users", Route::Users),
    ("/users/{mailbox}/assignlicense", Route::AssignLicense),
    ("/users/{mailbox}/mailfolders", Route::MailFolders),
    ("/users/{mailbox}/mailfolders/{folder}", Route::MailFolder),
    ("/users/{mailbox}/mailfolders/delta", Route::MailFoldersDelta),
    ("/users/{mailbox}/mailfolders/{folder}/childfolders", Route::ChildFolders),
    ("/users/{mailbox}/mailfolders/{folder}/move", Route::MoveFolder),
    ("/users/{mailbox}/mailfolders/{folder}/messages", Route::FolderMessages),
    ("/users/{mailbox}/messages/{item}", Route::Message),
    ("/users/{mailbox}/messages/{item}/$value", Route::MessageValue),
    ("/users/{mailbox}/messages/{item}/permanentdelete", Route::PermanentDelete),
    ("/admin/exchange/mailboxes/{mailbox}/folders", Route::Folders),
    ("/admin/exchange/mailboxes/{mailbox}/folders/delta", Route::FoldersDelta),
    ("/admin/exchange/mailboxes/{mailbox}/folders/{folder}/items", Route::Items),
    ("/admin/exchange/mailboxes/{mailbox}/folders/{folder}/items/delta", Route::ItemsDelta),
    ("/admin/exchange/mailboxes/{mailbox}/exportitems", Route::ExportItems),
    ("/admin/exchange/mailboxes/{mailbox}/createimportsession", Route::CreateImportSession),
    ("/api/gbeta/mailboxes/{mailbox}/importitem", Route::ImportItem),
    ("/$batch", Route::Batch),
];

static ROUTER: LazyLock<Router<Route>> = LazyLock::new(|| {
    let mut router = Router::new();
    for (path, route) in PATHS {
        router.insert(path, route).expect("the paths above do not conflict; a test builds the router");
    }
    router
});

/// Whether a segment is one of the words in [`PATHS`].
fn is_keyword(lower: &str) -> bool {
    PATHS.iter().any(|(path, _)| path.split('/').any(|word| word == lower))
}

/// A resource with what its URL says.
#[derive(Debug)]
pub(super) struct Place {
    pub route: Route,
    /// The `{mailbox}` of the path: an address or a mailbox id.
    pub mailbox: String,
    /// The `{folder}` of the path.
    pub folder: String,
    /// The `{item}` of the path.
    pub item: String,
    pub query: Query,
}

/// The keys and values of a query.
#[derive(Default, Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    fn read(text: &str) -> Result<Self, GraphError> {
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes())
            .take(MAX_QUERY_KEYS + 1)
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        if MAX_QUERY_KEYS < pairs.len() {
            return Err(GraphError::BadValue("the query has too many keys"));
        }
        Ok(Self(pairs))
    }

    /// The value of a key, whose case and leading dollar sign do not matter (as in `OData` 4.01).
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = |name: &str| name.strip_prefix('$').unwrap_or(name).eq_ignore_ascii_case(key);
        self.0.iter().find(|(name, _)| found(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a key as a count; the default if the key is absent.
    pub(super) fn count(&self, key: &str, default: u32) -> Result<u32, GraphError> {
        match self.get(key) {
            None => Ok(default),
            Some(text) => text.trim().parse().map_err(|_| GraphError::BadValue("a count in the query is not a number")),
        }
    }
}

/// Brings one segment to its one form, or two: `mailFolders('id')` is `mailfolders/id`.
fn push_segment(path: &mut String, raw: &str) -> Result<(), GraphError> {
    let text = read_segment(raw).ok_or(GraphError::BadValue("the path is not UTF-8"))?;
    let lower = text.to_ascii_lowercase();
    if let Some((word, rest)) = text.split_once('(')
        && is_keyword(&word.to_ascii_lowercase())
        && let Some(key) = rest.strip_suffix(')')
    {
        path.push('/');
        path.push_str(&word.to_ascii_lowercase());
        let key = key.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')).unwrap_or(key);
        if !key.is_empty() {
            path.push('/');
            path.push_str(&super::text::segment(&key.replace("''", "'")));
        }
        return Ok(());
    }
    path.push('/');
    if is_keyword(&lower) {
        path.push_str(&lower);
    } else {
        path.push_str(&super::text::segment(&text));
    }
    Ok(())
}

/// The path of an absolute URL; a path is returned as it is.
fn without_host(url: &str) -> &str {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.map_or(url, |rest| rest.find('/').map_or("/", |slash| &rest[slash..]))
}

/// Finds the resource of a URL.
pub(super) fn find(url: &str) -> Result<Place, GraphError> {
    if MAX_URL_BYTES < url.len() {
        return Err(GraphError::UrlTooLong);
    }
    let url = without_host(url);
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut segments = path.split('/').filter(|segment| !segment.is_empty()).peekable();
    segments.next_if(|first| first.eq_ignore_ascii_case("v1.0") || first.eq_ignore_ascii_case("beta"));
    let mut normal = String::with_capacity(path.len());
    for segment in segments {
        push_segment(&mut normal, segment)?;
    }
    let found = ROUTER.at(&normal).map_err(|_| GraphError::UnknownRoute)?;
    let param = |name| found.params.get(name).and_then(read_segment).unwrap_or_default();
    Ok(Place {
        route: *found.value,
        mailbox: param("mailbox"),
        folder: param("folder"),
        item: param("item"),
        query: Query::read(query)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, route: Route, mailbox: &str, other: &str) {
        let place = find(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(place.route, route, "{url}");
        assert_eq!(place.mailbox, mailbox, "{url}");
        assert_eq!(format!("{}{}", place.folder, place.item), other, "{url}");
    }

    #[test]
    fn all_spellings_of_a_url_lead_to_the_same_place() {
        check("/v1.0//users/a%40b.c/mailFolders", Route::MailFolders, "a@b.c", "");
        check("/beta/users('a@b.c')/mailfolders('x%3D')/messages", Route::FolderMessages, "a@b.c", "x=");
        check("https://graph.microsoft.com/v1.0/users/a@b.c/messages/m/$value", Route::MessageValue, "a@b.c", "m");
        check("/v1.0/users/a/mailFolders/f/move", Route::MoveFolder, "a", "f");
        check("/users/a/messages/m%2F1/%24value?x=1", Route::MessageValue, "a", "m/1");
        check("/v1.0/admin/exchange/mailboxes/m/folders/f/items/delta()?$top=1", Route::ItemsDelta, "m", "f");
        check("/v1.0/admin/exchange/mailboxes/m/folders/f/items/delta", Route::ItemsDelta, "m", "f");
        check("/V1.0/$Batch", Route::Batch, "", "");
    }

    #[test]
    fn unknown_and_oversize_urls_are_errors() {
        assert_eq!(find("/v1.0/nothing").err(), Some(GraphError::UnknownRoute));
        assert_eq!(find("").err(), Some(GraphError::UnknownRoute));
        assert_eq!(find(&"/x".repeat(MAX_URL_BYTES)).err(), Some(GraphError::UrlTooLong));
    }

    #[test]
    fn query_keys_are_found_with_and_without_a_dollar_sign() {
        let place = find("/users/a/mailFolders?%24TOP=7&skip=2").expect("readable");
        assert_eq!(place.query.count("top", 10), Ok(7));
        assert_eq!(place.query.count("skip", 0), Ok(2));
        assert_eq!(place.query.count("other", 3), Ok(3));
    }
}
