//! Asks the processor to bring memory that is about to be used nearer, so that it need not wait for it.
//!
//! The lanes of a run hold more memory than the nearest caches, and a lane is polled after hundreds of others were. The
//! executor knows which lane is next while it is still busy with the one before. This file alone of the project holds
//! unsafe code: one instruction that has no safe name.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "prefetching has no safe function; what makes it sound is said where it is called")
)]

/// Bytes that a processor fetches at once, on all that we know of.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Asks for the memory of a value, not for what it points to. Changes nothing but time. Does nothing on processors that
/// we do not know how to ask.
#[inline]
pub(super) fn fetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

        let begin = std::ptr::from_ref(value).cast::<i8>();
        for offset in (0..size_of::<T>()).step_by(LINE) {
            // SAFETY: a prefetch reads and writes nothing that the program can see, and never faults, whatever the address
            // (AMD64 Architecture Programmer's Manual, volume 3, PREFETCHlevel; Intel SDM, volume 2, PREFETCHh); every
            // processor of this architecture has the instruction (it came with SSE). The address lies within `value`,
            // which is borrowed for as long as this takes.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(begin.wrapping_add(offset)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Clone + PartialEq + std::fmt::Debug>(value: &T) {
        let before = value.clone();
        fetch(value);
        assert_eq!(*value, before);
    }

    #[test]
    fn fetching_changes_no_value_of_any_size() {
        check(&());
        check(&7_u8);
        check(&[3_u64; 1_000]);
        check(&vec![String::from("elsewhere"); 3]);
    }

    #[test]
    fn values_at_the_end_of_an_allocation_can_be_fetched() {
        for length in 1..200_usize {
            let bytes = vec![1_u8; length].into_boxed_slice();
            fetch(&bytes[length - 1]);
            if let Some(last) = bytes.last_chunk::<65>() {
                fetch(last);
            }
        }
    }
}
