//! Looks at one page of a site: fetches it unless it has not changed, and makes it a document by the way of uploads.

use std::time::Duration;

use reqwest::Url;
use tokio_util::sync::CancellationToken;

use super::follow::{Reached, unasked};
use super::page::Findings;
use super::robots::{Rules, beginning};
use super::scope::Scope;
use super::sitemap::Sitemap;
use crate::db;
use crate::kernel::ids::TenantId;
use crate::sources::canonicals::CANONICAL_ELSEWHERE;
use crate::sources::configuration::{Discovery, Website};
use crate::sources::fetch::{Content, FetchError, Fetched, Fetcher, Outlook, Validators};
use crate::sources::receive::Material;
use crate::sources::settle::{Fate, Kept, Look};
use crate::sources::stopping::given_back;
use crate::sources::store::items::Item;
use crate::sources::store::leases::ClaimedRun;
use crate::sources::store::pages::NextPage;
use crate::sources::sync::{SourceSync, SyncSettings};

/// A site as a run sees it.
pub(in crate::sources) struct Site {
    scope: Scope,
    rules: Rules,
    delay: Duration,
    crawls: bool,
    max_depth: i32,
}

impl Site {
    /// The site of a source; absent when its address cannot be read.
    pub fn new(website: &Website, settings: &SyncSettings, run: &ClaimedRun) -> Option<Self> {
        let most = settings.max_depth;
        let max_depth = website.max_depth.map_or(most, |own| own.min(most));
        let rules = Rules::parse(run.robots.as_deref().unwrap_or_default());
        let asked = rules.crawl_delay().unwrap_or_default().min(settings.max_crawl_delay);
        Some(Self {
            scope: Scope::new(website, settings.max_url_bytes)?,
            rules,
            delay: asked.max(settings.delay),
            crawls: website.discovery == Discovery::Crawl,
            max_depth: i32::try_from(max_depth).unwrap_or(i32::MAX),
        })
    }

    /// Where it begins.
    pub fn start(&self) -> String {
        self.scope.start().to_string()
    }

    /// The host, for taking turns.
    pub fn host(&self) -> &str {
        self.scope.host()
    }

