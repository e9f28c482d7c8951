//! What a token permits, by the names that Entra knows (learn.microsoft.com/graph/permissions-reference;
//! learn.microsoft.com/exchange/client-developer/exchange-web-services
//! /how-to-authenticate-an-ews-application-by-using-oauth).

/// The servers that tokens are made for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Resource {
    /// Microsoft Graph.
    Graph,
    /// Exchange: EWS and administration.
    Exchange,
}

/// The names of the resources, as tokens' audiences; the last of each is its id in Entra.
const AUDIENCES: [(&str, Resource); 6] = [
    ("https://graph.microsoft.com", Resource::Graph),
    ("00000003-0000-0000-c000-000000000000", Resource::Graph),
    ("https://outlook.office365.com", Resource::Exchange),
    ("https://outlook.office.com", Resource::Exchange),
    ("https://outlook.com", Resource::Exchange),
    ("00000002-0000-0ff1-ce00-000000000000", Resource::Exchange),
];

impl Resource {
    /// The resource of an audience; a final slash does not matter.
    #[must_use]
    pub fn of(audience: &str) -> Option<Self> {
        let bare = audience.trim_end_matches('/');
        AUDIENCES.iter().find(|(known, _)| known.eq_ignore_ascii_case(bare)).map(|(_, resource)| *resource)
    }

    /// Its id in Entra.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Graph => AUDIENCES[1].0,
            Self::Exchange => AUDIENCES[5].0,
        }
    }
}

/// A set of permissions.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Permissions(u64);

macro_rules! permissions {
    ($($bit:literal $name:ident $text:literal $resource:ident $app:literal $user:literal;)*) => {
        $(
            #[doc = concat!("`", $text, "`.")]
            pub const $name: Permissions = Permissions(1 << $bit);
        )*

        /// Every permission: its name, its resource, and whether apps and users can have it.
        const NAMES: &[(&str, Permissions, Resource, bool, bool)] = &[
            $(($text, $name, Resource::$resource, $app, $user),)*
        ];
    };
}

permissions! {
    0 MAIL_READ_BASIC "Mail.ReadBasic" Graph false true;
    1 MAIL_READ_BASIC_ALL "Mail.ReadBasic.All" Graph true false;
    2 MAIL_READ "Mail.Read" Graph true true;
    3 MAIL_READ_WRITE "Mail.ReadWrite" Graph true true;
    4 MAIL_SEND "Mail.Send" Graph true true;
    5 MAIL_READ_SHARED "Mail.Read.Shared" Graph false true;
    6 MAIL_READ_WRITE_SHARED "Mail.ReadWrite.Shared" Graph false true;
    7 MAIL_SEND_SHARED "Mail.Send.Shared" Graph false true;
    8 SETTINGS_READ "MailboxSettings.Read" Graph true true;
    9 SETTINGS_READ_WRITE "MailboxSettings.ReadWrite" Graph true true;
    10 CALENDARS_READ "Calendars.Read" Graph true true;
    11 CALENDARS_READ_WRITE "Calendars.ReadWrite" Graph true true;
    12 CALENDARS_READ_SHARED "Calendars.Read.Shared" Graph false true;
    13 CALENDARS_READ_WRITE_SHARED "Calendars.ReadWrite.Shared" Graph false true;
    14 CONTACTS_READ "Contacts.Read" Graph true true;
    15 CONTACTS_READ_WRITE "Contacts.ReadWrite" Graph true true;
    16 CONTACTS_READ_SHARED "Contacts.Read.Shared" Graph false true;
    17 CONTACTS_READ_WRITE_SHARED "Contacts.ReadWrite.Shared" Graph false true;
    18 FILES_READ "Files.Read" Graph false true;
    19 FILES_READ_WRITE "Files.ReadWrite" Graph false true;
    20 FILES_READ_ALL "Files.Read.All" Graph true true;
    21 FILES_READ_WRITE_ALL "Files.ReadWrite.All" Graph true true;
    22 USER_READ "User.Read" Graph false true;
    23 USER_READ_BASIC_ALL "User.ReadBasic.All" Graph true true;
    24 USER_READ_ALL "User.Read.All" Graph true true;
    25 USER_READ_WRITE_ALL "User.ReadWrite.All" Graph true true;
    26 DIRECTORY_READ_ALL "Directory.Read.All" Graph true true;
    27 DIRECTORY_READ_WRITE_ALL "Directory.ReadWrite.All" Graph true true;
    28 LICENSES_READ_WRITE_ALL "LicenseAssignment.ReadWrite.All" Graph true true;
    29 MAILBOX_FOLDER_READ "MailboxFolder.Read" Graph false true;
    30 MAILBOX_FOLDER_READ_ALL "MailboxFolder.Read.All" Graph true false;
    31 MAILBOX_FOLDER_READ_WRITE "MailboxFolder.ReadWrite" Graph false true;
    32 MAILBOX_FOLDER_READ_WRITE_ALL "MailboxFolder.ReadWrite.All" Graph true false;
    33 MAILBOX_ITEM_READ "MailboxItem.Read" Graph false true;
    34 MAILBOX_ITEM_READ_ALL "MailboxItem.Read.All" Graph true false;
    35 MAILBOX_ITEM_IMPORT_EXPORT "MailboxItem.ImportExport" Graph false true;
    36 MAILBOX_ITEM_IMPORT_EXPORT_ALL "MailboxItem.ImportExport.All" Graph true false;
    37 EXCHANGE_FULL_ACCESS "full_access_as_app" Exchange true false;
    38 EXCHANGE_MANAGE "Exchange.ManageAsApp" Exchange true false;
    39 EXCHANGE_AS_USER "EWS.AccessAsUser.All" Exchange false true;
    40 EXCHANGE_MANAGE_AS_USER "Exchange.Manage" Exchange false true;
}

