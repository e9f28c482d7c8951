//! Permissions of folders. They are kept and shown, and mean nothing: any password opens any mailbox.

use super::failure::Failure;
use crate::mailbox::property::{Property, PropertyName, Value};
use crate::wire::ews::xml::{Element, Writer};

/// The set of a property of this server's own.
const OWN: u128 = 0x7761_7665_7461_6e6b_7065_726d_6974_7300;

/// The most permissions of one folder (assumed).
const PERMISSIONS_MAX: usize = 1_000;

/// What a permission holds between its user and its level, in the order of `BasePermissionType` (`types.xsd`).
const PARTS: [&str; 8] = [
    "CanCreateItems",
    "CanCreateSubFolders",
    "IsFolderOwner",
    "IsFolderVisible",
    "IsFolderContact",
    "EditItems",
    "DeleteItems",
    "ReadItems",
];

/// What tells a user, in the order of `UserIdType`.
const USER: [&str; 5] = ["SID", "PrimarySmtpAddress", "DisplayName", "DistinguishedUser", "ExternalUserIdentity"];

/// The property under which the permissions of a folder are kept, as EWS writes them.
pub(super) fn property() -> Property {
    Property::Named { set: OWN, name: PropertyName::Text("PermissionSet".into()) }
}

/// Reads a `PermissionSet` into what is kept of it: its elements in the order of the schema, in which not every client
/// sends them.
pub(super) fn read(set: &Element<'_>) -> Result<Value, Failure> {
    let mut writer = Writer::cleaning_fragment();
    writer.open("t:PermissionSet", &[]);
    for (list, entry) in [("Permissions", "Permission"), ("CalendarPermissions", "CalendarPermission")] {
        let Some(permissions) = set.typed(list) else { continue };
        if permissions.children.len() > PERMISSIONS_MAX {
            return Err(Failure::PROPERTY_VALUE);
        }
        writer.open(&format!("t:{list}"), &[]);
        for permission in &permissions.children {
            let user = permission.typed("UserId").ok_or(Failure::PROPERTY_VALUE)?;
            let entry = format!("t:{entry}");
            writer.open(&entry, &[]);
            writer.open("t:UserId", &[]);
            USER.iter().filter_map(|part| user.typed(part)).for_each(|part| writer.copy(part));
            writer.close("t:UserId");
            PARTS.iter().filter_map(|part| permission.typed(part)).for_each(|part| writer.copy(part));
            // Whoever names no level means the single rights.
            let level = format!("{entry}Level");
            match permission.typed(&level[2..]) {
                Some(named) => writer.copy(named),
                None => writer.leaf(&level, "Custom"),
            }
            writer.close(&entry);
        }
        writer.close(&format!("t:{list}"));
    }
    writer.close("t:PermissionSet");
    Ok(Value::Text(String::from_utf8_lossy(&writer.finish()).into_owned().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ews::xml::{TYPES_URI, parse};

    #[test]
    fn permissions_are_kept_in_the_order_of_the_schema() {
        let text = format!(
            "<PermissionSet xmlns=\"{TYPES_URI}\"><Permissions><Permission><CanCreateItems>true</CanCreateItems>\
             <UserId><DisplayName>b</DisplayName><SID>a</SID></UserId></Permission></Permissions></PermissionSet>"
        );
        let kept = read(&parse(text.as_bytes(), 10_000).expect("it is XML"));
        let expected = "<t:PermissionSet><t:Permissions><t:Permission><t:UserId><t:SID>a</t:SID>\
                        <t:DisplayName>b</t:DisplayName></t:UserId><t:CanCreateItems>true</t:CanCreateItems>\
                        <t:PermissionLevel>Custom</t:PermissionLevel></t:Permission></t:Permissions></t:PermissionSet>";
        assert_eq!(kept, Ok(Value::Text(expected.into())));
    }
}
