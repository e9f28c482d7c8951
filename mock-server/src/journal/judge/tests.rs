//! What a judge says of clients whose manners are known.

use super::*;
use crate::journal::record::{Key, Piece, Record};

/// A request of `alice` that arrives at a number of milliseconds and takes ten.
fn asks(at: u64) -> Record {
    Record {
        number: at,
        at_ns: Span::milliseconds(at).0,
        lasted_ns: Span::milliseconds(10).0,
        mailbox: Some("alice@contoso.test".into()),
        subject: "GET /me/messages".into(),
        status: 200,
        done: true,
        key: Key(at),
        request_bytes: 100,
        ..Record::default()
    }
}

fn refused(record: Record, kind: RefusalKind, wait: Option<Span>) -> Record {
    Record {
        status: kind.usual_status(),
        refusal: Some(kind.name().into()),
        wait_ns: wait.map(|wait| wait.0),
        done: false,
        ..record
    }
}

fn makes(record: Record, piece: u64, done: bool) -> Record {
    Record { makes: vec![Piece { key: Key(piece), done }], done, items: u64::from(done), ..record }
}

fn card(records: &[Record]) -> Card {
    let mut judge = Judge::new(1.0);
    for record in records {
        judge.hear(&record.told());
    }
    let scorecard = judge.card();
    assert_eq!(scorecard.clients.len(), 1);
    scorecard.clients.into_iter().next().expect("a client")
}

/// What is asked after a wait of ten seconds was announced at 110 ms.
fn check_patience(after: &[Record], broken: u64, early: u64, worst: f64) {
    let told = refused(asks(100), RefusalKind::RequestLimit, Some(Span::seconds(10)));
    let records: Vec<_> = std::iter::once(told).chain(after.iter().cloned()).collect();
    let obeyed = card(&records).retry_after;
    assert_eq!((obeyed.waits_announced, obeyed.waits_broken, obeyed.calls_too_early), (1, broken, early));
    assert!((obeyed.worst_early_seconds - worst).abs() < 1e-9, "{obeyed:?}");
}

#[test]
fn a_request_before_the_wait_is_over_came_too_early() {
    check_patience(&[asks(10_110)], 0, 0, 0.0);
    check_patience(&[asks(10_095)], 0, 0, 0.0);
    check_patience(&[asks(5_110), asks(6_110), asks(10_200)], 1, 2, 5.0);
}

#[test]
fn whoever_is_refused_again_and_again_has_heard_of_the_first() {
    for kind in [RefusalKind::RequestLimit, RefusalKind::AppLimit, RefusalKind::ConcurrencyLimit] {
        for apart in [1, 20, 100, 300] {
            let hammers = |at: u64| Record { key: Key(7), ..refused(asks(at), kind, Some(Span::seconds(60))) };
            let records: Vec<_> = (0..100).map(|number| hammers(number * apart)).collect();
            let obeyed = card(&records).retry_after;
            // Answers take ten milliseconds, and what comes up to 250 ms later may not have heard of them.
            let heard = (260 / apart + 1).min(100);
            assert_eq!(obeyed.calls_too_early, 100 - heard, "{kind}, {apart} ms apart");
            assert_eq!(obeyed.waits_broken, 100 - heard, "{kind}, {apart} ms apart");
        }
    }
}

#[test]
fn what_was_under_way_when_a_refusal_left_is_not_held_against_anybody() {
    check_patience(&[asks(105), asks(300)], 0, 0, 0.0);
}

#[test]
fn a_wait_holds_for_whom_the_refusal_is_about() {
    let other = Record { mailbox: Some("bob@contoso.test".into()), ..asks(5_000) };
    check_patience(std::slice::from_ref(&other), 0, 0, 0.0);
    let whole_app = refused(asks(100), RefusalKind::AppLimit, Some(Span::seconds(10)));
    assert_eq!(card(&[whole_app, other]).retry_after.calls_too_early, 1);
    let lanes = refused(asks(100), RefusalKind::ConcurrencyLimit, Some(Span::seconds(10)));
    let same = Record { key: Key(100), ..asks(5_000) };
    assert_eq!(card(&[lanes.clone(), asks(4_000), same]).retry_after.calls_too_early, 1);
}

