//! Nothing is deleted by mistake: not by a run that could not look at everything, and not too much at once.

use serde_json::Value;

use super::site::{Page, Site};
use super::{app, counts, crawl, documents, ended, reason, source, sync};

/// A site with a first page and so many others.
async fn site_of(count: usize) -> Site {
    let site = Site::start(&[]).await;
    lead_to(&site, count);
    for number in 0..count {
        let text = format!("What stands on page {number}.");
        site.put(&format!("/{number}"), Page::html(&format!("Page {number}"), &[], &text));
    }
    site
}

/// The first page leads to so many.
fn lead_to(site: &Site, count: usize) {
    let links: Vec<String> = (0..count).map(|number| format!("/{number}")).collect();
    let links: Vec<&str> = links.iter().map(String::as_str).collect();
    site.put("/", Page::html("Start", &links, "Begin here."));
}

#[tokio::test]
async fn a_run_that_could_not_look_at_everything_deletes_nothing() {
    let site = site_of(10).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    assert_eq!(counts(&sync(&tenant, &source).await), [11, 11, 0, 0, 0, 0, 0]);
    // One page is gone, and another one does not answer.
    lead_to(&site, 9);
    site.put("/0", Page::status(503));
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("partial", "pages_failed"));
    assert_eq!(counts(&run), [10, 0, 1, 8, 0, 1, 0]);
    assert_eq!(documents(&tenant, &site).await.len(), 11);
    // Three attempts were made at it.
    assert_eq!(site.asked().iter().filter(|it| it.status == 503).count(), 3);
    // The whole site is away: its first page as well.
    for status in [404, 410, 500, 403] {
        site.put("/", Page::status(status));
        let run = sync(&tenant, &source).await;
        assert_eq!(run["run"]["state"], "failed", "{status}: {run}");
        assert_eq!(documents(&tenant, &site).await.len(), 11, "{status}");
    }
    site.put("/robots.txt", Page::of("text/plain", "User-agent: *\nDisallow: /\n"));
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("failed", "robots_disallowed"));
    site.put("/robots.txt", Page::status(500));
    assert_eq!(reason(&sync(&tenant, &source).await), ("failed", "robots_unavailable"));
    assert_eq!(documents(&tenant, &site).await.len(), 11);
    // And when everything can be looked at again, what is gone goes.
    site.take_away("/robots.txt");
    lead_to(&site, 9);
    site.put("/0", Page::html("Page 0", &[], "What stands on page 0."));
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)[6]), (("completed", ""), 1));
    assert_eq!(documents(&tenant, &site).await.len(), 10);
}

#[tokio::test]
async fn a_run_deletes_as_large_a_part_as_the_limit_and_a_larger_one_when_it_is_allowed() {
    // Of 20 pages in all, with 25 % at most: 4, 5 and 6 are gone.
    for (left, deleted) in [(15, 4), (14, 5), (13, 0)] {
        let site = site_of(19).await;
        let app = app(&site, &[("PIDIMA_SOURCE_MAX_DELETED_PERCENT", "25")]).await;
        let tenant = app.tenant("acme").await;
        let source = source(&tenant, &crawl(&site, "/")).await;
        assert_eq!(counts(&sync(&tenant, &source).await)[1], 20);
        lead_to(&site, left);
        let run = sync(&tenant, &source).await;
        assert_eq!(counts(&run)[6], deleted, "{left}: {run}");
        let state = if deleted > 0 { ("completed", "") } else { ("partial", "too_many_deletions") };
        assert_eq!(reason(&run), state);
        assert_eq!(documents(&tenant, &site).await.len(), 20 - usize::try_from(deleted).unwrap());
        if deleted == 0 {
            let allow = format!("/v1/sources/{source}/sync?allow_mass_deletion=true");
            let run = tenant.post(&allow, &Value::Null).await.expect(202);
            let run = ended(&tenant, &source, run["id"].as_str().unwrap()).await;
            assert_eq!((reason(&run), counts(&run)[6]), (("completed", ""), 6));
            assert_eq!(documents(&tenant, &site).await.len(), 14);
        }
    }
}

