//! XML in and out: a bounded, namespace-aware reader into a small tree, and a writer. All use of `quick-xml` is here.
//!
//! The reader takes what strangers send: it refuses document types and entities other than the five of XML itself, and
//! bounds depth, elements, attributes, namespaces and size.

pub(crate) mod length;

use std::borrow::Cow;

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesStart, BytesText, Event};
use quick_xml::name::ResolveResult;
use quick_xml::{NsReader, XmlVersion};

/// The deepest nesting that is read. EWS restrictions nest deepest, and clients stay below ten levels (assumed).
pub const MAX_DEPTH: usize = 64;
/// The most elements of one document that are read: a page of 1,000 items with 250 properties each (assumed).
pub const MAX_ELEMENTS: usize = 250_000;
/// The most attributes of one element that are read (assumed; EWS has at most eight).
pub const MAX_ATTRIBUTES: usize = 64;
/// The most namespace declarations that are in scope at once (assumed).
pub const MAX_NAMESPACES: usize = 128;
/// The largest request that is read, in bytes. On-premises servers take 64 MiB (Microsoft Learn, "Message size limits
/// in Exchange Server"); for Exchange Online nothing is published, and 150 MB messages in base64 must fit (assumed).
pub const MAX_REQUEST_BYTES: usize = 256 << 20;
/// The largest answer that a client reads, in bytes (assumed: a full batch of exported items).
pub const MAX_ANSWER_BYTES: usize = 2 << 30;

const XML_SCHEMA_BASE: &str = "http://schemas.microsoft.com/exchange/services/2006/";

/// The namespace of SOAP 1.1 envelopes.
pub(crate) const SOAP_URI: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The namespace of operations.
pub(crate) const MESSAGES_URI: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
/// The namespace of the things that operations speak about.
pub(crate) const TYPES_URI: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
/// The namespace of the details of faults.
pub(crate) const ERRORS_URI: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";

/// Why a document was not read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum XmlError {
    /// It is larger than the reader takes.
    #[error("the document has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Too much of something.
    #[error("the document has more than {limit} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// It declares a document type or uses an entity.
    #[error("document types and entities are not allowed")]
    Entity,
    /// It is not UTF-8.
    #[error("the document is not UTF-8")]
    Encoding,
    /// It is not well-formed.
    #[error("the document is not well-formed: {0}")]
    Syntax(String),
}

impl From<quick_xml::Error> for XmlError {
    fn from(error: quick_xml::Error) -> Self {
        Self::Syntax(error.to_string())
    }
}

/// The namespaces that matter here.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Space {
    /// SOAP 1.1.
    Soap,
    /// EWS messages.
    Messages,
    /// EWS types.
    Types,
    /// EWS errors.
    Errors,
    /// Every other, or none.
    Other,
}

impl Space {
    fn of(resolved: &ResolveResult<'_>) -> Self {
        let ResolveResult::Bound(namespace) = resolved else { return Self::Other };
        let uri: &str = namespace.as_ref();
        if uri == SOAP_URI {
            return Self::Soap;
        }
        match uri.strip_prefix(XML_SCHEMA_BASE) {
            Some("messages") => Self::Messages,
            Some("types") => Self::Types,
            Some("errors") => Self::Errors,
            _ => Self::Other,
        }
    }
}

/// One element with all that is below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Element<'a> {
    /// Its namespace.
    pub(crate) space: Space,
    /// Its local name.
    pub(crate) name: Box<str>,
    /// Its attributes without namespace declarations.
    attributes: Vec<(Box<str>, Box<str>)>,
    /// Its child elements.
    pub(crate) children: Vec<Element<'a>>,
    text: Cow<'a, str>,
}

impl<'a> Element<'a> {
    /// Whether this is the named element.
    pub(crate) fn is(&self, space: Space, name: &str) -> bool {
        self.space == space && &*self.name == name
    }

