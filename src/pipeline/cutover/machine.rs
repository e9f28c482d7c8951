//! The order of a cutover, with the way back from every step. Pure.
//!
//! | step | call | done | failed | the switch had completed / had failed |
//! | --- | --- | --- | --- | --- |
//! | stop the source | `StopMailbox` | last delta | start the source | |
//! | last delta | sync, export, import | provision | start the source | |
//! | provision | `ProvisionUser` | license | start the source | |
//! | license | `AssignLicense` | start the switch | remove the license | |
//! | start the switch | `StartSwitch` | await the switch | cancel the switch | |
//! | await the switch | `PollSwitch` | | cancel the switch | verify / start the switch again, at last remove the license |
//! | verify | list both sides | release the source | half switched | |
//! | release the source | `ReleaseMailbox` | release the target | half switched | |
//! | release the target | `ReleaseMailbox` | completed | half switched | |
//! | cancel the switch | `CancelSwitch` | remove the license | remove the license, residue | verify / remove the license |
//! | remove the license | `RemoveLicense` | start the source | start the source, residue | |
//! | start the source | `StartMailbox` | failed; half switched if residue | half switched | |
//!
//! A step that failed may have been done all the same (its answer was lost), so its own undo is part of the way back.
//! *Residue* is what an undo that failed leaves behind. Until the switch completes, the way back restores the source;
//! from then on users work in the target, there is no way back, and what fails is reported as half switched. Each step
//! can be done again without harm, so that an interrupted cutover goes on with the step on record.

use mock_server::wire::answer::SwitchState;

use crate::checkpoint::cutover::{Cutover, Step};
use crate::event::End;

/// How often a switch is started before the mailbox is given up (assumed).
pub const MOST_SWITCHES: u32 = 3;

impl Step {
    /// Whether one of the limited places for open switches is held during this step.
    #[must_use]
    pub const fn holds_place(self) -> bool {
        !matches!(self, Self::Verify | Self::ReleaseSource | Self::ReleaseTarget)
    }

    /// Whether this is a step of the way back.
    #[must_use]
    pub const fn undoes(self) -> bool {
        matches!(self, Self::CancelSwitch | Self::RemoveLicense | Self::StartSource)
    }
}

/// What came of a step.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Met {
    /// It was done.
    Done,
    /// It failed for good; it may have been done all the same.
    Failed,
    /// The service told how the switch ended, or that it goes on.
    Switch(SwitchState),
}

/// What follows.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// Take the step of this state.
    Take(Cutover),
    /// The same step again, after the poll interval.
    PollAgain,
    /// It is over.
    Over(End),
}

impl Cutover {
    /// A cutover that has not begun.
    pub const START: Self = Self { step: Step::StopSource, switches: 0, residue: false };

    const fn to(self, step: Step) -> Next {
        Next::Take(Self { step, ..self })
    }

    const fn with_residue(self) -> Self {
        Self { residue: true, ..self }
    }

    /// What follows after the present step.
    #[must_use]
    pub const fn after(self, met: Met) -> Next {
        let failed = matches!(met, Met::Failed);
        match self.step {
            Step::AwaitSwitch | Step::CancelSwitch => self.after_switch(met),
            Step::StopSource | Step::LastDelta | Step::Provision if failed => self.to(Step::StartSource),
            Step::License if failed => self.to(Step::RemoveLicense),
            Step::StartSwitch if failed => self.to(Step::CancelSwitch),
            Step::Verify | Step::ReleaseSource | Step::ReleaseTarget if failed => Next::Over(End::HalfSwitched),
            Step::RemoveLicense if failed => self.with_residue().to(Step::StartSource),
            Step::StopSource => self.to(Step::LastDelta),
            Step::LastDelta => self.to(Step::Provision),
            Step::Provision => self.to(Step::License),
            Step::License => self.to(Step::StartSwitch),
            Step::StartSwitch => Self { switches: self.switches + 1, ..self }.to(Step::AwaitSwitch),
            Step::Verify => self.to(Step::ReleaseSource),
            Step::ReleaseSource => self.to(Step::ReleaseTarget),
            Step::ReleaseTarget => Next::Over(End::Completed),
            Step::RemoveLicense => self.to(Step::StartSource),
            Step::StartSource if failed || self.residue => Next::Over(End::HalfSwitched),
            Step::StartSource => Next::Over(End::Failed),
        }
    }

