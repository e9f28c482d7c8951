//! Which resource a URL names, however it is spelled.
//!
//! Clients write `/v1.0//users`, `mailFolders('id')`, `delta()`, `%24value`, absolute URLs and URLs relative to the
//! version; `/me` is the caller. A resource that is reached through its container (`mailFolders/x/messages/y`) is the same
//! as one that is named alone (`messages/y`), because ids are unique in a mailbox.

use std::borrow::Cow;
use std::sync::LazyLock;

use matchit::Router;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::failure::Failure;
use super::query::Query;

/// Longest URL that is read, in bytes. Assumed; a delta token with all its options stays far below.
pub(super) const MAX_URL_BYTES: usize = 16 * 1024;

/// Most segments of a path. Assumed.
const MAX_SEGMENTS: usize = 32;

/// A resource or an action on one.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Route {
    Batch,
    Users,
    User,
    ExchangeSettings,
    MailboxSettings,
    AssignLicense,
    MasterCategories,
    SendMail,
    MailFolders,
    MailFoldersCount,
    MailFoldersDelta,
    MailFolder,
    ChildFolders,
    ChildFoldersCount,
    FolderMove,
    FolderCopy,
    FolderPermanentDelete,
    Messages,
    MessagesCount,
    MessagesDelta,
    FolderMessages,
    FolderMessagesCount,
    FolderMessagesDelta,
    Message,
    MessageValue,
    Send,
    Move,
    Copy,
    Reply,
    ReplyAll,
    Forward,
    CreateReply,
    CreateReplyAll,
    CreateForward,
    PermanentDelete,
    Attachments,
    AttachmentsCount,
    Attachment,
    AttachmentValue,
    CreateUploadSession,
    UploadSession,
    Calendars,
    Calendar,
    CalendarById,
    CalendarGroups,
    Events,
    EventsCount,
    CalendarEvents,
    CalendarView,
    CalendarViewIn,
    CalendarViewDelta,
    Event,
    Instances,
    EventResponse,
    EventCancel,
    Contacts,
    ContactsCount,
    ContactsDelta,
    Contact,
    ContactFolders,
    ContactFoldersDelta,
    ContactFolder,
    ContactChildFolders,
    FolderContacts,
    FolderContactsDelta,
    Drives,
    Drive,
    DriveRoot,
    DriveChildren,
    DriveDelta,
    DriveItem,
    Subscriptions,
    Subscription,
    Mailbox,
    MailboxFolders,
    MailboxFoldersDelta,
    MailboxFolder,
    MailboxChildFolders,
    MailboxItems,
    MailboxItemsDelta,
    MailboxItem,
    ExportItems,
    CreateImportSession,
    ImportItem,
}

use Route as R;

