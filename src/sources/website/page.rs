//! What a page says of itself and where it leads: its links, its canonical address, and whether it wants to be indexed.
//!
//! Only the tags are read, one after the other, in one pass: no tree is built, so that nothing grows with how a page nests. It has
//! a time, as the tokenizer compares each attribute of a tag with all before it.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::{Duration, Instant};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, StartTag, Tag, TagToken, Token, TokenSink, TokenSinkResult, Tokenizer,
    TokenizerOpts,
};
use reqwest::Url;

/// Bytes that are read between two looks at the clock: so few that they cost little also when each ends an attribute of a tag
/// that has very many.
const PIECE: usize = 4_096;
/// What is asked of robots with a value behind a colon.
const WITH_VALUES: [&str; 4] =
    ["max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"];

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Where it leads, as it is written there, in order, each once.
    pub links: Vec<String>,
    /// It leads further than that: there were more than are taken.
    pub cut: bool,
    /// The address that it gives as its own.
    pub canonical: Option<String>,
    /// What relative addresses are relative to, when it says so.
    pub base: Option<String>,
    /// It does not want to be indexed.
    pub noindex: bool,
    /// It does not want its links to be followed.
    pub nofollow: bool,
}

impl Findings {
    /// Reads a page, at most so many of its links; absent when it takes longer than it may.
    pub fn of(mut page: &str, max_links: usize, time: Duration) -> Option<Self> {
        let began = Instant::now();
        let sink = Sink { found: RefCell::default(), seen: RefCell::default(), max_links };
        let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
        let input = BufferQueue::default();
        while !page.is_empty() {
            if began.elapsed() > time {
                return None;
            }
            let (piece, rest) = page.split_at(page.floor_char_boundary(PIECE));
            input.push_back(StrTendril::from_slice(piece));
            // It stops at nothing: no script is ever waited for.
            let _ = tokenizer.feed(&input);
            page = rest;
        }
        tokenizer.end();
        Some(tokenizer.sink.found.into_inner())
    }

    /// What the links are relative to.
    pub fn base(&self, page: &Url) -> Url {
        let base = self.base.as_deref().and_then(|base| page.join(base).ok());
        base.unwrap_or_else(|| page.clone())
    }

    /// Heeds a value such as `noindex, nofollow`, of a tag or of the header `x-robots-tag`. One that is for another program by
    /// name is not ours.
    pub fn heed(&mut self, value: &str) {
        let value = value.to_lowercase();
        // A name stands before the first word alone; elsewhere a colon belongs to a word such as `max-snippet:-1`.
        let named = value.split_once(':').map(|(agent, rest)| (agent.trim(), rest));
        let value = match named {
            Some((agent, _)) if agent.contains(',') || WITH_VALUES.contains(&agent) => &value,
            Some(("pidima", rest)) => rest,
            Some(_) => return,
            None => &value,
        };
        for word in value.split(',').map(str::trim) {
            self.noindex |= matches!(word, "noindex" | "none");
            self.nofollow |= matches!(word, "nofollow" | "none");
        }
    }
}

struct Sink {
    found: RefCell<Findings>,
    seen: RefCell<HashSet<String>>,
    max_links: usize,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let TagToken(tag) = token else { return TokenSinkResult::Continue };
        if tag.kind != StartTag {
            return TokenSinkResult::Continue;
        }
        self.note(&tag);
        // What stands in these is no markup, however much it looks like it.
        match &*tag.name {
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
                TokenSinkResult::RawData(RawKind::Rawtext)
            }
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }
}

