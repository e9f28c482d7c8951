//! Policies in scenario files: read, refused with help, and at work in a virtual run; and which calls count in limits.

use std::fs;
use std::path::Path;

use mock_server::throttle::policy::announce::{Form, Wait};
use mock_server::throttle::policy::sharing::Sharing;
use mock_server::throttle::policy::unit::Unit;
use mock_server::throttle::policy::{Meter, Policy};
use mock_server::time::{Moment, Span};
use mock_server::wire::call::Protocol;
use mock_server::wire::refusal::RefusalKind;
use wavetank::engine::virtual_time;
use wavetank::population::{Population, wave};
use wavetank::scenario;
use wavetank::scenario::plan::Plan;

fn plan(target: &str) -> Result<Plan, String> {
    let text = format!("title = \"Policies\"\n[target]\n{target}\n[wave]\nmailboxes = 10\n");
    let read = scenario::parse(Path::new("scenarios/policies.toml"), &text, &[], None);
    read.map_err(|problems| problems.render(false, 120))
}

fn policies(target: &str) -> Vec<Policy> {
    plan(target).unwrap_or_else(|problems| panic!("{problems}")).target.server.conditions.policies
}

fn check(target: &str, message: &str) {
    let problems = plan(target).err().unwrap_or_else(|| panic!("accepted: {target}"));
    assert!(problems.contains(message), "{problems}");
}

#[test]
fn a_policy_is_what_its_table_says() {
    let found = policies(
        r#"policies = [{ name = "a", resource_units = "800/10 s", meter = "bucket", holds = 1000, scope = ["app", "tenant"],
           operations = ["directory"], announce = "too-short", announced_share = "50%", retry_after_form = "date" }]"#,
    );
    let [policy] = found.as_slice() else { panic!("one policy") };
    let per = Span::seconds(10);
    assert_eq!(policy.meter, Meter::Bucket { unit: Unit::ResourceUnits, burst: 1_000, refill: 800, per });
    assert_eq!((policy.sharing, policy.refusal), (Sharing::APP_TENANT, RefusalKind::AppLimit));
    assert_eq!((policy.announce.wait, policy.announce.form), (Wait::Share(0.5), Form::Date));
    assert!(policy.refused_count);
}

#[test]
fn every_rule_has_the_refusal_of_its_protocol() {
    let refusal = |rule: &str| policies(&format!("policies = [{{ name = \"a\", {rule} }}]"))[0].refusal;
    assert_eq!(refusal("requests = \"1/1 s\""), RefusalKind::RequestLimit);
    assert_eq!(refusal("upload = \"1 MB/1 s\""), RefusalKind::UploadLimit);
    assert_eq!(refusal("concurrency = 1"), RefusalKind::ConcurrencyLimit);
    assert_eq!(refusal("writes = \"1/1 s\""), RefusalKind::AppLimit);
    assert_eq!(refusal("burst = \"1 s\", recharge_per_hour = \"1 s\", cutoff = \"0 s\""), RefusalKind::ServerBusy);
}

