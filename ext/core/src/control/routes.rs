//! Which page is where, and who may have it.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::actions::{Action, Asked, Queue};
use super::board::Board;
use super::message::{Answer, Request};
use super::{health, metrics, page, requests, stats};
use crate::log::LEVELS;
use crate::scoreboard::Question;

/// What a control socket is made by.
#[derive(Debug, Default)]
pub struct Settings {
    /// Its address, as [`Listener::bind_each`] takes it.
    pub uri: String,
    /// What a client has to know: for all but health checks where TCP is not only the machine's own, and for what it asks to be
    /// done over any TCP.
    pub token: Option<String>,
    /// Whom it wakes that something was asked to be done: a pipe. None where nobody would do it.
    pub bell: Option<OwnedFd>,
    /// Several processes serve.
    pub has_processes: bool,
}

/// What answers requests.
#[derive(Debug)]
pub(super) struct Routes {
    pub(super) board: Board,
    pub(super) asked: Queue,
    token: Option<String>,
    has_processes: bool,
    /// Its address is a name of Linux's without a file.
    is_abstract: bool,
    /// Nothing else is done any more.
    pub(super) is_stopping: AtomicBool,
}

/// How long it takes to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// All is there.
    None,
    /// A moment.
    Little,
    /// As long as processes, or their Ruby, take to answer.
    Long,
}

const PAGES: &str = "/, /live, /ready, /stats, /requests and /metrics; POST /restart, /restart/full, /stop, /reload, /processes/+1, \
                     /processes/-1, /gc and /log-level/debug";

impl Routes {
    pub(super) fn new(board: Board, settings: Settings) -> Routes {
        let Settings { uri, token, bell, has_processes } = settings;
        Routes {
            board,
            asked: Queue::new(bell),
            token,
            has_processes,
            is_abstract: uri.starts_with("unix://@"),
            is_stopping: AtomicBool::new(false),
        }
    }

    pub(super) fn work(&self, request: &Request) -> Work {
        match request.path.as_str() {
            "/" | "/live" | "/ready" => Work::None,
            "/requests" | "/gc" => Work::Long,
            _ => Work::Little,
        }
    }

