//! `Kino::Native::Scoreboard`: what the processes of one server know of each other, as Ruby sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use kino_core::control::Control;
use kino_core::scoreboard::{About, Question, RUBY, Slot, State, now};
use kino_core::siblings::Siblings;
use magnus::{Error, RArray, RHash, Ruby};

use crate::exception;
use crate::ffi::shared::Shared;

/// Places at most: the more, the longer it takes to look at all.
const MOST: usize = 1024;

/// Memory that all processes of a server have, with a place for each.
#[magnus::wrap(class = "Kino::Native::Scoreboard", free_immediately)]
pub(crate) struct Scoreboard {
    shared: Shared,
    /// Who keeps what processes have counted when they are gone.
    control: Mutex<Weak<Control>>,
}

impl Scoreboard {
    fn of(shared: Shared) -> Scoreboard {
        Scoreboard { shared, control: Mutex::default() }
    }

    /// All places.
    pub(crate) fn slots(&self) -> &'static [Slot] {
        self.shared.slots()
    }

    /// Has `control` told of processes that are gone.
    pub(crate) fn tell_of_the_gone(&self, control: &Arc<Control>) {
        *self.control() = Arc::downgrade(control);
    }

    fn control(&self) -> MutexGuard<'_, Weak<Control>> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `Scoreboard.create(places) -> Scoreboard`: a new one. Every process that is forked from here on has it.
    pub(crate) fn create(ruby: &Ruby, places: usize) -> Result<Scoreboard, Error> {
        if !(1..=MOST).contains(&places) {
            return Err(exception::argument_error(ruby, &format!("places: {places} isn't from 1 to {MOST}")));
        }
        let made = Shared::create(places);
        made.map(Scoreboard::of).map_err(|error| exception::system_error(ruby, &error, "a scoreboard"))
    }

    /// `Scoreboard.open(fileno) -> Scoreboard`: one whose descriptor this process was started with. It is the object's from here on.
    pub(crate) fn open(ruby: &Ruby, number: i32) -> Result<Scoreboard, Error> {
        let refused = |error: std::io::Error| {
            exception::argument_error(
                ruby,
                &format!("descriptor {number} can't be taken over as a scoreboard: {error}"),
            )
        };
        Shared::open(number).map(Scoreboard::of).map_err(refused)
    }

    /// `fileno -> Integer or nil`: for a program that is started with it; `nil` where only forked processes can have it.
    pub(crate) fn fileno(&self) -> Option<i32> {
        self.shared.number()
    }

    /// `places -> Integer`
    pub(crate) fn places(&self) -> usize {
        self.shared.slots().len()
    }

    /// `take(index) -> nil`: this process is in that place from now on.
    pub(crate) fn take(ruby: &Ruby, this: &Scoreboard, index: usize) -> Result<(), Error> {
        this.slot(ruby, index)?.take(std::process::id());
        Ok(())
    }

    /// `leave(index) -> nil`: the process in that place is to end.
    pub(crate) fn leave(ruby: &Ruby, this: &Scoreboard, index: usize) -> Result<(), Error> {
        this.slot(ruby, index)?.leave();
        Ok(())
    }

    /// `free(index) -> nil`: there is no process in that place any more.
    pub(crate) fn free(ruby: &Ruby, this: &Scoreboard, index: usize) -> Result<(), Error> {
        let slot = this.slot(ruby, index)?;
        match this.control().upgrade() {
            Some(control) => control.bury(slot),
            None => slot.free(),
        }
        Ok(())
    }

    /// `read(index) -> {pid:, beat:, state:, connections:, waiting:, running:, unserved:, unheard:, requests:, in_flight:, stats:}`: `beat`
    /// is how many seconds ago the process was last alive, `nil` where there is none; `unserved` for how many some have waited and none was
    /// taken; `unheard` for how many its Ruby has done nothing about a request that got a 504.
    pub(crate) fn read(ruby: &Ruby, this: &Scoreboard, index: usize) -> Result<RHash, Error> {
        let read = this.slot(ruby, index)?.read();
        let (hash, stats) = (ruby.hash_new(), ruby.hash_new());
        let is_taken = read.state != State::Free;
        let state = match read.state {
            State::Free => "free",
            State::Starting => "starting",
            State::Ready => "ready",
            State::Draining => "draining",
        };
        for (name, number) in read.counts {
            stats.aset(ruby.to_symbol(name), number)?;
        }
        let key = |name| ruby.to_symbol(name);
        hash.aset(key("pid"), is_taken.then_some(read.pid))?;
        hash.aset(key("beat"), is_taken.then(|| now().saturating_sub(read.beat) as f64 / 1000.0))?;
        hash.aset(key("state"), key(state))?;
        hash.aset(key("connections"), read.connections)?;
        hash.aset(key("waiting"), read.waiting)?;
        hash.aset(key("running"), read.running)?;
        hash.aset(key("unserved"), read.vitals.unserved as f64 / 1000.0)?;
        hash.aset(key("unheard"), read.vitals.unheard as f64 / 1000.0)?;
        hash.aset(key("requests"), read.requests)?;
        hash.aset(key("in_flight"), read.in_flight)?;
        hash.aset(key("stats"), stats)?;
        Ok(hash)
    }

    /// `introduce(index, number, mode, ruby) -> nil`: says what this process, which is in that place, is.
    pub(crate) fn introduce(
        ruby: &Ruby,
        this: &Scoreboard,
        index: usize,
        number: u32,
        mode: String,
        version: String,
    ) -> Result<(), Error> {
        this.slot(ruby, index)?.introduce(number, &About { mode, ruby: version });
        Ok(())
    }

    /// `sample(index, numbers) -> nil`: what this process's Ruby tells of itself, by the names of [`Scoreboard::sampled`].
    pub(crate) fn sample(ruby: &Ruby, this: &Scoreboard, index: usize, numbers: Vec<u64>) -> Result<(), Error> {
        this.slot(ruby, index)?.sample(&numbers);
        Ok(())
    }

    /// `Scoreboard.sampled -> [Symbol]`: what it is to tell, in that order.
    pub(crate) fn sampled(ruby: &Ruby) -> RArray {
        ruby.ary_from_iter(RUBY.iter().map(|name| ruby.to_symbol(name)))
    }

    /// `question(index) -> [number, what] or nil`: what was asked of this process's Ruby: `"backtraces"`, `"collect"`.
    pub(crate) fn question(ruby: &Ruby, this: &Scoreboard, index: usize) -> Result<Option<(u64, &'static str)>, Error> {
        let question = this.slot(ruby, index)?.question();
        Ok(question.map(|(number, question)| (number, question_name(question))))
    }

    /// `answer(index, number, text) -> nil`: answers that.
    pub(crate) fn answer(ruby: &Ruby, this: &Scoreboard, index: usize, number: u64, text: String) -> Result<(), Error> {
        this.slot(ruby, index)?.answer(number, &text);
        Ok(())
    }

    /// `log_as_configured -> nil`: processes that are started from here on log what they are configured to, whatever was asked for.
    pub(crate) fn log_as_configured(&self) {
        self.shared.slots().iter().for_each(|slot| slot.set_log_level(0));
    }

    /// All processes, seen from the place that this one has taken.
    pub(crate) fn siblings(&self, ruby: &Ruby, own: usize) -> Result<Siblings, Error> {
        let slot = self.slot(ruby, own)?;
        if slot.read().pid != std::process::id() {
            return Err(exception::misuse(ruby, "an engine's place on the scoreboard has to be taken first"));
        }
        Siblings::new(self.shared.slots(), own).ok_or_else(|| exception::misuse(ruby, "there is no such place"))
    }

    fn slot(&self, ruby: &Ruby, index: usize) -> Result<&'static Slot, Error> {
        let places = self.places();
        let missing = || exception::argument_error(ruby, &format!("place {index}: there are {places}, from 0"));
        self.shared.slots().get(index).ok_or_else(missing)
    }
}

fn question_name(question: Question) -> &'static str {
    match question {
        Question::Backtraces => "backtraces",
        Question::Collect => "collect",
    }
}
