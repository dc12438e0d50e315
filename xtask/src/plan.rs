//! Which steps there are, in which order they run, and what each asks of nextest. Decisions only: nothing is run here.

use clap::ValueEnum;

use crate::provision::Tool;

/// One step of `cargo xtask test`, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Step {
    /// Formatting.
    Fmt,
    /// Lints of every crate and test; a warning is an error.
    Clippy,
    /// Licences, bans and sources of the dependencies.
    Deny,
    /// Compiles the programs and every test at once. Comes by itself with the steps that run tests.
    #[value(skip)]
    Build,
    /// Tests of every crate except the end-to-end ones.
    Unit,
    /// End-to-end tests on SQLite.
    Sqlite,
    /// End-to-end tests in a browser, on SQLite.
    Browser,
    /// End-to-end tests on PostgreSQL and Redis.
    Postgres,
}

const ORDER: [Step; 8] = [
    Step::Fmt,
    Step::Clippy,
    Step::Deny,
    Step::Build,
    Step::Unit,
    Step::Sqlite,
    Step::Browser,
    Step::Postgres,
];

/// The steps to run: those named, or all.
pub(crate) fn steps(only: &[Step]) -> Vec<Step> {
    let wanted = |step: &Step| only.is_empty() || only.contains(step);
    let build = ORDER.iter().any(|step| wanted(step) && step.test_selection().is_some());
    ORDER.into_iter().filter(|step| if *step == Step::Build { build } else { wanted(step) }).collect()
}

impl Step {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Deny => "deny",
            Self::Build => "build",
            Self::Unit => "unit",
            Self::Sqlite => "sqlite",
            Self::Browser => "browser",
            Self::Postgres => "postgres",
        }
    }

    /// Arguments for `cargo`, of the steps that run no tests and need no other program.
    ///
    /// The build takes the same packages and targets as nextest does, and adds nothing to them: a smaller selection would
    /// give shared dependencies other features, and compile most of them twice.
    pub(crate) fn cargo_arguments(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Fmt => Some(&["fmt", "--all", "--check"]),
            Self::Clippy => Some(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
            Self::Build => Some(&["build", "--workspace", "--lib", "--bins", "--tests"]),
            Self::Deny | Self::Unit | Self::Sqlite | Self::Browser | Self::Postgres => None,
        }
    }

    /// nextest's filter expression, of the steps that run tests.
    pub(crate) fn test_selection(self) -> Option<&'static str> {
        match self {
            Self::Unit => Some("not package(souk-tests)"),
            Self::Sqlite | Self::Postgres => Some("package(souk-tests) and not test(/^browser::/)"),
            Self::Browser => Some("package(souk-tests) and test(/^browser::/)"),
            Self::Fmt | Self::Clippy | Self::Deny | Self::Build => None,
        }
    }

    pub(crate) fn tools(self) -> &'static [Tool] {
        match self {
            Self::Fmt => &[Tool::Rustfmt],
            Self::Clippy => &[Tool::Clippy],
            Self::Deny => &[Tool::Deny],
            Self::Build => &[],
            Self::Unit | Self::Sqlite => &[Tool::Nextest],
            Self::Browser => &[Tool::Nextest, Tool::Chromium, Tool::Chromedriver],
            Self::Postgres => &[Tool::Nextest, Tool::Postgres, Tool::Redis],
        }
    }
}

/// nextest's arguments for a step. Words narrow the selection down further; any of them may match. That nothing
/// matched is judged by the caller, who knows whether that is a mistake.
pub(crate) fn nextest_arguments(selection: &str, words: &[String]) -> Vec<String> {
    let fixed =
        ["nextest", "run", "--workspace", "--lib", "--bins", "--tests", "--no-tests=pass", "-E", selection];
    let mut arguments: Vec<String> = fixed.iter().map(ToString::to_string).collect();
    if !words.is_empty() {
        arguments.push("--".to_owned());
        arguments.extend_from_slice(words);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_choice_every_step_runs_in_order() {
        assert_eq!(steps(&[]), ORDER);
        assert!(ORDER.is_sorted());
    }

    #[test]
    fn the_order_does_not_depend_on_the_choice() {
        assert_eq!(steps(&[Step::Postgres, Step::Fmt]), [Step::Fmt, Step::Build, Step::Postgres]);
    }

    #[test]
    fn checks_alone_build_nothing() {
        assert_eq!(steps(&[Step::Clippy, Step::Deny]), [Step::Clippy, Step::Deny]);
    }

    #[test]
    fn every_step_but_deny_is_either_cargo_or_tests() {
        for step in ORDER.into_iter().filter(|step| *step != Step::Deny) {
            assert!(step.cargo_arguments().is_some() != step.test_selection().is_some(), "{step:?}");
        }
    }

    #[test]
    fn words_go_behind_the_dashes() {
        let arguments = nextest_arguments("all()", &["one".to_owned(), "two".to_owned()]);
        assert!(arguments.ends_with(&["--".to_owned(), "one".to_owned(), "two".to_owned()]));
        assert!(!nextest_arguments("all()", &[]).contains(&"--".to_owned()));
    }
}
