//! Child processes: running one to its end, and keeping one for as long as it is needed. Only processes started
//! here are ever signalled, and each of them is gone when its handle is.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

const POLL: Duration = Duration::from_millis(40);
/// How long a child that may have seen Ctrl-C itself gets before it is asked by us.
const OWN_TIME: Duration = Duration::from_secs(3);
/// How long a child gets after it was asked, before it is ended.
const LAST_TIME: Duration = Duration::from_secs(10);

/// How long a server gets to end by itself; its data is thrown away, so that it has little to do.
const FAREWELL_TIME: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 5000 });

/// From now on Ctrl-C, SIGTERM and SIGHUP set a flag instead of ending this process, so that what was started
/// can be ended in order.
pub(crate) fn listen_for_interrupts() -> Result<()> {
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::SeqCst)).context("can't listen for Ctrl-C")
}

pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Sleeps, but not past an interrupt. Answers false when there was one.
pub(crate) fn pause(time: Duration) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until && !interrupted() {
        std::thread::sleep(POLL.min(time));
    }
    !interrupted()
}

/// Runs a command to its end with our own output. After an interrupt the command is first left to end by
/// itself (the terminal tells it too), then asked, then ended.
pub(crate) fn run(command: &mut Command) -> Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().with_context(|| format!("can't start {name}"))?;
    let mut since = None;
    let mut asked = false;
    loop {
        if let Some(status) = child.try_wait().with_context(|| format!("can't wait for {name}"))? {
            return Ok(status);
        }
        if interrupted() {
            let waited = since.get_or_insert_with(Instant::now).elapsed();
            if waited > OWN_TIME && !asked {
                signal(&child, Signal::SIGTERM);
                asked = true;
            }
            if waited > OWN_TIME + LAST_TIME {
                let _ = child.kill();
            }
        }
        std::thread::sleep(POLL);
    }
}

/// A server of ours. Dropping it ends it.
pub(crate) struct Server {
    child: Child,
    farewell: Signal,
}

impl Server {
    /// Starts `command` in a process group of its own, so that a Ctrl-C in the terminal reaches the tests
    /// before their database is gone.
    pub(crate) fn start(command: &mut Command, farewell: Signal) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn().with_context(|| format!("can't start {name}"))?;
        Ok(Self { child, farewell })
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        signal(&self.child, self.farewell);
        let asked = Instant::now();
        while asked.elapsed() < FAREWELL_TIME {
            if self.has_ended() {
                return;
            }
            std::thread::sleep(POLL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The caller holds the handle and has not waited for the child yet, so the id can't belong to anybody else.
fn signal(child: &Child, signal: Signal) {
    if let Ok(id) = i32::try_from(child.id()) {
        let _ = kill(Pid::from_raw(id), signal);
    }
}

/// `program`, such that the kernel ends it with `signal` should this process die without saying goodbye.
/// `setpriv` is on every Debian; without it that one protection is missing.
pub(crate) fn tied_to_us(
    program: &std::path::Path,
    signal: &str,
    setpriv: Option<&std::path::Path>,
) -> Command {
    let Some(setpriv) = setpriv else { return Command::new(program) };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", signal, "--"]).arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_server_is_gone() {
        let mut command = Command::new("sleep");
        command.arg("600");
        let server = Server::start(&mut command, Signal::SIGTERM).unwrap();
        let id = Pid::from_raw(i32::try_from(server.child.id()).unwrap());
        assert!(kill(id, None).is_ok());
        drop(server);
        assert!(kill(id, None).is_err());
    }

    #[test]
    fn a_server_that_ignores_the_farewell_is_ended() {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' TERM; while :; do sleep 0.1; done"]);
        let server = Server::start(&mut command, Signal::SIGTERM).unwrap();
        let id = Pid::from_raw(i32::try_from(server.child.id()).unwrap());
        std::thread::sleep(Duration::from_millis(200));
        drop(server);
        assert!(kill(id, None).is_err());
    }

    #[test]
    fn the_status_of_a_command_is_passed_on() {
        assert!(run(&mut Command::new("true")).unwrap().success());
        assert_eq!(run(Command::new("sh").args(["-c", "exit 7"])).unwrap().code(), Some(7));
    }
}
