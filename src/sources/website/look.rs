//! Looks at one page of a site: fetches it unless it has not changed, and makes it a document by the way of uploads.

use std::time::Duration;

use reqwest::Url;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::fetch::{Content, FetchError, Fetched, Fetcher, Validators};
use super::page::Findings;
use super::robots::{Rules, beginning};
use super::scope::Scope;
use super::sitemap::Sitemap;
use crate::db;
use crate::db::idempotency::Outcome;
use crate::kernel::ids::TenantId;
use crate::knowledge::{Author, NewDocument, Place, Receipt, ReceiveError, Received};
use crate::sources::configuration::{Discovery, Website};
use crate::sources::settle::{Fate, Kept, Look};
use crate::sources::store::items::Item;
use crate::sources::store::leases::ClaimedRun;
use crate::sources::store::pages::NextPage;
use crate::sources::sync::{SourceSync, SyncSettings};

/// Wait while the operator takes no documents.
const SWITCHED_OFF: Duration = Duration::from_secs(60);

/// A site as a run sees it.
pub(in crate::sources) struct Site {
    scope: Scope,
    rules: Rules,
    crawls: bool,
    max_depth: i32,
}

impl Site {
    /// The site of a source; absent when its address cannot be read.
    pub fn new(website: &Website, settings: &SyncSettings, run: &ClaimedRun) -> Option<Self> {
        let most = settings.max_depth;
        let max_depth = website.max_depth.map_or(most, |own| own.min(most));
        Some(Self {
            scope: Scope::new(website, settings.max_url_bytes)?,
            rules: Rules::parse(run.robots.as_deref().unwrap_or_default()),
            crawls: website.discovery == Discovery::Crawl,
            max_depth: i32::try_from(max_depth).unwrap_or(i32::MAX),
        })
    }

    /// Where it begins.
    pub fn start(&self) -> String {
        self.scope.start().to_string()
    }

    /// What it begins with.
    pub fn first_role(&self) -> &'static str {
        if self.crawls { "page" } else { "sitemap" }
    }
}

impl SourceSync {
    /// The text of `robots.txt`; empty when there is none.
    pub(in crate::sources) async fn read_robots(
        &self,
        site: &Site,
    ) -> Result<String, (String, String)> {
        let url = site.scope.robots();
        let mut attempt = 1;
        loop {
            self.wait_for_turn(site.scope.host()).await;
            match self.fetcher().fetch(&url, &Validators::default()).await {
                Ok(Fetched::Content(content)) => {
                    return Ok(beginning(&content.body, self.settings.max_robots_bytes));
                }
                Ok(_) => return Ok(String::new()),
                // A server that lets nobody have the file forbids nothing, says RFC 9309.
                Err(FetchError { code: "http_status", again: None, .. }) => {
                    return Ok(String::new());
                }
                Err(error) if error.again.is_some() && attempt < self.settings.max_attempts => {
                    tokio::time::sleep(self.wait_after(attempt, None)).await;
                    attempt += 1;
                }
                Err(error) => {
                    let detail = format!(
                        "robots.txt could not be read, so that nothing may be: {}",
                        error.detail
                    );
                    return Err(("robots_unavailable".to_owned(), detail));
                }
            }
        }
    }

    /// Looks at a page, or reads a list of pages.
    pub(in crate::sources) async fn look(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        site: &Site,
        page: &NextPage,
    ) -> db::Result<Look> {
        let attempts = u32::try_from(page.attempts).unwrap_or(u32::MAX);
        if attempts > self.settings.max_attempts {
            let detail = format!("the worker stopped in the middle of {} attempts", attempts - 1);
            return Ok(Look::failed("worker_lost", &detail));
        }
        let Ok(url) = Url::parse(&page.url) else {
            return Ok(Look::failed("address_refused", "the address can not be read"));
        };
        if !site.rules.allow(&url) {
            let detail = "robots.txt of the site asks not to read it";
            return Ok(Look::skipped("robots_disallowed", detail));
        }
        if page.role != "page" {
            return Ok(self.look_at_list(site, page, &url).await);
        }
        let item = self.db.tenant(tenant).await?.find_source_item(run.source_id, &page.url).await?;
        let known = item.as_ref().filter(|item| item.document_id.is_some());
        let validators = known.map(|item| Validators {
            etag: item.etag.clone(),
            last_modified: item.last_modified.clone(),
        });
        self.wait_for_turn(site.scope.host()).await;
        match self.fetcher().fetch(&page.url, &validators.unwrap_or_default()).await {
            Ok(Fetched::Content(content)) => {
                Box::pin(self.take(tenant, run, site, page, item.as_ref(), *content)).await
            }
            Ok(Fetched::NotModified) => Ok(not_modified(site, page, known)),
            Ok(Fetched::Gone(status)) => {
                Ok(Look::skipped("gone", &format!("the server answered {status}")))
            }
            Err(error) => Ok(self.not_fetched(page, error)),
        }
    }

