//! Goals: what clients shall keep to, and whether they did.
//!
//! A goal that cannot be shown is missed: nobody was there, nothing was measured, or what was to come never came. A
//! scenario that states a goal wants to know it, and silence is no answer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Judge;
use super::card::{Card, Scorecard};
use super::measure::{Found, Measure};
use crate::journal::told::Told;

/// How far a measure may go.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Bound {
    /// No further than this.
    AtMost(f64),
    /// At least as far as this.
    AtLeast(f64),
}

/// What clients shall keep to.
#[derive(Clone, PartialEq, Debug)]
pub struct Goal {
    /// What people call it; empty for a goal that is called by its measure.
    pub name: String,
    /// Only clients whose name contains this, whatever the case; every client if absent.
    pub client: Option<String>,
    /// Only what this server saw, where there are several; all of them together if absent.
    pub server: Option<String>,
    /// What is measured.
    pub measure: &'static Measure,
    /// How far it may go.
    pub bound: Bound,
}

/// Whether one client kept to a goal.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Verdict {
    /// What the goal is called.
    pub goal: String,
    /// Whether it was met.
    pub met: bool,
    /// What the client calls itself; absent if nobody was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The number of the client's app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<u32>,
    /// The server that it is about, where it is about one of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What is measured.
    pub measure: &'static str,
    /// What the numbers are.
    pub unit: &'static str,
    /// The most that it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// The least that it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// What it was; absent if nothing could be measured.
    pub value: Option<f64>,
    /// Why there is no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The same in words.
    pub told: String,
}

impl Goal {
    fn concerns(&self, card: &Card) -> bool {
        let wanted = self.client.as_deref().unwrap_or_default().to_ascii_lowercase();
        card.client.to_ascii_lowercase().contains(&wanted)
    }

    /// What comes of it, one verdict for each client that it concerns; one that it is missed if there is none.
    fn judge(&self, card: &Scorecard) -> Vec<Verdict> {
        let concerned: Vec<_> = card.clients.iter().filter(|card| self.concerns(card)).collect();
        if concerned.is_empty() {
            let nobody = if self.client.is_some() { NOBODY_OF_THAT_NAME } else { NOBODY };
            return vec![self.verdict(None, Found::Nothing(nobody))];
        }
        concerned.into_iter().map(|card| self.verdict(Some(card), self.measure.of(card))).collect()
    }

    fn verdict(&self, card: Option<&Card>, found: Found) -> Verdict {
        let (at_most, at_least) = match self.bound {
            Bound::AtMost(most) => (Some(most), None),
            Bound::AtLeast(least) => (None, Some(least)),
        };
        let (value, why) = match found {
            Found::Number(value) => (Some(value), None),
            Found::Never(why) | Found::Nothing(why) => (None, Some(why)),
        };
        let met = match (found, self.bound) {
            (Found::Number(value), Bound::AtMost(most)) => value <= most,
            (Found::Number(value), Bound::AtLeast(least)) => value >= least,
            (Found::Never(_), Bound::AtLeast(_)) => true,
            (Found::Never(_), Bound::AtMost(_)) | (Found::Nothing(_), _) => false,
        };
        let unit = self.measure.unit;
        let said = value.map_or_else(|| why.unwrap_or_default().to_owned(), |value| unit.print(value));
        let bound = match self.bound {
            Bound::AtMost(most) => format!("at most {}", unit.print(most)),
            Bound::AtLeast(least) => format!("at least {}", unit.print(least)),
        };
        let of = card.map(|card| format!(" by {}", card.client)).unwrap_or_default();
        let at = self.server.as_deref().map(|server| format!(" at the {server}")).unwrap_or_default();
        Verdict {
            goal: if self.name.is_empty() { self.measure.name.to_owned() } else { self.name.clone() },
            met,
            client: card.map(|card| card.client.clone()),
            app: card.map(|card| card.app),
            server: self.server.clone(),
            measure: self.measure.name,
            unit: unit.name(),
            at_most,
            at_least,
            value,
            why: why.map(str::to_owned),
            told: format!("{}{of}{at}: {said}, shall be {bound}", self.measure.name.replace('_', " ")),
        }
    }
}

const NOBODY: &str = "no client asked for anything";
const NOBODY_OF_THAT_NAME: &str = "no client of that name asked for anything";

/// Judges of clients with goals: one of everything, and one of each server that a goal is about alone.
#[derive(Clone, Debug)]
pub struct Jury {
    time_scale: f64,
    goals: Vec<Goal>,
    whole: Judge,
    apart: BTreeMap<String, Judge>,
}

impl Jury {
    /// A jury without goals, of servers whose time runs so many times faster than the wall clock.
    #[must_use]
    pub fn new(time_scale: f64) -> Self {
        Self { time_scale, goals: Vec::new(), whole: Judge::new(time_scale), apart: BTreeMap::new() }
    }

