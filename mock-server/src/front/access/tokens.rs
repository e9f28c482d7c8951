//! Tokens whose signature was checked, so that it need not be checked at every request.
//!
//! What is kept is what a token says, which cannot change. Whether it is still taken is asked anew each time; tokens
//! that were taken from their callers are therefore remembered apart, until their time is over anyway.

use std::fmt;
use std::sync::Arc;

use hashbrown::HashMap;
use jiff::Timestamp;
use quick_cache::Weighter;
use quick_cache::unsync::{Cache, DefaultLifecycle};
use xxhash_rust::xxh3::xxh3_64;

use super::{Caller, Denied, Shown};
use crate::fault::plan::TokenLoss;
use crate::front::entra::key::{Key, Unbelievable};
use crate::mailbox::hasher::KeyHashes;
use crate::wire::entra::token::Claims;
use crate::wire::permission::{Holder, Permissions, Resource};

/// What the tokens may take together whose signature need not be checked again, in bytes. Assumed: a client uses one
/// token for an hour, and four thousand clients come in turn.
const BYTES: u64 = 4_096 * (TOKEN_BYTES + OVERHEAD);

/// The length of a token with all permissions, in bytes, roughly.
const TOKEN_BYTES: u64 = 1_600;

/// What a token takes beside its text, in bytes, roughly.
const OVERHEAD: u64 = 400;

/// How many lost tokens are remembered before it is looked whose time is over.
const FEW_LOST: usize = 1_024;

/// How much of the end of a token tells it from others, in bytes: 384 bits of a signature.
const SIGNATURE_END: usize = 64;

/// What a token says.
#[derive(Clone)]
pub(super) struct Said {
    /// Whom it is for.
    pub(super) audience: Arc<str>,
    /// The same, if it is anything that is known here.
    pub(super) resource: Option<Resource>,
    /// Who shows it.
    pub(super) caller: Caller,
    /// The token as callers are known by it.
    pub(super) shown: Shown,
}

/// A token that was checked.
#[derive(Clone)]
struct Known {
    /// The token itself: two may have the same number.
    text: Box<str>,
    said: Said,
}

#[derive(Clone)]
struct Weights;

impl Weighter<u64, Known> for Weights {
    fn weight(&self, _: &u64, known: &Known) -> u64 {
        OVERHEAD + known.text.len() as u64
    }
}

/// The tokens that one server knows.
#[derive(Clone)]
pub(super) struct Tokens {
    known: Cache<u64, Known, Weights, KeyHashes>,
    /// Tokens that were taken from their callers, and when their time is over.
    lost: HashMap<u64, (TokenLoss, i64), KeyHashes>,
    /// How many may be lost before it is looked whose time is over.
    many_lost: usize,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("known", &self.known.len())
            .field("lost", &self.lost.len())
            .finish_non_exhaustive()
    }
}

/// A token as a number: the end of its signature, which is as good as random, tells it from all others.
fn number(text: &str) -> u64 {
    let bytes = text.as_bytes();
    xxh3_64(&bytes[bytes.len().saturating_sub(SIGNATURE_END)..])
}

impl Tokens {
    /// No token is known.
    pub(super) fn new() -> Self {
        let tokens = BYTES / (TOKEN_BYTES + OVERHEAD);
        Self {
            known: Cache::with(tokens as usize, BYTES, Weights, KeyHashes::default(), DefaultLifecycle::default()),
            lost: HashMap::default(),
            many_lost: FEW_LOST,
        }
    }

    /// What a token says that is shown, if it was given out here. Whether its time is over is not asked.
    pub(super) fn read(&mut self, text: &str) -> Result<Said, Denied> {
        let said = self.look(text)?;
        if !said.shown.again
            && let Some(mut known) = self.known.get_mut(&number(text))
        {
            known.said.again();
        }
        Ok(said)
    }

    /// The same of a token that is not shown yet.
    pub(super) fn look(&mut self, text: &str) -> Result<Said, Denied> {
        let number = number(text);
        if let Some(known) = self.known.get(&number)
            && *known.text == *text
        {
            return Ok(known.said.clone());
        }
        let key = Key::get().ok_or(Denied::Foreign)?;
        let claims: Claims = key.read(text).map_err(|why| match why {
            Unbelievable::Malformed => Denied::Malformed,
            Unbelievable::Foreign => Denied::Foreign,
        })?;
        let said = Said::new(number, claims);
        self.known.insert(number, Known { text: text.into(), said: said.clone() });
        Ok(said)
    }

