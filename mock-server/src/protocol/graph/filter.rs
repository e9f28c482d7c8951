//! `$filter` and what else holds expressions: read by `OData`'s grammar (docs.oasis-open.org/odata, URL conventions 5.1.1)
//! and judged on the JSON form of entities.
//!
//! Like Exchange, texts are compared without regard to case. Knows nothing of mailboxes.

pub(super) mod evaluate;
mod function;
mod lexer;
mod parser;

use jiff::Timestamp;
use serde_json::Value;

use self::function::Function;

/// A comparison.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An expression.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Expression {
    /// A text, number, truth value or null.
    Literal(Value),
    /// A date with or without a time of day.
    Date(Timestamp),
    /// A property, by its steps.
    Path(Vec<String>),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    In(Box<Self>, Vec<Self>),
    Call(Function, Vec<Self>),
    /// `path/any(variable: body)`, or `all`. Without a body: whether the collection holds anything.
    Lambda {
        all: bool,
        path: Vec<String>,
        variable: String,
        body: Option<Box<Self>>,
    },
}

pub(super) use self::lexer::date;
pub(super) use self::parser::parse;

impl Expression {
    /// Calls back for every property of the entity that the expression names, in the order of the text.
    pub(super) fn visit_paths<'a>(&'a self, found: &mut impl FnMut(&'a [String])) {
        self.visit(&mut Vec::new(), &mut |_, path| found(path));
    }

    /// The texts in the expression.
    pub(super) fn visit_texts<'a>(&'a self, found: &mut impl FnMut(&'a str)) {
        match self {
            Self::Literal(Value::String(text)) => found(text),
            Self::Literal(_) | Self::Date(_) | Self::Path(_) => {}
            Self::Not(inner) => inner.visit_texts(found),
            Self::And(one, two) | Self::Or(one, two) | Self::Compare(_, one, two) => {
                one.visit_texts(found);
                two.visit_texts(found);
            }
            Self::In(one, others) => {
                one.visit_texts(found);
                others.iter().for_each(|other| other.visit_texts(found));
            }
            Self::Call(_, arguments) => arguments.iter().for_each(|argument| argument.visit_texts(found)),
            Self::Lambda { body, .. } => {
                if let Some(body) = body {
                    body.visit_texts(found);
                }
            }
        }
    }

    fn visit<'a>(&'a self, bound: &mut Vec<&'a str>, found: &mut impl FnMut(&[&'a str], &'a [String])) {
        match self {
            Self::Literal(_) | Self::Date(_) => {}
            Self::Path(path) => {
                if path.first().is_some_and(|first| !bound.contains(&first.as_str())) {
                    found(bound, path);
                }
            }
            Self::Not(inner) => inner.visit(bound, found),
            Self::And(one, two) | Self::Or(one, two) | Self::Compare(_, one, two) => {
                one.visit(bound, found);
                two.visit(bound, found);
            }
            Self::In(one, others) => {
                one.visit(bound, found);
                for other in others {
                    other.visit(bound, found);
                }
            }
            Self::Call(_, arguments) => {
                for argument in arguments {
                    argument.visit(bound, found);
                }
            }
            Self::Lambda { path, variable, body, .. } => {
                if path.first().is_some_and(|first| !bound.contains(&first.as_str())) {
                    found(bound, path);
                }
                if let Some(body) = body {
                    bound.push(variable);
                    body.visit(bound, found);
                    bound.pop();
                }
            }
        }
    }
}
