//! A private PostgreSQL and a private Redis for one run: free ports on the loopback, a temporary folder, no
//! durability. They are ended and forgotten when `Services` is dropped. Servers that already run here are never used.

pub(crate) mod compose;
mod postgres;
mod redis;

use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, User};
use tempfile::TempDir;

use crate::process::{self, Server};
use crate::provision::{Found, Tool, Toolbox, on_path};

const START_TIME: Duration = Duration::from_mins(1);
/// Somebody else may take the port between our choosing it and the server's binding it.
const ATTEMPTS: usize = 3;

/// The running servers, and how to reach them. Fields are dropped in order: the servers go before their folder.
pub(crate) struct Services {
    pub(crate) postgres_url: String,
    pub(crate) redis_url: String,
    servers: Vec<Server>,
    _compose: Option<compose::Project>,
    _folder: TempDir,
}

impl Services {
    /// Starts both, and returns when both answer.
    pub(crate) fn start(root: &Path, tools: &Toolbox) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("souk-tests-")
            .tempdir()
            .context("can't make a temporary folder")?;
        let place = |tool| tools.get(tool).cloned().map_err(|advice| anyhow!(advice));
        let (postgres, redis) = (place(Tool::Postgres)?, place(Tool::Redis)?);
        let in_compose = [(&postgres, "postgres"), (&redis, "redis")];
        let names: Vec<&str> = in_compose
            .iter()
            .filter(|(found, _)| **found == Found::InCompose)
            .map(|(_, name)| *name)
            .collect();
        let project = if names.is_empty() { None } else { Some(compose::Project::start(root, &names)?) };
        let mut servers = Vec::new();
        let postgres_url = match (&postgres, &project) {
            (Found::At(programs), _) => {
                let user = Unprivileged::choose()?;
                let (server, port) = postgres::start(programs, folder.path(), user.as_ref())?;
                servers.push(server);
                format!("postgres://{}@127.0.0.1:{port}/postgres", postgres::ROLE)
            }
            (_, Some(project)) => project.postgres_url(),
            (_, None) => bail!("PostgreSQL is neither here nor in docker compose"),
        };
        let redis_url = match (&redis, &project) {
            (Found::At(program), _) => {
                let (server, port) = redis::start(program, folder.path())?;
                servers.push(server);
                format!("redis://127.0.0.1:{port}")
            }
            (_, Some(project)) => project.redis_url(),
            (_, None) => bail!("Redis is neither here nor in docker compose"),
        };
        Ok(Self { postgres_url, redis_url, servers, _compose: project, _folder: folder })
    }

    fn have_ended(&mut self) -> bool {
        self.servers.iter_mut().any(Server::has_ended)
    }

    /// The variables by which the end-to-end tests find the servers.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 3] {
        [
            ("SOUK_TEST_DATABASE", "postgres"),
            ("SOUK_TEST_POSTGRES_URL", &self.postgres_url),
            ("SOUK_TEST_REDIS_URL", &self.redis_url),
        ]
    }
}

/// The `services` task: start, print the addresses, wait for Ctrl-C.
pub(crate) fn serve(root: &Path) -> Result<()> {
    let tools = Toolbox::provide(root, &[Tool::Postgres, Tool::Redis]);
    let mut services = Services::start(root, &tools)?;
    for (name, value) in services.variables() {
        println!("export {name}={value}");
    }
    eprintln!("PostgreSQL and Redis are running; Ctrl-C ends them.");
    io::stdout().flush().context("can't write to the output")?;
    while process::pause(Duration::from_secs(1)) {
        if services.have_ended() {
            bail!("a server ended by itself");
        }
    }
    Ok(())
}

/// An account without rights, for PostgreSQL, which refuses to run as root.
struct Unprivileged {
    uid: u32,
    gid: u32,
}

impl Unprivileged {
    /// None when we aren't root ourselves: then the server runs as we do.
    fn choose() -> Result<Option<Self>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        let user = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
        let user =
            user.context("PostgreSQL refuses to run as root, and there is no user postgres or nobody here")?;
        Ok(Some(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on the loopback")?;
    Ok(listener.local_addr().context("a listener without an address")?.port())
}

/// Starts a server on a free port and waits until it answers. What it writes is shown if it doesn't.
fn start_on_free_port(
    name: &str,
    log: &Path,
    farewell: Signal,
    command: impl Fn(u16) -> Command,
    answers: impl Fn(u16) -> bool,
) -> Result<(Server, u16)> {
    for _ in 0..ATTEMPTS {
        let port = free_port()?;
        let output = fs::File::create(log).with_context(|| format!("can't write {}", log.display()))?;
        let errors = output.try_clone().context("can't share the log file")?;
        let mut server =
            Server::start(command(port).stdin(Stdio::null()).stdout(output).stderr(errors), farewell)?;
        let started = Instant::now();
        while !server.has_ended() {
            if answers(port) {
                return Ok((server, port));
            }
            if started.elapsed() > START_TIME {
                bail!("{name} did not answer in {} seconds:\n{}", START_TIME.as_secs(), tail(log));
            }
            if !process::pause(Duration::from_millis(50)) {
                bail!("interrupted while {name} started");
            }
        }
    }
    bail!("{name} ended {ATTEMPTS} times right after its start:\n{}", tail(log))
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// See [`process::tied_to_us`].
fn tied_command(program: &Path, signal: &str) -> Command {
    let setpriv: Option<PathBuf> = on_path("setpriv");
    process::tied_to_us(program, signal, setpriv.as_deref())
}
