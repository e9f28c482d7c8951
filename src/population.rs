//! Who has mailboxes, and what is in them: computed from a seed and a key, never stored.
//!
//! A population knows organisations, mailboxes, folders and items; each level sums exactly to the one above, and any
//! mailbox costs the same whether it is the first or the two-millionth. Reads inventories, and does no other I/O. Knows
//! nothing of servers, pipelines or time beyond how many changes have happened.

pub mod content;
pub mod describe;
mod folder;
pub mod inventory;
mod item;
pub mod mailbox;
mod organisation;
mod owned;
pub mod parameters;
pub mod preset;
pub mod profile;
pub mod wave;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use mock_server::draw::{Hashes, Purpose};
use mock_server::time::{NANOSECONDS, Span};
use mock_server::wire::id::MailboxKey;

use crate::calendar::Window;
use crate::calendar::opening::Opening;
use crate::scenario::plan::{Plan, PopulationPlan, UniformMailbox};

use self::inventory::fit::ENOUGH_FOR_MEDIAN;
use self::inventory::{ImportError, Inventory};
use self::item::SizeLaw;

use self::mailbox::{Drawer, Mailbox};
use self::organisation::Organisations;
use self::owned::Owned;
use self::preset::{Cohort, Preset};
use self::profile::Week;

/// Why there is no population.
#[derive(Debug, thiserror::Error)]
pub enum PopulationError {
    /// No preset has this name.
    #[error("no population preset is called `{name}`; there are {}", preset::NAMES.join(", "))]
    UnknownPreset {
        /// The name.
        name: String,
    },
    /// The inventory cannot be used.
    #[error(transparent)]
    Inventory(#[from] ImportError),
    /// An inventory as it is has fewer mailboxes than are wanted.
    #[error("{} has {there} mailboxes, and {wanted} are wanted", file.display())]
    TooFew {
        /// The file.
        file: PathBuf,
        /// Mailboxes in it.
        there: u32,
        /// Mailboxes wanted.
        wanted: u32,
    },
    /// A wave has more mailboxes than the inventory.
    #[error("a wave of {wanted} mailboxes is more than the {there} of {}", file.display())]
    WaveTooLarge {
        /// The file.
        file: PathBuf,
        /// Mailboxes in it.
        there: u32,
        /// Mailboxes of the wave.
        wanted: u32,
    },
    /// An inventory is too small to fit a preset to.
    #[error(
        "{} has {there} mailboxes of people that are not empty, and a fit needs at least {ENOUGH_FOR_MEDIAN}",
        file.display()
    )]
    TooFewToFit {
        /// The file.
        file: PathBuf,
        /// Mailboxes of people in it that are not empty.
        there: usize,
    },
    /// A population must have a mailbox.
    #[error("a population needs at least one mailbox")]
    Empty,
}

impl PopulationError {
    /// The key of a scenario that is to blame.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::UnknownPreset { .. } => "population.preset",
            Self::Inventory(_) => "population.inventory",
            Self::TooFew { .. } | Self::Empty => "population.mailboxes",
            Self::TooFewToFit { .. } => "population.fit",
            Self::WaveTooLarge { .. } => "wave.mailboxes",
        }
    }

    /// How to put it right.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::UnknownPreset { .. } => "name one of these",
            Self::Inventory(_) => "`wavetank inventory FILE` tells what is wrong with it; export the list again",
            Self::TooFew { .. } => "lower it, or set `fit = true` to scale the inventory up",
            Self::TooFewToFit { .. } => "export more mailboxes, or leave `fit` out to take the inventory as it is",
            Self::WaveTooLarge { .. } => "lower it, or set `fit = true` and `population.mailboxes` to scale it up",
            Self::Empty => "raise it to 1 or more",
        }
    }
}

/// A population. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Population {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    seed: u64,
    /// For when folders change.
    change_hashes: Hashes,
    /// For the sizes of items that arrived.
    size_hashes: Hashes,
    mailboxes: u32,
    organisations: Organisations,
    source: Source,
    drawer: Drawer,
    sizes: SizeLaw,
    week: Week,
}

/// Where mailboxes come from.
#[derive(Clone, Debug)]
enum Source {
    /// Drawn by the parameters of a preset.
    Drawn,
    /// All alike.
    Uniform(UniformMailbox),
    /// The rows of an inventory.
    Owned(Owned),
}

