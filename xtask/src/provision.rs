//! Finds the programs that the tests need, and installs what is missing: Debian's packages first, cargo for
//! cargo's own tools, docker compose for the two servers. What can't be had is reported with the sentence that
//! says what to do; it is for the step that needs it to fail.

use std::collections::BTreeMap;
use std::env;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::Uid;

use crate::process;
use crate::services::compose;

/// A program that a step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tool {
    Rustfmt,
    Clippy,
    Deny,
    Nextest,
    /// The server's programs, `initdb` and `postgres`: found as the folder that has both.
    Postgres,
    Redis,
    Chromium,
    Chromedriver,
}

/// Where a tool was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    At(PathBuf),
    /// A server that docker compose will run.
    InCompose,
    /// A component of the Rust toolchain, reached through cargo.
    InToolchain,
}

impl Tool {
    /// Names under which the program is known, the likeliest first.
    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Rustfmt => &["cargo-fmt"],
            Self::Clippy => &["cargo-clippy"],
            Self::Deny => &["cargo-deny"],
            Self::Nextest => &["cargo-nextest"],
            Self::Postgres => &["initdb"],
            Self::Redis => &["redis-server"],
            Self::Chromium => &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
            Self::Chromedriver => &["chromedriver"],
        }
    }

    fn debian_package(self) -> Option<&'static str> {
        match self {
            Self::Postgres => Some("postgresql"),
            Self::Redis => Some("redis-server"),
            Self::Chromium => Some("chromium"),
            Self::Chromedriver => Some("chromium-driver"),
            Self::Rustfmt | Self::Clippy | Self::Deny | Self::Nextest => None,
        }
    }

    /// The package that `cargo install` takes, and the version that this program was written against.
    fn cargo_package(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Deny => Some(("cargo-deny", "0.20.2")),
            Self::Nextest => Some(("cargo-nextest", "0.9.143")),
            _ => None,
        }
    }

    fn toolchain_component(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Rustfmt => Some(("rustfmt", "fmt")),
            Self::Clippy => Some(("clippy", "clippy")),
            _ => None,
        }
    }

    /// What a person has to do when everything else failed.
    fn advice(self) -> String {
        let name = self.programs()[0];
        if let Some((component, _)) = self.toolchain_component() {
            return format!("{component} is missing: run `rustup component add {component}`");
        }
        if let Some((package, version)) = self.cargo_package() {
            return format!("{name} is missing: run `cargo install {package} --locked --version {version}`");
        }
        let package = self.debian_package().unwrap_or(name);
        let docker = if matches!(self, Self::Postgres | Self::Redis) { ", or start docker" } else { "" };
        format!("{name} is missing: run `sudo apt-get install {package}`{docker}")
    }
}

/// What was found, and the advice for what was not.
#[derive(Debug, Default)]
pub(crate) struct Toolbox {
    found: BTreeMap<Tool, Found>,
}

impl Toolbox {
    /// Finds `wanted`, installing what is missing. Never fails: `get` says what is not there.
    pub(crate) fn provide(root: &Path, wanted: &[Tool]) -> Self {
        let mut toolbox = Self::default();
        toolbox.look_for(wanted);
        let packages: Vec<&str> = toolbox.missing(wanted).filter_map(Tool::debian_package).collect();
        if !packages.is_empty() {
            install_debian_packages(&packages);
            toolbox.look_for(wanted);
        }
        for tool in toolbox.missing(wanted).collect::<Vec<_>>() {
            if process::interrupted() {
                break;
            }
            if let Some((package, version)) = tool.cargo_package() {
                let arguments = ["install", package, "--locked", "--version", version];
                // Its objects are of no use to us: without this variable cargo uses and removes a temporary folder.
                announce_and_run(cargo().args(arguments).env_remove("CARGO_TARGET_DIR"));
            }
            if let Some((component, _)) = tool.toolchain_component() {
                announce_and_run(Command::new("rustup").args(["component", "add", component]));
            }
            if matches!(tool, Tool::Postgres | Tool::Redis) && compose::is_usable(root) {
                println!("{} will run in docker compose", tool.programs()[0]);
                toolbox.found.insert(tool, Found::InCompose);
            }
        }
        toolbox.look_for(wanted);
        toolbox
    }

    /// Where the tool is, or what a person has to do to have it.
    pub(crate) fn get(&self, tool: Tool) -> Result<&Found, String> {
        self.found.get(&tool).ok_or_else(|| tool.advice())
    }

    /// The path of a program. Empty for what has none.
    pub(crate) fn path(&self, tool: Tool) -> Result<&Path, String> {
        match self.get(tool)? {
            Found::At(path) => Ok(path),
            Found::InCompose | Found::InToolchain => Err(tool.advice()),
        }
    }

    fn missing<'a>(&'a self, wanted: &'a [Tool]) -> impl Iterator<Item = Tool> + 'a {
        wanted.iter().copied().filter(|tool| !self.found.contains_key(tool))
    }

    fn look_for(&mut self, wanted: &[Tool]) {
        for tool in self.missing(wanted).collect::<Vec<_>>() {
            if let Some(found) = find(tool) {
                self.found.insert(tool, found);
            }
        }
    }
}

/// The cargo that runs this program. The variables that it set for us are about this crate, and must not reach
/// the crates that it builds next.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    forget_this_crate(&mut command);
    command
}

