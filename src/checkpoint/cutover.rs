//! How far a cutover is. What follows what is decided by the pipeline.

use strum::{EnumCount, VariantArray};

/// One step of a cutover.
#[derive(Copy, Clone, PartialEq, Eq, Debug, EnumCount, VariantArray)]
#[repr(u8)]
pub enum Step {
    /// Close the source to its users.
    StopSource,
    /// Copy what changed until then.
    LastDelta,
    /// Make sure that the target user exists.
    Provision,
    /// Give it a license.
    License,
    /// Start the switch of the address.
    StartSwitch,
    /// Poll until the switch has completed or failed.
    AwaitSwitch,
    /// Compare both sides.
    Verify,
    /// Remove what the move left in the source.
    ReleaseSource,
    /// Remove what the move left in the target.
    ReleaseTarget,
    /// Undo: give the switch up.
    CancelSwitch,
    /// Undo: take the license back.
    RemoveLicense,
    /// Undo: open the source again.
    StartSource,
}

impl Step {
    /// All steps, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// Whether it must be kept for good before it is taken. A run that forgot it would copy into a mailbox whose users may
    /// work in the target already, or switch one over whose users are back in the source.
    #[must_use]
    pub const fn must_last(self) -> bool {
        matches!(
            self,
            Self::LastDelta | Self::StartSwitch | Self::CancelSwitch | Self::RemoveLicense | Self::StartSource
        )
    }
}

/// How far a cutover is.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Cutover {
    /// The step to take.
    pub step: Step,
    /// Switches started so far.
    pub switches: u32,
    /// Whether an undo failed.
    pub residue: bool,
}
