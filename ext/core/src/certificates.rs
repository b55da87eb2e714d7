//! A thread that looks after certificates where TLS is served: once a second whether a file has changed, and now and then how long
//! they still hold. It needs neither Ruby nor whoever polls.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::dispatch::interrupt::Interrupt;
use crate::dispatch::lead::Dispatch;
use crate::net::context::Context;
use crate::tls::given::SetupError;
use crate::tls::port::{Certificate, Port};

/// Between two looks at the files.
const PAUSE: Duration = Duration::from_secs(1);
/// So long before a certificate's end it is told of, and then each day.
const WARNED: u64 = 14 * DAY;
const DAY: u64 = 86_400;

/// Starts the thread, where there is TLS. It ends with the engine.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn start(dispatch: &Arc<Dispatch>) -> io::Result<Option<JoinHandle<()>>> {
    let ports = dispatch.context().ports().to_vec();
    if ports.is_empty() {
        return Ok(None);
    }
    let mut keeper = Keeper { ports, told: None };
    keeper.begin(dispatch.context());
    let dispatch = dispatch.clone();
    let run = move || {
        let interrupt = Interrupt::new(dispatch.context().clone());
        while !dispatch.wait_until_over(&interrupt, Some(PAUSE)) {
            keeper.look(dispatch.context());
        }
    };
    thread::Builder::new().name("kino certificates".to_owned()).spawn(run).map(Some)
}

struct Keeper {
    ports: Vec<Arc<Port>>,
    /// On which day ends were looked at last.
    told: Option<u64>,
}

impl Keeper {
    /// What there is to be said of what was read at the start.
    fn begin(&mut self, context: &Context) {
        for port in &self.ports {
            if let Some(error) = port.take_fault() {
                tell_failure(context, &error);
            }
            if let Some(needless) = port.needless() {
                tracing::warn!("{needless}");
            }
        }
        self.look_at_ends(context, now());
    }

    fn look(&mut self, context: &Context) {
        let is_asked = context.is_reload_asked();
        for port in &self.ports {
            match port.look(is_asked) {
                None => {}
                Some(Ok(())) => {
                    for certificate in port.certificates() {
                        tracing::info!("{} was read again: {}", certificate.label, about(&certificate));
                    }
                    self.told = None;
                }
                Some(Err(error)) => {
                    tell_failure(context, &error);
                }
            }
        }
        self.look_at_ends(context, now());
    }

    fn look_at_ends(&mut self, context: &Context, now: u64) {
        if self.told == Some(now / DAY) {
            return;
        }
        self.told = Some(now / DAY);
        let all = self.ports.iter().flat_map(|port| port.certificates());
        let mut known: Vec<_> = all.filter_map(|one| Some((one.expires?, one))).collect();
        known.sort_by(|(one, a), (other, b)| (one, &a.label).cmp(&(other, &b.label)));
        known.dedup();
        context.tell_expiry(known.first().map_or(0, |(expires, _)| *expires));
        for (expires, certificate) in known {
            if let Some(begins) = certificate.begins.filter(|&begins| begins > now) {
                let hours = (begins - now).div_ceil(3600);
                tracing::warn!(
                    "{} does not hold yet, but from {hours} h on: until then clients refuse it ({})",
                    certificate.label,
                    about(&certificate)
                );
            }
            if expires <= now {
                tracing::error!("{} no longer holds: clients refuse it ({})", certificate.label, about(&certificate));
            } else if expires - now < WARNED {
                let days = (expires - now) / DAY;
                tracing::warn!("{} holds for {days} more days: renew it ({})", certificate.label, about(&certificate));
            }
        }
    }
}

fn tell_failure(context: &Context, error: &SetupError) {
    context.stats.tls_reload_failures.add();
    tracing::error!("what TLS is served with can't be read again, so what was is served on: {error}");
}

/// Whose it is.
fn about(certificate: &Certificate) -> String {
    if certificate.names.is_empty() { "it names no host".to_owned() } else { certificate.names.join(", ") }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
