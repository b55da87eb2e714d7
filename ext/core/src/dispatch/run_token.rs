//! What the workers that share a GVL have in common: the run token, which one of them holds, and what is known of the GVL.
//!
//! A thread that fetched a request and then waited for the GVL would hold the request up for as long as others compute.
//! So only the worker with the token fetches, and it keeps the token while it serves, until it gives the GVL up in the
//! middle of a request (a database, a sleep): only then is the next one woken.

use std::sync::Arc;

use super::crew::Crew;
use super::gvl_releases::GvlReleases;
use super::interrupt::Interrupt;
use super::service_time::ServiceTime;
use crate::bell::Bell;
use crate::net::deadlines::Micros;
use crate::sync::{AtomicBool, AtomicU32, Mutex, Ordering};

/// One GVL's.
#[derive(Debug, Default)]
pub(super) struct RunToken {
    /// The group's number within its engine.
    pub(super) gvl_group: usize,
    place: Mutex<Place>,
    /// Someone who is not fetching wants the GVL: the next one to fetch should let it go first.
    contended: AtomicBool,
    pub(super) releases: GvlReleases,
    pub(super) service: ServiceTime,
    pub(super) crew: Crew,
    is_watched: AtomicBool,
    /// How many have the GVL, or want it.
    all_with_lock: AtomicU32,
    /// The same, but for those that have done so for long.
    with_lock: AtomicU32,
    pub(super) clock: Micros,
}

#[derive(Debug, Default)]
struct Place {
    holder: Option<Arc<Seat>>,
    /// Those who wait for it, the one that came last is the next: its memory is still warm.
    waiting: Vec<(Arc<Seat>, Arc<Bell>)>,
}

/// One worker's end of it.
#[derive(Debug, Default)]
pub(super) struct Seat {
    has_token: AtomicBool,
}

/// What a wait for the run token ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The worker has the token.
    HasToken,
    /// It was called.
    Interrupted,
}

impl RunToken {
    /// That of a group of that number, which goes by that clock.
    pub(super) fn new(gvl_group: usize, clock: Micros) -> RunToken {
        RunToken { gvl_group, clock, ..RunToken::default() }
    }

    /// Somebody will ask soon who has been without the GVL for long, or not any more.
    pub(super) fn watch(&self, is_watched: bool) {
        self.is_watched.store(is_watched, Ordering::SeqCst);
    }

    /// Whether somebody will ask.
    pub(super) fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::SeqCst)
    }

    /// One more has the GVL or wants it, for no long time, or one less.
    pub(super) fn count_lock(&self, is_one_more: bool) {
        count(&self.with_lock, is_one_more);
    }

    /// The same of all, for however long they have.
    pub(super) fn count_all(&self, is_one_more: bool) {
        count(&self.all_with_lock, is_one_more);
    }

    /// Whether no worker has the GVL, or wants it.
    pub(super) fn is_lock_unused(&self) -> bool {
        self.all_with_lock.load(Ordering::SeqCst) == 0
    }

    /// How many have it or want it, and have not for long.
    pub(super) fn with_lock(&self) -> u32 {
        self.with_lock.load(Ordering::SeqCst)
    }

    /// Whether there is none of these.
    pub(super) fn is_lock_free(&self) -> bool {
        self.with_lock() == 0
    }

    /// Somebody who is no worker of the group wants the GVL.
    pub(super) fn contend(&self) {
        self.contended.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has wanted the GVL since the last time this was asked.
    pub(super) fn is_contended(&self) -> bool {
        self.contended.load(Ordering::Relaxed) && self.contended.swap(false, Ordering::Relaxed)
    }

    /// Whether nobody has it: nobody fetches, nor serves what it has fetched without having been overtaken.
    pub(super) fn is_free(&self) -> bool {
        self.place.lock().holder.is_none()
    }

    /// Gives the token to a worker if nobody has it.
    pub(super) fn pick_up(&self, seat: &Arc<Seat>) -> bool {
        self.place.lock().pick_up(seat)
    }

    /// Waits until a worker has the token, or is called.
    pub(super) fn wait(&self, seat: &Arc<Seat>, interrupt: &Interrupt) -> Waited {
        {
            let mut place = self.place.lock();
            if place.pick_up(seat) {
                return Waited::HasToken;
            }
            place.waiting.push((seat.clone(), interrupt.bell.clone()));
        }
        while !seat.has_token() {
            if interrupt.hear() {
                // Handed over in this very moment, it is kept.
                self.place.lock().waiting.retain(|(other, _)| !Arc::ptr_eq(other, seat));
                return Waited::Interrupted;
            }
            interrupt.bell.wait(None);
        }
        Waited::HasToken
    }

    /// A worker passes the token on, if it has it, to whoever came to wait last.
    pub(super) fn pass_on(&self, seat: &Seat) {
        if !seat.has_token.swap(false, Ordering::SeqCst) {
            return;
        }
        let mut place = self.place.lock();
        let next = place.waiting.pop();
        if let Some((next, bell)) = &next {
            next.receive();
            bell.ring();
        }
        place.holder = next.map(|(next, _)| next);
    }
}

fn count(number: &AtomicU32, is_one_more: bool) {
    if is_one_more {
        number.fetch_add(1, Ordering::SeqCst);
    } else {
        number.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Place {
    fn pick_up(&mut self, seat: &Arc<Seat>) -> bool {
        if self.holder.is_some() {
            return false;
        }
        self.holder = Some(seat.clone());
        seat.receive();
        true
    }
}

impl Seat {
    /// Whether this worker has the token.
    pub(super) fn has_token(&self) -> bool {
        self.has_token.load(Ordering::SeqCst)
    }

    fn receive(&self) {
        self.has_token.store(true, Ordering::SeqCst);
    }
}
