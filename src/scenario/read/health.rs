//! `[source.health]` and `[target.health]`: what resources suffer from, and the work of real users.

use mock_server::throttle::health::episode::{Effect, Episode, Reach, When};
use mock_server::throttle::health::load::Load;
use mock_server::throttle::health::preset::{self, BACK_OFF, PATIENCE};
use mock_server::throttle::health::resource::Resource;
use mock_server::throttle::health::{Discretionary, Terms};
use mock_server::time::Span;

use super::name::{Numbers, Operations};
use crate::scenario::kind::{Choice, Duration, Factor, Flag, Name, Share, Spread, Words, suggestion};
use crate::scenario::plan::Origin;
use crate::scenario::section::Section;

const RESOURCE: Name<Resource> = Name::of("a resource", "no resource");

const REACHES: Choice<Reach> = Choice(&Reach::NAMED);

/// Reads the health of a side; always well if nothing is said.
pub(crate) fn read(section: Section<'_>) -> Terms {
    let mut terms = named(&section);
    terms.episodes.extend(section.sections("episodes").into_iter().filter_map(episode));
    let peak = section.maybe("peak_load", &Share, "", "");
    let crowded = section.maybe("crowded", &Share, "", "");
    let week_at_start = section.maybe("week_at_start", &Duration(Span::ZERO), "", "");
    if let Some(peak) = peak {
        terms.load = Some(Load { peak, ..terms.load.take().unwrap_or_else(|| Load::office(peak)) });
    }
    if let Some(load) = &mut terms.load {
        load.crowded = crowded.unwrap_or(load.crowded);
        load.week_at_start = week_at_start.or(load.week_at_start);
    }
    let usual = Discretionary::default();
    terms.discretionary = Discretionary {
        operations: section.maybe("discretionary", &Operations, "", "").unwrap_or(usual.operations),
        interactive_apps: section.maybe("interactive_apps", &Numbers, "", "").unwrap_or_default(),
    };
    section.finish();
    terms
}

fn named(section: &Section<'_>) -> Terms {
    let Some(name) = section.read_quietly("preset", &Words) else { return Terms::default() };
    let known: Vec<&str> = preset::NAMES.iter().map(|(name, ..)| *name).collect();
    let Some(terms) = preset::named(&name) else {
        let message = format!("there is no health preset `{name}`");
        section.report("preset", "no such preset", message, suggestion(&name, &known));
        return Terms::default();
    };
    if let Some((_, description, source)) = preset::NAMES.iter().find(|(known, ..)| *known == name) {
        section.book.record(section.path_of("preset"), format!("{name}: {description}"), Origin::Preset, *source);
    }
    terms
}

/// What an episode is written with.
const EFFECTS: &str = "say what it does: `patience` and `back_off` (work that can wait is held, then refused), `slow` \
                       and `slow_others` (factors), or down = true";

fn episode(section: Section<'_>) -> Option<Episode> {
    let _ = section.maybe("name", &Words, "", "");
    let resource = section.maybe("resource", &RESOURCE, "", "").unwrap_or(Resource::Service);
    let when = when(&section);
    let reach = section.maybe("reach", &REACHES, "", "").unwrap_or(Reach::Everything);
    let effect = effect(&section);
    section.finish();
    Some(Episode { resource, when: when?, reach, effect: effect? })
}

fn when(section: &Section<'_>) -> Option<When> {
    let every = section.maybe("every", &Duration(Span(1)), "", "");
    let from = section.maybe("from", &Duration(Span::ZERO), "", "");
    let length = section.need("length", &Spread, "say how long it lasts: length = \"exponential mean 5 min\"")?;
    match (from, every) {
        (Some(from), every) => Some(When::Window { from, length: length.mean(), every }),
        (None, Some(every)) => Some(When::Random { every, length }),
        (None, None) => {
            let help = "every = \"3 h\" for the mean time between, or from = \"2 h\" for a window";
            section.report("length", "when?", "an episode without a time", help);
            None
        }
    }
}

fn effect(section: &Section<'_>) -> Option<Effect> {
    let patience = section.maybe("patience", &Duration(Span::ZERO), "", "");
    let back_off = section.maybe("back_off", &Duration(Span::ZERO), "", "");
    let slow = section.maybe("slow", &Factor, "", "");
    let others = section.maybe("slow_others", &Factor, "", "");
    let down = section.maybe("down", &Flag, "", "").unwrap_or_default();
    match (down, slow, others, patience) {
        (true, None, None, None) => Some(Effect::Down { back_off }),
        (false, None, None, _) if patience.is_some() || back_off.is_some() => {
            Some(Effect::Stall { patience: patience.unwrap_or(PATIENCE), back_off: back_off.unwrap_or(BACK_OFF) })
        }
        (false, waiting, others, None) if waiting.is_some() || others.is_some() => {
            let others = others.unwrap_or(1.0).max(1.0);
            Some(Effect::Slow { waiting: waiting.unwrap_or(others).max(1.0), others })
        }
        _ => {
            section.report("length", "does what?", "an episode with no effect, or with several", EFFECTS);
            None
        }
    }
}
