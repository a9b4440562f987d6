//! HTTP of sources.

mod configuration;
mod runs;
mod sources;
mod views;

pub use runs::SourceRunsApi;
pub use sources::SourcesApi;
