//! Each limit at its value, below and above.

use std::time::Duration;

use serde_json::{Value, json};

use super::site::{Page, Site};
use super::{app, ask, counts, crawl, documents, ended, noted, reason, show, source, sync};
use crate::api::problem;
use crate::support::TestTenant;

/// Reads a site once with one setting; the run.
async fn once(site: &Site, settings: &[(&str, &str)], configuration: &Value) -> (Value, usize) {
    let app = app(site, settings).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, configuration).await;
    let run = sync(&tenant, &source).await;
    let count = documents(&tenant, site).await.len();
    (run, count)
}

/// Pages each of which leads to the next one.
async fn chain(length: usize) -> Site {
    let site = Site::start(&[]).await;
    for number in 0..length {
        let (path, next) = (format!("/{number}"), format!("/{}", number + 1));
        let links: &[&str] = if number + 1 < length { &[&next] } else { &[] };
        site.put(&path, Page::html(&format!("Page {number}"), links, "A page of the chain."));
    }
    site
}

#[tokio::test]
async fn a_run_reads_as_many_pages_as_the_limit_and_says_when_there_are_more() {
    for (limit, count, state) in [
        ("5", 4, ("completed", "")),
        ("4", 4, ("completed", "")),
        ("3", 3, ("partial", "page_limit")),
    ] {
        let site = chain(4).await;
        let (run, found) =
            once(&site, &[("PIDIMA_SOURCE_MAX_PAGES", limit)], &crawl(&site, "/0")).await;
        assert_eq!((reason(&run), found), (state, count), "{limit}");
        // A source of its own may have less.
        let site = chain(4).await;
        let mut own = crawl(&site, "/0");
        own["max_pages"] = limit.parse::<u32>().unwrap().into();
        let (run, found) = once(&site, &[], &own).await;
        assert_eq!((reason(&run), found), (state, count), "{limit}");
    }
}

#[tokio::test]
async fn pages_are_as_many_links_away_as_the_limit_and_further_ones_do_not_belong_to_the_source() {
    for (limit, count) in [("2", 3), ("3", 4), ("4", 4)] {
        let site = chain(4).await;
        let (run, found) =
            once(&site, &[("PIDIMA_SOURCE_MAX_DEPTH", limit)], &crawl(&site, "/0")).await;
        assert_eq!((reason(&run), found), (("completed", ""), count), "{limit}");
    }
    let site = chain(4).await;
    let mut own = crawl(&site, "/0");
    own["max_depth"] = 0.into();
    assert_eq!(once(&site, &[], &own).await.1, 1);
}

#[tokio::test]
async fn a_run_reads_on_until_the_bytes_are_as_many_as_the_limit() {
    let site = chain(3).await;
    let (run, _) = once(&site, &[], &crawl(&site, "/0")).await;
    let all = run["run"]["bytes_read"].as_i64().unwrap();
    let last = i64::try_from(Page::html("Page 2", &[], "A page of the chain.").body.len()).unwrap();
    // The last page is begun while less than the limit was read.
    for (limit, count) in [(all + 1, 3), (all - last + 1, 3), (all - last, 2)] {
        let site = chain(3).await;
        let settings = [("PIDIMA_SOURCE_MAX_RUN_BYTES", limit.to_string())];
        let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
        let (run, found) = once(&site, &settings, &crawl(&site, "/0")).await;
        let state = if count == 3 { ("completed", "") } else { ("partial", "byte_limit") };
        assert_eq!((reason(&run), found), (state, count), "{limit}");
    }
}

#[tokio::test]
async fn a_run_takes_as_long_as_the_limit() {
    let site = chain(3).await;
    let settings = [("PIDIMA_SOURCE_MAX_RUN_MS", "1"), ("PIDIMA_SOURCE_SLICE_MS", "1")];
    let (run, _) = once(&site, &settings, &crawl(&site, "/0")).await;
    assert_eq!(reason(&run), ("partial", "time_limit"));
    let settings = [("PIDIMA_SOURCE_MAX_RUN_MS", "60000"), ("PIDIMA_SOURCE_SLICE_MS", "1")];
    let site = chain(3).await;
    let (run, found) = once(&site, &settings, &crawl(&site, "/0")).await;
    assert_eq!((reason(&run), found), (("completed", ""), 3));
}

