//! What follows from a plan: the two servers as a run finds them, and scale models.

use mock_server::service::config::{Config, Holding};
use mock_server::time::Span;

use super::plan::{LinkPlan, Plan};
use crate::calendar::{TUESDAY_AT_TEN, hours_since_monday};

impl Plan {
    /// The source as a run finds it: alive, with its staging clock at the lead of the pre-stage.
    #[must_use]
    pub fn source_config(&self) -> Config {
        let clock_at_start = self.wave.prestage.map_or(Span::ZERO, |prestage| prestage.lead);
        Config { seed: self.seed, holding: Holding::Live, clock_at_start, ..self.source.server.clone() }
    }

    /// The target as a run finds it: empty, or with a copy as old as the last delta of the pre-stage.
    #[must_use]
    pub fn target_config(&self) -> Config {
        let (holding, clock_at_start) = match self.wave.prestage {
            None => (Holding::Empty, Span::ZERO),
            Some(prestage) => (Holding::Copy { taken: prestage.lead - prestage.age }, prestage.lead),
        };
        Config { seed: self.seed, holding, clock_at_start, ..self.target.server.clone() }
    }

    /// How long the window of the wave is open at its first opening; nothing for a wave that runs in no window.
    #[must_use]
    pub fn open(&self) -> Option<Span> {
        let name = self.wave.window.as_ref()?;
        let window = self.windows.iter().find(|window| window.name == *name)?;
        window.first_opening().map(|opening| opening.duration())
    }

    /// The local time of the week at which people's work beside the wave begins, in hours since Monday 00:00: what the
    /// scenario says, or when the window of the wave opens first. Without a window it is
    /// [`TUESDAY_AT_TEN`].
    #[must_use]
    pub fn begins(&self) -> f64 {
        let said = self.background.as_ref().and_then(|background| background.starts);
        let window = self.windows.iter().find(|window| self.wave.window.as_ref() == Some(&window.name));
        let opens = || {
            let opens = window?.first_opening()?.opens.to_zoned(window?.zone.clone());
            Some(hours_since_monday(opens.weekday(), opens.time()))
        };
        said.or_else(opens).unwrap_or(TUESDAY_AT_TEN)
    }

    /// A scale model: one mailbox in `k`, and everything that mailboxes share divided by `k`. What each mailbox has for
    /// itself stays as it is. Shares below one become one, so very small plans do not scale.
    #[must_use]
    pub fn scaled(&self, k: u32) -> Self {
        let k = k.max(1);
        let share = |count: u32| count.div_ceil(k);
        let mut plan = self.clone();
        if k > 1 {
            plan.hash = format!("{}/{k}", plan.hash);
            plan.title = format!("{}, at scale 1/{k}", plan.title);
        }
        plan.wave.mailboxes = share(plan.wave.mailboxes);
        if let Some(prestage) = &mut plan.wave.prestage {
            prestage.lanes = share(prestage.lanes);
        }
        plan.pipeline.lanes = share(plan.pipeline.lanes);
        plan.pipeline.open_switches = share(plan.pipeline.open_switches);
        for side in [&mut plan.source, &mut plan.target] {
            let server = &mut side.server;
            server.limits = server.limits.iter().map(|limit| limit.scaled(k)).collect();
            for change in &mut server.limit_changes {
                change.limit = change.limit.scaled(k);
            }
            let conditions = &mut server.conditions;
            conditions.policies = conditions.policies.iter().map(|policy| policy.scaled(k)).collect();
            for change in &mut conditions.policy_changes {
                change.policy = change.policy.scaled(k);
            }
            server.costs.servers = server.costs.servers.map(share);
            server.switch.places = share(server.switch.places);
        }
        if let Some(background) = &mut plan.background {
            background.source /= f64::from(k);
            background.target /= f64::from(k);
        }
        plan.network.source = scaled_link(plan.network.source, k);
        plan.network.target = scaled_link(plan.network.target, k);
        plan
    }
}

fn scaled_link(link: LinkPlan, k: u32) -> LinkPlan {
    LinkPlan { bytes_per_second: link.bytes_per_second.map(|flow| flow / f64::from(k)), ..link }
}