impl Population {
    /// The population of a plan.
    ///
    /// # Errors
    ///
    /// If the preset is unknown, the inventory cannot be used, or there are no mailboxes.
    pub fn new(plan: &PopulationPlan, seed: u64) -> Result<Self, PopulationError> {
        let inventory = plan.inventory.as_deref().map(Inventory::read).transpose()?;
        Self::with(plan, seed, inventory.as_ref())
    }

    /// The population of a plan whose inventory was read already, if it names one.
    ///
    /// # Errors
    ///
    /// As [`Population::new`].
    pub fn with(plan: &PopulationPlan, seed: u64, inventory: Option<&Inventory>) -> Result<Self, PopulationError> {
        let preset =
            Preset::named(&plan.preset).ok_or_else(|| PopulationError::UnknownPreset { name: plan.preset.clone() })?;
        let file = plan.inventory.as_deref().unwrap_or(Path::new(""));
        let (preset, mailboxes) = if let Some(inventory) = inventory {
            inventory.usable(file)?;
            let own = u32::try_from(inventory.mailboxes.len()).unwrap_or(u32::MAX);
            if !plan.fit {
                return Self::of_rows(plan, preset, inventory, seed);
            }
            (fitted(inventory, &preset, file)?, plan.mailboxes.unwrap_or(own))
        } else {
            let own = preset.mailboxes;
            (preset, plan.mailboxes.unwrap_or(own))
        };
        if mailboxes == 0 {
            return Err(PopulationError::Empty);
        }
        let organisations = match plan.uniform {
            Some(_) => Organisations::of_sizes((0..mailboxes).map(|_| 1)),
            None => Organisations::draw(&preset, mailboxes, seed),
        };
        let source = plan.uniform.map_or(Source::Drawn, Source::Uniform);
        Ok(Self::assemble(plan, preset, seed, mailboxes, organisations, source))
    }

    /// Whether an inventory has what a plan asks of it.
    ///
    /// # Errors
    ///
    /// If it has no mailboxes, fewer than are asked for, or too few to fit a preset to.
    pub fn check(plan: &Plan, inventory: &Inventory) -> Result<(), PopulationError> {
        let (population, wave) = (&plan.population, plan.wave.mailboxes);
        let file = population.inventory.clone().unwrap_or_default();
        inventory.usable(&file)?;
        let there = u32::try_from(inventory.mailboxes.len()).unwrap_or(u32::MAX);
        match population.mailboxes {
            Some(wanted) if wanted > there && !population.fit => {
                return Err(PopulationError::TooFew { file, there, wanted });
            }
            None if wave > there => return Err(PopulationError::WaveTooLarge { file, there, wanted: wave }),
            _ => {}
        }
        if let Some(preset) = Preset::named(&population.preset).filter(|_| population.fit) {
            fitted(inventory, &preset, &file)?;
        }
        Ok(())
    }

    /// The population of a plan, with its changes timed by the first opening of the window that the plan's wave runs in.
    ///
    /// # Errors
    ///
    /// As [`Population::new`].
    pub fn of(plan: &Plan) -> Result<Self, PopulationError> {
        Ok(Self::new(&plan.population, plan.seed)?.staged(plan))
    }

    /// The same population with its changes timed by the first opening of the window that a plan's wave runs in.
    #[must_use]
    pub fn staged(self, plan: &Plan) -> Self {
        let window = plan.windows.iter().find(|window| plan.wave.window.as_ref() == Some(&window.name));
        let opening = window.and_then(|window| Some((window, window.first_opening()?)));
        let lead = plan.wave.prestage.map_or(Span::ZERO, |prestage| prestage.lead);
        match opening {
            Some((window, opening)) => self.staged_for(window, &opening, lead),
            None => self,
        }
    }

    /// The rows of an inventory as they are. A smaller number takes the first rows.
    fn of_rows(
        plan: &PopulationPlan,
        preset: Preset,
        inventory: &Inventory,
        seed: u64,
    ) -> Result<Self, PopulationError> {
        let there = u32::try_from(inventory.mailboxes.len()).unwrap_or(u32::MAX);
        let mailboxes = plan.mailboxes.unwrap_or(there);
        if mailboxes > there {
            let file = plan.inventory.clone().unwrap_or_default();
            return Err(PopulationError::TooFew { file, there, wanted: mailboxes });
        }
        let (owned, organisations) = Owned::new(&inventory.mailboxes[..mailboxes as usize]);
        Ok(Self::assemble(plan, preset, seed, mailboxes, organisations, Source::Owned(owned)))
    }