#[tokio::test]
async fn sitemaps_are_as_many_as_the_limit() {
    for (limit, state) in
        [("4", ("completed", "")), ("3", ("completed", "")), ("2", ("partial", "sitemap_limit"))]
    {
        let site = Site::start(&[("/a", Page::html("A", &[], "A page."))]).await;
        let entry = |path: &str| format!("<sitemap><loc>{}</loc></sitemap>", site.url(path));
        let index =
            format!("<sitemapindex>{}{}{}</sitemapindex>", entry("/1"), entry("/2"), entry("/0"));
        let urls = format!("<urlset><url><loc>{}</loc></url></urlset>", site.url("/a"));
        site.put("/0", Page::of("text/xml", index));
        site.put("/1", Page::of("text/xml", urls.clone()));
        site.put("/2", Page::of("text/xml", urls));
        let configuration =
            json!({ "kind": "website", "url": site.url("/0"), "discovery": "sitemap" });
        let settings = [("PIDIMA_SOURCE_MAX_SITEMAPS", limit)];
        let (run, found) = once(&site, &settings, &configuration).await;
        assert_eq!((reason(&run), found), (state, 1), "{limit}");
    }
}

#[tokio::test]
async fn a_page_is_as_long_as_the_limit_and_asked_for_as_often() {
    let page = Page::html("Start", &[], "A page of some length.");
    let length = page.body.len();
    for (limit, passes) in [(length + 1, true), (length, true), (length - 1, false)] {
        let site = Site::start(&[("/", page.clone())]).await;
        let limit = limit.to_string();
        let settings = [("PIDIMA_SOURCE_MAX_PAGE_BYTES", limit.as_str())];
        let (run, _) = once(&site, &settings, &crawl(&site, "/")).await;
        let state = if passes { ("completed", "") } else { ("failed", "answer_too_long") };
        assert_eq!(reason(&run), state, "{limit}");
    }
    for limit in ["1", "2", "3"] {
        let site = Site::start(&[("/", Page::status(500))]).await;
        let settings = [("PIDIMA_SOURCE_MAX_ATTEMPTS", limit)];
        let (run, _) = once(&site, &settings, &crawl(&site, "/")).await;
        assert_eq!(reason(&run), ("failed", "http_status"));
        assert_eq!(site.asked().len().to_string(), limit);
    }
}

#[tokio::test]
async fn redirects_are_followed_as_often_as_the_limit() {
    for (limit, code) in [("1", "too_many_redirects"), ("2", "redirected"), ("3", "redirected")] {
        let site = Site::start(&[
            ("/", Page::html("Start", &["/1"], "Begin.")),
            ("/1", Page::redirect("/2")),
            ("/2", Page::redirect("/3")),
            ("/3", Page::html("Three", &[], "The end.")),
        ])
        .await;
        let settings = [("PIDIMA_SOURCE_MAX_REDIRECTS", limit)];
        let (run, _) = once(&site, &settings, &crawl(&site, "/")).await;
        assert_eq!(noted(&run, &site)["/1"], code, "{limit}");
    }
}