#[tokio::test]
async fn one_page_may_always_go_unless_none_may() {
    for (percent, deleted) in [("30", 1), ("1", 1), ("0", 0)] {
        let site = site_of(2).await;
        let app = app(&site, &[("PIDIMA_SOURCE_MAX_DELETED_PERCENT", percent)]).await;
        let tenant = app.tenant("acme").await;
        let source = source(&tenant, &crawl(&site, "/")).await;
        assert_eq!(counts(&sync(&tenant, &source).await)[1], 3);
        lead_to(&site, 1);
        let run = sync(&tenant, &source).await;
        assert_eq!(counts(&run)[6], deleted, "{percent}: {run}");
        let state = if deleted > 0 { ("completed", "") } else { ("partial", "too_many_deletions") };
        assert_eq!(reason(&run), state);
    }
}

#[tokio::test]
async fn a_page_that_two_sources_lose_at_the_same_moment_goes() {
    let site = site_of(6).await;
    let settings =
        [("PIDIMA_SOURCE_MAX_DELETED_PERCENT", "100"), ("PIDIMA_SOURCE_CONCURRENCY", "4")];
    let app = app(&site, &settings).await;
    let tenant = app.tenant("acme").await;
    let first = source(&tenant, &crawl(&site, "/")).await;
    let second = source(&tenant, &crawl(&site, "/")).await;
    tokio::join!(sync(&tenant, &first), sync(&tenant, &second));
    assert_eq!(documents(&tenant, &site).await.len(), 7);
    lead_to(&site, 0);
    let (one, two) = tokio::join!(sync(&tenant, &first), sync(&tenant, &second));
    assert_eq!((counts(&one)[6], counts(&two)[6]), (6, 6));
    assert_eq!(documents(&tenant, &site).await.len(), 1);
}

#[tokio::test]
async fn a_document_that_somebody_deleted_comes_back_and_one_of_two_sources_stays() {
    let site = site_of(3).await;
    let app = app(&site, &[("PIDIMA_SOURCE_MAX_DELETED_PERCENT", "100")]).await;
    let tenant = app.tenant("acme").await;
    let first = source(&tenant, &crawl(&site, "/")).await;
    sync(&tenant, &first).await;
    let page = tenant.get("/v1/documents").await.expect(200);
    let named = |name: &str| {
        let items = page["items"].as_array().unwrap();
        let found = items.iter().find(|it| it["name"] == site.url(name)).unwrap();
        format!("/v1/documents/{}", found["id"].as_str().unwrap())
    };
    tenant.delete(&named("/1")).await.expect(204);
    assert_eq!(counts(&sync(&tenant, &first).await), [4, 1, 0, 3, 0, 0, 0]);
    assert!(documents(&tenant, &site).await.contains_key("/1"));
    // The same pages in two sources: what one of them does not find any more, the other one has.
    let second = source(&tenant, &crawl(&site, "/")).await;
    assert_eq!(counts(&sync(&tenant, &second).await)[1], 4);
    lead_to(&site, 2);
    assert_eq!(counts(&sync(&tenant, &first).await)[6], 1);
    assert!(documents(&tenant, &site).await.contains_key("/2"));
    assert_eq!(counts(&sync(&tenant, &second).await)[6], 1);
    assert!(!documents(&tenant, &site).await.contains_key("/2"));
    // A source that is deleted leaves its documents, unless that is not wanted.
    tenant.delete(&format!("/v1/sources/{first}?documents=delete")).await.expect(204);
    assert_eq!(documents(&tenant, &site).await.len(), 3);
    let third = source(&tenant, &crawl(&site, "/")).await;
    sync(&tenant, &third).await;
    tenant.delete(&format!("/v1/sources/{second}")).await.expect(204);
    assert_eq!(documents(&tenant, &site).await.len(), 3);
    tenant.delete(&format!("/v1/sources/{third}?documents=delete")).await.expect(204);
    assert!(documents(&tenant, &site).await.is_empty());
    let page = tenant.get("/v1/collections").await.expect(200);
    assert_eq!(page["items"][0]["chunk_count"], 0);
}
