//! Which seed each part of a run draws from.

use mock_server::draw::{Purpose, hash};

use crate::world::Side;

/// The seed of one server in one replication. Replication 0 is what `simulate` and `run` use.
#[must_use]
pub fn service(seed: u64, replication: u64, side: Side) -> u64 {
    hash(seed, Purpose::Replication, replication, side as u64, 1)
}

/// The seed of the pipeline's own draws in one replication.
#[must_use]
pub fn pipeline(seed: u64, replication: u64) -> u64 {
    hash(seed, Purpose::Replication, replication, 2, 1)
}

/// The seed of one network path in one replication.
#[must_use]
pub fn network(seed: u64, replication: u64, side: Side) -> u64 {
    hash(seed, Purpose::Replication, replication, side as u64, 2)
}

/// The seed of the people who work beside a wave on one side in one replication.
#[must_use]
pub fn background(seed: u64, replication: u64, side: Side) -> u64 {
    hash(seed, Purpose::Replication, replication, side as u64, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_parts_share_a_seed() {
        let mut seeds: Vec<u64> = (0..50)
            .flat_map(|replication| {
                [Side::Source, Side::Target]
                    .into_iter()
                    .flat_map(move |side| [service, network, background].map(|part| part(1, replication, side)))
                    .chain([pipeline(1, replication)])
            })
            .collect();
        let all = seeds.len();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), all);
    }
}