    fn fetcher(&self) -> Fetcher<'_> {
        Fetcher { outbound: &self.outbound, max_redirects: self.settings.max_redirects }
    }

    /// Reads a list of pages.
    async fn look_at_list(&self, site: &Site, page: &NextPage, url: &Url) -> Look {
        self.wait_for_turn(site.scope.host()).await;
        let content = match self.fetcher().fetch(&page.url, &Validators::default()).await {
            Ok(Fetched::Content(content)) => content,
            Ok(Fetched::Gone(status)) => {
                return Look::failed("gone", &format!("the server answered {status}"));
            }
            Ok(Fetched::NotModified) => {
                return Look::failed("invalid_answer", "the server answered 304 unasked");
            }
            Err(error) => return self.not_fetched(page, error),
        };
        if content.url.origin() != url.origin() {
            return Look::failed("redirected_outside", &leads_outside(&content.url));
        }
        let (bytes, most) = (content.body.clone(), self.settings.max_sitemap_bytes);
        let read = tokio::task::spawn_blocking(move || Sitemap::parse(&bytes, most)).await;
        let found = match read {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return Look::failed(error.code(), &error.to_string()),
            Err(_) => return Look::failed("crashed", "reading the sitemap ended abnormally"),
        };
        let pages = found.pages.iter().filter_map(|link| site.scope.page(url, link));
        let sitemaps = found.sitemaps.iter().filter_map(|link| site.scope.sitemap(url, link));
        Look {
            bytes: content.body.len(),
            pages: pages.collect(),
            sitemaps: sitemaps.collect(),
            ..Look::plain(Fate::Good("read"))
        }
    }

    /// Takes a page in that was fetched.
    async fn take(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        site: &Site,
        page: &NextPage,
        item: Option<&Item>,
        content: Content,
    ) -> db::Result<Look> {
        let bytes = content.body.len();
        if content.url.as_str() != page.url {
            return Ok(Look { bytes, ..redirected(site, &content.url) });
        }
        let Some(findings) = self.findings(&content).await else {
            return Ok(Look::failed("crashed", "reading the page ended abnormally"));
        };
        let base = findings.base(&content.url);
        let canonical = findings.canonical.as_deref().and_then(|link| site.scope.page(&base, link));
        let mut links = Vec::new();
        if site.crawls && !findings.nofollow {
            links.extend(findings.links.iter().filter_map(|link| site.scope.page(&base, link)));
        }
        // All of them are kept: the page may come to stand nearer to the start.
        let mut pages = if page.depth < site.max_depth { links.clone() } else { Vec::new() };
        if let Some(canonical) = canonical.filter(|canonical| *canonical != page.url) {
            let mut tx = self.db.tenant(tenant).await?;
            // Two pages that each call the other one the right one would both be left out.
            if tx.find_skipped_page(run.run_id, &canonical).await?.is_none() {
                let detail = format!("the page calls {canonical} the right one");
                pages.insert(0, canonical);
                let look = Look::skipped("canonical_elsewhere", &detail);
                return Ok(Look { bytes, pages, ..look });
            }
        }
        if findings.noindex {
            let look = Look::skipped("noindex", "the page asks not to be indexed");
            return Ok(Look { bytes, pages, ..look });
        }
        let taken = self.receive(tenant, run, page, item, content, links).await;
        Ok(Look { bytes, pages, ..taken })
    }

    /// What a page says of itself; absent when reading it crashed.
    async fn findings(&self, content: &Content) -> Option<Findings> {
        let mut findings = Findings::default();
        if is_page(content) {
            let (body, most) = (content.body.clone(), self.settings.max_links);
            let read = move || Findings::of(&String::from_utf8_lossy(&body), most);
            findings = tokio::task::spawn_blocking(read).await.ok()?;
        }
        for value in &content.robots {
            findings.heed(value);
        }
        Some(findings)
    }

    /// Makes a document of a page.
    async fn receive(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        page: &NextPage,
        item: Option<&Item>,
        content: Content,
        links: Vec<String>,
    ) -> Look {
        let digest = Sha256::digest(&content.body).to_vec();
        let had = item.filter(|item| item.document_id.is_some());
        let fate = match had {
            None => "new",
            Some(item) if item.content_sha256 == digest => "unchanged",
            Some(_) => "changed",
        };
        let new = NewDocument {
            place: Place::Collection(run.collection_id),
            name: page.url.clone(),
            format_name: Some(format_name(&content)),
            declared_type: content.content_type.clone(),
            source_url: Some(page.url.clone()),
            metadata: None,
            bytes: content.body.to_vec(),
            created_by: None,
        };
        let author = Author::source(tenant, run.source_id, run.collection_id);
        let receipt = Box::pin(self.receiver.receive(&author, new, None, answer)).await;
        let document_id = match receipt {
            Ok(Receipt::Now(outcome) | Receipt::Before(db::idempotency::Kept { outcome, .. })) => {
                outcome.body.and_then(|id| id.parse::<Uuid>().ok())
            }
            Err(error) => return self.not_received(page, &error),
        };
        let item = Item {
            url: page.url.clone(),
            document_id,
            etag: content.validators.etag,
            last_modified: content.validators.last_modified,
            content_sha256: digest,
            links,
        };
        Look { item: Kept::Now(item), ..Look::plain(Fate::Good(fate)) }
    }

    fn not_received(&self, page: &NextPage, error: &ReceiveError) -> Look {
        let detail = error.to_string();
        match error {
            // What was there before is better than nothing.
            ReceiveError::Unreadable(error) => {
                Look { item: Kept::AsItWas, ..Look::skipped(error.code(), &detail) }
            }
            // Of a session nothing comes from here.
            ReceiveError::UnknownCollection
            | ReceiveError::UnknownSession
            | ReceiveError::TooManyAttachments(_) => Look::failed("collection_gone", &detail),
            ReceiveError::Off(_) => {
                let code = "uploads_off".to_owned();
                Look::plain(Fate::Again(SWITCHED_OFF, false, code, detail))
            }
            ReceiveError::Objects(_) | ReceiveError::GivenUp | ReceiveError::Database(_) => {
                self.again(page, None, "not_stored", "the page could not be stored")
            }
        }
    }

    fn not_fetched(&self, page: &NextPage, error: FetchError) -> Look {
        let FetchError { code, detail, again } = error;
        match again {
            Some(asked) => self.again(page, asked, code, &detail),
            None => Look::failed(code, &detail),
        }
    }

    /// Another attempt, or none when there were enough.
    fn again(&self, page: &NextPage, asked: Option<Duration>, code: &str, detail: &str) -> Look {
        let attempts = u32::try_from(page.attempts).unwrap_or(u32::MAX);
        if attempts >= self.settings.max_attempts {
            return Look::failed(code, detail);
        }
        let wait = self.wait_after(attempts, asked);
        Look::plain(Fate::Again(wait, true, code.to_owned(), detail.to_owned()))
    }

    /// Wait after so many attempts: twice as long each time, or as long as the site asks; not longer than the limit.
    fn wait_after(&self, attempts: u32, asked: Option<Duration>) -> Duration {
        let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let wait = asked.unwrap_or_else(|| self.settings.retry.saturating_mul(factor));
        wait.min(self.settings.max_wait)
    }
}