    const fn after_switch(self, met: Met) -> Next {
        match (self.step, met) {
            (_, Met::Switch(SwitchState::Completed)) => self.to(Step::Verify),
            (Step::AwaitSwitch, Met::Switch(SwitchState::Failed)) if self.switches < MOST_SWITCHES => {
                self.to(Step::StartSwitch)
            }
            (Step::AwaitSwitch, Met::Switch(SwitchState::Queued | SwitchState::Completing)) => Next::PollAgain,
            (Step::AwaitSwitch, Met::Done | Met::Failed) => self.to(Step::CancelSwitch),
            (Step::CancelSwitch, Met::Failed | Met::Switch(SwitchState::Queued | SwitchState::Completing)) => {
                self.with_residue().to(Step::RemoveLicense)
            }
            _ => self.to(Step::RemoveLicense),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is true in the service, as far as the calls that were carried out tell.
    #[derive(Default, Debug)]
    #[expect(clippy::struct_excessive_bools, reason = "four independent facts, and the laws are about each of them")]
    struct Service {
        stopped: bool,
        licensed: bool,
        switching: bool,
        switched: bool,
    }

    impl Service {
        fn carry_out(&mut self, step: Step) {
            match step {
                Step::StopSource => self.stopped = true,
                Step::License => self.licensed = true,
                Step::StartSwitch => self.switching = true,
                Step::CancelSwitch => self.switching = false,
                Step::RemoveLicense => self.licensed = false,
                Step::StartSource => self.stopped = false,
                _ => {}
            }
        }
    }

    /// Plays a cutover: for each step a number says whether it is done, fails undone or fails done.
    fn play(script: &[u8]) -> (End, Service, bool) {
        let mut service = Service::default();
        let (mut state, mut undo_failed) = (Cutover::START, false);
        for choice in script.iter().copied().chain(std::iter::repeat(0)) {
            let met = match (state.step, choice) {
                (Step::AwaitSwitch | Step::CancelSwitch, 3) if service.switching => {
                    service.switching = false;
                    service.switched = true;
                    Met::Switch(SwitchState::Completed)
                }
                (Step::AwaitSwitch, 0) if service.switching => {
                    service.switching = false;
                    Met::Switch(SwitchState::Failed)
                }
                (Step::AwaitSwitch, 4) => Met::Switch(SwitchState::Completing),
                (_, 1) => Met::Failed,
                (_, 2) => {
                    service.carry_out(state.step);
                    Met::Failed
                }
                _ => {
                    service.carry_out(state.step);
                    Met::Done
                }
            };
            undo_failed |= met == Met::Failed
                && matches!(state.step, Step::CancelSwitch | Step::RemoveLicense | Step::StartSource);
            match state.after(met) {
                Next::Take(next) => state = next,
                Next::PollAgain => {}
                Next::Over(end) => return (end, service, undo_failed),
            }
        }
        unreachable!("the script never ends")
    }

    proptest! {
        #[test]
        fn every_cutover_completes_or_is_undone_or_is_reported(script in prop::collection::vec(0u8..5, 0..60)) {
            let (end, service, undo_failed) = play(&script);
            match end {
                End::Completed => prop_assert!(service.switched && service.licensed && service.stopped),
                End::Failed => {
                    prop_assert!(!undo_failed);
                    prop_assert!(!service.stopped && !service.licensed && !service.switching && !service.switched);
                }
                End::HalfSwitched => prop_assert!(undo_failed || service.switched),
                End::Unfinished => prop_assert!(false, "the machine never gives up half-way"),
            }
        }
    }

    #[test]
    fn a_switch_that_fails_is_started_again_a_limited_number_of_times() {
        let mut state = Cutover { step: Step::StartSwitch, ..Cutover::START };
        let mut started = 0;
        while let Next::Take(next) = state.after(match state.step {
            Step::AwaitSwitch => Met::Switch(SwitchState::Failed),
            _ => Met::Done,
        }) {
            started += u32::from(state.step == Step::StartSwitch);
            state = next;
        }
        assert_eq!(started, MOST_SWITCHES);
    }
}
