//! Where and how a source is read, as it is asked for and shown: one type for each kind.

use poem_openapi::{Enum, Object, Union};

use crate::sources::configuration::{Archive, Configuration, Discovery, Website};
use crate::sources::files::Selection;

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

/// The kind of a source that is an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "ArchiveKind", rename_all = "snake_case")]
pub enum ArchiveKind {
    /// Files of an archive.
    Archive,
}

/// Files of an archive: zip, tar or tar.gz. One folder around everything, as Git hosts make it, is taken off.
#[derive(Debug, Object)]
#[oai(rename = "ArchiveConfiguration", deny_unknown_fields, skip_serializing_if_is_none)]
pub struct ArchiveView {
    /// What it is.
    kind: ArchiveKind,
    /// Where it is fetched from. An https address that the internet reaches.
    #[oai(validator(min_length = 1, max_length = 1000))]
    url: String,
    /// Only files whose path is meant by one of these patterns, such as `docs/` or `**/*.md`; all when absent.
    #[oai(validator(max_items = 50, max_length = 200))]
    include: Option<Vec<String>>,
    /// No files whose path is meant by one of these patterns.
    #[oai(validator(max_items = 50, max_length = 200))]
    exclude: Option<Vec<String>>,
    /// What stands before the path of a file in the name of its document, such as `guide/`; nothing when absent.
    #[oai(validator(min_length = 1, max_length = 100))]
    name_prefix: Option<String>,
    /// Most files; as many as the server allows when absent.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
    max_files: Option<u32>,
}

/// Where and how a source is read.
#[derive(Debug, Union)]
#[oai(discriminator_name = "kind", one_of = true, rename_all = "snake_case")]
pub enum SourceConfiguration {
    /// Pages of a web site.
    Website(WebsiteView),
    /// Files of an archive.
    Archive(ArchiveView),
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
        match configuration {
            SourceConfiguration::Website(website) => Self::Website(website.into()),
            SourceConfiguration::Archive(archive) => Self::Archive(archive.into()),
        }
    }
}

impl From<Configuration> for SourceConfiguration {
    fn from(configuration: Configuration) -> Self {
        match configuration {
            Configuration::Website(website) => Self::Website(website.into()),
            Configuration::Archive(archive) => Self::Archive(archive.into()),
        }
    }
}

impl From<WebsiteView> for Website {
    fn from(website: WebsiteView) -> Self {
        let WebsiteView { url, discovery, path_prefix, exclude, max_pages, max_depth, .. } =
            website;
        let discovery = match discovery {
            DiscoveryName::Crawl => Discovery::Crawl,
            DiscoveryName::Sitemap => Discovery::Sitemap,
        };
        let exclude = exclude.unwrap_or_default();
        Self { url, discovery, path_prefix, exclude, max_pages, max_depth }
    }
}

impl From<Website> for WebsiteView {
    fn from(website: Website) -> Self {
        let Website { url, discovery, path_prefix, exclude, max_pages, max_depth } = website;
        Self {
            kind: WebsiteKind::Website,
            url,
            discovery: match discovery {
                Discovery::Crawl => DiscoveryName::Crawl,
                Discovery::Sitemap => DiscoveryName::Sitemap,
            },
            path_prefix,
            exclude: shown(exclude),
            max_pages,
            max_depth,
        }
    }
}

impl From<ArchiveView> for Archive {
    fn from(archive: ArchiveView) -> Self {
        let ArchiveView { url, include, exclude, name_prefix, max_files, .. } = archive;
        let (include, exclude) = (include.unwrap_or_default(), exclude.unwrap_or_default());
        Self { url, selection: Selection { include, exclude, name_prefix, max_files } }
    }
}

impl From<Archive> for ArchiveView {
    fn from(archive: Archive) -> Self {
        let Archive { url, selection } = archive;
        let Selection { include, exclude, name_prefix, max_files } = selection;
        Self {
            kind: ArchiveKind::Archive,
            url,
            include: shown(include),
            exclude: shown(exclude),
            name_prefix,
            max_files,
        }
    }
}

/// A list, unless it is empty.
fn shown(list: Vec<String>) -> Option<Vec<String>> {
    Some(list).filter(|list| !list.is_empty())
}
