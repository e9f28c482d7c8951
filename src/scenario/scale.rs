//! What follows from a plan: the two servers as a run finds them, and scale models.

use mock_server::service::config::{Config, Holding};
use mock_server::time::Span;

use super::plan::{LinkPlan, Plan};

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

    /// A scale model: one mailbox in `k`, and everything that mailboxes share divided by `k`. What each mailbox has for
    /// itself stays as it is. Shares below one become one, so very small plans do not scale.
    #[must_use]
    pub fn scaled(&self, k: u32) -> Self {
        let k = k.max(1);
        let share = |count: u32| count.div_ceil(k);
        let mut plan = self.clone();
        plan.hash = if k == 1 { plan.hash } else { format!("{}/{k}", plan.hash) };
        plan.wave.mailboxes = share(plan.wave.mailboxes);
        if let Some(prestage) = &mut plan.wave.prestage {
            prestage.lanes = share(prestage.lanes);
        }
        plan.pipeline.lanes = share(plan.pipeline.lanes);
        plan.pipeline.open_switches = share(plan.pipeline.open_switches);
        for side in [&mut plan.source, &mut plan.target] {
            let server = &mut side.server;
            server.limits = server.limits.iter().map(|limit| limit.scaled(k)).collect();
            let conditions = &mut server.conditions;
            conditions.policies = conditions.policies.iter().map(|policy| policy.scaled(k)).collect();
            server.costs.servers = server.costs.servers.map(share);
            server.switch.places = share(server.switch.places);
        }
        plan.network.source = scaled_link(plan.network.source, k);
        plan.network.target = scaled_link(plan.network.target, k);
        plan
    }
}

fn scaled_link(link: LinkPlan, k: u32) -> LinkPlan {
    LinkPlan { bytes_per_second: link.bytes_per_second.map(|flow| flow / f64::from(k)), ..link }
}
