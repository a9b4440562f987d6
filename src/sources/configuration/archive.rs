//! Archives, as they are given and stored.

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::ConfigurationError;
use crate::adapters::outbound::Outbound;
use crate::sources::files::Selection;
use crate::sources::sync::SyncSettings;

/// Files of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Where it is fetched from.
    pub url: String,
    /// Whether one folder around everything is left out of the names; as if true when absent.
    pub strip_top_folder: Option<bool>,
    /// Which of its files.
    #[serde(flatten)]
    pub selection: Selection,
}

/// The same with its address as it is understood, when it can be read at all.
///
/// # Errors
/// See [`ConfigurationError`].
pub(super) fn checked(
    archive: Archive,
    outbound: &Outbound,
    settings: &SyncSettings,
) -> Result<Archive, ConfigurationError> {
    let pointer = "/configuration/url";
    let wrong = |detail: String| ConfigurationError { pointer, detail };
    let target = outbound.target(&archive.url).map_err(|error| wrong(error.to_string()))?;
    let mut url = Url::parse(target.as_str()).map_err(|error| wrong(error.to_string()))?;
    url.set_fragment(None);
    if url.as_str().len() > settings.max_url_bytes {
        return Err(wrong(format!("must have at most {} bytes", settings.max_url_bytes)));
    }
    let selection = archive.selection.checked(settings)?;
    Ok(Archive { url: url.to_string(), selection, ..archive })
}
