//! The JSON Schema of scenario files, for editors that complete and check while one writes.
//!
//! The types here describe the file and are never filled in; a test holds them to the keys that reading asks for.

mod background;
pub mod conditions;
pub mod crash;
pub mod goal;
pub mod limit;
pub mod trouble;

use std::collections::BTreeMap;

use schemars::{JsonSchema, schema_for};

use self::conditions::{PolicyEntry, Topology};
use self::crash::Crash;
use self::goal::Goal;
use self::limit::{LimitChange, LimitEntry};
use self::trouble::{FaultEntry, Health};

/// The schema as JSON text with a newline at the end.
///
/// # Panics
///
/// Never: a schema is valid JSON.
#[must_use]
pub fn text() -> String {
    let schema = schema_for!(Scenario);
    let mut text = serde_json::to_string_pretty(schema.as_value()).expect("a schema is valid JSON");
    text.push('\n');
    text
}

/// A duration: `"45 ms"`, `"9 min"`, `"1 h 30 min"`, `"7 d"`.
#[derive(JsonSchema)]
pub struct Duration(pub String);

/// An amount of data: `"150 MB"`, `"64 MiB"`.
#[derive(JsonSchema)]
pub struct Size(pub String);

/// A flow of data: `"10 Gbit/s"`, `"1.8 GB/h"`.
#[derive(JsonSchema)]
pub struct Flow(pub String);

/// A count in a span: `"10000/10 min"`.
#[derive(JsonSchema)]
pub struct CountPer(pub String);

/// An amount of data in a span: `"150 MB/5 min"`.
#[derive(JsonSchema)]
pub struct SizePer(pub String);

/// A distribution of durations: `"constant 45 ms"`, `"exponential mean 45 ms"`, `"uniform 10 ms to 90 ms"`,
/// `"log-normal median 8 min sigma 0.5"`.
#[derive(JsonSchema)]
pub struct Distribution(pub String);

/// A share: a number from 0 to 1, or a percentage such as `"70%"`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Share {
    /// From 0 to 1.
    Number(f64),
    /// A percentage.
    Percentage(String),
}

/// A count: a whole number, or a text such as `"27 requests"`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Count {
    /// A whole number.
    Number(u64),
    /// A number and the word for what is counted.
    Text(String),
}

/// A wavetank scenario.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Scenario {
    /// What the scenario is about, in a line.
    pub title: String,
    /// The seed of every random choice.
    pub seed: Option<u64>,
    /// Who has mailboxes.
    pub population: Option<Population>,
    /// The server that mailboxes leave.
    pub source: Option<Source>,
    /// The server that mailboxes go to.
    pub target: Option<Target>,
    /// What lies between.
    pub network: Option<Network>,
    /// How the pipeline works.
    pub pipeline: Option<Pipeline>,
    /// What is moved in one run.
    pub wave: Wave,
    /// When the pipeline's process dies and goes on from its checkpoint, in order of time; virtual runs only.
    pub crashes: Option<Vec<Crash>>,
    /// When waves may run.
    pub windows: Option<Vec<Window>>,
    /// How forecasts are made.
    pub forecast: Option<Forecast>,
    /// Who may prove themselves to servers that outlive a run; everybody if absent.
    pub credentials: Option<Vec<Credential>>,
    /// People at work beside a wave.
    pub background: Option<background::Background>,
    /// What clients shall keep to.
    pub goals: Option<Vec<Goal>>,
}

/// A user or an app.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Credential {
    /// The address of a user. Once a user is named, no others are admitted.
    pub user: Option<String>,
    /// The user's password; any if absent.
    pub password: Option<String>,
    /// The id of an app. Once an app is named, no others are admitted.
    pub client_id: Option<String>,
    /// The app's secret; any if absent.
    pub secret: Option<String>,
    /// What the app is permitted, such as `Mail.ReadWrite` or `full_access_as_app`; everything if absent.
    pub permissions: Option<Vec<String>>,
}

/// Who has mailboxes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Population {
    /// The preset: `nhs`, `enterprise`, `university` or `small-business`.
    pub preset: Option<String>,
    /// How many mailboxes.
    pub mailboxes: Option<Count>,
    /// A real export to take mailboxes from, relative to the scenario file.
    pub inventory: Option<String>,
    /// Whether the inventory only fits the preset's parameters, which are then scaled up.
    pub fit: Option<bool>,
    /// Factor on daily changes.
    pub change_factor: Option<f64>,
    /// Factor on the share of mailboxes that have corrupt items.
    pub corrupt_factor: Option<f64>,
    /// Every mailbox exactly alike.
    pub uniform: Option<Uniform>,
}

