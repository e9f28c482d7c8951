//! `$search`: the part of the Keyword Query Language that Outlook takes for messages
//! (learn.microsoft.com/graph/search-query-parameter).

use serde_json::Value;

use super::failure::Failure;
use super::filter::{date, evaluate::Properties};

/// Most words of a search. Assumed.
const MAX_TERMS: usize = 64;

#[derive(Clone, PartialEq, Debug)]
struct Term {
    /// The property that is searched; the usual ones if absent.
    property: Option<String>,
    text: String,
    negated: bool,
}

/// A search: every group must be met, a group by any of its terms.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Search(Vec<Vec<Term>>);

/// Words, with quoted phrases kept whole (`subject:"a b"`).
fn words(text: &str) -> Vec<String> {
    let (mut found, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if !quoted && (c.is_whitespace() || c == '(' || c == ')') => found.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    found.push(word);
    found.retain(|word| !word.is_empty());
    found
}

impl Search {
    /// Reads the value of `$search`: `"text"`, or text without quotation marks.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let words = words(&inner.replace("\\\"", "\""));
        if words.is_empty() || MAX_TERMS < words.len() {
            return Err(Failure::bad("Syntax error: the value of '$search' is empty or too long."));
        }
        let mut groups: Vec<Vec<Term>> = Vec::new();
        let (mut joins, mut negated) = (false, false);
        for word in words {
            match word.as_str() {
                "AND" => {}
                "OR" => joins = true,
                "NOT" => negated = true,
                _ => {
                    let is_negated = negated || word.starts_with('-');
                    let word = word.trim_start_matches('-');
                    let (property, text) = match word.split_once(':') {
                        Some((property, text)) if !property.is_empty() => (Some(property.to_lowercase()), text),
                        _ => (None, word),
                    };
                    let term = Term { property, text: text.to_lowercase(), negated: is_negated };
                    match groups.last_mut() {
                        Some(group) if joins => group.push(term),
                        _ => groups.push(vec![term]),
                    }
                    (joins, negated) = (false, false);
                }
            }
        }
        Ok(Self(groups))
    }

    /// Whether an entity is found.
    pub(super) fn fits(&self, entity: Properties<'_>) -> bool {
        self.0.iter().all(|group| group.iter().any(|term| term.fits(entity) != term.negated))
    }
}

/// Whether any text inside a value holds a text.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own.to_lowercase().contains(text.trim_end_matches('*')),
        Value::Array(list) => list.iter().any(|entry| holds(entry, text)),
        Value::Object(object) => object.values().any(|entry| holds(entry, text)),
        _ => false,
    }
}

impl Term {
    fn fits(&self, entity: Properties<'_>) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| holds(&entity(name), &self.text));
        match self.property.as_deref() {
            // What is searched by default (same page, "Using $search on message collections").
            None => any(&["from", "subject", "body"]),
            Some("from" | "sender") => any(&["from"]),
            Some("to") => any(&["toRecipients"]),
            Some("cc") => any(&["ccRecipients"]),
            Some("bcc") => any(&["bccRecipients"]),
            Some("recipients") => any(&["toRecipients", "ccRecipients", "bccRecipients"]),
            Some("participants") => any(&["from", "toRecipients", "ccRecipients", "bccRecipients"]),
            Some("body") => any(&["body"]),
            Some("category") => any(&["categories"]),
            Some("importance") => any(&["importance"]),
            Some("hasattachments" | "hasattachment") => {
                entity("hasAttachments") == Value::Bool(matches!(self.text.as_str(), "true" | "1" | "yes"))
            }
            Some("received") => self.dates(&entity("receivedDateTime")),
            Some("sent") => self.dates(&entity("sentDateTime")),
            Some(other) => any(&[other]),
        }
    }

    /// `received:2024-05-06`, `received>=..` and `received:a..b`.
    fn dates(&self, value: &Value) -> bool {
        let Some(own) = value.as_str().and_then(date) else { return false };
        let text = self.text.as_str();
        if let Some((from, to)) = text.split_once("..") {
            return date(from).is_some_and(|from| from <= own) && date(to).is_some_and(|to| own <= to);
        }
        for (sign, fits) in [(">=", true), ("<=", false), (">", true), ("<", false)] {
            if let Some(bound) = text.strip_prefix(sign).and_then(date) {
                return if fits { bound <= own } else { own <= bound };
            }
        }
        value.as_str().is_some_and(|own| own.starts_with(text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(search: &str, expect: bool) {
        let entity = json!({
            "subject": "Pizza night", "from": {"emailAddress": {"name": "Bob", "address": "bob@contoso.test"}},
            "body": {"content": "Bring olives"}, "hasAttachments": true, "receivedDateTime": "2024-05-06T07:08:09Z",
        });
        let search_read = Search::parse(search).unwrap_or_else(|failure| panic!("{search}: {failure}"));
        assert_eq!(search_read.fits(&|name| entity[name].clone()), expect, "{search}");
    }

    #[test]
    fn words_are_sought_where_they_may_stand() {
        check("\"pizza\"", true);
        check("\"olives\"", true);
        check("\"pizza AND missing\"", false);
        check("\"missing OR pizza\"", true);
        check("\"NOT missing\"", true);
        check("\"subject:pizza\"", true);
        check("\"subject:olives\"", false);
        check("\"from:bob hasAttachments:true\"", true);
        check("\"subject:\\\"pizza night\\\"\"", true);
        check("\"received:>=2024-01-01\"", true);
        check("\"received:2024-05-06\"", true);
        assert!(Search::parse("\"\"").is_err());
    }
}
