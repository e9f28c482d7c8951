//! What windows and buckets count.

use super::asked::Asked;

/// What is counted.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Unit {
    /// Requests; one for each call.
    Requests,
    /// Requests that write; one for each call that does.
    Writes,
    /// Bytes of request bodies.
    Bytes,
    /// Items that calls name or carry.
    Items,
    /// Entra resource units; see [`super::asked::Asked::resource_units`].
    ResourceUnits,
}

impl Unit {
    /// All units.
    pub const ALL: [Self; 5] = [Self::Requests, Self::Writes, Self::Bytes, Self::Items, Self::ResourceUnits];

    /// The name used in scenarios and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Writes => "writes",
            Self::Bytes => "bytes",
            Self::Items => "items",
            Self::ResourceUnits => "resource-units",
        }
    }

    /// How much of it a call asks for.
    #[must_use]
    pub fn of(self, asked: &Asked) -> u64 {
        match self {
            Self::Requests => 1,
            Self::Writes => u64::from(asked.writes),
            Self::Bytes => asked.body_bytes,
            Self::Items => u64::from(asked.items),
            Self::ResourceUnits => u64::from(asked.resource_units),
        }
    }
}
