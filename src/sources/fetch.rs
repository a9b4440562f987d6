//! Fetches what tenants name by an address through the guarded client, and says what the answer means.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER,
};
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

/// What came of one request.
#[derive(Clone, Debug)]
pub enum Asked {
    /// An answer.
    Came(Fetched),
    /// It leads there, for good or for now; nobody was asked there yet.
    Leads(Url, bool),
}

/// Why a page could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError {
    /// For programs.
    pub code: &'static str,
    /// In words.
    pub detail: String,
    /// What is to be expected of another attempt.
    pub outlook: Outlook,
}

/// What is to be expected of another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It may pass.
    Passing,
    /// The site asks to be left alone, and maybe for how long.
    Busy(Option<Duration>),
    /// The page is not for us: a login, too long, in a form that we did not ask for. It says nothing of the site.
    Closed,
    /// It stays as it is.
    Lasting,
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
    /// Fetches a file from wherever it is: redirects are followed as they come.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn fetch(&self, url: &str) -> Result<Fetched, FetchError> {
        let request = self.request(url, &Validators::default())?;
        meaning(self.outbound.send(request).await?)
    }

    /// Asks once for a page, unless it is the one that we have.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn ask(&self, url: &str, known: &Validators) -> Result<Asked, FetchError> {
        let request = self.request(url, known)?;
        let (response, next) = self.outbound.send_once(&request).await?;
        let Some(next) = next else { return Ok(Asked::Came(meaning(response)?)) };
        let mut to = read(next.as_str())?;
        to.set_fragment(None);
        let is_permanent = matches!(response.status.as_u16(), 301 | 308);
        Ok(Asked::Leads(to, is_permanent))
    }

    fn request(&self, url: &str, known: &Validators) -> Result<OutboundRequest, FetchError> {
        let target = self.outbound.target(url)?;
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
        Ok(OutboundRequest {
            method: Method::GET,
            target,
            headers,
            body: Bytes::new(),
            max_redirects: self.max_redirects,
        })
    }
}

impl From<OutboundError> for FetchError {
    fn from(error: OutboundError) -> Self {
        let outlook = match error {
            OutboundError::Host
            | OutboundError::Connect
            | OutboundError::Timeout
            | OutboundError::Protocol => Outlook::Passing,
            OutboundError::TooLong(_) => Outlook::Closed,
            OutboundError::Address(_)
            | OutboundError::Tls
            | OutboundError::Redirects
            | OutboundError::Settings(_) => Outlook::Lasting,
        };
        Self { code: error.code(), detail: error.to_string(), outlook }
    }
}

fn read(url: &str) -> Result<Url, FetchError> {
    Url::parse(url).map_err(|error| FetchError {
        code: "invalid_answer",
        detail: error.to_string(),
        outlook: Outlook::Lasting,
    })
}

fn meaning(response: OutboundResponse) -> Result<Fetched, FetchError> {
    let OutboundResponse { status, headers, body, target } = response;
    let refused = |outlook| FetchError {
        code: "http_status",
        detail: format!("the server answered {}", status.as_u16()),
        outlook,
    };
    let asked = retry_after(&headers);
    match status.as_u16() {
        200 | 203 => {}
        304 => return Ok(Fetched::NotModified),
        404 | 410 => return Ok(Fetched::Gone(status.as_u16())),
        429 | 503 => return Err(refused(Outlook::Busy(asked))),
        408 | 425 | 500.. if asked.is_some() => return Err(refused(Outlook::Busy(asked))),
        408 | 425 | 500.. => return Err(refused(Outlook::Passing)),
        401 | 403 => return Err(refused(Outlook::Closed)),
        _ => return Err(refused(Outlook::Lasting)),
    }
    let encoding = text(&headers, &CONTENT_ENCODING).unwrap_or_default();
    if !matches!(encoding.trim().to_lowercase().as_str(), "" | "identity") {
        let detail = "the server sends the page packed although it was asked not to".to_owned();
        return Err(FetchError { code: "packed_answer", detail, outlook: Outlook::Closed });
    }
    let url = read(target.as_str())?;
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
