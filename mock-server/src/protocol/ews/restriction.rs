//! Restrictions: which items a listing shows.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::failure::Failure;
use super::fields::path::Path;
use super::fields::scene::Scene;
use crate::mailbox::property::Value;
use crate::wire::ews::xml::{Element, Space};

/// The deepest nesting of a restriction (documented by Microsoft Learn as the limit of search expressions: 255 terms;
/// the nesting is bounded by the reader of XML, this is a second fence).
const DEPTH_MAX: usize = 64;
/// The most comparisons in one restriction (assumed: clients name at most a few hundred values).
const TERMS_MAX: usize = 10_000;

/// A restriction.
#[derive(Debug)]
pub(super) enum Restriction {
    /// All must hold.
    And(Vec<Restriction>),
    /// One must hold.
    Or(Vec<Restriction>),
    /// It must not hold.
    Not(Box<Restriction>),
    /// The property has a value.
    Exists(Path),
    /// The property's bits under the mask are all zero.
    Excludes(Path, u32),
    /// The property compares with a constant or with another property.
    Compare(Path, Relation, Operand),
    /// The property's text contains another.
    Contains(Path, Mode, Folding, String),
}

/// How two values must be ordered.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Relation {
    /// `IsEqualTo`.
    Equal,
    /// `IsNotEqualTo`.
    NotEqual,
    /// `IsLessThan`.
    Less,
    /// `IsLessThanOrEqualTo`.
    LessOrEqual,
    /// `IsGreaterThan`.
    Greater,
    /// `IsGreaterThanOrEqualTo`.
    GreaterOrEqual,
}

/// What a property is compared with.
#[derive(Debug)]
pub(super) enum Operand {
    /// A constant.
    Constant(Value),
    /// Another property.
    Path(Path),
}

/// Where a text must stand (`ContainmentModeType`).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// It is the whole value.
    Full,
    /// The value begins with it.
    Prefix,
    /// Anywhere.
    Substring,
    /// A word of the value begins with it.
    WordPrefix,
    /// It stands between borders of words.
    Phrase,
}

/// How texts are made alike before they are compared (`ContainmentComparisonType`).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Folding {
    /// Case is ignored.
    case: bool,
    /// Characters without width of their own are ignored.
    spacing: bool,
}

impl Restriction {
    /// Reads the only expression within `m:Restriction` and its like.
    pub(super) fn read(holder: &Element<'_>, zone: &TimeZone) -> Result<Self, Failure> {
        let [expression] = &*holder.children else { return Err(Failure::INVALID_RESTRICTION) };
        let mut terms = 0;
        read(expression, zone, 0, &mut terms)
    }

    /// Whether an item is shown.
    pub(super) fn holds(&self, scene: &Scene<'_>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.holds(scene)),
            Self::Or(any) => any.iter().any(|one| one.holds(scene)),
            Self::Not(inner) => !inner.holds(scene),
            Self::Exists(path) => path.value(scene).is_some(),
            Self::Excludes(path, mask) => {
                path.value(scene).and_then(|value| bits(&value)).is_none_or(|b| b & mask == 0)
            }
            Self::Compare(path, relation, operand) => {
                let left = path.value(scene);
                let right = match operand {
                    Operand::Constant(value) => Some(value.clone()),
                    Operand::Path(path) => path.value(scene),
                };
                relation.holds(left.as_ref(), right.as_ref())
            }
            Self::Contains(path, mode, folding, needle) => {
                path.value(scene).is_some_and(|value| contains(&value, *mode, *folding, needle))
            }
        }
    }
}

