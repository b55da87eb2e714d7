//! `Kino::Native::Engine`: an engine, as Ruby sees it.

use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kino_core::access_log::{AccessLog, Filter, Format, Target};
use kino_core::budget::open_files;
use kino_core::config::{Config, Floods, Limits, Streaming};
use kino_core::dispatch::serving::AtWork;
use kino_core::net::account::Observer;
use kino_core::net::listener::Listener;
use kino_core::net::overdue::Overdue;
use kino_core::net::trusted::Trusted;
use kino_core::notify::Reporting;
use kino_core::siblings::Siblings;
use kino_core::summons::Delays;
use kino_core::tally::Counting;
use kino_core::tls::port::Otherwise;
use magnus::typed_data::Obj;
use magnus::value::ReprValue;
use magnus::{Error, RArray, RHash, Ruby, Symbol, TryConvert, Value};
use parking_lot::Mutex;

use crate::ends::End;
use crate::engine::Engine;
use crate::ffi::{accept_queue, allocator, forked, gvl, inherited, signals};
use crate::gvl_group_handle::PAUSE;
use crate::listeners::{self, Listeners};
use crate::notify_socket::NotifySocket;
use crate::scoreboard::Scoreboard;
use crate::tls::tls_of;
use crate::{exception, input, log};

/// How long a stop waits for the engine's threads: one may be held by a disk, and ends with the process.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// An engine, as Ruby sees it.
#[magnus::wrap(class = "Kino::Native::Engine", free_immediately)]
pub(crate) struct EngineHandle {
    uris: Vec<String>,
    port: Option<u16>,
    config: Config,
    /// Those of the listeners that it has duplicates of.
    originals: Vec<i32>,
    stage: Mutex<Stage>,
    /// What was told last of requests that are late.
    overdue: Mutex<Vec<Overdue>>,
}

/// ```text
///   Bound --start--> Running
/// ```
enum Stage {
    Bound(Vec<Listener>),
    Running(Engine),
}

impl EngineHandle {
    /// `Engine.bind(uris, settings) -> Engine`: listens, and starts nothing yet.
    pub(crate) fn bind(ruby: &Ruby, uris: RArray, settings: RHash) -> Result<EngineHandle, Error> {
        let config = config_of(ruby, settings)?;
        let tls = tls_of(ruby, settings)?;
        let listeners = listeners::secure(ruby, listeners::bind(ruby, uris)?, &tls, Otherwise::Fails)?;
        Ok(EngineHandle::of(listeners, config))
    }

    /// `Engine.on(listeners, settings) -> Engine`: the same with sockets that listen already, which stay open when it ends.
    /// Where the settings say that it `goes_on`, TLS is served with what others have served last if what there is now is none.
    pub(crate) fn on(ruby: &Ruby, listeners: &Listeners, settings: RHash) -> Result<EngineHandle, Error> {
        let config = config_of(ruby, settings)?;
        let tls = tls_of(ruby, settings)?;
        let goes_on = Settings { ruby, hash: settings }.given("goes_on")?.unwrap_or(false);
        let otherwise = if goes_on { Otherwise::GoesOn } else { Otherwise::Fails };
        let secured = listeners::secure(ruby, listeners.duplicates(ruby)?, &tls, otherwise)?;
        let handle = EngineHandle::of(secured, config);
        Ok(EngineHandle { originals: listeners.descriptors(), ..handle })
    }

    fn of(listeners: Vec<Listener>, config: Config) -> EngineHandle {
        EngineHandle {
            uris: listeners.iter().map(Listener::uri).collect(),
            port: listeners.iter().find_map(Listener::port),
            config,
            originals: Vec::new(),
            stage: Mutex::new(Stage::Bound(listeners)),
            overdue: Mutex::default(),
        }
    }

    /// `start -> nil`: starts the engine. Its own thread exists from here on.
    pub(crate) fn start(ruby: &Ruby, this: &EngineHandle) -> Result<(), Error> {
        input::prepare(ruby)?;
        log::start();
        match this.launch() {
            None => Err(exception::misuse(ruby, "the engine has been started before")),
            Some(Err(error)) => Err(exception::bind_error(ruby, format!("the engine can't be started: {error}"))),
            Some(Ok(())) => Ok(()),
        }
    }

