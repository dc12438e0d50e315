//! Numbers about this process in Prometheus's text form. Labels are routes as written in the code, never addresses
//! as requested, so that their number is bounded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
struct Answered {
    count: u64,
    micros: u128,
}

/// Requests answered so far.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(String, String, u16), Answered>>,
}

impl Metrics {
    /// Counts one answered request.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = requests.entry((method.to_owned(), route.to_owned(), status)).or_default();
        entry.count += 1;
        entry.micros += took.as_micros();
    }

    /// Everything, in Prometheus's text form.
    pub(crate) fn render(&self) -> String {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text =
            String::from("# HELP souk_up Whether this process serves.\n# TYPE souk_up gauge\nsouk_up 1\n");
        text.push_str(concat!(
            "# HELP souk_build_info The version that runs.\n# TYPE souk_build_info gauge\n",
            "souk_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1\n",
            "# HELP souk_http_request_duration_seconds Requests answered and the time that took, up to the headers.\n",
            "# TYPE souk_http_request_duration_seconds summary\n",
        ));
        for ((method, route, status), answered) in requests.iter() {
            let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
            let (seconds, micros) = (answered.micros / 1_000_000, answered.micros % 1_000_000);
            let name = "souk_http_request_duration_seconds";
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}_count{labels} {}", answered.count);
            let _ = writeln!(text, "{name}_sum{labels} {seconds}.{micros:06}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_route_and_status() {
        let metrics = Metrics::default();
        metrics.answered("GET", "/v1/me", 200, Duration::from_millis(1_500));
        metrics.answered("GET", "/v1/me", 200, Duration::from_millis(600));
        let text = metrics.render();
        let labels = "{method=\"GET\",route=\"/v1/me\",status=\"200\"}";
        assert!(text.contains(&format!("souk_http_request_duration_seconds_count{labels} 2\n")), "{text}");
        assert!(
            text.contains(&format!("souk_http_request_duration_seconds_sum{labels} 2.100000\n")),
            "{text}"
        );
    }
}
