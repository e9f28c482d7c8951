//! Folders as EWS shows them: elements, shapes and properties.

use jiff::tz::TimeZone;

use super::context::ROOT;
use super::failure::Failure;
use super::fields::extended::Extended;
use super::item_ids;
use super::permissions;
use crate::mailbox::hidden::{self, Above};
use crate::mailbox::open::FolderInfo;
use crate::mailbox::property::{Property, Value};
use crate::wire::call::FolderKind;
use crate::wire::ews::distinguished_name;
use crate::wire::ews::xml::{Element, Writer};
use crate::wire::id::MailboxKey;
use crate::wire::opaque::{self, Kind};

/// A property of folders that EWS has a name for, in the order of the schema (`BaseFolderType`, then `FolderType`).
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Field {
    Id,
    ParentId,
    Class,
    Name,
    Total,
    Children,
    Rights,
    Distinguished,
    Permissions,
    Unread,
}

impl Field {
    const ALL: [Self; 10] = [
        Self::Id,
        Self::ParentId,
        Self::Class,
        Self::Name,
        Self::Total,
        Self::Children,
        Self::Rights,
        Self::Distinguished,
        Self::Permissions,
        Self::Unread,
    ];

    /// Those of the shape `Default`.
    const DEFAULT: [Self; 5] = [Self::Id, Self::Name, Self::Total, Self::Children, Self::Unread];

    /// The field of a URI. Names of the schema for what this server does not have are no error, and show nothing.
    fn of(uri: &str) -> Result<Option<Self>, Failure> {
        Ok(Some(match uri {
            "folder:FolderId" => Self::Id,
            "folder:ParentFolderId" => Self::ParentId,
            "folder:FolderClass" => Self::Class,
            "folder:DisplayName" => Self::Name,
            "folder:TotalCount" => Self::Total,
            "folder:ChildFolderCount" => Self::Children,
            "folder:EffectiveRights" => Self::Rights,
            "folder:DistinguishedFolderId" => Self::Distinguished,
            "folder:UnreadCount" => Self::Unread,
            "folder:PermissionSet" | "calendar:PermissionSet" => Self::Permissions,
            "folder:SharingEffectiveRights"
            | "folder:ManagedFolderInformation"
            | "folder:SearchParameters"
            | "folder:PolicyTag"
            | "folder:ArchiveTag"
            | "folder:ReplicaList" => return Ok(None),
            _ => return Err(Failure::PROPERTY_REQUEST),
        }))
    }
}

/// What the hidden messages of a default folder come to, in bytes: views, rules and settings (assumed).
const ASSOCIATED_BYTES: u64 = 1 << 10;

/// The names of hidden folders that the schema has (`DistinguishedFolderIdNameType` in `types.xsd`).
const DISTINGUISHED: [&str; 10] = [
    "recoverableitemsroot",
    "recoverableitemsdeletions",
    "recoverableitemspurges",
    "recoverableitemsversions",
    "recoverableitemsdiscoveryholds",
    "favorites",
    "searchfolders",
    "mycontacts",
    "peopleconnect",
    "todosearch",
];

/// Which properties a request wants to see.
#[derive(Clone, Debug)]
pub(super) struct FolderShape {
    fields: Vec<Field>,
    extended: Vec<Extended>,
}

impl FolderShape {
    /// References only.
    pub(super) fn id_only() -> Self {
        Self { fields: vec![Field::Id], extended: Vec::new() }
    }

    /// Reads a `FolderShape`.
    pub(super) fn read(asked: &Element<'_>) -> Result<Self, Failure> {
        let mut shape = Self::id_only();
        match asked.typed("BaseShape").map(Element::text) {
            Some("IdOnly") => {}
            Some("Default") => shape.fields = Field::DEFAULT.to_vec(),
            Some("AllProperties") => shape.fields = Field::ALL.to_vec(),
            _ => return Err(Failure::REQUEST),
        }
        for path in asked.typed("AdditionalProperties").map_or(&[][..], |paths| &paths.children) {
            match &*path.name {
                "FieldURI" => shape.fields.extend(Field::of(path.attribute("FieldURI").unwrap_or_default())?),
                "ExtendedFieldURI" => {
                    shape.extended.push(Extended::read(path).ok_or(Failure::EXTENDED_PROPERTY)?);
                }
                _ => return Err(Failure::PROPERTY_REQUEST),
            }
        }
        shape.fields.sort_unstable();
        shape.fields.dedup();
        Ok(shape)
    }

