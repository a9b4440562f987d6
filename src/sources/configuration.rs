//! Where and how a source is read, as it is stored.

use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sync::SyncSettings;
use crate::adapters::outbound::Outbound;
use crate::db;

/// Name of the kind of sources that are web sites.
const WEBSITE: &str = "website";

/// Where and how, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Configuration {
    /// Pages of a web site.
    Website(Website),
}

/// Pages of one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Website {
    /// Where it begins: a page, or a sitemap.
    pub url: String,
    /// How its pages are found.
    pub discovery: Discovery,
    /// Pages whose path begins so; absent for the folder of the first page, or for the whole host of a sitemap.
    pub path_prefix: Option<String>,
    /// No pages whose path begins so.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Most pages.
    pub max_pages: Option<u32>,
    /// Most links between the start and a page.
    pub max_depth: Option<u32>,
}

/// How pages are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discovery {
    /// By links, from the first page on.
    Crawl,
    /// By a sitemap.
    Sitemap,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ConfigurationError {
    /// Field of the configuration, as a JSON pointer.
    pub pointer: &'static str,
    /// What to do.
    pub detail: String,
}

impl Configuration {
    /// Name of the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Website(_) => WEBSITE,
        }
    }

    /// From the columns of a row.
    ///
    /// # Errors
    /// The row holds something else.
    pub fn from_row(kind: &str, configuration: &Value) -> db::Result<Self> {
        let fault = |detail: String| db::Error::Inconsistent { table: "sources", detail };
        if kind != WEBSITE {
            return Err(fault(format!("kind \"{kind}\"")));
        }
        let website = Website::deserialize(configuration);
        Ok(Self::Website(website.map_err(|error| fault(error.to_string()))?))
    }

    /// For the column of a row.
    pub fn to_row(&self) -> Value {
        match self {
            Self::Website(website) => serde_json::to_value(website).unwrap_or_default(),
        }
    }

    /// The same with its address as it is understood, when it can be read at all.
    ///
    /// # Errors
    /// See [`ConfigurationError`].
    pub fn checked(
        self,
        outbound: &Outbound,
        settings: &SyncSettings,
    ) -> Result<Self, ConfigurationError> {
        let Self::Website(website) = self;
        Ok(Self::Website(checked_website(website, outbound, settings)?))
    }
}

fn checked_website(
    website: Website,
    outbound: &Outbound,
    settings: &SyncSettings,
) -> Result<Website, ConfigurationError> {
    let wrong = |pointer, detail: String| Err(ConfigurationError { pointer, detail });
    let target = match outbound.target(&website.url) {
        Ok(target) => target,
        Err(error) => return wrong("/configuration/url", error.to_string()),
    };
    let mut url = match Url::parse(target.as_str()) {
        Ok(url) => url,
        Err(error) => return wrong("/configuration/url", error.to_string()),
    };
    url.set_fragment(None);
    if url.as_str().len() > settings.max_url_bytes {
        let detail = format!("must have at most {} bytes", settings.max_url_bytes);
        return wrong("/configuration/url", detail);
    }
    let begins = "must begin with a slash, as in /docs/".to_owned();
    if website.path_prefix.as_ref().is_some_and(|prefix| !prefix.starts_with('/')) {
        return wrong("/configuration/path_prefix", begins);
    }
    if website.exclude.iter().any(|prefix| !prefix.starts_with('/')) {
        return wrong("/configuration/exclude", format!("each {begins}"));
    }
    if website.max_pages.is_some_and(|most| most > settings.max_pages) {
        let detail = format!("must be at most {}", settings.max_pages);
        return wrong("/configuration/max_pages", detail);
    }
    if website.max_depth.is_some_and(|most| most > settings.max_depth) {
        let detail = format!("must be at most {}", settings.max_depth);
        return wrong("/configuration/max_depth", detail);
    }
    let is_crawl = website.discovery == Discovery::Crawl;
    let mut prefixes = website.path_prefix.iter();
    if is_crawl && prefixes.any(|prefix| !url.path().starts_with(prefix.as_str())) {
        let detail = "the page where the crawl begins must be one of those with this prefix";
        return wrong("/configuration/path_prefix", detail.to_owned());
    }
    if is_crawl && website.exclude.iter().any(|prefix| url.path().starts_with(prefix.as_str())) {
        let detail = "the page where the crawl begins must not be left out";
        return wrong("/configuration/exclude", detail.to_owned());
    }
    Ok(Website { url: url.to_string(), ..website })
}
