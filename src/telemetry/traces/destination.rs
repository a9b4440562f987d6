//! Where spans go: the collector's address, and what each request to it carries.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// Address of a collector, such as `http://127.0.0.1:4318`.
#[derive(Clone, Debug)]
pub struct CollectorUrl(Url);

impl CollectorUrl {
    /// Where it takes traces.
    pub(super) fn traces(&self) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/v1/traces", url.path().trim_end_matches('/')));
        url
    }
}

impl FromStr for CollectorUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or("give an address such as http://127.0.0.1:4318")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("leave name and password out; give them by PIDIMA_OTLP_HEADERS".to_owned());
        }
        Ok(Self(url))
    }
}

/// Headers of each request, written `name=value,name=value`. Their values are secrets.
#[derive(Clone, Default)]
pub struct CollectorHeaders(HeaderMap);

impl CollectorHeaders {
    pub(super) fn to_map(&self) -> HeaderMap {
        self.0.clone()
    }
}

impl FromStr for CollectorHeaders {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut headers = HeaderMap::new();
        for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
            let read = pair.split_once('=').and_then(|(name, value)| {
                let name: HeaderName = name.trim().parse().ok()?;
                let mut value: HeaderValue = value.trim().parse().ok()?;
                value.set_sensitive(true);
                Some((name, value))
            });
            let (name, value) = read.ok_or("give a list such as name=value,name=value")?;
            headers.insert(name, value);
        }
        Ok(Self(headers))
    }
}

impl fmt::Debug for CollectorHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_is_added_to_the_address() {
        for (given, expected) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://collector.example/otlp/", "https://collector.example/otlp/v1/traces"),
        ] {
            assert_eq!(given.parse::<CollectorUrl>().unwrap().traces().as_str(), expected);
        }
        for bad in ["", "collector:4318", "ftp://collector", "http://", "http://a:b@collector"] {
            assert!(bad.parse::<CollectorUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn values_of_headers_are_told_to_nobody() {
        let read: CollectorHeaders = "api-key = s3cret,x=a=b,".parse().unwrap();
        assert_eq!(read.to_map()["api-key"], "s3cret");
        assert_eq!(read.to_map()["x"], "a=b");
        assert!(!format!("{read:?} {:?}", read.to_map()).contains("s3cret"));
        for bad in ["key", "a b=c", "a=b\u{1}"] {
            assert!(bad.parse::<CollectorHeaders>().is_err(), "{bad}");
        }
    }
}
