//! The query of a request: `OData`'s system options, those inside `$expand` included.
//!
//! Keys are found with and without a leading dollar sign, in any case, as in `OData` 4.01.

use std::borrow::Cow;

use super::failure::Failure;
use super::filter::{self, Expression};

/// Most keys in a query. Assumed.
const MAX_KEYS: usize = 64;

/// Deepest nesting of `$expand`. Assumed; the service takes one or two.
const MAX_EXPANSION: usize = 4;

/// A property to order by.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Order {
    /// Its steps.
    pub path: Vec<String>,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// A related resource that is to be written with its owner.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Expansion {
    /// Its name, without the namespace of a type.
    pub name: String,
    /// What is asked of it.
    pub query: Query,
}

/// A query as it was read.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Query {
    pub top: Option<u32>,
    pub skip: Option<u32>,
    /// The properties that are wanted; all that are usual if absent.
    pub select: Option<Vec<String>>,
    pub filter: Option<Expression>,
    pub order: Vec<Order>,
    pub count: bool,
    pub search: Option<String>,
    pub expand: Vec<Expansion>,
    pub skip_token: Option<String>,
    pub delta_token: Option<String>,
    /// All keys and values as they were read, for links and for keys that only one resource knows.
    pub pairs: Vec<(String, String)>,
}

fn bare(key: &str) -> &str {
    key.strip_prefix('$').unwrap_or(key)
}

fn count(key: &str, text: &str) -> Result<u32, Failure> {
    text.trim().parse().map_err(|_| {
        Failure::query(format!(
            "Invalid value '{text}' for ${key} query option found. \
             The ${key} query option requires a non-negative integer value."
        ))
    })
}

impl Query {
    /// Reads the part of a URL behind the question mark.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes())
            .filter(|(key, _)| !key.is_empty())
            .take(MAX_KEYS + 1)
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        if MAX_KEYS < pairs.len() {
            return Err(Failure::query("The query has too many options."));
        }
        Self::read(pairs, 0)
    }

    fn read(pairs: Vec<(String, String)>, depth: usize) -> Result<Self, Failure> {
        let mut query = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (key, value) in &pairs {
            let name = bare(key).to_ascii_lowercase();
            if key.starts_with('$') && seen.contains(&name) {
                return Err(Failure::query(format!("Query option '{key}' was specified more than once.")));
            }
            match name.as_str() {
                "top" => query.top = Some(count("top", value)?),
                "skip" => query.skip = Some(count("skip", value)?),
                "select" => query.select = Some(names(value)),
                "filter" if !value.trim().is_empty() => query.filter = Some(filter::parse(value)?),
                "orderby" => query.order = orders(value)?,
                "count" => query.count = truth(value)?,
                "search" => query.search = Some(value.clone()),
                "expand" => query.expand = expansions(value, depth)?,
                "skiptoken" => query.skip_token = Some(value.clone()),
                "deltatoken" => query.delta_token = Some(value.clone()),
                "filter" | "levels" | "format" | "apply" | "compute" => {}
                _ if key.starts_with('$') => {
                    return Err(Failure::query(format!("The query parameter '{key}' is not supported.")));
                }
                _ => {}
            }
            seen.push(name);
        }
        query.pairs = pairs;
        Ok(query)
    }

    /// The value of a key that only one resource knows (`startDateTime`, `includeHiddenFolders`).
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(name, _)| bare(name).eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.as_str())
    }

    /// What is asked of a related resource, if it is to be written.
    pub(super) fn expansion(&self, name: &str) -> Option<&Query> {
        let found = self.expand.iter().find(|expansion| expansion.name.eq_ignore_ascii_case(name));
        found.map(|expansion| &expansion.query)
    }

    /// Whether a property is wanted.
    pub(super) fn selects(&self, name: &str) -> bool {
        self.select.as_ref().is_none_or(|names| names.iter().any(|own| own.eq_ignore_ascii_case(name)))
    }

    /// The query again, without some keys and with one more, for a link. Begins with a question mark.
    pub(super) fn with(&self, without: &[&str], key: &str, value: &str) -> String {
        let mut writer = form_urlencoded::Serializer::new(String::new());
        for (name, text) in &self.pairs {
            if !without.iter().any(|other| bare(name).eq_ignore_ascii_case(other)) {
                writer.append_pair(name, text);
            }
        }
        writer.append_pair(key, value);
        // Dollar signs and commas stay readable, as the service writes them.
        let text = writer.finish().replace("%24", "$").replace("%2C", ",").replace("%28", "(").replace("%29", ")");
        format!("?{text}")
    }
}

fn truth(text: &str) -> Result<bool, Failure> {
    match text.trim() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Failure::query(format!("Invalid value '{text}' for $count query option found."))),
    }
}

fn names(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.rsplit_once('/').map_or(part, |(first, _)| first).to_owned()).collect()
}

