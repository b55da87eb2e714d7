//! Sockets that go from one process to a program that it starts: what they are, in words, and how they are taken over.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use socket2::{Domain, SockRef};

use super::listener::Listener;
use crate::error::ListenError;

/// What follows the number of one that neither process has opened, nor removes.
const LENT: &str = "lent";
/// What comes before the number of a file with what TLS's tickets are encrypted with.
const TICKETS: &str = "tickets:";

/// A listening socket of another process's, as it has described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its descriptor's number.
    pub descriptor: RawFd,
    /// That of a file with what tickets are encrypted with, where TLS is spoken.
    pub tickets: Option<RawFd>,
    is_lent: bool,
    uri: String,
    word: String,
}

impl Described {
    /// Of what [`Listener::describe`] has written.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(word: &str) -> Result<Described, ListenError> {
        let found = word.split_once('=').and_then(|(numbers, uri)| {
            let uri = unescape(uri)?;
            Listener::look_at(&uri).ok()?;
            let mut marks = numbers.split(',');
            let descriptor = marks.next()?.parse().ok()?;
            let mut found = Described { descriptor, tickets: None, is_lent: false, uri, word: word.to_owned() };
            for mark in marks {
                match mark.strip_prefix(TICKETS) {
                    Some(number) => found.tickets = Some(number.parse().ok()?),
                    None if mark == LENT => found.is_lent = true,
                    None => return None,
                }
            }
            Some(found)
        });
        found.ok_or_else(|| refused(word, "write NUMBER=URI, NUMBER,lent=URI or NUMBER,tickets:NUMBER=URI"))
    }

    /// What is said when the kernel refuses it.
    pub fn refusal(&self, error: &io::Error) -> ListenError {
        refused(&self.word, &error.to_string())
    }

    /// Whether it is a socket that listens, and of that kind.
    ///
    /// # Errors
    /// It isn't.
    pub fn check(&self, socket: impl AsFd) -> Result<(), ListenError> {
        let refused = |reason: &str| refused(&self.word, reason);
        let is_listening = listens(&socket);
        let domain = SockRef::from(&socket).local_addr().map(|address| address.domain());
        let Ok(domain) = domain else { return Err(refused("it is no socket")) };
        if !is_listening {
            return Err(refused("it is a socket that doesn't listen"));
        }
        let is_same = self.uri.starts_with("unix:") == (domain == Domain::UNIX);
        if is_same { Ok(()) } else { Err(refused("it listens at an address of another kind")) }
    }

    /// Takes the socket over, which has been [checked](Described::check); a unix socket's file, too, if this process is to
    /// remove it at the end; and the file for tickets, where there is one.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn take_over(
        &self,
        socket: OwnedFd,
        tickets: Option<OwnedFd>,
        owns_files: bool,
    ) -> Result<Listener, ListenError> {
        let failed = |error| self.refusal(&error);
        SockRef::from(&socket).set_nonblocking(true).map_err(failed)?;
        let mut listener = Listener::listening(socket, &self.uri, self.is_lent)?;
        if let Some(tickets) = tickets {
            listener.take_over_tickets(tickets.into());
        }
        listener.set_inheritable(false).map_err(failed)?;
        listener.own_file(owns_files);
        Ok(listener)
    }
}

impl Listener {
    /// Its descriptor's number, where it listens and how, in one word, for a program that is started with that descriptor.
    pub fn describe(&self) -> String {
        let query = self.query();
        let mark = if query.is_empty() { "" } else { "?" };
        let lent = if self.is_lent() { format!(",{LENT}") } else { String::new() };
        let tickets = self.tickets().map(|file| format!(",{TICKETS}{}", file.as_raw_fd())).unwrap_or_default();
        format!("{}{lent}{tickets}={}{mark}{}", self.descriptor(), escape(&self.uri()), escape(&query))
    }

    /// Its descriptor's number.
    pub fn descriptor(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }

    /// Those of all that such a program needs.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        [self.descriptor()].into_iter().chain(self.tickets().map(File::as_raw_fd))
    }

    /// Whether programs that this process starts have it, too.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_inheritable(&self, is_inheritable: bool) -> io::Result<()> {
        let all = [Some(self.as_fd()), self.tickets().map(File::as_fd)];
        for one in all.into_iter().flatten() {
            let flags = fcntl_getfd(one)?;
            fcntl_setfd(one, if is_inheritable { flags - FdFlags::CLOEXEC } else { flags | FdFlags::CLOEXEC })?;
        }
        Ok(())
    }
}

/// Whether the kernel says that it listens. Where it can't say so, a stream that has an address and nobody at its other end is
/// taken for one: what it is not, it says at its first accept.
#[cfg(not(target_vendor = "apple"))]
fn listens(socket: impl AsFd) -> bool {
    rustix::net::sockopt::socket_acceptconn(socket).unwrap_or(false)
}