    /// `number -> Integer or nil`: what [`crate::gvl_group_handle::GvlGroupHandle`] finds the running engine by.
    pub(crate) fn number(&self) -> Option<u64> {
        self.engine().map(|engine| engine.number)
    }

    /// `in_flight -> [[worker, gvl_group, seconds, "GET /path", whether its client is waited for]]`: what is being served, and for
    /// how long.
    pub(crate) fn in_flight(&self) -> Vec<(u64, usize, f64, String, bool)> {
        let all = self.engine().map(|engine| engine.in_flight()).unwrap_or_default();
        let tell = |one: AtWork| (one.worker, one.gvl_group, one.time.as_secs_f64(), one.request, one.waits_for_client);
        all.into_iter().map(tell).collect()
    }

    /// `overdue -> [[worker, "GET /path", key]]`: what was answered in its worker's place since this was asked last. The keys
    /// are no other requests' until it is asked again.
    pub(crate) fn overdue(&self) -> Vec<(u64, String, usize)> {
        let all = self.engine().map(|engine| engine.server().context().take_overdue()).unwrap_or_default();
        let told = all.iter().map(|one| (one.worker, one.request.clone(), one.key())).collect();
        *self.overdue.lock() = all;
        told
    }

    /// `wait(seconds) -> true or false`: for the supervisor: waits until the engine is over; false when somebody has called
    /// ([`EngineHandle::call`], or a ractor that tells its end) or the time is over (`nil`: no limit).
    pub(crate) fn wait(ruby: &Ruby, this: &EngineHandle, seconds: Option<f64>) -> Result<bool, Error> {
        let Some(engine) = this.engine() else { return Ok(true) };
        let limit = seconds.map(|seconds| seconds_of(ruby, "wait", seconds)).transpose()?;
        let (dispatch, interrupt) = (engine.server().dispatch(), engine.supervisor());
        let is_over = gvl::without(|| dispatch.wait_until_over(interrupt, limit), || interrupt.raise());
        gvl::check_interrupts()?;
        Ok(is_over.unwrap_or(false))
    }

    /// `pause -> nil`: the same for a moment at most, once the engine is over.
    pub(crate) fn pause(&self) -> Result<(), Error> {
        if let Some(engine) = self.engine() {
            let interrupt = engine.supervisor();
            gvl::without(|| interrupt.wait(PAUSE), || interrupt.raise());
        }
        gvl::check_interrupts()
    }

    /// `call -> nil`: ends a [`EngineHandle::wait`] or a [`EngineHandle::pause`], this one or the next.
    pub(crate) fn call(&self) {
        if let Some(engine) = self.engine() {
            engine.supervisor().raise();
        }
    }

    /// `end_of(gvl_group) -> [kind, report] or nil`: how a GVL group's worker has ended, if it has told since the last time.
    pub(crate) fn end_of(&self, gvl_group: usize) -> Option<End> {
        self.engine()?.ends().hear(gvl_group)
    }

    /// `died -> nil`: counts a worker that has come to its end too early.
    pub(crate) fn died(&self) {
        if let Some(engine) = self.engine() {
            engine.server().context().stats.died.add();
        }
    }

    /// `quarantine(gvl_group, worker) -> nil`: has a worker, or with `nil` every one of the gvl_group, serve no further request.
    pub(crate) fn quarantine(&self, gvl_group: usize, worker: Option<u64>) {
        if let Some(engine) = self.engine() {
            engine.group(gvl_group).quarantine(worker);
            engine.server().context().stats.stuck.add();
        }
    }

    /// `uris -> [String]`: where it listens, with the ports that were really bound.
    pub(crate) fn uris(&self) -> Vec<String> {
        self.uris.clone()
    }

    /// `port -> Integer or nil`: the first TCP listener's.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// `stats -> {Symbol => Integer}`
    pub(crate) fn stats(ruby: &Ruby, this: &EngineHandle) -> Result<RHash, Error> {
        let hash = ruby.hash_new();
        if let Some(engine) = this.engine() {
            for (name, number) in engine.server().context().counts() {
                hash.aset(ruby.to_symbol(name), number)?;
            }
        }
        Ok(hash)
    }