/// Paths in their one form: keywords in lower case.
const PATHS: [(&str, Route); 105] = [
    ("/$batch", R::Batch),
    ("/users", R::Users),
    ("/users/{user}", R::User),
    ("/users/{user}/settings/exchange", R::ExchangeSettings),
    ("/users/{user}/mailboxsettings", R::MailboxSettings),
    ("/users/{user}/assignlicense", R::AssignLicense),
    ("/users/{user}/outlook/mastercategories", R::MasterCategories),
    ("/users/{user}/sendmail", R::SendMail),
    ("/users/{user}/mailfolders", R::MailFolders),
    ("/users/{user}/mailfolders/$count", R::MailFoldersCount),
    ("/users/{user}/mailfolders/delta", R::MailFoldersDelta),
    ("/users/{user}/mailfolders/{folder}", R::MailFolder),
    ("/users/{user}/mailfolders/{folder}/childfolders", R::ChildFolders),
    ("/users/{user}/mailfolders/{folder}/childfolders/$count", R::ChildFoldersCount),
    ("/users/{user}/mailfolders/{folder}/move", R::FolderMove),
    ("/users/{user}/mailfolders/{folder}/copy", R::FolderCopy),
    ("/users/{user}/mailfolders/{folder}/permanentdelete", R::FolderPermanentDelete),
    ("/users/{user}/mailfolders/{folder}/messages", R::FolderMessages),
    ("/users/{user}/mailfolders/{folder}/messages/$count", R::FolderMessagesCount),
    ("/users/{user}/mailfolders/{folder}/messages/delta", R::FolderMessagesDelta),
    ("/users/{user}/messages", R::Messages),
    ("/users/{user}/messages/$count", R::MessagesCount),
    ("/users/{user}/messages/delta", R::MessagesDelta),
    ("/users/{user}/messages/{item}", R::Message),
    ("/users/{user}/messages/{item}/$value", R::MessageValue),
    ("/users/{user}/messages/{item}/send", R::Send),
    ("/users/{user}/messages/{item}/move", R::Move),
    ("/users/{user}/messages/{item}/copy", R::Copy),
    ("/users/{user}/messages/{item}/reply", R::Reply),
    ("/users/{user}/messages/{item}/replyall", R::ReplyAll),
    ("/users/{user}/messages/{item}/forward", R::Forward),
    ("/users/{user}/messages/{item}/createreply", R::CreateReply),
    ("/users/{user}/messages/{item}/createreplyall", R::CreateReplyAll),
    ("/users/{user}/messages/{item}/createforward", R::CreateForward),
    ("/users/{user}/messages/{item}/permanentdelete", R::PermanentDelete),
    ("/users/{user}/messages/{item}/attachments", R::Attachments),
    ("/users/{user}/messages/{item}/attachments/$count", R::AttachmentsCount),
    ("/users/{user}/messages/{item}/attachments/createuploadsession", R::CreateUploadSession),
    ("/users/{user}/messages/{item}/attachments/{part}", R::Attachment),
    ("/users/{user}/messages/{item}/attachments/{part}/$value", R::AttachmentValue),
    ("/api/v2.0/users/{user}/messages/{item}/attachmentsessions/{part}", R::UploadSession),
    ("/users/{user}/calendars", R::Calendars),
    ("/users/{user}/calendars/{folder}", R::CalendarById),
    ("/users/{user}/calendars/{folder}/events", R::CalendarEvents),
    ("/users/{user}/calendars/{folder}/calendarview", R::CalendarViewIn),
    ("/users/{user}/calendargroups", R::CalendarGroups),
    ("/users/{user}/calendar", R::Calendar),
    ("/users/{user}/calendar/events", R::Events),
    ("/users/{user}/calendar/calendarview", R::CalendarView),
    ("/users/{user}/calendar/calendarview/delta", R::CalendarViewDelta),
    ("/users/{user}/calendarview", R::CalendarView),
    ("/users/{user}/calendarview/delta", R::CalendarViewDelta),
    ("/users/{user}/events", R::Events),
    ("/users/{user}/events/$count", R::EventsCount),
    ("/users/{user}/events/delta", R::CalendarViewDelta),
    ("/users/{user}/events/{item}", R::Event),
    ("/users/{user}/events/{item}/instances", R::Instances),
    ("/users/{user}/events/{item}/accept", R::EventResponse),
    ("/users/{user}/events/{item}/decline", R::EventResponse),
    ("/users/{user}/events/{item}/tentativelyaccept", R::EventResponse),
    ("/users/{user}/events/{item}/cancel", R::EventCancel),
    ("/users/{user}/events/{item}/permanentdelete", R::PermanentDelete),
    ("/users/{user}/events/{item}/attachments", R::Attachments),
    ("/users/{user}/events/{item}/attachments/$count", R::AttachmentsCount),
    ("/users/{user}/events/{item}/attachments/createuploadsession", R::CreateUploadSession),
    ("/users/{user}/events/{item}/attachments/{part}", R::Attachment),
    ("/users/{user}/events/{item}/attachments/{part}/$value", R::AttachmentValue),
    ("/api/v2.0/users/{user}/events/{item}/attachmentsessions/{part}", R::UploadSession),
    ("/users/{user}/contacts", R::Contacts),
    ("/users/{user}/contacts/$count", R::ContactsCount),
    ("/users/{user}/contacts/delta", R::ContactsDelta),
    ("/users/{user}/contacts/{item}", R::Contact),
    ("/users/{user}/contacts/{item}/permanentdelete", R::PermanentDelete),
    ("/users/{user}/contactfolders", R::ContactFolders),
    ("/users/{user}/contactfolders/delta", R::ContactFoldersDelta),
    ("/users/{user}/contactfolders/{folder}", R::ContactFolder),
    ("/users/{user}/contactfolders/{folder}/childfolders", R::ContactChildFolders),
    ("/users/{user}/contactfolders/{folder}/contacts", R::FolderContacts),
    ("/users/{user}/contactfolders/{folder}/contacts/delta", R::FolderContactsDelta),
    ("/users/{user}/drives", R::Drives),
    ("/users/{user}/drive", R::Drive),
    ("/users/{user}/drive/root", R::DriveRoot),
    ("/users/{user}/drive/root/children", R::DriveChildren),
    ("/users/{user}/drive/root/delta", R::DriveDelta),
    ("/users/{user}/drive/items/{item}", R::DriveItem),
    ("/users/{user}/drive/items/{item}/children", R::DriveChildren),
    ("/drives/{user}", R::Drive),
    ("/drives/{user}/root", R::DriveRoot),
    ("/drives/{user}/root/children", R::DriveChildren),
    ("/drives/{user}/root/delta", R::DriveDelta),
    ("/drives/{user}/items/{item}", R::DriveItem),
    ("/drives/{user}/items/{item}/children", R::DriveChildren),
    ("/subscriptions", R::Subscriptions),
    ("/subscriptions/{item}", R::Subscription),
    ("/admin/exchange/mailboxes/{user}", R::Mailbox),
    ("/admin/exchange/mailboxes/{user}/folders", R::MailboxFolders),
    ("/admin/exchange/mailboxes/{user}/folders/delta", R::MailboxFoldersDelta),
    ("/admin/exchange/mailboxes/{user}/folders/{folder}", R::MailboxFolder),
    ("/admin/exchange/mailboxes/{user}/folders/{folder}/childfolders", R::MailboxChildFolders),
    ("/admin/exchange/mailboxes/{user}/folders/{folder}/items", R::MailboxItems),
    ("/admin/exchange/mailboxes/{user}/folders/{folder}/items/delta", R::MailboxItemsDelta),
    ("/admin/exchange/mailboxes/{user}/folders/{folder}/items/{item}", R::MailboxItem),
    ("/admin/exchange/mailboxes/{user}/exportitems", R::ExportItems),
    ("/admin/exchange/mailboxes/{user}/createimportsession", R::CreateImportSession),
    ("/api/gbeta/mailboxes/{user}/importitem", R::ImportItem),
];

