//! A forecast as one HTML file that opens offline: words and tables as plain HTML, pictures drawn from the data inside.
//!
//! The chart library is Apache `ECharts`, trimmed and embedded (`report/chart`, with its licence and the script that
//! makes it).

mod beside;
pub mod run;

use std::fmt::Write;

use super::json::forecast::ForecastReport;
use super::number::{bytes, count, percent, significant, span};
use super::phrase;
use crate::forecast::campaign::Campaign;
use crate::forecast::result::{Effect, Forecast, Inference, WindowForecast};
use mock_server::wire::id::MailboxKey;

use crate::population::Population;
use crate::population::describe::Description;
use crate::scenario::plan::{Assumption, Plan};

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");
const CHARTS: &str = include_str!("chart/echarts.min.js");
const CHARTS_NOTICE: &str = include_str!("chart/echarts.NOTICE");

/// How mailbox sizes are spread, for the picture of the population.
#[derive(Clone, PartialEq, Debug, Default, serde::Serialize)]
pub struct SizeBins {
    /// Upper ends of the bins, in bytes.
    pub upper_bytes: Vec<f64>,
    /// Share of the mailboxes in each bin.
    pub mailboxes: Vec<f64>,
    /// Share of all bytes in each bin.
    pub bytes: Vec<f64>,
}

/// Mailboxes that the picture of the population is drawn from.
const SAMPLE: u32 = 50_000;
/// Upper ends of the bins, in bytes: one, two and five of every power of ten from a megabyte to a hundred gigabytes.
const BINS: [f64; 17] = [1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8, 2e8, 5e8, 1e9, 2e9, 5e9, 1e10, 2e10, 5e10, 1e11, 2e11];

impl SizeBins {
    /// The spread of a population, from an evenly spaced sample of it.
    #[must_use]
    pub fn of(population: &Population) -> Self {
        let drawn = SAMPLE.min(population.len());
        let (mut mailboxes, mut bytes) = (vec![0.0; BINS.len()], vec![0.0; BINS.len()]);
        for number in 0..drawn {
            let key = (u64::from(number) * u64::from(population.len()) / u64::from(drawn)) as u32;
            let size = population.mailbox(MailboxKey(key)).bytes as f64;
            let bin = BINS.partition_point(|upper| *upper < size).min(BINS.len() - 1);
            mailboxes[bin] += 1.0;
            bytes[bin] += size;
        }
        let shares = |counts: Vec<f64>| {
            let total = counts.iter().sum::<f64>().max(1.0);
            counts.into_iter().map(|count| count / total).collect()
        };
        Self { upper_bytes: BINS.to_vec(), mailboxes: shares(mailboxes), bytes: shares(bytes) }
    }
}

/// Text made safe for HTML.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

/// JSON that may stand inside a script element: no `<` in it can end the element.
fn embedded(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("result types serialize").replace('<', "\\u003c")
}

fn push(page: &mut String, content: &str) {
    writeln!(page, "{content}").expect("writing to a string cannot fail");
}

