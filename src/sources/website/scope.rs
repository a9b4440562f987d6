//! Which addresses belong to a source: one host, one beginning of the path, and none of those that are left out.

use reqwest::Url;

use crate::sources::configuration::{Discovery, Website};

/// What belongs to a source.
#[derive(Clone, Debug)]
pub struct Scope {
    start: Url,
    prefix: String,
    exclude: Vec<String>,
    max_url_bytes: usize,
}

impl Scope {
    /// The pages of a web site; absent when its address cannot be read.
    pub fn new(website: &Website, max_url_bytes: usize) -> Option<Self> {
        let start = Url::parse(&website.url).ok()?;
        let folder = match website.discovery {
            Discovery::Crawl => &start.path()[..=start.path().rfind('/').unwrap_or_default()],
            Discovery::Sitemap => "/",
        };
        let prefix = website.path_prefix.clone().unwrap_or_else(|| folder.to_owned());
        Some(Self { prefix, exclude: website.exclude.clone(), max_url_bytes, start })
    }

    /// Where it begins.
    pub fn start(&self) -> &Url {
        &self.start
    }

    /// Address of the host's `robots.txt`.
    pub fn robots(&self) -> String {
        let mut url = self.start.clone();
        url.set_path("/robots.txt");
        url.set_query(None);
        url.to_string()
    }

    /// The host, for taking turns.
    pub fn host(&self) -> &str {
        self.start.host_str().unwrap_or_default()
    }

    /// The page that a link leads to, as it is written here: without a fragment, which names a place within it. Absent when it
    /// does not belong to the source.
    pub fn page(&self, base: &Url, link: &str) -> Option<String> {
        let url = self.same_host(base, link)?;
        let path = url.path();
        let is_left_out = self.exclude.iter().any(|prefix| path.starts_with(prefix.as_str()));
        (path.starts_with(&self.prefix) && !is_left_out).then(|| url.to_string())
    }

    /// The same for a list of pages, which may stand anywhere on the host.
    pub fn sitemap(&self, base: &Url, link: &str) -> Option<String> {
        self.same_host(base, link).map(|url| url.to_string())
    }

    fn same_host(&self, base: &Url, link: &str) -> Option<Url> {
        let mut url = base.join(link.trim()).ok()?;
        url.set_fragment(None);
        // Nothing is ever sent to an address with a backslash, which a query may hold.
        let is_plain =
            url.username().is_empty() && url.password().is_none() && !url.as_str().contains('\\');
        let is_same =
            url.origin() == self.start.origin() && url.as_str().len() <= self.max_url_bytes;
        (is_plain && is_same).then_some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(website: Website) -> Scope {
        Scope::new(&website, 64).unwrap()
    }

    fn website(url: &str, discovery: Discovery) -> Website {
        let exclude = vec!["/docs/old/".to_owned()];
        let url = url.to_owned();
        Website { url, discovery, path_prefix: None, exclude, max_pages: None, max_depth: None }
    }

    #[test]
    fn a_crawl_stays_in_the_folder_where_it_begins() {
        let scope = scope(website("https://a.example/docs/index.html", Discovery::Crawl));
        let base = Url::parse("https://a.example/docs/guide/one.html").unwrap();
        let page = |link| scope.page(&base, link);
        let at = |path: &str| Some(format!("https://a.example{path}"));
        assert_eq!(page("two.html#part"), at("/docs/guide/two.html"));
        assert_eq!(page("../"), at("/docs/"));
        assert_eq!(page("?page=2"), at("/docs/guide/one.html?page=2"));
        assert_eq!(page(" https://A.example:443/docs/x "), at("/docs/x"));
        for outside in [
            "/",
            "/docs",
            "/docs/old/a.html",
            "http://a.example/docs/",
            "https://b.example/docs/",
            "https://a.example:8443/docs/",
            "https://user@a.example/docs/",
            "mailto:a@a.example",
            "javascript:void(0)",
            "//b.example/docs/",
            "/docs/x?a=\\b",
            "https://[",
        ] {
            assert_eq!(page(outside), None, "{outside}");
        }
    }

    #[test]
    fn an_address_is_as_long_as_the_limit_and_no_longer() {
        let scope = scope(website("https://a.example/", Discovery::Sitemap));
        let base = scope.start().clone();
        for (length, passes) in [(63, true), (64, true), (65, false)] {
            let link = "x".repeat(length - base.as_str().len());
            assert_eq!(scope.page(&base, &link).is_some(), passes, "{length}");
        }
    }

    #[test]
    fn pages_of_a_sitemap_may_be_limited_and_its_parts_stand_anywhere_on_the_host() {
        let mut site = website("https://a.example/maps/all.xml", Discovery::Sitemap);
        site.path_prefix = Some("/docs/".to_owned());
        let scope = scope(site);
        let base = scope.start().clone();
        assert!(scope.page(&base, "/docs/a").is_some() && scope.page(&base, "/blog/a").is_none());
        assert_eq!(scope.sitemap(&base, "b.xml").as_deref(), Some("https://a.example/maps/b.xml"));
        assert_eq!(scope.sitemap(&base, "https://b.example/b.xml"), None);
        assert_eq!(scope.robots(), "https://a.example/robots.txt");
    }
}
