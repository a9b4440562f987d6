//! Limits and manners of enrichment.

use std::time::Duration;

use super::prompt::Lengths;

/// Limits and manners of enrichment.
#[derive(Clone, Debug)]
pub struct EnrichmentSettings {
    /// Names of the providers that are asked, in order; all that write a text of their own when empty.
    pub providers: Vec<String>,
    /// Collections that this process works on at once.
    pub concurrency: usize,
    /// After so long a collection lets others go first.
    pub slice: Duration,
    /// How long a worker is trusted without a sign.
    pub lease: Duration,
    /// Most tokens of a document that are read with what is asked.
    pub document_tokens: u32,
    /// Tokens that a model reads and writes at once, where nothing is known of it.
    pub context_tokens: u32,
    /// How long what the model writes may be.
    pub lengths: Lengths,
    /// Tokens that a collection may use in a month, unless it has a number of its own.
    pub collection_tokens: i64,
    /// Tokens that all collections of a tenant may use in a month.
    pub tenant_tokens: i64,
    /// Attempts at a document without getting any further before it is given up.
    pub max_attempts: u32,
    /// Wait after the first attempt that failed, twice as long after each further one.
    pub retry: Duration,
    /// How often it is looked whether there is something again, once a budget is used up.
    pub recheck: Duration,
}
