//! `Kino::Native::Control`: the control socket, as Ruby sees it; and what a process's Ruby is asked through it.

use std::sync::Arc;
use std::time::Duration;

use kino_core::control::{Control, Settings};
use magnus::typed_data::Obj;
use magnus::{Error, Ruby};

use crate::engine_handle::EngineHandle;
use crate::exception;
use crate::ffi::process::generation;
use crate::ffi::{gvl, inherited};
use crate::scoreboard::Scoreboard;

/// The control socket of a server. In a child of fork it is the parent's, and left alone.
#[magnus::wrap(class = "Kino::Native::Control", free_immediately)]
pub(crate) struct ControlHandle {
    control: Arc<Control>,
    made_in: u32,
}

impl Drop for ControlHandle {
    fn drop(&mut self) {
        if self.made_in != generation() {
            std::mem::forget(self.control.clone());
        }
    }
}

impl ControlHandle {
    /// `Control.of(uri, token, scoreboard, bell, has_processes) -> Control`: `token` may be nil, as may `bell`, the number of a pipe's
    /// descriptor, by which who is to do what was asked for is woken; it stays Ruby's.
    pub(crate) fn of(
        ruby: &Ruby,
        uri: String,
        token: Option<String>,
        board: Obj<Scoreboard>,
        bell: Option<i32>,
        has_processes: bool,
    ) -> Result<ControlHandle, Error> {
        let bell = bell.map(inherited::duplicate).transpose();
        let bell = bell.map_err(|error| exception::system_error(ruby, &error, "control"))?;
        let control = Arc::new(Control::new(board.slots(), Settings { uri, token, bell, has_processes }));
        board.tell_of_the_gone(&control);
        Ok(ControlHandle { control, made_in: generation() })
    }

    /// `start(waits) -> nil`: listens and serves; with `waits` once a server that still listens there doesn't any more.
    pub(crate) fn start(ruby: &Ruby, this: &ControlHandle, waits: bool) -> Result<(), Error> {
        let started = gvl::without(|| this.control.start(waits), || ());
        gvl::check_interrupts()?;
        started.unwrap_or(Ok(())).map_err(|error| exception::bind_error(ruby, format!("control: {error}")))
    }

    /// `uris -> [String]`: where it listens, with the ports that were really bound.
    pub(crate) fn uris(&self) -> Vec<String> {
        self.control.uris()
    }

    /// `asked -> [what, action or nil, who] or nil`: the next thing that was asked to be done.
    pub(crate) fn asked(&self) -> Option<(String, Option<&'static str>, String)> {
        self.control.asked().map(|asked| (asked.what, asked.action.map(|action| action.name()), asked.who))
    }

    /// `stopping -> nil`: the server has begun to stop, and does nothing else that is asked for.
    pub(crate) fn stopping(&self) {
        self.control.stopping();
    }

    /// `close -> nil`: serves no more.
    pub(crate) fn close(&self) {
        if self.made_in == generation() {
            gvl::without(|| self.control.close(), || ());
        }
    }

    /// `abandon -> nil`: closes what a child of fork has of it.
    pub(crate) fn abandon(&self) {
        if self.made_in != generation() {
            self.control.descriptors().into_iter().for_each(inherited::close);
        }
    }
}

/// `await_question(seconds) -> nil`: waits until something may have been asked of this process's Ruby.
pub(crate) fn await_question(ruby: &Ruby, this: &EngineHandle, seconds: f64) -> Result<(), Error> {
    let Some(engine) = this.engine() else { return Ok(()) };
    let limit = Duration::try_from_secs_f64(seconds);
    let limit = limit.map_err(|error| exception::argument_error(ruby, &format!("await_question: {error}")))?;
    let context = engine.server().context();
    gvl::without(|| context.await_question(limit), || context.call_questions());
    gvl::check_interrupts()
}
