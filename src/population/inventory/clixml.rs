//! CLIXML, as PowerShell's `Export-Clixml` writes it. Only properties and their texts are read; serialized blobs are
//! passed over and never deserialized.

use std::collections::BTreeMap;
use std::io::BufRead;

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Stop;
use super::collect::Collector;

/// Longest text of a property that is kept, in bytes.
const TEXT_LONGEST: usize = 1 << 16;

/// Reads objects one at a time.
pub(super) fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), Stop> {
    let mut reader = Reader::from_reader(reader);
    let mut objects =
        Objects { collector, path: Vec::new(), base: 1, record: BTreeMap::new(), text: String::new(), seen: 0 };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|error| malformed(&error))?;
        match event {
            Event::Eof => break,
            Event::Start(element) => objects.open(&element)?,
            Event::Empty(element) => {
                objects.open(&element)?;
                objects.close()?;
            }
            Event::End(_) => objects.close()?,
            Event::Text(text) => objects.append(&text.xml10_content()),
            Event::CData(text) => objects.append(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let letter = reference.resolve_char_ref().map_err(|error| malformed(&error))?;
                let entity = resolve_xml_entity(&reference).unwrap_or_default();
                objects.append(&letter.map_or_else(|| entity.to_owned(), String::from));
            }
            _ => {}
        }
    }
    if objects.seen == 0 { Err(Stop::NoMailboxes("CLIXML without objects".to_owned())) } else { Ok(()) }
}

fn malformed(error: &impl ToString) -> Stop {
    Stop::Malformed(error.to_string())
}

struct Element {
    tag: String,
    name: Option<String>,
}

struct Objects<'c> {
    collector: &'c mut Collector,
    path: Vec<Element>,
    /// How many `Obj` deep the mailboxes are.
    base: usize,
    record: BTreeMap<String, String>,
    text: String,
    seen: u64,
}

impl Objects<'_> {
    fn depth(&self) -> usize {
        self.path.iter().filter(|element| element.tag == "Obj").count()
    }

    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), Stop> {
        let tag = element.local_name().as_ref().to_owned();
        if self.path.is_empty() && tag != "Objs" {
            return Err(Stop::NoMailboxes(format!("an XML document of `{tag}`")));
        }
        if tag == "LST" && self.depth() == self.base && self.record.is_empty() {
            // A list that was exported as one object.
            self.base += 1;
        }
        let name = match element.try_get_attribute("N").map_err(|error| malformed(&error))? {
            Some(name) => {
                let name = name.normalized_value(XmlVersion::Explicit1_0).map_err(|error| malformed(&error))?;
                Some(name.into_owned())
            }
            None => None,
        };
        self.path.push(Element { tag, name });
        self.text.clear();
        Ok(())
    }

    fn append(&mut self, text: &str) {
        if self.text.len() + text.len() <= TEXT_LONGEST {
            self.text.push_str(text);
        }
    }

    fn close(&mut self) -> Result<(), Stop> {
        let depth = self.depth();
        let Some(Element { tag, name }) = self.path.pop() else { return Ok(()) };
        let text = std::mem::take(&mut self.text);
        match (tag.as_str(), name) {
            ("Obj", _) if depth == self.base => return self.finish(),
            ("Obj" | "BA", _) => {}
            ("ToString", _) if depth > self.base => {
                if let Some(property) = self.property() {
                    self.record.entry(property).or_insert(text);
                }
            }
            (_, Some(name)) if depth == self.base => {
                self.record.insert(name, text);
            }
            (_, Some(name)) if depth > self.base => self.inner(&name, text),
            _ => {}
        }
        Ok(())
    }

    /// A part of a property that is an object itself: a size has `IsUnlimited` and `Value`.
    fn inner(&mut self, name: &str, text: String) {
        let Some(property) = self.property() else { return };
        if name == "Value" {
            self.record.insert(property, text);
        } else if name == "IsUnlimited" && text.eq_ignore_ascii_case("true") {
            self.record.insert(property, "Unlimited".to_owned());
        }
    }

    /// The property of the mailbox that the present element belongs to.
    fn property(&self) -> Option<String> {
        self.path.iter().filter(|element| element.tag == "Obj").nth(self.base)?.name.clone()
    }

    fn finish(&mut self) -> Result<(), Stop> {
        let record = std::mem::take(&mut self.record);
        self.seen += 1;
        let names: Vec<String> = record.keys().cloned().collect();
        match self.collector.bind(names) {
            Ok(()) => {
                let cells: Vec<&str> = record.values().map(String::as_str).collect();
                self.collector.row(self.seen, &cells);
            }
            Err(stop) if self.seen == 1 => return Err(stop),
            Err(_) => self.collector.skip(self.seen, "the object has no name or no size".to_owned()),
        }
        Ok(())
    }
}
