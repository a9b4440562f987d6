//! `robots.txt` (RFC 9309): what a site asks programs not to read.

use std::time::Duration;

use reqwest::Url;
use robotxt::Robots;

/// Our name in such a file.
const AGENT: &str = "pidima";

/// What a site asks of us.
#[derive(Clone, Debug)]
pub struct Rules(Robots);

impl Rules {
    /// From the text of the file; an empty one forbids nothing.
    pub fn parse(text: &str) -> Self {
        Self(Robots::parse(text.as_bytes(), AGENT))
    }

    /// Whether a page may be read.
    pub fn allow(&self, url: &Url) -> bool {
        self.0.is_url_allowed(url)
    }

    /// How far apart our requests are to be (`Crawl-delay`, which is no part of the standard); absent when the site does not say.
    pub fn crawl_delay(&self) -> Option<Duration> {
        self.0.crawl_delay()
    }
}

/// As much of a file as is read, as text: whole lines, as one that is cut forbids more than it does.
pub fn beginning(bytes: &[u8], most: usize) -> String {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let read = match bytes.get(..=most) {
        None => bytes,
        Some(more) => &bytes[..more.iter().rposition(is_end).unwrap_or_default()],
    };
    let text = String::from_utf8_lossy(read);
    // PostgreSQL holds no such character, and no rule does.
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str, path: &str) -> bool {
        Rules::parse(text).allow(&Url::parse(&format!("https://a.example{path}")).unwrap())
    }

    #[test]
    fn our_own_group_counts_before_that_of_everybody() {
        let text = "User-agent: *\nDisallow: /\n\nUser-agent: Pidima\nDisallow: /private\nAllow: /private/open$\n";
        assert!(allowed(text, "/docs/"));
        assert!(!allowed(text, "/private/a?b=c"));
        assert!(allowed(text, "/private/open"));
        assert!(!allowed(text, "/private/opened"));
        let others = "User-agent: other\nDisallow: /\n";
        assert!(allowed(others, "/"));
        assert!(!allowed("User-agent: *\nDisallow: /*.pdf$\n", "/a/b.pdf"));
        assert!(allowed("", "/"));
        assert!(allowed("<html>not found</html>", "/"));
    }

    #[test]
    fn a_site_says_how_far_apart_requests_are_to_be_or_nothing() {
        let own = "User-agent: *\nCrawl-delay: 30\n\nUser-agent: pidima\nCrawl-delay: 2.5\n";
        let other = "User-agent: other\nCrawl-delay: 30\n";
        for (text, seconds) in [
            (own, Some(2.5)),
            ("User-agent: *\nCrawl-delay: 30\n", Some(30.0)),
            ("User-agent: *\nCrawl-delay: 0\n", Some(0.0)),
            (other, None),
            ("User-agent: *\nCrawl-delay: -1\n", None),
            ("User-agent: *\nCrawl-delay: soon\n", None),
            ("User-agent: *\nCrawl-delay: 1e300\n", None),
            ("User-agent: *\nCrawl-delay: NaN\n", None),
            ("User-agent: *\nDisallow: /private\n", None),
            ("", None),
        ] {
            let delay = Rules::parse(text).crawl_delay();
            assert_eq!(delay, seconds.map(Duration::from_secs_f64), "{text}");
        }
    }

    #[test]
    fn the_beginning_is_as_long_as_the_limit() {
        for (length, read) in [(9, 9), (10, 10), (11, 0)] {
            assert_eq!(beginning(&vec![b'x'; length], 10).len(), read);
        }
        let text = "Disallow: /a\nDisallow: /private\n";
        for (most, read) in [
            (text.len(), text),
            (text.len() - 1, "Disallow: /a\nDisallow: /private"),
            (text.len() - 2, "Disallow: /a"),
            (13, "Disallow: /a"),
            (12, "Disallow: /a"),
            (11, ""),
        ] {
            assert_eq!(beginning(text.as_bytes(), most), read, "{most}");
        }
        assert_eq!(beginning(b"a\0b", 10), "ab");
    }
}
