//! The scenario file as a tree of values that know their places. Reads TOML as far as it can be read.

use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;
use toml::de::{DeTable, DeValue};

use super::plan::Origin;
use super::problem::Problem;

/// Where something is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// Which text: the file is 0, the overrides follow in order.
    pub text: usize,
    /// The bytes.
    pub span: Range<usize>,
}

impl Place {
    /// Whether it is another place or a part of it.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.text == other.text && other.span.start <= self.span.start && self.span.end <= other.span.end
    }
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Text in quotes, or an override that is nothing else.
    Text(String),
    /// A whole number.
    Whole(i128),
    /// A number with a fraction.
    Fraction(f64),
    /// True or false.
    Flag(bool),
    /// A date or a time without quotes, as written.
    Date(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

impl Value {
    /// What the value is, for messages.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Whole(_) => "a whole number",
            Self::Fraction(_) => "a decimal number",
            Self::Flag(_) => "true or false",
            Self::Date(_) => "a date or time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The value.
    pub value: Value,
    /// The place of the value.
    pub place: Place,
}

/// One key of a table.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key.
    pub key: String,
    /// The place of the key.
    pub place: Place,
    /// Its value.
    pub node: Node,
}

/// A table, in the order of the file.
pub(crate) type Table = Vec<Entry>;

/// Where the value of a key is written, or what is around it if it is absent.
pub(crate) fn place_of(table: &Table, key: &str) -> Place {
    let mut place = Place { text: 0, span: 0..0 };
    let mut inside = Some(table);
    for part in key.split('.') {
        let Some(entry) = inside.and_then(|table| table.iter().find(|entry| entry.key == part)) else { break };
        let table = if let Value::Table(table) = &entry.node.value { Some(table) } else { None };
        place = if table.is_some() { entry.place.clone() } else { entry.node.place.clone() };
        inside = table;
    }
    place
}

/// A text that values come from.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Its name and content.
    pub source: Arc<NamedSource<String>>,
    /// What its values are.
    pub origin: Origin,
}

impl Text {
    pub(crate) fn new(name: &str, content: &str, origin: Origin) -> Self {
        Self { source: Arc::new(NamedSource::new(name, content.to_owned())), origin }
    }

    /// The comment that belongs to the value that ends at a byte: on the same line, or else on the lines just above.
    pub(crate) fn comment(&self, span: &Range<usize>) -> Option<String> {
        let content = self.source.inner();
        let rest = content.get(span.end..)?.lines().next().unwrap_or("");
        if let Some((between, comment)) = rest.split_once('#')
            && between.chars().all(|c| c.is_whitespace() || ",]}".contains(c))
        {
            return Some(comment.trim().to_owned());
        }
        let line_start = content.get(..span.start)?.rfind('\n')?;
        let mut lines: Vec<&str> = content[..line_start]
            .lines()
            .rev()
            .map_while(|line| line.trim().strip_prefix('#'))
            .map(str::trim)
            .collect();
        lines.reverse();
        (!lines.is_empty()).then(|| lines.join(" "))
    }
}

/// Reads a file as far as possible.
pub(crate) fn parse(content: &str, text: &Text) -> (Table, Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(content);
    let problems = errors
        .into_iter()
        .map(|error| Problem {
            message: format!("not TOML: {}", error.message()),
            label: "here".to_owned(),
            help: Some(help(error.message()).to_owned()),
            text: Arc::clone(&text.source),
            at: Some(error.span().unwrap_or(0..0)),
        })
        .collect();
    (table_of(table.get_ref(), 0, 0), problems)
}

/// What may be done about text that is not TOML.
fn help(message: &str) -> &'static str {
    if message.contains("date") {
        "write a day that there is as year, month, day: 2020-10-05"
    } else {
        "texts are in quotes, sections in brackets, comments begin with #"
    }
}

