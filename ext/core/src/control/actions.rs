//! What may be asked to be done. It is for Ruby to do, on its main thread, as what a signal asks for is: here it is put down with who
//! has asked, and that thread woken.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Mutex;

use super::locks::lock;

/// The byte that wakes that thread: no signal's number.
const BELL: u8 = 140;
/// What may wait to be heard.
const MOST: usize = 64;

/// What may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The app booted anew, process by process; with one process, another server in this one's place.
    Restart,
    /// Another server in this one's place.
    RestartFull,
    /// An end in order.
    Stop,
    /// Settings read again.
    Reload,
    /// One process more.
    More,
    /// One less.
    Fewer,
}

impl Action {
    /// By the path that it is asked for at.
    pub(super) fn at(path: &str) -> Option<Action> {
        Some(match path {
            "/restart" => Action::Restart,
            "/restart/full" => Action::RestartFull,
            "/stop" => Action::Stop,
            "/reload" => Action::Reload,
            "/processes/+1" => Action::More,
            "/processes/-1" => Action::Fewer,
            _ => return None,
        })
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Action::Restart => "restart",
            Action::RestartFull => "restart_full",
            Action::Stop => "stop",
            Action::Reload => "reload",
            Action::More => "processes_more",
            Action::Fewer => "processes_fewer",
        }
    }

    /// Whether there have to be several processes.
    pub(super) fn is_of_processes(self) -> bool {
        matches!(self, Action::Reload | Action::More | Action::Fewer)
    }
}

/// Something that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What, as the path says it: `restart/full`, `gc`.
    pub what: String,
    /// What is to be done, where that is not done already.
    pub action: Option<Action>,
    /// By whom.
    pub who: String,
}

/// What was asked for and not heard yet.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<VecDeque<Asked>>,
    bell: Option<OwnedFd>,
}

impl Queue {
    pub(super) fn new(bell: Option<OwnedFd>) -> Queue {
        Queue { waiting: Mutex::default(), bell }
    }

    /// Whether anybody would hear.
    pub(super) fn is_heard(&self) -> bool {
        self.bell.is_some()
    }

    /// Puts it down, to be heard after [`ring`](Self::ring); false when there is no room, since nobody has heard for long.
    pub(super) fn put(&self, asked: Asked) -> bool {
        if !self.is_heard() {
            return false;
        }
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= MOST {
            return false;
        }
        waiting.push_back(asked);
        true
    }

    /// Wakes who is to hear, if there is anything.
    pub(super) fn ring(&self) {
        if let Some(bell) = self.bell.as_ref().filter(|_| !lock(&self.waiting).is_empty()) {
            // A full pipe has a byte that wakes as well.
            let _ = rustix::io::write(bell, &[BELL]);
        }
    }

    pub(super) fn take(&self) -> Option<Asked> {
        lock(&self.waiting).pop_front()
    }
}