    /// Why a token is no longer taken, if it is not.
    pub(super) fn denied(&self, now: Timestamp, shown: Shown) -> Option<Denied> {
        if shown.expires <= now.as_second() {
            return Some(Denied::Expired);
        }
        if self.lost.is_empty() {
            return None;
        }
        self.lost.get(&shown.number).map(|&(loss, _)| loss.into())
    }

    /// Takes a token from its callers.
    pub(super) fn lose(&mut self, now: Timestamp, shown: Shown, loss: TokenLoss) {
        if self.many_lost <= self.lost.len() {
            self.lost.retain(|_, (_, expires)| now.as_second() < *expires);
            self.many_lost = FEW_LOST.max(2 * self.lost.len());
        }
        self.lost.insert(shown.number, (loss, shown.expires));
    }
}

impl Said {
    fn new(number: u64, claims: Claims) -> Self {
        let user = claims.upn.filter(|_| claims.idtyp == "user");
        let scp = claims.scp.as_deref().unwrap_or_default().split(' ');
        let (permissions, holder) = match user {
            Some(_) => (Permissions::named(scp), Holder::User),
            None => (Permissions::named(claims.roles.iter().map(String::as_str)), Holder::App),
        };
        let resource = Resource::of(&claims.aud);
        let unlimited = resource.is_some_and(|it| permissions.has_all(Permissions::everything(it, holder)));
        // An app's number is only compared. One in four billion pairs of apps shares a number.
        let app = xxh3_64(claims.appid.as_bytes()) as u32;
        let shown = Shown { number, expires: claims.exp, again: false };
        let caller = Caller { app, user, permissions, unlimited, token: Some(shown) };
        Self { resource, audience: claims.aud.into(), caller, shown }
    }

    /// The token was shown.
    fn again(&mut self) {
        self.shown.again = true;
        self.caller.token = Some(self.shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    fn token(name: usize, expires: i64) -> String {
        let claims = Claims { exp: expires, uti: name.to_string(), ..Claims::default() };
        Key::get().and_then(|key| key.sign(&claims)).expect("a token")
    }

    #[test]
    fn a_token_is_known_when_it_comes_again() {
        let mut tokens = Tokens::new();
        let token = token(0, 100);
        assert!(!tokens.look(&token).expect("it was signed here").shown.again);
        let first = tokens.read(&token).expect("it was signed here");
        assert!(!first.shown.again);
        let second = tokens.read(&token).expect("it was signed here");
        assert_eq!((second.shown.number, second.shown.again), (first.shown.number, true));
        assert_eq!(second.caller.token, Some(second.shown));
        assert_eq!(tokens.known.len(), 1);
    }

    #[test]
    fn a_known_token_still_expires() {
        let mut tokens = Tokens::new();
        let shown = tokens.read(&token(0, 100)).expect("it was signed here").shown;
        assert_eq!(tokens.denied(at(99), shown), None);
        assert_eq!(tokens.denied(at(100), shown), Some(Denied::Expired));
    }

    #[test]
    fn another_token_with_the_number_of_a_known_one_is_checked() {
        let mut tokens = Tokens::new();
        let (one, other) = (token(1, 100), token(2, 200));
        let number = number(&other);
        let said = tokens.read(&one).expect("it was signed here");
        tokens.known.insert(number, Known { text: one.as_str().into(), said });
        assert_eq!(tokens.read(&other).expect("it was signed here").shown.expires, 200);
    }

    #[test]
    fn lost_tokens_are_remembered_until_their_time_is_over_however_many_are_known() {
        let mut tokens = Tokens::new();
        let shown = |number: u64, expires: i64| Shown { number, expires, again: true };
        tokens.lose(at(0), shown(u64::MAX, 1_000), TokenLoss::Revoked);
        for now in 0..100 {
            for number in 0..1_000 {
                tokens.lose(at(now), shown(now.unsigned_abs() * 1_000 + number, now + 1), TokenLoss::Expired);
            }
        }
        assert_eq!(tokens.denied(at(999), shown(u64::MAX, 1_000)), Some(Denied::Revoked));
        assert!(tokens.lost.len() <= 4 * FEW_LOST, "{}", tokens.lost.len());
    }

    #[test]
    fn what_is_known_takes_no_more_than_its_bytes() {
        let mut tokens = Tokens::new();
        let token = token(0, 100);
        let said = tokens.read(&token).expect("it was signed here");
        for number in 0..20_000 {
            tokens.known.insert(number, Known { text: token.as_str().into(), said: said.clone() });
        }
        assert!(tokens.known.weight() <= BYTES);
        assert!(tokens.known.len() > 1_000);
    }
}
