//! Microsoft Graph as real clients speak it: one request in, one answer out, carried out on a mailbox through
//! [`Host`].
//!
//! Where the narrow codec of `wire::graph` reads only what our own pipeline sends, this reads what `OData` allows: any
//! spelling of a URL, queries with filters and expansions, every property of an entity. One file per family of
//! resources; `route` says which URL leads where.

mod attachments;
mod batch;
mod calendars;
mod contacts;
mod create;
mod delta;
mod drives;
mod entity;
mod extended;
mod failure;
mod family;
mod fields;
mod filter;
mod folders;
mod mailboxes;
mod messages;
mod occurrences;
mod page;
mod permission;
mod places;
mod prefer;
mod query;
mod reference;
mod reply;
mod respond;
mod route;
mod search;
mod send;
mod subscriptions;
mod task;
mod times;
mod token;
mod upload;
mod users;
mod written;

use std::borrow::Cow;

use serde_json::{Value, json};

use self::failure::Failure;
use self::family::Family;
use self::prefer::Prefer;
use self::reply::Reply;
use self::route::{Place, Route as R};
use self::task::Task;
use super::host::Host;
use crate::mailbox::open::Open;
use crate::wire::http::HttpAnswer;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation as O;
use crate::wire::permission::Permissions;

/// What Graph remembers beside mailboxes: sessions and subscriptions.
#[derive(Clone, Default, Debug)]
pub struct State {
    uploads: upload::Uploads,
    subscriptions: subscriptions::Subscriptions,
    categories: users::Categories,
    written: written::Written,
    places: places::Places,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a str,
    /// The path and query, or an absolute URL.
    pub url: &'a str,
    /// The headers, with names in lower case.
    pub headers: Vec<(&'a str, Cow<'a, str>)>,
    /// The body.
    pub body: &'a [u8],
    /// The scheme, host and port that the request was sent to, for absolute URLs.
    pub base: &'a str,
    /// The caller's own address, where its token names a user.
    pub user: Option<&'a str>,
    /// What the caller is permitted.
    pub permissions: Permissions,
    /// The server's name for the request, a GUID.
    pub request_id: &'a str,
}

impl Asked<'_> {
    /// The value of a header whose name is given in lower case; several of one name joined by commas.
    fn header(&self, name: &str) -> Option<String> {
        let mut values = self.headers.iter().filter(|(own, _)| *own == name).map(|(_, value)| &**value);
        let first = values.next()?.to_owned();
        Some(values.fold(first, |all, value| format!("{all},{value}")))
    }

    /// The ids and the date of the request, for the inner error.
    fn marks(&self, wall: jiff::Timestamp) -> Value {
        let client = self.header("client-request-id").unwrap_or_else(|| self.request_id.to_owned());
        json!({
            "date": wall.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            "request-id": self.request_id,
            "client-request-id": client,
        })
    }
}

/// Carries out a request and writes its answer.
pub fn answer<H: Host>(asked: &Asked<'_>, state: &mut State, host: &mut H) -> HttpAnswer {
    let mut answer = match carry_out(asked, state, host) {
        Ok(reply) => reply.answer(),
        Err(failure) => failure.answer(|| asked.marks(host.wall())),
    };
    host.remark(&mut answer);
    if let Some(client) = asked.header("client-request-id") {
        answer.headers.push(("client-request-id", client));
    }
    answer
}

/// Whether a URL is that of a session for uploads or imports that was opened here; it may have ended since.
#[must_use]
pub fn is_session(url: &str) -> bool {
    route::find(url).is_ok_and(|place| match place.route {
        R::UploadSession => upload::is_named(&place),
        R::ImportItem => mailboxes::names_session(&place),
        _ => false,
    })
}

