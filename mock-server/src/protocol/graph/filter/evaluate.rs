//! Judges an expression on the JSON form of an entity.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::lexer::date;
use super::{Comparison, Expression};

/// The properties of an entity, by name.
pub(in crate::protocol::graph) type Properties<'a> = &'a dyn Fn(&str) -> Value;

struct Scope<'a> {
    entity: Properties<'a>,
    bound: Vec<(&'a str, Value)>,
}

/// Whether an entity fits.
pub(in crate::protocol::graph) fn fits(expression: &Expression, entity: Properties<'_>) -> bool {
    value(expression, &mut Scope { entity, bound: Vec::new() }) == Value::Bool(true)
}

/// The value at a path of an entity.
pub(in crate::protocol::graph) fn at(path: &[String], entity: Properties<'_>) -> Value {
    let Some((first, rest)) = path.split_first() else { return Value::Null };
    walk(entity(first), rest)
}

fn walk(mut value: Value, steps: &[String]) -> Value {
    for step in steps {
        value = match (step.as_str(), &mut value) {
            ("$count", Value::Array(list)) => Value::from(list.len()),
            (step, Value::Object(object)) => object.remove(step).unwrap_or(Value::Null),
            _ => Value::Null,
        };
    }
    value
}

fn value<'a>(expression: &'a Expression, scope: &mut Scope<'a>) -> Value {
    match expression {
        Expression::Literal(literal) => literal.clone(),
        Expression::Date(moment) => Value::String(moment.to_string()),
        Expression::Path(path) => find(path, scope),
        Expression::Not(inner) => match value(inner, scope) {
            Value::Bool(truth) => Value::Bool(!truth),
            // What a missing value would have said is unknown, and its contrary is taken to hold, as Exchange does.
            _ => Value::Bool(true),
        },
        Expression::And(one, two) => {
            Value::Bool(value(one, scope) == Value::Bool(true) && value(two, scope) == Value::Bool(true))
        }
        Expression::Or(one, two) => {
            Value::Bool(value(one, scope) == Value::Bool(true) || value(two, scope) == Value::Bool(true))
        }
        Expression::Compare(comparison, one, two) => {
            let (one, two) = (value(one, scope), value(two, scope));
            Value::Bool(compare(*comparison, &one, &two))
        }
        Expression::In(one, others) => {
            let one = value(one, scope);
            Value::Bool(others.iter().any(|other| compare(Comparison::Equal, &one, &value(other, scope))))
        }
        Expression::Call(function, arguments) => {
            let arguments: Vec<Value> = arguments.iter().map(|argument| value(argument, scope)).collect();
            function.apply(&arguments)
        }
        Expression::Lambda { all, path, variable, body } => {
            let Value::Array(list) = find(path, scope) else { return Value::Bool(*all) };
            let Some(body) = body else { return Value::Bool(!list.is_empty()) };
            let mut judge = |member: Value| {
                scope.bound.push((variable, member));
                let fits = value(body, scope) == Value::Bool(true);
                scope.bound.pop();
                fits
            };
            let mut list = list.into_iter();
            Value::Bool(if *all { list.all(judge) } else { list.any(&mut judge) })
        }
    }
}

fn find(path: &[String], scope: &Scope<'_>) -> Value {
    let Some((first, rest)) = path.split_first() else { return Value::Null };
    match scope.bound.iter().rev().find(|(name, _)| name == first) {
        Some((_, value)) => walk(value.clone(), rest),
        None => walk((scope.entity)(first), rest),
    }
}

fn moments(one: &str, two: &str) -> Option<(Timestamp, Timestamp)> {
    let looks_like_a_date = |text: &str| text.len() >= 10 && text.as_bytes()[4] == b'-';
    (looks_like_a_date(one) && looks_like_a_date(two)).then(|| Some((date(one)?, date(two)?)))?
}

/// How two values are ordered; nothing if they are not of a kind. Null stands before everything.
pub(in crate::protocol::graph) fn order(one: &Value, two: &Value) -> Option<Ordering> {
    match (one, two) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Null, _) => Some(Ordering::Less),
        (_, Value::Null) => Some(Ordering::Greater),
        (Value::Bool(one), Value::Bool(two)) => Some(one.cmp(two)),
        (Value::Number(one), Value::Number(two)) => one.as_f64()?.partial_cmp(&two.as_f64()?),
        (Value::String(one), Value::String(two)) => match moments(one, two) {
            Some((one, two)) => Some(one.cmp(&two)),
            None => Some(one.to_lowercase().cmp(&two.to_lowercase())),
        },
        // Numbers that travel as texts: 64-bit integers and values of extended properties.
        (Value::String(one), Value::Number(two)) => one.parse::<f64>().ok()?.partial_cmp(&two.as_f64()?),
        (Value::Number(one), Value::String(two)) => one.as_f64()?.partial_cmp(&two.parse::<f64>().ok()?),
        (Value::String(one), Value::Bool(two)) => Some(one.parse::<bool>().ok()?.cmp(two)),
        _ => None,
    }
}

