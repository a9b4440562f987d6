//! Follows the redirects of a page one by one: each request waits for its turn, what `robots.txt` forbids is not asked for, and
//! neither is another host.

use std::time::Instant;

use reqwest::Url;

use super::look::Site;
use crate::adapters::outbound::OutboundError;
use crate::sources::fetch::{Asked, FetchError, Fetched, Outlook, Validators};
use crate::sources::sync::SourceSync;

/// Where a page leads, and what came.
pub(super) enum Reached {
    /// This, after redirects or none; whether each of them is for good.
    Answer(Fetched, bool),
    /// To another host, which was not asked; whether for good.
    Outside(Url, bool),
    /// To a page that `robots.txt` asks not to read; whether for good.
    Forbidden(Url, bool),
}

impl SourceSync {
    /// Fetches a page, unless it is the one that we have.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub(super) async fn reach(
        &self,
        site: &Site,
        url: &Url,
        mut known: Validators,
    ) -> Result<Reached, FetchError> {
        let (mut url, mut is_permanent) = (url.clone(), true);
        // For the waits between them nobody is to blame.
        let mut left = self.settings.timeout;
        let fetcher = self.fetcher();
        for redirects in 0..=self.settings.max_redirects {
            self.wait_for_turn(site.host(), site.delay()).await;
            let began = Instant::now();
            let asked = tokio::time::timeout(left, fetcher.ask(url.as_str(), &known)).await;
            left = left.saturating_sub(began.elapsed());
            let (to, for_good) = match asked.map_err(|_| OutboundError::Timeout)?? {
                Asked::Came(Fetched::NotModified) if redirects > 0 => return Err(unasked()),
                Asked::Came(fetched) => return Ok(Reached::Answer(fetched, is_permanent)),
                Asked::Leads(to, for_good) => (to, for_good),
            };
            is_permanent &= for_good;
            if to.origin() != url.origin() {
                return Ok(Reached::Outside(to, is_permanent));
            }
            if !site.allows(&to) {
                return Ok(Reached::Forbidden(to, is_permanent));
            }
            // Of another page we have nothing.
            (url, known) = (to, Validators::default());
        }
        Err(OutboundError::Redirects.into())
    }
}

/// An answer to what nobody asked.
pub(super) fn unasked() -> FetchError {
    let detail = "the server answered 304 unasked".to_owned();
    FetchError { code: "invalid_answer", detail, outlook: Outlook::Lasting }
}
