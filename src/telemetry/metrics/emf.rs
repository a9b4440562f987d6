//! The families as lines of CloudWatch's embedded metric format: what the log agent ships becomes metrics, with no agent more.
//!
//! Counters and histograms tell what was added since the last time, gauges what is now. A histogram is told by the upper bounds
//! of its buckets with their counts. CloudWatch charges for each set of dimensions: most labels are summed up.

use std::collections::{BTreeMap, HashMap};

use prometheus::proto::{Metric, MetricFamily, MetricType};
use serde_json::{Map, Value, json};

use super::super::logs::LineWriter;
use super::gather;

/// Labels that stay dimensions, by family; those of any other family are summed up.
const DIMENSIONS: [(&str, &[&str]); 10] = [
    ("pidima_http_requests_total", &["status"]),
    ("pidima_runs_total", &["outcome"]),
    ("pidima_model_tokens_total", &["model", "direction"]),
    ("pidima_model_cost_usd_total", &["model"]),
    ("pidima_retrievals_total", &["mode"]),
    ("pidima_jobs_total", &["kind", "outcome"]),
    ("pidima_ingestion_attempts_total", &["outcome"]),
    ("pidima_ingestion_stage_duration_seconds", &["stage"]),
    ("pidima_queue_messages", &["state"]),
    ("pidima_db_connections", &["state"]),
];

/// A family with the labels that stay.
type Series = (String, BTreeMap<String, String>);

/// Lines for CloudWatch, each time from what was told the last time.
pub struct EmfWriter {
    lines: LineWriter,
    namespace: String,
    service: String,
    told: HashMap<Series, Sample>,
}

/// What a series holds.
#[derive(Clone, Debug, PartialEq)]
enum Sample {
    Gauge(f64),
    Counter(f64),
    /// Counts by bucket, each for itself, with their upper bounds; and the sum.
    Histogram(Vec<(f64, f64)>, f64),
}

impl EmfWriter {
    /// A writer to stdout with room for so many lines.
    pub fn new(namespace: String, service: String, buffer_lines: usize) -> Self {
        let lines = LineWriter::stdout(buffer_lines);
        Self { lines, namespace, service, told: HashMap::new() }
    }

    /// Writes what there is to tell, as of `timestamp_ms` since 1970.
    pub fn write(&mut self, timestamp_ms: i64) {
        let now = sum_up(&gather());
        for (series, sample) in &now {
            let news = sample.since(self.told.get(series));
            if let Some(value) = news.and_then(|news| news.value()) {
                let line = line(&self.namespace, &self.service, timestamp_ms, series, value);
                self.lines.line(&line.to_string());
            }
        }
        self.told = now;
    }
}

fn sum_up(families: &[MetricFamily]) -> HashMap<Series, Sample> {
    let mut all: HashMap<Series, Sample> = HashMap::new();
    for family in families {
        let kept = DIMENSIONS.iter().find(|(name, _)| *name == family.name());
        let kept = kept.map_or(&[][..], |(_, labels)| labels);
        for metric in family.get_metric() {
            let labels = metric.get_label().iter().filter(|label| kept.contains(&label.name()));
            let labels =
                labels.map(|label| (label.name().to_owned(), label.value().to_owned())).collect();
            let sample = Sample::of(family.get_field_type(), metric);
            let Some(sample) = sample else { continue };
            match all.entry((family.name().to_owned(), labels)) {
                std::collections::hash_map::Entry::Occupied(mut sum) => sum.get_mut().add(&sample),
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(sample);
                }
            }
        }
    }
    all
}

impl Sample {
    fn of(kind: MetricType, metric: &Metric) -> Option<Self> {
        match kind {
            // What is not known now is no number.
            MetricType::GAUGE => Some(metric.get_gauge().get_value())
                .filter(|value| value.is_finite())
                .map(Self::Gauge),
            MetricType::COUNTER => Some(Self::Counter(metric.get_counter().get_value())),
            MetricType::HISTOGRAM => {
                let histogram = metric.get_histogram();
                let mut below = 0;
                let mut buckets = Vec::new();
                for bucket in histogram.get_bucket() {
                    let count = bucket.cumulative_count() - below;
                    below = bucket.cumulative_count();
                    buckets.push((bucket.upper_bound(), count));
                }
                // What lies above the highest bound is told as if it were there.
                if let Some((_, count)) = buckets.last_mut() {
                    *count += histogram.get_sample_count().saturating_sub(below);
                }
                #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
                let buckets = buckets.into_iter().map(|(at, count)| (at, count as f64)).collect();
                Some(Self::Histogram(buckets, histogram.get_sample_sum()))
            }
            _ => None,
        }
    }

    fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Gauge(sum), Self::Gauge(more)) | (Self::Counter(sum), Self::Counter(more)) => {
                *sum += more;
            }
            (Self::Histogram(buckets, sum), Self::Histogram(more, more_sum)) => {
                *sum += more_sum;
                for ((_, count), (_, more)) in buckets.iter_mut().zip(more) {
                    *count += more;
                }
            }
            _ => {}
        }
    }

    /// What was added since then; a gauge is what it is.
    fn since(&self, told: Option<&Self>) -> Option<Self> {
        match (self, told) {
            (Self::Counter(now), Some(Self::Counter(then))) => Some(Self::Counter(now - then)),
            (Self::Histogram(now, sum), Some(Self::Histogram(then, then_sum))) => {
                let buckets = now.iter().zip(then);
                let buckets = buckets.map(|((at, now), (_, then))| (*at, now - then)).collect();
                Some(Self::Histogram(buckets, sum - then_sum))
            }
            _ => Some(self.clone()),
        }
    }

    /// As CloudWatch reads it; none when nothing happened.
    fn value(&self) -> Option<Value> {
        match self {
            Self::Gauge(value) => Some(json!(value)),
            Self::Counter(value) => (*value > 0.0).then(|| json!(value)),
            Self::Histogram(buckets, sum) => {
                let filled: Vec<_> = buckets.iter().filter(|(_, count)| *count > 0.0).collect();
                let (first, last) = (filled.first()?, filled.last()?);
                Some(json!({
                    "Values": filled.iter().map(|(at, _)| at).collect::<Vec<_>>(),
                    "Counts": filled.iter().map(|(_, count)| count).collect::<Vec<_>>(),
                    "Min": first.0,
                    "Max": last.0,
                    "Count": filled.iter().map(|(_, count)| count).sum::<f64>(),
                    "Sum": sum,
                }))
            }
        }
    }
}

