//! Whatever arrives, the codec answers.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::strategies::{ADDRESS, MAILBOX, exchange};
use crate::wire::call::Call;
use crate::wire::ews::{decode_answer, decode_call, encode_answer, encode_call_to_mock, encode_error};
use crate::wire::http::HttpAnswer;

/// One change of some bytes.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Truncate(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let token = prop_oneof![
        vec(any::<u8>(), 0..6),
        "[<>&/='\" \\-!\\[\\]?;]{0,4}".prop_map(String::into_bytes),
        "&(lt|x|#x?[0-9a-f]{0,9});".prop_map(String::into_bytes),
        "(xmlns|<t:Message>|</m:Items>|<m:Items>|Id=\"\"|-1|99999999999999999999)".prop_map(String::into_bytes),
    ];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (any::<Index>(), token).prop_map(|(at, token)| Mutation::Insert(at, token)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (any::<Index>(), 1..200_usize).prop_map(|(at, count)| Mutation::Repeat(at, count)),
        any::<Index>().prop_map(Mutation::Truncate),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutations: &[Mutation]) {
    for mutation in mutations {
        let length = bytes.len().max(1);
        match mutation {
            Mutation::Replace(at, byte) => {
                if let Some(old) = bytes.get_mut(at.index(length)) {
                    *old = *byte;
                }
            }
            Mutation::Insert(at, token) => {
                let at = at.index(length).min(bytes.len());
                bytes.splice(at..at, token.iter().copied());
            }
            Mutation::Remove(at, count) => {
                let at = at.index(length).min(bytes.len());
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Mutation::Repeat(at, count) => {
                let at = at.index(length).min(bytes.len());
                let part = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, part);
            }
            Mutation::Truncate(at) => bytes.truncate(at.index(length)),
        }
    }
}

fn receive(body: &[u8]) {
    if let Err(error) = decode_call(body, Some(ADDRESS)) {
        let answer = encode_error(&error);
        assert!(answer.status == 500 || answer.status == 200);
        let understood = decode_answer(&Call::SyncFolders { state: None }, &answer);
        assert!(understood.is_err(), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes_are_answered(body in vec(any::<u8>(), 0..300), status in 100..600_u16) {
        receive(&body);
        let answer = HttpAnswer { status, headers: vec![("Retry-After", "99999999999999999999".to_owned())], body };
        let understood = decode_answer(&Call::SyncFolders { state: None }, &answer);
        prop_assert!(understood.is_err());
    }

    #[test]
    fn altered_requests_and_answers_are_answered(
        (call, answer) in exchange(),
        mutations in vec(mutation(), 1..6),
        status in prop_oneof![Just(200_u16), Just(500)],
    ) {
        let mut request = encode_call_to_mock(&call, ADDRESS, MAILBOX).expect("every operation here is one of EWS");
        mutate(&mut request.body, &mutations);
        receive(&request.body);
        let mut http = encode_answer(&call, &answer, MAILBOX);
        http.status = status;
        mutate(&mut http.body, &mutations);
        drop(decode_answer(&call, &http));
    }
}