#[cfg(target_vendor = "apple")]
fn listens(socket: impl AsFd) -> bool {
    let socket = SockRef::from(&socket);
    socket.r#type().is_ok_and(|kind| kind == socket2::Type::STREAM) && socket.peer_addr().is_err()
}

fn refused(word: &str, reason: &str) -> ListenError {
    ListenError::Handover { word: word.to_owned(), reason: reason.to_owned() }
}

/// A path may have any character in it, and a word no space.
fn escape(uri: &str) -> String {
    let write = |character: char| match character {
        '%' => "%25".to_owned(),
        character if character.is_ascii_whitespace() => format!("%{:02X}", character as u32),
        character => character.to_string(),
    };
    uri.chars().map(write).collect()
}

fn unescape(word: &str) -> Option<String> {
    let mut parts = word.split('%');
    let mut uri = parts.next()?.to_owned();
    for part in parts {
        let code = u8::from_str_radix(part.get(..2)?, 16).ok()?;
        uri.push(code as char);
        uri.push_str(&part[2..]);
    }
    Some(uri)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// As a program would find it that is started with it.
    fn hand_over(listener: &Listener, owns_files: bool) -> Listener {
        let described = Described::parse(&listener.describe()).unwrap();
        assert_eq!(described.descriptor, listener.descriptor());
        described.check(listener).unwrap();
        let tickets = listener.tickets().map(|file| file.try_clone().unwrap().into());
        described.take_over(listener.as_fd().try_clone_to_owned().unwrap(), tickets, owns_files).unwrap()
    }

    fn reason(word: &str, socket: impl AsFd) -> String {
        Described::parse(word).unwrap().check(socket).unwrap_err().to_string()
    }

    #[test]
    fn a_socket_is_the_same_in_the_next_program() {
        let first = Listener::bind("tcp://127.0.0.1:0?proxy=true&backlog=9").unwrap();
        let second = hand_over(&first, true);
        assert_eq!((second.uri(), second.local()), (first.uri(), first.local()));
        drop(first);
        TcpStream::connect(("127.0.0.1", second.port().unwrap())).unwrap();
    }

    #[test]
    fn what_tls_is_served_with_is_the_same_in_the_next_program() {
        let first = Listener::bind("ssl://127.0.0.1:0?cert=/a%20b.pem&key=/c&backlog=9").unwrap();
        assert!(first.describe().ends_with("?cert=/a%2520b.pem&key=/c"), "{}", first.describe());
        let second = hand_over(&first, true);
        assert_eq!((second.uri(), second.query()), (first.uri(), first.query()));
        assert!(second.is_tls() && second.uri().starts_with("ssl://127.0.0.1:"));
        assert_eq!(second.descriptors().count(), 2);
        assert!(second.has_tickets_of(&first) && !second.has_tickets_of(&Listener::bind("ssl://127.0.0.1:0").unwrap()));
    }

    #[test]
    fn a_unix_sockets_file_is_removed_by_who_owns_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a %20 b.sock");
        let mut first = Listener::bind(&format!("unix://{}", path.display())).unwrap();
        assert!(!first.describe().contains(' '));
        drop(hand_over(&first, false));
        assert!(path.exists());
        let second = hand_over(&first, true);
        first.own_file(false);
        drop(first);
        UnixStream::connect(&path).unwrap();
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn the_file_of_one_that_is_lent_stays_in_every_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lent.sock");
        let opened = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let word = format!("{},lent=unix://{}?proxy=true", opened.as_raw_fd(), path.display());
        let described = Described::parse(&word).unwrap();
        let first = described.take_over(opened.as_fd().try_clone_to_owned().unwrap(), None, true).unwrap();
        assert!(first.is_lent() && first.local().speaks_proxy);
        let second = hand_over(&first, true);
        assert!(second.describe().contains(",lent=unix:///") && second.describe().ends_with("?proxy=true"));
        drop((first, second));
        assert!(path.exists());
    }

    #[test]
    fn what_is_no_listening_socket_of_that_kind_is_refused_by_its_name() {
        let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
        let word = listener.describe();
        let (socket, _other) = UnixStream::pair().unwrap();
        assert_eq!(reason(&word, socket), format!("can't take over {word:?}: it is a socket that doesn't listen"));
        assert!(reason(&word, tempfile::tempfile().unwrap()).ends_with("it is no socket"));
        assert!(reason("7=unix:///a", &listener).ends_with("it listens at an address of another kind"));
        for word in ["", "7", "x=tcp://127.0.0.1:80", "7=ftp://x", "7=unix:///a%2", "7=unix:///%zz"] {
            assert!(Described::parse(word).is_err(), "{word}");
        }
    }

    #[test]
    fn programs_have_it_only_when_they_are_to() {
        let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
        let is_kept = || !fcntl_getfd(&listener).unwrap().contains(FdFlags::CLOEXEC);
        assert!(!is_kept());
        listener.set_inheritable(true).unwrap();
        assert!(is_kept());
        listener.set_inheritable(false).unwrap();
        assert!(!is_kept());
    }
}
