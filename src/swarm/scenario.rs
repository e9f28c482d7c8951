//! A small random scenario from a seed, written as a scenario file.
//!
//! Every seed draws a mask of its own: which limits there are, which faults, what resources suffer from, whether the
//! process dies. All faults but items that cannot be read end with the storm; what follows is calm. The numbers are
//! chosen so that a run takes a moment and meets as many of the pipeline's ways as possible; none of them is meant to be
//! like a real service.

use std::fmt::Write;

use mock_server::draw::{Purpose, hash};

/// Which draws a part of the scenario makes.
#[derive(Copy, Clone)]
enum Part {
    Population,
    Source,
    Target,
    Pipeline,
    Crashes,
    Storm,
    Health,
}

/// Draws for one part of one scenario, in the order in which they are asked for.
struct Dice {
    seed: u64,
    part: Part,
    thrown: u64,
}

impl Dice {
    fn new(seed: u64, part: Part) -> Self {
        Self { seed, part, thrown: 0 }
    }

    fn throw(&mut self) -> u64 {
        self.thrown += 1;
        hash(self.seed, Purpose::Test, 0x5a, self.part as u64, self.thrown)
    }

    /// One of several.
    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.throw() % choices.len() as u64) as usize]
    }

    /// True once in `n` times.
    fn once_in(&mut self, n: u64) -> bool {
        self.throw().is_multiple_of(n)
    }

    /// A whole number below `n`.
    fn below(&mut self, n: u64) -> u64 {
        self.throw() % n
    }
}

/// What the parts of a scenario have to agree on.
struct Shape {
    mailboxes: u64,
    /// Length of the storm in seconds.
    storm: u64,
    /// The protocol of the target.
    graph: bool,
    /// Whether the pipeline gives up soon, so that mailboxes may fail.
    impatient: bool,
}

/// The scenario of a seed, as the text of a scenario file.
#[must_use]
pub fn of_seed(seed: u64) -> String {
    let mut dice = Dice::new(seed, Part::Storm);
    let shape = Shape {
        mailboxes: dice.pick(&[1, 2, 2, 3, 3, 4, 6]),
        storm: dice.pick(&[15, 40, 90, 240]),
        graph: dice.once_in(2),
        impatient: dice.once_in(8),
    };
    let mut text = format!("title = \"Swarm, seed {seed}\"\nseed = {seed}\n");
    population(&mut text, &shape, &mut Dice::new(seed, Part::Population));
    source(&mut text, &shape, &mut Dice::new(seed, Part::Source));
    target(&mut text, &shape, &mut Dice::new(seed, Part::Target));
    pipeline(&mut text, &shape, &mut Dice::new(seed, Part::Pipeline));
    let mut dice = Dice::new(seed, Part::Health);
    for side in ["source", "target"] {
        health(&mut text, side, &shape, &mut dice);
    }
    crashes(&mut text, &shape, &mut Dice::new(seed, Part::Crashes));
    text
}

/// Appends a line.
macro_rules! line {
    ($text:expr, $($part:tt)*) => {
        writeln!($text, $($part)*).expect("a string takes every text")
    };
}

fn population(text: &mut String, shape: &Shape, dice: &mut Dice) {
    let items = dice.pick(&[0, 1, 7, 25, 60, 120, 200]);
    let size = dice.pick(&["600 B", "4 kB", "30 kB", "90 kB"]);
    let changes = dice.pick(&[0, 4_000, 20_000, 60_000]);
    let folders = dice.pick(&[1, 1, 3, 6, 14]);
    line!(text, "\n[population]\npreset = \"small-business\"\nmailboxes = {}", shape.mailboxes);
    line!(text, "\n[population.uniform]\nitems = {items}\nitem_size = \"{size}\"");
    line!(text, "changes_per_day = {changes}\nfolders = {folders}");
    line!(text, "\n[wave]\nmailboxes = {}", shape.mailboxes);
    if dice.once_in(5) {
        let age = dice.pick(&["1 min", "10 min", "1 h"]);
        line!(text, "\n[wave.prestage]\nlead = \"2 h\"\nage = \"{age}\"");
    }
}

