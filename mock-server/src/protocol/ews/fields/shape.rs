//! Shapes: which properties of an item an answer holds, and in which order.

use std::collections::BTreeSet;

use super::extended::Extended;
use super::field::{DEFAULT, EXTRA, Field, GET};
use super::indexed;
use super::path::Path;
use super::scene::Scene;
use super::sort::Sort;
use super::{codec, tables};
use crate::protocol::ews::failure::Failure;
use crate::wire::ews::xml::{Element, Writer};

/// `DefaultShapeNamesType`, as far as items have them.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Base {
    IdOnly,
    Default,
    AllProperties,
}

/// In which form a body is wanted.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub(in super::super) enum BodyForm {
    /// As it is kept.
    #[default]
    Best,
    /// As HTML.
    Html,
    /// As plain text.
    Text,
}

/// A shape.
#[derive(Debug)]
pub(in super::super) struct Shape {
    base: Base,
    /// Whether the MIME content is wanted.
    mime: bool,
    /// In which form the body is wanted.
    pub(in super::super) body: BodyForm,
    /// In which form the unique body is wanted.
    pub(in super::super) unique_body: BodyForm,
    /// In which form the normalized body is wanted.
    pub(in super::super) normalized_body: BodyForm,
    /// Whether unsafe HTML is taken out.
    pub(in super::super) filter_html: bool,
    /// The most characters of a body; all if absent.
    pub(in super::super) body_characters: Option<usize>,
    paths: Vec<Path>,
}

impl Shape {
    /// The shape of an answer that names what was made.
    pub(in super::super) fn id_only() -> Self {
        Self {
            base: Base::IdOnly,
            mime: false,
            body: BodyForm::Best,
            unique_body: BodyForm::Best,
            normalized_body: BodyForm::Best,
            filter_html: false,
            body_characters: None,
            paths: Vec::new(),
        }
    }

    /// The shape of an attached item for which none is asked: all there is.
    pub(in super::super) fn whole() -> Self {
        Self { base: Base::AllProperties, ..Self::id_only() }
    }

    /// Reads an `ItemShape`.
    pub(in super::super) fn read(asked: &Element<'_>) -> Result<Self, Failure> {
        let base = match asked.typed("BaseShape").map(Element::text) {
            Some("IdOnly" | "PcxPeopleSearch") => Base::IdOnly,
            Some("Default") => Base::Default,
            Some("AllProperties") => Base::AllProperties,
            _ => return Err(Failure::REQUEST),
        };
        Self::read_rest(asked, base)
    }

    /// Reads an `AttachmentShape`, which has no base: without properties, everything is shown.
    pub(in super::super) fn read_attachment(asked: Option<&Element<'_>>) -> Result<Self, Failure> {
        let Some(asked) = asked else { return Ok(Self::whole()) };
        Self::read_rest(asked, Base::AllProperties)
    }