/// A mailbox that is the same for everybody.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Uniform {
    /// Items in each mailbox.
    pub items: Count,
    /// Size of each item.
    pub item_size: Size,
    /// Folders that the items are spread over; 1 by default.
    pub folders: Option<Count>,
    /// Changes per day.
    pub changes_per_day: Option<f64>,
}

/// A protocol.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Protocol {
    /// Exchange Web Services.
    Ews,
    /// Microsoft Graph.
    Graph,
}

/// The server that mailboxes leave.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Source {
    /// The protocol spoken with it.
    pub protocol: Option<Protocol>,
    /// Its limits, asked in order.
    pub limits: Option<Vec<LimitEntry>>,
    /// Limits and policies that change during the run.
    pub limit_changes: Option<Vec<LimitChange>>,
    /// The times that calls take.
    pub costs: Option<CostsEntry>,
    /// How many calls it works on at once; unlimited if absent.
    pub servers: Option<Count>,
    /// The largest item that it stores.
    pub largest_item: Option<Size>,
    /// What goes wrong on purpose.
    pub faults: Option<Vec<FaultEntry>>,
    /// Limits in their general form, asked in order before the others.
    pub policies: Option<Vec<PolicyEntry>>,
    /// Where mailboxes are.
    pub topology: Option<Topology>,
    /// What resources suffer from, and the work of real users.
    pub health: Option<Health>,
}

/// The server that mailboxes go to.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Target {
    /// The protocol spoken with it.
    pub protocol: Option<Protocol>,
    /// Its limits, asked in order.
    pub limits: Option<Vec<LimitEntry>>,
    /// Limits and policies that change during the run.
    pub limit_changes: Option<Vec<LimitChange>>,
    /// The times that calls take.
    pub costs: Option<CostsEntry>,
    /// How many calls it works on at once; unlimited if absent.
    pub servers: Option<Count>,
    /// The largest item that it stores.
    pub largest_item: Option<Size>,
    /// What goes wrong on purpose.
    pub faults: Option<Vec<FaultEntry>>,
    /// Limits in their general form, asked in order before the others.
    pub policies: Option<Vec<PolicyEntry>>,
    /// Where mailboxes are.
    pub topology: Option<Topology>,
    /// What resources suffer from, and the work of real users.
    pub health: Option<Health>,
    /// The asynchronous switch of a mailbox's address.
    pub switch: Option<Switch>,
}

/// The asynchronous switch of a mailbox's address.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Switch {
    /// How many may be under way at once.
    pub places: Option<Count>,
    /// How long one takes.
    pub duration: Option<Distribution>,
    /// The share that fails.
    pub failure_rate: Option<Share>,
}

/// Costs: the name of a preset, or a table.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum CostsEntry {
    /// The name of a preset.
    Preset(String),
    /// A table.
    Table(Box<Costs>),
}

/// The times that calls take.
#[derive(JsonSchema)]
pub struct Costs {
    /// The preset that gives what is absent.
    pub preset: Option<String>,
    /// Time for the call itself.
    pub call: Option<Distribution>,
    /// Time for each item.
    pub per_item: Option<Duration>,
    /// Time for each mebibyte of item content.
    pub per_mebibyte: Option<Duration>,
    /// Costs of single operations.
    #[schemars(flatten)]
    pub by_operation: BTreeMap<String, Cost>,
}

/// The time that one kind of call takes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Cost {
    /// Time for the call itself.
    pub call: Option<Distribution>,
    /// Time for each item.
    pub per_item: Option<Duration>,
    /// Time for each mebibyte of item content.
    pub per_mebibyte: Option<Duration>,
}

/// What lies between the pipeline and the servers.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Network {
    /// The path to the source.
    pub source: Option<Link>,
    /// The path to the target.
    pub target: Option<Link>,
}

/// A network path.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Link {
    /// The preset that gives what is absent.
    pub preset: Option<String>,
    /// The flow that all lanes share.
    pub bandwidth: Option<Flow>,
    /// Time to cross, one way.
    pub latency: Option<Distribution>,
}

