//! What answers may have to wait for: until what they rest on is kept.

use tokio::sync::watch;

/// How far what was decided is kept.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// So many portions of it are.
    Kept(u64),
    /// Nothing more can be kept.
    Failed,
}

impl Progress {
    fn reaches(self, portion: u64) -> bool {
        matches!(self, Self::Kept(kept) if kept >= portion)
    }
}

/// Something that is not kept yet.
#[derive(Clone, Debug)]
pub struct Pending {
    progress: watch::Receiver<Progress>,
    /// The last portion of it.
    portion: u64,
    /// What else is not.
    also: Option<Box<Self>>,
}

/// What an answer rests on cannot be kept.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("what was decided cannot be kept")]
pub struct Unkept;

impl Pending {
    /// What waits for a portion; nothing if that is kept.
    #[must_use]
    pub fn unless_kept(progress: &watch::Receiver<Progress>, portion: u64) -> Option<Self> {
        (!progress.borrow().reaches(portion)).then(|| Self { progress: progress.clone(), portion, also: None })
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let also = match self.also {
            Some(also) => also.and(other),
            None => other,
        };
        Self { also: Some(Box::new(also)), ..self }
    }

    /// Waits until it is kept.
    pub(super) async fn kept(self) -> Result<(), Unkept> {
        let mut next = Some(Box::new(self));
        while let Some(pending) = next {
            let Self { mut progress, portion, also } = *pending;
            let over = |progress: &Progress| *progress == Progress::Failed || progress.reaches(portion);
            match progress.wait_for(over).await.as_deref() {
                Ok(Progress::Kept(_)) => next = also,
                // Whoever keeps it is gone, or has given up.
                Ok(Progress::Failed) | Err(_) => return Err(Unkept),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_goes_on_when_all_is_kept_or_nothing_more_can_be() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (tell, progress) = watch::channel(Progress::Kept(2));
        assert!(Pending::unless_kept(&progress, 2).is_none());
        let third = Pending::unless_kept(&progress, 3).expect("it is not kept");
        let fourth = Pending::unless_kept(&progress, 4).expect("it is not kept");
        tell.send_replace(Progress::Kept(3));
        assert_eq!(runtime.block_on(third.clone().kept()), Ok(()));
        let both = third.and(fourth.clone());
        tell.send_replace(Progress::Failed);
        assert_eq!(runtime.block_on(fourth.clone().kept()), Err(Unkept));
        assert_eq!(
            Pending::unless_kept(&progress, 1).map(|pending| runtime.block_on(pending.kept())),
            Some(Err(Unkept))
        );
        assert_eq!(runtime.block_on(both.kept()), Err(Unkept));
        drop(tell);
        assert_eq!(runtime.block_on(fourth.kept()), Err(Unkept));
    }
}
