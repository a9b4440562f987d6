//! Sitemaps (<https://www.sitemaps.org>): lists of pages, and lists of such lists, packed by gzip or not.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

/// How deep the elements of one nest at most; its own do three deep.
const MAX_DEPTH: usize = 16;

/// What a list names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sitemap {
    /// Pages.
    pub pages: Vec<String>,
    /// Other lists.
    pub sitemaps: Vec<String>,
}

/// Why a list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SitemapError {
    /// It is too long.
    #[error(
        "the sitemap has more than {0} bytes when it is unpacked; split it into several, listed by an index"
    )]
    TooLong(usize),
    /// It is no such list.
    #[error("what came is no sitemap in XML")]
    Unreadable,
}

impl SitemapError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "sitemap_too_long",
            Self::Unreadable => "sitemap_unreadable",
        }
    }
}

impl Sitemap {
    /// Reads a list as it was sent.
    ///
    /// # Errors
    /// See [`SitemapError`].
    pub fn parse(bytes: &[u8], max_bytes: usize) -> Result<Self, SitemapError> {
        let unpacked = unpack(bytes, max_bytes)?;
        let text = String::from_utf8_lossy(&unpacked);
        let mut reader = Reader::from_str(&text);
        let mut path: Vec<String> = Vec::new();
        let mut location = String::new();
        let mut found = Self::default();
        let mut is_one = false;
        loop {
            match reader.read_event().map_err(|_| SitemapError::Unreadable)? {
                Event::Start(tag) => {
                    is_one |= path.is_empty() && is_root(tag.local_name().as_ref());
                    path.push(tag.local_name().as_ref().to_owned());
                    if path.len() > MAX_DEPTH {
                        return Err(SitemapError::Unreadable);
                    }
                    location.clear();
                }
                Event::Empty(tag) => {
                    is_one |= path.is_empty() && is_root(tag.local_name().as_ref());
                }
                Event::End(_) => {
                    let inner: Vec<&str> = path.iter().map(String::as_str).collect();
                    let text = || location.trim().to_owned();
                    match inner[..] {
                        ["urlset", "url", "loc"] => found.pages.push(text()),
                        ["sitemapindex", "sitemap", "loc"] => found.sitemaps.push(text()),
                        _ => {}
                    }
                    path.pop();
                }
                Event::Text(part) => location.push_str(&part),
                Event::CData(part) => location.push_str(&part),
                Event::GeneralRef(part) => match part.resolve_char_ref() {
                    Ok(Some(character)) => location.push(character),
                    // Nobody's own entities are expanded.
                    _ => {
                        let name = part.to_string();
                        location.push_str(resolve_xml_entity(&name).unwrap_or_default());
                    }
                },
                // One that ends in the middle names less than there is.
                Event::Eof if is_one && path.is_empty() => return Ok(found),
                Event::Eof => return Err(SitemapError::Unreadable),
                _ => {}
            }
        }
    }
}

fn is_root(name: &str) -> bool {
    matches!(name, "urlset" | "sitemapindex")
}

/// The bytes as they were before they were packed, if they were.
fn unpack(bytes: &[u8], most: usize) -> Result<Vec<u8>, SitemapError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        let fits = bytes.len() <= most;
        return if fits { Ok(bytes.to_vec()) } else { Err(SitemapError::TooLong(most)) };
    }
    let mut unpacked = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut unpacked);
    read.map_err(|_| SitemapError::Unreadable)?;
    if unpacked.len() > most { Err(SitemapError::TooLong(most)) } else { Ok(unpacked) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_list_and_a_list_of_lists_are_read_packed_or_not() {
        let list = r#"<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
            xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"><url><loc> https://a.example/?a=1&amp;b=&#50; </loc>
            <i:image><i:loc>https://a.example/i.png</i:loc></i:image></url>
            <url><loc><![CDATA[https://a.example/b]]></loc><lastmod>2026-01-01</lastmod></url></urlset>"#;
        let pages = ["https://a.example/?a=1&b=2", "https://a.example/b"].map(str::to_owned);
        let wanted = Sitemap { pages: pages.to_vec(), sitemaps: Vec::new() };
        assert_eq!(Sitemap::parse(list.as_bytes(), 10_000), Ok(wanted.clone()));
        assert_eq!(Sitemap::parse(&packed(list.as_bytes()), 10_000), Ok(wanted));
        let index = "<sitemapindex><sitemap><loc>/one.xml.gz</loc></sitemap></sitemapindex>";
        let found = Sitemap::parse(index.as_bytes(), 10_000).unwrap();
        assert_eq!((found.pages.len(), &found.sitemaps[..]), (0, &["/one.xml.gz".to_owned()][..]));
        assert_eq!(Sitemap::parse(b"<urlset/>", 10_000), Ok(Sitemap::default()));
    }

    #[test]
    fn what_is_none_is_refused() {
        let deep = "<a>".repeat(100_000);
        for text in [
            "",
            "hello",
            "<html><body><p>Not found</p></body></html>",
            "<urlset><url>",
            &deep,
            "\u{1f}",
        ] {
            let read = Sitemap::parse(text.as_bytes(), 1_000_000);
            assert!(matches!(read, Err(SitemapError::Unreadable)), "{:.20}: {read:?}", text);
        }
        let mut broken = packed(b"<urlset></urlset>");
        broken.truncate(15);
        assert_eq!(Sitemap::parse(&broken, 1_000), Err(SitemapError::Unreadable));
        let entity = r#"<!DOCTYPE x [<!ENTITY e "https://evil.example/">]><urlset><url><loc>&e;</loc></url></urlset>"#;
        let read = Sitemap::parse(entity.as_bytes(), 1_000);
        assert!(read.is_err() || read.is_ok_and(|found| found.pages == [""]));
    }

    #[test]
    fn one_may_be_as_long_as_the_limit_and_no_longer_packed_or_not() {
        let list = b"<urlset></urlset>";
        let length = list.len();
        for (most, passes) in [(length + 1, true), (length, true), (length - 1, false)] {
            for bytes in [list.to_vec(), packed(list)] {
                let wanted =
                    if passes { Ok(Sitemap::default()) } else { Err(SitemapError::TooLong(most)) };
                assert_eq!(Sitemap::parse(&bytes, most), wanted);
            }
        }
        // A bomb is left when it is too long, long before its end.
        let bomb = packed(&vec![b' '; 50_000_000]);
        assert_eq!(Sitemap::parse(&bomb, 1_000), Err(SitemapError::TooLong(1_000)));
    }
}
