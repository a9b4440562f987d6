//! Web sites, as they are given and stored.

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::ConfigurationError;
use crate::adapters::outbound::Outbound;
use crate::sources::sync::SyncSettings;

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

/// The same with its address as it is understood, when it can be read at all.
///
/// # Errors
/// See [`ConfigurationError`].
pub(super) fn checked(
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
    let prefix = |text: &String| checked_prefix(&url, text, settings.max_url_bytes);
    let path_prefix = match website.path_prefix.as_ref().map(prefix).transpose() {
        Ok(path_prefix) => path_prefix,
        Err(detail) => return wrong("/configuration/path_prefix", detail),
    };
    let exclude: Vec<String> = match website.exclude.iter().map(prefix).collect() {
        Ok(exclude) => exclude,
        Err(detail) => return wrong("/configuration/exclude", format!("each {detail}")),
    };
    if website.max_pages.is_some_and(|most| most > settings.max_pages) {
        let detail = format!("must be at most {}", settings.max_pages);
        return wrong("/configuration/max_pages", detail);
    }
    if website.max_depth.is_some_and(|most| most > settings.max_depth) {
        let detail = format!("must be at most {}", settings.max_depth);
        return wrong("/configuration/max_depth", detail);
    }
    let is_crawl = website.discovery == Discovery::Crawl;
    let mut prefixes = path_prefix.iter();
    if is_crawl && prefixes.any(|prefix| !url.path().starts_with(prefix.as_str())) {
        let detail = "the page where the crawl begins must be one of those with this prefix";
        return wrong("/configuration/path_prefix", detail.to_owned());
    }
    if is_crawl && exclude.iter().any(|prefix| url.path().starts_with(prefix.as_str())) {
        let detail = "the page where the crawl begins must not be left out";
        return wrong("/configuration/exclude", detail.to_owned());
    }
    Ok(Website { url: url.to_string(), path_prefix, exclude, ..website })
}

/// A beginning of paths as it stands in addresses, where all but a few characters are written by their numbers.
fn checked_prefix(of: &Url, text: &str, max_bytes: usize) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err("must begin with a slash, as in /docs/".to_owned());
    }
    if text.contains(|character: char| character.is_control() || "?#\\".contains(character)) {
        let detail = "must be a path alone: without ?, #, backslashes and control characters";
        return Err(detail.to_owned());
    }
    let mut url = of.clone();
    url.set_path(text);
    if url.path().len() > max_bytes {
        return Err(format!("must have at most {max_bytes} bytes"));
    }
    Ok(url.path().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_of_paths_is_written_as_addresses_are() {
        let of = Url::parse("https://a.example/docs/?b=c").unwrap();
        let prefix = |text: &str| checked_prefix(&of, text, 20);
        for (text, written) in [
            ("/docs/", "/docs/"),
            ("/", "/"),
            ("/übung", "/%C3%BCbung"),
            ("/a b", "/a%20b"),
            ("/a%20b", "/a%20b"),
            ("/a/../b", "/b"),
            ("/é/234567890123", "/%C3%A9/234567890123"),
        ] {
            assert_eq!(prefix(text).as_deref(), Ok(written), "{text}");
        }
        for text in ["", "docs", "/a?b", "/a#b", "/a\\b", "/a\0b", "/a\nb", "/é/2345678901234"] {
            assert!(prefix(text).is_err(), "{text:?}");
        }
    }
}
