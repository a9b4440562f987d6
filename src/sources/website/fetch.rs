//! Fetches a page through the guarded client, and says what the answer means.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER,
};
use hyper::{Method, StatusCode};
use reqwest::Url;

use crate::adapters::outbound::{Outbound, OutboundError, OutboundRequest, OutboundResponse};

/// What we take: pages first, and the files that they lead to.
const ACCEPTED: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
/// Longest value of a header that is kept to be sent back.
const MAX_VALIDATOR_BYTES: usize = 1_000;

/// What is known of the content that we have, to ask whether there is another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// What the server calls it.
    pub etag: Option<String>,
    /// When the server says that it was changed.
    pub last_modified: Option<String>,
}

/// What came.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// Content.
    Content(Box<Content>),
    /// The content is that which we have.
    NotModified,
    /// There is no such page any more: 404 or 410.
    Gone(u16),
}

/// An answer with content.
#[derive(Clone, Debug)]
pub struct Content {
    /// Address that answered, after redirects.
    pub url: Url,
    /// The bytes.
    pub body: Bytes,
    /// To ask next time.
    pub validators: Validators,
    /// Media type that the server declares.
    pub content_type: Option<String>,
    /// What the server asks of robots.
    pub robots: Vec<String>,
}

/// Why a page could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError {
    /// For programs.
    pub code: &'static str,
    /// In words.
    pub detail: String,
    /// Whether it may pass, and what the site asks to wait until then.
    pub again: Option<Option<Duration>>,
}

/// Fetches pages.
#[derive(Clone, Debug)]
pub struct Fetcher<'a> {
    /// The guarded client.
    pub outbound: &'a Outbound,
    /// Redirects that are followed for one page.
    pub max_redirects: u32,
}

impl Fetcher<'_> {
    /// Fetches a page, unless it is the one that we have.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn fetch(&self, url: &str, known: &Validators) -> Result<Fetched, FetchError> {
        let response = self.send(url, known).await?;
        let is_moved = response.target.as_str() != url;
        if response.status == StatusCode::NOT_MODIFIED && is_moved {
            // Of the page that it redirects to we have none: what we asked was of another one.
            return meaning(self.send(url, &Validators::default()).await?);
        }
        meaning(response)
    }

    async fn send(&self, url: &str, known: &Validators) -> Result<OutboundResponse, FetchError> {
        let target = self.outbound.target(url).map_err(unanswered)?;
        let mut headers = vec![
            (ACCEPT, HeaderValue::from_static(ACCEPTED)),
            (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        ];
        let pairs = [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)];
        for (name, value) in pairs {
            if let Some(value) = value.as_deref().and_then(|text| HeaderValue::from_str(text).ok())
            {
                headers.push((name, value));
            }
        }
        let request = OutboundRequest {
            method: Method::GET,
            target,
            headers,
            body: Bytes::new(),
            max_redirects: self.max_redirects,
        };
        self.outbound.send(request).await.map_err(unanswered)
    }
}

fn unanswered(error: OutboundError) -> FetchError {
    let may_pass = matches!(
        error,
        OutboundError::Host
            | OutboundError::Connect
            | OutboundError::Timeout
            | OutboundError::Protocol
    );
    FetchError { code: error.code(), detail: error.to_string(), again: may_pass.then_some(None) }
}

fn meaning(response: OutboundResponse) -> Result<Fetched, FetchError> {
    let OutboundResponse { status, headers, body, target } = response;
    let refused = |again| FetchError {
        code: "http_status",
        detail: format!("the server answered {}", status.as_u16()),
        again,
    };
    match status.as_u16() {
        200 | 203 => {}
        304 => return Ok(Fetched::NotModified),
        404 | 410 => return Ok(Fetched::Gone(status.as_u16())),
        408 | 425 | 429 | 500.. => return Err(refused(Some(retry_after(&headers)))),
        _ => return Err(refused(None)),
    }
    let encoding = text(&headers, &CONTENT_ENCODING).unwrap_or_default();
    if !matches!(encoding.trim().to_lowercase().as_str(), "" | "identity") {
        let detail = "the server sends the page packed although it was asked not to".to_owned();
        return Err(FetchError { code: "packed_answer", detail, again: None });
    }
    let url = Url::parse(target.as_str()).map_err(|error| FetchError {
        code: "invalid_answer",
        detail: error.to_string(),
        again: None,
    })?;
    let robots = headers.get_all("x-robots-tag").iter();
    let kept =
        |name: &HeaderName| text(&headers, name).filter(|text| text.len() <= MAX_VALIDATOR_BYTES);
    Ok(Fetched::Content(Box::new(Content {
        url,
        validators: Validators { etag: kept(&ETAG), last_modified: kept(&LAST_MODIFIED) },
        content_type: text(&headers, &CONTENT_TYPE),
        robots: robots.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect(),
        body,
    })))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// What the site asks to wait, in seconds; a date is not taken, as clocks differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = text(headers, &RETRY_AFTER)?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