    /// `reopen_logs -> nil`: has the access log's file opened anew, before the next line.
    pub(crate) fn reopen_logs(&self) {
        if let Some(engine) = self.engine() {
            if let Some(log) = &engine.server().context().config.access_log {
                log.reopen();
            }
        }
    }

    /// `reload_certificates -> nil`: has what TLS is served with read again, within a second or so.
    pub(crate) fn reload_certificates(&self) {
        if let Some(engine) = self.engine() {
            engine.server().context().reload_certificates();
        }
    }

    /// `lame_duck -> nil`: goes on, but every answer ends its connection.
    pub(crate) fn lame_duck(&self) {
        if let Some(engine) = self.engine() {
            engine.server().lame_duck();
        }
    }

    /// `attend([number], drain_delay, shutdown_timeout) -> nil`: has stops that these signals ask for begun, and ended in time, also
    /// while Ruby hears nothing. Whoever has handlers for them has them still.
    pub(crate) fn attend(
        ruby: &Ruby,
        this: &EngineHandle,
        numbers: Vec<i32>,
        drain: f64,
        shutdown: f64,
    ) -> Result<(), Error> {
        let Some(engine) = this.engine() else { return Ok(()) };
        let delays =
            Delays { drain: seconds_of(ruby, "attend", drain)?, shutdown: seconds_of(ruby, "attend", shutdown)? };
        let attended = signals::notice(&numbers).and_then(|bell| engine.server().attend(bell, delays));
        if let Err(error) = attended {
            tracing::warn!(%error, "signals are for Ruby alone to hear");
        }
        Ok(())
    }

    /// `summoned -> Float or nil`: Ruby has heard that a stop is asked for: how many seconds ago a signal did.
    pub(crate) fn summoned(&self) -> Option<f64> {
        self.engine()?.server().hear_summons().map(|age| age.as_secs_f64())
    }

    /// `drain -> nil`: accepts no more; workers go on until all that has begun is answered, and then get `nil`.
    pub(crate) fn drain(&self) {
        let bound = match &mut *self.stage.lock() {
            Stage::Bound(listeners) => std::mem::take(listeners),
            Stage::Running(_) => Vec::new(),
        };
        if !bound.is_empty() {
            // Socket files are removed.
            gvl::without(move || drop(bound), || ());
        }
        if let Some(engine) = self.engine() {
            engine.server().drain();
        }
    }

    /// `stop -> nil`: ends everything now, and waits a moment for the engine's threads.
    pub(crate) fn stop(_: &Ruby, this: &EngineHandle) -> Result<(), Error> {
        this.drain();
        let Some(engine) = this.engine() else { return Ok(()) };
        let server = engine.server();
        server.end();
        let interrupt = server.interrupt();
        while gvl::without(|| server.join(&interrupt, LAST_MOMENT), || interrupt.raise()) != Some(true) {
            gvl::check_interrupts()?;
        }
        Ok(())
    }

    /// `None` when that has been done before. Apart, so that the lock is held while no Ruby runs.
    fn launch(&self) -> Option<io::Result<()>> {
        let mut stage = self.stage.lock();
        let Stage::Bound(listeners) = &mut *stage else { return None };
        forked::keep_from_children(listeners.iter().map(Listener::descriptor).chain(self.originals.iter().copied()));
        let engine = Engine::start(std::mem::take(listeners), self.config.clone());
        Some(engine.map(|engine| *stage = Stage::Running(engine)))
    }

    /// The engine, while it runs and is this process's.
    pub(crate) fn engine(&self) -> Option<Engine> {
        match &*self.stage.lock() {
            Stage::Running(engine) if engine.is_ours() => Some(engine.clone()),
            Stage::Running(_) | Stage::Bound(_) => None,
        }
    }
}