fn carry_out<H: Host>(asked: &Asked<'_>, state: &mut State, host: &mut H) -> Result<Reply, Failure> {
    let place = state.places.find(asked.url)?;
    let prefer = Prefer::read(&asked.header("prefer").unwrap_or_default());
    match place.route {
        R::Batch => return batch::carry_out(asked, state, host),
        R::Subscriptions | R::Subscription => {
            permission::check(asked, place.route, true)?;
            return subscriptions::carry_out(asked, &place, state, host);
        }
        _ => {}
    }
    let mailbox = owner(asked, &place, host)?;
    let is_own = asked.user.is_none_or(|user| host.mailbox(user) == Some(mailbox));
    permission::check(asked, place.route, is_own)?;
    let applied = prefer.applied();
    let operation = operation(asked.method, place.route, asked)?;
    let mut task = Task { asked, place, prefer, mailbox, state, work: crate::service::cost::Work::default() };
    let mut reply = host.perform(mailbox, operation, |open| {
        let result = dispatch(open, &mut task);
        (result, std::mem::take(&mut task.work))
    })??;
    if let Some(applied) = applied {
        reply.headers.push(("Preference-Applied", applied));
    }
    Ok(reply)
}

/// The mailbox that a request concerns. Requests for the directory as a whole concern the first.
fn owner<H: Host>(asked: &Asked<'_>, place: &Place, host: &H) -> Result<MailboxKey, Failure> {
    if place.route == R::Users {
        return Ok(MailboxKey(0));
    }
    let named = match (place.user.as_str(), asked.user) {
        ("", None) => return Err(Failure::bad("/me request is only valid with delegated authentication flow.")),
        ("", Some(user)) => user,
        (named, _) => named,
    };
    let text = named.strip_prefix("b!").unwrap_or(named);
    let found = match reference::user(text) {
        Some(mailbox) => host.knows(mailbox).then_some(mailbox),
        None => host.mailbox(text),
    };
    found.ok_or_else(|| Failure::no_user(named))
}

/// What a request is for limits, faults and costs.
#[expect(clippy::match_same_arms, reason = "each arm is one family of resources")]
fn operation(method: &str, route: R, asked: &Asked<'_>) -> Result<O, Failure> {
    let is_mime = || asked.header("content-type").is_some_and(|kind| kind.starts_with("text/plain"));
    Ok(match (method, route) {
        ("POST", R::Users) => O::ProvisionUser,
        ("POST", R::AssignLicense) => O::AssignLicense,
        ("GET", R::Users | R::User) => O::Directory,
        ("GET", R::ExchangeSettings | R::Mailbox) => O::Other,
        ("GET", R::MailFolders | R::ChildFolders | R::MailFoldersCount | R::ChildFoldersCount) => O::FindFolders,
        ("GET", R::MailboxFolders | R::MailboxChildFolders | R::ContactFolders | R::ContactChildFolders) => {
            O::FindFolders
        }
        ("GET", R::Calendars | R::CalendarGroups) => O::FindFolders,
        ("GET", R::MailFolder | R::MailboxFolder | R::ContactFolder | R::Calendar | R::CalendarById) => O::GetFolders,
        ("GET", R::MailFoldersDelta | R::MailboxFoldersDelta | R::ContactFoldersDelta) => O::SyncFolders,
        ("POST", R::MailFolders | R::ChildFolders | R::ContactFolders | R::ContactChildFolders | R::Calendars) => {
            O::CreateFolder
        }
        ("PATCH", R::MailFolder | R::ContactFolder | R::Calendar | R::CalendarById) => O::UpdateFolders,
        ("POST", R::FolderMove | R::FolderCopy) => O::UpdateFolders,
        ("DELETE", R::MailFolder | R::ContactFolder | R::CalendarById) | ("POST", R::FolderPermanentDelete) => {
            O::DeleteFolders
        }
        ("GET", R::FolderMessagesDelta | R::MessagesDelta | R::MailboxItemsDelta) => O::SyncItems,
        ("GET", R::CalendarViewDelta | R::ContactsDelta | R::FolderContactsDelta) => O::SyncItems,
        ("POST", R::Messages | R::FolderMessages) if is_mime() => O::CreateMessage,
        ("POST", R::Messages | R::FolderMessages | R::Events | R::CalendarEvents) => O::CreateItems,
        ("POST", R::Contacts | R::FolderContacts) => O::CreateItems,
        ("GET", R::Message | R::Event | R::Contact | R::MailboxItem) => O::ReadItems,
        ("GET", R::MessageValue) => O::GetItems,
        ("PATCH", R::Message | R::Event | R::Contact) => O::UpdateItems,
        ("DELETE", R::Message | R::Event | R::Contact) | ("POST", R::PermanentDelete) => O::DeleteItems,
        ("POST", R::Move) => O::MoveItems,
        ("POST", R::Copy) => O::CopyItems,
        ("POST", R::SendMail | R::Send | R::Reply | R::ReplyAll | R::Forward) => O::SendItems,
        ("POST", R::CreateReply | R::CreateReplyAll | R::CreateForward) => O::CreateItems,
        ("POST", R::EventResponse | R::EventCancel) => O::UpdateItems,
        ("GET", R::Attachments | R::AttachmentsCount | R::Attachment | R::AttachmentValue) => O::ReadAttachments,
        ("POST", R::Attachments | R::CreateUploadSession) | ("DELETE", R::Attachment) => O::ChangeAttachments,
        ("PUT" | "GET" | "DELETE", R::UploadSession) => O::ChangeAttachments,
        ("POST", R::ExportItems) => O::ExportItems,
        ("POST", R::CreateImportSession) => O::CreateImportSession,
        ("POST", R::ImportItem) => O::ImportItem,
        ("GET", R::Messages | R::FolderMessages | R::MessagesCount | R::FolderMessagesCount) => O::FindMessages,
        ("GET", R::Events | R::CalendarEvents | R::EventsCount | R::Instances | R::MailboxItems) => O::FindMessages,
        ("GET", R::CalendarView | R::CalendarViewIn | R::Contacts | R::FolderContacts | R::ContactsCount) => {
            O::FindMessages
        }
        ("GET", route) if Family::of(route) == Family::Drives => O::Other,
        ("GET" | "POST" | "PATCH", R::MasterCategories | R::MailboxSettings) => O::Other,
        _ => return Err(Failure::no_method()),
    })
}

