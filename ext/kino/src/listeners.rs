//! `Kino::Native::Listeners`: sockets that listen, apart from any engine. Bound before a fork, each process's engine has duplicates.

use std::io;

use kino_core::error::ListenError;
use kino_core::net::handover::Described;
use kino_core::net::listener::Listener;
use kino_core::tls::given::{Settings, Verify};
use kino_core::tls::port::Otherwise;
use magnus::{Error, RArray, RHash, Ruby};
use parking_lot::Mutex;

use crate::exception;
use crate::ffi::{gvl, inherited};
use crate::tls::tls_of;

/// What is said where clients should be verified, and nothing is there to do it.
const UNVERIFIED: &str = "tls: given verify: :required, and no address begins with ssl://, so that nobody would be verified; write \
                          bind \"ssl://0.0.0.0:443\", or leave verify out";

/// Sockets that listen. The object's own stay open, whatever becomes of engines, until it is closed.
#[magnus::wrap(class = "Kino::Native::Listeners", free_immediately)]
pub(crate) struct Listeners {
    uris: Vec<String>,
    port: Option<u16>,
    all: Mutex<Vec<Listener>>,
}

impl Listeners {
    /// `Listeners.bind(uris) -> Listeners`: listens.
    pub(crate) fn bind(ruby: &Ruby, uris: RArray) -> Result<Listeners, Error> {
        Ok(Listeners::of(bind(ruby, uris)?))
    }

    /// `Listeners.inherit(description, owns_files) -> Listeners`: those of a program that has started this one with them, by what it
    /// says of them ([`Listeners::to_s`]). With `owns_files`, unix sockets' files are this process's to remove.
    pub(crate) fn inherit(ruby: &Ruby, description: String, owns_files: bool) -> Result<Listeners, Error> {
        inherited(ruby, &description, owns_files).map(Listeners::of)
    }

    /// `Listeners.beside(description, uris) -> Listeners`: those that are described, none of whose files is this process's, and the
    /// addresses, which it listens at.
    pub(crate) fn beside(ruby: &Ruby, description: String, uris: RArray) -> Result<Listeners, Error> {
        let mut all = inherited(ruby, &description, false)?;
        all.extend(bind(ruby, uris)?);
        Ok(Listeners::of(all))
    }

    /// `with(uris) -> Listeners`: the same sockets, and others, which it listens at. Files of the same ones stay whose they are.
    pub(crate) fn with(ruby: &Ruby, this: &Listeners, uris: RArray) -> Result<Listeners, Error> {
        let mut all = this.duplicates(ruby)?;
        all.extend(bind(ruby, uris)?);
        Ok(Listeners::of(all))
    }

    /// `uris -> [String]`: where they listen, with the ports that were really bound.
    pub(crate) fn uris(&self) -> Vec<String> {
        self.uris.clone()
    }

    /// `port -> Integer or nil`: the first TCP socket's.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// `descriptors -> [Integer]`: their numbers; none once it is closed.
    pub(crate) fn descriptors(&self) -> Vec<i32> {
        self.all.lock().iter().map(Listener::descriptor).collect()
    }

    /// `handed_on -> [Integer]`: the same with all else that a program needs that is started with them.
    pub(crate) fn handed_on(&self) -> Vec<i32> {
        self.all.lock().iter().flat_map(Listener::descriptors).collect()
    }

    /// `describe -> [String]`: what a program has to know that is started with them, a word for each.
    pub(crate) fn describe(&self) -> Vec<String> {
        self.all.lock().iter().map(Listener::describe).collect()
    }

    /// `to_s -> String`: the same in one line, for [`Listeners::inherit`].
    pub(crate) fn to_s(&self) -> String {
        self.describe().join(" ")
    }

    /// `inheritable(is_inheritable) -> nil`: whether programs that this process starts have them.
    pub(crate) fn inheritable(ruby: &Ruby, this: &Listeners, is_inheritable: bool) -> Result<(), Error> {
        let set = this.all.lock().iter().try_for_each(|listener| listener.set_inheritable(is_inheritable));
        set.map_err(|error| exception::system_error(ruby, &error, "a socket that listens"))
    }

