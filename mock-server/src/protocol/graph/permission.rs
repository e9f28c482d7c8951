//! Which permissions a request needs, as each resource's page in the reference of Graph lists them
//! (learn.microsoft.com/graph/permissions-reference).

use super::Asked;
use super::failure::Failure;
use super::family::Family;
use super::route::Route as R;
use crate::wire::permission::{self as p, Permissions};

/// Whose words a refusal is in.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Area {
    /// Mailboxes.
    Outlook,
    /// Users and licenses.
    Directory,
    /// Drives.
    Files,
}

/// Each of these permissions is enough.
#[derive(Copy, Clone, Debug)]
struct Need {
    area: Area,
    /// For the caller's own mailbox, and for apps by themselves.
    own: Permissions,
    /// For mailboxes of others, by which an app that acts for a user means what is shared with that user.
    shared: Permissions,
}

const fn need(area: Area, own: Permissions, shared: Permissions) -> Need {
    Need { area, own, shared }
}

/// Checks that the caller is permitted what it asks. `is_own` says whether it is about the caller's own mailbox, or the
/// caller is an app by itself.
pub(super) fn check(asked: &Asked<'_>, route: R, is_own: bool) -> Result<(), Failure> {
    let has = asked.permissions;
    if has == Permissions::ALL {
        return Ok(());
    }
    let reads = matches!(asked.method, "GET" | "HEAD");
    let Some(need) = of(route, reads) else { return Ok(()) };
    if has.has_any(if is_own { need.own } else { need.shared }) {
        return Ok(());
    }
    Err(match need.area {
        Area::Outlook => Failure::new(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."),
        Area::Directory => {
            Failure::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        }
        Area::Files => Failure::new(403, "accessDenied", "The caller does not have permission to perform the action."),
    })
}

/// What a request needs; nothing where the URL is the permission, or each part of a batch has its own.
fn of(route: R, reads: bool) -> Option<Need> {
    match Family::of(route) {
        Family::Calendars => return Some(calendars(reads)),
        Family::Contacts => return Some(contacts(reads)),
        Family::Drives => return Some(files(reads)),
        Family::Other => {}
    }
    Some(match route {
        R::Batch | R::UploadSession | R::ImportItem => return None,
        R::Users | R::User | R::AssignLicense => directory(reads, route == R::AssignLicense),
        R::ExchangeSettings => need(Area::Directory, p::USER_READ.and(USERS).and(ITEMS), USERS.and(ITEMS)),
        R::MailboxSettings | R::MasterCategories => settings(reads),
        R::SendMail | R::Send | R::Reply | R::ReplyAll | R::Forward => {
            need(Area::Outlook, p::MAIL_SEND.and(p::MAIL_SEND_SHARED), p::MAIL_SEND_SHARED)
        }
        // What is subscribed to may be any of these.
        R::Subscriptions | R::Subscription => {
            let any = mail(true).own.and(calendars(true).own).and(contacts(true).own);
            need(Area::Outlook, any, any)
        }
        R::Mailbox | R::MailboxFolders | R::MailboxFoldersDelta | R::MailboxFolder | R::MailboxChildFolders => {
            let all = p::MAILBOX_FOLDER_READ_ALL.and(p::MAILBOX_FOLDER_READ_WRITE_ALL);
            need(Area::Outlook, p::MAILBOX_FOLDER_READ.and(p::MAILBOX_FOLDER_READ_WRITE).and(all), all)
        }
        R::MailboxItems | R::MailboxItemsDelta | R::MailboxItem => need(Area::Outlook, ITEMS, ITEMS),
        R::ExportItems | R::CreateImportSession => need(Area::Outlook, TRANSFER, TRANSFER),
        // Attachments and copies belong to messages and events alike; the one of messages is asked for.
        R::Attachments | R::AttachmentsCount | R::Attachment | R::AttachmentValue | R::CreateUploadSession => {
            let (mail, events) = (mail(reads), calendars(reads));
            need(Area::Outlook, mail.own.and(events.own), mail.shared.and(events.shared))
        }
        R::PermanentDelete => {
            let own = mail(false).own.and(calendars(false).own).and(contacts(false).own);
            need(Area::Outlook, own, mail(false).shared)
        }
        R::MailFolders
        | R::MailFoldersCount
        | R::MailFoldersDelta
        | R::MailFolder
        | R::ChildFolders
        | R::ChildFoldersCount
            if reads =>
        {
            let basic = p::MAIL_READ_BASIC.and(p::MAIL_READ_BASIC_ALL);
            need(Area::Outlook, mail(true).own.and(basic), mail(true).shared)
        }
        _ => mail(reads),
    })
}

/// What lets read users.
const USERS: Permissions = p::USER_READ_BASIC_ALL
    .and(p::USER_READ_ALL)
    .and(p::USER_READ_WRITE_ALL)
    .and(p::DIRECTORY_READ_ALL)
    .and(p::DIRECTORY_READ_WRITE_ALL);

/// What lets take items out of mailboxes and put them into others.
const TRANSFER: Permissions = p::MAILBOX_ITEM_IMPORT_EXPORT.and(p::MAILBOX_ITEM_IMPORT_EXPORT_ALL);

/// What lets read items of mailboxes.
const ITEMS: Permissions = TRANSFER.and(p::MAILBOX_ITEM_READ).and(p::MAILBOX_ITEM_READ_ALL);

fn directory(reads: bool, licenses: bool) -> Need {
    let writes = p::USER_READ_WRITE_ALL.and(p::DIRECTORY_READ_WRITE_ALL);
    match (reads, licenses) {
        (true, _) => need(Area::Directory, p::USER_READ.and(USERS), USERS),
        (false, true) => {
            need(Area::Directory, writes.and(p::LICENSES_READ_WRITE_ALL), writes.and(p::LICENSES_READ_WRITE_ALL))
        }
        (false, false) => need(Area::Directory, writes, writes),
    }
}

fn settings(reads: bool) -> Need {
    let own = if reads { p::SETTINGS_READ.and(p::SETTINGS_READ_WRITE) } else { p::SETTINGS_READ_WRITE };
    need(Area::Outlook, own, own)
}

/// What is in mailboxes: each pair is the permission to read and the one to read and write, which lets read as well; what
/// is shared with a user lets the user's own be read, too.
fn outlook(reads: bool, own: [Permissions; 2], shared: [Permissions; 2]) -> Need {
    let enough = |[read, write]: [Permissions; 2]| if reads { write.and(read) } else { write };
    let shared = enough(shared);
    need(Area::Outlook, enough(own).and(shared), shared)
}

fn mail(reads: bool) -> Need {
    let shared = [p::MAIL_READ_SHARED, p::MAIL_READ_WRITE_SHARED];
    outlook(reads, [p::MAIL_READ, p::MAIL_READ_WRITE], shared)
}

fn calendars(reads: bool) -> Need {
    let shared = [p::CALENDARS_READ_SHARED, p::CALENDARS_READ_WRITE_SHARED];
    outlook(reads, [p::CALENDARS_READ, p::CALENDARS_READ_WRITE], shared)
}

fn contacts(reads: bool) -> Need {
    let shared = [p::CONTACTS_READ_SHARED, p::CONTACTS_READ_WRITE_SHARED];
    outlook(reads, [p::CONTACTS_READ, p::CONTACTS_READ_WRITE], shared)
}

fn files(reads: bool) -> Need {
    let all = if reads { p::FILES_READ_ALL.and(p::FILES_READ_WRITE_ALL) } else { p::FILES_READ_WRITE_ALL };
    let own = if reads { p::FILES_READ.and(p::FILES_READ_WRITE) } else { p::FILES_READ_WRITE };
    need(Area::Files, own.and(all), all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(names: &str, method: &str, route: R, is_own: bool, expected: Result<(), u16>) {
        let asked = Asked {
            method,
            url: "/",
            headers: Vec::new(),
            body: &[],
            base: "http://h",
            user: None,
            permissions: Permissions::named(names.split(' ')),
            request_id: "r",
        };
        let found = check(&asked, route, is_own).map_err(|failure| failure.status());
        assert_eq!(found, expected, "{names} {method} {route:?} {is_own}");
    }

    #[test]
    fn reading_is_not_writing_and_mail_is_not_the_calendar() {
        check_one("Mail.Read", "GET", R::Messages, true, Ok(()));
        check_one("Mail.Read", "POST", R::Messages, true, Err(403));
        check_one("Mail.ReadWrite", "POST", R::Messages, true, Ok(()));
        check_one("Mail.ReadWrite", "POST", R::SendMail, true, Err(403));
        check_one("Mail.Send", "POST", R::SendMail, true, Ok(()));
        check_one("Mail.ReadWrite", "GET", R::Events, true, Err(403));
        check_one("User.Read", "GET", R::User, true, Ok(()));
        check_one("User.Read", "GET", R::User, false, Err(403));
        check_one("Files.Read", "GET", R::DriveRoot, true, Ok(()));
        check_one("", "POST", R::Batch, true, Ok(()));
    }

    #[test]
    fn mailboxes_of_others_must_be_shared() {
        check_one("Mail.Read", "GET", R::Message, false, Err(403));
        check_one("Mail.Read.Shared", "GET", R::Message, false, Ok(()));
        check_one("Mail.ReadWrite.Shared", "PATCH", R::Message, false, Ok(()));
    }
}
