//! What every floor may use and what knows nothing of the product: time, ids, the priority of threads, the analysis of text into terms.

pub mod canonical;
pub mod clock;
pub mod ids;
pub mod live_secret;
pub mod priority;
pub mod terms;