    /// The jury with these goals. It must not have heard anything yet.
    #[must_use]
    pub fn with_goals(self, goals: Vec<Goal>) -> Self {
        let servers = goals.iter().filter_map(|goal| goal.server.clone());
        let apart = servers.map(|server| (server, Judge::new(self.time_scale))).collect();
        Self { goals, apart, ..self }
    }

    /// Hears of a request.
    pub fn hear(&mut self, told: &Told<'_>) {
        self.whole.hear(told);
        if let Some(judge) = told.server.and_then(|server| self.apart.get_mut(server)) {
            judge.hear(told);
        }
    }

    /// How the clients did so far, and whether they kept to the goals.
    #[must_use]
    pub fn card(&self) -> Scorecard {
        let whole = self.whole.card();
        let apart: BTreeMap<&str, Scorecard> =
            self.apart.iter().map(|(server, judge)| (server.as_str(), judge.card())).collect();
        let of = |goal: &Goal| {
            let card = goal.server.as_deref().and_then(|server| apart.get(server)).unwrap_or(&whole);
            goal.judge(card)
        };
        let goals = self.goals.iter().flat_map(of).collect();
        Scorecard { goals, ..whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::record::{Key, Record};
    use crate::time::Span;
    use crate::wire::refusal::RefusalKind;

    /// A request of a client to a server, told to wait ten seconds if it is refused.
    fn asks(client: &str, server: &str, at: u64, refused: bool) -> Record {
        let kind = RefusalKind::RequestLimit;
        Record {
            number: at,
            at_ns: Span::milliseconds(at).0,
            mailbox: Some("alice@contoso.test".into()),
            server: Some(server.into()),
            user_agent: Some(client.into()),
            status: if refused { kind.usual_status() } else { 200 },
            refusal: refused.then(|| kind.name().to_owned()),
            wait_ns: refused.then(|| Span::seconds(10).0),
            done: !refused,
            key: Key(at),
            ..Record::default()
        }
    }

    fn goal(measure: &str, bound: Bound) -> Goal {
        let measure = Measure::named(measure).expect("a measure");
        Goal { name: String::new(), client: None, server: None, measure, bound }
    }

    /// Two clients: one waits as told, the other asks five seconds too early, and only at the source.
    fn check(goal: Goal, expected: &[(Option<&str>, bool)]) -> Vec<Verdict> {
        let mut jury = Jury::new(1.0).with_goals(vec![goal]);
        for (client, early) in [("Calm/1", false), ("Hasty/2", true)] {
            jury.hear(&asks(client, "source", 0, true).told());
            jury.hear(&asks(client, "source", if early { 5_000 } else { 11_000 }, false).told());
            jury.hear(&asks(client, "target", 12_000, false).told());
        }
        let verdicts = jury.card().goals;
        let told: Vec<_> = verdicts.iter().map(|verdict| (verdict.client.as_deref(), verdict.met)).collect();
        assert_eq!(told, expected, "{verdicts:?}");
        verdicts
    }

    #[test]
    fn a_goal_holds_for_every_client_unless_it_names_one() {
        let early = goal("calls_too_early", Bound::AtMost(0.0));
        let verdicts = check(early.clone(), &[(Some("Calm/1"), true), (Some("Hasty/2"), false)]);
        assert_eq!(verdicts[1].told, "calls too early by Hasty/2: 1, shall be at most 0");
        check(Goal { client: Some("calm".into()), ..early }, &[(Some("Calm/1"), true)]);
        let worst = goal("worst_early", Bound::AtMost(6.0));
        let verdicts = check(worst, &[(Some("Calm/1"), true), (Some("Hasty/2"), true)]);
        assert!(verdicts[1].value.is_some_and(|value| (value - 5.0).abs() < 1e-9));
    }

    #[test]
    fn a_goal_of_one_server_is_judged_by_what_that_server_saw() {
        let early = goal("calls_too_early", Bound::AtMost(0.0));
        let target = Goal { server: Some("target".into()), ..early.clone() };
        check(target, &[(Some("Calm/1"), true), (Some("Hasty/2"), true)]);
        check(Goal { server: Some("source".into()), ..early }, &[(Some("Calm/1"), true), (Some("Hasty/2"), false)]);
    }

    #[test]
    fn what_cannot_be_shown_is_missed() {
        let early = goal("calls_too_early", Bound::AtMost(0.0));
        let verdicts = check(Goal { client: Some("third".into()), ..early }, &[(None, false)]);
        assert_eq!(verdicts[0].why.as_deref(), Some(NOBODY_OF_THAT_NAME));
        let nothing = [(Some("Calm/1"), false), (Some("Hasty/2"), false)];
        check(goal("full_speed_after", Bound::AtMost(60.0)), &nothing);
        check(goal("fairness", Bound::AtLeast(0.9)), &nothing);
        let both = [(Some("Calm/1"), true), (Some("Hasty/2"), true)];
        check(goal("refused_share", Bound::AtMost(0.5)), &both);
    }

    #[test]
    fn measures_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = super::super::measure::MEASURES.iter().map(|one| one.name).collect();
        assert_eq!(names.len(), super::super::measure::MEASURES.len());
    }
}