#[test]
fn a_preset_can_be_changed_in_part() {
    let found = policies(r#"policies = [{ preset = "mrs-proxy", scope = ["address"], retry_after = "7 s" }]"#);
    assert_eq!(found[0].meter, Meter::Lanes { most: 100 });
    assert_eq!(found[0].sharing.names(), ["address"]);
    assert_eq!(found[0].announce.wait, Wait::Constant(Span::seconds(7)));
}

#[test]
fn what_is_wrong_with_a_policy_is_said() {
    check("policies = [\"entra-larg\"]", "did you mean `entra-large`?");
    check("policies = [{ name = \"a\" }]", "a policy without a rule");
    check("policies = [{ name = \"a\", requests = \"1/1 s\", concurrency = 1 }]", "a policy with more than one rule");
    check("policies = [{ name = \"a\", concurrency = 1, scope = [\"planet\"] }]", "nothing is shared by `planet`");
    check("policies = [{ name = \"a\", concurency = 1 }]", "did you mean `concurrency`?");
    check("policies = [\"store\", \"store\"]", "is given twice");
    check("topology = { databases = 0 }", "outside 1 to 1000000");
}

#[test]
fn a_scale_model_divides_what_mailboxes_share() {
    let target =
        r#"policies = ["store", "import-rate", { name = "a", requests = "5/1 s", meter = "bucket", scope = ["app"] }]"#;
    let plan = plan(target).unwrap_or_else(|problems| panic!("{problems}")).scaled(10);
    let meters: Vec<_> = plan.target.server.conditions.policies.iter().map(|policy| policy.meter).collect();
    assert_eq!(meters[0], Meter::Lanes { most: 16 }, "what a mailbox has to itself stays");
    assert_eq!(meters[1], Meter::Lanes { most: 5 });
    let slower = Meter::Bucket { unit: Unit::Requests, burst: 1, refill: 5, per: Span::seconds(10) };
    assert_eq!(meters[3], slower, "a rate below one in a span comes back in a longer one");
}

/// The makespan of an example, with one text in place of another.
fn makespan(file: &str, from: &str, to: &str) -> Moment {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(file);
    let text = fs::read_to_string(&path).expect("an example");
    assert!(text.contains(from), "{file} has no {from}");
    let plan = scenario::parse(&path, &text.replace(from, to), &[], None);
    let plan = plan.expect("a scenario");
    let population = Population::new(&plan.population, plan.seed).expect("one mailbox");
    let mailboxes = wave::draw(&population, plan.seed, 0, plan.wave.mailboxes);
    virtual_time::run::simulate(&plan, &population, &mailboxes, 0, plan.open()).summary.makespan
}

#[test]
fn a_policy_that_says_what_a_limit_says_takes_the_same_time() {
    let limit = r#"limits = [{ name = "outlook-upload", upload = "150 MB/5 min", scope = "app-mailbox" }]"#;
    let policy = r#"policies = [{ name = "outlook-upload", upload = "150 MB/5 min", scope = ["app", "mailbox"] }]"#;
    assert_eq!(makespan("closed-upload.toml", limit, policy), makespan("closed-upload.toml", limit, limit));
    let limit = r#"limits = [{ name = "outlook-concurrency", concurrency = 4, scope = "app-mailbox" }]"#;
    let policy = r#"policies = [{ name = "outlook-concurrency", concurrency = 4, scope = ["mailbox"] }]"#;
    assert_eq!(makespan("closed-concurrency.toml", limit, policy), makespan("closed-concurrency.toml", limit, limit));
}

#[test]
fn limits_must_count_what_their_server_speaks() {
    check(
        "protocol = \"ews\"\nlimits = [\"graph\"]",
        "none of these limits counts calls of ews, which this server speaks",
    );
    let protocols = |limits: &str| {
        let plan =
            plan(&format!("protocol = \"ews\"\nlimits = [{limits}]")).unwrap_or_else(|problems| panic!("{problems}"));
        plan.target.server.limits.into_iter().map(|limit| limit.protocols).collect::<Vec<_>>()
    };
    assert_eq!(protocols("{ preset = \"graph-global\", protocols = [] }"), [[]]);
    assert_eq!(protocols("{ name = \"a\", concurrency = 1, protocols = [\"ews\"] }"), [[Protocol::Ews]]);
    assert_eq!(protocols("\"exchange-online\"").len(), 6);
}

#[test]
fn presets_of_another_protocol_are_refused_unless_somebody_says_so() {
    let message = "none of these policies counts calls of graph, which this server speaks";
    check("policies = [\"ews-2010\"]", message);
    // Users are the directory's, whatever their mailboxes speak.
    assert!(plan("protocol = \"ews\"\npolicies = [\"entra-large\"]").is_ok());
    assert!(plan("policies = [{ preset = \"ews-2010\", protocols = [\"ews\"] }]").is_ok());
    assert!(plan("limits = [{ preset = \"ews-online\", protocols = [\"ews\"] }]").is_ok());
    let in_none = "operations = [\"start_switch\", \"poll_switch\"], protocols = [\"graph\"]";
    check(
        &format!("limits = [{{ name = \"a\", concurrency = 1, {in_none} }}]"),
        "these operations come in no protocol",
    );
    check(
        &format!("policies = [{{ name = \"a\", concurrency = 1, {in_none} }}]"),
        "these operations come in no protocol",
    );
    let fault = format!("faults = [{{ name = \"a\", act = \"reset\", {in_none} }}]");
    check(&fault, "these operations come in no protocol");
}

#[test]
fn the_directory_of_a_server_that_speaks_ews_is_asked_in_graph() {
    let target = |protocols: &str| {
        format!(
            "protocol = \"ews\"\nlimits = [{{ name = \"a\", requests = \"1/1 h\", scope = \"tenant\", operations = \
             [\"assign_license\"], protocols = [\"{protocols}\"] }}]\n[wave]\nmailboxes = 2"
        )
    };
    let makespan = |protocols: &str| {
        let text = format!("title = \"Licenses\"\n[target]\n{}\n", target(protocols));
        let plan = scenario::parse(Path::new("scenarios/policies.toml"), &text, &[], None).expect("a scenario");
        let population = Population::of(&plan).expect("a population");
        let mailboxes = wave::draw(&population, plan.seed, 0, plan.wave.mailboxes);
        virtual_time::run::simulate(&plan, &population, &mailboxes, 0, plan.open()).summary.makespan
    };
    let hour = Moment::START + Span::seconds(3_600);
    assert!(makespan("graph") > hour && makespan("ews") < hour);
}

#[test]
fn policies_change_as_limits_do() {
    let changes = r#"limit_changes = [{ at = "7 min", limit = "outlook-upload", factor = 0.5 }]"#;
    let limit = r#"limits = [{ name = "outlook-upload", upload = "150 MB/5 min", scope = "app-mailbox" }]"#;
    let policy = r#"policies = [{ name = "outlook-upload", upload = "150 MB/5 min", scope = ["app", "mailbox"] }]"#;
    let with_changes = |rule: &str| makespan("closed-upload.toml", limit, &format!("{rule}\n{changes}"));
    assert_eq!(with_changes(policy), with_changes(limit));
    assert!(with_changes(policy) > makespan("closed-upload.toml", limit, policy));
    let twice = format!("{limit}\n{policy}\n{changes}");
    check(&twice, "there is a limit `outlook-upload` and a policy of the same name");
}

#[test]
fn a_scale_model_divides_what_policies_change_to() {
    let target = r#"policies = [{ name = "a", requests = "50/1 s", meter = "bucket", scope = ["app"] }]
limit_changes = [{ at = "1 min", limit = "a", factor = 0.1 }]"#;
    let plan = plan(target).unwrap_or_else(|problems| panic!("{problems}")).scaled(10);
    let [change] = &plan.target.server.conditions.policy_changes[..] else { panic!("one change") };
    let slower = Meter::Bucket { unit: Unit::Requests, burst: 1, refill: 5, per: Span::seconds(10) };
    assert_eq!((change.at, change.policy.meter), (Moment::START + Span::seconds(60), slower));
}
