//! The kinds of value that a key can have: how each is read, checked and printed back.

use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::str::FromStr;

use mock_server::draw::Distribution;
use mock_server::time::Span;
use strum::VariantArray;

use super::file::{Node, Place, Value};
use super::unit::{UnitError, distribution, rate, size, time};

/// Why a value is not of the wanted kind.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub message: String,
    pub help: String,
}

impl Wrong {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }

    pub(crate) fn expected(what: &str, found: &Node, help: impl Into<String>) -> Self {
        Self::new(format!("expected {what}, found {}", found.value.noun()), help)
    }
}

impl From<UnitError> for Wrong {
    fn from(error: UnitError) -> Self {
        Self { message: error.message, help: error.help }
    }
}

/// A kind of value.
pub(crate) trait Kind {
    /// What it is in the plan.
    type Value;
    /// Reads and checks a value.
    fn read(&self, node: &Node) -> Result<Self::Value, Wrong>;
    /// Reads and checks a value, and notes all that is wrong in it with its place.
    fn inspect(&self, node: &Node, wrongs: &mut Vec<(Place, Wrong)>) -> Option<Self::Value> {
        self.read(node).map_err(|wrong| wrongs.push((node.place.clone(), wrong))).ok()
    }
    /// Prints a value as a scenario would write it, so that equal texts mean equal values.
    fn print(&self, value: &Self::Value) -> String;
}

/// A count from a range. A text may name what is counted: `"27 requests"`.
pub(crate) struct Count<T>(pub RangeInclusive<T>);

impl<T: Copy + PartialOrd + Display + TryFrom<i128>> Kind for Count<T> {
    type Value = T;

    fn read(&self, node: &Node) -> Result<T, Wrong> {
        let (least, most) = (self.0.start(), self.0.end());
        let help = format!("write a whole number from {least} to {most}");
        let whole = match &node.value {
            Value::Whole(whole) => *whole,
            Value::Text(text) => {
                let (digits, word) = text.trim().split_once(' ').unwrap_or((text.trim(), "requests"));
                let whole = digits.replace('_', "").parse().ok();
                let known = matches!(word.trim(), "requests" | "calls" | "mailboxes" | "items");
                whole.filter(|_| known).ok_or_else(|| Wrong::new(format!("`{text}` is not a count"), help.as_str()))?
            }
            _ => return Err(Wrong::expected("a whole number", node, help)),
        };
        let outside = || {
            let why = if whole < 0 { "negative".to_owned() } else { format!("outside {least} to {most}") };
            Wrong::new(format!("`{whole}` is {why}"), help.as_str())
        };
        T::try_from(whole).ok().filter(|value| self.0.contains(value)).ok_or_else(outside)
    }

    fn print(&self, value: &T) -> String {
        value.to_string()
    }
}

/// A share from 0 to 1, or a percentage.
pub(crate) struct Share;

impl Kind for Share {
    type Value = f64;

    fn read(&self, node: &Node) -> Result<f64, Wrong> {
        let help = "write a share from 0 to 1, for example 0.7 or \"70%\"";
        let (share, text) = match &node.value {
            Value::Fraction(share) => (*share, share.to_string()),
            Value::Whole(whole) => (*whole as f64, whole.to_string()),
            Value::Text(text) => {
                let Some(percent) = text.trim().strip_suffix('%') else {
                    return Err(Wrong::new(format!("`{text}` is not a share"), help));
                };
                let percent: f64 =
                    percent.trim().parse().map_err(|_| Wrong::new(format!("`{text}` is not a percentage"), help))?;
                (percent / 100.0, text.clone())
            }
            _ => return Err(Wrong::expected("a share", node, help)),
        };
        if (0.0..=1.0).contains(&share) {
            Ok(share)
        } else {
            Err(Wrong::new(format!("`{text}` is outside 0 to 1"), help))
        }
    }

    fn print(&self, value: &f64) -> String {
        value.to_string()
    }
}

/// A number that is not negative.
pub(crate) struct Factor;

impl Kind for Factor {
    type Value = f64;

