//! Reading a section: each key is asked for once, with its kind and what stands in for it; what nobody asked for is
//! unknown. Problems are collected, never thrown, and every value is written down with where it comes from.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::file::{Entry, Node, Place, Table, Text, Value};
use super::kind::{Kind, Wrong, suggestion};
use super::plan::{Assumption, Origin};
use super::problem::Problem;

/// The note of a value whose scenario names no source beside it.
pub(crate) const UNSOURCED: &str = "assumed: the scenario names no source";

/// What all sections of a file share: its texts, the problems found, the values resolved and the keys asked for.
pub(crate) struct Book {
    texts: Vec<Text>,
    problems: RefCell<Vec<(Place, Problem)>>,
    values: RefCell<Vec<Assumption>>,
    asked: RefCell<BTreeSet<String>>,
}

impl Book {
    pub(crate) fn new(texts: Vec<Text>) -> Self {
        Self { texts, problems: RefCell::default(), values: RefCell::default(), asked: RefCell::default() }
    }

    /// Notes a problem.
    pub(crate) fn report(&self, place: &Place, label: &str, wrong: Wrong) {
        let problem = Problem {
            message: wrong.message,
            label: label.to_owned(),
            help: Some(wrong.help).filter(|help| !help.is_empty()),
            text: Arc::clone(&self.texts[place.text].source),
            at: Some(place.span.clone()),
        };
        self.problems.borrow_mut().push((place.clone(), problem));
    }

    /// Whether a problem was noted with what is at a place, or with a part of it.
    fn has_problem(&self, place: &Place) -> bool {
        self.problems.borrow().iter().any(|(at, _)| at.is_within(place))
    }

    /// Writes a resolved value down.
    pub(crate) fn record(&self, key: String, value: String, origin: Origin, note: impl Into<String>) {
        self.values.borrow_mut().push(Assumption { key, value, origin, note: note.into() });
    }

    /// All problems, in the order of their places.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.take();
        problems.sort_by_key(|(place, _)| (place.text, place.span.start));
        problems.into_iter().map(|(_, problem)| problem).collect()
    }

    /// All resolved values, in the order in which they were asked for.
    pub(crate) fn values(&self) -> Vec<Assumption> {
        self.values.take()
    }

    /// All keys that were asked for, entries of lists as `[]`, freely named tables as `*`.
    #[cfg(test)]
    pub(crate) fn asked(&self) -> BTreeSet<String> {
        self.asked.take()
    }
}

/// What stands in for an absent key.
pub(crate) struct Otherwise<T> {
    value: T,
    origin: Origin,
    note: String,
}

impl<T> Otherwise<T> {
    /// The default of the key.
    pub(crate) fn default(value: T, note: &str) -> Self {
        Self { value, origin: Origin::Default, note: note.to_owned() }
    }

    /// The value of a named preset.
    pub(crate) fn preset(value: T, note: &str) -> Self {
        Self { value, origin: Origin::Preset, note: note.to_owned() }
    }
}

/// A table of the file, or its absence.
pub(crate) struct Section<'b> {
    /// What all sections share.
    pub(crate) book: &'b Book,
    /// The path of the section with the names of list entries, for reports.
    path: String,
    /// The path without those names.
    shape: String,
    place: Place,
    /// The comment above the section's heading, or above that of the section around it: it goes for every value without
    /// a comment of its own.
    note: Option<String>,
    table: Table,
    known: RefCell<Vec<String>>,
}

impl<'b> Section<'b> {
    /// The whole file.
    pub(crate) fn root(book: &'b Book, table: Table) -> Self {
        let place = Place { text: 0, span: 0..0 };
        Self { book, path: String::new(), shape: String::new(), place, note: None, table, known: RefCell::default() }
    }

    /// The path of a key.
    pub(crate) fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Where a key's value is, or the section if the key is absent.
    pub(crate) fn place_of(&self, key: &str) -> Place {
        self.peek(key).map_or_else(|| self.place.clone(), |entry| entry.node.place.clone())
    }