/// How the pipeline works.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Pipeline {
    /// Mailboxes in progress at once.
    pub lanes: Option<Count>,
    /// Requests in progress at once for one mailbox.
    pub requests_per_mailbox: Option<Count>,
    /// Switches kept open at once.
    pub open_switches: Option<Count>,
    /// How often a switch is polled.
    pub poll_interval: Option<Duration>,
    /// How long to wait for an answer.
    pub patience: Option<Duration>,
    /// Repeating calls.
    pub retry: Option<Retry>,
    /// Sizes of batches.
    pub batch: Option<Batch>,
    /// Limits to keep below without being refused first.
    pub pace: Option<Pace>,
    /// Unreadable items that may be left behind.
    pub bad_item_limit: Option<Count>,
    /// Oversize items that may be left behind.
    pub large_item_limit: Option<Count>,
    /// Items above this size are not tried.
    pub largest_item: Option<Size>,
    /// `heaviest-first`, `lightest-first` or `as-drawn`.
    pub order: Option<String>,
    /// `counts`: items and bytes of every folder on both sides. `fingerprint`: every single item of the mailbox as well,
    /// which lists all of it on both sides while the mailbox is cut over, and makes a virtual run take a second or two for
    /// each million of items.
    pub verify: Option<String>,
}

/// Repeating calls.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Retry {
    /// Most tries of one call.
    pub attempts: Option<Count>,
    /// The first back-off.
    pub first_back_off: Option<Duration>,
    /// The longest back-off.
    pub longest_back_off: Option<Duration>,
    /// Share of a back-off that is random.
    pub jitter: Option<Share>,
    /// Repeats that one mailbox may spend on failures.
    pub budget: Option<Count>,
}

/// Sizes of batches.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Batch {
    /// Most changes of one sync call.
    pub sync_changes: Option<Count>,
    /// Most items of one export.
    pub export_items: Option<Count>,
    /// Most bytes of one export.
    pub export_size: Option<Size>,
    /// Most items of one upload.
    pub upload_items: Option<Count>,
    /// Most bytes of one upload.
    pub upload_size: Option<Size>,
    /// Most calls in one Graph batch.
    pub batch_calls: Option<Count>,
}

/// Limits to keep below without being refused first.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Pace {
    /// Requests to the target per mailbox.
    pub target_requests: Option<CountPer>,
    /// Bytes uploaded to the target per mailbox.
    pub target_upload: Option<SizePer>,
}

/// What is moved in one run.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Wave {
    /// How many mailboxes.
    pub mailboxes: Count,
    /// Name of the window that the wave runs in.
    pub window: Option<String>,
    /// Copying ahead of the window.
    pub prestage: Option<Prestage>,
    /// Whether the run ends with the cutover.
    pub cutover: Option<bool>,
}

/// Copying ahead of the window.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Prestage {
    /// How long before the window opens the first copy is complete.
    pub lead: Option<Duration>,
    /// How often a delta refreshes it.
    pub interval: Option<Duration>,
    /// How old the last delta is when the window opens.
    pub age: Option<Duration>,
    /// Lanes that copy ahead.
    pub lanes: Option<Count>,
    /// What one lane copies on average.
    pub lane_rate: Option<Flow>,
}

/// A window that recurs every week.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Window {
    /// Its name.
    pub name: String,
    /// The days on which it opens: `Mon` to `Sun`.
    pub days: Vec<String>,
    /// Local time at which it opens.
    pub opens: String,
    /// Local time at which it closes, with the day if that is not within a day: `07:00` or `Mon 07:00`.
    pub closes: String,
    /// The time zone of both.
    pub zone: String,
    /// The date that forecasts begin with.
    pub from: String,
    /// Dates on which it does not open; an opening that began before goes on to its end.
    pub freezes: Option<Vec<Freeze>>,
}

/// A date or a range of dates on which no window opens.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Freeze {
    /// A single date.
    pub on: Option<String>,
    /// The first date.
    pub from: Option<String>,
    /// The last date.
    pub until: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// How forecasts are made.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Forecast {
    /// The share of mailboxes that must cut over inside the window.
    pub completed_share: Option<Share>,
    /// The probability with which that must hold.
    pub confidence: Option<Share>,
    /// Stop when the interval is narrower than this share of the wave size.
    pub precision: Option<Share>,
    /// Fewest and most virtual runs of one size for each window; two or more, to see how much they differ.
    pub virtual_runs: Option<[u32; 2]>,
    /// Runs of the fluid model for each window.
    pub fluid_runs: Option<Count>,
    /// Published wave sizes to show beside the forecast.
    pub published: Option<Vec<Published>>,
}

/// A published wave size.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Published {
    /// Name of the window.
    pub window: String,
    /// Mailboxes in a wave.
    pub mailboxes: Count,
    /// Who said so.
    pub source: String,
}
