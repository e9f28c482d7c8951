//! What `simulate`, `run` and `serve` share: a plan, its population and its wave before a run; the result after it.

use std::path::Path;
use std::sync::Arc;

use mock_server::wire::id::MailboxKey;

use super::exit::Exit;
use super::options::ScenarioArgs;
use super::output::OutputArgs;
use super::{console, explain, journal};
use crate::engine::order;
use crate::population::Population;
use crate::population::inventory::Inventory;
use crate::report::number::count;
use crate::report::told::Told;
use crate::report::{html, json, text};
use crate::scenario::plan::Plan;

/// A scenario and how large a model of it is run.
#[derive(clap::Args, Clone, Debug)]
pub struct ModelArgs {
    /// The scenario.
    #[command(flatten)]
    pub scenario: ScenarioArgs,

    /// Run a scale model: one mailbox in so many, with what mailboxes share divided by as much
    #[arg(long, value_name = "1/K", value_parser = super::options::scale)]
    pub scale: Option<u32>,
}

/// What may be changed of a scenario where there may be none.
#[derive(clap::Args, Clone, Debug)]
pub struct Changes {
    /// Replace a value of the scenario, for example --set target.switch.duration="9 min"; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE", requires = "scenario")]
    pub overrides: Vec<String>,

    /// Replace the seed of every random choice; 1 where there is no scenario
    #[arg(long, value_name = "NUMBER", value_parser = super::options::seed)]
    pub seed: Option<u64>,

    /// Take a scale model: one mailbox in so many, with what mailboxes share divided by as much
    #[arg(long, value_name = "1/K", value_parser = super::options::scale, requires = "scenario")]
    pub scale: Option<u32>,
}

impl Changes {
    /// A scenario, so changed.
    #[must_use]
    pub fn of(&self, file: &Path) -> ModelArgs {
        let Self { overrides, seed, scale } = self.clone();
        ModelArgs { scenario: ScenarioArgs { file: file.to_path_buf(), overrides, seed }, scale }
    }
}

/// A scenario that can be run.
#[derive(Debug)]
pub struct Model {
    /// The plan, scaled.
    pub plan: Plan,
    /// Its mailboxes.
    pub population: Arc<Population>,
}

impl ModelArgs {
    /// Reads the scenario, says which it is, and makes its population; problems are written to stderr.
    pub fn load(&self, world: &str) -> Result<Model, Exit> {
        let (plan, inventory) = self.scenario.read()?;
        Model::of(plan, inventory.as_ref(), self.scale, world)
    }

    /// The arguments that give the same model again.
    #[must_use]
    pub fn reproduce(&self) -> String {
        let scale = self.scale.map(|k| format!(" --scale 1/{k}"));
        self.scenario.reproduce() + &scale.unwrap_or_default()
    }
}

/// Lanes that wait for something that cannot happen are a bug: says so, and how the command ends.
#[must_use]
pub fn stuck(lanes: usize) -> Exit {
    if lanes == 0 {
        return Exit::Ok;
    }
    console::error(&format!("{} lanes wait for something that cannot happen: this is a bug", count(lanes as u64)));
    Exit::Bug
}

impl Model {
    /// Makes a scale model of a plan if wanted, says which it is, and makes its population, from the inventory that the
    /// plan names, if it does; problems are written to stderr.
    pub fn of(plan: Plan, inventory: Option<&Inventory>, scale: Option<u32>, world: &str) -> Result<Self, Exit> {
        let whole = plan.wave.mailboxes;
        let plan = match scale {
            Some(k) => plan.scaled(k),
            None => plan,
        };
        console::headline(&plan, world);
        if let Some(k) = scale.filter(|k| whole < *k) {
            console::message(format_args!(
                "warning: the wave has {} mailboxes, fewer than the scale of 1/{} needs: the model moves {} of them",
                count(whole.into()),
                count(k.into()),
                count(plan.wave.mailboxes.into())
            ));
        }
        let population = Population::with(&plan.population, plan.seed, inventory).map_err(|error| {
            console::error(&error.to_string());
            Exit::InvalidInput
        })?;
        let population = Arc::new(population.staged(&plan));
        Ok(Self { plan, population })
    }

    /// The mailboxes of the wave, in the order in which they are taken up.
    #[must_use]
    pub fn wave(&self) -> Vec<MailboxKey> {
        order::wave(&self.plan, &self.population, 0, self.plan.wave.mailboxes)
    }

    /// Writes what a run came to where the user wants it. The run fails if a goal was missed.
    #[must_use]
    pub fn tell(&self, told: &Told<'_>, wall_seconds: f64, output: &OutputArgs) -> Exit {
        let plan = &self.plan;
        let published = json::render(&json::run::whole(plan, told, wall_seconds));
        let readable = text::run::report(plan, told, wall_seconds);
        let exit = output.tell(&published, &readable, || {
            vec![("report.html", html::run::page(plan, told, wall_seconds)), ("scenario.json", explain::json(plan))]
        });
        exit.max(journal::exit_of(told.goals))
    }
}
