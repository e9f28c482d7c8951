//! A checked scenario: immutable, complete, in the units of the code.

use std::path::PathBuf;

use mock_server::draw::Distribution;
use mock_server::journal::judge::goal::Goal;
use mock_server::service::config::Config;
use mock_server::service::credentials::Credentials;
use mock_server::throttle::limit::Scope;
use mock_server::time::Span;
use mock_server::wire::call::Protocol;
use mock_server::wire::refusal::RefusalKind;
use strum::IntoStaticStr;

use super::program::Program;
use crate::calendar::Window;

/// A checked scenario.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the scenario is about, in a line.
    pub title: String,
    /// The file that it came from, as it was named.
    pub file: PathBuf,
    /// Fingerprint of everything below but the seed: sixteen hexadecimal digits.
    pub hash: String,
    /// The seed of every random choice.
    pub seed: u64,
    /// Who has mailboxes.
    pub population: PopulationPlan,
    /// The server that mailboxes leave.
    pub source: SidePlan,
    /// The server that mailboxes go to.
    pub target: SidePlan,
    /// What lies between.
    pub network: NetworkPlan,
    /// How the pipeline works.
    pub pipeline: PipelinePlan,
    /// What is moved in one run of `simulate` or `run`.
    pub wave: WavePlan,
    /// When the pipeline's process dies and is started again; virtual runs only. In order of time.
    pub crashes: Vec<Crash>,
    /// When waves may run. Empty for scenarios that only simulate.
    pub windows: Vec<Window>,
    /// How forecasts are made.
    pub forecast: ForecastPlan,
    /// Who may prove themselves to servers that outlive a run. The pipeline's own servers admit the pipeline.
    pub credentials: Credentials,
    /// People at work with their mailboxes while a wave runs, if there are any.
    pub background: Option<BackgroundPlan>,
    /// What clients shall keep to. Results do not depend on it, only what is said of them.
    pub goals: Vec<Goal>,
    /// Every value of the resolved scenario with where it comes from, for reports and `explain`.
    pub assumptions: Vec<Assumption>,
}

/// One value of the resolved scenario.
#[derive(Clone, PartialEq, Debug)]
pub struct Assumption {
    /// The key in the scenario file, for example `target.switch.duration`.
    pub key: String,
    /// The value as a scenario would write it.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
    /// The source that is cited, or why it is assumed.
    pub note: String,
}

impl Assumption {
    /// Whether its source says that it is assumed.
    #[must_use]
    pub fn is_assumed(&self) -> bool {
        self.note.to_ascii_lowercase().contains("assumed")
    }
}

/// Where a value comes from.
#[derive(Copy, Clone, PartialEq, Eq, Debug, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Origin {
    /// The scenario file.
    File,
    /// `--set` on the command line.
    Override,
    /// A named preset.
    Preset,
    /// The export of an estate that the scenario names.
    Inventory,
    /// The default of the key.
    Default,
}

impl Origin {
    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Who has mailboxes.
#[derive(Clone, PartialEq, Debug)]
pub struct PopulationPlan {
    /// Name of the preset that gives every parameter the inventory does not.
    pub preset: String,
    /// How many mailboxes; the preset's own number, or the inventory's, if absent.
    pub mailboxes: Option<u32>,
    /// A real export to take mailboxes from.
    pub inventory: Option<PathBuf>,
    /// Whether the inventory is used as it is, or only to fit the preset's parameters, which are then scaled up.
    pub fit: bool,
    /// Factor on daily changes.
    pub change_factor: f64,
    /// Factor on the share of mailboxes that have corrupt items.
    pub corrupt_factor: f64,
    /// Every mailbox exactly alike, for closed-form checks; absent for a drawn population.
    pub uniform: Option<UniformMailbox>,
}

/// A mailbox that is the same for everybody, for scenarios that are checked against a closed form.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct UniformMailbox {
    /// Items in each mailbox.
    pub items: u64,
    /// Size of each item in bytes.
    pub item_bytes: u32,
    /// Folders that the items and their changes are spread over: the inbox, and others below it and each other.
    pub folders: u32,
    /// Changes per day.
    pub changes_per_day: f64,
}

/// One of the two servers.
#[derive(Clone, PartialEq, Debug)]
pub struct SidePlan {
    /// The protocol spoken with it.
    pub protocol: Protocol,
    /// Its limits, faults and costs. `holding` and `clock_at_start` follow from the wave.
    pub server: Config,
}

impl SidePlan {
    /// Whether a server that says it is busy means the whole app rather than one mailbox: a limit that says so is shared.
    #[must_use]
    pub fn busy_is_shared(&self) -> bool {
        let counts = |protocols: &[Protocol]| protocols.is_empty() || protocols.contains(&self.protocol);
        let of_limit = self.server.limits.iter().any(|limit| {
            let is_shared = matches!(limit.scope, Scope::App | Scope::Tenant);
            limit.refusal == RefusalKind::ServerBusy && is_shared && counts(&limit.protocols)
        });
        let of_policy = self.server.conditions.policies.iter().any(|policy| {
            let is_shared = policy.sharing.app && !policy.sharing.mailbox;
            policy.refusal == RefusalKind::ServerBusy && is_shared && counts(&policy.concerns.protocols)
        });
        of_limit || of_policy
    }
}

/// One network path.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct LinkPlan {
    /// Bytes per second, shared by all lanes; unlimited if absent.
    pub bytes_per_second: Option<f64>,
    /// Time for a message to cross, one way.
    pub latency: Distribution,
}

/// What lies between the pipeline and the two servers.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct NetworkPlan {
    /// The path to the source.
    pub source: LinkPlan,
    /// The path to the target.
    pub target: LinkPlan,
}