    fn assemble(
        plan: &PopulationPlan,
        preset: Preset,
        seed: u64,
        mailboxes: u32,
        organisations: Organisations,
        source: Source,
    ) -> Self {
        let sizes = SizeLaw::new(preset.largest_item);
        let drawer = Drawer::new(preset, seed, plan.change_factor, plan.corrupt_factor);
        let week = Week::default();
        let change_hashes = Hashes::new(seed, Purpose::Change);
        let size_hashes = Hashes::new(seed, Purpose::ItemSize);
        let inner = Inner { seed, change_hashes, size_hashes, mailboxes, organisations, source, drawer, sizes, week };
        Self { inner: Arc::new(inner) }
    }

    /// The population with its changes timed for a wave that cuts over at an opening: the staging clock begins `lead`
    /// before the window opens, in the window's local time.
    #[must_use]
    pub fn staged_for(self, window: &Window, opening: &Opening, lead: Span) -> Self {
        let seconds = i64::try_from(lead.0 / NANOSECONDS).unwrap_or(i64::MAX);
        let begins = opening.opens.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(opening.opens);
        let local = begins.to_zoned(window.zone.clone());
        self.with_week(Week::starting(local.weekday(), local.time()))
    }

    /// The same population with another zero of the staging clock; by default a Monday at midnight.
    #[must_use]
    pub fn with_week(self, week: Week) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.inner);
        inner.week = week;
        Self { inner: Arc::new(inner) }
    }

    /// How many mailboxes there are; keys run from 0 to one less.
    #[expect(clippy::len_without_is_empty, reason = "a population is never empty")]
    #[must_use]
    pub fn len(&self) -> u32 {
        self.inner.mailboxes
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = MailboxKey> + use<> {
        (0..self.inner.mailboxes).map(MailboxKey)
    }

    /// How many organisations there are.
    #[must_use]
    pub fn organisations(&self) -> u32 {
        self.inner.organisations.len()
    }

    /// The keys of an organisation's mailboxes.
    ///
    /// # Panics
    ///
    /// If there is no such organisation.
    #[must_use]
    pub fn organisation(&self, organisation: u32) -> Range<u32> {
        self.inner.organisations.range(organisation)
    }

    /// The organisation that a mailbox belongs to.
    ///
    /// # Panics
    ///
    /// If there is no such mailbox.
    #[must_use]
    pub fn organisation_of(&self, mailbox: MailboxKey) -> u32 {
        assert!(mailbox.0 < self.inner.mailboxes, "mailbox {} of {}", mailbox.0, self.inner.mailboxes);
        self.inner.organisations.of(mailbox.0)
    }

    /// The parameters that mailboxes are drawn by.
    #[must_use]
    pub fn preset(&self) -> &Preset {
        &self.inner.drawer.preset
    }

    /// A mailbox, in constant time.
    ///
    /// # Panics
    ///
    /// If there is no such mailbox.
    #[must_use]
    pub fn mailbox(&self, key: MailboxKey) -> Mailbox {
        let inner = &*self.inner;
        let organisation = self.organisation_of(key);
        match &inner.source {
            Source::Drawn => inner.drawer.draw(key, organisation, inner.organisations.factor(organisation)),
            Source::Owned(owned) => inner.drawer.fill_in(key, organisation, owned.known(key)),
            Source::Uniform(uniform) => Mailbox {
                cohort: Cohort::Active,
                organisation,
                bytes: uniform.items * u64::from(uniform.item_bytes),
                items: uniform.items,
                folders: 1 + uniform.folders,
                changes_per_day: uniform.changes_per_day * inner.drawer.change_factor,
                archive_bytes: None,
                corrupt_items: 0,
                oversize_item: None,
            },
        }
    }
}

/// A preset fitted to an inventory.
fn fitted(inventory: &Inventory, preset: &Preset, file: &Path) -> Result<Preset, PopulationError> {
    let fit = inventory.fit(preset);
    if fit.has_sizes() {
        return Ok(fit.preset);
    }
    Err(PopulationError::TooFewToFit { file: file.to_owned(), there: inventory.people() })
}

#[cfg(test)]
mod tests;