fn source(text: &mut String, shape: &Shape, dice: &mut Dice) {
    line!(text, "\n[source]\nprotocol = \"ews\"");
    let (call, item) = (dice.pick(&[5, 40, 150]), dice.pick(&[0, 2, 10]));
    line!(text, "costs = {{ preset = \"free\", call = \"exponential mean {call} ms\", per_item = \"{item} ms\" }}");
    let mut limits = Vec::new();
    if dice.once_in(4) {
        let lanes = dice.pick(&[1, 2, 5]);
        limits.push(format!("{{ name = \"connections\", concurrency = {lanes}, retry_after = \"0 s\" }}"));
    }
    if dice.once_in(4) {
        let (burst, cutoff) = dice.pick(&[("2 s", "3 s"), ("10 s", "20 s")]);
        limits.push(format!(
            "{{ name = \"budget\", burst = \"{burst}\", recharge_per_hour = \"1800 s\", cutoff = \"{cutoff}\" }}"
        ));
    }
    line!(text, "limits = [{}]", limits.join(", "));
    let mut faults = Faults { text, side: "source", shape };
    faults.maybe(dice, 3, "resets", &["act = \"reset\""]);
    faults.maybe(dice, 3, "cut off", &["act = \"truncate\""]);
    faults.maybe(dice, 4, "lost answers", &["act = \"lose-answer\""]);
    faults.maybe(dice, 4, "busy", &["act = \"refuse\"", "kind = \"server_busy\"", "retry_after = \"4 s\""]);
    faults.maybe(dice, 4, "slow", &["act = \"delay\"", "delay = \"exponential mean 2 s\""]);
    let lost =
        ["act = \"refuse\"", "kind = \"sync_state_lost\"", "operations = [\"sync_items\"]", "attempts_below = 1"];
    faults.maybe(dice, 3, "sync state lost", &lost);
    if dice.once_in(4) {
        let rate = dice.pick(&[1, 4]);
        let operations = "operations = [\"export_items\", \"get_items\"]";
        line!(faults.text, "\n[[source.faults]]\nname = \"unreadable\"\n{operations}\nrate = \"{rate}%\"");
        line!(faults.text, "act = \"corrupt-item\"");
    }
}

fn target(text: &mut String, shape: &Shape, dice: &mut Dice) {
    line!(text, "\n[target]\nprotocol = \"{}\"", if shape.graph { "graph" } else { "ews" });
    let (call, item) = (dice.pick(&[5, 60, 250]), dice.pick(&[0, 5, 40]));
    let slow = if dice.once_in(3) { ", create_folder = { call = \"exponential mean 1500 ms\" }" } else { "" };
    line!(
        text,
        "costs = {{ preset = \"free\", call = \"exponential mean {call} ms\", per_item = \"{item} ms\"{slow} }}"
    );
    let mut limits = Vec::new();
    if dice.once_in(3) {
        let lanes = dice.pick(&[1, 2, 4]);
        limits.push(format!("{{ name = \"at once\", concurrency = {lanes}, retry_after = \"2 s\" }}"));
    }
    if dice.once_in(3) {
        let count = dice.pick(&[20, 60, 150]);
        limits.push(format!("{{ name = \"requests\", requests = \"{count}/10 s\" }}"));
    }
    if dice.once_in(4) {
        limits.push("{ name = \"uploads\", upload = \"2 MB/5 s\" }".to_owned());
    }
    if dice.once_in(4) {
        let lanes = dice.pick(&[2, 3, 6]);
        limits.push(format!("{{ name = \"app\", scope = \"app\", concurrency = {lanes}, retry_after = \"1 s\" }}"));
    }
    if dice.once_in(5) {
        let refusal = "refusal = \"app_limit\"";
        limits.push(format!("{{ name = \"tenant\", scope = \"tenant\", requests = \"120/10 s\", {refusal} }}"));
    }
    line!(text, "limits = [{}]", limits.join(", "));
    let mut faults = Faults { text, side: "target", shape };
    faults.maybe(dice, 3, "overload", &["act = \"refuse\"", "kind = \"unavailable\"", "retry_after = \"3 s\""]);
    faults.maybe(dice, 3, "over the limit", &["act = \"refuse\"", "kind = \"request_limit\"", "retry_after = \"5 s\""]);
    faults.maybe(dice, 4, "gateway", &["act = \"refuse\"", "kind = \"gateway_error\""]);
    faults.maybe(dice, 3, "resets", &["act = \"reset\""]);
    faults.maybe(dice, 3, "cut off", &["act = \"truncate\""]);
    faults.maybe(dice, 2, "lost answers", &["act = \"lose-answer\""]);
    faults.maybe(dice, 4, "slow", &["act = \"delay\"", "delay = \"exponential mean 3 s\""]);
    let stores = "operations = [\"import_item\", \"upload_items\"]";
    faults.maybe(dice, 4, "session gone", &["act = \"refuse\"", "kind = \"not_found\"", stores, "attempts_below = 1"]);
    faults.maybe(dice, 5, "not taken", &["act = \"refuse\"", "kind = \"invalid\"", stores]);
    let deletes = "operations = [\"delete_items\"]";
    faults.maybe(
        dice,
        3,
        "slow down",
        &["act = \"refuse\"", "kind = \"request_limit\"", deletes, "retry_after = \"2 s\""],
    );
    if dice.once_in(5) {
        let (from, length) = (dice.below(shape.storm), dice.pick(&[2, 8]));
        let until = (from + length).min(shape.storm).max(from + 1);
        line!(faults.text, "\n[[target.faults]]\nname = \"outage\"\nfrom = \"{from} s\"\nuntil = \"{until} s\"");
        line!(faults.text, "act = \"refuse\"\nkind = \"unavailable\"");
    }
    let (places, failing) = (dice.pick(&[1, 2, 8]), dice.pick(&[0, 40, 80]));
    let failing = if shape.impatient { failing } else { 0 };
    line!(
        text,
        "\n[target.switch]\nplaces = {places}\nduration = \"uniform 5 s to 60 s\"\nfailure_rate = \"{failing}%\""
    );
    for side in ["source", "target"] {
        let preset = dice.pick(&["ideal", "data-center", "office-internet"]);
        line!(text, "\n[network.{side}]\npreset = \"{preset}\"");
    }
}

