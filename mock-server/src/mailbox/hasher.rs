//! A fast hasher with a fixed result for keys that are numbers.

use std::hash::{BuildHasherDefault, Hasher};

use crate::draw::mix;

/// Builds [`KeyHasher`]s.
pub type KeyHashes = BuildHasherDefault<KeyHasher>;

/// Hashes numbers by mixing them. The tables that use it are never iterated, so their order does not matter.
#[derive(Copy, Clone, Default, Debug)]
pub struct KeyHasher {
    word: u64,
}

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.word
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.word = mix(self.word.wrapping_add(number));
    }
}