/// The settings that are the engine's, by the names that users know.
fn config_of(ruby: &Ruby, settings: RHash) -> Result<Config, Error> {
    let settings = Settings { ruby, hash: settings };
    let threads = settings.get::<usize>("workers")? * settings.get::<usize>("threads")?;
    let siblings = settings.siblings()?;
    Ok(Config {
        limits: Limits {
            head: settings.get("max_header_size")?,
            fields: settings.get("max_headers")?,
            target: settings.get("max_uri_size")?,
            body: settings.get::<Option<u64>>("max_body_size")?.unwrap_or(u64::MAX),
            body_buffer: settings.get("body_buffer")?,
            spool_dir: PathBuf::from(settings.get::<String>("spool_dir")?),
        },
        streaming: settings.streaming()?,
        // The other half is left to clients that take no time.
        max_streamed: threads / 2,
        underscore_headers: settings.get("underscore_headers")?,
        trusted_proxies: settings.trusted()?,
        max_connections: settings.get("max_connections")?,
        queue_depth: settings.get("queue_depth")?,
        queue_timeout: settings.seconds("queue_timeout")?,
        request_timeout: settings.seconds_or_none("request_timeout")?,
        header_timeout: settings.seconds("header_timeout")?,
        handshake_timeout: settings.seconds("handshake_timeout")?,
        body_timeout: settings.seconds("body_timeout")?,
        body_min_rate: settings.get("body_min_rate")?,
        keepalive_timeout: settings.seconds("keepalive_timeout")?,
        max_keepalive_requests: settings.get("max_keepalive_requests")?,
        http2: settings.given("http2")?.unwrap_or_default(),
        http2_max_streams: settings.given("http2_max_streams")?.unwrap_or(Config::default().http2_max_streams),
        floods: settings.floods()?,
        write_timeout: settings.seconds("write_timeout")?,
        write_min_rate: settings.get("write_min_rate")?,
        spool_limit: settings.get("spool_limit")?,
        // A tenth is left to the app, its database and its files.
        descriptors: (open_files() / 10 * 9).max(settings.get("max_connections")?),
        workers: threads,
        health_path: settings.given::<String>("health_path")?.map(String::into_bytes),
        ready_timeout: settings
            .given::<f64>("ready_timeout")?
            .map_or(Ok(Config::default().ready_timeout), |it| settings.duration("ready_timeout", it))?,
        siblings,
        accept_queue: accept_queue::of,
        waits_for_workers: settings.given("others_serve")?.unwrap_or(false),
        give_back_memory: allocator::GIVE_BACK,
        observers: settings.counting(siblings).into_iter().collect(),
        parent: settings.parent()?,
        shutdown_timeout: settings
            .given::<f64>("shutdown_timeout")?
            .map_or(Ok(Config::default().shutdown_timeout), |it| settings.duration("shutdown_timeout", it))?,
        reporting: settings.reporting()?,
        request_id: settings.get("request_id")?,
        server_timing: settings.get("server_timing")?,
        access_log: settings.access_log()?.map(Arc::new),
        ..Config::default()
    })
}

struct Settings<'a> {
    ruby: &'a Ruby,
    hash: RHash,
}