/// Applies an override `path=value` to the tree.
pub(crate) fn apply(root: &mut Table, number: usize, text: &Text) -> Result<(), Problem> {
    let content = text.source.inner();
    let problem = |message: String, span: Range<usize>| Problem {
        message,
        label: "here".to_owned(),
        help: Some("write --set path=value, for example --set target.switch.duration=\"9 min\"".to_owned()),
        text: Arc::clone(&text.source),
        at: Some(span),
    };
    let Some((path, value)) = content.split_once('=') else {
        return Err(problem("an override without `=`".to_owned(), 0..content.len()));
    };
    let start = path.len() + 1;
    let node = override_value(value, number, start);
    let keys: Vec<&str> = path.trim().split('.').collect();
    if keys.iter().any(|key| key.is_empty()) {
        return Err(problem("an override with an empty key".to_owned(), 0..path.len()));
    }
    let place = Place { text: number, span: 0..path.len() };
    put(root, &keys, node, &place).map_err(|message| problem(message, 0..path.len()))
}

/// The value of an override: TOML if it is TOML, otherwise plain text.
fn override_value(value: &str, number: usize, start: usize) -> Node {
    let document = format!("v={value}");
    let parsed = DeTable::parse(&document).ok();
    let node = parsed.as_ref().filter(|table| table.get_ref().len() == 1).and_then(|table| {
        let (_, value) = table.get_ref().iter().next()?;
        // The document has two bytes before the value, the override at least as many.
        Some(node_of(value.get_ref(), &value.span(), number, start.saturating_sub(2)))
    });
    node.unwrap_or_else(|| Node {
        value: Value::Text(value.trim().to_owned()),
        place: Place { text: number, span: start..start + value.len() },
    })
}

/// Puts a value at a path; entries of lists are found by position or by their `name`.
fn put(table: &mut Table, keys: &[&str], node: Node, place: &Place) -> Result<(), String> {
    let (key, rest) = keys.split_first().expect("a path has at least one key");
    let found = table.iter().position(|entry| entry.key == *key);
    let entry = if let Some(position) = found {
        &mut table[position]
    } else {
        let empty = Node { value: Value::Table(Table::new()), place: place.clone() };
        table.push(Entry { key: (*key).to_owned(), place: place.clone(), node: empty });
        table.last_mut().expect("an entry was just added")
    };
    if rest.is_empty() {
        entry.node = node;
        return Ok(());
    }
    match &mut entry.node.value {
        Value::Table(inner) => put(inner, rest, node, place),
        Value::List(list) => put_in_list(list, key, rest, node, place),
        _ => Err(format!("`{key}` is not a table, so it has no `{}`", rest[0])),
    }
}

fn put_in_list(list: &mut [Node], key: &str, rest: &[&str], node: Node, place: &Place) -> Result<(), String> {
    let named = |node: &Node| {
        matches!(&node.value, Value::Table(table) if table.iter().any(|entry| {
            entry.key == "name" && matches!(&entry.node.value, Value::Text(name) if name == rest[0])
        }))
    };
    let position = list.iter().position(named).or_else(|| rest[0].parse().ok());
    let element = position.and_then(|position| list.get_mut(position));
    let Some(element) = element else {
        return Err(format!("`{key}` has no entry `{}`", rest[0]));
    };
    match (&mut element.value, &rest[1..]) {
        (_, []) => *element = node,
        (Value::Table(inner), deeper) => return put(inner, deeper, node, place),
        (_, deeper) => return Err(format!("`{}` is not a table, so it has no `{}`", rest[0], deeper[0])),
    }
    Ok(())
}

fn table_of(table: &DeTable<'_>, number: usize, shift: usize) -> Table {
    let mut entries: Table = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            place: Place { text: number, span: shifted(&key.span(), shift) },
            node: node_of(value.get_ref(), &value.span(), number, shift),
        })
        .collect();
    entries.sort_by_key(|entry| entry.place.span.start);
    entries
}

fn node_of(value: &DeValue<'_>, span: &Range<usize>, number: usize, shift: usize) -> Node {
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(whole) => match i128::from_str_radix(whole.as_str(), whole.radix()) {
            Ok(whole) => Value::Whole(whole),
            Err(_) => Value::Fraction(f64::INFINITY),
        },
        DeValue::Float(number) => Value::Fraction(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(list) => {
            Value::List(list.iter().map(|node| node_of(node.get_ref(), &node.span(), number, shift)).collect())
        }
        DeValue::Table(table) => Value::Table(table_of(table, number, shift)),
    };
    Node { value, place: Place { text: number, span: shifted(span, shift) } }
}

fn shifted(span: &Range<usize>, shift: usize) -> Range<usize> {
    span.start + shift..span.end + shift
}