    fn read(&self, node: &Node) -> Result<f64, Wrong> {
        let help = "write a number that is not negative, for example 1.5";
        let factor = match node.value {
            Value::Fraction(factor) => factor,
            Value::Whole(whole) => whole as f64,
            _ => return Err(Wrong::expected("a number", node, help)),
        };
        if factor < 0.0 {
            return Err(Wrong::new(format!("`{factor}` is negative"), help));
        }
        if factor.is_finite() {
            Ok(factor)
        } else {
            Err(Wrong::new(format!("`{factor}` is not a finite number"), help))
        }
    }

    fn print(&self, value: &f64) -> String {
        value.to_string()
    }
}

/// A duration of at least so much.
pub(crate) struct Duration(pub Span);

impl Kind for Duration {
    type Value = Span;

    fn read(&self, node: &Node) -> Result<Span, Wrong> {
        let span = time::parse(&unit_text(node, "a duration", "45 ms")?)?;
        if span < self.0 {
            let message = format!("`{}` is shorter than {}", time::print(span), time::print(self.0));
            return Err(Wrong::new(message, format!("write at least \"{}\"", time::print(self.0))));
        }
        Ok(span)
    }

    fn print(&self, value: &Span) -> String {
        time::print(*value)
    }
}

/// An amount of data in bytes, within a range.
pub(crate) struct Data<T>(pub RangeInclusive<T>);

impl<T: Copy + PartialOrd + Into<u64> + TryFrom<u64>> Kind for Data<T> {
    type Value = T;

    fn read(&self, node: &Node) -> Result<T, Wrong> {
        let bytes = size::parse(&unit_text(node, "an amount of data", "150 MB")?)?;
        let (least, most) = (size::print((*self.0.start()).into()), size::print((*self.0.end()).into()));
        T::try_from(bytes).ok().filter(|value| self.0.contains(value)).ok_or_else(|| {
            let message = format!("`{}` is outside {least} to {most}", size::print(bytes));
            Wrong::new(message, format!("write an amount from \"{least}\" to \"{most}\""))
        })
    }

    fn print(&self, value: &T) -> String {
        size::print((*value).into())
    }
}

/// A flow of data in bytes per second, above zero.
pub(crate) struct Flow;

impl Kind for Flow {
    type Value = f64;

    fn read(&self, node: &Node) -> Result<f64, Wrong> {
        let flow = rate::parse_flow(&unit_text(node, "a rate", "10 Gbit/s")?)?;
        let help = "write a rate above zero, or leave the key out if there is no limit";
        if flow > 0.0 { Ok(flow) } else { Err(Wrong::new("a rate of zero lets nothing pass", help)) }
    }

    fn print(&self, value: &f64) -> String {
        rate::print_flow(*value)
    }
}

/// An amount of data in a span, above zero.
pub(crate) struct DataPer;

impl Kind for DataPer {
    type Value = (u64, Span);

    fn read(&self, node: &Node) -> Result<(u64, Span), Wrong> {
        above_zero(rate::parse_data(&unit_text(node, "an amount of data in a span", "150 MB/5 min")?)?)
    }

    fn print(&self, value: &(u64, Span)) -> String {
        rate::print_data(*value)
    }
}

/// A count in a span, above zero.
pub(crate) struct CountPer;

impl Kind for CountPer {
    type Value = (u64, Span);

    fn read(&self, node: &Node) -> Result<(u64, Span), Wrong> {
        above_zero(rate::parse_count(&unit_text(node, "a count in a span", "10000/10 min")?)?)
    }

    fn print(&self, value: &(u64, Span)) -> String {
        rate::print_count(*value)
    }
}

fn above_zero(amount: (u64, Span)) -> Result<(u64, Span), Wrong> {
    if amount.0 > 0 {
        return Ok(amount);
    }
    Err(Wrong::new("an allowance of zero lets nothing pass", "write an amount above zero"))
}

/// A distribution of durations.
pub(crate) struct Spread;

impl Kind for Spread {
    type Value = Distribution;

    fn read(&self, node: &Node) -> Result<Distribution, Wrong> {
        Ok(distribution::parse(&unit_text(node, "a distribution of durations", "exponential mean 45 ms")?)?)
    }

