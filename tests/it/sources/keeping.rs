//! What a run does not see for now stays, and what can never be seen keeps nothing else from going.

use super::site::{Page, Site};
use super::{app, counts, crawl, documents, noted, reason, source, sync};
use crate::support::TestTenant;

async fn paths(tenant: &TestTenant, site: &Site) -> Vec<String> {
    documents(tenant, site).await.into_keys().collect()
}

#[tokio::test]
async fn a_page_with_more_links_than_are_taken_makes_a_run_that_deletes_nothing() {
    for (limit, state, left) in [
        ("4", ("completed", ""), 3),
        ("3", ("completed", ""), 3),
        ("2", ("partial", "link_limit"), 4),
    ] {
        let site = Site::start(&[
            ("/", Page::html("Start", &["/a", "/b", "/a"], "Begin.").with("etag", "\"1\"")),
            ("/a", Page::html("A", &["/c"], "The first one.")),
            ("/b", Page::html("B", &[], "The second one.")),
            ("/c", Page::html("C", &[], "The third one.")),
        ])
        .await;
        let app = app(&site, &[("PIDIMA_SOURCE_MAX_LINKS", limit)]).await;
        let tenant = app.tenant("acme").await;
        let source = source(&tenant, &crawl(&site, "/")).await;
        sync(&tenant, &source).await;
        assert_eq!(documents(&tenant, &site).await.len(), 4);
        // One is gone, and one stands behind the limit.
        let start = Page::html("Start", &["/a", "/d", "/b"], "Begin.").with("etag", "\"2\"");
        site.put("/", start);
        site.put("/d", Page::html("D", &[], "The fourth one."));
        site.put("/a", Page::html("A", &[], "The first one."));
        for _ in 0..2 {
            // Also when the page has not changed since.
            let run = sync(&tenant, &source).await;
            assert_eq!(reason(&run), state, "{limit}: {run}");
        }
        let found = documents(&tenant, &site).await.len();
        assert_eq!(found, left + 1, "{limit}");
    }
}

