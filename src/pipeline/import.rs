//! Storing items in the target, so that an answer that was lost leaves no second copy behind.
//!
//! A call that stores a new item must not be repeated blindly: after a failure that may have come after the work was
//! done, the target is searched for the item's identity first. Replacing an item can be repeated freely.

use mock_server::wire::answer::{Answer, ChangeKind};
use mock_server::wire::call::{Call, Content, Upload};
use mock_server::wire::id::{Id, ItemKey};
use mock_server::wire::refusal::{ItemError, ItemErrorKind, Refusal, RefusalKind};

use super::ask::{Step, Tries};
use super::copy::Copying;
use super::export::{Again, concerns_items, reason_of};
use super::job::{Job, Setback};
use super::planted::Bug;
use crate::checkpoint::Checkpoint;
use crate::event::{Event, Listener, Mark, SkipReason};
use crate::world::{Side, World};

/// One item on its way into the target with others.
struct Load {
    place: usize,
    content: Content,
    replace: Option<Id>,
}

impl<W: World, C: Checkpoint, L: Listener> Job<'_, W, C, L> {
    /// Opens the import session, unless there is one.
    pub(super) async fn open_session(&self) -> Result<(), Setback> {
        if self.session.borrow().is_some() {
            return Ok(());
        }
        let Answer::Session(session) = self.need(Side::Target, &Call::CreateImportSession).await? else {
            return Err(Setback::Confused);
        };
        *self.session.borrow_mut() = Some(session);
        Ok(())
    }

    /// Replaces an import session that the target no longer knows; somebody may have done so already.
    async fn renew_session(&self, old: &Id, request: u64) -> Result<Id, Setback> {
        if let Some(session) = self.session.borrow().as_ref()
            && session != old
        {
            return Ok(session.clone());
        }
        match self.ask(Side::Target, request, &Call::CreateImportSession).await {
            Ok(Answer::Session(session)) => {
                *self.session.borrow_mut() = Some(session.clone());
                self.mark(Mark::SessionRenewed);
                Ok(session)
            }
            Ok(_) => Err(Setback::Confused),
            Err(refusal) => Err(Setback::Refused(refusal.kind)),
        }
    }

    /// Looks for an item in the target by its identity: reference and size.
    async fn find(&self, folder: &Id, key: ItemKey, request: u64) -> Result<Option<(Id, u32)>, Setback> {
        match self.ask(Side::Target, request, &Call::FindItems { folder: folder.clone(), key }).await {
            Ok(Answer::Items { changes, .. }) => {
                let there = changes.into_iter().find(|change| change.kind != ChangeKind::Delete);
                Ok(there.map(|change| (change.item, change.size)))
            }
            Ok(_) => Err(Setback::Confused),
            Err(refusal) => Err(Setback::Refused(refusal.kind)),
        }
    }

    /// Looks whether a call that stores an item, and may have been carried out unseen, was. A new item is there if its
    /// identity is; one that replaces an older version only if its size is the new one.
    async fn was_stored(
        &self,
        folder: &Id,
        content: (ItemKey, u32),
        replaces: bool,
        request: u64,
    ) -> Result<Option<Id>, Setback> {
        let (key, size) = content;
        let found = self.find(folder, key, request).await?;
        let stored = found.filter(|(_, there)| !replaces || *there == size).map(|(target, _)| target);
        self.mark(if stored.is_some() { Mark::FoundStored } else { Mark::FoundMissing });
        Ok(stored)
    }

    fn target_folder(&self, folder: u32) -> Id {
        self.progress.borrow().folders[folder as usize].target.clone()
    }

    /// Stores one item through the import session.
    pub(super) async fn import_one(
        &self,
        copying: &Copying<'_>,
        request: u64,
        place: usize,
        content: Content,
    ) -> Result<(), Setback> {
        let item = copying.item(place);
        let folder = self.target_folder(item.folder);
        let (key, size) = (content.key, content.size);
        let mut tries = Tries::new(Side::Target, request);
        let mut replace = item.replace.clone();
        let mut adds = item.adds;
        if item.look && replace.is_none() {
            replace = self.find(&folder, key, tries.look()).await?.map(|(target, _)| target);
            adds = replace.is_none();
        }
        let mut session = self.session.borrow().clone().ok_or(Setback::Confused)?;
        let mut renewed = false;
        let mut call =
            Call::ImportItem { session: session.clone(), folder: folder.clone(), replace: replace.clone(), content };
        let target = loop {
            let refusal = match self.attempt(&mut tries, &call).await {
                Step::Done(Answer::Created(target)) => break target,
                Step::Done(_) => return Err(Setback::Confused),
                Step::Repeat { ambiguous: true } if self.run.errs(Bug::DropOnReset) => return Ok(()),
                Step::Repeat { ambiguous } => {
                    if ambiguous
                        && !self.run.errs(Bug::RepeatBlindly)
                        && replace.is_none()
                        && let Some(target) = self.was_stored(&folder, (key, size), false, tries.look()).await?
                    {
                        break target;
                    }
                    continue;
                }
                Step::GaveUp(refusal) => refusal,
            };
            if refusal.kind.is_ambiguous()
                && let Some(target) = self.was_stored(&folder, (key, size), replace.is_some(), tries.look()).await?
            {
                break target;
            }
            // Not found is the session, which the service forgets after a while, or the item to be replaced.
            if refusal.kind == RefusalKind::NotFound && !renewed {
                renewed = true;
                session = self.renew_session(&session, tries.look()).await?;
                if replace.is_some() {
                    replace = self.find(&folder, key, tries.look()).await?.map(|(target, _)| target);
                }
                call = renew(call, &session, replace.as_ref());
                continue;
            }
            if refusal.kind == RefusalKind::NotFound && self.doubts_folders.get() {
                return Err(Setback::Refused(refusal.kind));
            }
            return self.give_up(copying, &[place], refusal);
        };
        self.stored(copying, place, target, adds);
        self.note_copied(1, u64::from(size));
        Ok(())
    }

    /// Stores several items with one call.
    pub(super) async fn import_many(
        &self,
        copying: &Copying<'_>,
        request: u64,
        contents: Vec<(usize, Content)>,
    ) -> Result<(), Setback> {
        let mut tries = Tries::new(Side::Target, request);
        let mut loads = Vec::with_capacity(contents.len());
        for (place, content) in contents {
            let item = copying.item(place);
            let mut replace = item.replace.clone();
            if item.look && replace.is_none() {
                let found = self.find(&self.target_folder(item.folder), content.key, tries.look()).await?;
                replace = found.map(|(target, _)| target);
            }
            loads.push(Load { place, content, replace });
        }
        let mut round = 0;
        while !loads.is_empty() {
            let call = Call::UploadItems { uploads: loads.iter().map(|load| self.upload(copying, load)).collect() };
            let again = match self.attempt(&mut tries, &call).await {
                Step::Done(Answer::Uploaded(results)) if results.len() == loads.len() => {
                    self.sort_uploads(copying, &mut loads, results)?
                }
                Step::Done(_) => return Err(Setback::Confused),
                Step::Repeat { ambiguous: true } if self.run.errs(Bug::DropOnReset) => return Ok(()),
                Step::Repeat { ambiguous } => {
                    if ambiguous && !self.run.errs(Bug::RepeatBlindly) {
                        self.look_for_all(copying, &mut loads, &mut tries, false).await?;
                    }
                    continue;
                }
                Step::GaveUp(refusal) => {
                    if refusal.kind.is_ambiguous() {
                        self.look_for_all(copying, &mut loads, &mut tries, true).await?;
                    }
                    let places: Vec<usize> = loads.iter().map(|load| load.place).collect();
                    return self.give_up(copying, &places, refusal);
                }
            };
            if again.places.is_empty() {
                return Ok(());
            }
            round += 1;
            if let Some(reason) = again.given_up(round, self.run.plan.retry.attempts) {
                return self.leave_behind(copying, &again.places, reason);
            }
            self.pause(Side::Target, request, round - 1, again.wait, again.limited).await;
            self.refresh_lost(copying, &mut loads, &mut tries).await?;
        }
        Ok(())
    }

    fn upload(&self, copying: &Copying<'_>, load: &Load) -> Upload {
        Upload {
            folder: self.target_folder(copying.item(load.place).folder),
            replace: load.replace.clone(),
            content: load.content.clone(),
        }
    }

    /// Notes what was stored and keeps in `loads` what has to be sent again.
    fn sort_uploads(
        &self,
        copying: &Copying<'_>,
        loads: &mut Vec<Load>,
        results: Vec<Result<Id, ItemError>>,
    ) -> Result<Again, Setback> {
        let mut again = Again::default();
        let (mut items, mut bytes) = (0, 0);
        let mut left = Vec::new();
        for (load, result) in loads.drain(..).zip(results) {
            match result {
                Ok(target) => {
                    items += 1;
                    bytes += u64::from(load.content.size);
                    self.stored_load(copying, &load, target);
                }
                Err(error) => {
                    self.note(&Event::ItemRefused { mailbox: self.mailbox, kind: error.kind });
                    let item = copying.item(load.place);
                    match error.kind {
                        kind if kind.is_transient() || (kind == ItemErrorKind::NotFound && load.replace.is_some()) => {
                            again.add(load.place, error);
                            left.push(load);
                        }
                        ItemErrorKind::NotFound if self.doubts_folders.get() => {
                            return Err(Setback::Refused(RefusalKind::NotFound));
                        }
                        ItemErrorKind::TooLarge => {
                            self.skip(item.folder, &item.source, load.content.size, SkipReason::TooLarge)?;
                        }
                        kind => self.skip(item.folder, &item.source, load.content.size, SkipReason::Item(kind))?,
                    }
                }
            }
        }
        *loads = left;
        self.note_copied(items, bytes);
        Ok(again)
    }

    fn stored_load(&self, copying: &Copying<'_>, load: &Load, target: Id) {
        let item = copying.item(load.place);
        let adds = item.adds && (load.replace.is_none() || item.replace.is_some());
        self.stored(copying, load.place, target, adds);
    }

    /// After an answer that was lost: what the target holds already is not sent again. Replacing an item can be repeated
    /// freely, so items that replace others are looked for only at `last`, to tell what was left behind.
    async fn look_for_all(
        &self,
        copying: &Copying<'_>,
        loads: &mut Vec<Load>,
        tries: &mut Tries,
        last: bool,
    ) -> Result<(), Setback> {
        let mut left = Vec::with_capacity(loads.len());
        for load in loads.drain(..) {
            let replaces = load.replace.is_some();
            if last || !replaces {
                let folder = self.target_folder(copying.item(load.place).folder);
                let content = (load.content.key, load.content.size);
                if let Some(target) = self.was_stored(&folder, content, replaces, tries.look()).await? {
                    self.stored_load(copying, &load, target);
                    self.note_copied(1, u64::from(load.content.size));
                    continue;
                }
            }
            left.push(load);
        }
        *loads = left;
        Ok(())
    }

    /// Looks again for items that were to be replaced, some of which the target says it does not have.
    async fn refresh_lost(&self, copying: &Copying<'_>, loads: &mut [Load], tries: &mut Tries) -> Result<(), Setback> {
        for load in loads.iter_mut().filter(|load| load.replace.is_some()) {
            let folder = self.target_folder(copying.item(load.place).folder);
            load.replace = self.find(&folder, load.content.key, tries.look()).await?.map(|(target, _)| target);
        }
        Ok(())
    }

    /// Leaves items behind whose call was refused for good, or the whole mailbox if the refusal is not about items.
    fn give_up(&self, copying: &Copying<'_>, places: &[usize], refusal: Refusal) -> Result<(), Setback> {
        if concerns_items(refusal) {
            if self.run.errs(Bug::CountFailedAsDone) {
                return Ok(());
            }
            self.leave_behind(copying, places, reason_of(refusal))
        } else {
            Err(Setback::Refused(refusal.kind))
        }
    }
}

/// The same import through another session, replacing another item.
fn renew(call: Call, session: &Id, replace: Option<&Id>) -> Call {
    match call {
        Call::ImportItem { folder, content, .. } => {
            Call::ImportItem { session: session.clone(), folder, replace: replace.cloned(), content }
        }
        other => other,
    }
}
