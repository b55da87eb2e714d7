//! Memory that several processes have: a scoreboard's.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use kino_core::scoreboard::{self, Slot};

use super::inherited;

/// What stands before the places.
#[repr(C, align(128))]
struct Header {
    /// [`scoreboard::layout`] of who has made it.
    layout: AtomicU64,
}

/// Places that all processes see which have forked from the one that has made them, or were given the descriptor.
pub(crate) struct Shared {
    slots: &'static [Slot],
    /// Where there is none, only forked processes have it.
    descriptor: Option<OwnedFd>,
}

impl Shared {
    /// New memory, all places free.
    ///
    /// # Errors
    /// When the system gives none.
    pub(crate) fn create(places: usize) -> io::Result<Shared> {
        let descriptor = file(size(places))?;
        let (header, slots) = map(descriptor.as_ref(), places)?;
        header.layout.store(scoreboard::layout(), Ordering::SeqCst);
        Ok(Shared { slots, descriptor })
    }

    /// Another process's, whose descriptor this one was started with; it is this object's from here on.
    ///
    /// # Errors
    /// It is none, or was made by another version of this library.
    pub(crate) fn open(number: RawFd) -> io::Result<Shared> {
        let places = places(number)?;
        let descriptor = inherited::take(number, |_| Ok(()), |error| error)?;
        let (header, slots) = map(Some(&descriptor), places)?;
        if header.layout.load(Ordering::SeqCst) != scoreboard::layout() {
            return Err(io::Error::other("it was made by another version of Kino"));
        }
        Ok(Shared { slots, descriptor: Some(descriptor) })
    }

    /// The places.
    pub(crate) fn slots(&self) -> &'static [Slot] {
        self.slots
    }

    /// The descriptor's number, if there is one.
    pub(crate) fn number(&self) -> Option<RawFd> {
        self.descriptor.as_ref().map(|descriptor| descriptor.as_fd().as_raw_fd())
    }
}

fn size(places: usize) -> usize {
    size_of::<Header>() + places * size_of::<Slot>()
}

/// How many places there are in the memory of that descriptor.
#[cfg(target_os = "linux")]
fn places(number: RawFd) -> io::Result<usize> {
    let no_scoreboard = || io::Error::new(io::ErrorKind::InvalidInput, "it is no scoreboard");
    let found = inherited::size(number)?;
    // SAFETY: it takes two numbers; of what can't be sealed, it says so.
    let seals = unsafe { libc::fcntl(number, libc::F_GET_SEALS) };
    // Else who has it could make it shorter, and whoever touches what is gone is ended by a signal.
    if seals == -1 || seals & libc::F_SEAL_SHRINK == 0 {
        return Err(no_scoreboard());
    }
    let all = usize::try_from(found).ok().and_then(|found| found.checked_sub(size_of::<Header>()));
    let all = all.filter(|all| *all > 0 && all % size_of::<Slot>() == 0);
    Ok(all.ok_or_else(no_scoreboard)? / size_of::<Slot>())
}

#[cfg(not(target_os = "linux"))]
fn places(_: RawFd) -> io::Result<usize> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux gives memory to programs that are started"))
}

/// An unnamed file in memory, of a size that nobody can change any more.
#[cfg(target_os = "linux")]
fn file(size: usize) -> io::Result<Option<OwnedFd>> {
    use std::os::fd::FromRawFd;

    // SAFETY: the name is a C string, and whatever comes back is looked at.
    let number = unsafe { libc::memfd_create(c"kino".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
    if number == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it has just been made, so nobody else has it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
    let length = libc::off_t::try_from(size).map_err(io::Error::other)?;
    // SAFETY: both take numbers, the first of them a descriptor that is open.
    let failed =
        unsafe { libc::ftruncate(number, length) == -1 || libc::fcntl(number, libc::F_ADD_SEALS, seals) == -1 };
    if failed { Err(io::Error::last_os_error()) } else { Ok(Some(descriptor)) }
}

#[cfg(not(target_os = "linux"))]
fn file(_: usize) -> io::Result<Option<OwnedFd>> {
    Ok(None)
}

/// The memory is never given back: engines and other objects may have it for as long as the process lives.
fn map(descriptor: Option<&OwnedFd>, places: usize) -> io::Result<(&'static Header, &'static [Slot])> {
    let flags = if descriptor.is_some() { libc::MAP_SHARED } else { libc::MAP_SHARED | libc::MAP_ANON };
    let number = descriptor.map_or(-1, AsRawFd::as_raw_fd);
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: it asks for new memory, wherever the kernel likes, and what comes back is looked at.
    let memory = unsafe { libc::mmap(ptr::null_mut(), size(places), access, flags, number, 0) };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: so many bytes are there until the process ends, since they are never unmapped, and the file, which is of that size,
    // can't be made shorter. They begin with a page, and so are aligned, the places, too, whose alignment is the header's size.
    // All fields are atomics, which other processes may change at any time, and for which any bits are valid.
    unsafe {
        let header: *const Header = memory.cast();
        Ok((&*header, slice::from_raw_parts(header.add(1).cast(), places)))
    }
}
