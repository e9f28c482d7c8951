//! Shapes: which properties a request wants to see.
//!
//! Answers hold what was asked and nothing more, and strict clients insist on it. A shape is therefore read exactly:
//! what this server does not yet fill in as asked is refused instead of being answered with something else.

use super::EwsError;
use super::folders::{MESSAGE_SIZE, MESSAGE_SIZE_EXTENDED};
use super::reference::{SEARCH_KEY, is_tag};
use super::xml::{Element, Space, Writer};

/// One property of a shape beyond the reference itself.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Property {
    /// A property that EWS has a name for.
    Field(&'static str),
    /// An item's identity.
    SearchKey,
    /// A folder's size.
    MessageSize,
}

/// A shape: references, and some properties.
pub(super) struct Shape {
    /// Whether the MIME content is wanted.
    mime: bool,
    /// The properties beyond that.
    properties: &'static [Property],
}

/// What is asked of folders.
pub(super) static FOLDER_SHAPE: Shape = Shape {
    mime: false,
    properties: &[
        Property::Field("folder:ParentFolderId"),
        Property::Field("folder:FolderClass"),
        Property::Field("folder:DisplayName"),
        Property::Field("folder:TotalCount"),
        Property::MessageSize,
        Property::Field("folder:DistinguishedFolderId"),
    ],
};

/// What is asked of items that are listed.
pub(super) static ITEM_SHAPE: Shape =
    Shape { mime: false, properties: &[Property::Field("item:Size"), Property::SearchKey] };

/// What is asked of items that are fetched.
pub(super) static MIME_SHAPE: Shape = Shape { mime: true, properties: &[Property::SearchKey] };

/// Writes a shape.
pub(super) fn write_shape(writer: &mut Writer, name: &str, shape: &Shape) {
    writer.open(name, &[]);
    writer.leaf("t:BaseShape", "IdOnly");
    if shape.mime {
        writer.leaf("t:IncludeMimeContent", "true");
    }
    writer.open("t:AdditionalProperties", &[]);
    for property in shape.properties {
        match property {
            Property::Field(name) => writer.empty("t:FieldURI", &[("FieldURI", name)]),
            Property::SearchKey => writer.empty("t:ExtendedFieldURI", &SEARCH_KEY),
            Property::MessageSize => writer.empty("t:ExtendedFieldURI", &MESSAGE_SIZE),
        }
    }
    writer.close("t:AdditionalProperties");
    writer.close(name);
}

/// Checks that a request asks for exactly this shape, in any order.
pub(super) fn read_shape(asked: Option<&Element<'_>>, shape: &Shape) -> Result<(), EwsError> {
    let asked = asked.ok_or_else(|| EwsError::schema("the shape is missing"))?;
    let base = asked.typed("BaseShape").ok_or_else(|| EwsError::schema("BaseShape is missing"))?;
    let mime = asked.typed("IncludeMimeContent").is_some_and(|mime| matches!(mime.text(), "true" | "1"));
    let properties = asked.typed("AdditionalProperties").map_or(&[][..], |properties| &properties.children);
    let extras = asked.children.iter().any(|child| {
        !["BaseShape", "IncludeMimeContent", "AdditionalProperties"].iter().any(|name| child.is(Space::Types, name))
    });
    let all = shape.properties.iter().all(|wanted| properties.iter().any(|property| names(property, *wanted)));
    let only = properties.iter().all(|property| shape.properties.iter().any(|wanted| names(property, *wanted)));
    if base.text() == "IdOnly" && mime == shape.mime && !extras && all && only {
        Ok(())
    } else {
        Err(EwsError::unsupported("this shape"))
    }
}

fn names(asked: &Element<'_>, property: Property) -> bool {
    let extended = |tag, kind| {
        asked.is(Space::Types, "ExtendedFieldURI")
            && is_tag(asked, tag)
            && asked.attribute("PropertyType") == Some(kind)
    };
    match property {
        Property::Field(name) => asked.is(Space::Types, "FieldURI") && asked.attribute("FieldURI") == Some(name),
        Property::SearchKey => extended(0x300B, "Binary"),
        Property::MessageSize => extended(MESSAGE_SIZE_EXTENDED, "Long"),
    }
}
