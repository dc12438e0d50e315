//! Reads the result file that nextest writes. It reads just what nextest puts there, and is no general XML parser.

/// What a run of nextest did, test by test.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) passed: usize,
    /// `package test` of each.
    pub(crate) failed: Vec<String>,
    /// `package test: reason` of each.
    pub(crate) skipped: Vec<String>,
}

impl Outcome {
    pub(crate) fn total(&self) -> usize {
        self.passed + self.failed.len() + self.skipped.len()
    }
}

/// A line of a passing test's output that starts like this says that the test could not do its work.
const SKIP_MARK: &str = "skipped: ";

/// Counts the test cases of a result file.
pub(crate) fn read(xml: &str) -> Outcome {
    let mut outcome = Outcome::default();
    for case in xml.split("<testcase ").skip(1) {
        let case = case.split("</testcase>").next().unwrap_or(case);
        let name = format!("{} {}", attribute(case, "classname"), attribute(case, "name"));
        // Markup inside a test's output is escaped, so that a tag can only be nextest's own.
        if case.contains("<failure") || case.contains("<error") {
            outcome.failed.push(name);
        } else if let Some(reason) = skip_reason(case) {
            outcome.skipped.push(format!("{name}: {reason}"));
        } else {
            outcome.passed += 1;
        }
    }
    outcome
}

fn skip_reason(case: &str) -> Option<String> {
    case.lines()
        .map(str::trim_start)
        .map(|line| line.strip_prefix("<system-err>").or(line.strip_prefix("<system-out>")).unwrap_or(line))
        .find_map(|line| line.strip_prefix(SKIP_MARK))
        .map(|reason| unescape(reason.split("</system-").next().unwrap_or(reason).trim()))
}

fn attribute(case: &str, name: &str) -> String {
    // The leading space keeps `name="` from matching the end of `classname="`.
    let padded = format!(" {case}");
    let start = format!(" {name}=\"");
    padded
        .split_once(&start)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(value, _)| unescape(value))
        .unwrap_or_default()
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="4" skipped="0" failures="1" errors="1">
    <testsuite name="souk-tests::e2e" tests="4" skipped="0" errors="1" failures="1">
        <testcase name="money::adds" classname="souk-tests::e2e" time="0.004">
            <system-out>
running 1 test
&lt;failure is only a word here
</system-out>
            <system-err></system-err>
        </testcase>
        <testcase name="contract::holds" classname="souk-tests::e2e" time="0.004">
            <system-out>running 1 test</system-out>
            <system-err>skipped: no &lt;file&gt; &amp; no &quot;luck&quot;</system-err>
        </testcase>
        <testcase name="money::breaks" classname="souk-tests::e2e" time="0.109">
            <failure message="boo" type="test failure">skipped: never, since it failed</failure>
        </testcase>
        <testcase name="money::starts" classname="souk-tests::e2e" time="0.109">
            <error type="execution failure">no such file</error>
        </testcase>
    </testsuite>
</testsuites>"#;

    #[test]
    fn every_test_case_is_counted_once() {
        let outcome = read(FILE);
        assert_eq!(outcome.passed, 1);
        assert_eq!(outcome.failed, ["souk-tests::e2e money::breaks", "souk-tests::e2e money::starts"]);
        assert_eq!(outcome.skipped, ["souk-tests::e2e contract::holds: no <file> & no \"luck\""]);
        assert_eq!(outcome.total(), 4);
    }

    #[test]
    fn a_run_without_tests_is_empty() {
        assert_eq!(read(r#"<testsuites name="nextest-run" tests="0"></testsuites>"#), Outcome::default());
    }
}
