//! How well the server is, in Microsoft's words, and what it shall suffer from.

use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::Wrong;
use super::words;
use crate::mailbox::content::Content;
use crate::service::core::Service;
use crate::throttle::health::load::Load;
use crate::throttle::health::{Terms, preset};
use crate::time::Moment;

/// How it is changed.
pub(super) const CHANGE: &str = "send {\"preset\": \"exchange-online\", \"peak_load\": 0.5}, or {} for a server that is \
                                 always well";

/// What the server shall suffer from.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Change {
    /// The name of a preset; always well if absent.
    preset: Option<String>,
    /// The share of the service that users take at their busiest hour, from 0 to 1.
    peak_load: Option<f64>,
}

impl Change {
    /// The health that this is.
    pub(super) fn terms(&self) -> Result<Terms, Wrong> {
        let mut terms = Terms::default();
        if let Some(name) = &self.preset {
            terms = words::preset(name, preset::named(name), preset::NAMES)?;
        }
        if let Some(peak) = words::share(self.peak_load, "peak_load")? {
            terms.load = Some(Load { peak, ..terms.load.unwrap_or_else(|| Load::office(peak)) });
        }
        Ok(terms)
    }
}

/// How well the server is at a moment.
pub(super) fn show<C: Content>(service: &mut Service<C>, now: Moment) -> Value {
    let presets = words::presets(preset::NAMES);
    let side = service.side();
    let Some(wellness) = service.health(now) else {
        return json!({ "utilization": null, "stalled": [], "totals": [], "presets": presets });
    };
    let stalled = wellness.suffering.iter().map(|(database, resource, well)| {
        json!({
            "database": database,
            "resource": resource.name(),
            "state": resource.word(side),
            "seconds": well.since(now).as_seconds(),
            "line": resource.relinquished(side),
        })
    });
    let totals = wellness.suffered.iter().filter(|(_, suffered)| suffered.held + suffered.refused > 0).map(
        |(resource, suffered)| {
            json!({
                "resource": resource.name(),
                "state": resource.word(side),
                "held": suffered.held,
                "refused": suffered.refused,
                "seconds": suffered.span.as_seconds(),
            })
        },
    );
    json!({
        "utilization": wellness.utilization,
        "stalled": stalled.collect::<Vec<_>>(),
        "totals": totals.collect::<Vec<_>>(),
        "presets": presets,
    })
}
