//! `GetUserOofSettings` and `SetUserOofSettings`: automatic replies. They are kept and shown, and nothing is sent.

use jiff::{Timestamp, ToSpan};

use super::context::{Context, Refused};
use super::failure::Failure;
use super::fields::times;
use super::messages::{respond_plainly, write_message};
use super::names::{name_of, named};
use crate::mailbox::settings::{Absence, Audience, Away, Reply};
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;

/// How the states of an absence are called.
const STATES: [(&str, Away); 3] =
    [("Disabled", Away::Disabled), ("Enabled", Away::Enabled), ("Scheduled", Away::Scheduled)];

/// How audiences are called.
const AUDIENCES: [(&str, Audience); 3] = [("None", Audience::None), ("Known", Audience::Known), ("All", Audience::All)];

fn owner<H: Host>(request: &Element<'_>, context: &Context<'_, H>) -> Result<Result<MailboxKey, Failure>, Refused> {
    let address = request.typed("Mailbox").and_then(|mailbox| mailbox.typed("Address"));
    let address = address.ok_or_else(|| Refused::schema("the mailbox is missing"))?;
    Ok(context.find(address.text()).ok_or(Failure::NO_RECIPIENT))
}

/// `GetUserOofSettings`.
pub(super) fn get<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let absence = match owner(request, context)? {
        Err(failure) => Err(failure),
        Ok(owner) => Ok(context.perform(owner, Operation::Other, |open| {
            ((open.settings().absence.clone(), open.wall()), Work::default())
        })?),
    };
    let outcome = absence.as_ref().map(|_| ()).map_err(|failure| *failure);
    Ok(respond_plainly("m:GetUserOofSettingsResponse", |writer| {
        write_message(writer, "m:ResponseMessage", outcome, |_| {});
        if let Ok((absence, wall)) = &absence {
            write(writer, absence, *wall);
            writer.leaf("m:AllowExternalOof", "All");
        }
    }))
}

fn write(writer: &mut Writer, absence: &Absence, wall: Timestamp) {
    writer.open("t:OofSettings", &[]);
    writer.leaf("t:OofState", name_of(&STATES, &absence.away));
    writer.leaf("t:ExternalAudience", name_of(&AUDIENCES, &absence.audience));
    // Without a span of its own, it is that of a day from now.
    let (start, end) = absence.span.unwrap_or_else(|| (wall, wall.checked_add(24.hours()).unwrap_or(wall)));
    writer.open("t:Duration", &[]);
    writer.leaf("t:StartTime", &times::write(start));
    writer.leaf("t:EndTime", &times::write(end));
    writer.close("t:Duration");
    write_reply(writer, "t:InternalReply", absence.internal.as_ref());
    write_reply(writer, "t:ExternalReply", absence.external.as_ref());
    writer.close("t:OofSettings");
}

/// Writes a reply.
pub(super) fn write_reply(writer: &mut Writer, name: &str, reply: Option<&Reply>) {
    let language = reply.and_then(|reply| reply.language.as_deref()).map(|language| ("xml:lang", language));
    writer.open(name, language.as_slice());
    if let Some(message) = reply.and_then(|reply| reply.message.as_deref()) {
        writer.leaf("t:Message", message);
    }
    writer.close(name);
}

/// `SetUserOofSettings`.
pub(super) fn set<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let settings = request.typed("UserOofSettings").ok_or_else(|| Refused::schema("the settings are missing"))?;
    let zone = context.zone().clone();
    let word = |name| settings.typed(name).map_or("", Element::text);
    let state = named(&STATES, word("OofState"));
    let state = state.ok_or_else(|| Refused::schema("OofState is missing or invalid"))?;
    let audience = named(&AUDIENCES, word("ExternalAudience"));
    let audience = audience.ok_or_else(|| Refused::schema("ExternalAudience is missing or invalid"))?;
    let moment = |name| settings.typed("Duration").and_then(|span| times::read(span.typed(name)?.text(), &zone));
    let absence = Absence {
        away: state,
        audience,
        span: moment("StartTime").zip(moment("EndTime")),
        internal: read_reply(settings.typed("InternalReply")),
        external: read_reply(settings.typed("ExternalReply")),
    };
    let outcome = match owner(request, context)? {
        Err(failure) => Err(failure),
        Ok(owner) => context.perform(owner, Operation::Other, |open| {
            let wall = open.wall();
            let possible = absence.span.is_some_and(|(start, end)| start < end && end > wall);
            if absence.away == Away::Scheduled && !possible {
                return (Err(Failure::SCHEDULED_OOF), Work::default());
            }
            open.settings_mut().absence = absence;
            (Ok(()), Work::default())
        })?,
    };
    Ok(respond_plainly("m:SetUserOofSettingsResponse", |writer| {
        write_message(writer, "m:ResponseMessage", outcome, |_| {});
    }))
}

fn read_reply(reply: Option<&Element<'_>>) -> Option<Reply> {
    reply.map(|reply| Reply {
        message: reply.typed("Message").map(|message| message.whole_text().to_owned()),
        language: reply.attribute("xml:lang").map(str::to_owned),
    })
}