#[tokio::test]
async fn a_page_whose_links_take_too_long_to_find_is_told_of() {
    let mut page = "<p>The pump.</p><a".to_owned();
    for number in 0..1_000_000 {
        page.push_str(&format!(" a{number:x}"));
    }
    let site = Site::start(&[("/", Page::of("text/html", page + ">"))]).await;
    let app = app(&site, &[("PIDIMA_SOURCE_MAX_PARSE_MS", "100")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    assert_eq!(reason(&sync(&tenant, &source).await), ("failed", "page_too_complex"));
}

#[tokio::test]
async fn a_page_that_can_not_be_read_this_time_keeps_what_it_led_to() {
    let site = Site::start(&[
        ("/", Page::html("Start", &["/hub"], "Begin.")),
        ("/hub", Page::html("Hub", &["/leaf"], "It leads on.")),
        ("/leaf", Page::html("Leaf", &[], "It leads nowhere.")),
    ])
    .await;
    let app = app(&site, &[("PIDIMA_SOURCE_MAX_DELETED_PERCENT", "100")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    sync(&tenant, &source).await;
    site.put("/hub", Page::of("text/html", ""));
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("partial", "pages_failed"));
    assert_eq!(noted(&run, &site)["/hub"], "empty");
    assert_eq!(paths(&tenant, &site).await, ["/", "/hub", "/leaf"]);
}

#[tokio::test]
async fn a_page_that_leads_away_for_now_stays_and_one_that_has_left_for_good_goes() {
    for (status, state, left) in
        [(302, ("partial", "pages_failed"), 3), (301, ("completed", ""), 1)]
    {
        let site = Site::start(&[
            ("/docs/", Page::html("Start", &["a", "b"], "Begin.")),
            ("/docs/a", Page::html("A", &[], "The first one.")),
            ("/docs/b", Page::html("B", &[], "The second one.")),
            ("/login", Page::html("Login", &[], "Who are you?")),
        ])
        .await;
        let app = app(&site, &[("PIDIMA_SOURCE_MAX_DELETED_PERCENT", "100")]).await;
        let tenant = app.tenant("acme").await;
        let source = source(&tenant, &crawl(&site, "/docs/")).await;
        sync(&tenant, &source).await;
        // On the same host, and on another one, which nobody asks.
        let leads = |to: &str| Page::status(status).with("location", to);
        let elsewhere = site.url("/docs/a").replace("127.0.0.1", "127.0.0.2");
        site.put("/docs/a", leads("/login"));
        site.put("/docs/b", leads(&elsewhere));
        let run = sync(&tenant, &source).await;
        assert_eq!(reason(&run), state, "{run}");
        let told = noted(&run, &site);
        assert_eq!(told["/docs/a"], "redirected_outside");
        assert_eq!(told["/docs/b"], "redirected_outside");
        assert_eq!(documents(&tenant, &site).await.len(), left);
    }
}

#[tokio::test]
async fn where_a_redirect_leads_is_not_asked_for_when_robots_may_not_read_it() {
    let site = Site::start(&[
        ("/robots.txt", Page::of("text/plain", "User-agent: *\nDisallow: /private\n")),
        ("/", Page::html("Start", &["/old"], "Begin.")),
        ("/old", Page::redirect("/private/new")),
        ("/private/new", Page::html("New", &[], "Not for robots.")),
    ])
    .await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("completed", ""));
    assert_eq!(noted(&run, &site)["/old"], "robots_disallowed");
    let asked: Vec<String> = site.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(asked, ["/", "/old"]);
}

#[tokio::test]
async fn a_page_and_the_one_that_it_calls_right_are_not_both_left_out_when_that_one_leads_back() {
    let site = Site::start(&[
        (
            "/docs/",
            Page::of(
                "text/html",
                "<link rel=canonical href=/docs/index.html><p>Begin here.</p><a href=a>A</a>",
            ),
        ),
        ("/docs/index.html", Page::redirect("/docs/")),
        ("/docs/a", Page::html("A", &["index.html"], "The first one.")),
    ])
    .await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/docs/")).await;
    for new in [2, 0] {
        let run = sync(&tenant, &source).await;
        assert_eq!(reason(&run), ("completed", ""), "{run}");
        assert_eq!(counts(&run), [3, new, 0, 2 - new, 1, 0, 0]);
        assert_eq!(noted(&run, &site)["/docs/index.html"], "redirected");
        assert_eq!(paths(&tenant, &site).await, ["/docs/", "/docs/a"]);
    }
}

#[tokio::test]
async fn a_link_that_never_works_keeps_nothing_from_going_and_a_page_that_did_keeps_all() {
    let long = "x".repeat(3_000);
    let site = Site::start(&[
        (
            "/",
            Page::html(
                "Start",
                &["/members", "/login", "/long", "/packed", "/odd?a=\\b", "/a"],
                "Begin.",
            ),
        ),
        ("/members", Page::status(403)),
        ("/login", Page::status(401)),
        ("/long", Page::of("text/plain", long)),
        ("/packed", Page::of("text/html", "<p>Packed.</p>").with("content-encoding", "gzip")),
        ("/a", Page::html("A", &[], "The first one.")),
    ])
    .await;
    let settings =
        [("PIDIMA_SOURCE_MAX_PAGE_BYTES", "2000"), ("PIDIMA_SOURCE_MAX_DELETED_PERCENT", "100")];
    let app = app(&site, &settings).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("completed", ""), "{run}");
    assert_eq!(counts(&run), [6, 2, 0, 0, 4, 0, 0]);
    let told = noted(&run, &site);
    for (path, code) in [
        ("/members", "http_status"),
        ("/login", "http_status"),
        ("/long", "answer_too_long"),
        ("/packed", "packed_answer"),
    ] {
        assert_eq!(told[path], code);
    }
    // What was a page before may be one again.
    site.put("/a", Page::status(403));
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("partial", "pages_failed"));
    assert_eq!(documents(&tenant, &site).await.len(), 2);
}

#[tokio::test]
async fn a_page_that_comes_late_is_as_near_to_the_start_as_its_links_say() {
    let site = Site::start(&[
        ("/", Page::html("Start", &["/late", "/a"], "Begin.")),
        ("/late", Page::status(500)),
        ("/a", Page::html("A", &["/b"], "The long way.")),
        ("/b", Page::html("B", &["/hub"], "The long way on.")),
        ("/hub", Page::html("Hub", &["/leaf"], "It leads on.")),
        ("/leaf", Page::html("Leaf", &[], "As far away as may be.")),
    ])
    .await;
    let settings = [("PIDIMA_SOURCE_RETRY_MS", "700"), ("PIDIMA_SOURCE_MAX_DEPTH", "3")];
    let app = app(&site, &settings).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let late = async {
        site.wait(3).await;
        site.put("/late", Page::html("Late", &["/hub"], "The short way."));
    };
    let (run, ()) = tokio::join!(sync(&tenant, &source), late);
    assert_eq!(reason(&run), ("completed", ""));
    assert_eq!(counts(&run), [6, 6, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_site_that_asks_to_be_left_alone_is_asked_for_nothing_until_then() {
    let site = Site::start(&[
        ("/", Page::html("Start", &["/busy", "/a"], "Begin.")),
        ("/busy", Page::status(429).with("retry-after", "1")),
        ("/a", Page::html("A", &[], "The first one.")),
    ])
    .await;
    let app = app(&site, &[("PIDIMA_SOURCE_MAX_ATTEMPTS", "2")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("partial", "pages_failed"));
    let asked = site.asked();
    assert_eq!(asked.len(), 4);
    assert_eq!(asked[1].path, "/busy");
    let gap = asked[2].at - asked[1].at;
    assert!(gap >= std::time::Duration::from_secs(1), "{gap:?}");
}
