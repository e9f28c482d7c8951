//! `GetMailTips`: what a sender should know of a recipient before sending.

use super::absence::write_reply;
use super::context::{Context, Refused};
use super::fields::times;
use super::messages::{respond, write_message};
use crate::mailbox::settings::{Absence, Away};
use crate::protocol::host::Host;
use crate::service::cost::Work;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::operation::Operation;

/// The largest message that a mailbox takes, in bytes: 36 MB are set for mailboxes of Exchange Online unless somebody
/// changes it (Microsoft Learn, "Exchange Online limits", message size limits). That tips count in bytes is assumed.
const MESSAGE_MAX_BYTES: u32 = 36 << 20;

/// The most recipients of one request (assumed).
const RECIPIENTS_MAX: usize = 1_000;

/// What is known of a recipient: nothing of those that this server does not have.
struct Known {
    address: String,
    absence: Option<Absence>,
}

/// Answers the operation.
pub(super) fn answer<H: Host>(request: &Element<'_>, context: &mut Context<'_, H>) -> Result<Vec<u8>, Refused> {
    let recipients = request.message("Recipients").map_or(&[][..], |recipients| &recipients.children);
    if recipients.is_empty() || recipients.len() > RECIPIENTS_MAX {
        return Err(Refused::schema("there are no recipients, or too many"));
    }
    let wanted: Vec<&str> =
        request.message("MailTipsRequested").map_or(Vec::new(), |wanted| wanted.text().split_whitespace().collect());
    let mut known = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        let address = recipient.typed("EmailAddress").map_or("", Element::text).to_owned();
        let absence = match context.find(&address) {
            None => None,
            Some(mailbox) => Some(context.perform(mailbox, Operation::Directory, |open| {
                let absence = &open.settings().absence;
                let holds = absence.holds(open.wall());
                let away = if holds { absence.away } else { Away::Disabled };
                (Absence { away, ..absence.clone() }, Work::default())
            })?),
        };
        known.push(Known { address, absence });
    }
    Ok(respond("m:GetMailTipsResponse", Ok(()), |writer| {
        writer.open("m:ResponseMessages", &[]);
        for one in &known {
            write_message(writer, "m:MailTipsResponseMessageType", Ok(()), |writer| write(writer, one, &wanted));
        }
        writer.close("m:ResponseMessages");
    }))
}

fn write(writer: &mut Writer, known: &Known, wanted: &[&str]) {
    let wants = |tip: &str| wanted.contains(&"All") || wanted.contains(&tip);
    writer.open("m:MailTips", &[]);
    writer.open("t:RecipientAddress", &[]);
    writer.leaf("t:Name", known.address.split_once('@').map_or(&*known.address, |(name, _)| name));
    if !known.address.is_empty() {
        writer.leaf("t:EmailAddress", &known.address);
    }
    writer.leaf("t:RoutingType", "SMTP");
    writer.close("t:RecipientAddress");
    writer.leaf("t:PendingMailTips", "");
    if wants("OutOfOfficeMessage")
        && let Some(absence) = &known.absence
    {
        let away = absence.away != Away::Disabled;
        writer.open("t:OutOfOffice", &[]);
        write_reply(writer, "t:ReplyBody", absence.internal.as_ref().filter(|_| away));
        if let (Away::Scheduled, Some((start, end))) = (absence.away, absence.span) {
            writer.open("t:Duration", &[]);
            writer.leaf("t:StartTime", &times::write(start));
            writer.leaf("t:EndTime", &times::write(end));
            writer.close("t:Duration");
        }
        writer.close("t:OutOfOffice");
    }
    let tips: [(&str, &str, String); 7] = [
        ("MailboxFullStatus", "t:MailboxFull", "false".to_owned()),
        ("TotalMemberCount", "t:TotalMemberCount", "1".to_owned()),
        ("ExternalMemberCount", "t:ExternalMemberCount", u32::from(known.absence.is_none()).to_string()),
        ("MaxMessageSize", "t:MaxMessageSize", MESSAGE_MAX_BYTES.to_string()),
        ("DeliveryRestriction", "t:DeliveryRestricted", "false".to_owned()),
        ("ModerationStatus", "t:IsModerated", "false".to_owned()),
        ("InvalidRecipient", "t:InvalidRecipient", known.absence.is_none().to_string()),
    ];
    for (tip, element, value) in &tips {
        if wants(tip) {
            writer.leaf(element, value);
        }
    }
    writer.close("m:MailTips");
}