fn read(element: &Element<'_>, zone: &TimeZone, depth: usize, terms: &mut usize) -> Result<Restriction, Failure> {
    *terms += 1;
    if depth == DEPTH_MAX || *terms > TERMS_MAX {
        return Err(Failure::RESTRICTION_TOO_COMPLEX);
    }
    if element.space != Space::Types {
        return Err(Failure::INVALID_RESTRICTION);
    }
    let mut inner = || -> Result<Vec<Restriction>, Failure> {
        element.children.iter().map(|child| read(child, zone, depth + 1, terms)).collect()
    };
    let relation = match &*element.name {
        "And" => return Ok(Restriction::And(inner()?)),
        "Or" => return Ok(Restriction::Or(inner()?)),
        "Not" => {
            let mut inner = inner()?;
            return match (inner.pop(), inner.is_empty()) {
                (Some(one), true) => Ok(Restriction::Not(Box::new(one))),
                _ => Err(Failure::INVALID_RESTRICTION),
            };
        }
        "Exists" => return Ok(Restriction::Exists(path(element)?)),
        "Excludes" => return read_excludes(element),
        "Contains" => return read_contains(element),
        "IsEqualTo" => Relation::Equal,
        "IsNotEqualTo" => Relation::NotEqual,
        "IsLessThan" => Relation::Less,
        "IsLessThanOrEqualTo" => Relation::LessOrEqual,
        "IsGreaterThan" => Relation::Greater,
        "IsGreaterThanOrEqualTo" => Relation::GreaterOrEqual,
        _ => return Err(Failure::INVALID_RESTRICTION),
    };
    let path = path(element)?;
    let other = element.typed("FieldURIOrConstant").ok_or(Failure::INVALID_RESTRICTION)?;
    let operand = match other.typed("Constant") {
        Some(constant) => {
            let text = constant.attribute("Value").ok_or(Failure::INVALID_RESTRICTION)?;
            Operand::Constant(path.constant(text, zone)?)
        }
        None => Operand::Path(self::path(other)?),
    };
    Ok(Restriction::Compare(path, relation, operand))
}

fn path(holder: &Element<'_>) -> Result<Path, Failure> {
    let path = holder.children.first().ok_or(Failure::INVALID_RESTRICTION)?;
    let path = Path::read(path)?;
    if path.is_searchable() { Ok(path) } else { Err(Failure::UNSUPPORTED_PATH) }
}

fn read_excludes(element: &Element<'_>) -> Result<Restriction, Failure> {
    let text = element.typed("Bitmask").and_then(|mask| mask.attribute("Value")).ok_or(Failure::INVALID_RESTRICTION)?;
    let mask = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    Ok(Restriction::Excludes(path(element)?, mask.ok_or(Failure::INVALID_RESTRICTION)?))
}

fn read_contains(element: &Element<'_>) -> Result<Restriction, Failure> {
    let mode = match element.attribute("ContainmentMode").unwrap_or("FullString") {
        "FullString" => Mode::Full,
        "Prefixed" => Mode::Prefix,
        "Substring" => Mode::Substring,
        "PrefixOnWords" => Mode::WordPrefix,
        "ExactPhrase" => Mode::Phrase,
        _ => return Err(Failure::INVALID_RESTRICTION),
    };
    let (case, spacing) = match element.attribute("ContainmentComparison").unwrap_or("Exact") {
        "Exact" => (false, false),
        "IgnoreCase" => (true, false),
        "IgnoreNonSpacingCharacters" | "LooseAndIgnoreNonSpace" => (false, true),
        "Loose"
        | "LooseAndIgnoreCase"
        | "IgnoreCaseAndNonSpacingCharacters"
        | "LooseAndIgnoreCaseAndIgnoreNonSpace" => (true, true),
        _ => return Err(Failure::INVALID_RESTRICTION),
    };
    let needle =
        element.typed("Constant").and_then(|text| text.attribute("Value")).ok_or(Failure::INVALID_RESTRICTION)?;
    let path = path(element)?;
    if !path.is_text() {
        return Err(Failure::CONTAINS_NEEDS_TEXT);
    }
    let folding = Folding { case, spacing };
    Ok(Restriction::Contains(path, mode, folding, folding.apply(needle)))
}

impl Relation {
    /// A value that is absent is equal to nothing, and is neither less nor greater. Of several values one must relate.
    fn holds(self, left: Option<&Value>, right: Option<&Value>) -> bool {
        let (Some(left), Some(right)) = (left, right) else { return self == Self::NotEqual };
        if self == Self::NotEqual {
            return !Self::Equal.holds(Some(left), Some(right));
        }
        any(left, &mut |one| {
            compare(one, right).is_some_and(|order| match self {
                Self::Equal => order == Ordering::Equal,
                Self::NotEqual => order != Ordering::Equal,
                Self::Less => order == Ordering::Less,
                Self::LessOrEqual => order != Ordering::Greater,
                Self::Greater => order == Ordering::Greater,
                Self::GreaterOrEqual => order != Ordering::Less,
            })
        })
    }
}

/// Whether something holds for a value, or for one of its members.
fn any(value: &Value, holds: &mut dyn FnMut(&Value) -> bool) -> bool {
    match value {
        Value::Texts(texts) => texts.iter().any(|text| holds(&Value::Text(Arc::clone(text)))),
        Value::List(list) => list.iter().any(holds),
        one => holds(one),
    }
}

