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
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    /// What tells the variants of an enum apart is small: it needs no mixing of its own before the next number.
    fn write_isize(&mut self, number: isize) {
        self.word = self.word.rotate_left(5) ^ number as u64;
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.word = mix(self.word.wrapping_add(number));
    }
}