    /// Time between two requests: ours, or a longer one that the site asks for, up to the limit.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// Whether the site lets a page be read.
    pub fn allows(&self, url: &Url) -> bool {
        self.rules.allow(url)
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
            self.wait_for_turn(site.host(), site.delay()).await;
            match self.fetcher().fetch(&url).await {
                Ok(Fetched::Content(content)) => {
                    return Ok(beginning(&content.body, self.settings.max_robots_bytes));
                }
                Ok(_) => return Ok(String::new()),
                // A server that lets nobody have the file forbids nothing, says RFC 9309.
                Err(FetchError {
                    code: "http_status",
                    outlook: Outlook::Closed | Outlook::Lasting,
                    ..
                }) => {
                    return Ok(String::new());
                }
                Err(FetchError { outlook: Outlook::Passing | Outlook::Busy(_), .. })
                    if attempt < self.settings.max_attempts =>
                {
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
        stop: &CancellationToken,
    ) -> db::Result<Look> {
        if let Some(look) = self.begun_too_often(page) {
            return Ok(look);
        }
        let Ok(url) = Url::parse(&page.url) else {
            return Ok(Look::failed("address_refused", "the address can not be read"));
        };
        if !site.allows(&url) {
            let detail = "robots.txt of the site asks not to read it";
            return Ok(Look::skipped("robots_disallowed", detail));
        }
        if page.role != "page" {
            return Ok(self.look_at_list(site, page, &url, stop).await);
        }
        let item = self.db.tenant(tenant).await?.find_source_item(run.source_id, &page.url).await?;
        let known = item.as_ref().filter(|item| item.document_id.is_some());
        let validators = known.map(|item| Validators {
            etag: item.etag.clone(),
            last_modified: item.last_modified.clone(),
        });
        let is_known = item.is_some();
        // A stop ends waiting and asking. What has come is stored to the end: a source must know of each document that it made.
        let reached = self.reach(site, &url, validators.unwrap_or_default());
        let Some(reached) = self.unless_stopped(stop, Box::pin(reached)).await else {
            return Ok(given_back());
        };
        match reached {
            Ok(Reached::Answer(Fetched::Content(content), is_permanent))
                if content.url.as_str() != page.url =>
            {
                let look = redirected(site, &content.url, is_known && !is_permanent);
                Ok(Look { bytes: content.body.len(), ..look })
            }
            Ok(Reached::Answer(Fetched::Content(content), _)) => {
                Box::pin(self.take(tenant, run, site, page, item.as_ref(), *content)).await
            }
            Ok(Reached::Answer(Fetched::NotModified, _)) => Ok(known.map_or_else(
                || self.not_fetched(page, is_known, unasked()),
                |item| not_modified(site, page, item),
            )),
            Ok(Reached::Answer(Fetched::Gone(status), _)) => {
                Ok(Look::skipped("gone", &format!("the server answered {status}")))
            }
            Ok(Reached::Outside(to, is_permanent)) => {
                Ok(redirected(site, &to, is_known && !is_permanent))
            }
            Ok(Reached::Forbidden(to, is_permanent)) => {
                let detail = format!("it leads to {to}, which robots.txt asks not to read");
                // For now, as to a login: what we have stays.
                let stays = is_known && !is_permanent;
                let look = if stays { Look::failed } else { Look::skipped };
                Ok(look("robots_disallowed", &detail))
            }
            Err(error) => Ok(self.not_fetched(page, is_known, error)),
        }
    }

    pub(super) fn fetcher(&self) -> Fetcher<'_> {
        Fetcher { outbound: &self.outbound, max_redirects: self.settings.max_redirects }
    }

    /// Reads a list of pages.
    async fn look_at_list(
        &self,
        site: &Site,
        page: &NextPage,
        url: &Url,
        stop: &CancellationToken,
    ) -> Look {
        let reached = self.reach(site, url, Validators::default());
        let Some(reached) = self.unless_stopped(stop, Box::pin(reached)).await else {
            return given_back();
        };
        let content = match reached {
            Ok(Reached::Answer(Fetched::Content(content), _)) => content,
            Ok(Reached::Answer(Fetched::Gone(status), _)) => {
                return Look::failed("gone", &format!("the server answered {status}"));
            }
            Ok(Reached::Answer(Fetched::NotModified, _)) => {
                return self.not_fetched(page, true, unasked());
            }
            Ok(Reached::Outside(to, _)) => {
                return Look::failed("redirected_outside", &leads_outside(&to));
            }
            Ok(Reached::Forbidden(to, _)) => {
                let detail = format!("it leads to {to}, which robots.txt asks not to read");
                return Look::failed("robots_disallowed", &detail);
            }
            Err(error) => return self.not_fetched(page, true, error),
        };
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
        mut content: Content,
    ) -> db::Result<Look> {
        let bytes = content.body.len();
        let findings = match self.findings(&content).await {
            Ok(findings) => findings,
            Err((code, detail)) => return Ok(Look { bytes, ..Look::failed(code, &detail) }),
        };
        let base = findings.base(&content.url);
        let canonical = findings.canonical.as_deref().and_then(|link| site.scope.page(&base, link));
        let mut links = Vec::new();
        let follows = site.crawls && !findings.nofollow;
        if follows {
            links.extend(findings.links.iter().filter_map(|link| site.scope.page(&base, link)));
        }
        // All of them are kept: the page may come to stand nearer to the start.
        let goes_on = page.depth < site.max_depth;
        let mut pages = if goes_on { links.clone() } else { Vec::new() };
        let cut = findings.cut && follows && goes_on;
        if findings.cut && follows {
            // The next run must see again that there are more links than are kept.
            content.validators = Validators::default();
        }
        if let Some(canonical) = canonical.filter(|canonical| *canonical != page.url) {
            // Of several that each call another one the right one, all would be left out.
            if !page.was_left_out && self.is_stood_for(tenant, run, &canonical, page).await? {
                let detail = format!("the page calls {canonical} the right one");
                let look = Look::skipped(CANONICAL_ELSEWHERE, &detail);
                pages.insert(0, canonical.clone());
                return Ok(Look { bytes, pages, cut, leads_to: Some(canonical), ..look });
            }
            // The next run must see again which one it calls right.
            content.validators = Validators::default();
        }
        if findings.noindex {
            let look = Look::skipped("noindex", "the page asks not to be indexed");
            return Ok(Look { bytes, pages, cut, ..look });
        }
        let material = Material {
            format_name: format_name(&content),
            bytes: content.body.to_vec(),
            declared_type: content.content_type,
            source_url: Some(page.url.clone()),
            validators: content.validators,
            links,
            sole_source: None,
        };
        let taken = self.receive(tenant, run, page, item, material).await;
        Ok(Look { bytes, pages, cut, ..taken })
    }

    /// Whether another page stands for this one, or will once it is looked at.
    async fn is_stood_for(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        other: &str,
        page: &NextPage,
    ) -> db::Result<bool> {
        let mut tx = self.db.tenant(tenant).await?;
        tx.is_source_page_stood_for(run, other, Some(&page.url)).await
    }

    /// What a page says of itself; or why that is not known, for programs and in words.
    async fn findings(&self, content: &Content) -> Result<Findings, (&'static str, String)> {
        let mut findings = Findings::default();
        if is_page(content) {
            let body = content.body.clone();
            let (most, time) = (self.settings.max_links, self.settings.max_parse);
            let read = move || Findings::of(&String::from_utf8_lossy(&body), most, time);
            let found = tokio::task::spawn_blocking(read).await;
            let crashed = |_| ("crashed", "reading the page ended abnormally".to_owned());
            findings = found.map_err(crashed)?.ok_or_else(|| {
                let limit = time.as_millis();
                let detail = format!("finding its links took longer than {limit} milliseconds");
                ("page_too_complex", detail)
            })?;
        }
        for value in &content.robots {
            findings.heed(value);
        }
        Ok(findings)
    }

    /// `is_known`: it was read before, or others depend on it.
    fn not_fetched(&self, page: &NextPage, is_known: bool, error: FetchError) -> Look {
        match error.outlook {
            Outlook::Passing | Outlook::Busy(_) => self.again(page, error),
            // A link that never leads to anything is to keep nobody from finding what is gone.
            Outlook::Closed if !is_known => Look::skipped(error.code, &error.detail),
            Outlook::Closed | Outlook::Lasting => Look::failed(error.code, &error.detail),
        }
    }
}

fn not_modified(site: &Site, page: &NextPage, item: &Item) -> Look {
    let follows = site.crawls && page.depth < site.max_depth;
    let base = site.scope.start();
    // What belongs to the source may be less than before.
    let links =
        item.links.iter().filter(|_| follows).filter_map(|link| site.scope.page(base, link));
    Look { item: Kept::AsItWas, pages: links.collect(), ..Look::plain(Fate::Good("unchanged")) }
}

/// A page that leads to another one, which is then looked at for itself. `stays`: it is known and leads away for now alone, to a
/// login or a notice that the site is being worked on.
fn redirected(site: &Site, to: &Url, stays: bool) -> Look {
    match site.scope.page(to, to.as_str()) {
        Some(target) => {
            let look = Look::skipped("redirected", &format!("it leads to {target}"));
            Look { pages: vec![target.clone()], leads_to: Some(target), ..look }
        }
        None if stays => Look::failed("redirected_outside", &leads_outside(to)),
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