    /// `own_files(is_ours) -> nil`: whether this process removes the files of unix sockets when it closes them.
    pub(crate) fn own_files(&self, is_ours: bool) {
        self.all.lock().iter_mut().for_each(|listener| listener.own_file(is_ours));
    }

    /// `check(settings) -> nil`: whether all that TLS is to be served with can be read, as each engine reads it for itself.
    pub(crate) fn check(ruby: &Ruby, this: &Listeners, settings: RHash) -> Result<(), Error> {
        let tls = tls_of(ruby, settings)?;
        secure(ruby, this.duplicates(ruby)?, &tls, Otherwise::Fails).map(drop)
    }

    /// `close -> nil`: closes them, and removes the files that are this process's.
    pub(crate) fn close(&self) {
        let all = std::mem::take(&mut *self.all.lock());
        if !all.is_empty() {
            gvl::without(move || drop(all), || ());
        }
    }

    /// The same sockets, for an engine to close.
    pub(crate) fn duplicates(&self, ruby: &Ruby) -> Result<Vec<Listener>, Error> {
        let all = self.all.lock();
        if all.is_empty() {
            return Err(exception::misuse(ruby, "the listeners are closed"));
        }
        let copies: io::Result<Vec<_>> = all.iter().map(Listener::duplicate).collect();
        copies.map_err(|error| exception::system_error(ruby, &error, "a socket that listens"))
    }

    fn of(all: Vec<Listener>) -> Listeners {
        Listeners {
            uris: all.iter().map(Listener::uri).collect(),
            port: all.iter().find_map(Listener::port),
            all: Mutex::new(all),
        }
    }
}

/// Takes those over that are described.
///
/// # Errors
/// `Kino::BindError`
fn inherited(ruby: &Ruby, description: &str, owns_files: bool) -> Result<Vec<Listener>, Error> {
    let take = |word: &str| -> Result<Listener, ListenError> {
        let described = Described::parse(word)?;
        let refuse = |error| described.refusal(&error);
        let socket = inherited::take(described.descriptor, |socket| described.check(socket), refuse)?;
        let tickets = described.tickets.map(|number| inherited::take(number, |_| Ok(()), refuse)).transpose()?;
        described.take_over(socket, tickets, owns_files)
    };
    let all: Result<Vec<_>, _> = description.split_whitespace().map(take).collect();
    all.map_err(|error| exception::bind_error(ruby, error.to_string()))
}

/// Reads what TLS is served with, at those where it is.
///
/// # Errors
/// `Kino::ConfigurationError`
pub(crate) fn secure(
    ruby: &Ruby,
    mut listeners: Vec<Listener>,
    tls: &Settings,
    otherwise: Otherwise,
) -> Result<Vec<Listener>, Error> {
    if !listeners.iter().any(Listener::is_tls) {
        // Everybody would be let in, where only some should be.
        if tls.verify == Verify::Required {
            return Err(exception::configuration_error(ruby, UNVERIFIED));
        }
        return Ok(listeners);
    }
    // A command may have to print a password first.
    loop {
        let read = || Listener::secure_each(&mut listeners, tls, otherwise);
        match gvl::without(read, || ()) {
            Some(Ok(())) => return Ok(listeners),
            Some(Err(error)) => return Err(exception::configuration_error(ruby, error.to_string())),
            None => gvl::check_interrupts()?,
        }
    }
}

/// Listens at all of these addresses, or at none.
///
/// # Errors
/// `Kino::BindError`
pub(crate) fn bind(ruby: &Ruby, uris: RArray) -> Result<Vec<Listener>, Error> {
    let uris = uris.to_vec::<String>()?;
    // Names are looked up, and other servers waited for, which nobody can be called out of.
    let bind = || Listener::bind_each(&uris);
    loop {
        match gvl::without(bind, || ()) {
            Some(bound) => return bound.map_err(|error| exception::bind_error(ruby, error.to_string())),
            None => gvl::check_interrupts()?,
        }
    }
}