    /// The first child of a name.
    pub(crate) fn child(&self, space: Space, name: &str) -> Option<&Element<'a>> {
        self.children.iter().find(|child| child.is(space, name))
    }

    /// The first child of a name in the namespace of EWS messages.
    pub(crate) fn message(&self, name: &str) -> Option<&Element<'a>> {
        self.child(Space::Messages, name)
    }

    /// The first child of a name in the namespace of EWS types.
    pub(crate) fn typed(&self, name: &str) -> Option<&Element<'a>> {
        self.child(Space::Types, name)
    }

    /// The value of an attribute without a prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| &**key == name).map(|(_, value)| &**value)
    }

    /// The text directly in it, without surrounding white space.
    pub(crate) fn text(&self) -> &str {
        self.text.trim()
    }

    /// The text directly in it, exactly as it is.
    pub(crate) fn whole_text(&self) -> &str {
        &self.text
    }

    fn push_text(&mut self, more: Cow<'a, str>) {
        if self.text.is_empty() {
            self.text = more;
        } else {
            self.text.to_mut().push_str(&more);
        }
    }
}

/// Reads a document of at most `limit` bytes.
pub(crate) fn parse(bytes: &[u8], limit: usize) -> Result<Element<'_>, XmlError> {
    if bytes.len() > limit {
        return Err(XmlError::TooLarge { bytes: bytes.len(), limit });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| XmlError::Encoding)?;
    let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.resolver_mut().set_max_namespace_bindings(MAX_NAMESPACES);
    let mut open: Vec<Element<'_>> = Vec::new();
    let mut elements = 0;
    let mut root = None;
    loop {
        let (resolved, event) = reader.read_resolved_event()?;
        let closed = match event {
            Event::Start(ref tag) | Event::Empty(ref tag) => {
                elements += 1;
                if elements > MAX_ELEMENTS {
                    return Err(XmlError::TooMany { what: "elements", limit: MAX_ELEMENTS });
                }
                if open.len() == MAX_DEPTH {
                    return Err(XmlError::TooMany { what: "levels", limit: MAX_DEPTH });
                }
                if root.is_some() {
                    return Err(XmlError::Syntax("a second root element".to_owned()));
                }
                open.push(element(Space::of(&resolved), tag)?);
                matches!(event, Event::Empty(_))
            }
            Event::End(_) => true,
            Event::Text(text) => {
                append(&mut open, text.xml10_content())?;
                false
            }
            Event::CData(text) => {
                append(&mut open, text.xml10_content())?;
                false
            }
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref()? {
                    Some(character) => character,
                    None => predefined(&reference).ok_or(XmlError::Entity)?,
                };
                append(&mut open, Cow::Owned(character.to_string()))?;
                false
            }
            Event::DocType(_) => return Err(XmlError::Entity),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => false,
            Event::Eof => break,
        };
        if closed {
            let element = open.pop().ok_or_else(|| XmlError::Syntax("an end without a start".to_owned()))?;
            match open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => root = Some(element),
            }
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        _ => Err(XmlError::Syntax("the document ends too early".to_owned())),
    }
}

fn append<'a>(open: &mut [Element<'a>], text: Cow<'a, str>) -> Result<(), XmlError> {
    match open.last_mut() {
        Some(element) => element.push_text(text),
        None if text.trim().is_empty() => {}
        None => return Err(XmlError::Syntax("text outside of the root element".to_owned())),
    }
    Ok(())
}

fn predefined(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    }
}

fn element(space: Space, tag: &BytesStart<'_>) -> Result<Element<'static>, XmlError> {
    let mut attributes = Vec::new();
    for (count, attribute) in tag.attributes().enumerate() {
        if count == MAX_ATTRIBUTES {
            return Err(XmlError::TooMany { what: "attributes in one element", limit: MAX_ATTRIBUTES });
        }
        let attribute = attribute.map_err(|error| XmlError::Syntax(error.to_string()))?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| XmlError::Entity)?;
        let key: &str = attribute.key.as_ref();
        attributes.push((Box::from(key), Box::from(&*value)));
    }
    let name = tag.local_name();
    let name: &str = name.as_ref();
    Ok(Element { space, name: Box::from(name), attributes, children: Vec::new(), text: Cow::Borrowed("") })
}

/// From so many bytes on, room is made for a text, the ends of its lines and what follows it at once.
const LONG: usize = 1_024;

/// Writes a document into memory.
pub(crate) struct Writer {
    inner: quick_xml::Writer<Vec<u8>>,
    /// Whether characters that XML cannot hold are replaced.
    cleans: bool,
}

