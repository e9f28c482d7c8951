//! Which column holds what: headings are bound by name, never by position.

use super::Warning;
use super::number::Unit;

/// Where a table keeps what an inventory needs; numbers are positions.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Columns {
    pub(super) name: Option<usize>,
    /// Whether the name identifies a mailbox, as an address does and a display name does not.
    pub(super) is_unique: bool,
    pub(super) size: Option<(usize, Option<Unit>)>,
    /// Whether each row is a folder.
    pub(super) is_folders: bool,
    pub(super) items: Option<usize>,
    pub(super) organisation: Option<usize>,
    pub(super) kind: Option<usize>,
    pub(super) has_archive: Option<usize>,
    pub(super) archive_size: Option<(usize, Option<Unit>)>,
    pub(super) deleted_size: Option<(usize, Option<Unit>)>,
    pub(super) is_deleted: Option<usize>,
    pub(super) last_use: Option<usize>,
    pub(super) is_inactive: Option<usize>,
    pub(super) display_name: Option<usize>,
    /// Columns that could be meant as well.
    pub(super) doubts: Vec<Warning>,
}

/// Headings of the mailbox's size, best first. `MailboxSize` is the quota in the 2013 usage report; there
/// `CurrentMailboxSize` comes before it.
const SIZES: [&str; 14] = [
    "storageused",
    "totalitemsize",
    "mainmailboxtotalsize",
    "currentmailboxsize",
    "primarysize",
    "mailboxsize",
    "mbxsize",
    "totalmailboxsize",
    "messagetabletotalsize",
    "mailboxtotalsize",
    "totalsize",
    "sizeused",
    "size",
    "foldersize",
];

/// Headings of the item count, best first.
const ITEMS: [&str; 9] = [
    "itemcount",
    "mainmailboxitemcount",
    "primaryitemcount",
    "mailboxitems",
    "totalmailboxitemcount",
    "totalitemcount",
    "items",
    "totalmessages",
    "itemsinfolder",
];

/// Headings that identify a mailbox, best first.
const ADDRESSES: [&str; 8] = [
    "userprincipalname",
    "upn",
    "primarysmtpaddress",
    "primaryemailaddress",
    "primarysmtp",
    "emailaddress",
    "email",
    "windowsliveid",
];

/// Headings that name a mailbox, best first.
const NAMES: [&str; 7] = ["mailboxidentity", "identity", "displayname", "mailbox", "name", "username", "user"];

const KINDS: [&str; 4] = ["recipienttypedetails", "recipienttype", "mailboxtype", "type"];
const ORGANISATIONS: [&str; 6] =
    ["company", "organization", "tenantname", "organizationalunit", "department", "office"];
const ARCHIVES: [&str; 3] = ["hasarchive", "archivestatus", "archiveguid"];
const ARCHIVE_SIZES: [&str; 4] = ["archivesize", "archivemailboxtotalsize", "archivetotalitemsize", "totalarchivesize"];
const DELETED_SIZES: [&str; 4] =
    ["deleteditemsize", "totaldeleteditemsize", "mailboxrecoverableitemsize", "recoverableitemsize"];
const LAST_USES: [&str; 5] =
    ["lastactivitydate", "lastlogontime", "lastmailboxlogon", "lastactivity", "lastuseractiontime"];

/// What may follow a heading: how a unit was written, and what scripts leave of a PowerShell expression.
const UNITS: [(&str, Unit); 10] = [
    ("bytes", Unit::Byte),
    ("byte", Unit::Byte),
    ("kib", Unit::Kilobyte),
    ("kb", Unit::Kilobyte),
    ("mib", Unit::Megabyte),
    ("mb", Unit::Megabyte),
    ("gib", Unit::Gigabyte),
    ("gb", Unit::Gigabyte),
    ("tib", Unit::Terabyte),
    ("tb", Unit::Terabyte),
];
const JOINTS: [&str; 3] = ["in", "to", "value"];

