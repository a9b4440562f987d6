//! What the process counts and measures: one registry, which Prometheus reads as text and CloudWatch as lines of JSON.
//!
//! Names follow Prometheus: the unit at the end, `_total` for what only grows. Labels hold words of a closed set or names that
//! the operator chose; never a tenant, an id, or a text that came from outside.

mod emf;
mod families;

use std::sync::LazyLock;

use prometheus::TextEncoder;
use prometheus::proto::MetricFamily;

pub use emf::EmfWriter;
pub use families::{Families, OpenStream, PoolState, QueueState, RunFigures};

use super::logs;

/// What the process counts. Made when it is first asked for: a registry of fixed names and labels, which can not fail.
static FAMILIES: LazyLock<Families> = LazyLock::new(Families::new);

/// The counters and gauges of this process.
pub fn metrics() -> &'static Families {
    &FAMILIES
}

/// All families as they are now.
fn gather() -> Vec<MetricFamily> {
    let families = metrics();
    families.lines_dropped(logs::dropped_lines());
    families.registry.gather()
}

/// The page that Prometheus reads.
///
/// # Errors
/// A family has no name or no value, which none has.
pub fn page() -> prometheus::Result<String> {
    TextEncoder::new().encode_to_string(&gather())
}

/// Content type of that page.
pub const PAGE_TYPE: &str = prometheus::TEXT_FORMAT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_named_for_the_product_and_labels_stand_on_the_page() {
        metrics().request("list_documents", 200, 0.01);
        let page = page().unwrap();
        for line in page.lines() {
            let name = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
            assert!(name.starts_with("pidima_"), "{line}");
        }
        let line = "pidima_http_requests_total{operation=\"list_documents\",status=\"200\"}";
        assert!(page.contains(line), "{page}");
    }
}