fn compare(comparison: Comparison, one: &Value, two: &Value) -> bool {
    let ordering = order(one, two);
    let missing = one.is_null() || two.is_null();
    match comparison {
        Comparison::Equal => ordering == Some(Ordering::Equal),
        Comparison::NotEqual => ordering != Some(Ordering::Equal),
        _ if missing => false,
        Comparison::Less => ordering == Some(Ordering::Less),
        Comparison::LessOrEqual => ordering.is_some_and(Ordering::is_le),
        Comparison::Greater => ordering == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::parse;
    use super::*;

    const WORDS: [&str; 15] =
        ["a", "eq", "and", "not", "(", ")", "'x'", "any", "a/any(", "b:", "1", "-", ",", "2024-01-01", "é"];

    fn entity() -> Value {
        json!({
            "subject": "Quarterly 'Report'", "isRead": false, "size": 12, "note": null,
            "receivedDateTime": "2024-05-06T07:08:09Z",
            "from": {"emailAddress": {"address": "Bob@contoso.test"}},
            "categories": ["Red", "Blue"],
            "toRecipients": [{"emailAddress": {"address": "a@b.c"}}, {"emailAddress": {"address": "d@e.f"}}],
            "singleValueExtendedProperties": [{"id": "Integer 0x0E07", "value": "9"}],
        })
    }

    fn check(filter: &str, expect: bool) {
        let entity = entity();
        let expression = parse(filter).unwrap_or_else(|failure| panic!("{filter}: {failure}"));
        assert_eq!(fits(&expression, &|name| entity[name].clone()), expect, "{filter}");
    }

    #[test]
    fn comparisons_hold_by_the_type_of_their_values() {
        check("isRead eq false", true);
        check("size gt 11 and size le 12", true);
        check("subject eq 'quarterly ''report'''", true);
        check("subject ne 'x'", true);
        check("receivedDateTime ge 2024-05-06", true);
        check("receivedDateTime lt 2024-05-06T07:08:09.001Z", true);
        check("receivedDateTime eq 2024-05-06T09:08:09+02:00", true);
        check("note eq null", true);
        check("note gt 5", false);
        check("size in (1, 12)", true);
        check("from/emailAddress/address eq 'bob@CONTOSO.test'", true);
    }

    #[test]
    fn words_bind_as_odata_says() {
        check("isRead eq true and size eq 12 or size eq 12", true);
        check("isRead eq true and (size eq 12 or size eq 12)", false);
        check("not (isRead eq true)", true);
        check("not contains(subject,'nothing')", true);
    }

    #[test]
    fn functions_and_lambdas_are_carried_out() {
        check("startswith(subject,'quart') and endswith(subject, '''')", true);
        check("contains(tolower(subject), 'report')", true);
        check("year(receivedDateTime) eq 2024 and hour(receivedDateTime) eq 7", true);
        check("length(subject) gt 100", false);
        check("categories/any(c: c eq 'blue')", true);
        check("categories/any()", true);
        check("categories/Any(c: c eq 'blue') and not categories/ALL(c: c eq 'blue')", true);
        check("categories/all(c:c eq 'blue')", false);
        check("toRecipients/any(r:r/emailAddress/address eq 'd@e.f')", true);
        check("singleValueExtendedProperties/any(ep: ep/id eq 'Integer 0x0E07' and ep/value eq '9')", true);
        check(
            "singleValueExtendedProperties/any(ep: ep/id eq 'Integer 0x0E07' and cast(ep/value, Edm.Int32) gt 5)",
            true,
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["subject eq", "(", "foo(1)", "subject eq 'x", "a/any(x", "startswith(a)", "a eq 1 b", "#"] {
            assert_eq!(parse(text).map_err(|failure| failure.status()), Err(400), "{text}");
        }
        assert!(parse(&"(".repeat(100_000)).is_err());
        assert!(parse(&"not ".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text: String) {
            if let Ok(expression) = parse(&text) {
                fits(&expression, &|_| Value::Null);
            }
        }

        #[test]
        fn words_in_any_order_are_read_without_harm(
            words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..30)
        ) {
            if let Ok(expression) = parse(&words.join(" ")) {
                fits(&expression, &|_| Value::Null);
            }
        }
    }
}
