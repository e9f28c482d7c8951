//! EWS as real clients speak it: one request in, one answer out, carried out on mailboxes through
//! [`host::Host`](super::host::Host).
//!
//! Where the narrow codec of `wire::ews` reads only what our own pipeline sends, this reads what the schema allows and
//! answers exactly what the shapes ask for. One file per family of operations.

mod absence;
mod availability;
mod configurations;
mod context;
mod delegates;
mod directory;
mod failure;
mod fields;
mod folder_shape;
mod folders;
mod hierarchy;
mod item_ids;
mod items;
mod mail_tips;
mod making;
mod messages;
mod names;
mod occurrences;
pub mod page;
mod permissions;
mod places;
mod restriction;
mod rules;
mod runs;
pub mod streaming;
mod subscriptions;
mod time_zones;

use self::context::{Context, Refused};
use self::delegates::Deed;
use self::streaming::Ongoing;
use super::host::Host;
use super::zones;
use crate::wire::ews::envelope;
use crate::wire::ews::xml::{Element, MAX_REQUEST_BYTES, Space, parse};
use crate::wire::ews::{self as codec, EwsError};
use crate::wire::http::HttpAnswer;
use crate::wire::opaque;
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

/// The cookie that names the server of a mailbox.
const AFFINITY: &str = "X-BackEndOverrideCookie";

const NO_MAILBOX: Refusal = Refusal { kind: RefusalKind::NotFound, status: 404, retry_after: None };

/// Carries out a request and writes its answer, or the beginning of one that goes on.
pub fn answer<H: Host>(asked: &Asked<'_>, host: &mut H) -> (HttpAnswer, Option<Ongoing>) {
    let answer = match carry_out(asked, host) {
        Ok((body, ongoing, headers)) => {
            let mut answer = codec::answer_of(200, body);
            answer.headers.extend(headers);
            return (answer, ongoing);
        }
        Err(Refused::Request(error)) => codec::encode_error(&error),
        Err(Refused::Refusal(refusal)) => codec::encode_refusal(None, &refusal),
    };
    (answer, None)
}

/// What a user hears whom the server does not have.
const STRANGER: Refusal = Refusal { kind: RefusalKind::Unauthorized, status: 401, retry_after: None };

/// A body, what goes on after it, and headers.
type CarriedOut = (Vec<u8>, Option<Ongoing>, Option<(&'static str, String)>);

fn carry_out<H: Host>(asked: &Asked<'_>, host: &mut H) -> Result<CarriedOut, Refused> {
    let document = parse(asked.body, MAX_REQUEST_BYTES).map_err(EwsError::from)?;
    let envelope = envelope::read_request(&document)?;
    let operation = envelope.operation;
    if operation.space != Space::Messages {
        return Err(Refused::Request(EwsError::unsupported(&operation.name)));
    }
    let spoken_for = envelope.impersonated.or(asked.user).or(asked.anchor);
    let mailbox = spoken_for.and_then(|address| host.mailbox(address));
    // A user who speaks for nobody else and whom the server does not have gave the wrong name.
    let stranger = envelope.impersonated.is_none() && asked.user.is_some();
    let mailbox = mailbox.ok_or(Refused::Refusal(if stranger { STRANGER } else { NO_MAILBOX }))?;
    let zone = document.child(Space::Soap, "Header").and_then(zone_of);
    let mut context = Context::new(host, mailbox, zone);
    if &*operation.name == "GetStreamingEvents" {
        let (body, ongoing) = streaming::answer(operation, &mut context)?;
        return Ok((body, ongoing, None));
    }
    let body = dispatch(operation, &mut context)?;
    // Clients bring the cookie back as a header with everything that concerns their subscriptions (Microsoft Learn,
    // "How to: Maintain affinity between a group of subscriptions and the Mailbox server").
    let cookie = subscriptions::keeps_affinity(operation).then(|| {
        let value = opaque::encode(opaque::Kind::Subscription, mailbox, 0);
        ("Set-Cookie", format!("{AFFINITY}={value}; path=/; HttpOnly"))
    });
    Ok((body, None, cookie))
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
        "Subscribe" => subscriptions::subscribe(request, context),
        "Unsubscribe" => subscriptions::unsubscribe(request, context),
        "GetEvents" => subscriptions::get(request, context),
        "GetInboxRules" => rules::get(request, context),
        "UpdateInboxRules" => rules::update(request, context),
        "GetUserOofSettingsRequest" => absence::get(request, context),
        "SetUserOofSettingsRequest" => absence::set(request, context),
        "GetUserAvailabilityRequest" => availability::answer(request, context),
        "GetMailTips" => mail_tips::answer(request, context),
        "GetDelegate" => delegates::answer(request, context, Deed::Get),
        "AddDelegate" => delegates::answer(request, context, Deed::Add),
        "UpdateDelegate" => delegates::answer(request, context, Deed::Update),
        "RemoveDelegate" => delegates::answer(request, context, Deed::Remove),
        "GetUserConfiguration" => configurations::get(request, context),
        "CreateUserConfiguration" => configurations::create(request, context),
        "UpdateUserConfiguration" => configurations::update(request, context),
        "DeleteUserConfiguration" => configurations::delete(request, context),
        "FindPeople" => items::people::find(request, context),
        "GetPersona" => items::people::get(request, context),
        "ExpandDL" => items::people::expand(request, context),
        "GetRoomLists" => places::room_lists(context),
        "GetRooms" => places::rooms(request, context),
        "GetSearchableMailboxes" => places::searchable(context),
        "ConvertId" => directory::convert(request, context),
        "ResolveNames" => items::resolve::answer(request, context),
        "GetServerTimeZones" => Ok(time_zones::answer(request)),
        other => Err(Refused::Request(EwsError::unsupported(other))),
    }
}