static ROUTER: LazyLock<Router<Route>> = LazyLock::new(|| {
    let mut router = Router::new();
    for (path, route) in PATHS {
        router.insert(path, route).expect("the paths above do not conflict; a test builds the router");
    }
    router
});

/// Containers whose members can be named without them, and the collections of these members.
const CONTAINERS: [(&str, &[(&str, &str)]); 5] = [
    ("mailfolders", &[("childfolders", "mailfolders"), ("messages", "messages")]),
    ("calendars", &[("events", "events"), ("calendarview", "events")]),
    ("calendargroups", &[("calendars", "calendars")]),
    ("contactfolders", &[("childfolders", "contactfolders"), ("contacts", "contacts")]),
    ("folders", &[("childfolders", "folders")]),
];

/// Words that stand behind a collection without naming a member of it.
const NOT_MEMBERS: [&str; 2] = ["delta", "$count"];

/// All words of the paths above, in order.
static KEYWORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let words = PATHS.iter().flat_map(|(path, _)| path.split('/'));
    let mut words: Vec<_> = words.filter(|word| !word.is_empty() && !word.starts_with('{')).chain(["me"]).collect();
    words.sort_unstable();
    words.dedup();
    words
});

/// A word of a path: as it was written, or in lower case if it is a keyword.
#[derive(Clone, PartialEq, Debug)]
struct Segment<'a> {
    text: Cow<'a, str>,
    is_keyword: bool,
}

impl<'a> Segment<'a> {
    fn read(text: Cow<'a, str>) -> Self {
        match keyword(&text) {
            Some(keyword) => Self::keyword(keyword),
            None => Self { text, is_keyword: false },
        }
    }

    const fn keyword(keyword: &'static str) -> Self {
        Self { text: Cow::Borrowed(keyword), is_keyword: true }
    }
}