/// What the receiver answers: the id of the document.
fn answer(received: &Received) -> db::Result<Outcome> {
    let id = received.document.document_id.to_string();
    Ok(Outcome { status: 202, body: Some(id), ..Outcome::default() })
}

fn not_modified(site: &Site, page: &NextPage, known: Option<&Item>) -> Look {
    let Some(item) = known else {
        return Look::failed("invalid_answer", "the server answered 304 unasked");
    };
    let follows = site.crawls && page.depth < site.max_depth;
    let base = site.scope.start();
    // What belongs to the source may be less than before.
    let links =
        item.links.iter().filter(|_| follows).filter_map(|link| site.scope.page(base, link));
    Look { item: Kept::AsItWas, pages: links.collect(), ..Look::plain(Fate::Good("unchanged")) }
}

/// A page that leads to another one, which is then looked at for itself.
fn redirected(site: &Site, to: &Url) -> Look {
    match site.scope.page(to, to.as_str()) {
        Some(page) => {
            let look = Look::skipped("redirected", &format!("it leads to {page}"));
            Look { pages: vec![page], ..look }
        }
        None => Look::skipped("redirected_outside", &leads_outside(to)),
    }
}

fn leads_outside(to: &Url) -> String {
    format!("it leads to {to}, which does not belong to the source")
}

/// Whether the server declares it to be a page.
fn is_page(content: &Content) -> bool {
    let declared = content.content_type.as_deref().unwrap_or("text/html");
    let essence = declared.split(';').next().unwrap_or_default().trim().to_lowercase();
    matches!(essence.as_str(), "text/html" | "application/xhtml+xml")
}

/// A name that tells the format: that of a page's address may be one of a program that makes pages, as in `index.php`.
fn format_name(content: &Content) -> String {
    if is_page(content) && content.content_type.is_some() {
        return "page.html".to_owned();
    }
    let last = content.url.path_segments().and_then(|mut parts| parts.next_back());
    last.unwrap_or_default().to_owned()
}