impl Writer {
    /// A writer of a fragment: nothing comes first.
    pub(crate) fn fragment() -> Self {
        Self { inner: quick_xml::Writer::new(Vec::new()), cleans: false }
    }

    /// A writer of a fragment that holds what strangers wrote: characters that XML cannot hold (production 2 of XML 1.0)
    /// are replaced.
    pub(crate) fn cleaning_fragment() -> Self {
        Self { cleans: true, ..Self::fragment() }
    }

    /// A writer of a document that holds what strangers wrote.
    pub(crate) fn cleaning_document() -> Self {
        Self { cleans: true, ..Self::document(0) }
    }

    /// A text without characters that XML cannot hold, where that is wanted.
    fn cleaned<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.cleans || is_clean(text.as_bytes()) {
            return Cow::Borrowed(text);
        }
        let allowed = |character: char| match character {
            '\t' | '\n' | '\r' => true,
            character => character >= ' ' && !matches!(character, '\u{FFFE}' | '\u{FFFF}'),
        };
        Cow::Owned(text.chars().map(|c| if allowed(c) { c } else { char::REPLACEMENT_CHARACTER }).collect())
    }

    /// A writer of a document: the XML declaration comes first. `content_bytes` is a guess of the content's size.
    pub(crate) fn document(content_bytes: usize) -> Self {
        let mut writer =
            Self { inner: quick_xml::Writer::new(Vec::with_capacity(1_024 + content_bytes)), cleans: false };
        writer.event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)));
        writer
    }

    fn event(&mut self, event: Event<'_>) {
        self.inner.write_event(event).expect("writing into memory does not fail");
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        self.pieces(["<", name, ""]);
        for (key, value) in attributes {
            let value = self.cleaned(value);
            let escaped = Attribute::from((*key, &*value)).value;
            self.pieces([" ", key, "=\""]);
            self.pieces([&escaped, "\"", ""]);
        }
        self.pieces([end, "", ""]);
    }

    /// Opens an element.
    pub(crate) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, ">");
    }

    /// Closes the element opened last.
    pub(crate) fn close(&mut self, name: &str) {
        self.pieces(["</", name, ">"]);
    }

    fn pieces(&mut self, pieces: [&str; 3]) {
        let written = self.inner.get_mut();
        written.reserve(pieces.iter().map(|piece| piece.len()).sum());
        for piece in pieces {
            written.extend_from_slice(piece.as_bytes());
        }
    }

    /// Writes an element without content.
    pub(crate) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/>");
    }

    /// Writes an element that holds nothing but text.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.leaf_with(name, &[], text);
    }

    /// Writes an element that has attributes and holds nothing but text.
    pub(crate) fn leaf_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        let text = self.cleaned(text);
        // Bodies are long; most of what has to be escaped in them are the ends of their lines, one by one.
        if memchr::memchr3(b'<', b'>', b'&', text.as_bytes()).is_none() {
            let (text, into) = (text.as_bytes(), self.inner.get_mut());
            if text.len() >= LONG {
                into.reserve(text.len() + text.len() / 8 + LONG);
            }
            let mut written = 0;
            for end in memchr::memchr_iter(b'\r', text) {
                into.extend_from_slice(&text[written..end]);
                into.extend_from_slice(b"&#13;");
                written = end + 1;
            }
            into.extend_from_slice(&text[written..]);
        } else {
            self.event(Event::Text(BytesText::from_escaped(quick_xml::escape::partial_escape(text))));
        }
        self.close(name);
    }

    /// Writes an element that was read, with all that is below it; names of EWS get the usual prefixes.
    pub(crate) fn copy(&mut self, element: &Element<'_>) {
        let prefix = match element.space {
            Space::Types => "t:",
            Space::Messages => "m:",
            Space::Soap | Space::Errors | Space::Other => "",
        };
        let name = format!("{prefix}{}", element.name);
        // A prefix of somebody else's means nothing here.
        let own = element.attributes.iter().filter(|(key, _)| !key.contains(':'));
        let attributes: Vec<(&str, &str)> = own.map(|(key, value)| (&**key, &**value)).collect();
        if element.children.is_empty() {
            return self.leaf_with(&name, &attributes, element.whole_text());
        }
        self.open(&name, &attributes);
        element.children.iter().for_each(|child| self.copy(child));
        self.close(&name);
    }

    /// Writes what another writer has written.
    pub(crate) fn raw(&mut self, written: &[u8]) {
        self.inner.get_mut().extend_from_slice(written);
    }

    /// What was written.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.inner.into_inner()
    }
}

