//! The environment of the process.

use async_trait::async_trait;

use super::{Setting, SettingsSource, SourceError};

/// The variables that the process was started with.
#[derive(Clone, Copy, Debug)]
pub struct ProcessEnvironment;

#[async_trait]
impl SettingsSource for ProcessEnvironment {
    #[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
    async fn read(&self) -> Result<Vec<Setting>, SourceError> {
        // A name or value that is no text is none of ours.
        let pairs = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let setting = |(name, value)| Setting { name, value, place: "environment".to_owned() };
        Ok(pairs.map(setting).collect())
    }
}