    fn read_rest(asked: &Element<'_>, base: Base) -> Result<Self, Failure> {
        let yes = |name: &str| asked.typed(name).and_then(|value| codec::read_bool(value.text())).unwrap_or(false);
        let form = |name: &str| match asked.typed(name).map(Element::text) {
            Some("HTML") => Ok(BodyForm::Html),
            Some("Text") => Ok(BodyForm::Text),
            Some("Best") | None => Ok(BodyForm::Best),
            Some(_) => Err(Failure::REQUEST),
        };
        let paths = match asked.typed("AdditionalProperties") {
            Some(paths) => paths.children.iter().map(Path::read).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        Ok(Self {
            base,
            mime: yes("IncludeMimeContent"),
            body: form("BodyType")?,
            unique_body: form("UniqueBodyType")?,
            normalized_body: form("NormalizedBodyType")?,
            filter_html: yes("FilterHtmlContent"),
            body_characters: asked.typed("MaximumBodySize").and_then(|size| size.text().parse().ok()),
            paths,
        })
    }

    /// The fields of one sort of item, in the schema's order.
    pub(in super::super) fn plan(&self, sort: Sort, find: bool) -> Plan<'_> {
        let named: BTreeSet<&str> = self
            .paths
            .iter()
            .filter_map(|path| match path {
                Path::Field(field) => {
                    Some(if field.uri == "item:MimeContentUTF8" { "item:MimeContent" } else { field.uri })
                }
                Path::Indexed(part) => Some(part.field()),
                Path::Foreign | Path::Extended(_) => None,
            })
            .collect();
        // Most fields are told from those that are named by the length of their names alone.
        let lengths = named.iter().fold(0u64, |lengths, uri| lengths | 1 << (uri.len() % 64));
        let is_named = |uri: &str| lengths >> (uri.len() % 64) & 1 == 1 && named.contains(uri);
        let wanted = |field: &Field| {
            let base = match self.base {
                Base::IdOnly => field.uri == "item:ItemId",
                Base::Default => field.is(DEFAULT),
                Base::AllProperties => !field.is(EXTRA),
            };
            let mime = self.mime && field.uri == "item:MimeContent";
            (base || mime || is_named(field.uri) || field.uri == "item:ItemId") && !(find && field.is(GET))
        };
        let (head, behind) = tables::tables(sort);
        Plan {
            head: head.iter().filter(|field| wanted(field)).collect(),
            extended: self.extended().collect(),
            tail: behind.iter().copied().flatten().filter(|field| wanted(field)).collect(),
        }
    }

    fn extended(&self) -> impl Iterator<Item = &Extended> {
        self.paths.iter().filter_map(|path| match path {
            Path::Extended(extended) => Some(extended),
            _ => None,
        })
    }

    /// Which entries of a dictionary are wanted: nothing if all of it is.
    pub(in super::super) fn entries(&self, element: &str) -> Option<Vec<&'static str>> {
        let element = element.strip_prefix("t:").unwrap_or(element);
        let whole = match self.base {
            Base::AllProperties | Base::Default => true,
            Base::IdOnly => {
                self.paths.iter().any(|path| matches!(path, Path::Field(field) if field.element() == element))
            }
        };
        if whole {
            return None;
        }
        let mut keys = Vec::new();
        for path in &self.paths {
            if let Path::Indexed(part) = path
                && indexed::element_of(part) == element
            {
                keys.push(part.key());
            }
        }
        Some(keys)
    }
}

/// What is written of an item of one sort.
#[derive(Debug)]
pub(in super::super) struct Plan<'p> {
    head: Vec<&'static Field>,
    extended: Vec<&'p Extended>,
    tail: Vec<&'static Field>,
}

impl Plan<'_> {
    /// Writes an item under a name.
    pub(in super::super) fn write_as(&self, writer: &mut Writer, name: &str, scene: &Scene<'_>) {
        writer.open(name, &[]);
        for field in &self.head {
            codec::write(writer, field.element(), field.codec, scene);
        }
        for extended in &self.extended {
            if let Some(value) = scene.property(&extended.property) {
                extended.write(writer, &value);
            }
        }
        for field in &self.tail {
            codec::write(writer, field.element(), field.codec, scene);
        }
        writer.close(name);
    }
}

/// Writes an item in the shape of its scene.
pub(in super::super) fn write_item(writer: &mut Writer, scene: &Scene<'_>) {
    let sort = Sort::of_class(&scene.item.class);
    scene.shape.plan(sort, scene.find).write_as(writer, sort.element(), scene);
}

/// The plans of one shape for the sorts of items met so far, so that a page of items is planned once.
#[derive(Default, Debug)]
pub(in super::super) struct Plans<'p> {
    made: Vec<(Sort, Plan<'p>)>,
}

impl<'p> Plans<'p> {
    /// Writes an item of a page.
    pub(in super::super) fn write(&mut self, writer: &mut Writer, shape: &'p Shape, scene: &Scene<'_>) {
        let sort = Sort::of_class(&scene.item.class);
        let index = self.made.iter().position(|(made, _)| *made == sort).unwrap_or_else(|| {
            self.made.push((sort, shape.plan(sort, scene.find)));
            self.made.len() - 1
        });
        self.made[index].1.write_as(writer, sort.element(), scene);
    }
}
