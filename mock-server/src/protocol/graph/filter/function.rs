//! The functions that expressions may call.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::lexer::date;

/// A function.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(in crate::protocol::graph) enum Function {
    StartsWith,
    EndsWith,
    Contains,
    Length,
    IndexOf,
    Substring,
    ToLower,
    ToUpper,
    Trim,
    Concat,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Date,
    Round,
    Floor,
    Ceiling,
    Cast,
}

impl Function {
    const ALL: [(&'static str, Self, usize, usize); 22] = [
        ("startswith", Self::StartsWith, 2, 2),
        ("endswith", Self::EndsWith, 2, 2),
        ("contains", Self::Contains, 2, 2),
        ("length", Self::Length, 1, 1),
        ("indexof", Self::IndexOf, 2, 2),
        ("substring", Self::Substring, 2, 3),
        ("tolower", Self::ToLower, 1, 1),
        ("toupper", Self::ToUpper, 1, 1),
        ("trim", Self::Trim, 1, 1),
        ("concat", Self::Concat, 2, 2),
        ("year", Self::Year, 1, 1),
        ("month", Self::Month, 1, 1),
        ("day", Self::Day, 1, 1),
        ("hour", Self::Hour, 1, 1),
        ("minute", Self::Minute, 1, 1),
        ("second", Self::Second, 1, 1),
        ("date", Self::Date, 1, 1),
        ("round", Self::Round, 1, 1),
        ("floor", Self::Floor, 1, 1),
        ("ceiling", Self::Ceiling, 1, 1),
        ("cast", Self::Cast, 2, 2),
        ("substringof", Self::Contains, 2, 2),
    ];

    /// The function of a name, with the fewest and most arguments that it takes.
    pub(super) fn named(name: &str) -> Option<(Self, usize, usize)> {
        let found = Self::ALL.iter().find(|(own, ..)| own.eq_ignore_ascii_case(name))?;
        Some((found.1, found.2, found.3))
    }

    /// What the function makes of its arguments; null where they do not fit.
    pub(super) fn apply(self, arguments: &[Value]) -> Value {
        self.result(arguments).unwrap_or(Value::Null)
    }

    fn result(self, arguments: &[Value]) -> Option<Value> {
        let text = |at: usize| arguments.get(at)?.as_str();
        let lower = |at: usize| text(at).map(str::to_lowercase);
        Some(match self {
            Self::StartsWith => Value::Bool(lower(0)?.starts_with(&lower(1)?)),
            Self::EndsWith => Value::Bool(lower(0)?.ends_with(&lower(1)?)),
            Self::Contains => Value::Bool(lower(0)?.contains(&lower(1)?)),
            Self::Length => Value::from(text(0)?.chars().count()),
            Self::IndexOf => {
                let (whole, part) = (lower(0)?, lower(1)?);
                whole.find(&part).map_or(Value::from(-1), |at| Value::from(whole[..at].chars().count()))
            }
            Self::Substring => {
                let count = |at: usize| arguments.get(at)?.as_u64().map(|count| count as usize);
                let rest = text(0)?.chars().skip(count(1)?);
                Value::String(rest.take(count(2).unwrap_or(usize::MAX)).collect())
            }
            Self::ToLower => Value::String(lower(0)?),
            Self::ToUpper => Value::String(text(0)?.to_uppercase()),
            Self::Trim => Value::from(text(0)?.trim()),
            Self::Concat => Value::String(format!("{}{}", text(0)?, text(1)?)),
            Self::Year | Self::Month | Self::Day | Self::Hour | Self::Minute | Self::Second | Self::Date => {
                return self.of_date(date(text(0)?)?);
            }
            Self::Round => Value::from(libm::round(arguments.first()?.as_f64()?)),
            Self::Floor => Value::from(libm::floor(arguments.first()?.as_f64()?)),
            Self::Ceiling => Value::from(libm::ceil(arguments.first()?.as_f64()?)),
            Self::Cast => return cast(arguments.first()?, text(1)?),
        })
    }

    fn of_date(self, moment: Timestamp) -> Option<Value> {
        let moment = moment.to_zoned(TimeZone::UTC);
        Some(match self {
            Self::Year => Value::from(moment.year()),
            Self::Month => Value::from(moment.month()),
            Self::Day => Value::from(moment.day()),
            Self::Hour => Value::from(moment.hour()),
            Self::Minute => Value::from(moment.minute()),
            Self::Second => Value::from(moment.second()),
            Self::Date => Value::from(moment.date().to_string()),
            _ => return None,
        })
    }
}

/// Values of extended properties are texts: `cast(ep/value, Edm.Int32)` makes them comparable.
fn cast(value: &Value, kind: &str) -> Option<Value> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => return None,
        other => other.to_string(),
    };
    Some(match kind {
        "Edm.Int16" | "Edm.Int32" | "Edm.Int64" => Value::from(text.trim().parse::<i64>().ok()?),
        "Edm.Double" | "Edm.Single" | "Edm.Decimal" => Value::from(text.trim().parse::<f64>().ok()?),
        "Edm.Boolean" => Value::Bool(text.trim().parse::<bool>().ok()?),
        _ => Value::String(text),
    })
}
