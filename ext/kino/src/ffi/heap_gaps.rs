//! What glibc's allocator has free between what is in use, taken before a fork.

use std::ops::Range;
use std::ptr;
use std::sync::Mutex;

use super::allocator;

/// Of the first pieces, in bytes. Where there are no such any more, they come from the free memory at the heap's end, and glibc
/// asks the system for none of its own.
const LARGEST: usize = 120 * 1024;
/// What glibc gives at least, and what it rounds up to.
const SMALLEST: usize = 24;
const STEP: usize = 16;
/// So many times as long as it was first the heap may become.
const MOST: usize = 2;

/// The pieces that are taken.
struct Taken {
    /// Each begins with where the next one is.
    pieces: *mut Piece,
    /// How long the heap was the first time, in bytes.
    first: usize,
}

type Piece = *mut libc::c_void;

// SAFETY: they are nobody else's.
unsafe impl Send for Taken {}

static TAKEN: Mutex<Taken> = Mutex::new(Taken { pieces: ptr::null_mut(), first: 0 });

/// Takes what glibc's allocator has free between what is in use, until it is called again, here or in a process forked from this one:
/// what is allocated from now on lies side by side, in memory that is new. Free pieces are all over the heap, and a process forked
/// from this one would copy what it shares page by page, to allocate there. What has gone back to the system stays there, but for
/// a page at the beginning of each piece. Where the heap is twice as long as the first time it is done no more. The calling
/// thread should be the one that has allocated. Of another allocator that doesn't lie
/// where glibc's heap does there is nothing to take.
///
/// From the largest to the smallest: a piece is cut from the smallest gap that holds it. What was taken before is given back first.
/// Where processes are forked from one that was forked, and so on, each has its own in new memory, and leaves gaps there: once
/// the heap has grown too long for that, gaps are for whoever allocates.
pub(crate) fn fill() {
    let Ok(mut taken) = TAKEN.lock() else { return };
    taken.give_back();
    let heap = in_use();
    if taken.first == 0 {
        taken.first = heap.len();
    } else if heap.len() > taken.first * MOST {
        return;
    }
    let mut size = LARGEST;
    while size >= SMALLEST {
        while taken.take(size, &heap) {}
        size -= (size / 8).next_multiple_of(STEP).max(STEP);
    }
}

/// Between where the main arena begins, or somewhat before where there are others, and the free memory at its end. glibc tells both as
/// numbers of 32 bits, which an older one than 2.33 can't tell otherwise: of a heap of more than 4 GiB some gaps stay.
fn in_use() -> Range<usize> {
    // SAFETY: the first counts under the allocator's own locks; the second says where the heap ends, and moves nothing.
    let (told, end) = unsafe { (libc::mallinfo(), libc::sbrk(0) as usize) };
    let bytes = |told: libc::c_int| told as u32 as usize;
    end.saturating_sub(bytes(told.arena))..end.saturating_sub(bytes(told.keepcost))
}

impl Taken {
    /// Whether there was a gap of that size.
    fn take(&mut self, size: usize, heap: &Range<usize>) -> bool {
        // SAFETY: it has room for a pointer, and is nobody else's; what isn't kept goes back at once, as it came.
        unsafe {
            let piece: *mut Piece = libc::malloc(size).cast();
            let is_gap = !piece.is_null() && heap.contains(&(piece as usize));
            if is_gap {
                *piece = self.pieces.cast();
                self.pieces = piece;
            } else {
                libc::free(piece.cast());
            }
            is_gap
        }
    }

    fn give_back(&mut self) {
        if self.pieces.is_null() {
            return;
        }
        while !self.pieces.is_null() {
            let piece = self.pieces;
            // SAFETY: it was taken, and not given back since.
            unsafe {
                self.pieces = (*piece).cast();
                libc::free(piece.cast());
            }
        }
        allocator::give_back();
    }
}
