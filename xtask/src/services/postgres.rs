//! A PostgreSQL cluster of its own, in a temporary folder, that trusts everybody on the loopback and syncs nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::{Unprivileged, start_on_free_port, tied_command};
use crate::process::Server;

/// The superuser of the cluster.
pub(super) const ROLE: &str = "souk";

/// Every test has a database and a pool of its own, and several tests run at once.
const SETTINGS: [&str; 9] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=300",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum_naptime=10s",
    "timezone=UTC",
    "logging_collector=off",
];

/// Makes a cluster below `folder` and starts it. Answers its port.
pub(super) fn start(programs: &Path, folder: &Path, user: Option<&Unprivileged>) -> Result<(Server, u16)> {
    let home = folder.join("postgres");
    std::fs::create_dir(&home).context("can't make a folder for PostgreSQL")?;
    if let Some(user) = user {
        // The account needs to get through the outer folder too. Root can remove both all the same.
        for path in [folder, &home] {
            chown(path, Some(user.uid), Some(user.gid))
                .context("can't give a folder to PostgreSQL's account")?;
        }
    }
    let data = home.join("data");
    let dropped = |mut command: Command| {
        command.current_dir(&home).env("HOME", &home);
        // Whoever has these set means another server.
        for name in ["PGDATA", "PGPORT", "PGHOST", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGOPTIONS"] {
            command.env_remove(name);
        }
        if let Some(user) = user {
            command.uid(user.uid).gid(user.gid);
        }
        command
    };
    let mut initdb = dropped(Command::new(programs.join("initdb")));
    initdb.arg("-D").arg(&data).args([
        "-U",
        ROLE,
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]);
    let made = initdb.stdin(Stdio::null()).output().context("can't start initdb")?;
    if !made.status.success() {
        bail!("initdb failed:\n{}", String::from_utf8_lossy(&made.stderr));
    }
    let command = |port: u16| {
        // SIGQUIT is PostgreSQL's immediate shutdown; unlike SIGKILL it leaves no shared memory behind.
        let mut command = dropped(tied_command(&programs.join("postgres"), "QUIT"));
        command.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command
    };
    start_on_free_port("PostgreSQL", &folder.join("postgres.log"), Signal::SIGQUIT, command, accepts)
}

/// Whether a session can be opened. An open port says nothing: the server listens before it is ready.
fn accepts(port: u16) -> bool {
    first_answer(port).is_ok_and(|kind| kind == b'R')
}

/// Sends a start-up message (protocol 3.0) and answers the type of the first reply: `R` once authentication is
/// being talked about, `E` while the server is still starting.
fn first_answer(port: u16) -> std::io::Result<u8> {
    let timeout = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    let body = [&[0, 3, 0, 0][..], b"user\0", ROLE.as_bytes(), b"\0database\0postgres\0\0"].concat();
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    stream.write_all(&[&length.to_be_bytes()[..], &body].concat())?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    // A polite goodbye, so that the log stays empty.
    stream.write_all(b"X\0\0\0\x04")?;
    Ok(kind[0])
}
