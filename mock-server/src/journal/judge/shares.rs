//! Whether a client treats mailboxes alike.

use std::collections::BTreeMap;

use super::card::{Fairness, Share};
use crate::journal::told::Told;
use crate::time::Moment;

/// Answered requests from which on a mailbox's rate means something (assumed).
const ENOUGH: u64 = 10;

/// What became of one mailbox's requests.
#[derive(Copy, Clone, Debug)]
struct Mailbox {
    answered: u64,
    first: Moment,
    last: Moment,
}

/// Counts answers by mailbox.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    mailboxes: BTreeMap<String, Mailbox>,
}

impl Shares {
    pub(super) fn hear(&mut self, told: &Told<'_>) {
        let Some(name) = told.mailbox else { return };
        let (at, answered) = (told.at, u64::from(told.is_answered()));
        match self.mailboxes.get_mut(name) {
            Some(mailbox) => {
                mailbox.answered += answered;
                mailbox.last = mailbox.last.max(told.answered);
            }
            None => {
                self.mailboxes.insert(name.to_owned(), Mailbox { answered, first: at, last: told.answered });
            }
        }
    }

    pub(super) fn fairness(&self) -> Fairness {
        let rate = |(name, mailbox): (&String, &Mailbox)| {
            let seconds = mailbox.last.since(mailbox.first).as_seconds();
            let enough = mailbox.answered >= ENOUGH && seconds > 0.0;
            enough.then(|| Share { mailbox: name.clone(), answers_per_second: mailbox.answered as f64 / seconds })
        };
        let mut shares: Vec<_> = self.mailboxes.iter().filter_map(rate).collect();
        shares.sort_by(|one, other| one.answers_per_second.total_cmp(&other.answers_per_second));
        let rates = shares.iter().map(|share| share.answers_per_second);
        let jain = (shares.len() > 1).then(|| jain(rates));
        Fairness {
            mailboxes: self.mailboxes.len() as u64,
            compared: shares.len() as u64,
            jain,
            fastest: shares.last().cloned(),
            slowest: shares.into_iter().next(),
        }
    }
}

/// Jain's index of fairness: 1 if all are alike, 1/n if one has everything (Jain, Chiu, Hawe 1984).
fn jain(rates: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    for rate in rates {
        sum += rate;
        squares += rate * rate;
        count += 1.0;
    }
    if squares == 0.0 { 1.0 } else { sum * sum / (count * squares) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_one_for_equals_and_small_for_the_greedy() {
        assert!((jain([3.0; 5].into_iter()) - 1.0).abs() < 1e-12);
        assert!((jain([1.0, 0.0, 0.0, 0.0].into_iter()) - 0.25).abs() < 1e-12);
    }
}