#[tokio::test]
async fn requests_to_a_host_are_as_far_apart_as_the_setting_and_a_site_may_ask_for_more() {
    let site = chain(3).await;
    let (run, _) = once(&site, &[("PIDIMA_SOURCE_DELAY_MS", "300")], &crawl(&site, "/0")).await;
    assert_eq!(reason(&run), ("completed", ""));
    // One may have been longer on its way than the next one.
    for gap in gaps(&site) {
        assert!(gap >= Duration::from_millis(200), "{gap:?}");
    }
    // So much may the site itself ask for: less than the limit, as much, and more.
    for (asked, limit, least) in [
        ("0.3", "400", 200),
        ("0.4", "400", 300),
        ("3600", "400", 300),
        ("3600", "0", 0),
        // Ours is longer than that.
        ("0.01", "400", 200),
    ] {
        let site = chain(3).await;
        let robots = format!("User-agent: *\nCrawl-delay: {asked}\n");
        site.put("/robots.txt", Page::of("text/plain", robots));
        let own = if asked == "0.01" { "300" } else { "0" };
        let settings =
            [("PIDIMA_SOURCE_MAX_CRAWL_DELAY_MS", limit), ("PIDIMA_SOURCE_DELAY_MS", own)];
        let (run, _) = once(&site, &settings, &crawl(&site, "/0")).await;
        assert_eq!(reason(&run), ("completed", ""), "{asked}");
        for gap in gaps(&site) {
            assert!(gap >= Duration::from_millis(least), "{asked} of {limit}: {gap:?}");
        }
    }
    // An hour is longer than the site may ask for.
    let site = Site::start(&[("/", Page::status(429).with("retry-after", "3600"))]).await;
    let settings = [("PIDIMA_SOURCE_MAX_WAIT_MS", "400"), ("PIDIMA_SOURCE_MAX_ATTEMPTS", "3")];
    let (run, _) = once(&site, &settings, &crawl(&site, "/")).await;
    assert_eq!(reason(&run), ("failed", "http_status"));
    for gap in gaps(&site) {
        assert!(gap >= Duration::from_millis(400), "{gap:?}");
    }
}

/// Times between three requests.
fn gaps(site: &Site) -> [Duration; 2] {
    let asked = site.asked();
    assert_eq!(asked.len(), 3);
    [asked[1].at - asked[0].at, asked[2].at - asked[1].at]
}

#[tokio::test]
async fn a_tenant_has_as_many_sources_as_the_limit_and_a_schedule_is_no_shorter() {
    let site = chain(1).await;
    let settings = [("PIDIMA_MAX_SOURCES", "2"), ("PIDIMA_SOURCE_MIN_INTERVAL_MINUTES", "15")];
    let app = app(&site, &settings).await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("other").await);
    let body = |every: Option<u32>| {
        let mut body = json!({ "name": "docs", "configuration": crawl(&site, "/0") });
        if let Some(every) = every {
            body["every_minutes"] = every.into();
        }
        body
    };
    problem(&tenant.post("/v1/sources", &body(Some(14))).await, 422, "validation_failed");
    for every in [15, 16] {
        tenant.post("/v1/sources", &body(Some(every))).await.expect(201);
    }
    problem(&tenant.post("/v1/sources", &body(None)).await, 409, "conflict");
    source(&other, &crawl(&site, "/0")).await;
    let page = tenant.get("/v1/sources").await.expect(200);
    let path = format!("/v1/sources/{}", page["items"][0]["id"].as_str().unwrap());
    problem(&tenant.patch(&path, &json!({ "every_minutes": 14 })).await, 422, "validation_failed");
    let shown = tenant.patch(&path, &json!({ "every_minutes": 0 })).await.expect(200);
    assert!(shown.get("every_minutes").is_none() && shown.get("next_run_at").is_none());
    tenant.delete(&path).await.expect(204);
    // Of many at once one finds the place that is left.
    let body = body(None);
    let tries = (0..6).map(|_| tenant.post("/v1/sources", &body));
    let replies = futures_util::future::join_all(tries).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
}