/// The faults of one server.
struct Faults<'t> {
    text: &'t mut String,
    side: &'static str,
    shape: &'t Shape,
}

impl Faults<'_> {
    /// Adds a fault that ends with the storm to one scenario in `n`.
    fn maybe(&mut self, dice: &mut Dice, n: u64, name: &str, keys: &[&str]) {
        let (rate, mailbox) = (dice.pick(&[2, 5, 12, 25]), dice.below(4 * self.shape.mailboxes));
        if !dice.once_in(n) {
            return;
        }
        let (side, storm) = (self.side, self.shape.storm);
        line!(self.text, "\n[[{side}.faults]]\nname = \"{name}\"\nuntil = \"{storm} s\"\nrate = \"{rate}%\"");
        if mailbox < self.shape.mailboxes {
            line!(self.text, "mailboxes = [{mailbox}, {mailbox}]");
        }
        for key in keys {
            line!(self.text, "{key}");
        }
    }
}

/// What a server's resources suffer from while the storm lasts.
fn health(text: &mut String, side: &str, shape: &Shape, dice: &mut Dice) {
    if !dice.once_in(4) {
        return;
    }
    for _ in 0..dice.pick(&[1, 1, 2]) {
        let resource = dice.pick(&[
            "disk-latency",
            "processor",
            "mdb-replication",
            "mdb-availability",
            "content-indexing",
            "mailbox-locked",
            "mailbox-capacity",
            "service",
        ]);
        let reach = dice.pick(&["mailbox", "database", "server", "everything"]);
        let from = dice.below(shape.storm);
        let length = (1 + dice.below(shape.storm / 2)).min(shape.storm - from);
        line!(text, "\n[[{side}.health.episodes]]\nresource = \"{resource}\"\nreach = \"{reach}\"");
        let (effect, longest) = dice.pick(&[
            ("patience = \"2 s\"\nback_off = \"3 s\"", u64::MAX),
            ("patience = \"0 s\"\nback_off = \"10 s\"", u64::MAX),
            ("slow = 8.0\nslow_others = 2.0", u64::MAX),
            // A server that is down longer uses up the tries of a patient pipeline.
            ("down = true\nback_off = \"2 s\"", 8),
        ]);
        let length = length.min(longest);
        line!(text, "from = \"{from} s\"\nlength = \"{length} s\"\n{effect}");
    }
}

fn pipeline(text: &mut String, shape: &Shape, dice: &mut Dice) {
    let (lanes, at_once) = (dice.pick(&[1, 2, 4]), dice.pick(&[1, 2, 4, 16]));
    let (switches, poll) = (dice.pick(&[1, 3]).min(lanes), dice.pick(&["2 s", "20 s"]));
    let patience = if shape.impatient { "1500 ms" } else { dice.pick(&["3 s", "10 s", "60 s"]) };
    line!(text, "\n[pipeline]\nlanes = {lanes}\nrequests_per_mailbox = {at_once}\nopen_switches = {switches}");
    line!(text, "poll_interval = \"{poll}\"\npatience = \"{patience}\"");
    line!(text, "bad_item_limit = 100_000\nlarge_item_limit = 100_000");
    line!(text, "verify = \"{}\"", dice.pick(&["fingerprint", "fingerprint", "counts"]));
    let (attempts, budget) = if shape.impatient { (4, 60) } else { (40, 1_000_000) };
    let first = dice.pick(&["100 ms", "1 s"]);
    line!(text, "\n[pipeline.retry]\nattempts = {attempts}\nfirst_back_off = \"{first}\"");
    line!(text, "longest_back_off = \"15 s\"\nbudget = {budget}");
    let (changes, exports) = (dice.pick(&[5, 20, 100, 512]), dice.pick(&[1, 10, 40]));
    line!(text, "\n[pipeline.batch]\nsync_changes = {changes}\nexport_items = {exports}\nexport_size = \"500 kB\"");
    if !shape.graph {
        line!(text, "upload_items = {}", dice.pick(&[1, 5, 20]));
    }
    line!(text, "upload_size = \"500 kB\"");
}

fn crashes(text: &mut String, shape: &Shape, dice: &mut Dice) {
    let mut before = 0;
    for _ in 0..dice.pick(&[0, 0, 1, 1, 2, 3]) {
        let at = before + 200 + dice.below(shape.storm * 500);
        let restart = dice.pick(&[100, 2_000]);
        line!(text, "\n[[crashes]]\nat = \"{at} ms\"\nrestart = \"{restart} ms\"");
        before = at + restart;
    }
}