    pub(super) fn answer(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            "/" => return of_get(request, page::page),
            "/live" => return of_get(request, health::live),
            "/ready" => return of_get(request, || health::ready(&self.board.read())),
            _ => {}
        }
        if let Some(refusal) = self.refusal(request) {
            return refusal;
        }
        match request.path.as_str() {
            "/stats" => of_get(request, || stats::page(&self.board.read(), self.uptime())),
            "/requests" => of_get(request, || requests::page(&self.board, request)),
            "/metrics" => of_get(request, || metrics::page(&self.board.read(), self.uptime())),
            "/gc" => of_post(request).unwrap_or_else(|| self.collect(request)),
            path if path.starts_with("/log-level/") => {
                of_post(request).unwrap_or_else(|| self.set_log_level(request, &path["/log-level/".len()..]))
            }
            path => match Action::at(path) {
                Some(action) => of_post(request).unwrap_or_else(|| self.act(request, action)),
                None => Answer::text(404, format!("there is no {path:?}; there are {PAGES}\n")),
            },
        }
    }

    /// In milliseconds.
    fn uptime(&self) -> u64 {
        self.board.started.elapsed().as_millis() as u64
    }

    /// Who may not have it. Health checks are for anybody, and so is a page that says nothing by itself.
    fn refusal(&self, request: &Request) -> Option<Answer> {
        if request.origin.is_unix {
            // A socket's file says who may connect, and a name without a file says nothing.
            let is_own = |user| user == 0 || user == rustix::process::geteuid().as_raw();
            let is_refused = self.is_abstract && !request.origin.user.is_some_and(is_own);
            if is_refused {
                return Some(Answer::text(403, "this is for the server's own user alone\n"));
            }
            // ssh -L gives it a port, which every page that a browser there shows may ask. A name of one label is nobody's domain.
            let is_of_domain = |host: &str| host.contains('.') && !is_plain_host(host);
            let is_foreign = request.is_of_other_page || request.host.as_deref().is_some_and(is_of_domain);
            return is_foreign
                .then(|| Answer::text(403, "pages of other sites may not ask; ask at http://localhost\n"));
        }
        let is_known =
            self.token.as_ref().zip(request.token.as_ref()).is_some_and(|(token, given)| is_same(token, given));
        let is_change = request.method == "POST";
        if (request.origin.is_public || is_change) && !is_known {
            return Some(if self.token.is_some() {
                Answer::is_asking_for_token()
            } else {
                Answer::text(403, "over TCP this needs a token; write control_token \"/etc/kino.token\" in kino.rb\n")
            });
        }
        // A page from elsewhere that a browser of this machine shows may give this address a name of its own.
        if !is_known && (request.is_of_other_page || !request.host.as_deref().is_none_or(is_plain_host)) {
            return Some(Answer::text(403, "ask by the address itself, such as http://127.0.0.1\n"));
        }
        None
    }

    fn act(&self, request: &Request, action: Action) -> Answer {
        if action.is_of_processes() && !self.has_processes {
            let cure = match action {
                Action::Reload => {
                    "with one process settings are not read again; POST /restart starts another in its place\n"
                }
                _ => "with one process there is none to add or take away; write processes 2 in kino.rb, and restart\n",
            };
            return Answer::text(409, cure);
        }
        self.tell(request, action)
    }

    /// Has each process collect garbage, and says which have.
    fn collect(&self, request: &Request) -> Answer {
        self.log(request);
        let told = self.board.ask(Question::Collect);
        let silent = told.iter().filter(|(_, answer)| answer.is_none()).count();
        match silent {
            0 if told.is_empty() => {
                Answer::text(503, "no process serves yet, so nothing was collected; ask again once /ready says ready\n")
            }
            0 => Answer::text(200, format!("garbage was collected in {} of {} processes\n", told.len(), told.len())),
            _ => Answer::text(
                503,
                format!(
                    "{silent} of {} processes have not answered within 1 s; they collect as soon as they can\n",
                    told.len()
                ),
            ),
        }
    }

    fn set_log_level(&self, request: &Request, level: &str) -> Answer {
        let Some(place) = LEVELS.iter().position(|known| *known == level) else {
            let allowed = LEVELS.join(", ");
            let text = format!("log-level: given {level:?}, allowed: {allowed}; POST /log-level/debug\n");
            return Answer::text(400, text);
        };
        self.log(request);
        self.board.set_log_level(place as u32 + 1);
        Answer::text(200, format!("the native part of all processes logs {level} from now on\n"))
    }

    /// Has it logged who has asked.
    fn log(&self, request: &Request) {
        let what = request.path.trim_start_matches('/').to_owned();
        self.asked.put(Asked { what, action: None, who: request.origin.who.clone() });
        self.asked.ring();
    }

    /// Has it logged, and done where it is for Ruby to do.
    fn tell(&self, request: &Request, action: Action) -> Answer {
        if !self.asked.is_heard() {
            return Answer::text(
                409,
                "no command runs this server, so nobody would do that: a program has it embedded\n",
            );
        }
        if self.is_stopping.load(Relaxed) && action != Action::Stop {
            return Answer::text(409, "the server stops, and does nothing else any more\n");
        }
        let what = request.path.trim_start_matches('/').to_owned();
        let asked = Asked { what: what.clone(), action: Some(action), who: request.origin.who.clone() };
        // Before Ruby hears of it, and so that nothing is put behind it.
        let is_stop = action == Action::Stop;
        let was_stopping = is_stop && self.is_stopping.swap(true, Relaxed);
        if self.asked.put(asked) {
            if is_stop {
                self.board.leave();
            }
            Answer::text(202, format!("asked for {what}; the log says how that goes\n"))
        } else {
            if is_stop {
                self.is_stopping.store(was_stopping, Relaxed);
            }
            Answer::text(503, "what was asked for before has not been heard yet\n")
        }
    }
}

/// The answer where what changes something isn't sent as such.
fn of_post(request: &Request) -> Option<Answer> {
    let refusal = || Answer { allow: Some("POST"), ..Answer::text(405, "this is to be sent as POST\n") };
    (request.method != "POST").then(refusal)
}

/// The answer to a request that changes nothing.
fn of_get(request: &Request, answer: impl FnOnce() -> Answer) -> Answer {
    match request.method.as_str() {
        "GET" | "HEAD" => answer(),
        _ => Answer { allow: Some("GET, HEAD"), ..Answer::text(405, "this is to be asked for by GET\n") },
    }
}

/// Takes as long for what is nearly right as for what is not at all.
fn is_same(token: &str, given: &str) -> bool {
    let difference = token.bytes().zip(given.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    token.len() == given.len() && difference == 0
}

/// An address, or the name that every machine has for itself.
fn is_plain_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_addresses_from_names() {
        for host in ["127.0.0.1:9293", "127.0.0.1", "[::1]:9293", "[::1]", "localhost:80", "localhost"] {
            assert!(is_plain_host(host), "{host}");
        }
        for host in ["example.com", "example.com:9293", "localhost.example.com", "", "127.0.0.1.example.com:1"] {
            assert!(!is_plain_host(host), "{host}");
        }
    }

    #[test]
    fn a_token_is_that_and_no_other() {
        assert!(is_same("secret", "secret"));
        for given in ["", "secre", "secret!", "Secret", "secreT"] {
            assert!(!is_same("secret", given), "{given}");
        }
    }
}
