//! The `test` task: provide the tools, run the steps one after the other, say what came of it.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::TestOptions;
use crate::junit::{self, Outcome};
use crate::plan::{self, Step};
use crate::process;
use crate::provision::{Tool, Toolbox, cargo, describe, forget_this_crate};
use crate::report::{Line, Report, StepsFailed};
use crate::services::Services;

/// Stripe's published description, for the one test that compares the simulator with it.
const STRIPE_DESCRIPTION: &str = "SOUK_STRIPE_OPENAPI";

/// Runs the steps. An error is [`StepsFailed`] when the report has already told what is wrong.
pub(crate) fn run(root: &Path, options: &TestOptions) -> Result<()> {
    let steps = plan::steps(&options.only);
    let mut wanted: Vec<Tool> = steps.iter().flat_map(|step| step.tools()).copied().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let session = Session {
        root,
        words: &options.filter,
        tools: Toolbox::provide(root, &wanted),
        target: target(root),
    };

    let mut report = Report::default();
    for step in steps {
        let stopped = process::interrupted() || (report.has_failed() && !options.keep_going);
        if stopped {
            report.not_run.push(step);
            continue;
        }
        let started = Instant::now();
        println!("\n=== {} ===", step.name());
        let outcome = session.run(step).unwrap_or_else(|error| {
            println!("{error:#}");
            failed(format!("{error:#}"))
        });
        report.lines.push(Line { step, outcome, elapsed: started.elapsed() });
    }
    judge(&mut report, options);
    println!("\n{report}");
    std::io::stdout().flush().context("can't write to the output")?;
    if report.has_failed() || !report.not_run.is_empty() { Err(StepsFailed.into()) } else { Ok(()) }
}

/// What no single step can know.
fn judge(report: &mut Report, options: &TestOptions) {
    if process::interrupted() {
        report.notes.push("interrupted".to_owned());
    }
    if report.lines.iter().any(|line| line.step == Step::Postgres) {
        let note = "the browser tests run once, on SQLite, and are left out of the postgres step";
        report.notes.push(note.to_owned());
    }
    let tested = |line: &&mut Line| line.step.test_selection().is_some();
    let ran: usize = report.lines.iter_mut().filter(tested).map(|line| line.outcome.total()).sum();
    if !options.filter.is_empty()
        && ran == 0
        && let Some(line) = report.lines.iter_mut().rfind(tested)
    {
        line.outcome.failed.push(format!("no test matches {}", options.filter.join(" or ")));
    }
}

/// Cargo's output folder, one for all steps.
fn target(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

fn passed() -> Outcome {
    Outcome { passed: 1, ..Outcome::default() }
}

fn failed(what: String) -> Outcome {
    Outcome { failed: vec![what], ..Outcome::default() }
}

/// What all steps share.
struct Session<'a> {
    root: &'a Path,
    words: &'a [String],
    tools: Toolbox,
    target: PathBuf,
}

impl Session<'_> {
    fn run(&self, step: Step) -> Result<Outcome> {
        if step == Step::Deny {
            return self.check_dependencies();
        }
        if let Some(advice) = step.tools().iter().find_map(|tool| self.tools.get(*tool).err()) {
            return Ok(failed(advice));
        }
        if let Some(arguments) = step.cargo_arguments() {
            return self.check(cargo().args(arguments));
        }
        self.test(step)
    }

    /// Runs a command that passes or fails as a whole.
    fn check(&self, command: &mut Command) -> Result<Outcome> {
        println!("$ {}", describe(command));
        let status = process::run(command.current_dir(self.root).env("CARGO_TARGET_DIR", &self.target))?;
        Ok(if status.success() { passed() } else { failed(format!("`{}` failed", describe(command))) })
    }

    /// Not being able to check licences says nothing about the code, so a missing cargo-deny is a skip. The list of known
    /// vulnerabilities would have to be fetched, and changes by itself: that is not a test's business.
    fn check_dependencies(&self) -> Result<Outcome> {
        let program = match self.tools.path(Tool::Deny) {
            Ok(program) => program,
            Err(advice) => return Ok(Outcome { skipped: vec![advice], ..Outcome::default() }),
        };
        let mut command = Command::new(program);
        forget_this_crate(&mut command);
        self.check(command.args(["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]))
    }

    fn test(&self, step: Step) -> Result<Outcome> {
        let selection = step.test_selection().context("this step runs no tests")?;
        let services =
            if step == Step::Postgres { Some(Services::start(self.root, &self.tools)?) } else { None };
        let mut command = Command::new(self.path(Tool::Nextest)?);
        forget_this_crate(&mut command);
        forget_settings(&mut command);
        command.args(plan::nextest_arguments(selection, self.words));
        command.current_dir(self.root).env("CARGO_TARGET_DIR", &self.target);
        match &services {
            Some(services) => command.envs(services.variables()),
            None => command.env("SOUK_TEST_DATABASE", "sqlite"),
        };
        if step == Step::Browser {
            command.env("SOUK_TEST_CHROMIUM", self.path(Tool::Chromium)?);
            command.env("SOUK_TEST_CHROMEDRIVER", self.path(Tool::Chromedriver)?);
        }
        // A result file that is there afterwards is of this run.
        let results = self.target.join("nextest/default/junit.xml");
        let _ = fs::remove_file(&results);
        println!("$ {}", describe(&command));
        let status = process::run(&mut command)?;
        let mut outcome = fs::read_to_string(&results).map(|text| junit::read(&text)).unwrap_or_default();
        if !status.success() && outcome.failed.is_empty() {
            outcome.failed.push(format!("nextest ended with {status} before it had run every test"));
        } else if outcome.total() == 0 && self.words.is_empty() {
            outcome.failed.push("there is not a single test to run".to_owned());
        }
        Ok(outcome)
    }

    fn path(&self, tool: Tool) -> Result<&Path> {
        self.tools.path(tool).map_err(|advice| anyhow::anyhow!(advice))
    }
}

/// Keeps souk's settings of whoever runs this, perhaps live keys, away from the tests.
fn forget_settings(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if is_setting(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
}

fn is_setting(name: &str) -> bool {
    let ours = ["SOUK_", "STRIPE_"].iter().any(|prefix| name.starts_with(prefix));
    (ours && name != STRIPE_DESCRIPTION) || ["DATABASE_URL", "REDIS_URL"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn live_keys_do_not_reach_the_tests() {
        for name in
            ["STRIPE_SECRET_KEY", "SOUK_JWT_SECRET", "SOUK_TEST_DATABASE", "DATABASE_URL", "REDIS_URL"]
        {
            assert!(is_setting(name), "{name}");
        }
        for name in ["PATH", "HOME", "RUST_BACKTRACE", STRIPE_DESCRIPTION] {
            assert!(!is_setting(name), "{name}");
        }
    }

    #[test]
    fn a_word_that_matches_nothing_is_a_failure() {
        let options = TestOptions { filter: vec!["nothing".to_owned()], ..TestOptions::default() };
        let line = |outcome| Line { step: Step::Unit, outcome, elapsed: Duration::ZERO };
        let mut report = Report { lines: vec![line(Outcome::default())], ..Report::default() };
        judge(&mut report, &options);
        assert!(report.has_failed());
        let mut report = Report { lines: vec![line(passed())], ..Report::default() };
        judge(&mut report, &options);
        assert!(!report.has_failed());
    }
}