#[tokio::test]
async fn what_a_configuration_may_ask_for_is_bounded() {
    let site = chain(1).await;
    let settings = [
        ("PIDIMA_SOURCE_MAX_PAGES", "10"),
        ("PIDIMA_SOURCE_MAX_DEPTH", "3"),
        ("PIDIMA_SOURCE_MAX_URL_BYTES", "64"),
    ];
    let app = app(&site, &settings).await;
    let tenant = app.tenant("acme").await;
    let tried = async |tenant: &TestTenant, changes: Value| {
        let mut configuration = crawl(&site, "/docs/0");
        for (name, value) in changes.as_object().unwrap() {
            configuration[name] = value.clone();
        }
        let body = json!({ "name": "docs", "configuration": configuration });
        tenant.post("/v1/sources", &body).await
    };
    let long = |length: usize| {
        let url = site.url("/docs/");
        format!("{url}{}", "x".repeat(length - url.len()))
    };
    for good in [
        json!({ "max_pages": 9 }),
        json!({ "max_pages": 10 }),
        json!({ "max_depth": 3 }),
        json!({ "url": long(63) }),
        json!({ "url": long(64) }),
        json!({ "path_prefix": "/docs" }),
        json!({ "exclude": ["/docs/1"] }),
        json!({ "discovery": "sitemap", "path_prefix": "/elsewhere/" }),
    ] {
        tried(&tenant, good).await.expect(201);
    }
    for bad in [
        json!({ "max_pages": 11 }),
        json!({ "max_pages": 0 }),
        json!({ "max_depth": 4 }),
        json!({ "url": long(65) }),
        json!({ "url": "ftp://docs.example.com/" }),
        json!({ "url": "http://10.0.0.1/" }),
        json!({ "url": "http://user@127.0.0.1/" }),
        json!({ "path_prefix": "docs" }),
        json!({ "path_prefix": "/elsewhere/" }),
        json!({ "path_prefix": "/docs?a" }),
        json!({ "path_prefix": "/docs/\u{0}" }),
        json!({ "path_prefix": "/docs\\" }),
        json!({ "exclude": ["docs"] }),
        json!({ "exclude": ["/docs/a#b"] }),
        json!({ "exclude": ["/docs/1", "/docs/\u{7}"] }),
        json!({ "exclude": [format!("/{}", "\u{e9}".repeat(11))] }),
        json!({ "exclude": ["/docs/"] }),
        json!({ "exclude": vec!["/a"; 51] }),
        json!({ "kind": "s3_prefix" }),
        json!({ "discovery": "guess" }),
        json!({ "cookies": "a=b" }),
    ] {
        let reply = tried(&tenant, bad.clone()).await;
        assert_eq!(reply.status, 422, "{bad}: {}", reply.text());
    }
}

#[tokio::test]
async fn runs_and_pages_are_kept_as_many_as_the_limits() {
    let links: Vec<String> = (0..5).map(|number| format!("/gone/{number}")).collect();
    let links: Vec<&str> = links.iter().map(String::as_str).collect();
    let site = Site::start(&[("/", Page::html("Start", &links, "Begin here."))]).await;
    let settings = [("PIDIMA_SOURCE_KEEP_RUNS", "2"), ("PIDIMA_SOURCE_KEEP_PAGES", "3")];
    let app = app(&site, &settings).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        let run = ask(&tenant, &source).await;
        let run = ended(&tenant, &source, &run).await;
        assert_eq!((counts(&run)[4], run["pages"].as_array().unwrap().len()), (5, 3));
        runs.push(run["run"]["id"].as_str().unwrap().to_owned());
    }
    let path = format!("/v1/sources/{source}/runs");
    let page = tenant.get(&path).await.expect(200);
    let kept: Vec<&str> =
        page["items"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!(kept, [&runs[2], &runs[1]]);
    assert_eq!(tenant.get(&format!("{path}/{}", runs[0])).await.status, 404);
    let page = tenant.get(&format!("{path}?limit=1")).await.expect(200);
    let next = format!("{path}?limit=1&cursor={}", page["next_cursor"].as_str().unwrap());
    let page = tenant.get(&next).await.expect(200);
    assert_eq!(page["items"][0]["id"], runs[1].as_str());
    assert!(page.get("next_cursor").is_none());
    show(&tenant, &source, &runs[1]).await;
}
