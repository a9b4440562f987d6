//! What every floor may use and what knows nothing of the product: ids, the analysis of text into terms.

pub mod ids;
pub mod terms;