#[test]
fn widths_are_counted_by_mailbox_and_in_all() {
    let wide: Vec<_> = (0..6).map(|at| Record { mailbox: Some(format!("{}", at / 5)), ..asks(at) }).collect();
    let lanes = card(&wide).concurrency;
    assert_eq!((lanes.most_at_once, lanes.most_at_once_of_a_mailbox, lanes.calls_beyond_four), (6, 5, 1));
    assert_eq!(lanes.evidence.len(), 1);
}

#[test]
fn a_client_that_stays_as_wide_after_a_refusal_is_told_from_one_that_does_not() {
    let told = |after: &[Record]| {
        let first = [asks(0), refused(asks(1), RefusalKind::ConcurrencyLimit, None)];
        let lanes = card(&first.into_iter().chain(after.iter().cloned()).collect::<Vec<_>>()).concurrency;
        (lanes.refusals, lanes.calls_after_refusals, lanes.as_many_as_before)
    };
    assert_eq!(told(&[asks(1_000), asks(1_001)]), (1, 2, 1));
    assert_eq!(told(&[asks(1_000), asks(1_020)]), (1, 2, 0));
    // Refused again and again, each time before it may have heard of the last refusal.
    let again: Vec<_> = (1..10)
        .flat_map(|round| [asks(round * 100), refused(asks(round * 100 + 1), RefusalKind::ConcurrencyLimit, None)])
        .collect();
    assert_eq!(told(&again), (10, 14, 7));
}

#[test]
fn what_is_refused_and_never_made_is_lost() {
    let throttled = |at, piece| refused(makes(asks(at), piece, false), RefusalKind::RequestLimit, None);
    let items = card(&[throttled(0, 1), throttled(20, 2), makes(asks(40), 1, true)]).items;
    assert_eq!((items.moved, items.made, items.lost, items.doubled), (1, 1, 1, 0));
    assert_eq!(items.requests_per_item, Some(3.0));
    assert_eq!(items.evidence[0].number, 20);
    let wrong = refused(makes(asks(0), 1, false), RefusalKind::Invalid, None);
    assert_eq!(card(&[wrong]).items.lost, 0);
}

#[test]
fn a_part_that_was_left_undone_in_an_answered_request_is_lost_unless_it_is_sent_again() {
    let batch =
        Record { makes: vec![Piece { key: Key(1), done: true }, Piece { key: Key(2), done: false }], ..asks(0) };
    assert_eq!(card(std::slice::from_ref(&batch)).items.lost, 1);
    assert_eq!(card(&[batch, makes(asks(20), 2, true)]).items.lost, 0);
}

#[test]
fn what_is_refused_for_ever_is_counted_but_not_kept() {
    const ALL: u64 = 250_000;
    let mut judge = Judge::new(1.0);
    for at in 0..ALL {
        judge.hear(&refused(asks(at), RefusalKind::RequestLimit, None).told());
        if at % 2 == 0 {
            judge.hear(&asks(at).told());
        }
    }
    // One of the oldest is repeated when it is too late, one of the youngest in time.
    for at in [1, ALL - 1] {
        judge.hear(&asks(at).told());
    }
    let (_, apps) = judge.clients.iter().next().expect("a client");
    let attempts = &apps[&0].attempts;
    assert!(attempts.kept() <= 300_000, "{} are kept", attempts.kept());
    let items = &judge.card().clients[0].items;
    assert_eq!((items.given_up, items.lost), (ALL / 2 - 1, 0));
    let shown: Vec<_> = items.evidence.iter().map(|evidence| evidence.number).collect();
    assert_eq!(shown, [1, 3, 5]);
}

