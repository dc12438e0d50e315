//! PostgreSQL and Redis in docker compose, for machines that have docker and not the servers. Uses the services
//! of the repository's `docker-compose.yml` under a project name of our own, and removes that project afterwards.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::free_port;
use crate::process;
use crate::provision::succeeds;

const FILE: &str = "docker-compose.yml";
/// The database holds nothing but test data, on the loopback, for as long as one run.
const PASSWORD: &str = "souk-tests";

/// The file interpolates these for services that we don't start; they must have some value.
const UNUSED: [&str; 6] = [
    "STRIPE_SECRET_KEY",
    "STRIPE_PUBLISHABLE_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_CONNECT_WEBHOOK_SECRET",
    "SOUK_JWT_SECRET",
    "SOUK_ENCRYPTION_KEY",
];

/// Whether docker, its compose plug-in and its daemon are all there.
pub(crate) fn is_usable(root: &Path) -> bool {
    root.join(FILE).is_file()
        && succeeds(Command::new("docker").args(["compose", "version"]))
        && succeeds(Command::new("docker").arg("info"))
}

/// A running project. Dropping it removes its containers and their data.
pub(super) struct Project {
    root: PathBuf,
    name: String,
    postgres_port: u16,
    redis_port: u16,
}

impl Project {
    /// Starts the named services, and returns when their health checks pass.
    pub(super) fn start(root: &Path, services: &[&str]) -> Result<Self> {
        let name = format!("souk-tests-{}", std::process::id());
        let project =
            Self { root: root.to_path_buf(), name, postgres_port: free_port()?, redis_port: free_port()? };
        let status =
            process::run(project.compose().args(["up", "--detach", "--wait", "--no-deps"]).args(services))?;
        if !status.success() {
            bail!("docker compose could not start {}", services.join(" and "));
        }
        Ok(project)
    }

    pub(super) fn postgres_url(&self) -> String {
        format!("postgres://souk:{PASSWORD}@127.0.0.1:{}/postgres", self.postgres_port)
    }

    pub(super) fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.redis_port)
    }

    fn compose(&self) -> Command {
        let mut command = Command::new("docker");
        command.current_dir(&self.root).stdin(Stdio::null());
        command.args(["compose", "--file", FILE, "--project-name", &self.name]);
        command.envs(UNUSED.map(|name| (name, "unused")));
        command.env("POSTGRES_PASSWORD", PASSWORD);
        command.env("POSTGRES_PORT", self.postgres_port.to_string());
        command.env("REDIS_PORT", self.redis_port.to_string());
        command
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = self.compose().args(["down", "--volumes"]).stdout(Stdio::null()).status();
    }
}