impl Sink {
    fn note(&self, tag: &Tag) {
        let value = |name: &str| {
            let found = tag.attrs.iter().find(|attribute| &*attribute.name.local == name);
            found.map(|attribute| attribute.value.to_string())
        };
        let is = |name: &str, wanted: &str| {
            value(name).is_some_and(|value| {
                value.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(wanted))
            })
        };
        let mut found = self.found.borrow_mut();
        match &*tag.name {
            "a" | "area" if !is("rel", "nofollow") => {
                if let Some(link) = value("href") {
                    self.add(&mut found, link);
                }
            }
            "base" if found.base.is_none() => found.base = value("href"),
            "link" if found.canonical.is_none() && is("rel", "canonical") => {
                found.canonical = value("href");
            }
            "meta" if is("name", "robots") || is("name", "pidima") => {
                if let Some(content) = value("content") {
                    found.heed(&content);
                }
            }
            _ => {}
        }
    }

    /// Adds a link that was not there before, when there is room.
    fn add(&self, found: &mut Findings, link: String) {
        let mut seen = self.seen.borrow_mut();
        if seen.contains(&link) {
            return;
        }
        if found.links.len() >= self.max_links {
            found.cut = true;
            return;
        }
        seen.insert(link.clone());
        found.links.push(link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So long that no page here comes near it.
    const LONG: Duration = Duration::from_secs(600);

    fn of(page: &str, max_links: usize) -> Findings {
        Findings::of(page, max_links, LONG).unwrap()
    }

    #[test]
    fn links_are_found_where_they_are_markup_and_nowhere_else() {
        let page = r#"<!doctype html><head><title><a href="/title"></title>
            <base href="/b/"><base href="/c/"><link rel="stylesheet canonical" href="/self">
            <script>document.write('<a href="/script">')</script><style><a href="/style"></style></head>
            <body><!-- <a href="/comment"> --><A HREF='one?a=1&amp;b=2'>one</A><a name="x">no</a>
            <textarea><a href="/textarea"></textarea><a rel="external nofollow" href="/no">no</a>
            <map><area href=two></map><a href="three"#;
        let found = of(page, 10);
        assert_eq!(found.links, ["one?a=1&b=2", "two"]);
        assert_eq!(found.canonical.as_deref(), Some("/self"));
        let at = Url::parse("https://a.example/x/y").unwrap();
        assert_eq!(found.base(&at).as_str(), "https://a.example/b/");
        assert_eq!(Findings::default().base(&at), at);
        assert!(!found.noindex && !found.nofollow);
    }

    #[test]
    fn what_a_page_asks_of_robots_is_heeded() {
        let meta = |content: &str| {
            let page = format!(
                r#"<META NAME="Robots" content="{content}"><meta name="author" content="noindex">"#
            );
            let found = of(&page, 10);
            (found.noindex, found.nofollow)
        };
        assert_eq!(meta("index"), (false, false));
        assert_eq!(meta("NOINDEX"), (true, false));
        assert_eq!(meta("nofollow , noarchive"), (false, true));
        assert_eq!(meta("none"), (true, true));
        let header = |value: &str| {
            let mut found = Findings::default();
            found.heed(value);
            found.noindex
        };
        assert!(header("noindex") && header("pidima: noindex, nofollow"));
        assert!(header("noindex, max-snippet:-1") && header("max-snippet:-1, noindex"));
        assert!(!header("otherbot: noindex") && !header("max-snippet: 0, noindexed"));
    }

    #[test]
    fn as_many_links_as_the_limit_are_taken() {
        for (count, taken, cut) in [(2, 2, false), (3, 3, false), (4, 3, true)] {
            let page: String = (0..count).map(|number| format!("<a href={number}>")).collect();
            let found = of(&page, 3);
            assert_eq!((found.links.len(), found.cut), (taken, cut), "{count}");
            // One that stands there once more is none more.
            let found = of(&format!("{page}<a href=0><a href=1>"), 3);
            assert_eq!((found.links.len(), found.cut), (taken, cut), "{count}");
        }
    }

    #[test]
    fn a_page_is_read_in_pieces_as_it_is_read_whole() {
        for before in 0..4 {
            let text = "é".repeat(3 * PIECE);
            let page = format!("{}<p title={text}>{text}</p><a href={text}>", "x".repeat(before));
            assert_eq!(of(&page, 5).links, [text]);
        }
    }

    #[test]
    fn a_tag_with_attributes_without_end_is_left_when_the_time_is_over() {
        let mut page = "<a".to_owned();
        for number in 0..1_000_000 {
            page.push_str(&format!(" a{number:x}"));
        }
        page.push('>');
        let began = Instant::now();
        assert_eq!(Findings::of(&page, 5, Duration::from_millis(200)), None);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }

    #[test]
    fn a_page_that_nests_without_end_costs_no_more_than_its_length() {
        let page: String = (0..200_000).map(|number| format!("<div><a href={number}>")).collect();
        assert_eq!(of(&page, 5).links.len(), 5);
        let odd =
            ["", "<", "<a href=", "\u{0}<a\u{0}href=x>", "<a href=x", "]]><![CDATA[<a href=x>"];
        for page in odd {
            of(page, 5);
        }
    }
}