#[test]
fn what_is_made_again_after_its_answer_was_lost_is_doubled() {
    let lost = Record {
        spoiled: Some("reset".into()),
        refusal: Some("connection_reset".into()),
        status: 0,
        ..makes(asks(0), 1, true)
    };
    let items = card(&[lost.clone(), makes(asks(20), 1, true)]).items;
    assert_eq!((items.made, items.doubled, items.made_again), (1, 1, 0));
    let items = card(&[makes(asks(0), 1, true), makes(asks(20), 1, true)]).items;
    assert_eq!((items.made, items.doubled, items.made_again), (1, 0, 1));
    assert_eq!(card(&[lost]).items.lost, 0);
}

#[test]
fn reads_that_are_not_repeated_are_given_up() {
    let read = |at| Record { key: Key(7), ..asks(at) };
    let throttled = refused(read(0), RefusalKind::ServerBusy, None);
    assert_eq!(card(std::slice::from_ref(&throttled)).items.given_up, 1);
    assert_eq!(card(&[throttled, read(20)]).items.given_up, 0);
}

#[test]
fn bytes_that_were_refused_are_wasted() {
    let card = card(&[asks(0), refused(asks(20), RefusalKind::UploadLimit, None), asks(40), asks(60)]);
    assert_eq!((card.volume.answered, card.volume.throttled, card.waste.bytes), (3, 1, 100));
    assert!((card.waste.bytes_share - 0.25).abs() < 1e-9);
}

#[test]
fn recovery_counts_from_the_last_failure() {
    let healthy = (0..300).map(|number| asks(number * 100));
    let away = (300..320).map(|number| refused(asks(number * 100), RefusalKind::Unavailable, None));
    let slow = [asks(37_000), asks(39_000)];
    let back = (450..700).map(|number| asks(number * 100));
    let records: Vec<_> = healthy.chain(away).chain(slow).chain(back).collect();
    let brownouts = card(&records).brownouts;
    let [one] = &brownouts[..] else { panic!("one brownout: {brownouts:?}") };
    assert_eq!((one.from_seconds, one.until_seconds, one.failures), (30.0, 32.0, 20));
    assert_eq!((one.served_again_after_seconds, one.full_speed_after_seconds), (Some(6.0), Some(12.0)));
}

#[test]
fn single_failures_among_many_answers_are_no_brownout() {
    let records: Vec<_> = (0..500)
        .map(|number| {
            if number % 5 == 0 {
                refused(asks(number * 100), RefusalKind::Unavailable, None)
            } else {
                asks(number * 100)
            }
        })
        .collect();
    assert!(card(&records).brownouts.is_empty());
}

#[test]
fn mailboxes_that_are_served_at_different_rates_are_named() {
    let of = |mailbox: &str, every: u64| {
        let mailbox = mailbox.to_owned();
        (0..20).map(move |number| Record { mailbox: Some(mailbox.clone()), ..asks(number * every) }).collect::<Vec<_>>()
    };
    let fairness = card(&[of("quick", 100), of("slow", 1_000)].concat()).fairness;
    assert!(fairness.jain.is_some_and(|jain| jain < 0.7), "{fairness:?}");
    assert_eq!(fairness.slowest.map(|share| share.mailbox).as_deref(), Some("slow"));
    assert!(card(&[of("a", 100), of("b", 100)].concat()).fairness.jain.is_some_and(|jain| jain > 0.999));
}

#[test]
fn the_text_says_what_the_numbers_say() {
    let told = refused(asks(100), RefusalKind::RequestLimit, Some(Span::seconds(10)));
    let mut judge = Judge::new(1.0);
    for record in [told, asks(5_110)] {
        judge.hear(&record.told());
    }
    let text = text::report(&judge.card());
    for part in ["2 in 5.0 s: 1 answered, 1 refused", "1 of 1 waits broken", "worst 5.00 s", "request 5110 at 5.110 s"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(text::report(&Judge::new(1.0).card()), "no client asked for anything\n");
}