    /// Writes a folder.
    pub(super) fn write(&self, writer: &mut Writer, mailbox: MailboxKey, folder: &FolderInfo) {
        let element = element(folder);
        writer.open(element, &[]);
        // Extended properties stand between the counts and the rights.
        let (before, after): (Vec<Field>, Vec<Field>) =
            self.fields.iter().partition(|field| **field <= Field::Children);
        for field in before {
            write_field(writer, field, mailbox, folder, element);
        }
        for extended in &self.extended {
            if let Some(value) = property(folder, &extended.property) {
                extended.write(writer, &value);
            }
        }
        for field in after {
            write_field(writer, field, mailbox, folder, element);
        }
        writer.close(element);
    }
}

/// The element of a folder.
fn element(folder: &FolderInfo) -> &'static str {
    let class = &*folder.class;
    let is = |base: &str| class.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if is("IPF.Appointment") {
        "t:CalendarFolder"
    } else if is("IPF.Contact") {
        "t:ContactsFolder"
    } else if is("IPF.Task") {
        "t:TasksFolder"
    } else {
        "t:Folder"
    }
}

/// Whether it is a calendar.
pub(super) fn is_calendar(folder: &FolderInfo) -> bool {
    element(folder) == "t:CalendarFolder"
}

/// Writes the reference of a folder.
pub(super) fn write_id(writer: &mut Writer, name: &str, mailbox: MailboxKey, ordinal: u32, version: u64) {
    let id = opaque::encode(Kind::Folder, mailbox, ordinal.into());
    writer.empty(name, &[("Id", &id), ("ChangeKey", &item_ids::change_key(mailbox, version))]);
}

fn write_field(writer: &mut Writer, field: Field, mailbox: MailboxKey, folder: &FolderInfo, element: &str) {
    match field {
        Field::Id => write_id(writer, "t:FolderId", mailbox, folder.ordinal, folder.version),
        Field::ParentId => {
            let parent = folder.parent.unwrap_or(ROOT);
            write_id(writer, "t:ParentFolderId", mailbox, parent, 0);
        }
        Field::Class if folder.class.is_empty() => {}
        Field::Class => writer.leaf("t:FolderClass", &folder.class),
        Field::Name => writer.leaf("t:DisplayName", &folder.name),
        Field::Total => writer.leaf("t:TotalCount", &folder.items.to_string()),
        Field::Children => writer.leaf("t:ChildFolderCount", &children(folder).to_string()),
        Field::Rights => {
            writer.open("t:EffectiveRights", &[]);
            for right in ["CreateAssociated", "CreateContents", "CreateHierarchy", "Delete", "Modify", "Read"] {
                writer.leaf(&format!("t:{right}"), "true");
            }
            writer.leaf("t:ViewPrivateItems", "true");
            writer.close("t:EffectiveRights");
        }
        Field::Distinguished => {
            let name = match hidden::get(folder.ordinal) {
                _ if folder.ordinal == ROOT => Some("root"),
                // Names that the schema lacks are understood and not shown.
                Some(hidden) => hidden.distinguished.filter(|name| DISTINGUISHED.contains(name)),
                None => distinguished_name(folder.kind),
            };
            if let Some(name) = name {
                writer.leaf("t:DistinguishedFolderId", name);
            }
        }
        Field::Permissions => {
            if let Some(Value::Text(permissions)) = folder.properties.get(&permissions::property()) {
                writer.raw(permissions.as_bytes());
            }
        }
        // Folders of appointments and contacts have no such property.
        Field::Unread if matches!(element, "t:CalendarFolder" | "t:ContactsFolder") => {}
        Field::Unread => writer.leaf("t:UnreadCount", &folder.unread.to_string()),
    }
}