/// The keyword that a text is, in whatever case.
fn keyword(text: &str) -> Option<&'static str> {
    let lower = if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    };
    KEYWORDS.binary_search(&&*lower).ok().map(|at| KEYWORDS[at])
}

/// A resource with what its URL says.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Place {
    pub route: Route,
    /// `v1.0` or `beta`.
    pub version: &'static str,
    /// The `{user}`: an address, a user's id or a mailbox's id; empty for the caller.
    pub user: String,
    /// The `{folder}`.
    pub folder: String,
    /// The `{item}`.
    pub item: String,
    /// The `{part}`: an attachment or an upload session.
    pub part: String,
    /// The last word of the path in lower case.
    pub last: String,
    /// The path without the version as it was asked, for links. Begins with a slash.
    pub path: String,
    pub query: Query,
}

fn push<'a>(segments: &mut Vec<Segment<'a>>, raw: &'a str) -> Result<(), Failure> {
    let text = percent_decode_str(raw).decode_utf8().map_err(|_| Failure::bad("The path is not UTF-8."))?;
    let text = match text.strip_prefix("microsoft.graph.") {
        Some(text) => Cow::Owned(text.to_owned()),
        None => text,
    };
    if let Some((word, rest)) = text.split_once('(')
        && let Some(key) = rest.strip_suffix(')')
        && let Some(keyword) = keyword(word)
    {
        segments.push(Segment::keyword(keyword));
        let key = key.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')).unwrap_or(key);
        if !key.is_empty() {
            segments.push(Segment { text: Cow::Owned(key.replace("''", "'")), is_keyword: false });
        }
        return Ok(());
    }
    segments.push(Segment::read(text));
    Ok(())
}

/// Takes containers away from before members of their collections.
fn collapse(segments: &mut Vec<Segment<'_>>) {
    let mut at = 0;
    while at + 3 < segments.len() {
        let container = CONTAINERS.iter().find(|(name, _)| segments[at].text == *name);
        let collection = container.and_then(|(_, inner)| inner.iter().find(|(name, _)| segments[at + 2].text == *name));
        match collection {
            Some((_, alone)) if !NOT_MEMBERS.contains(&&*segments[at + 3].text) => {
                segments.drain(at..at + 2);
                segments[at] = Segment::keyword(alone);
            }
            _ => at += 1,
        }
    }
}

/// The path and query of an absolute URL; others are returned as they are.
fn without_host(url: &str) -> &str {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.map_or(url, |rest| rest.find('/').map_or("/", |slash| &rest[slash..]))
}

/// Finds the resource of a URL.
pub(super) fn find(url: &str) -> Result<Place, Failure> {
    if MAX_URL_BYTES < url.len() {
        return Err(Failure::new(414, "BadRequest", "The URL is too long."));
    }
    let url = without_host(url);
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut raw = path.split('/').filter(|segment| !segment.is_empty()).peekable();
    let version = match raw.peek() {
        Some(first) if first.eq_ignore_ascii_case("beta") => "beta",
        _ => "v1.0",
    };
    raw.next_if(|first| first.eq_ignore_ascii_case("v1.0") || first.eq_ignore_ascii_case("beta"));
    let raw: Vec<&str> = raw.collect();
    if MAX_SEGMENTS < raw.len() {
        return Err(Failure::bad("The path has too many segments."));
    }
    let mut segments = Vec::with_capacity(raw.len() + 2);
    for segment in &raw {
        push(&mut segments, segment)?;
    }
    if segments.first().is_some_and(|first| first.text == "me") {
        let nobody = Segment { text: Cow::Borrowed(""), is_keyword: false };
        segments.splice(..1, [Segment::keyword("users"), nobody]);
    }
    collapse(&mut segments);
    let written = joined(segments.iter().map(encode));
    let found = ROUTER.at(&written).map_err(|_| unknown(&segments))?;
    let param = |name| found.params.get(name).and_then(decode).unwrap_or_default();
    Ok(Place {
        route: *found.value,
        version,
        user: param("user"),
        folder: param("folder"),
        item: param("item"),
        part: param("part"),
        last: segments.last().map(|segment| segment.text.to_string()).unwrap_or_default(),
        path: joined(raw),
        query: Query::parse(query)?,
    })
}

