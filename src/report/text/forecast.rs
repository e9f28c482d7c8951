//! `forecast` as text.

use super::{beside, line, time_by_cause};
use crate::forecast::result::{Effect, Forecast, Inference, WindowForecast};
use crate::metrics::beside::Beside;
use crate::population::describe::Description;
use crate::report::number::{bytes, count, percent, significant, span};
use crate::report::phrase;
use crate::scenario::plan::Plan;

/// The whole answer.
#[must_use]
pub fn report(plan: &Plan, totals: &Description, forecast: &Forecast, wall_seconds: f64) -> String {
    let mut text = String::new();
    line(&mut text, &plan.title);
    line(
        &mut text,
        &format!(
            "{} mailboxes, {}, {} items",
            count(totals.mailboxes.into()),
            bytes(totals.bytes as f64),
            count(totals.items)
        ),
    );
    for window in &forecast.windows {
        line(&mut text, "");
        one_window(&mut text, window);
    }
    if let Some(campaign) = &forecast.campaign {
        line(&mut text, "");
        for (number, words) in phrase::campaign(campaign).into_iter().enumerate() {
            let name = if number == 0 { "the whole estate" } else { "" };
            line(&mut text, &format!("{name:<18}  {words}"));
        }
    }
    if let Some(inference) = &forecast.inference {
        line(&mut text, "");
        explanation(&mut text, inference);
    }
    line(&mut text, "");
    line(
        &mut text,
        &format!(
            "{} virtual runs, {} requests of the real pipeline; {} runs of the fluid model; {} s",
            forecast.virtual_runs,
            count(forecast.requests_simulated),
            forecast.fluid_runs,
            significant(wall_seconds)
        ),
    );
    let assumed = plan.assumptions.iter().filter(|assumption| assumption.is_assumed()).count();
    line(
        &mut text,
        &format!("{assumed} values are assumed, not published: wavetank explain {} lists them", plan.file.display()),
    );
    text
}

fn one_window(text: &mut String, window: &WindowForecast) {
    let size = &window.size;
    line(text, &format!("{}: {}, open {}", window.name, window.opening, span(window.open)));
    let bound = if size.whole_population { "everybody fits: " } else { "" };
    line(
        text,
        &format!(
            "  wave size         {bound}{} mailboxes ({} interval {} to {})",
            count(size.recommended.into()),
            percent(size.interval_confidence),
            count(size.interval.0.into()),
            count(size.interval.1.into())
        ),
    );
    if size.recommended > 0 {
        line(
            text,
            &format!(
                "                    at least {} of them done inside the window with {} confidence",
                percent(size.completed_share),
                percent(size.confidence)
            ),
        );
    }
    for caution in phrase::cautions(window) {
        line(text, &format!("                    {caution}"));
    }
    if let Some((least, most)) = window.leading() {
        line(
            text,
            &format!(
                "  hangs on          {}: {} mailboxes at {}, {} at {}",
                least.knob,
                count(least.recommended.into()),
                least.to,
                count(most.recommended.into()),
                most.to
            ),
        );
    }
    if let Some((published, source)) = &window.published {
        line(text, &format!("  published         {} ({source})", count((*published).into())));
    }
    line(text, &format!("  makespan          {}", phrase::makespan(window)));
    line(text, &format!("  stragglers        {}", phrase::stragglers(window)));
    line(text, &format!("  throughput        {}", phrase::throughput(window)));
    let prestage = &window.prestage;
    let verdict = if prestage.feasible { "feasible" } else { "not feasible" };
    line(text, &format!("  pre-stage         {}", phrase::prestage(window, verdict)));
    for obstacle in &prestage.obstacles {
        line(text, &format!("                    {obstacle}"));
    }
    line(text, "  where lane time goes");
    time_by_cause(text, &window.time_by_cause);
    if window.beside != Beside::default() {
        line(text, &format!("  beside the waves of {} virtual runs, all together", window.correction.ratios.len()));
        beside::report(text, &window.beside);
    }
    line(text, "  what would change the wave size");
    for effect in &window.sensitivity {
        one_effect(text, effect);
    }
}

fn one_effect(text: &mut String, effect: &Effect) {
    line(
        text,
        &format!(
            "  {:<42} {:>14} -> {:<14} {:>9} {:>7}",
            effect.knob,
            effect.from,
            effect.to,
            count(effect.recommended.into()),
            phrase::change(effect)
        ),
    );
}

fn explanation(text: &mut String, inference: &Inference) {
    line(text, "What would explain the published sizes (inference, not forecast)");
    for combination in &inference.combinations {
        let needed: Vec<String> = combination
            .open_switches
            .iter()
            .map(|(window, switches)| format!("{window} needs {} open switches", significant(*switches)))
            .collect();
        let mark = if combination.explains_all { "  <- one cap explains all" } else { "" };
        line(text, &format!("  mean switch {:>7}: {}{mark}", span(combination.switch_mean), needed.join(", ")));
    }
}
