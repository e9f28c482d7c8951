//! `GetDelegate`, `AddDelegate`, `UpdateDelegate` and `RemoveDelegate`.
//!
//! Delegates are kept and shown; who may open which mailbox is not decided by them here.

use super::context::{Context, Refused};
use super::failure::Failure;
use super::fields::codec::read_bool;
use super::messages::{respond, write_message};
use super::names::{name_of, named};
use crate::mailbox::content::Content;
use crate::mailbox::open::Open;
use crate::mailbox::settings::{DELEGATED_FOLDERS, Delegate, Level, MeetingRequests};
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::operation::Operation;

/// What a response holds for each delegate.
const MESSAGE: &str = "m:DelegateUserResponseMessageType";

const LEVELS: [(&str, Level); 5] = [
    ("None", Level::None),
    ("Editor", Level::Editor),
    ("Reviewer", Level::Reviewer),
    ("Author", Level::Author),
    ("Custom", Level::Custom),
];

const MEETING_REQUESTS: [(&str, MeetingRequests); 4] = [
    ("DelegatesOnly", MeetingRequests::DelegatesOnly),
    ("DelegatesAndMe", MeetingRequests::DelegatesAndMe),
    ("DelegatesAndSendInformationToMe", MeetingRequests::DelegatesAndSendInformationToMe),
    ("NoForward", MeetingRequests::NoForward),
];

/// Which operation.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    /// `GetDelegate`.
    Get,
    /// `AddDelegate`.
    Add,
    /// `UpdateDelegate`.
    Update,
    /// `RemoveDelegate`.
    Remove,
}

impl Deed {
    fn response(self) -> &'static str {
        match self {
            Self::Get => "m:GetDelegateResponse",
            Self::Add => "m:AddDelegateResponse",
            Self::Update => "m:UpdateDelegateResponse",
            Self::Remove => "m:RemoveDelegateResponse",
        }
    }
}

/// Answers one of the operations.
pub(super) fn answer<H: Host>(
    request: &Element<'_>,
    context: &mut Context<'_, H>,
    deed: Deed,
) -> Result<Vec<u8>, Refused> {
    let owner = request.message("Mailbox").and_then(|mailbox| mailbox.typed("EmailAddress"));
    let owner = owner.ok_or_else(|| Refused::schema("the mailbox is missing"))?;
    let Some(owner) = context.find(owner.text()) else {
        return Ok(respond(deed.response(), Err(Failure::NO_MAILBOX), |_| {}));
    };
    let list = if matches!(deed, Deed::Get | Deed::Remove) { "UserIds" } else { "DelegateUsers" };
    let users = request.message(list).map(|list| &*list.children);
    if users.is_none_or(<[_]>::is_empty) && matches!(deed, Deed::Add | Deed::Remove) {
        return Err(Refused::schema("the delegates are missing"));
    }
    let with_levels = deed != Deed::Get || matches!(request.attribute("IncludePermissions"), Some("true" | "1"));
    let delivery = request.message("DeliverMeetingRequests").map(|delivery| named(&MEETING_REQUESTS, delivery.text()));
    if delivery == Some(None) {
        return Err(Refused::schema("DeliverMeetingRequests is invalid"));
    }
    let (outcomes, delivery) = context.perform(owner, Operation::Other, |open| {
        let outcomes: Vec<Result<Option<Delegate>, Failure>> = match users {
            None if deed == Deed::Get => open.settings().delegates.iter().cloned().map(|one| Ok(Some(one))).collect(),
            None => Vec::new(),
            Some(users) => users.iter().map(|one| carry_out(open, deed, one)).collect(),
        };
        if let Some(Some(delivery)) = delivery {
            open.settings_mut().meeting_requests = delivery;
        }
        ((outcomes, open.settings().meeting_requests), Work::default())
    })?;
    Ok(respond(deed.response(), Ok(()), |writer| {
        if !outcomes.is_empty() {
            writer.open("m:ResponseMessages", &[]);
            for outcome in &outcomes {
                let plain = outcome.as_ref().map(|_| ()).map_err(|failure| *failure);
                write_message(writer, MESSAGE, plain, |writer| {
                    if let Ok(Some(delegate)) = outcome {
                        write(writer, delegate, with_levels);
                    }
                });
            }
            writer.close("m:ResponseMessages");
        }
        if deed == Deed::Get {
            writer.leaf("m:DeliverMeetingRequests", name_of(&MEETING_REQUESTS, &delivery));
        }
    }))
}