/// Carries out a request on its mailbox. [`operation`] has refused the methods that a resource does not take.
fn dispatch<C: crate::mailbox::content::Content>(
    open: &mut Open<'_, C>,
    task: &mut Task<'_>,
) -> Result<Reply, Failure> {
    let get = task.asked.method == "GET";
    match task.place.route {
        R::Users if get => users::list(open, task),
        R::Users => users::provision(open, task),
        R::User | R::AssignLicense => Ok(users::get(open, task)),
        R::ExchangeSettings => Ok(users::exchange_settings(task)),
        R::MailboxSettings => Ok(users::mailbox_settings(open, task)),
        R::MasterCategories => users::categories(task),
        R::MailFolders | R::ChildFolders | R::MailFoldersCount | R::ChildFoldersCount if get => {
            folders::list(open, task)
        }
        R::MailFolders | R::ChildFolders => folders::create(open, task),
        R::MailFolder | R::FolderMove | R::FolderCopy | R::FolderPermanentDelete => folders::one(open, task),
        R::MailFoldersDelta | R::MailboxFoldersDelta | R::ContactFoldersDelta => delta::folders(open, task),
        R::FolderMessagesDelta
        | R::MessagesDelta
        | R::MailboxItemsDelta
        | R::CalendarViewDelta
        | R::ContactsDelta
        | R::FolderContactsDelta => delta::items(open, task),
        R::Messages | R::FolderMessages | R::MessagesCount | R::FolderMessagesCount if get => {
            messages::list(open, task)
        }
        R::Messages | R::FolderMessages => create::message(open, task),
        R::Message | R::MessageValue | R::PermanentDelete | R::Move | R::Copy => messages::one(open, task),
        R::SendMail => send::mail(open, task),
        R::Send => send::draft(open, task),
        R::Reply | R::ReplyAll | R::Forward | R::CreateReply | R::CreateReplyAll | R::CreateForward => {
            respond::carry_out(open, task)
        }
        R::Attachments | R::AttachmentsCount | R::Attachment | R::AttachmentValue => attachments::carry_out(open, task),
        R::CreateUploadSession => upload::begin(open, task),
        R::UploadSession => upload::go_on(open, task),
        route => match Family::of(route) {
            Family::Calendars => calendars::carry_out(open, task),
            Family::Contacts => contacts::carry_out(open, task),
            Family::Drives => drives::carry_out(open, task),
            Family::Other => mailboxes::carry_out(open, task),
        },
    }
}
