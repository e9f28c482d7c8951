//! EWS as real clients speak it: one request in, one answer out, carried out on mailboxes through
//! [`host::Host`](super::host::Host).
//!
//! Where the narrow codec of `wire::ews` reads only what our own pipeline sends, this reads what the schema allows and
//! answers exactly what the shapes ask for. One file per family of operations.

mod context;
mod directory;
mod failure;
mod fields;
mod folder_shape;
mod folders;
mod hierarchy;
mod item_ids;
mod items;
mod making;
mod messages;
mod names;
mod occurrences;
pub mod page;
mod restriction;
mod time_zones;
mod zones;

use self::context::{Context, Refused};
use super::host::Host;
use crate::wire::ews::envelope;
use crate::wire::ews::xml::{Element, MAX_REQUEST_BYTES, Space, parse};
use crate::wire::ews::{self as codec, EwsError};
use crate::wire::http::HttpAnswer;
use crate::wire::refusal::{Refusal, RefusalKind};

/// A request.
#[derive(Copy, Clone, Debug)]
pub struct Asked<'a> {
    /// The body.
    pub body: &'a [u8],
    /// The mailbox that the header `X-AnchorMailbox` names.
    pub anchor: Option<&'a str>,
    /// The user whose password was given.
    pub user: Option<&'a str>,
}

const NO_MAILBOX: Refusal = Refusal { kind: RefusalKind::NotFound, status: 404, retry_after: None };

/// Carries out a request and writes its answer.
pub fn answer<H: Host>(asked: &Asked<'_>, host: &mut H) -> HttpAnswer {
    match carry_out(asked, host) {
        Ok(body) => codec::answer_of(200, body),
        Err(Refused::Request(error)) => codec::encode_error(&error),
        Err(Refused::Refusal(refusal)) => codec::encode_refusal(None, &refusal),
    }
}

fn carry_out<H: Host>(asked: &Asked<'_>, host: &mut H) -> Result<Vec<u8>, Refused> {
    let document = parse(asked.body, MAX_REQUEST_BYTES).map_err(EwsError::from)?;
    let envelope = envelope::read_request(&document)?;
    let operation = envelope.operation;
    if operation.space != Space::Messages {
        return Err(Refused::schema("the body holds no operation of Exchange Web Services"));
    }
    let spoken_for = envelope.impersonated.or(asked.user).or(asked.anchor);
    let mailbox = spoken_for.and_then(|address| host.mailbox(address));
    let mailbox = mailbox.ok_or(Refused::Refusal(NO_MAILBOX))?;
    let zone = document.child(Space::Soap, "Header").and_then(zone_of);
    dispatch(operation, &mut Context::new(host, mailbox, zone))
}

/// The time zone that a header names for times without one.
fn zone_of(header: &Element<'_>) -> Option<jiff::tz::TimeZone> {
    let definition = header.typed("TimeZoneContext")?.typed("TimeZoneDefinition")?;
    zones::find(definition.attribute("Id")?)
}

fn dispatch<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    match &*request.name {
        "GetItem" => items::get::answer(request, context),
        "FindItem" => items::find::answer(request, context),
        "CreateItem" => items::create::answer(request, context),
        "UpdateItem" => items::update::answer(request, context),
        "DeleteItem" => items::delete::answer(request, context),
        "MoveItem" => items::move_copy::answer(request, context, false),
        "CopyItem" => items::move_copy::answer(request, context, true),
        "SendItem" => items::send::answer(request, context),
        "CreateAttachment" => items::attachments::create(request, context),
        "GetAttachment" => items::attachments::get(request, context),
        "DeleteAttachment" => items::attachments::delete(request, context),
        "ExportItems" => items::transfer::export(request, context),
        "UploadItems" => items::transfer::upload(request, context),
        "MarkAsJunk" => items::mark::junk(request, context),
        "MarkAllItemsAsRead" => items::mark::all_read(request, context),
        "ArchiveItem" => items::archive::answer(request, context),
        "SyncFolderItems" => items::sync::answer(request, context),
        "GetFolder" => folders::get(request, context),
        "FindFolder" => folders::find(request, context),
        "CreateFolder" => folders::create(request, context),
        "UpdateFolder" => folders::update(request, context),
        "MoveFolder" => folders::relocate(request, context, false),
        "CopyFolder" => folders::relocate(request, context, true),
        "DeleteFolder" => folders::delete(request, context),
        "EmptyFolder" => folders::empty(request, context),
        "SyncFolderHierarchy" => hierarchy::answer(request, context),
        "ConvertId" => directory::convert(request, context),
        "ResolveNames" => directory::resolve(request, context),
        "GetServerTimeZones" => Ok(time_zones::answer(request)),
        other => Err(Refused::Request(EwsError::unsupported(other))),
    }
}
