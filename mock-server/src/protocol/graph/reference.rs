//! The ids of entities, and what they refer to.

use super::failure::Failure;
use crate::wire::graph::{TENANT, mailbox_id, mailbox_of};
use crate::wire::id::MailboxKey;
use crate::wire::opaque::{self, Kind};

/// The id of an item.
pub(super) fn item(mailbox: MailboxKey, number: u64) -> String {
    opaque::encode(Kind::Item, mailbox, number)
}

/// The id of a folder.
pub(super) fn folder(mailbox: MailboxKey, ordinal: u32) -> String {
    opaque::encode(Kind::Folder, mailbox, u64::from(ordinal))
}

/// The change key of a version.
pub(super) fn change_key(mailbox: MailboxKey, version: u64) -> String {
    opaque::encode(Kind::ChangeKey, mailbox, version)
}

/// The id of an attachment: that of its item and its number there.
pub(super) fn attachment(mailbox: MailboxKey, number: u64, attachment: u32) -> String {
    format!("{}{attachment:08x}=", item(mailbox, number).trim_end_matches('='))
}

/// What an id of a kind refers to in a mailbox. Text that is no id is malformed, whatever it looks like
/// (invictus-ir/Microsoft-Extractor-Suite#146: the `Message-ID` of a message in its place); an id of another mailbox refers
/// to nothing.
fn read(kind: Kind, mailbox: MailboxKey, text: &str) -> Result<u64, Failure> {
    match opaque::decode(kind, text) {
        Some((owner, number)) if owner == mailbox => Ok(number),
        Some(_) => Err(Failure::item_not_found()),
        None => Err(Failure::id_malformed()),
    }
}

/// The number of an item.
pub(super) fn read_item(mailbox: MailboxKey, text: &str) -> Result<u64, Failure> {
    read(Kind::Item, mailbox, text)
}

/// The ordinal of a folder.
pub(super) fn read_folder(mailbox: MailboxKey, text: &str) -> Result<u32, Failure> {
    u32::try_from(read(Kind::Folder, mailbox, text)?).map_err(|_| Failure::id_malformed())
}

/// The item and number of an attachment.
pub(super) fn read_attachment(mailbox: MailboxKey, text: &str) -> Result<(u64, u32), Failure> {
    let (owner, number) = text.split_at_checked(opaque::LENGTH - 1).ok_or_else(Failure::id_malformed)?;
    let owner = read_item(mailbox, &format!("{owner}="))?;
    let number = u32::from_str_radix(number.trim_end_matches('='), 16).map_err(|_| Failure::id_malformed())?;
    Ok((owner, number))
}

/// The id of an occurrence: that of its series and when it would start by the pattern, in seconds.
pub(super) fn occurrence(mailbox: MailboxKey, number: u64, original: i64) -> String {
    format!("{}.{:016x}", item(mailbox, number).trim_end_matches('='), original.cast_unsigned())
}

/// The item of an event, and the occurrence that is meant.
pub(super) fn read_event(mailbox: MailboxKey, text: &str) -> Result<(u64, Option<i64>), Failure> {
    match text.split_once('.') {
        None => Ok((read_item(mailbox, text)?, None)),
        Some((series, original)) => {
            let original = u64::from_str_radix(original, 16).map_err(|_| Failure::id_malformed())?;
            Ok((read_item(mailbox, &format!("{series}="))?, Some(original.cast_signed())))
        }
    }
}

/// The id of a user: the GUID of its mailbox.
pub(super) fn user_id(mailbox: MailboxKey) -> String {
    let id = mailbox_id(mailbox);
    id.trim_start_matches("MBX:").split('@').next().unwrap_or_default().to_owned()
}

/// The mailbox of a user's id or a mailbox's id; nothing for other text.
pub(super) fn user(text: &str) -> Option<MailboxKey> {
    if text.len() == TENANT.len() { mailbox_of(&format!("MBX:{text}@{TENANT}")) } else { mailbox_of(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_and_others_are_told_apart() {
        let mailbox = MailboxKey(7);
        assert_eq!(read_item(mailbox, &item(mailbox, 9)), Ok(9));
        assert_eq!(read_attachment(mailbox, &attachment(mailbox, 9, 3)), Ok((9, 3)));
        assert_eq!(user(&user_id(mailbox)), Some(mailbox));
        let status = |text: &str| read_item(mailbox, text).map_err(|failure| failure.status());
        assert_eq!(status("nope"), Err(400));
        assert_eq!(status(&item(MailboxKey(8), 9)), Err(404));
        assert_eq!(status(&item(mailbox, 9).replace('A', "B")), Err(400));
        assert_eq!(status("éééééééééééééééééééééé"), Err(400));
        assert!(read_attachment(mailbox, "éééééééééééé").is_err());
    }
}