/// How many folders are directly in a folder, those included that the visible tree does not show.
fn children(folder: &FolderInfo) -> u32 {
    let above = |hidden: &&hidden::Hidden| match hidden.above {
        Above::Root => folder.ordinal == ROOT,
        Above::Kind(kind) => folder.kind == kind,
        Above::Hidden(ordinal) => folder.ordinal == ordinal,
    };
    folder.children + hidden::ALL.iter().filter(above).count() as u32
}

/// The invisible folder above the visible tree.
pub(super) fn root() -> FolderInfo {
    FolderInfo {
        ordinal: ROOT,
        parent: Some(ROOT),
        kind: FolderKind::Root,
        name: "root".into(),
        class: "".into(),
        items: 0,
        unread: 0,
        children: 1,
        bytes: 0,
        version: 0,
        properties: crate::mailbox::property::Properties::new(),
    }
}

/// A MAPI property of a folder (\[MS-OXPROPS\], \[MS-OXCFOLD\] 2.2.2.2).
pub(super) fn property(folder: &FolderInfo, property: &Property) -> Option<Value> {
    let number = |count: u64| Some(Value::Integer(i32::try_from(count).unwrap_or(i32::MAX)));
    match property {
        // PidTagDisplayName, PidTagContentCount, PidTagContentUnreadCount, PidTagSubfolders, PidTagContainerClass.
        Property::Tag(0x3001) => Some(Value::Text(folder.name.clone())),
        Property::Tag(0x3602) => number(folder.items),
        Property::Tag(0x3603) => number(folder.unread),
        Property::Tag(0x360A) => Some(Value::Bool(children(folder) > 0)),
        Property::Tag(0x3613) if folder.class.is_empty() => None,
        Property::Tag(0x3613) => Some(Value::Text(folder.class.clone())),
        // PidTagMessageSize, PidTagMessageSizeExtended: hidden messages count too.
        Property::Tag(0x0E08) => {
            let own = if folder.kind == FolderKind::User { 0 } else { ASSOCIATED_BYTES };
            Some(Value::Long(i64::try_from(folder.bytes.saturating_add(own)).unwrap_or(i64::MAX)))
        }
        // PidTagChangeNumber, as clients that watch a folder for changes use it.
        Property::Tag(0x6751) => Some(Value::Long(i64::try_from(folder.version).unwrap_or(i64::MAX))),
        _ => folder.properties.get(property).cloned(),
    }
}

/// The value of a path of a restriction on folders, as text that can be compared; nothing if the folder has none.
pub(super) fn comparable(folder: &FolderInfo, path: &Element<'_>) -> Result<Option<Value>, Failure> {
    match &*path.name {
        "FieldURI" => Ok(match Field::of(path.attribute("FieldURI").unwrap_or_default())? {
            Some(Field::Name) => Some(Value::Text(folder.name.clone())),
            Some(Field::Class) => Some(Value::Text(folder.class.clone())),
            Some(Field::Total) => Some(Value::Integer(folder.items as i32)),
            Some(Field::Unread) => Some(Value::Integer(folder.unread as i32)),
            Some(Field::Children) => Some(Value::Integer(children(folder).cast_signed())),
            _ => return Err(Failure::UNSUPPORTED_PATH),
        }),
        "ExtendedFieldURI" => {
            let extended = Extended::read(path).ok_or(Failure::EXTENDED_PROPERTY)?;
            Ok(property(folder, &extended.property))
        }
        _ => Err(Failure::UNSUPPORTED_PATH),
    }
}

/// A constant in the type of what it is compared with.
pub(super) fn constant(text: &str, like: &Value, path: &Element<'_>) -> Option<Value> {
    if let Some(extended) = Extended::read(path) {
        return extended.constant(text, &TimeZone::UTC);
    }
    match like {
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        _ => Some(Value::Text(text.into())),
    }
}
