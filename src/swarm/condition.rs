//! When a run counts as failed: `lost > 0 or refusals_per_item > 2 or makespan > 10 min`.

use crate::scenario::unit::time;

use super::trial::Observed;

/// What a condition can be about, with what it is.
pub const MEASURES: [(&str, &str); 9] = [
    ("lost", "items that are missing without a reason"),
    ("duplicates", "items that the target holds more than once, or that the source does not hold"),
    ("skipped", "items left behind for a reason"),
    ("refusals", "calls, entries of batches and items that were refused"),
    ("refusals_per_item", "refusals for each item of the source"),
    ("hammering", "calls made before the end of a wait that was asked for"),
    ("unfinished", "mailboxes that are not completed"),
    ("hung", "lanes that wait for something that cannot happen"),
    ("makespan", "time until the last mailbox ended"),
];

/// One more word: whether any law was broken.
const ANY: &str = "broken";

/// A comparison.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Relation {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
}

/// The longer ones first, so that none is found inside another.
const RELATIONS: [(&str, Relation); 5] = [
    (">=", Relation::AtLeast),
    ("<=", Relation::AtMost),
    ("==", Relation::Equal),
    (">", Relation::Above),
    ("<", Relation::Below),
];

/// One measure held against a number.
#[derive(Clone, PartialEq, Debug)]
struct Term {
    measure: String,
    relation: Relation,
    number: f64,
}

/// When a run counts as failed: one of several groups of terms that all hold.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition(Vec<Vec<Term>>);

/// Why a text is no condition.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConditionError {
    /// A word that nothing is known of.
    #[error("there is no measure `{0}`; write one of {known}", known = known())]
    Unknown(String),
    /// What should be a number or a duration.
    #[error(
        "`{0}` is neither a number nor a duration; write, for example, `refusals_per_item > 1.5` or `makespan > 10 min`"
    )]
    Number(String),
    /// A term that is empty.
    #[error("a term is empty; write, for example, `lost > 0 or hammering > 0`")]
    Empty,
}

fn known() -> String {
    let names = MEASURES.iter().map(|(name, _)| *name).chain([ANY]);
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Condition {
    /// Reads a condition: terms joined by `and` and `or`, of which `and` binds closer. A term is a measure, a relation
    /// (`>`, `>=`, `<`, `<=`, `==`) and a number or a duration; a measure alone means that it is above zero.
    ///
    /// # Errors
    ///
    /// If it cannot be understood.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let groups = words.split(|word| *word == "or").map(|group| {
            let terms = group.split(|word| *word == "and").map(|term| parse_term(&term.join(" ")));
            terms.collect::<Result<Vec<_>, _>>()
        });
        Ok(Self(groups.collect::<Result<_, _>>()?))
    }

    /// Whether it holds of a run.
    #[must_use]
    pub fn holds(&self, observed: &Observed) -> bool {
        self.0.iter().any(|group| group.iter().all(|term| term.holds(measure(&term.measure, observed))))
    }
}

fn parse_term(text: &str) -> Result<Term, ConditionError> {
    let found = RELATIONS.iter().find_map(|(sign, relation)| {
        let (measure, number) = text.split_once(sign)?;
        Some((measure.trim(), *relation, number.trim()))
    });
    let (name, relation, number) = found.unwrap_or((text.trim(), Relation::Above, "0"));
    if name.is_empty() {
        return Err(ConditionError::Empty);
    }
    if name != ANY && !MEASURES.iter().any(|(known, _)| *known == name) {
        return Err(ConditionError::Unknown(name.to_owned()));
    }
    let parsed = number.parse().ok().or_else(|| time::parse(number).ok().map(mock_server::time::Span::as_seconds));
    let number = parsed.filter(|number: &f64| number.is_finite());
    let number = number.ok_or_else(|| ConditionError::Number(text.to_owned()))?;
    Ok(Term { measure: name.to_owned(), relation, number })
}

impl Term {
    fn holds(&self, value: f64) -> bool {
        match self.relation {
            Relation::Above => value > self.number,
            Relation::AtLeast => value >= self.number,
            Relation::Below => value < self.number,
            Relation::AtMost => value <= self.number,
            Relation::Equal => (value - self.number).abs() < f64::EPSILON,
        }
    }
}

/// What a measure is in a run; durations in seconds.
#[must_use]
pub fn measure(name: &str, observed: &Observed) -> f64 {
    match name {
        "lost" => observed.lost as f64,
        "duplicates" => observed.duplicates as f64,
        "skipped" => observed.skipped as f64,
        "refusals" => observed.manners.refusals as f64,
        "refusals_per_item" => observed.manners.refusals as f64 / observed.items.max(1) as f64,
        "hammering" => observed.manners.early as f64,
        "unfinished" => observed.unfinished as f64,
        "hung" => observed.stuck as f64,
        "makespan" => observed.makespan().as_seconds(),
        _ => f64::from(!observed.broken.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(measure: &str, relation: Relation, number: f64) -> Term {
        Term { measure: measure.to_owned(), relation, number }
    }

    #[test]
    fn terms_are_joined_by_and_before_or() {
        let parsed = Condition::parse("lost or makespan > 10 min and refusals_per_item>=1.5");
        let first = vec![term("lost", Relation::Above, 0.0)];
        let second = vec![term("makespan", Relation::Above, 600.0), term("refusals_per_item", Relation::AtLeast, 1.5)];
        assert_eq!(parsed, Ok(Condition(vec![first, second])));
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        assert_eq!(Condition::parse("lots > 1"), Err(ConditionError::Unknown("lots".to_owned())));
        assert_eq!(Condition::parse("lost > many"), Err(ConditionError::Number("lost > many".to_owned())));
        assert_eq!(Condition::parse("lost or "), Err(ConditionError::Empty));
        assert_eq!(Condition::parse(""), Err(ConditionError::Empty));
    }
}
