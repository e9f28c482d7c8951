//! Cuts a query expression into its tokens.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::protocol::graph::failure::Failure;

/// A token.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    /// A name, keyword or path.
    Word(String),
    /// A text between apostrophes, a number, a truth value or null.
    Literal(Value),
    Date(Timestamp),
    Open,
    Close,
    Comma,
    Colon,
}

/// The moment of a date as queries write it: a day, or a day and a time, in UTC where no offset is given.
pub(in crate::protocol::graph) fn date(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok().or_else(|| {
        let day: Date = text.parse().ok()?;
        Some(day.at(0, 0, 0, 0))
    })?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn unquoted(text: &str) -> Token {
    if let Ok(number) = text.parse::<i64>() {
        return Token::Literal(Value::from(number));
    }
    let looks_like_a_day = text.len() >= 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    if looks_like_a_day && let Some(moment) = date(text) {
        return Token::Date(moment);
    }
    match text.trim_end_matches(['d', 'f', 'm', 'D', 'F', 'M']).parse::<f64>() {
        Ok(number) if number.is_finite() => Token::Literal(Value::from(number)),
        // A GUID or something else that is compared as text.
        _ => Token::Literal(Value::from(text)),
    }
}

fn word(text: &str) -> Token {
    match text {
        "null" => Token::Literal(Value::Null),
        "true" => Token::Literal(Value::Bool(true)),
        "false" => Token::Literal(Value::Bool(false)),
        _ => Token::Word(text.to_owned()),
    }
}

/// The text that begins at an apostrophe, and where it ends.
fn quoted(text: &str) -> Result<(String, &str), Failure> {
    let mut rest = &text[1..];
    let mut found = String::new();
    loop {
        let Some((before, after)) = rest.split_once('\'') else {
            return Err(Failure::query(format!("There is an unterminated string literal in '{text}'.")));
        };
        found.push_str(before);
        match after.strip_prefix('\'') {
            Some(after) => {
                found.push('\'');
                rest = after;
            }
            None => return Ok((found, after)),
        }
    }
}

/// Cuts a text into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Failure> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let single = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Comma),
            ':' => Some(Token::Colon),
            _ => None,
        };
        if let Some(token) = single {
            found.push(token);
            rest = &rest[1..];
        } else if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
        } else if first == '\'' {
            let (text, after) = quoted(rest)?;
            found.push(Token::Literal(Value::String(text)));
            rest = after;
        } else if first.is_ascii_digit() || first == '-' {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, ':' | '.' | '+' | '-'));
            let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
            found.push(unquoted(number));
            rest = after;
        } else if first.is_alphabetic() || matches!(first, '_' | '$' | '@') {
            let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '/' | '.' | '$' | '@'));
            let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
            // The type before a quoted value: datetime'..', guid'..', binary'..'.
            if after.starts_with('\'') && !matches!(name, "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "in") {
                let (text, after) = quoted(after)?;
                found.push(unquoted(&text));
                rest = after;
            } else {
                found.push(word(name));
                rest = after;
            }
        } else {
            return Err(Failure::query(format!("Syntax error: character '{first}' is not valid in '{text}'.")));
        }
    }
    Ok(found)
}
