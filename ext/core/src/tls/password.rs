//! A key's password, by a command that prints it.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::given::SetupError;

/// For how long it may run: a start, and a restart, wait for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that it may print, which are more than any password has.
const MOST: usize = 4096;
/// Between two looks at one that has printed all, and goes on.
const PAUSE: Duration = Duration::from_millis(5);

/// Why there is no password.
enum Failure {
    /// What the system says.
    Unrun(io::Error),
    /// It has ended like that.
    Status(ExitStatus),
    Late(Duration),
    Long,
    Nothing,
}

/// What a command prints, without the line's end.
pub(super) fn password(command: &str) -> Result<Vec<u8>, SetupError> {
    password_within(command, PATIENCE)
}

fn password_within(command: &str, patience: Duration) -> Result<Vec<u8>, SetupError> {
    run(command, patience).map_err(|failure| {
        let reason = match failure {
            Failure::Unrun(error) => format!("can't be run: {error}"),
            Failure::Status(status) => format!("has failed ({status})"),
            Failure::Late(patience) => {
                format!("was ended, since it had not done so after {} s", patience.as_secs_f32())
            }
            Failure::Long => format!("was ended, since it printed more than {MOST} bytes"),
            Failure::Nothing => "has printed nothing".to_owned(),
        };
        let cure = "write a command that asks nobody, prints the key's password and ends with status 0";
        SetupError(format!("key_password_command {command:?} {reason}; {cure}"))
    })
}

fn run(command: &str, patience: Duration) -> Result<Vec<u8>, Failure> {
    let until = Instant::now() + patience;
    // It is a group of its own, so that whatever it has started can be ended with it.
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .process_group(0)
        .spawn()
        .map_err(Failure::Unrun)?;
    let ended = attend(&mut child, until, patience);
    if ended.is_err() {
        end(&mut child);
    }
    let mut password = ended?;
    while matches!(password.last(), Some(b'\n' | b'\r')) {
        password.pop();
    }
    if password.is_empty() { Err(Failure::Nothing) } else { Ok(password) }
}

/// Reads what it prints until it has ended.
fn attend(child: &mut Child, until: Instant, patience: Duration) -> Result<Vec<u8>, Failure> {
    let mut printed = Vec::new();
    if let Some(mut out) = child.stdout.take() {
        let mut part = [0; 1024];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).map_err(|_| Failure::Late(patience))?;
            match poll(&mut [PollFd::new(&out, PollFlags::IN)], Some(&timeout)) {
                Ok(0) => return Err(Failure::Late(patience)),
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(Failure::Unrun(error.into())),
                Ok(_) => {}
            }
            match out.read(&mut part) {
                Ok(0) => break,
                Ok(length) => printed.extend_from_slice(&part[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::Unrun(error)),
            }
            if printed.len() > MOST {
                return Err(Failure::Long);
            }
        }
    }
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(printed),
            Ok(Some(status)) => return Err(Failure::Status(status)),
            Ok(None) if Instant::now() >= until => return Err(Failure::Late(patience)),
            Ok(None) => thread::sleep(PAUSE),
            // The app has waited for all children, or has the system do so: how it ended, nobody knows.
            Err(_) => return Ok(printed),
        }
    }
}

/// Ends it, and what it has started.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // One that is gone already needs no end.
    if let (Some(group), Ok(None)) = (group, child.try_wait()) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    fn refused(command: &str, patience: Duration) -> String {
        password_within(command, patience).unwrap_err().to_string()
    }

    #[test]
    fn it_is_what_a_command_prints() {
        assert_eq!(password_within("echo 'a b'", LONG).unwrap(), b"a b");
        assert_eq!(password_within("printf '%s\\r\\n' x", LONG).unwrap(), b"x");
    }

    #[test]
    fn one_that_fails_or_prints_nothing_is_named_with_what_to_do() {
        let error = refused("exit 3", LONG);
        assert!(
            error.starts_with("key_password_command \"exit 3\" has failed (exit status: 3)")
                && error.contains("status 0"),
            "{error}"
        );
        assert!(refused("echo", LONG).contains("has printed nothing"));
    }

    #[test]
    fn one_that_prints_too_much_is_ended() {
        let error = refused("yes", LONG);
        assert!(error.contains("was ended, since it printed more than 4096 bytes"), "{error}");
    }

    #[test]
    fn one_that_hangs_is_ended_with_all_that_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let command = format!("sleep 600 & echo $! > {0}; echo $$ >> {0}; wait", pids.display());
        // However slow the machine: it has to have written both.
        let error = refused(&command, Duration::from_secs(2));
        assert!(error.contains("was ended, since it had not done so after 2 s"), "{error}");
        let gone = |pid: &str| {
            let path = format!("/proc/{pid}/stat");
            // One that is a zombie is another's to wait for.
            std::fs::read_to_string(path).map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "))
        };
        if cfg!(target_os = "linux") {
            let pids = std::fs::read_to_string(pids).unwrap();
            for pid in pids.lines() {
                while !gone(pid) {
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    #[test]
    fn one_that_has_closed_what_it_prints_to_is_waited_for_no_longer() {
        let error = refused("exec >&-; exec sleep 600", Duration::from_millis(200));
        assert!(error.contains("was ended, since it had not done so after 0.2 s"), "{error}");
    }
}