    fn print(&self, value: &Distribution) -> String {
        distribution::print(value)
    }
}

/// A text that is not empty.
pub(crate) struct Words;

impl Kind for Words {
    type Value = String;

    fn read(&self, node: &Node) -> Result<String, Wrong> {
        match &node.value {
            Value::Text(text) if text.trim().is_empty() => Err(Wrong::new("an empty text", "write something")),
            Value::Text(text) => Ok(text.clone()),
            _ => Err(Wrong::expected("a text", node, "put it in quotes")),
        }
    }

    fn print(&self, value: &String) -> String {
        value.clone()
    }
}

/// True or false.
pub(crate) struct Flag;

impl Kind for Flag {
    type Value = bool;

    fn read(&self, node: &Node) -> Result<bool, Wrong> {
        match node.value {
            Value::Flag(flag) => Ok(flag),
            _ => Err(Wrong::expected("true or false", node, "write true or false, without quotes")),
        }
    }

    fn print(&self, value: &bool) -> String {
        value.to_string()
    }
}

/// One of several named things.
pub(crate) struct Choice<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Copy + PartialEq> Kind for Choice<T> {
    type Value = T;

    fn read(&self, node: &Node) -> Result<T, Wrong> {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| *name).collect();
        let Value::Text(text) = &node.value else {
            return Err(Wrong::expected("a name", node, format!("write one of {}", quoted(&names))));
        };
        let found = self.0.iter().find(|(name, _)| name == text).map(|(_, value)| *value);
        found.ok_or_else(|| Wrong::new(format!("`{text}` is not known here"), suggestion(text, &names)))
    }

    fn print(&self, value: &T) -> String {
        self.0.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name).to_owned()
    }
}

/// The name of one of the things of a type, which knows all of them.
pub(crate) struct Name<T> {
    /// What it is the name of, with its article.
    one: &'static str,
    /// The same where there is none.
    none: &'static str,
    things: PhantomData<T>,
}

impl<T> Name<T> {
    /// Of `one`, such as "an operation"; there is `none` of an unknown name.
    pub(crate) const fn of(one: &'static str, none: &'static str) -> Self {
        Self { one, none, things: PhantomData }
    }
}

impl<T: VariantArray + Copy + FromStr + Into<&'static str>> Kind for Name<T> {
    type Value = T;

    fn read(&self, node: &Node) -> Result<T, Wrong> {
        let names: Vec<&str> = T::VARIANTS.iter().map(|thing| (*thing).into()).collect();
        let Value::Text(name) = &node.value else {
            return Err(Wrong::expected(&format!("the name of {}", self.one), node, suggestion("", &names)));
        };
        name.parse().map_err(|_| Wrong::new(format!("there is {} `{name}`", self.none), suggestion(name, &names)))
    }

    fn print(&self, value: &T) -> String {
        let name: &str = (*value).into();
        name.to_owned()
    }
}

/// The names in quotes, separated by commas.
pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Which of the known names was probably meant, or all of them.
pub(crate) fn suggestion(text: &str, names: &[&str]) -> String {
    // Two letters exchanged count as one mistake.
    let swapped = names.iter().find(|name| strsim::damerau_levenshtein(text, name) == 1);
    let nearest = names
        .iter()
        .map(|name| (strsim::jaro_winkler(text, name), name))
        .max_by(|(one, _), (two, _)| one.total_cmp(two))
        .filter(|(likeness, _)| *likeness >= 0.8);
    match nearest.map(|(_, name)| name).or(swapped) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("write one of {}", quoted(names)),
    }
}

/// The text of a value with a unit.
fn unit_text(node: &Node, what: &str, example: &str) -> Result<String, Wrong> {
    let help = format!("write it in quotes with its unit, for example \"{example}\"");
    match &node.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Whole(whole) if *whole < 0 => Err(Wrong::new(format!("`{whole}` is negative, expected {what}"), help)),
        Value::Whole(whole) => Err(Wrong::new(format!("`{whole}` has no unit, expected {what}"), help)),
        Value::Fraction(number) => Err(Wrong::new(format!("`{number}` has no unit, expected {what}"), help)),
        _ => Err(Wrong::expected(what, node, help)),
    }
}