/// Whether a text has nothing in it that XML could not hold. What might be a noncharacter (the three bytes of U+FFFE and
/// U+FFFF begin with EF BF) counts as one: whoever asks then looks closer.
fn is_clean(text: &[u8]) -> bool {
    const CHUNK: usize = 64;
    const FIRST: u8 = 0xEF;
    let is_control = |byte: u8| byte < 0x20 && byte != b'\t' && byte != b'\n' && byte != b'\r';
    let is_odd = |byte: u8| byte == FIRST || is_control(byte);
    // Without a way out in the middle of a chunk, the compiler looks at many bytes at once.
    let chunk_is_clean = |chunk: &[u8]| !chunk.iter().fold(false, |found, &byte| found | is_odd(byte));
    // Hardly any text has that first byte; those that do are looked at once more.
    text.chunks(CHUNK).all(chunk_is_clean)
        || (!text.iter().copied().any(is_control) && memchr::memmem::find(text, &[FIRST, 0xBF]).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(document: &str) -> XmlError {
        parse(document.as_bytes(), MAX_REQUEST_BYTES).expect_err(document)
    }

    #[test]
    fn documents_that_could_exhaust_the_server_are_refused() {
        assert_eq!(refused("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), XmlError::Entity);
        assert_eq!(refused("<a>&b;</a>"), XmlError::Entity);
        assert_eq!(refused("<a b='&c;'/>"), XmlError::Entity);
        let deep = "<a>".repeat(MAX_DEPTH + 1) + &"</a>".repeat(MAX_DEPTH + 1);
        assert_eq!(refused(&deep), XmlError::TooMany { what: "levels", limit: MAX_DEPTH });
        let wide = format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS));
        assert_eq!(refused(&wide), XmlError::TooMany { what: "elements", limit: MAX_ELEMENTS });
        let attributes: Vec<String> = (0..=MAX_ATTRIBUTES).map(|number| format!("a{number}=''")).collect();
        assert!(matches!(refused(&format!("<a {}/>", attributes.join(" "))), XmlError::TooMany { .. }));
        let spaces: Vec<String> = (0..=MAX_NAMESPACES).map(|number| format!("xmlns:a{number}='b'")).collect();
        assert!(matches!(refused(&format!("<a {}/>", spaces.join(" "))), XmlError::Syntax(_)));
        assert_eq!(parse(b"<a/>", 3), Err(XmlError::TooLarge { bytes: 4, limit: 3 }));
    }

    #[test]
    fn documents_that_are_not_xml_are_refused() {
        for document in ["", "a", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a/>b", "<a", "<a b/>", "<a b=c/>"] {
            assert!(matches!(refused(document), XmlError::Syntax(_)), "{document}");
        }
        assert_eq!(parse(b"<a>\xff</a>", 100), Err(XmlError::Encoding));
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced_where_that_is_wanted() {
        let mut writer = Writer::cleaning_fragment();
        writer.leaf_with("a", &[("b", "\u{1}x")], "\u{2}\t\n\u{FFFF}y");
        assert_eq!(String::from_utf8_lossy(&writer.finish()), "<a b=\"\u{FFFD}x\">\u{FFFD}\t\n\u{FFFD}y</a>");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "1 < 2 & 'a' > \"b\" \r\n\t";
        let mut writer = Writer::fragment();
        writer.leaf_with("t:a", &[("xmlns:t", TYPES_URI), ("b", text)], text);
        let bytes = writer.finish();
        let element = parse(&bytes, 1_000).expect("it was written here");
        assert!(element.is(Space::Types, "a"));
        assert_eq!(element.whole_text(), text);
        assert_eq!(element.attribute("b"), Some(text));
        let around = format!("<t:a xmlns:t=\"{TYPES_URI}\" b=\"\"></t:a>").len() as u64;
        assert_eq!(bytes.len() as u64, around + length::text(text) + length::attribute(text));
    }
}
