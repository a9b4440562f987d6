//! A crawl: what it takes in, what it asks for, and what it leaves alone.

use super::site::{Page, Site};
use super::{app, counts, crawl, documents, noted, reason, source, sync};

#[tokio::test]
async fn pages_come_in_and_the_next_run_takes_what_changed_and_deletes_what_is_gone() {
    let site = Site::start(&[
        (
            "/docs/",
            Page::html(
                "Start",
                &["a.html", "b.html", "c.html", "/blog/", "a.html#x"],
                "Begin here.",
            ),
        ),
        (
            "/docs/a.html",
            Page::html("A", &["./"], "The pump runs at 3 bar.").with("etag", "\"a1\""),
        ),
        (
            "/docs/b.html",
            Page::html("B", &["sub/d.html"], "The valve opens.")
                .with("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ),
        ("/docs/c.html", Page::html("C", &[], "The tank is full.")),
        ("/docs/sub/d.html", Page::html("D", &[], "The filter is changed.")),
        ("/blog/", Page::html("Blog", &[], "Nothing of the documentation.")),
    ])
    .await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/docs/")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("completed", ""));
    assert_eq!(counts(&run), [5, 5, 0, 0, 0, 0, 0]);
    let paths = ["/docs/", "/docs/a.html", "/docs/b.html", "/docs/c.html", "/docs/sub/d.html"];
    let wanted = paths.map(|path| (path.to_owned(), 1));
    assert_eq!(documents(&tenant, &site).await, wanted.into());
    let page = tenant.get("/v1/documents").await.expect(200);
    let document =
        page["items"].as_array().unwrap().iter().find(|it| it["name"] == site.url("/docs/a.html"));
    let document = document.unwrap();
    assert_eq!(document["source_url"], site.url("/docs/a.html"));
    let ready = tenant.settled(document["id"].as_str().unwrap()).await;
    assert_eq!((&ready["state"], &ready["title"]), (&"ready".into(), &"A".into()));
    // Each page once, and as itself.
    let asked = site.asked();
    assert_eq!(asked.len(), 5);
    assert!(asked.iter().all(|it| it.headers["user-agent"].starts_with("pidima/")));

    // One changes, one comes, one goes, one has moved.
    site.put("/docs/c.html", Page::html("C", &["new.html"], "The tank is empty."));
    site.put("/docs/new.html", Page::html("New", &[], "A new page."));
    site.take_away("/docs/sub/d.html");
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("completed", ""));
    assert_eq!(counts(&run), [6, 1, 1, 3, 1, 0, 1]);
    assert_eq!(noted(&run, &site)["/docs/sub/d.html"], "gone");
    let documents = documents(&tenant, &site).await;
    assert_eq!(documents["/docs/c.html"], 2);
    assert_eq!(documents["/docs/a.html"], 1);
    assert!(
        documents.contains_key("/docs/new.html") && !documents.contains_key("/docs/sub/d.html")
    );
    // What has not changed was not sent again, and its links were followed all the same.
    let not_sent: Vec<String> =
        site.asked().into_iter().filter(|it| it.status == 304).map(|it| it.path).collect();
    assert_eq!(not_sent, ["/docs/a.html", "/docs/b.html"]);
    let entries = tenant.get("/v1/audit_events?limit=100").await.expect(200);
    let entries = entries["items"].as_array().unwrap().clone();
    let deleted = entries.iter().find(|it| it["action"] == "document.deleted").unwrap();
    assert_eq!(deleted["actor"]["kind"], "system", "{deleted}");
}

#[tokio::test]
async fn what_a_site_asks_of_robots_is_heeded() {
    let site = Site::start(&[
        ("/robots.txt", Page::of("text/plain", "User-agent: pidima\nDisallow: /private\n")),
        (
            "/",
            Page::html(
                "Start",
                &["/private/a", "/hidden", "/tagged", "/twin?x=1", "/twin", "/out"],
                "Begin.",
            ),
        ),
        ("/private/a", Page::html("Private", &[], "Not for programs.")),
        (
            "/hidden",
            Page::of(
                "text/html",
                "<meta name=robots content=noindex><a href=/behind>b</a><p>Hidden.</p>",
            ),
        ),
        ("/behind", Page::html("Behind", &[], "Behind what is hidden.")),
        ("/tagged", Page::html("Tagged", &["/never"], "Tagged.").with("x-robots-tag", "none")),
        ("/never", Page::html("Never", &[], "Nobody comes here.")),
        (
            "/twin?x=1",
            Page::of("text/html", "<link rel=canonical href=/twin><p>The twin is here.</p>"),
        ),
        (
            "/twin",
            Page::of(
                "text/html",
                "<link rel=canonical href=/twin><h1>Twin</h1><p>The twin is here.</p>",
            ),
        ),
        ("/out", Page::redirect("http://127.0.0.1:1/elsewhere")),
    ])
    .await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let run = sync(&tenant, &source).await;
    let told = noted(&run, &site);
    let code = |path: &str| told.get(path).map_or("", String::as_str);
    assert_eq!(code("/private/a"), "robots_disallowed");
    assert_eq!((code("/hidden"), code("/tagged")), ("noindex", "noindex"));
    assert_eq!(code("/twin?x=1"), "canonical_elsewhere");
    // A redirect to a port that is not allowed is refused by the client itself, and the run is not complete.
    assert_eq!(code("/out"), "address_refused");
    assert_eq!(reason(&run), ("partial", "pages_failed"));
    let paths: Vec<String> = documents(&tenant, &site).await.into_keys().collect();
    assert_eq!(paths, ["/", "/behind", "/twin"]);
    assert!(site.asked().iter().all(|it| it.path != "/private/a" && it.path != "/never"));
}

#[tokio::test]
async fn two_pages_that_each_call_the_other_the_right_one_are_not_both_left_out() {
    let site = Site::start(&[
        ("/", Page::html("Start", &["/one", "/two"], "Begin.")),
        ("/one", Page::of("text/html", "<link rel=canonical href=/two><p>The same text.</p>")),
        ("/two", Page::of("text/html", "<link rel=canonical href=/one><p>The same text.</p>")),
    ])
    .await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("completed", ""));
    let paths: Vec<String> = documents(&tenant, &site).await.into_keys().collect();
    assert_eq!(paths, ["/", "/two"]);
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_source_and_what_is_outside_stays_outside() {
    let site = Site::start(&[
        ("/docs/", Page::html("Start", &["old", "away", "loop", "inside"], "Begin.")),
        ("/docs/old", Page::redirect("/docs/new")),
        ("/docs/new", Page::html("New", &["deep"], "Moved here.")),
        ("/docs/deep", Page::html("Deep", &[], "Below what moved.")),
        ("/docs/away", Page::redirect("/blog/")),
        ("/blog/", Page::html("Blog", &[], "Not of the source.")),
        ("/docs/loop", Page::redirect("/docs/loop")),
        ("/docs/inside", Page::redirect("http://10.0.0.1/docs/")),
    ])
    .await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/docs/")).await;
    let run = sync(&tenant, &source).await;
    let told = noted(&run, &site);
    assert_eq!(told["/docs/old"], "redirected");
    assert_eq!(told["/docs/away"], "redirected_outside");
    assert_eq!(told["/docs/loop"], "too_many_redirects");
    assert_eq!(told["/docs/inside"], "address_refused");
    let paths: Vec<String> = documents(&tenant, &site).await.into_keys().collect();
    assert_eq!(paths, ["/docs/", "/docs/deep", "/docs/new"]);
}

#[tokio::test]
async fn files_that_pages_lead_to_come_in_and_what_can_not_be_read_is_told() {
    let site = Site::start(&[
        (
            "/index.php",
            Page::html("Made by a program", &["notes.md", "logo.png", "empty", "data"], "Begin."),
        ),
        ("/notes.md", Page::of("text/markdown", "# Notes\n\nThe pump is red.\n")),
        ("/logo.png", Page::of("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec())),
        ("/empty", Page::of("text/html", "")),
        ("/data", Page::of("text/html", "<p>Packed.</p>").with("content-encoding", "gzip")),
    ])
    .await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/index.php")).await;
    let run = sync(&tenant, &source).await;
    let told = noted(&run, &site);
    assert_eq!(told["/logo.png"], "unsupported_type");
    assert_eq!(told["/empty"], "empty");
    assert_eq!(told["/data"], "packed_answer");
    let page = tenant.get("/v1/documents").await.expect(200);
    let mut titles = Vec::new();
    for item in page["items"].as_array().unwrap() {
        let document = tenant.settled(item["id"].as_str().unwrap()).await;
        assert_eq!(document["state"], "ready", "{document}");
        titles.push(document["title"].as_str().unwrap().to_owned());
    }
    titles.sort();
    assert_eq!(titles, ["Made by a program", "Notes"]);
}
