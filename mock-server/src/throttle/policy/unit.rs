//! What windows and buckets count.

use strum::{EnumCount, EnumString, IntoStaticStr, VariantArray};

use super::asked::Asked;

/// What is counted.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, EnumCount, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "kebab-case")]
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
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name used in scenarios and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
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
