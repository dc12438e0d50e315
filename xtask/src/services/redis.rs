//! A Redis of its own, on the loopback, that writes nothing to the disk.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::{start_on_free_port, tied_command};
use crate::process::Server;

/// Starts the server with a folder below `folder`. Answers its port.
pub(super) fn start(program: &Path, folder: &Path) -> Result<(Server, u16)> {
    let home = folder.join("redis");
    std::fs::create_dir(&home).context("can't make a folder for Redis")?;
    let command = |port: u16| {
        let mut command = tied_command(program, "KILL");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no"]);
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(&home);
        command
    };
    start_on_free_port("Redis", &folder.join("redis.log"), Signal::SIGTERM, command, |port| {
        answers(port).is_ok()
    })
}

fn answers(port: u16) -> std::io::Result<()> {
    let timeout = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    if answer == *b"+PONG" { Ok(()) } else { Err(std::io::ErrorKind::InvalidData.into()) }
}