/// A heading's letters and digits in lower case.
fn plain(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A heading without its unit, and the unit.
fn without_unit(heading: &str) -> (&str, Option<Unit>) {
    let (mut base, unit) = UNITS
        .iter()
        .find_map(|(suffix, unit)| Some((heading.strip_suffix(suffix)?, Some(*unit))))
        .unwrap_or((heading, None));
    while let Some(shorter) = JOINTS.iter().find_map(|joint| base.strip_suffix(joint)) {
        base = shorter;
    }
    (base, unit)
}

impl Columns {
    /// Binds the headings of a table.
    pub(super) fn bind(headings: &[String]) -> Self {
        let plain: Vec<String> = headings.iter().map(|heading| plain(heading)).collect();
        let exact = |wanted: &[&str]| wanted.iter().find_map(|name| plain.iter().position(|heading| heading == name));
        // Among columns of one meaning, the one with most precision wins: bytes before megabytes.
        let sized = |wanted: &[&str]| {
            wanted.iter().find_map(|name| {
                let matching = plain.iter().enumerate().filter_map(|(place, heading)| {
                    let (base, unit) = without_unit(heading);
                    (base == *name || heading == name).then_some((place, unit))
                });
                matching.min_by_key(|&(place, unit)| (unit.unwrap_or_default() as u8, place))
            })
        };
        let is_usage_2013 = plain.iter().any(|heading| heading == "percentused");
        let allowed: Vec<&str> = SIZES.into_iter().filter(|name| !(is_usage_2013 && *name == "mailboxsize")).collect();
        // The 2013 usage report counts bytes without saying so.
        let known = is_usage_2013.then_some(Unit::Byte);
        let size = sized(&allowed).map(|(place, unit)| (place, unit.or(known)));
        let is_folders = size.is_some_and(|(place, _)| without_unit(&plain[place]).0 == "foldersize");
        let address = exact(&ADDRESSES);
        let (name, items) = (address.or_else(|| exact(&NAMES)), exact(&ITEMS));
        let named = |place: usize| (headings[place].clone(), place + 1);
        let doubt = |what: &'static str, taken: usize, is_rival: &dyn Fn(usize) -> bool| {
            let rivals = (0..headings.len()).filter(|&place| place != taken && is_rival(place));
            let others: Vec<_> = rivals.map(named).collect();
            (!others.is_empty()).then(|| Warning::SeveralColumns { what, taken: named(taken), others })
        };
        let sizes = size.and_then(|(taken, _)| {
            let (base, unit) = without_unit(&plain[taken]);
            doubt("the size", taken, &|place| {
                // The same under another unit is no other size.
                let (other, other_unit) = without_unit(&plain[place]);
                allowed.contains(&other) && (other != base || other_unit == unit)
            })
        });
        let twin =
            |what, taken: Option<usize>| doubt(what, taken?, &|place| plain[place] == plain[taken.unwrap_or(place)]);
        let doubts = [sizes, twin("the name", name), twin("the item count", items)].into_iter().flatten().collect();
        Self {
            name,
            is_unique: address.is_some(),
            size,
            is_folders,
            items,
            doubts,
            organisation: exact(&ORGANISATIONS),
            kind: exact(&KINDS),
            has_archive: exact(&ARCHIVES),
            archive_size: sized(&ARCHIVE_SIZES),
            deleted_size: sized(&DELETED_SIZES),
            is_deleted: exact(&["isdeleted", "deleted"]),
            last_use: exact(&LAST_USES),
            is_inactive: exact(&["isinactive"]),
            display_name: exact(&["displayname"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(heading: &str, name: &str, size: &str, unit: impl Into<Option<Unit>>, items: Option<&str>) {
        let headings: Vec<String> = heading.split(',').map(str::to_owned).collect();
        let columns = Columns::bind(&headings);
        assert_eq!(columns.name.map(|place| headings[place].as_str()), Some(name), "{heading}");
        let found = columns.size.map(|(place, unit)| (headings[place].as_str(), unit));
        assert_eq!(found, Some((size, unit.into())), "{heading}");
        assert_eq!(columns.items.map(|place| headings[place].as_str()), items, "{heading}");
    }

    #[test]
    fn headings_seen_in_the_wild_are_bound() {
        check(
            "Report Refresh Date,User Principal Name,Display Name,Item Count,Storage Used (Byte),Deleted Item Count,\
             Deleted Item Size (Byte),Recipient Type",
            "User Principal Name",
            "Storage Used (Byte)",
            Unit::Byte,
            Some("Item Count"),
        );
        check(
            "userPrincipalName,itemCount,storageUsedInBytes",
            "userPrincipalName",
            "storageUsedInBytes",
            Unit::Byte,
            Some("itemCount"),
        );
        check(
            "Date,TenantName,UserName,WindowsLiveID,MailboxSize,CurrentMailboxSize,PercentUsed",
            "WindowsLiveID",
            "CurrentMailboxSize",
            Unit::Byte,
            None,
        );
        check(
            "DisplayName,Mailbox Type,Total Mailbox Size (Mb),Mailbox Size (Mb),Mailbox Items,Primary Email Address",
            "Primary Email Address",
            "Mailbox Size (Mb)",
            Unit::Megabyte,
            Some("Mailbox Items"),
        );
        check("Mailbox,MbxQuotaGB,Items,MbxSizeGB", "Mailbox", "MbxSizeGB", Unit::Gigabyte, Some("Items"));
        check("UPN,Name,Items,Size", "UPN", "Size", None, Some("Items"));
        check(
            "name,RecipientType,Primary Size,Primary Item Count",
            "name",
            "Primary Size",
            None,
            Some("Primary Item Count"),
        );
        check(
            "MailboxIdentity,MainMailboxItemCount,MainMailboxTotalSizeMB,MainMailboxTotalSizeBytes,TotalMailboxItemCount,\
             TotalMailboxSizeBytes",
            "MailboxIdentity",
            "MainMailboxTotalSizeBytes",
            Unit::Byte,
            Some("MainMailboxItemCount"),
        );
        check("UPN,SizeMB,Type", "UPN", "SizeMB", Unit::Megabyte, None);
        check(
            "DisplayName,TotalItemSize.Value.ToMB(),ItemCount",
            "DisplayName",
            "TotalItemSize.Value.ToMB()",
            Unit::Megabyte,
            Some("ItemCount"),
        );
        check(
            "Identity,TotalMailboxSize,TotalMailboxSize(MB),TotalMailboxItemCount",
            "Identity",
            "TotalMailboxSize",
            None,
            Some("TotalMailboxItemCount"),
        );
    }

    #[test]
    fn a_quota_is_never_taken_for_a_size() {
        let headings = ["UserName", "MailboxSize", "PercentUsed"].map(str::to_owned);
        assert_eq!(Columns::bind(&headings).size, None);
        let headings = ["UPN", "Prohibit Send Quota (Byte)", "Deleted Item Size (Byte)"].map(str::to_owned);
        assert_eq!(Columns::bind(&headings).size, None);
    }
}