/// Who has a permission.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Holder {
    /// An app by itself.
    App,
    /// An app on behalf of a user.
    User,
}

impl Permissions {
    /// No permission.
    pub const NONE: Self = Self(0);

    /// Every permission.
    pub const ALL: Self = Self(u64::MAX);

    /// These and others.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether any of `wanted` is among them.
    #[must_use]
    pub const fn has_any(self, wanted: Self) -> bool {
        self.0 & wanted.0 != 0
    }

    /// Whether all of `wanted` are among them.
    #[must_use]
    pub const fn has_all(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }

    /// The permissions of these names; names of others permit nothing here.
    #[must_use]
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().filter_map(Self::of).fold(Self::NONE, Self::and)
    }

    /// The permission of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)).map(|(_, permission, ..)| *permission)
    }

    /// Everything that an app or a user can be permitted on a resource.
    #[must_use]
    pub fn everything(resource: Resource, holder: Holder) -> Self {
        let fits = |app: bool, user: bool| if holder == Holder::App { app } else { user };
        let of = NAMES.iter().filter(|(_, _, of, app, user)| *of == resource && fits(*app, *user));
        of.fold(Self::NONE, |all, (_, permission, ..)| all.and(*permission))
    }

    /// The names of everything that an app or a user can be permitted on a resource.
    pub fn names(resource: Resource, holder: Holder) -> impl Iterator<Item = &'static str> {
        let fits = move |app: bool, user: bool| if holder == Holder::App { app } else { user };
        let of = NAMES.iter().filter(move |(_, _, of, app, user)| *of == resource && fits(*app, *user));
        of.map(|(name, ..)| *name)
    }

    /// The names of all permissions of all resources.
    pub fn all_names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, ..)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_for_a_permission_of_its_own() {
        let mut seen = Permissions::NONE;
        for (name, permission, ..) in NAMES {
            assert!(!seen.has_any(*permission), "{name}");
            assert_eq!(Permissions::of(&name.to_uppercase()), Some(*permission));
            seen = seen.and(*permission);
        }
        assert_eq!(Permissions::named(["Mail.Read", "Nothing.Known"]), MAIL_READ);
    }

    #[test]
    fn everything_is_what_the_holder_can_have_of_the_resource() {
        let app = Permissions::everything(Resource::Exchange, Holder::App);
        assert!(app.has_all(EXCHANGE_FULL_ACCESS) && !app.has_any(EXCHANGE_AS_USER.and(MAIL_READ)));
        assert!(Permissions::everything(Resource::Graph, Holder::User).has_all(USER_READ));
    }

    #[test]
    fn audiences_name_their_resource() {
        for (audience, expected) in [
            ("https://graph.microsoft.com/", Some(Resource::Graph)),
            ("https://OUTLOOK.office365.com", Some(Resource::Exchange)),
            (Resource::Exchange.id(), Some(Resource::Exchange)),
            ("https://management.azure.com", None),
        ] {
            assert_eq!(Resource::of(audience), expected, "{audience}");
        }
    }
}
