//! Builds the tree of a page piece by piece, and stops as soon as it grows too deep or too large.
//!
//! HTML hides its depth: open tags may be left unclosed, and each new paragraph re-opens unclosed
//! `<b>`s. So the tree itself is measured while it grows, which is exact. The cost of one tag grows
//! with the depth, hence the small pieces.

use html5ever::driver::{self, ParseOpts};
use html5ever::tendril::{StrTendril, TendrilSink};
use scraper::{Html, HtmlTreeSink, Node};

use crate::knowledge::parse::{ParseError, ParseLimits};

const PIECE_BYTES: usize = 4096;
/// A chain of new elements deeper than this cannot hide between two samples.
const SAMPLE_EVERY: usize = 16;
/// Bytes that the scan for attributes may read, per byte of the page.
const SCAN_FACTOR: usize = 20;

/// The tree of `source`, with a document node at its root.
pub(super) fn build(source: &str, limits: &ParseLimits) -> Result<Html, ParseError> {
    check_attributes(source, limits)?;
    let sink = HtmlTreeSink::new(Html::new_document());
    let mut parser = driver::parse_document(sink, ParseOpts::default());
    let mut seen = 0;
    let mut rest = source;
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(piece_end(rest));
        parser.process(StrTendril::from_slice(piece));
        seen = check_growth(&parser.tokenizer.sink.sink.0.borrow(), seen, limits)?;
        rest = tail;
    }
    let page = parser.finish();
    check_growth(&page, seen, limits)?;
    Ok(page)
}

fn piece_end(text: &str) -> usize {
    let mut end = text.len().min(PIECE_BYTES);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    end
}

/// Checks the nodes made since the tree had `seen` of them; returns how many there are now.
fn check_growth(page: &Html, seen: usize, limits: &ParseLimits) -> Result<usize, ParseError> {
    let nodes = page.tree.nodes();
    let count = nodes.len();
    if count > limits.max_html_nodes {
        let limit = limits.max_html_nodes;
        return Err(ParseError::too_many("HTML nodes", limit));
    }
    let fresh = nodes.rev().take(count.saturating_sub(seen));
    for node in fresh.step_by(SAMPLE_EVERY) {
        if node.ancestors().take(limits.max_nesting + 1).count() > limits.max_nesting {
            return Err(ParseError::TooDeep { limit: limits.max_nesting });
        }
    }
    Ok(count)
}

/// Refuses a tag with very many attributes: the tokenizer compares each with all before it.
///
/// Every `<` before a letter is taken for a tag, also in comments and scripts. So no tag escapes by
/// a context that this scan reads otherwise than the tokenizer does.
fn check_attributes(source: &str, limits: &ParseLimits) -> Result<(), ParseError> {
    let limit = limits.max_tag_attributes;
    let refusal = Err(ParseError::too_many("attributes in one tag", limit));
    let bytes = source.as_bytes();
    let mut budget = bytes.len().saturating_mul(SCAN_FACTOR).saturating_add(1 << 20);
    for (at, pair) in bytes.windows(2).enumerate() {
        if pair[0] != b'<' || !pair[1].is_ascii_alphabetic() {
            continue;
        }
        let (attributes, length) = scan_tag(&bytes[at + 1..], limit);
        if attributes > limit || length > budget {
            return refusal;
        }
        budget -= length;
    }
    Ok(())
}

/// An upper bound of the attributes of the tag that `tag` begins with, and the bytes looked at; stops
/// above `limit`.
fn scan_tag(tag: &[u8], limit: usize) -> (usize, usize) {
    let mut count = 0;
    let mut quote = None;
    let mut previous = b'a';
    for (at, &byte) in tag.iter().enumerate() {
        match quote {
            Some(mark) if byte == mark => quote = None,
            Some(_) => continue,
            None if byte == b'>' => return (count, at + 1),
            None if (byte == b'"' || byte == b'\'') && is_after_equals(tag, at) => {
                quote = Some(byte);
            }
            None if !is_separator(byte) && (is_separator(previous) || is_quote(previous)) => {
                count += 1;
                if count > limit {
                    return (count, at + 1);
                }
            }
            None => {}
        }
        previous = byte;
    }
    (count, tag.len())
}

fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'/'
}

fn is_quote(byte: u8) -> bool {
    byte == b'"' || byte == b'\''
}

fn is_after_equals(tag: &[u8], at: usize) -> bool {
    tag[..at].iter().rev().take(8).find(|b| !b.is_ascii_whitespace()) == Some(&b'=')
}

/// The text below a node, with white space collapsed.
pub(super) fn text_of(node: ego_tree::NodeRef<'_, Node>) -> String {
    let mut text = String::new();
    for part in node.descendants() {
        if let Node::Text(part) = part.value() {
            text.push_str(part);
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(source: &str) -> &'static str {
        build(source, &ParseLimits::default()).unwrap_err().code()
    }

    #[test]
    fn depth_is_measured_in_the_tree_not_in_the_tags() {
        assert_eq!(code(&"<div>".repeat(600)), "nested_too_deep");
        assert_eq!(code(&"<b>".repeat(600)), "nested_too_deep");
        assert!(build(&"<p>a<br><li>b".repeat(5000), &ParseLimits::default()).is_ok());
        assert!(build(&"<div><p>a</div>".repeat(5000), &ParseLimits::default()).is_ok());
    }

    #[test]
    fn formatting_that_is_reopened_in_each_paragraph_cannot_grow_without_bound() {
        let source: String = (0..2000).map(|n| format!("<p><b id={n}>x")).collect();
        assert_eq!(code(&source), "nested_too_deep");
    }

    #[test]
    fn a_tag_with_very_many_attributes_is_refused() {
        let attributes: String = (0..100_000).map(|n| format!(" a{n}")).collect();
        assert_eq!(code(&format!("<p{attributes}>x")), "too_complex");
        let glued: String = (0..100_000).map(|n| format!("a{n}=\"\"")).collect();
        assert_eq!(code(&format!("<p {glued}>x")), "too_complex");
        let script = format!("<script>if (a<b {}) x</script><p>y", " c".repeat(900));
        assert!(build(&script, &ParseLimits::default()).is_ok());
        assert!(build("<p title='a b > c d'>x", &ParseLimits::default()).is_ok());
    }
}
