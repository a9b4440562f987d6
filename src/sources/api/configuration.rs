//! Where and how a source is read, as it is asked for and shown: one type for each kind.

use poem_openapi::{Enum, Object, Union};

use crate::sources::configuration::{Archive, Bucket, Configuration, Discovery, Website};
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

/// Files of an archive: zip, tar or tar.gz.
#[derive(Debug, Object)]
#[oai(rename = "ArchiveConfiguration", deny_unknown_fields, skip_serializing_if_is_none)]
pub struct ArchiveView {
    /// What it is.
    kind: ArchiveKind,
    /// Where it is fetched from. An https address that the internet reaches.
    #[oai(validator(min_length = 1, max_length = 1000))]
    url: String,
    /// Whether one folder around everything, as Git hosts make it, is left out of the paths; true when absent. As long as the
    /// source has documents, it stays with what it did for them, until `url` or this is changed.
    strip_top_folder: Option<bool>,
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

/// The kind of a source that is a bucket of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "BucketKind", rename_all = "snake_case")]
pub enum BucketKind {
    /// Objects of a bucket.
    #[oai(rename = "s3")]
    S3,
}

/// Objects of a bucket of S3 that the operator has allowed for the tenant.
#[derive(Debug, Object)]
#[oai(rename = "BucketConfiguration", deny_unknown_fields, skip_serializing_if_is_none)]
pub struct BucketView {
    /// What it is.
    kind: BucketKind,
    /// Name of the bucket.
    #[oai(validator(min_length = 3, max_length = 63))]
    bucket: String,
    /// Only objects whose key begins so, such as `docs/guide/`, with a slash at its end; all when absent. What follows in a key
    /// is the path of the file.
    #[oai(validator(min_length = 1, max_length = 500))]
    prefix: Option<String>,
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
    /// Objects of a bucket.
    #[oai(mapping = "s3")]
    S3(BucketView),
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
            SourceConfiguration::S3(bucket) => Self::Bucket(bucket.into()),
        }
    }
}

impl From<Configuration> for SourceConfiguration {
    fn from(configuration: Configuration) -> Self {
        match configuration {
            Configuration::Website(website) => Self::Website(website.into()),
            Configuration::Archive(archive) => Self::Archive(archive.into()),
            Configuration::Bucket(bucket) => Self::S3(bucket.into()),
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
        let ArchiveView { url, strip_top_folder, include, exclude, name_prefix, max_files, .. } =
            archive;
        let (include, exclude) = (include.unwrap_or_default(), exclude.unwrap_or_default());
        let selection = Selection { include, exclude, name_prefix, max_files };
        Self { url, strip_top_folder, selection }
    }
}

impl From<Archive> for ArchiveView {
    fn from(archive: Archive) -> Self {
        let Archive { url, strip_top_folder, selection } = archive;
        let Selection { include, exclude, name_prefix, max_files } = selection;
        Self {
            kind: ArchiveKind::Archive,
            url,
            strip_top_folder,
            include: shown(include),
            exclude: shown(exclude),
            name_prefix,
            max_files,
        }
    }
}

impl From<BucketView> for Bucket {
    fn from(bucket: BucketView) -> Self {
        let BucketView { bucket, prefix, include, exclude, name_prefix, max_files, .. } = bucket;
        let (include, exclude) = (include.unwrap_or_default(), exclude.unwrap_or_default());
        let selection = Selection { include, exclude, name_prefix, max_files };
        Self { bucket, prefix: prefix.unwrap_or_default(), selection }
    }
}

impl From<Bucket> for BucketView {
    fn from(bucket: Bucket) -> Self {
        let Bucket { bucket, prefix, selection } = bucket;
        let Selection { include, exclude, name_prefix, max_files } = selection;
        Self {
            kind: BucketKind::S3,
            bucket,
            prefix: Some(prefix).filter(|prefix| !prefix.is_empty()),
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
