//! Requests that are spoiled, straight into the decision: no socket slows them down.

use std::time::{Duration, Instant};

use mock_server::front::exchange::Decision;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::corpus::{Sample, samples};
use crate::mutate::{Dice, mutate};
use crate::target::Target;

/// How many mutated requests are tried if nobody says otherwise.
const USUAL: u64 = 4_000;

/// How many requests one server takes before a fresh one stands in.
const LIFE: u64 = 1_000;

/// Longest time for one decision on a machine that is busy with other things. Most take well below a millisecond.
const PATIENCE: Duration = Duration::from_secs(5);

/// Largest answer to a mutated request in bytes: a full page of the largest computed items is far below.
const ANSWER: usize = 64 << 20;

/// Most memory that the whole test may use in bytes.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 2 << 30;

/// Most ids that are remembered for mutations.
const SEEN: usize = 200;

fn count() -> u64 {
    std::env::var("WAVETANK_HOSTILE").ok().map_or(USUAL, |text| text.parse().expect("WAVETANK_HOSTILE is a number"))
}

/// What every answer must be, whatever was asked.
fn check(decision: &Decision, why: &dyn Fn() -> String) {
    assert!((200..=599).contains(&decision.answer.status), "status {} for {}", decision.answer.status, why());
    assert!(decision.answer.body.len() <= ANSWER, "{} bytes for {}", decision.answer.body.len(), why());
    for (name, value) in &decision.answer.headers {
        assert!(!value.contains(['\r', '\n', '\0']), "header {name}: {value:?} for {}", why());
    }
}

/// Asks, and holds the answer against what every answer must be.
#[expect(clippy::disallowed_methods, reason = "the time that a decision takes is what is tested")]
fn ask(target: &mut Target, sample: &Sample) -> Option<Decision> {
    let began = Instant::now();
    let decision = target.decide(sample)?;
    let took = began.elapsed();
    assert!(took < PATIENCE, "{took:?} for {}", sample.show());
    check(&decision, &|| sample.show());
    Some(decision)
}

/// Remembers the ids in an answer, so that mutated requests name what there is.
fn learn(seen: &mut Vec<Vec<u8>>, dice: &mut Dice, decision: &Decision) {
    for mark in ["Id=\"", "ChangeKey=\"", "SyncState>", "\"id\":\"", "token="] {
        let mut parts = decision.answer.body.windows(mark.len()).enumerate();
        while let Some((at, _)) = parts.find(|(_, part)| *part == mark.as_bytes()) {
            let rest = &decision.answer.body[at + mark.len()..];
            let id = rest.iter().take(1_000).take_while(|byte| !b"\"<&".contains(byte)).copied().collect();
            if seen.len() < SEEN {
                seen.push(id);
            } else {
                let at = dice.below(SEEN);
                seen[at] = id;
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

#[test]
fn samples_of_the_corpus_are_answered() {
    let mut target = Target::new();
    let (mut fine, mut all) = (0, 0);
    for sample in samples() {
        let decision = ask(&mut target, &sample).expect("a request that a server sees");
        fine += usize::from(decision.answer.status < 300);
        all += 1;
    }
    assert!(all > 60, "{all} samples");
    assert!(fine * 10 > all, "{fine} of {all} samples are understood: the mutations would only hit the door");
}

#[test]
#[expect(clippy::print_stderr, reason = "a long run says how far it came")]
fn mutated_requests_are_answered() {
    let samples = samples();
    let total = count();
    let mut seen = Vec::new();
    let mut target = Target::new();
    let (mut decided, mut tried, mut fine) = (0_u64, 0_u64, 0_u64);
    while decided < total {
        let mut dice = Dice::new(tried);
        tried += 1;
        let mut sample = samples[dice.below(samples.len())].clone();
        // Now and then as it is, so that there is something in the mailbox.
        if !dice.one_in(8) {
            let other = &samples[dice.below(samples.len())];
            mutate(&mut dice, &mut sample, other, &seen);
        }
        let Some(decision) = ask(&mut target, &sample) else { continue };
        decided += 1;
        fine += u64::from(decision.answer.status < 300);
        if dice.one_in(4) {
            learn(&mut seen, &mut dice, &decision);
        }
        if decided.is_multiple_of(LIFE) {
            target = Target::new();
        }
        if decided.is_multiple_of(50_000) {
            eprintln!("{decided} mutated requests");
        }
    }
    eprintln!("{decided} mutated requests decided, {fine} of them with success, {tried} made");
    #[cfg(target_os = "linux")]
    {
        let memory = most_memory();
        eprintln!("{} MiB of memory at most", memory >> 20);
        assert!(memory < MEMORY, "{memory} bytes of memory");
    }
}

fn doors() -> impl Strategy<Value = Sample> {
    prop_oneof![
        Just(Sample::new("POST", "/EWS/Exchange.asmx", "text/xml")),
        Just(Sample::new("POST", "/v1.0/$batch", "application/json")),
        Just(Sample::new("POST", "/v1.0/users/alice@contoso.test/messages", "application/json")),
        Just(Sample::new("POST", "/v1.0/users/alice@contoso.test/messages", "text/plain")),
        Just(Sample::new("POST", "/contoso.test/oauth2/v2.0/token", "application/x-www-form-urlencoded")),
        Just(Sample::new("POST", "/autodiscover/autodiscover.svc", "text/xml")),
        Just(Sample::new("POST", "/autodiscover/autodiscover.xml", "text/xml")),
        Just(Sample::new("POST", "/adminapi/beta/contoso.test/InvokeCommand", "application/json")),
        Just(Sample::new("POST", "/_tank/faults", "application/json")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bodies_are_answered(mut sample in doors(), body in vec(any::<u8>(), 0..2_000)) {
        sample.body = body;
        ask(&mut Target::new(), &sample);
    }

    #[test]
    fn random_paths_are_answered(
        method in "GET|POST|PATCH|PUT|DELETE|OPTIONS|[A-Z]{1,9}",
        path in "/(v1\\.0|beta|EWS|autodiscover|_tank|adminapi)?(/[a-zA-Z0-9$()'=%@.]{0,12}){0,6}(\\?[!-~&&[^\"<>#{}|\\\\^`]]{0,80})?",
    ) {
        let mut sample = Sample::new(&method, &path, "application/json");
        sample.body = b"{}".to_vec();
        ask(&mut Target::new(), &sample);
    }

    #[test]
    fn random_credentials_are_answered(mut sample in doors(), credentials in "(Basic |Bearer |bearer|NTLM )?[ -~]{0,80}") {
        sample.authorization = Some(credentials.into_bytes());
        let decision = ask(&mut Target::new(), &sample);
        prop_assert!(decision.is_none_or(|decision| decision.answer.status != 500 || sample.body.is_empty()));
    }

    #[test]
    fn random_ids_are_answered(id in "[A-Za-z0-9+/=_-]{0,200}") {
        let mut target = Target::new();
        for sample in crate::corpus::naming(&id) {
            let decision = ask(&mut target, &sample).expect("a request that a server sees");
            prop_assert!(!decision.answer.body.is_empty(), "{}", sample.show());
        }
    }
}
