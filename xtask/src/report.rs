//! The account of a run: one line a step, the names of what failed or was skipped, and the totals as the last line.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::junit::Outcome;
use crate::plan::Step;

/// How a step ended. A check without tests of its own (formatting, lints) counts as one.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) step: Step,
    pub(crate) outcome: Outcome,
    pub(crate) elapsed: Duration,
}

/// The steps failed, and the report has already said so.
#[derive(Debug)]
pub(crate) struct StepsFailed;

impl fmt::Display for StepsFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not every step passed")
    }
}

impl std::error::Error for StepsFailed {}

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) lines: Vec<Line>,
    pub(crate) not_run: Vec<Step>,
    /// Sentences that a reader of the result should know.
    pub(crate) notes: Vec<String>,
}

impl Report {
    pub(crate) fn has_failed(&self) -> bool {
        self.lines.iter().any(|line| !line.outcome.failed.is_empty())
    }

    fn sum(&self, count: impl Fn(&Outcome) -> usize) -> usize {
        self.lines.iter().map(|line| count(&line.outcome)).sum()
    }

    fn names(&self, pick: impl Fn(&Outcome) -> &[String], title: &str, text: &mut String) {
        if self.sum(|outcome| pick(outcome).len()) == 0 {
            return;
        }
        let _ = writeln!(text, "\n{title}:");
        for line in &self.lines {
            for name in pick(&line.outcome) {
                let _ = writeln!(text, "  [{}] {name}", line.step.name());
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        let _ = writeln!(text, "{:<10}{:>8}{:>8}{:>9}{:>10}", "step", "passed", "failed", "skipped", "time");
        for Line { step, outcome, elapsed } in &self.lines {
            let (passed, failed, skipped) = (outcome.passed, outcome.failed.len(), outcome.skipped.len());
            let time = format!("{:.1} s", elapsed.as_secs_f64());
            let _ = writeln!(text, "{:<10}{passed:>8}{failed:>8}{skipped:>9}{time:>10}", step.name());
        }
        for step in &self.not_run {
            let _ = writeln!(text, "{:<10}{:>35}", step.name(), "not run");
        }
        self.names(|outcome| &outcome.skipped, "skipped", &mut text);
        self.names(|outcome| &outcome.failed, "failed", &mut text);
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        let passed = self.sum(|outcome| outcome.passed);
        let failed = self.sum(|outcome| outcome.failed.len());
        let skipped = self.sum(|outcome| outcome.skipped.len());
        write!(f, "{text}\n{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: Step, passed: usize, failed: &[&str], skipped: &[&str]) -> Line {
        let names = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let outcome = Outcome { passed, failed: names(failed), skipped: names(skipped) };
        Line { step, outcome, elapsed: Duration::from_millis(1250) }
    }

    #[test]
    fn the_last_line_is_the_totals() {
        let report = Report {
            lines: vec![line(Step::Fmt, 1, &[], &[]), line(Step::Unit, 40, &["a b"], &["c d: no file"])],
            not_run: vec![Step::Sqlite],
            notes: vec!["something to know".to_owned()],
        };
        let text = report.to_string();
        assert_eq!(text.lines().last(), Some("41 passed, 1 failed, 1 skipped"));
        for part in ["[unit] a b", "[unit] c d: no file", "not run", "note: something to know", "1.2 s"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(report.has_failed());
    }

    #[test]
    fn a_good_run_has_not_failed() {
        let report = Report { lines: vec![line(Step::Fmt, 1, &[], &["x"])], ..Report::default() };
        assert!(!report.has_failed());
    }
}
