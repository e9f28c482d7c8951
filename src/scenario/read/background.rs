//! `[background]`: people at work with their mailboxes while a wave runs.

use jiff::civil::Time;

use super::window::{DAYS, weekday};
use crate::calendar::hours_since_monday;
use crate::scenario::file::{Node, Value};
use crate::scenario::kind::{Factor, Kind, Name, Wrong};
use crate::scenario::list::List;
use crate::scenario::plan::BackgroundPlan;
use crate::scenario::program::Program;
use crate::scenario::section::{Otherwise, Section};

/// Reads the section, if there is one: nobody else is at work without it.
pub(crate) fn read(root: &Section<'_>) -> Option<BackgroundPlan> {
    if !root.has("background") {
        let _ = root.node("background");
        return None;
    }
    let section = root.section("background");
    let note = "by definition: everybody whose mailbox has not been moved, as often as the volumes say";
    let source = section.or("source", &Factor, Otherwise::default(1.0, note));
    let target = section.or("target", &Factor, Otherwise::default(0.0, "assumed: nobody works there yet"));
    let all = Otherwise::default(Program::ALL.to_vec(), "by definition: all that volumes are known of");
    let programs = section.or("programs", &Programs, all);
    let starts = section.maybe(
        "starts",
        &TimeOfWeek,
        "when the window opens, or Tue 10:00",
        "by definition; without a window assumed: a working morning",
    );
    section.finish();
    Some(BackgroundPlan { source, target, programs, starts })
}

/// Names of programs, at least one, none twice.
struct Programs;

impl List for Programs {
    type Entry = Name<Program>;
    const ENTRY: Name<Program> = Name::of("a program", "no program");
    const OF: &'static str = "programs";
    const HELP: &'static str = "write, for example, [\"outlook\", \"mobile\"]";
    const REPEATS: bool = false;

    fn settle(entries: &mut Vec<Program>) -> Result<(), Wrong> {
        if entries.is_empty() {
            return Err(Wrong::new("nobody uses a program", "leave the section out if nobody is at work"));
        }
        entries.sort_unstable();
        Ok(())
    }

    fn print(&self, value: &Vec<Program>) -> String {
        let names: Vec<_> = value.iter().map(|program| format!("\"{}\"", program.name())).collect();
        format!("[{}]", names.join(", "))
    }
}

/// A local time of the week, in hours since Monday 00:00.
struct TimeOfWeek;

impl Kind for TimeOfWeek {
    type Value = f64;

    fn read(&self, node: &Node) -> Result<f64, Wrong> {
        let help = "write day and local time, for example \"Tue 10:00\"";
        let Value::Text(text) = &node.value else {
            return Err(Wrong::expected("a time of the week", node, help));
        };
        let (day, time) =
            text.trim().split_once(' ').ok_or_else(|| Wrong::new(format!("`{text}` has no day and time"), help))?;
        let time: Time = time.trim().parse().map_err(|_| Wrong::new(format!("`{time}` is not a time of day"), help))?;
        Ok(hours_since_monday(weekday(day)?, time))
    }

    fn print(&self, value: &f64) -> String {
        let minutes = (value * 60.0).round() as u64;
        let day = DAYS[(minutes / (24 * 60)) as usize % DAYS.len()].0;
        format!("{day} {:02}:{:02}", minutes / 60 % 24, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::scenario;
    use crate::scenario::plan::BackgroundPlan;
    use crate::scenario::program::Program;

    fn read(lines: &str) -> Result<Option<BackgroundPlan>, String> {
        let text = format!("title = \"A\"\n[wave]\nmailboxes = 1\n{lines}");
        scenario::parse(Path::new("a.toml"), &text, &[], None)
            .map(|plan| plan.background)
            .map_err(|problems| problems.render(false, 100))
    }

    #[test]
    fn nobody_is_at_work_without_the_section() {
        assert_eq!(read(""), Ok(None));
    }

    #[test]
    fn an_empty_section_is_everybody_at_the_source() {
        let programs = Program::ALL.to_vec();
        let plan = BackgroundPlan { source: 1.0, target: 0.0, programs, starts: None };
        assert_eq!(read("[background]"), Ok(Some(plan)));
    }

    #[test]
    fn times_and_programs_are_read_or_refused_with_a_reason() {
        let plan = read("[background]\ntarget = 2\nstarts = \"Sun 23:30\"\nprograms = [\"web\", \"outlook\"]");
        let plan = plan.expect("it is right").expect("there is one");
        assert_eq!((plan.target, plan.starts), (2.0, Some(167.5)));
        assert_eq!(plan.programs, [Program::Outlook, Program::Web]);
        for (line, why) in [
            ("starts = \"23:30\"", "no day and time"),
            ("starts = \"Sun 25:00\"", "not a time of day"),
            ("programs = []", "nobody"),
            ("programs = [\"pine\"]", "no program `pine`"),
            ("programs = [\"web\", \"web\"]", "listed twice"),
            ("source = -1", "negative"),
            ("sauce = 1", "sauce"),
        ] {
            let problems = read(&format!("[background]\n{line}")).expect_err(line);
            assert!(problems.contains(why), "{line}: {problems}");
        }
    }
}
