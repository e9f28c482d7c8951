//! Items that are in the target more than once: stored by a request that was delivered twice, which no answer tells of.
//!
//! They are found when both sides are compared. The copy that belongs to an item of the source by our own account stays;
//! what is there more than once and was never ours is not touched. Folders that held something before the move are left
//! alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mock_server::wire::id::{Id, ItemKey};

use super::changes::Work;
use super::job::{Job, Setback};
use crate::checkpoint::Checkpoint;
use crate::event::{Listener, Mark};
use crate::world::{Side, World};

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Deletes all but our own of the copies of each item in some folders, by their positions in the progress. Says whether
    /// there was anything to delete.
    pub(super) async fn remove_repeated(&self, surplus: &BTreeSet<u32>) -> Result<bool, Setback> {
        let folders = Arc::clone(&self.progress.borrow().folders);
        let mut work = Work::default();
        for &place in surplus {
            let folder = &folders[place as usize];
            if !folder.ours {
                continue;
            }
            let mut copies: BTreeMap<(ItemKey, u32), Vec<Id>> = BTreeMap::new();
            for item in self.list_items(Side::Target, &folder.target, self.reserve(1)).await? {
                if let Some(key) = item.key {
                    copies.entry((key, item.size)).or_default().push(item.item);
                }
            }
            copies.retain(|_, copies| copies.len() > 1);
            if copies.is_empty() {
                continue;
            }
            // The account is read once for the folder: each look at it goes through all pairs of the mailbox.
            let all = copies.values().flatten().cloned().collect();
            let unpaired = self.run.checkpoint.unpaired(self.mailbox, all).map_err(|error| self.break_off(error))?;
            let unpaired: BTreeSet<Id> = unpaired.into_iter().collect();
            for copies in copies.into_values().filter(|copies| copies.iter().any(|copy| !unpaired.contains(copy))) {
                let repeated = copies.into_iter().filter(|copy| unpaired.contains(copy));
                work.deletes.extend(repeated.map(|target| (place, target)));
            }
        }
        if work.deletes.is_empty() {
            return Ok(false);
        }
        self.mark(Mark::LeftoversDeleted);
        self.number_deletes(&mut work);
        self.copy(work).await?;
        Ok(true)
    }
}
