//! What is wrong with a scenario: a message, the place in the file, and how to put it right.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use thiserror::Error;

/// One thing that is wrong with a scenario.
#[derive(Clone, Debug, Error)]
#[error("{message}")]
pub struct Problem {
    /// What is wrong, in a line.
    pub message: String,
    /// What the label at the place says.
    pub label: String,
    /// How to put it right.
    pub help: Option<String>,
    /// The file or `--set` that it concerns.
    pub text: Arc<NamedSource<String>>,
    /// Where in it, in bytes; absent if the file could not be read at all.
    pub at: Option<Range<usize>>,
}

impl Problem {
    /// Line and column of the place, both from one.
    #[must_use]
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        let before = self.text.inner().get(..self.at.as_ref()?.start)?;
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Some((before.matches('\n').count() + 1, before[line_start..].chars().count() + 1))
    }
}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.at.as_ref().map(|_| &*self.text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let at = self.at.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::at(at, &self.label))))
    }
}

/// Everything that is wrong with a scenario, in the order of the file. Never empty.
#[derive(Clone, Error)]
#[error("{} in {}", count(list.len()), list.first().map_or("the scenario", |problem| problem.text.name()))]
pub struct Problems {
    /// The problems.
    pub list: Vec<Problem>,
}

/// As people read them, for whoever expects that there are none.
impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.render(false, 120))
    }
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

impl Problems {
    /// All problems as text for people, each with its lines of the file, and their number at the end.
    #[must_use]
    pub fn render(&self, color: bool, width: usize) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width.max(40));
        let mut text = String::new();
        for problem in &self.list {
            // Writing into a string cannot fail.
            let _ = handler.render_report(&mut text, problem);
            text.push('\n');
        }
        text.push_str(&self.to_string());
        text.push('\n');
        text
    }
}
