//! Which addresses an answer may link to: those of the documents that it was made of, and those that begin as the settings
//! allow. An address that only stands in the text of a document is shown and is no link: whoever wrote the text would else
//! decide where readers are led.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;

use reqwest::Url;

use super::FilterSettings;
use crate::knowledge::Passage;

/// The begin of addresses that may be linked to: scheme, host and the first segments of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkPrefix(String);

/// Not the begin of an address.
#[derive(Debug, thiserror::Error)]
#[error("give addresses that begin with https:// or http:// and have neither query nor fragment")]
pub struct NoLinkPrefix;

impl FromStr for LinkPrefix {
    type Err = NoLinkPrefix;

    fn from_str(text: &str) -> Result<Self, NoLinkPrefix> {
        let url = Url::parse(text).map_err(|_| NoLinkPrefix)?;
        let is_plain =
            url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !is_plain || !matches!(url.scheme(), "http" | "https") {
            return Err(NoLinkPrefix);
        }
        normal(url.as_str()).map(Self).ok_or(NoLinkPrefix)
    }
}

/// The addresses that may be linked to.
#[derive(Clone, Debug, Default)]
pub struct AllowedLinks {
    addresses: HashSet<String>,
    prefixes: Arc<[LinkPrefix]>,
}

impl AllowedLinks {
    /// Addresses of these passages' documents, and what the settings allow.
    pub fn of(passages: &[Arc<Passage>], settings: &FilterSettings) -> Self {
        let addresses = passages.iter().filter_map(|passage| passage.source_url.as_deref());
        Self {
            addresses: addresses.filter_map(normal).collect(),
            prefixes: Arc::clone(&settings.allowed_links),
        }
    }

    /// Whether a link may lead to an address, as it is written in Markdown.
    pub fn allow(&self, written: &str) -> bool {
        let written = written.replace("&amp;", "&");
        // A renderer decodes references: the address would be another one than we read.
        let is_plain = !written.split('&').skip(1).any(is_reference)
            && !written
                .contains(|sign: char| sign.is_whitespace() || sign.is_control() || sign == '\\');
        if !is_plain {
            return false;
        }
        let candidates = match written.get(..4) {
            Some(begin) if begin.eq_ignore_ascii_case("www.") => {
                vec![format!("https://{written}"), format!("http://{written}")]
            }
            _ => vec![written],
        };
        candidates.iter().filter_map(|candidate| normal(candidate)).any(|normal| {
            self.addresses.contains(&normal)
                || self.prefixes.iter().any(|prefix| prefix.begins(&normal))
        })
    }
}

impl LinkPrefix {
    fn begins(&self, address: &str) -> bool {
        let rest = address.strip_prefix(&self.0);
        // The browser climbs up from `..`, also where it is written as `%2e`.
        let climbs = address.to_ascii_lowercase().replace("%2e", ".").contains("/..");
        !climbs && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }
}

/// What decides where a request goes: without the fragment, which is never sent, and the last slash of a path; scheme and
/// host in lower case.
fn normal(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.split('#').next().unwrap_or_default();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let is_host = host.chars().all(|sign| sign.is_alphanumeric() || "-._:[]".contains(sign));
    if !matches!(scheme.as_str(), "http" | "https") || host.is_empty() || !is_host {
        return None;
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    Some(format!("{scheme}://{}{path}", host.to_lowercase()))
}

fn is_reference(after: &str) -> bool {
    after.split_once(';').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(prefixes: &[&str], addresses: &[&str]) -> AllowedLinks {
        AllowedLinks {
            addresses: addresses.iter().filter_map(|address| normal(address)).collect(),
            prefixes: prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn an_address_of_the_documents_is_allowed_whatever_its_fragment() {
        let links = links(&[], &["https://docs.example/a?x=1&y=2"]);
        for good in [
            "https://docs.example/a?x=1&y=2",
            "HTTPS://Docs.Example/a?x=1&amp;y=2",
            "https://docs.example/a?x=1&y=2#part",
        ] {
            assert!(links.allow(good), "{good}");
        }
        for bad in [
            "https://docs.example/a",
            "https://docs.example/a?x=1&y=2&z=3",
            "https://docs.example/A?x=1&y=2",
            "http://docs.example/a?x=1&y=2",
            "https://docs.example/a?x=1&y&#61;2",
            "https://docs.example:443@evil.example/a?x=1&y=2",
            "javascript:alert(1)",
            "/a",
            "",
        ] {
            assert!(!links.allow(bad), "{bad}");
        }
    }

    #[test]
    fn a_setting_allows_what_lies_below_it_and_no_other_host() {
        let links = links(&["https://docs.example/guide/", "https://help.example"], &[]);
        for good in [
            "https://docs.example/guide",
            "https://docs.example/guide/a?b=c",
            "https://help.example/x",
            "https://help.example?x",
        ] {
            assert!(links.allow(good), "{good}");
        }
        for bad in [
            "https://docs.example/guided",
            "https://docs.example/guide/../private",
            "https://docs.example/guide/%2e%2E/private",
            "https://help.example.evil.example/",
            "https://help.example@evil.example/",
        ] {
            assert!(!links.allow(bad), "{bad}");
        }
    }

    #[test]
    fn a_prefix_is_an_address_without_query_and_fragment() {
        for bad in
            ["docs.example", "ftp://docs.example", "https://a.example/?q", "https://a.example/#f"]
        {
            assert!(bad.parse::<LinkPrefix>().is_err(), "{bad}");
        }
    }
}