/// Segments as a path that begins with a slash.
fn joined(segments: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        path.push_str(segment.as_ref());
    }
    path
}

/// A segment in the form in which the router compares it. The caller's empty name becomes one that no text encodes to.
fn encode<'a>(segment: &'a Segment<'_>) -> Cow<'a, str> {
    match &*segment.text {
        "" => Cow::Borrowed("-"),
        text if segment.is_keyword => Cow::Borrowed(text),
        text => Cow::from(utf8_percent_encode(text, NON_ALPHANUMERIC)),
    }
}

fn decode(segment: &str) -> Option<String> {
    if segment == "-" {
        return Some(String::new());
    }
    percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// What a path without a resource is answered with: the service names the first segment that it does not know.
fn unknown(segments: &[Segment<'_>]) -> Failure {
    let keys_follow = ["users", "mailfolders", "messages", "events", "contacts", "calendars", "mailboxes", "items"];
    let mut is_key = false;
    for segment in segments {
        if !is_key && !segment.is_keyword {
            return Failure::no_route(&segment.text);
        }
        is_key = !is_key && keys_follow.contains(&&*segment.text);
    }
    Failure::new(404, "ResourceNotFound", "Resource could not be discovered.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, route: Route, user: &str, other: &str) {
        let place = find(url).unwrap_or_else(|failure| panic!("{url}: {failure}"));
        assert_eq!(place.route, route, "{url}");
        assert_eq!(place.user, user, "{url}");
        assert_eq!(format!("{}{}{}", place.folder, place.item, place.part), other, "{url}");
    }

    #[test]
    fn all_spellings_of_a_url_lead_to_the_same_place() {
        check("/v1.0//users/a%40b.c/mailFolders", Route::MailFolders, "a@b.c", "");
        check("/beta/users('a@b.c')/mailfolders('x%3D')/messages", Route::FolderMessages, "a@b.c", "x=");
        check("https://graph.microsoft.com/v1.0/users/a@b.c/messages/m/$value", Route::MessageValue, "a@b.c", "m");
        check("/users/a/messages/m%2F1/%24value?x=1", Route::MessageValue, "a", "m/1");
        check("/v1.0/me/mailFolders/inbox/messages/delta()", Route::FolderMessagesDelta, "", "inbox");
        check("/v1.0/me/mailFolders/inbox/messages/microsoft.graph.delta", Route::FolderMessagesDelta, "", "inbox");
        check("/v1.0/me", Route::User, "", "");
        check("/v1.0/admin/exchange/mailboxes/m/folders/f/items/delta", Route::MailboxItemsDelta, "m", "f");
        check("/v1.0/$batch", Route::Batch, "", "");
        check("/api/v2.0/Users('u')/Messages('m')/AttachmentSessions('s')?a=b", Route::UploadSession, "u", "ms");
    }

    #[test]
    fn members_are_found_through_their_containers() {
        check("/v1.0/me/mailFolders/f/childFolders/g/messages/m/attachments/p", Route::Attachment, "", "mp");
        check("/v1.0/me/mailFolders/f/childFolders/g/childFolders", Route::ChildFolders, "", "g");
        check("/v1.0/me/calendarGroups/g/calendars/c/events/e", Route::Event, "", "e");
        check("/v1.0/me/contactFolders/f/contacts/c", Route::Contact, "", "c");
        check("/v1.0/me/mailFolders/f/messages/$count", Route::FolderMessagesCount, "", "f");
    }

    #[test]
    fn unknown_paths_are_refused_as_the_service_does() {
        let code = |url: &str| find(url).map_err(|failure| failure.status()).map(|place| place.route);
        assert_eq!(code("/v1.0/nothing"), Err(400));
        assert_eq!(code("/v1.0/users/a/nothing"), Err(400));
        assert_eq!(code("/v1.0/users/a/messages/m/users"), Err(404));
        assert_eq!(code(&"/x".repeat(MAX_URL_BYTES)), Err(414));
        assert_eq!(code(&"/x".repeat(100)), Err(400));
        assert!(find("").is_err());
    }
}
