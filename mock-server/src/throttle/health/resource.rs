//! What can suffer, in Microsoft's words.

use strum::{EnumCount, EnumString, IntoStaticStr, VariantArray};

use crate::wire::call::Side;

/// What a service has too little of for a while.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, EnumCount, VariantArray, IntoStaticStr, EnumString)]
#[repr(u8)]
#[strum(serialize_all = "kebab-case")]
pub enum Resource {
    /// Disks answer slowly.
    DiskLatency,
    /// Processors are busy.
    Processor,
    /// Copies of a database lag behind (the copy queue is long).
    MdbReplication,
    /// Copies of a database have much to replay.
    MdbAvailability,
    /// The content index lags behind.
    ContentIndexing,
    /// The mailbox is locked by somebody else.
    MailboxLocked,
    /// The mailbox holds as much as it may.
    MailboxCapacity,
    /// The service as a whole: a brownout, or maintenance.
    Service,
}

impl Resource {
    /// All resources, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name used in scenarios.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The state of a move that waits for it on one of its sides, as Microsoft prints it.
    ///
    /// `StalledDueToSource_*` and `StalledDueToTarget_*` with `DiskLatency`, `Processor`, `MdbReplication` and
    /// `MdbAvailability`: "Troubleshooting slow migrations", Exchange team blog, 2020-10-19. `StalledDueToCI`,
    /// `StalledDueToHA`: `RequestState` (learn.microsoft.com/previous-versions, ff445348). `MailboxCapacityExceeded` was
    /// seen by third parties. The spelling for locked mailboxes is taken from `TotalStalledDueToMailboxLockedDuration`
    /// of move reports.
    #[must_use]
    pub const fn word(self, side: Side) -> &'static str {
        match (self, side) {
            (Self::DiskLatency, Side::Source) => "StalledDueToSource_DiskLatency",
            (Self::DiskLatency, Side::Target) => "StalledDueToTarget_DiskLatency",
            (Self::Processor, Side::Source) => "StalledDueToSource_Processor",
            (Self::Processor, Side::Target) => "StalledDueToTarget_Processor",
            (Self::MdbReplication, Side::Source) => "StalledDueToSource_MdbReplication",
            (Self::MdbReplication, Side::Target) => "StalledDueToTarget_MdbReplication",
            (Self::MdbAvailability, Side::Source) => "StalledDueToSource_MdbAvailability",
            (Self::MdbAvailability, Side::Target) => "StalledDueToTarget_MdbAvailability",
            (Self::ContentIndexing, _) => "StalledDueToCI",
            (Self::MailboxLocked, _) => "StalledDueToMailboxLocked",
            (Self::MailboxCapacity, Side::Source) => "StalledDueToSource_MailboxCapacityExceeded",
            (Self::MailboxCapacity, Side::Target) => "StalledDueToTarget_MailboxCapacityExceeded",
            (Self::Service, _) => "StalledDueToHA",
        }
    }

    /// The line with which a move gives way, as reports print it ("Office 365 migration performance and best practices",
    /// example of a report).
    #[must_use]
    pub fn relinquished(self, side: Side) -> String {
        format!(
            "Relinquishing job because of large delays due to unfavorable server health or budget limitations with a \
             request throttling state '{}'.",
            self.word(side)
        )
    }
}