/// The whole page.
#[must_use]
pub fn forecast(
    plan: &Plan,
    totals: &Description,
    forecast: &Forecast,
    published: &ForecastReport,
    sizes: &SizeBins,
) -> String {
    let mut page = String::with_capacity(CHARTS.len() + (1 << 18));
    let title = escape(&plan.title);
    push(&mut page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">");
    push(&mut page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    push(&mut page, &format!("<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>"));
    push(&mut page, &format!("<header><h1>{title}</h1>"));
    push(
        &mut page,
        &format!(
            "<p>{} mailboxes, {}, {} items. Scenario {}, seed {}, wavetank {}.</p></header>",
            count(totals.mailboxes.into()),
            bytes(totals.bytes as f64),
            count(totals.items),
            escape(&plan.hash),
            plan.seed,
            env!("CARGO_PKG_VERSION")
        ),
    );
    push(&mut page, "<div class=\"answers\">");
    for window in &forecast.windows {
        answer(&mut page, window);
    }
    if let Some(campaign) = &forecast.campaign {
        estate(&mut page, campaign);
    }
    push(&mut page, "</div>");
    for (number, window) in forecast.windows.iter().enumerate() {
        section(&mut page, number, window);
    }
    push(&mut page, "<section><h2>Population</h2><div class=\"chart\" id=\"population\" role=\"img\"></div></section>");
    if let Some(inference) = &forecast.inference {
        explanation(&mut page, inference);
    }
    assumptions(&mut page, &plan.assumptions);
    push(
        &mut page,
        &format!(
            "<footer><p>{} virtual runs with {} requests of the real pipeline, {} runs of the fluid model.</p>\
             <p>Charts: Apache ECharts, Apache License 2.0.</p></footer></main>",
            forecast.virtual_runs,
            count(forecast.requests_simulated),
            forecast.fluid_runs
        ),
    );
    push(&mut page, &format!("<script type=\"application/json\" id=\"data\">{}</script>", embedded(published)));
    push(&mut page, &format!("<script type=\"application/json\" id=\"sizes\">{}</script>", embedded(sizes)));
    push(&mut page, &format!("<!--\n{}\n-->", CHARTS_NOTICE.replace("--", "- -")));
    push(&mut page, &format!("<script>{CHARTS}</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>"));
    page
}

fn answer(page: &mut String, window: &WindowForecast) {
    let size = &window.size;
    push(page, "<div class=\"answer\">");
    push(page, &format!("<p class=\"window\">{}</p>", escape(&window.name)));
    push(page, &format!("<p class=\"size\">{}</p>", count(size.recommended.into())));
    if size.recommended > 0 {
        push(
            page,
            &format!(
                "<p>mailboxes, {} to {}<br>{} done in time with {} confidence</p>",
                count(size.interval.0.into()),
                count(size.interval.1.into()),
                percent(size.completed_share),
                percent(size.confidence)
            ),
        );
    }
    for caution in phrase::cautions(window) {
        push(page, &format!("<p>{caution}</p>"));
    }
    if let Some((least, most)) = window.leading() {
        push(
            page,
            &format!(
                "<p class=\"hangs\">given the stated assumptions; hangs on {}:<br>{} at {}, {} at {}</p>",
                escape(&least.knob),
                count(least.recommended.into()),
                escape(&least.to),
                count(most.recommended.into()),
                escape(&most.to)
            ),
        );
    }
    if let Some((published, _)) = &window.published {
        push(page, &format!("<p class=\"published\">published: {}</p>", count((*published).into())));
    }
    push(page, "</div>");
}

fn estate(page: &mut String, campaign: &Campaign) {
    let date = campaign.done.as_ref().map_or_else(|| "never".to_owned(), |done| done.on.to_string());
    push(page, "<div class=\"answer\"><p class=\"window\">the whole estate</p>");
    push(page, &format!("<p class=\"size\">{date}</p>"));
    for (number, words) in phrase::campaign(campaign).iter().enumerate() {
        let class = if number == 0 { "" } else { " class=\"hangs\"" };
        push(page, &format!("<p{class}>{}</p>", escape(words)));
    }
    push(page, "</div>");
}

fn section(page: &mut String, number: usize, window: &WindowForecast) {
    let prestage = &window.prestage;
    push(page, &format!("<section><h2>{}</h2>", escape(&window.name)));
    push(page, &format!("<p>{}, open {}.</p>", escape(&window.opening), span(window.open)));
    push(page, "<div class=\"charts\">");
    for chart in ["curve", "makespan", "causes", "effects"] {
        push(page, &format!("<div class=\"chart\" id=\"{chart}-{number}\" role=\"img\"></div>"));
    }
    push(page, "</div><table><tbody>");
    let mut row = |name: &str, value: String| push(page, &format!("<tr><th>{name}</th><td>{value}</td></tr>"));
    row("Makespan", phrase::makespan(window));
    row("Stragglers", phrase::stragglers(window));
    row("Throughput", phrase::throughput(window));
    let verdict = if prestage.feasible {
        "feasible".to_owned()
    } else {
        format!("not feasible: {}", escape(&prestage.obstacles.join("; ")))
    };
    row("Pre-stage", phrase::prestage(window, &verdict));
    if let Some((published, source)) = &window.published {
        row("Published", format!("{} mailboxes ({})", count((*published).into()), escape(source)));
    }
    push(page, "</tbody></table>");
    beside::tables(page, &window.beside, 3, window.correction.ratios.len());
    effects(page, &window.sensitivity);
    push(page, "</section>");
}

fn effects(page: &mut String, effects: &[Effect]) {
    push(page, "<details><summary>What would change the wave size, in numbers</summary><table><thead>");
    push(page, "<tr><th>Knob</th><th>From</th><th>To</th><th>Wave size</th><th>Change</th></tr></thead><tbody>");
    for effect in effects {
        push(
            page,
            &format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
                escape(&effect.knob),
                escape(&effect.from),
                escape(&effect.to),
                count(effect.recommended.into()),
                phrase::change(effect)
            ),
        );
    }
    push(page, "</tbody></table></details>");
}

fn explanation(page: &mut String, inference: &Inference) {
    push(page, "<section><h2>What would explain the published sizes</h2>");
    push(page, &format!("<p class=\"caution\">{}</p>", escape(&inference.note)));
    let windows = inference.combinations.first().map_or(&[][..], |first| &first.open_switches[..]);
    push(page, "<table><thead><tr><th>Mean switch</th>");
    for (window, _) in windows {
        push(page, &format!("<th>open switches needed, {}</th>", escape(window)));
    }
    push(page, "<th></th></tr></thead><tbody>");
    for combination in &inference.combinations {
        push(page, &format!("<tr><td>{}</td>", span(combination.switch_mean)));
        for (_, switches) in &combination.open_switches {
            push(page, &format!("<td class=\"number\">{}</td>", significant(*switches)));
        }
        let mark = if combination.explains_all { "one cap explains all" } else { "" };
        push(page, &format!("<td>{mark}</td></tr>"));
    }
    push(page, "</tbody></table></section>");
}

fn assumptions(page: &mut String, assumptions: &[Assumption]) {
    push(page, "<section><h2>What this rests on</h2><details><summary>Every value of the scenario and its source");
    push(page, "</summary><table><thead><tr><th>Key</th><th>Value</th><th>Source</th></tr></thead><tbody>");
    for assumption in assumptions {
        let class = if assumption.is_assumed() { " class=\"assumed\"" } else { "" };
        push(
            page,
            &format!(
                "<tr{class}><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&assumption.key),
                escape(&assumption.value),
                escape(&assumption.note)
            ),
        );
    }
    push(page, "</tbody></table></details></section>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_scenario_cannot_become_markup() {
        assert_eq!(escape("<b title=\"x\">&"), "&lt;b title=&quot;x&quot;&gt;&amp;");
        assert!(!embedded(&"</script>").contains('<'));
    }
}
