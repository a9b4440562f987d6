//! Where and how a source is read, as it is asked for and shown: one type for each kind.

use poem_openapi::{Enum, Object, Union};

use crate::sources::configuration::{Configuration, Discovery, Website};

/// The kind of a source that is a web site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "WebsiteKind", rename_all = "snake_case")]
pub enum WebsiteKind {
    /// Pages of a web site.
    Website,
}

/// How pages of a web site are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "WebsiteDiscovery", rename_all = "snake_case")]
pub enum DiscoveryName {
    /// By links, from the first page on.
    Crawl,
    /// By a sitemap, or an index of sitemaps.
    Sitemap,
}

/// Pages of one host.
#[derive(Debug, Object)]
#[oai(rename = "WebsiteConfiguration", deny_unknown_fields, skip_serializing_if_is_none)]
pub struct WebsiteView {
    /// What it is.
    kind: WebsiteKind,
    /// Where it begins: the first page of a crawl, or the sitemap. An https address that the internet reaches.
    #[oai(validator(min_length = 1, max_length = 1000))]
    url: String,
    /// How its pages are found.
    discovery: DiscoveryName,
    /// Only pages whose path begins so; when absent, the folder of the first page of a crawl, or the whole host of a sitemap.
    #[oai(validator(min_length = 1, max_length = 1000))]
    path_prefix: Option<String>,
    /// No pages whose path begins so.
    #[oai(validator(max_items = 50, max_length = 1000))]
    exclude: Option<Vec<String>>,
    /// Most pages; as many as the server allows when absent.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
    max_pages: Option<u32>,
    /// Most links between the first page and any other; as many as the server allows when absent.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000")))]
    max_depth: Option<u32>,
}

/// Where and how a source is read.
#[derive(Debug, Union)]
#[oai(discriminator_name = "kind", one_of = true, rename_all = "snake_case")]
pub enum SourceConfiguration {
    /// Pages of a web site.
    Website(WebsiteView),
}

impl SourceConfiguration {
    /// For examples.
    pub fn example() -> Self {
        Self::Website(WebsiteView {
            kind: WebsiteKind::Website,
            url: "https://docs.example.com/guide/".to_owned(),
            discovery: DiscoveryName::Crawl,
            path_prefix: None,
            exclude: Some(vec!["/guide/old/".to_owned()]),
            max_pages: Some(500),
            max_depth: None,
        })
    }
}

impl From<SourceConfiguration> for Configuration {
    fn from(configuration: SourceConfiguration) -> Self {
        let SourceConfiguration::Website(website) = configuration;
        let WebsiteView { url, discovery, path_prefix, exclude, max_pages, max_depth, .. } =
            website;
        let discovery = match discovery {
            DiscoveryName::Crawl => Discovery::Crawl,
            DiscoveryName::Sitemap => Discovery::Sitemap,
        };
        let exclude = exclude.unwrap_or_default();
        Self::Website(Website { url, discovery, path_prefix, exclude, max_pages, max_depth })
    }
}

impl From<Configuration> for SourceConfiguration {
    fn from(configuration: Configuration) -> Self {
        let Configuration::Website(website) = configuration;
        let Website { url, discovery, path_prefix, exclude, max_pages, max_depth } = website;
        Self::Website(WebsiteView {
            kind: WebsiteKind::Website,
            url,
            discovery: match discovery {
                Discovery::Crawl => DiscoveryName::Crawl,
                Discovery::Sitemap => DiscoveryName::Sitemap,
            },
            path_prefix,
            exclude: Some(exclude).filter(|exclude| !exclude.is_empty()),
            max_pages,
            max_depth,
        })
    }
}