    /// Whether the file has the key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.peek(key).is_some()
    }

    /// Notes a problem with a key's value.
    pub(crate) fn report(&self, key: &str, label: &str, message: impl Into<String>, help: impl Into<String>) {
        self.book.report(&self.place_of(key), label, Wrong::new(message, help));
    }

    /// Notes at the first of some keys that their values contradict each other. Not if there is a problem with one of
    /// them: something else stands in for it then, and nobody wrote that.
    pub(crate) fn contradict(&self, keys: &[&str], label: &str, message: impl Into<String>, help: impl Into<String>) {
        if !keys.iter().any(|key| self.has(key) && self.book.has_problem(&self.place_of(key))) {
            self.report(keys[0], label, message, help);
        }
    }

    /// The value of a key, or what stands in for it.
    pub(crate) fn or<K: Kind>(&self, key: &str, kind: &K, otherwise: Otherwise<K::Value>) -> K::Value {
        if let Some(value) = self.read(key, kind) {
            return value;
        }
        if !self.has(key) {
            self.book.record(self.path_of(key), kind.print(&otherwise.value), otherwise.origin, otherwise.note);
        }
        otherwise.value
    }

    /// The value of a key that may be absent; `absent` says what that means, and `note` why it is the default.
    pub(crate) fn maybe<K: Kind>(&self, key: &str, kind: &K, absent: &str, note: &str) -> Option<K::Value> {
        let value = self.read(key, kind);
        if !self.has(key) && !absent.is_empty() {
            self.book.record(self.path_of(key), absent.to_owned(), Origin::Default, note);
        }
        value
    }

    /// The value of a key that must be there.
    pub(crate) fn need<K: Kind>(&self, key: &str, kind: &K, help: &str) -> Option<K::Value> {
        let value = self.read(key, kind);
        if !self.has(key) {
            let section = if self.path.is_empty() { "the scenario" } else { &self.path };
            let wrong = Wrong::new(format!("{section} has no `{key}`"), help);
            self.book.report(&self.place, "needed here", wrong);
        }
        value
    }

    /// Reads a key without writing its value down.
    pub(crate) fn read_quietly<K: Kind>(&self, key: &str, kind: &K) -> Option<K::Value> {
        self.ask(key);
        let entry = self.peek(key)?;
        let mut wrongs = Vec::new();
        let value = kind.inspect(&entry.node, &mut wrongs);
        for (place, wrong) in wrongs {
            self.book.report(&place, "here", wrong);
        }
        value
    }

    fn read<K: Kind>(&self, key: &str, kind: &K) -> Option<K::Value> {
        let value = self.read_quietly(key, kind)?;
        let (origin, note) = self.provenance(key);
        self.book.record(self.path_of(key), kind.print(&value), origin, note);
        Some(value)
    }

    /// Where the value of a key that the file has comes from, and the comment beside it.
    pub(crate) fn provenance(&self, key: &str) -> (Origin, String) {
        let place = self.place_of(key);
        let text = &self.book.texts[place.text];
        let general = || self.note.clone().filter(|_| text.origin == Origin::File);
        (text.origin, text.comment(&place.span).or_else(general).unwrap_or_else(|| UNSOURCED.to_owned()))
    }

    /// The value of a key as it is in the file.
    pub(crate) fn node(&self, key: &str) -> Option<&Node> {
        self.ask(key);
        self.peek(key).map(|entry| &entry.node)
    }

    /// A table inside this one; empty if absent.
    pub(crate) fn section(&self, key: &str) -> Section<'b> {
        self.ask(key);
        let (path, shape) = (self.path_of(key), join(&self.shape, key));
        match self.peek(key) {
            Some(Entry { place, node: Node { value: Value::Table(table), .. }, .. }) => {
                self.inside(path, shape, place.clone(), table.clone())
            }
            Some(entry) => {
                self.book.report(
                    &entry.node.place,
                    "here",
                    Wrong::expected("a table", &entry.node, format!("write [{path}]")),
                );
                self.inside(path, shape, entry.place.clone(), Table::new())
            }
            None => self.inside(path, shape, self.place.clone(), Table::new()),
        }
    }

    /// The entries of a list, each with its place.
    pub(crate) fn list(&self, key: &str, what: &str) -> Vec<Node> {
        match self.node(key) {
            None => Vec::new(),
            Some(Node { value: Value::List(list), .. }) => list.clone(),
            Some(node) => {
                self.book.report(&node.place, "here", Wrong::expected(what, node, "write it in square brackets"));
                Vec::new()
            }
        }
    }

    /// The tables of a list, named by their `name` or position.
    pub(crate) fn sections(&self, key: &str) -> Vec<Section<'b>> {
        let list = self.list(key, "a list of tables");
        list.iter().enumerate().filter_map(|(position, node)| self.entry(key, position, node)).collect()
    }

    /// One table of a list.
    pub(crate) fn entry(&self, key: &str, position: usize, node: &Node) -> Option<Section<'b>> {
        let Value::Table(table) = &node.value else {
            self.book.report(&node.place, "here", Wrong::expected("a table", node, format!("write [[{key}]]")));
            return None;
        };
        let name = table.iter().find(|entry| entry.key == "name").map(|entry| &entry.node.value);
        let name = if let Some(Value::Text(name)) = name { name.clone() } else { position.to_string() };
        let place = table.first().map_or(node.place.clone(), |entry| entry.place.clone());
        let shape = format!("{}[]", join(&self.shape, key));
        let section = self.inside(join(&self.path_of(key), &name), shape, place, table.clone());
        Some(Section { note: self.comment(&node.place), ..section })
    }

    /// The tables inside this one whose names are free, with the place of each name.
    pub(crate) fn named_sections(&self) -> Vec<(String, Place, Section<'b>)> {
        let known = self.known.borrow().clone();
        let is_free = |entry: &&Entry| matches!(entry.node.value, Value::Table(_)) && !known.contains(&entry.key);
        self.table
            .iter()
            .filter(is_free)
            .map(|entry| {
                self.known.borrow_mut().push(entry.key.clone());
                let Value::Table(table) = &entry.node.value else { unreachable!("only tables were kept") };
                let path = self.path_of(&entry.key);
                let section = self.inside(path, join(&self.shape, "*"), entry.place.clone(), table.clone());
                (entry.key.clone(), entry.place.clone(), section)
            })
            .collect()
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(self) {
        let known = self.known.borrow();
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        for entry in self.table.iter().filter(|entry| !known.contains(&entry.key)) {
            let place = if self.path.is_empty() { "a scenario".to_owned() } else { format!("`{}`", self.path) };
            let message = format!("{place} has no key `{}`", entry.key);
            let label = "unknown key";
            self.book.report(&entry.place, label, Wrong::new(message, suggestion(&entry.key, &names)));
        }
    }

    fn inside(&self, path: String, shape: String, place: Place, table: Table) -> Section<'b> {
        let note = self.comment(&place);
        Section { book: self.book, path, shape, place, note, table, known: RefCell::default() }
    }

    /// The comment at a place, or that of this section.
    fn comment(&self, place: &Place) -> Option<String> {
        self.book.texts[place.text].comment(&place.span).or_else(|| self.note.clone())
    }

    fn peek(&self, key: &str) -> Option<&Entry> {
        self.table.iter().find(|entry| entry.key == key)
    }

    fn ask(&self, key: &str) {
        let mut known = self.known.borrow_mut();
        if !known.iter().any(|known| known == key) {
            known.push(key.to_owned());
        }
        self.book.asked.borrow_mut().insert(join(&self.shape, key));
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