fn orders(text: &str) -> Result<Vec<Order>, Failure> {
    let mut found = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let mut words = part.split_whitespace();
        let path = words.next().unwrap_or_default().split('/').map(str::to_owned).collect();
        let descending = match words.next() {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("asc") => false,
            Some(word) if word.eq_ignore_ascii_case("desc") => true,
            Some(_) => return Err(Failure::query(format!("Syntax error in '$orderby' at '{part}'."))),
        };
        if words.next().is_some() {
            return Err(Failure::query(format!("Syntax error in '$orderby' at '{part}'.")));
        }
        found.push(Order { path, descending });
    }
    Ok(found)
}

/// Cuts a text at a character that stands outside parentheses and quoted texts.
fn cut(text: &str, at: char) -> Vec<&str> {
    let (mut depth, mut quoted, mut start) = (0_usize, false, 0);
    let mut parts = Vec::new();
    for (position, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ if c == at && !quoted && depth == 0 => {
                parts.push(&text[start..position]);
                start = position + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn expansions(text: &str, depth: usize) -> Result<Vec<Expansion>, Failure> {
    if MAX_EXPANSION <= depth {
        return Err(Failure::query("The maximum depth of $expand is exceeded."));
    }
    let mut found = Vec::new();
    for part in cut(text, ',') {
        let (name, options) = match part.split_once('(') {
            Some((name, rest)) => {
                let unclosed = || Failure::query(format!("Syntax error in '$expand' at '{part}'."));
                (name.trim(), rest.strip_suffix(')').ok_or_else(unclosed)?)
            }
            None => (part, ""),
        };
        let pair = |option: &str| {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            (key.trim().to_owned(), value.trim().to_owned())
        };
        let query = Query::read(cut(options, ';').into_iter().map(pair).collect(), depth + 1)?;
        let name = name.rsplit('/').next().unwrap_or(name).to_owned();
        found.push(Expansion { name, query });
    }
    Ok(found)
}

/// A text as a segment of a path between apostrophes, or as the value of a key.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    percent_encoding::utf8_percent_encode(text, SEGMENT).into()
}

/// What a segment must not hold as it is (RFC 3986 section 3.3), and the apostrophe.
const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'=')
    .remove(b'@')
    .remove(b'$');

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn options_are_read_with_and_without_a_dollar_sign() {
        let query =
            Query::parse("%24top=7&skip=2&$select=subject,%20from/emailAddress&$count=true&x=y").expect("readable");
        assert_eq!((query.top, query.skip, query.count), (Some(7), Some(2), true));
        assert!(query.selects("Subject") && query.selects("from") && !query.selects("body"));
        assert_eq!(query.get("X"), Some("y"));
    }

    #[test]
    fn expansions_hold_queries_of_their_own() {
        let text = "$expand=attachments($select=id,name;$top=3),singleValueExtendedProperties(\
                    $filter=id eq 'Integer 0x0e23' or id eq 'String (;x)'),microsoft.graph.itemattachment/item";
        let query = Query::parse(text).expect("readable");
        assert_eq!(query.expand.len(), 3);
        let inner = query.expansion("attachments").expect("named");
        assert_eq!((inner.top, inner.selects("name"), inner.selects("size")), (Some(3), true, false));
        let mut texts = Vec::new();
        let wanted = query.expansion("singleValueExtendedProperties").and_then(|inner| inner.filter.as_ref());
        wanted.expect("a filter").visit_texts(&mut |text| texts.push(text));
        assert_eq!(texts, ["Integer 0x0e23", "String (;x)"]);
        assert!(query.expansion("item").is_some());
    }

    #[test]
    fn orders_say_which_way() {
        let query = Query::parse("$orderby=from/emailAddress/name desc, subject asc").expect("readable");
        let path = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>();
        let first = Order { path: path(&["from", "emailAddress", "name"]), descending: true };
        assert_eq!(query.order, [first, Order { path: path(&["subject"]), descending: false }]);
    }

    #[test]
    fn links_keep_the_query_but_for_what_changes() {
        let query = Query::parse("$top=7&$select=a,b&$skiptoken=x").expect("readable");
        assert_eq!(query.with(&["skiptoken"], "$skiptoken", "y="), "?$top=7&$select=a,b&$skiptoken=y%3D");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["$top=-1", "$top=x", "$count=1", "$orderby=a b", "$expand=a(b", "$nosuch=1", "$top=1&$top=2"] {
            assert_eq!(Query::parse(text).map_err(|failure| failure.status()), Err(400), "{text}");
        }
        assert!(Query::parse(&"$expand=a(".repeat(10_000)).is_err());
        assert!(Query::parse(&"a=b&".repeat(100)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text: String) {
            Query::parse(&text).ok();
            Query::parse(&format!("$expand={text}")).ok();
        }
    }
}