fn line(
    namespace: &str,
    service: &str,
    timestamp_ms: i64,
    (name, labels): &Series,
    value: Value,
) -> Value {
    let dimensions: Vec<&str> =
        std::iter::once("service").chain(labels.keys().map(String::as_str)).collect();
    let mut members = Map::new();
    members.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": timestamp_ms,
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [dimensions],
                "Metrics": [{ "Name": name, "Unit": unit(name) }],
            }],
        }),
    );
    members.insert("service".to_owned(), json!(service));
    members.extend(labels.iter().map(|(label, word)| (label.clone(), json!(word))));
    members.insert(name.clone(), value);
    Value::Object(members)
}

/// The unit that a name ends with, in CloudWatch's words.
fn unit(name: &str) -> &'static str {
    match name.strip_suffix("_total").unwrap_or(name) {
        name if name.ends_with("_seconds") => "Seconds",
        name if name.ends_with("_usd") => "None",
        _ => "Count",
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

    use super::*;

    fn registry() -> (Registry, IntCounterVec, HistogramVec) {
        let registry = Registry::new();
        let counts = Opts::new("pidima_runs_total", "-");
        let counts = IntCounterVec::new(counts, &["outcome", "more"]).unwrap();
        let times = HistogramOpts::new("pidima_times_seconds", "-").buckets(vec![0.1, 1.0]);
        let times = HistogramVec::new(times, &["operation"]).unwrap();
        registry.register(Box::new(counts.clone())).unwrap();
        registry.register(Box::new(times.clone())).unwrap();
        (registry, counts, times)
    }

    fn series(name: &str, labels: &[(&str, &str)]) -> Series {
        let labels = labels.iter().map(|(name, word)| ((*name).to_owned(), (*word).to_owned()));
        (name.to_owned(), labels.collect())
    }

    #[test]
    fn what_is_not_known_now_is_left_out() {
        let registry = Registry::new();
        let ages = GaugeVec::new(Opts::new("pidima_age_seconds", "-"), &["more"]).unwrap();
        registry.register(Box::new(ages.clone())).unwrap();
        ages.with_label_values(&["known"]).set(3.0);
        assert_eq!(sum_up(&registry.gather()).len(), 1);
        for unknown in [f64::NAN, f64::INFINITY] {
            ages.with_label_values(&["known"]).set(unknown);
            assert_eq!(sum_up(&registry.gather()), HashMap::new(), "{unknown}");
        }
    }

    #[test]
    fn labels_that_are_no_dimensions_are_summed_up_and_only_what_is_new_is_told() {
        let (registry, counts, _) = registry();
        counts.with_label_values(&["answered", "a"]).inc_by(2);
        counts.with_label_values(&["answered", "b"]).inc_by(3);
        counts.with_label_values(&["failed", "b"]).inc();
        let first = sum_up(&registry.gather());
        let answered = series("pidima_runs_total", &[("outcome", "answered")]);
        assert_eq!(first[&answered], Sample::Counter(5.0));
        counts.with_label_values(&["answered", "a"]).inc();
        let second = sum_up(&registry.gather());
        let news = |name: &Series| second[name].since(first.get(name)).unwrap().value();
        assert_eq!(news(&answered), Some(json!(1.0)));
        assert_eq!(news(&series("pidima_runs_total", &[("outcome", "failed")])), None);
    }

    #[test]
    fn a_histogram_is_told_by_its_buckets() {
        let (registry, _, times) = registry();
        times.with_label_values(&["read"]).observe(0.05);
        let first = sum_up(&registry.gather());
        for seconds in [0.05, 0.5, 7.0] {
            times.with_label_values(&["write"]).observe(seconds);
        }
        let name = series("pidima_times_seconds", &[]);
        let second = sum_up(&registry.gather());
        let told = second[&name].since(first.get(&name)).unwrap().value().unwrap();
        assert_eq!(told["Values"], json!([0.1, 1.0]));
        assert_eq!(told["Counts"], json!([1.0, 2.0]));
        assert_eq!(told["Count"], json!(3.0));
        assert_eq!(told["Sum"], json!(7.55));
    }

    #[test]
    fn a_line_names_its_dimensions_and_its_unit() {
        let name = series("pidima_model_cost_usd_total", &[("model", "m")]);
        let line = line("Pidima", "pidima", 7, &name, json!(0.5));
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(line["_aws"]["Timestamp"], 7);
        assert_eq!(metrics["Namespace"], "Pidima");
        assert_eq!(metrics["Dimensions"], json!([["service", "model"]]));
        assert_eq!(metrics["Metrics"], json!([{ "Name": name.0, "Unit": "None" }]));
        assert_eq!(
            (&line["service"], &line["model"], &line[&name.0]),
            (&json!("pidima"), &json!("m"), &json!(0.5))
        );
        assert_eq!(unit("pidima_first_token_seconds"), "Seconds");
        assert_eq!(unit("pidima_runs_total"), "Count");
    }
}