/// How the pipeline works.
#[derive(Clone, PartialEq, Debug)]
pub struct PipelinePlan {
    /// Mailboxes in progress at once.
    pub lanes: u32,
    /// Requests in progress at once for one mailbox, 1 to 16.
    pub requests_per_mailbox: u32,
    /// Switches that we keep open at once.
    pub open_switches: u32,
    /// How often a switch is polled.
    pub poll_interval: Span,
    /// How long to wait for an answer.
    pub patience: Span,
    /// Repeating calls.
    pub retry: RetryPlan,
    /// Sizes of batches.
    pub batch: BatchPlan,
    /// Limits of the servers that we know of and keep below on our own account.
    pub pace: PacePlan,
    /// Items that may be left behind because they cannot be read, before the mailbox counts as failed.
    pub bad_item_limit: u32,
    /// Items that may be left behind because they are too large, before the mailbox counts as failed.
    pub large_item_limit: u32,
    /// Items above this size are not tried, in bytes.
    pub largest_item_bytes: u32,
    /// In which order the mailboxes of a wave are taken up.
    pub order: Order,
    /// How deep the comparison goes.
    pub verify: Verify,
}

/// Repeating calls.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct RetryPlan {
    /// Most tries of one call, the first included.
    pub attempts: u32,
    /// The first back-off; each further one doubles. A longer wait that the server asks for counts instead.
    pub first_back_off: Span,
    /// The longest back-off.
    pub longest_back_off: Span,
    /// Share of a back-off that is random, from 0 to 1.
    pub jitter: f64,
    /// Repeats that one mailbox may spend on failures that are no refusals by a limit.
    pub budget: u32,
}

/// Sizes of batches.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct BatchPlan {
    /// Most changes to ask for in one sync call.
    pub sync_changes: u32,
    /// Most items of one export.
    pub export_items: u32,
    /// Most bytes of one export.
    pub export_bytes: u64,
    /// Most items of one upload.
    pub upload_items: u32,
    /// Most bytes of one upload.
    pub upload_bytes: u64,
    /// Most calls in one Graph batch.
    pub batch_calls: u32,
}

/// Limits that the pipeline keeps below on its own account. Absent values are found out by being refused.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct PacePlan {
    /// Requests to the target per mailbox: count and span.
    pub target_requests: Option<(u64, Span)>,
    /// Bytes uploaded to the target per mailbox: bytes and span.
    pub target_upload_bytes: Option<(u64, Span)>,
}

/// The order in which the mailboxes of a wave are taken up.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// The one with most work first.
    HeaviestFirst,
    /// The one with least work first.
    LightestFirst,
    /// As the wave was drawn.
    AsDrawn,
}

/// How deep the comparison of source and target goes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Verify {
    /// Items and bytes of every folder.
    Counts,
    /// As well, the identity of every item that this run copied.
    Fingerprint,
}

/// What is moved in one run.
#[derive(Clone, PartialEq, Debug)]
pub struct WavePlan {
    /// How many mailboxes; whole organisations are drawn until there are enough, and the last one is cut.
    pub mailboxes: u32,
    /// Name of the window that the wave runs in; without one it starts at once and has no end.
    pub window: Option<String>,
    /// Copying ahead of the window; absent if the run makes the first copy itself.
    pub prestage: Option<PrestagePlan>,
    /// Whether the run ends with the cutover; otherwise it copies and verifies only.
    pub cutover: bool,
}

/// The death of the pipeline's process, from which it goes on by its checkpoint.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Crash {
    /// When it dies, counted from the beginning of the run.
    pub at: Span,
    /// How long it takes until it is started again.
    pub restart: Span,
}

/// Copying ahead of the window.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct PrestagePlan {
    /// How long before the window opens the first copy is complete.
    pub lead: Span,
    /// How often a delta refreshes it.
    pub interval: Span,
    /// How old the last of these deltas is when the window opens.
    pub age: Span,
    /// Lanes that copy ahead.
    pub lanes: u32,
    /// Bytes per second that one lane copies on average.
    pub lane_bytes_per_second: f64,
}

/// People at work with their mailboxes while a wave runs.
#[derive(Clone, PartialEq, Debug)]
pub struct BackgroundPlan {
    /// How much the people of all mailboxes ask of the source, as a factor on the volumes that are known of them.
    pub source: f64,
    /// The same of the target.
    pub target: f64,
    /// The programs that they use, at least one.
    pub programs: Vec<Program>,
    /// The local time of the week at which a run begins, in hours since Monday 00:00; what follows from the wave's window
    /// if absent.
    pub starts: Option<f64>,
}

/// How forecasts are made.
#[derive(Clone, PartialEq, Debug)]
pub struct ForecastPlan {
    /// The share of a wave's mailboxes that must cut over inside the window, from 0 to 1.
    pub completed_share: f64,
    /// The probability with which that must hold, from 0 to 1.
    pub confidence: f64,
    /// Stop when the interval on the wave size is narrower than this share of it.
    pub precision: f64,
    /// Fewest and most virtual runs of one size for each window; two or more, to see how much they differ.
    pub virtual_runs: (u32, u32),
    /// Runs of the fluid model for each window.
    pub fluid_runs: u32,
    /// Published wave sizes to show beside the forecast, by window name.
    pub published: Vec<Published>,
}

/// A published wave size.
#[derive(Clone, PartialEq, Debug)]
pub struct Published {
    /// Name of the window.
    pub window: String,
    /// Mailboxes in a wave.
    pub mailboxes: u32,
    /// Who said so.
    pub source: String,
}