pub(crate) fn forget_this_crate(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
}

/// The first executable called `name` on the path.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    first_executable(&path_folders(), &[name])
}

fn path_folders() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

fn find(tool: Tool) -> Option<Found> {
    let mut folders = path_folders();
    match tool {
        Tool::Rustfmt | Tool::Clippy => {
            // rustup puts its own stand-ins on the path for components that aren't there: only asking tells.
            let (_, subcommand) = tool.toolchain_component()?;
            return succeeds(cargo().args([subcommand, "--version"])).then_some(Found::InToolchain);
        }
        Tool::Postgres => {
            folders.extend(debian_postgres_folders(Path::new("/usr/lib/postgresql")));
            return folder_with(&folders, &["initdb", "postgres"]).map(Found::At);
        }
        Tool::Deny | Tool::Nextest => folders.extend(cargo_bin_folder()),
        Tool::Chromium | Tool::Chromedriver => {
            folders.extend(["/usr/lib/chromium", "/usr/lib/chromium-browser"].map(PathBuf::from));
        }
        Tool::Redis => {}
    }
    first_executable(&folders, tool.programs()).map(Found::At)
}

fn cargo_bin_folder() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))
        .map(|home| home.join("bin"))
}

/// Debian keeps each major version's programs in a folder of its own, off the path. Newest first.
fn debian_postgres_folders(base: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(base)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn first_executable(folders: &[PathBuf], names: &[&str]) -> Option<PathBuf> {
    let candidates = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|path| is_executable(path))
}

fn folder_with(folders: &[PathBuf], names: &[&str]) -> Option<PathBuf> {
    folders.iter().find(|folder| names.iter().all(|name| is_executable(&folder.join(name)))).cloned()
}

fn install_debian_packages(packages: &[&str]) {
    let Some(apt) = on_path("apt-get") else { return };
    let as_root = || {
        if Uid::effective().is_root() {
            return Some(Command::new(&apt));
        }
        // `-n`: a question for a password would wait for ever on a build machine.
        let mut command = Command::new(on_path("sudo")?);
        command.args(["-n", "DEBIAN_FRONTEND=noninteractive"]).arg(&apt);
        Some(command)
    };
    let (Some(mut update), Some(mut install)) = (as_root(), as_root()) else {
        println!("neither root nor sudo: can't install {}", packages.join(", "));
        return;
    };
    for command in [&mut update, &mut install] {
        command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        command.args(["-o", "DPkg::Lock::Timeout=120"]);
    }
    // An old package list is still worth a try.
    announce_and_run(update.arg("update"));
    announce_and_run(install.args(["install", "-y", "--no-install-recommends"]).args(packages));
}

/// Runs a command that makes something available. Whether it did is seen by looking again.
fn announce_and_run(command: &mut Command) {
    println!("$ {}", describe(command));
    match process::run(command) {
        Ok(status) if status.success() => {}
        Ok(status) => println!("  did not work: {status}"),
        Err(error) => println!("  did not work: {error:#}"),
    }
}

pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A command as a person would type it.
pub(crate) fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args()).map(|word| {
        let word = word.to_string_lossy();
        if word.contains([' ', '(']) { format!("'{word}'") } else { word.into_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn put(folder: &Path, name: &str, mode: u32) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), "#!/bin/sh\n").unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_executables_count() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join("a"), "tool", 0o644);
        put(&folder.path().join("b"), "tool", 0o755);
        let folders = [folder.path().join("nowhere"), folder.path().join("a"), folder.path().join("b")];
        assert_eq!(first_executable(&folders, &["other", "tool"]), Some(folder.path().join("b/tool")));
        assert_eq!(first_executable(&folders, &["other"]), None);
    }

    #[test]
    fn a_client_only_installation_of_postgres_is_not_enough() {
        let folder = tempfile::tempdir().unwrap();
        let (half, whole) = (folder.path().join("half"), folder.path().join("whole"));
        put(&half, "initdb", 0o755);
        put(&whole, "initdb", 0o755);
        put(&whole, "postgres", 0o755);
        assert_eq!(folder_with(&[half, whole.clone()], &["initdb", "postgres"]), Some(whole));
    }

    #[test]
    fn the_newest_postgres_comes_first() {
        let base = tempfile::tempdir().unwrap();
        for version in ["9", "17", "15", "notes"] {
            fs::create_dir(base.path().join(version)).unwrap();
        }
        let expected = ["17", "15", "9"].map(|version| base.path().join(version).join("bin"));
        assert_eq!(debian_postgres_folders(base.path()), expected);
    }

    #[test]
    fn every_tool_has_advice_that_names_a_command() {
        use Tool::{Chromedriver, Chromium, Clippy, Deny, Nextest, Postgres, Redis, Rustfmt};
        for tool in [Rustfmt, Clippy, Deny, Nextest, Postgres, Redis, Chromium, Chromedriver] {
            let advice = tool.advice();
            assert!(advice.contains("is missing: run `"), "{advice}");
            assert_eq!(Toolbox::default().get(tool), Err(advice));
        }
    }

    #[test]
    fn commands_read_as_typed() {
        let mut command = Command::new("/usr/bin/cargo-nextest");
        command.args(["run", "-E", "not package(a)"]);
        assert_eq!(describe(&command), "cargo-nextest run -E 'not package(a)'");
    }
}