fn write(writer: &mut Writer, delegate: &Delegate, with_levels: bool) {
    let name = delegate.address.split_once('@').map_or(&*delegate.address, |(name, _)| name);
    writer.open("m:DelegateUser", &[]);
    writer.open("t:UserId", &[]);
    writer.leaf("t:PrimarySmtpAddress", &delegate.address);
    writer.leaf("t:DisplayName", name);
    writer.close("t:UserId");
    if with_levels {
        writer.open("t:DelegatePermissions", &[]);
        for (folder, level) in DELEGATED_FOLDERS.iter().zip(delegate.levels) {
            writer.leaf(&format!("t:{folder}FolderPermissionLevel"), name_of(&LEVELS, &level));
        }
        writer.close("t:DelegatePermissions");
    }
    writer.leaf("t:ReceiveCopiesOfMeetingMessages", if delegate.receives_copies { "true" } else { "false" });
    writer.leaf("t:ViewPrivateItems", if delegate.sees_private { "true" } else { "false" });
    writer.close("m:DelegateUser");
}

/// Does what is asked about one delegate, and returns what is to be shown of it.
fn carry_out<C: Content>(open: &mut Open<'_, C>, deed: Deed, asked: &Element<'_>) -> Result<Option<Delegate>, Failure> {
    let id = match deed {
        Deed::Get | Deed::Remove => asked,
        Deed::Add | Deed::Update => asked.typed("UserId").ok_or(Failure::NO_DELEGATE_USER)?,
    };
    let address = user(open, id)?;
    let place = open.settings().delegates.iter().position(|known| known.address.eq_ignore_ascii_case(&address));
    match (deed, place) {
        (Deed::Add, None) => {
            if address.eq_ignore_ascii_case(&open.address()) {
                return Err(Failure::DELEGATE_IS_OWNER);
            }
            let delegate = read(asked, Delegate { address, ..Delegate::default() })?;
            open.settings_mut().delegates.push(delegate.clone());
            Ok(Some(delegate))
        }
        (Deed::Add, Some(_)) => Err(Failure::IS_DELEGATE),
        (_, None) => Err(Failure::NOT_A_DELEGATE),
        (Deed::Get, Some(place)) => Ok(Some(open.settings().delegates[place].clone())),
        (Deed::Update, Some(place)) => {
            let delegate = read(asked, open.settings().delegates[place].clone())?;
            open.settings_mut().delegates[place] = delegate.clone();
            Ok(Some(delegate))
        }
        (Deed::Remove, Some(place)) => {
            open.settings_mut().delegates.remove(place);
            Ok(None)
        }
    }
}

/// The address of the user that is named. This server knows users by their addresses and not by security identifiers.
fn user<C: Content>(open: &Open<'_, C>, id: &Element<'_>) -> Result<String, Failure> {
    if let Some(address) = id.typed("PrimarySmtpAddress") {
        let known = open.find_mailbox(address.text()).and_then(|mailbox| open.address_of(mailbox));
        return known.ok_or(Failure::NO_DELEGATE_USER);
    }
    Err(if id.typed("SID").is_some() { Failure::USER_SID } else { Failure::NO_DELEGATE_USER })
}

fn read(asked: &Element<'_>, mut delegate: Delegate) -> Result<Delegate, Failure> {
    if let Some(levels) = asked.typed("DelegatePermissions") {
        for (folder, own) in DELEGATED_FOLDERS.iter().zip(&mut delegate.levels) {
            if let Some(level) = levels.typed(&format!("{folder}FolderPermissionLevel")) {
                *own = named(&LEVELS, level.text()).ok_or(Failure::REQUEST)?;
            }
        }
    }
    let yes = |name| asked.typed(name).map(|flag| read_bool(flag.text()).ok_or(Failure::REQUEST)).transpose();
    delegate.receives_copies = yes("ReceiveCopiesOfMeetingMessages")?.unwrap_or(delegate.receives_copies);
    delegate.sees_private = yes("ViewPrivateItems")?.unwrap_or(delegate.sees_private);
    Ok(delegate)
}