impl Settings<'_> {
    fn get<T: TryConvert>(&self, name: &str) -> Result<T, Error> {
        self.hash.fetch::<Symbol, T>(self.ruby.to_symbol(name))
    }

    /// One that need not be there.
    fn given<T: TryConvert>(&self, name: &str) -> Result<Option<T>, Error> {
        self.hash.lookup::<Symbol, Option<T>>(self.ruby.to_symbol(name))
    }

    /// The place on a scoreboard, of a process among several.
    fn siblings(&self) -> Result<Option<Siblings>, Error> {
        match (self.given::<Obj<Scoreboard>>("scoreboard")?, self.given("place")?) {
            (Some(board), Some(place)) => board.siblings(self.ruby, place).map(Some),
            (None, None) => Ok(None),
            _ => Err(exception::argument_error(self.ruby, "write both scoreboard and place, or neither")),
        }
    }

    /// Who counts requests for the control socket, if there is one.
    fn counting(&self, siblings: Option<Siblings>) -> Option<Arc<dyn Observer>> {
        let is_asked_for = self.given::<String>("control").ok().flatten().is_some();
        siblings.filter(|_| is_asked_for).map(|siblings| Arc::new(Counting(siblings.own())) as Arc<dyn Observer>)
    }

    /// The descriptor that tells of the parent's end. It stays Ruby's.
    fn parent(&self) -> Result<Option<Arc<OwnedFd>>, Error> {
        let Some(number) = self.given("parent")? else { return Ok(None) };
        let copy = inherited::duplicate(number);
        copy.map(Arc::new).map(Some).map_err(|error| exception::system_error(self.ruby, &error, "parent"))
    }

    /// The service manager, if one has started this process.
    fn reporting(&self) -> Result<Option<Reporting>, Error> {
        let Some(socket) = self.given::<Obj<NotifySocket>>("notify_socket")? else { return Ok(None) };
        let watchdog = self.given::<f64>("watchdog")?.map(|seconds| self.duration("watchdog", seconds)).transpose()?;
        Ok(Some(Reporting { socket: socket.socket(), watchdog, what: self.get("serving")? }))
    }

    fn floods(&self) -> Result<Floods, Error> {
        let usual = Floods::default();
        Ok(Floods {
            resets: self.given("http2_max_resets")?.unwrap_or(usual.resets),
            continuations: self.given("http2_max_continuations")?.unwrap_or(usual.continuations),
            control_frames: self.given("http2_max_control_frames")?.unwrap_or(usual.control_frames),
            empty_frames: self.given("http2_max_empty_frames")?.unwrap_or(usual.empty_frames),
        })
    }

    /// `true`, `false`, or an Array of the Strings that paths begin with.
    fn streaming(&self) -> Result<Streaming, Error> {
        let setting: Value = self.get("stream_bodies")?;
        match RArray::from_value(setting) {
            Some(prefixes) => {
                Ok(Streaming::Prefixes(prefixes.to_vec::<String>()?.into_iter().map(Into::into).collect()))
            }
            None if setting.to_bool() => Ok(Streaming::All),
            None => Ok(Streaming::Never),
        }
    }

    fn access_log(&self) -> Result<Option<AccessLog>, Error> {
        let Some(target) = self.given::<Value>("access_log")? else { return Ok(None) };
        let target = match Symbol::from_value(target) {
            Some(_) => Target::Stdout,
            None => Target::File(PathBuf::from(String::try_convert(target)?)),
        };
        let wrong =
            |name: &str, error: &dyn Display| exception::configuration_error(self.ruby, format!("{name}: {error}"));
        let format = Format::of(&self.get::<Value>("access_log_format")?.to_string());
        let format = format.map_err(|error| wrong("access_log_format", &error))?;
        let log = AccessLog::open(target, format, self.filter()?, self.trusted()?);
        log.map(Some).map_err(|error| wrong("access_log", &format!("{error}; {}", error.cure())))
    }

    /// `true`, `false`, or an Array of names.
    fn filter(&self) -> Result<Filter, Error> {
        let setting: Value = self.get("filter_query")?;
        match RArray::from_value(setting) {
            Some(names) => Ok(Filter::values(names.to_vec::<String>()?.iter().map(String::as_str))),
            None if setting.to_bool() => Ok(Filter::All),
            None => Ok(Filter::Nothing),
        }
    }

    fn trusted(&self) -> Result<Trusted, Error> {
        let written = self.get::<Vec<String>>("trusted_proxies")?;
        Trusted::of(written.iter().map(String::as_str))
            .map_err(|error| exception::argument_error(self.ruby, &format!("trusted_proxies: {error}")))
    }

    fn seconds(&self, name: &str) -> Result<Duration, Error> {
        self.duration(name, self.get(name)?)
    }

    fn seconds_or_none(&self, name: &str) -> Result<Option<Duration>, Error> {
        self.get::<Option<f64>>(name)?.map(|seconds| self.duration(name, seconds)).transpose()
    }

    fn duration(&self, name: &str, seconds: f64) -> Result<Duration, Error> {
        seconds_of(self.ruby, name, seconds)
    }
}

/// A time that Ruby has given.
///
/// # Errors
/// When it is none.
pub(crate) fn seconds_of(ruby: &Ruby, name: &str, seconds: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(seconds).map_err(|error| exception::argument_error(ruby, &format!("{name}: {error}")))
}
