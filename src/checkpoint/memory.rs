//! Progress kept in memory, and forgotten when a mailbox has come to its end. For the virtual world.

use std::cell::RefCell;

use hashbrown::{HashMap, HashSet};
use mock_server::mailbox::hasher::KeyHashes;
use mock_server::wire::id::{Id, MailboxKey};

use super::{Checkpoint, CheckpointError, Ended, Pair, Progress};
use crate::event::End;

/// Progress in memory. The order of the tables does not matter: nothing is told in it.
#[derive(Default)]
pub struct Memory {
    mailboxes: RefCell<HashMap<MailboxKey, State, KeyHashes>>,
}

#[derive(Default)]
struct State {
    progress: Progress,
    pairs: HashMap<Id, Id, KeyHashes>,
}

impl Checkpoint for Memory {
    fn load(&self, mailbox: MailboxKey) -> Result<Option<Progress>, CheckpointError> {
        Ok(self.mailboxes.borrow().get(&mailbox).map(|state| state.progress.clone()))
    }

    fn save(&self, mailbox: MailboxKey, progress: &Progress, pairs: &[Pair]) -> Result<(), CheckpointError> {
        let mut mailboxes = self.mailboxes.borrow_mut();
        let state = mailboxes.entry(mailbox).or_default();
        state.progress.clone_from(progress);
        state.pairs.extend(pairs.iter().map(|pair| (pair.source.clone(), pair.target.clone())));
        Ok(())
    }

    fn target_of(&self, mailbox: MailboxKey, source: &Id) -> Result<Option<Id>, CheckpointError> {
        Ok(self.mailboxes.borrow().get(&mailbox).and_then(|state| state.pairs.get(source).cloned()))
    }

    fn unpaired(&self, mailbox: MailboxKey, targets: Vec<Id>) -> Result<Vec<Id>, CheckpointError> {
        let mailboxes = self.mailboxes.borrow();
        let Some(state) = mailboxes.get(&mailbox) else { return Ok(targets) };
        let paired: HashSet<&Id, KeyHashes> = state.pairs.values().collect();
        Ok(targets.into_iter().filter(|target| !paired.contains(target)).collect())
    }

    fn finish(&self, mailbox: MailboxKey, ended: &Ended) -> Result<(), CheckpointError> {
        if ended.end != End::Unfinished {
            self.mailboxes.borrow_mut().remove(&mailbox);
        }
        Ok(())
    }

    fn ended(&self, _mailbox: MailboxKey) -> Result<Option<Ended>, CheckpointError> {
        Ok(None)
    }
}