/// The order of two values of one kind; texts are compared without case, as the store does.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Long(a), Value::Long(b)) => a.cmp(b),
        (Value::Integer(a), Value::Long(b)) => i64::from(*a).cmp(b),
        (Value::Long(a), Value::Integer(b)) => a.cmp(&i64::from(*b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b)?,
        (Value::Text(a), Value::Text(b)) if a == b => Ordering::Equal,
        (Value::Text(a), Value::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
        (Value::Time(a), Value::Time(b)) => a.as_second().cmp(&b.as_second()),
        (Value::Binary(a), Value::Binary(b)) => a.cmp(b),
        (Value::Guid(a), Value::Guid(b)) => a.cmp(b),
        (Value::Texts(a), Value::Texts(b)) => {
            a.iter().map(|t| t.to_lowercase()).cmp(b.iter().map(|t| t.to_lowercase()))
        }
        _ => return None,
    })
}

fn bits(value: &Value) -> Option<u32> {
    match value {
        Value::Integer(value) => Some(value.cast_unsigned()),
        Value::Bool(value) => Some(u32::from(*value)),
        _ => None,
    }
}

impl Folding {
    /// A text with what is ignored taken out.
    fn apply(self, text: &str) -> String {
        let spaced: String = if self.spacing {
            text.chars().filter(|character| !is_combining(*character)).collect()
        } else {
            text.to_owned()
        };
        if self.case { spaced.to_lowercase() } else { spaced }
    }
}

/// Whether a character stands on another one: the combining diacritical marks of Unicode's blocks of that name, and
/// the joiners without width.
fn is_combining(character: char) -> bool {
    matches!(u32::from(character), 0x0300..=0x036F | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0x200B..=0x200D)
}

fn contains(value: &Value, mode: Mode, folding: Folding, needle: &str) -> bool {
    any(value, &mut |one| {
        let Value::Text(text) = one else { return false };
        let text = folding.apply(text);
        match mode {
            Mode::Full => text == needle,
            Mode::Prefix => text.starts_with(needle),
            Mode::Substring => text.contains(needle),
            Mode::WordPrefix => starts_of_words(&text).any(|start| text[start..].starts_with(needle)),
            Mode::Phrase => starts_of_words(&text).any(|start| {
                text[start..].strip_prefix(needle).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
            }),
        }
    })
}

fn starts_of_words(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut within = false;
    text.char_indices().filter_map(move |(index, character)| {
        let starts = !within;
        within = character.is_alphanumeric();
        starts.then_some(index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(Arc::from(text))
    }

    fn check(value: &str, mode: Mode, case: bool, needle: &str) -> bool {
        let folding = Folding { case, spacing: false };
        contains(&text(value), mode, folding, &folding.apply(needle))
    }

    #[test]
    fn containment_looks_where_the_mode_says_and_folds_only_what_is_asked() {
        assert!(check("Budget for Q4", Mode::Full, false, "Budget for Q4"));
        assert!(!check("Budget for Q4", Mode::Full, false, "budget for q4"));
        assert!(check("Budget for Q4", Mode::Full, true, "budget for q4"));
        assert!(check("Budget for Q4", Mode::Prefix, false, "Bud"));
        assert!(!check("Budget for Q4", Mode::Prefix, false, "for"));
        assert!(check("Budget for Q4", Mode::Substring, false, "get f"));
        assert!(check("Budget for Q4", Mode::WordPrefix, false, "fo"));
        assert!(!check("Budget for Q4", Mode::WordPrefix, false, "or"));
        assert!(check("Budget for Q4", Mode::Phrase, false, "for Q4"));
        assert!(!check("Budget for Q4", Mode::Phrase, false, "Budg"));
    }

    #[test]
    fn absent_values_are_unequal_to_all_and_not_ordered() {
        assert!(Relation::NotEqual.holds(None, Some(&text("a"))));
        for relation in [Relation::Equal, Relation::Less, Relation::GreaterOrEqual] {
            assert!(!relation.holds(None, Some(&text("a"))));
        }
    }

    #[test]
    fn texts_are_equal_without_case_and_one_of_several_values_is_enough() {
        let several = Value::Texts([Arc::from("Red"), Arc::from("Blue")].into());
        assert!(Relation::Equal.holds(Some(&several), Some(&text("blue"))));
        assert!(!Relation::NotEqual.holds(Some(&several), Some(&text("blue"))));
        assert!(!Relation::Equal.holds(Some(&several), Some(&text("green"))));
    }
}
