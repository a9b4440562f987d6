//! Pages that call another one the right one: one of them comes in, whatever becomes of that one, and never two for one.

use std::collections::BTreeMap;

use super::site::{Page, Site};
use super::{app, counts, crawl, documents, noted, reason, source, sync};

/// All may go: the sites here are small.
const ALL_MAY_GO: [(&str, &str); 1] = [("PIDIMA_SOURCE_MAX_DELETED_PERCENT", "100")];

/// A page that calls another one the right one.
fn calls(canonical: &str) -> Page {
    let body = format!("<link rel=canonical href=\"{canonical}\"><p>The pump runs at 3 bar.</p>");
    Page::of("text/html", body)
}

fn noindex() -> Page {
    Page::of("text/html", "<meta name=robots content=noindex><p>The pump runs at 3 bar.</p>")
}

/// Paths, each with its first version.
fn first(paths: &[String]) -> BTreeMap<String, i64> {
    paths.iter().map(|path| (path.clone(), 1)).collect()
}

#[tokio::test]
async fn a_page_comes_in_when_nothing_comes_of_the_one_that_it_calls_right() {
    let site = Site::start(&[
        ("/robots.txt", Page::of("text/plain", "User-agent: *\nDisallow: /forbidden/right\n")),
        ("/noindex/right", noindex()),
        ("/forbidden/right", Page::html("Right", &[], "Not for programs.")),
        ("/picture/right", Page::of("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec())),
        ("/away/right", Page::redirect("/elsewhere")),
        ("/elsewhere", Page::html("Elsewhere", &[], "Not of the source.")),
        ("/login/right", Page::status(403)),
        ("/broken/right", Page::status(500)),
        ("/moved/right", Page::redirect("/moved/hidden")),
        ("/moved/hidden", noindex()),
    ])
    .await;
    let app = app(&site, &ALL_MAY_GO).await;
    for (folder, skipped, failed) in [
        ("gone", 1, 0),
        ("noindex", 1, 0),
        ("forbidden", 1, 0),
        ("picture", 1, 0),
        ("away", 1, 0),
        ("login", 1, 0),
        ("broken", 0, 1),
        ("moved", 2, 0),
    ] {
        let paths = [format!("/{folder}/"), format!("/{folder}/page")];
        site.put(&paths[0], Page::html("Start", &["page"], "Begin."));
        site.put(&paths[1], calls("right").with("etag", "\"1\""));
        let tenant = app.tenant(folder).await;
        let source = source(&tenant, &crawl(&site, &paths[0])).await;
        for (new, unchanged) in [(2, 0), (0, 2)] {
            site.asked();
            let run = sync(&tenant, &source).await;
            let wanted = [2 + skipped + failed, new, 0, unchanged, skipped, failed, 0];
            assert_eq!(counts(&run), wanted, "{folder}: {run}");
            let state = if failed == 0 { "completed" } else { "partial" };
            assert_eq!(run["run"]["state"], state, "{folder}");
            assert!(!noted(&run, &site).contains_key(&paths[1]), "{folder}: {run}");
            assert_eq!(documents(&tenant, &site).await, first(&paths), "{folder}");
            let asked = site.asked();
            assert_eq!(asked.iter().filter(|it| it.path == paths[1]).count(), 2, "{folder}");
        }
    }
}

#[tokio::test]
async fn of_pages_that_call_each_other_right_in_a_circle_one_comes_in() {
    let site = Site::start(&[]).await;
    let app = app(&site, &ALL_MAY_GO).await;
    for (size, order) in [(2, vec![0, 1]), (3, vec![0, 1, 2]), (3, vec![2, 1, 0]), (5, vec![3, 0])]
    {
        let name = format!("circle-{size}-{}", order[0]);
        for number in 0..size {
            let next = (number + 1) % size;
            site.put(&format!("/{name}/{number}"), calls(&next.to_string()).with("etag", "\"1\""));
        }
        let links: Vec<String> = order.iter().map(ToString::to_string).collect();
        let links: Vec<&str> = links.iter().map(String::as_str).collect();
        site.put(&format!("/{name}/"), Page::html("Start", &links, "Begin."));
        let tenant = app.tenant(&name).await;
        let source = source(&tenant, &crawl(&site, &format!("/{name}/"))).await;
        let left_out = size - 1;
        for (new, unchanged) in [(2, 0), (0, 2)] {
            let run = sync(&tenant, &source).await;
            assert_eq!(reason(&run), ("completed", ""), "{name}");
            let wanted = [size + 1, new, 0, unchanged, left_out, 0, 0];
            assert_eq!(counts(&run), wanted, "{name}: {run}");
            assert_eq!(documents(&tenant, &site).await.len(), 2, "{name}");
        }
    }
}

#[tokio::test]
async fn of_pages_that_lead_on_to_a_right_one_that_alone_comes_in_in_whatever_order_they_are_found()
{
    let site = Site::start(&[]).await;
    let app = app(&site, &ALL_MAY_GO).await;
    for (is_there, taken) in [(true, "c"), (false, "b")] {
        for links in [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"], ["b", "a", "c"]] {
            let name = format!("{}-{}", links.concat(), if is_there { "there" } else { "gone" });
            site.put(&format!("/{name}/"), Page::html("Start", &links, "Begin."));
            site.put(&format!("/{name}/a"), calls("b"));
            site.put(&format!("/{name}/b"), calls("c"));
            if is_there {
                site.put(&format!("/{name}/c"), calls("c"));
            }
            let tenant = app.tenant(&name).await;
            let source = source(&tenant, &crawl(&site, &format!("/{name}/"))).await;
            for (new, unchanged) in [(2, 0), (0, 2)] {
                let run = sync(&tenant, &source).await;
                assert_eq!(counts(&run), [4, new, 0, unchanged, 2, 0, 0], "{name}: {run}");
                let paths = [format!("/{name}/"), format!("/{name}/{taken}")];
                assert_eq!(documents(&tenant, &site).await, first(&paths), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_page_that_stands_for_others_may_be_as_far_away_as_the_limit() {
    // Each calls the next one right, and the last one itself; the last one is looked at first.
    for (length, taken) in [(19, 1), (20, 1), (21, 2)] {
        let site = Site::start(&[]).await;
        let links: Vec<String> = (0..=length).rev().map(|number| format!("/{number}")).collect();
        let links: Vec<&str> = links.iter().map(String::as_str).collect();
        site.put("/", Page::html("Start", &links, "Begin."));
        for number in 0..=length {
            let next = (number + 1).min(length);
            site.put(&format!("/{number}"), calls(&format!("/{next}")));
        }
        let app = app(&site, &ALL_MAY_GO).await;
        let tenant = app.tenant("acme").await;
        let source = source(&tenant, &crawl(&site, "/")).await;
        let run = sync(&tenant, &source).await;
        let wanted = [length + 2, taken + 1, 0, 0, length + 1 - taken, 0, 0];
        assert_eq!(counts(&run), wanted, "{length}");
    }
}

#[tokio::test]
async fn many_pages_that_call_the_same_one_right_come_back_together_and_once() {
    let site = Site::start(&[]).await;
    let paths: Vec<String> = (0..20).map(|number| format!("/{number}")).collect();
    let links: Vec<&str> = paths.iter().map(String::as_str).collect();
    site.put("/", Page::html("Start", &links, "Begin."));
    paths.iter().for_each(|path| site.put(path, calls("/right")));
    let app = app(&site, &ALL_MAY_GO).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("completed", ""));
    assert_eq!(counts(&run), [22, 21, 0, 0, 1, 0, 0]);
    let asked = site.asked();
    assert_eq!(asked.len(), 42, "each twice, and start and right one once");
    // Those that come back are not kept waiting by what is further away, nor do they come a third time.
    assert!(paths.iter().all(|path| asked.iter().filter(|it| it.path == *path).count() == 2));
}

#[tokio::test]
async fn a_page_goes_again_when_the_one_that_it_calls_right_is_there() {
    let site = Site::start(&[
        ("/", Page::html("Start", &["/page"], "Begin.")),
        ("/page", calls("/right").with("etag", "\"1\"")),
    ])
    .await;
    let app = app(&site, &ALL_MAY_GO).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &crawl(&site, "/")).await;
    assert_eq!(counts(&sync(&tenant, &source).await), [3, 2, 0, 0, 1, 0, 0]);
    // The page itself has not changed since.
    site.put("/right", Page::html("Right", &[], "The pump runs at 3 bar."));
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("completed", ""));
    assert_eq!(counts(&run), [3, 1, 0, 1, 1, 0, 1]);
    let paths = ["/".to_owned(), "/right".to_owned()];
    assert_eq!(documents(&tenant, &site).await, first(&paths));
    // One that can not be read this time keeps what it has, in whatever order the two are looked at.
    site.put("/right", Page::status(500));
    for links in [["/page", "/right"], ["/right", "/page"]] {
        site.put("/", Page::html("Start", &links, "Begin."));
        let run = sync(&tenant, &source).await;
        assert_eq!(reason(&run), ("partial", "pages_failed"));
        assert_eq!(noted(&run, &site)["/page"], "canonical_elsewhere");
        let found: Vec<String> = documents(&tenant, &site).await.into_keys().collect();
        assert_eq!(found, paths);
    }
}
