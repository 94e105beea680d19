//! Prometheus metrics. Services record with the `metrics` macros; every name begins with `backtrail_`, durations are in
//! seconds (`…_seconds`), sizes in bytes (`…_bytes`), and counters end in `_total`.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of every duration histogram: from a fast request to a backup of many hours.
const SECONDS: [f64; 18] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 300.0, 1800.0, 7200.0, 43200.0,
];

/// Bounds of every size histogram.
const BYTES: [f64; 8] = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// The process's recorder, as text for Prometheus.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Everything recorded so far, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }
}

/// Installs the recorder of this process, or gives the one that is there.
///
/// # Errors
/// Another recorder was installed by somebody else.
pub fn install() -> Result<Metrics, MetricsError> {
    if let Some(handle) = RECORDER.get() {
        return Ok(Metrics(handle.clone()));
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), &BYTES))
        .and_then(PrometheusBuilder::install_recorder);
    match (handle, RECORDER.get()) {
        (Ok(handle), _) => Ok(Metrics(RECORDER.get_or_init(|| handle).clone())),
        // Another thread was faster.
        (Err(_), Some(handle)) => Ok(Metrics(handle.clone())),
        (Err(source), None) => Err(MetricsError { source }),
    }
}

/// Says which program this is: `backtrail_build_info{service,version} 1`.
pub(crate) fn describe(service: &'static str) {
    metrics::gauge!("backtrail_build_info", "service" => service, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// Folds what histograms have collected, for ever; without it they grow until somebody asks for the metrics.
pub(crate) async fn keep_up(metrics: Metrics) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        metrics.0.run_upkeep();
    }
}

/// No metrics can be recorded.
#[derive(Debug, thiserror::Error)]
#[error("the metrics recorder cannot be installed; a process has one, and something else has taken its place")]
pub struct MetricsError {
    source: BuildError,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_recorder_a_process() {
        let first = install().unwrap();
        let second = install().unwrap();
        describe("test");
        metrics::histogram!("backtrail_test_seconds").record(0.2);
        assert_eq!(first.render(), second.render());
        assert!(first.render().contains("backtrail_build_info{service=\"test\""), "{}", first.render());
        assert!(first.render().contains("backtrail_test_seconds_bucket{le=\"0.25\"} 1"), "{}", first.render());
    }
}
