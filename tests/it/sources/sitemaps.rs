//! Sources that are a sitemap: what it names comes in, wherever it is linked from.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::site::{Page, Site};
use super::{app, counts, documents, ended, noted, reason, source, sync};

fn list(site: &Site, paths: &[&str]) -> String {
    let urls: String =
        paths.iter().map(|path| format!("<url><loc>{}</loc></url>", site.url(path))).collect();
    format!(
        "<?xml version=\"1.0\"?><urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">{urls}</urlset>"
    )
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn index(site: &Site, paths: &[&str]) -> Page {
    let entry = |path: &&str| format!("<sitemap><loc>{}</loc></sitemap>", site.url(path));
    let entries: String = paths.iter().map(entry).collect();
    Page::of("application/xml", format!("<sitemapindex>{entries}</sitemapindex>"))
}

fn sitemap(site: &Site, path: &str) -> Value {
    json!({ "kind": "website", "url": site.url(path), "discovery": "sitemap" })
}

#[tokio::test]
async fn what_a_sitemap_names_that_is_not_to_be_read_stays() {
    let site = Site::start(&[
        ("/a", Page::html("A", &[], "Of the first list.")),
        ("/b", Page::html("B", &[], "Of the second list.")),
    ])
    .await;
    site.put("/index.xml", index(&site, &["/one.xml", "/two.xml"]));
    site.put("/one.xml", Page::of("application/xml", list(&site, &["/a"])));
    site.put("/two.xml", Page::of("application/xml", list(&site, &["/b"])));
    let app = app(&site, &[("PIDIMA_SOURCE_MAX_DELETED_PERCENT", "100")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &sitemap(&site, "/index.xml")).await;
    assert_eq!(counts(&sync(&tenant, &source).await)[1], 2);
    let robots = |text: &str| site.put("/robots.txt", Page::of("text/plain", text));
    robots("User-agent: *\nDisallow: /two.xml\n");
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("partial", "sitemap_failed"));
    assert_eq!(noted(&run, &site)["/two.xml"], "robots_disallowed");
    // The same where the list has moved to.
    robots("User-agent: *\nDisallow: /three.xml\n");
    site.put("/two.xml", Page::redirect("/three.xml"));
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("partial", "sitemap_failed"));
    assert_eq!(documents(&tenant, &site).await.len(), 2);
    assert!(site.asked().iter().all(|asked| asked.path != "/three.xml"));
}

#[tokio::test]
async fn a_sitemap_that_names_no_page_of_the_source_is_told_of() {
    let site = Site::start(&[("/a", Page::html("A", &[], "The only page."))]).await;
    let elsewhere = list(&site, &["/a"]).replace("127.0.0.1", "127.0.0.2");
    let here = list(&site, &["/a"]);
    site.put("/map.xml", Page::of("application/xml", elsewhere.clone()));
    let app = app(&site, &[("PIDIMA_SOURCE_MAX_DELETED_PERCENT", "100")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &sitemap(&site, "/map.xml")).await;
    assert_eq!(reason(&sync(&tenant, &source).await), ("failed", "nothing_found"));
    site.put("/map.xml", Page::of("application/xml", here));
    assert_eq!(counts(&sync(&tenant, &source).await)[1], 1);
    site.put("/map.xml", Page::of("application/xml", elsewhere));
    assert_eq!(reason(&sync(&tenant, &source).await), ("failed", "nothing_found"));
    assert_eq!(documents(&tenant, &site).await.len(), 1);
    // Unless that is wanted.
    let allow = format!("/v1/sources/{source}/sync?allow_mass_deletion=true");
    let run = tenant.post(&allow, &Value::Null).await.expect(202);
    let run = ended(&tenant, &source, run["id"].as_str().unwrap()).await;
    assert_eq!((reason(&run), counts(&run)[6]), (("completed", ""), 1));
}

#[tokio::test]
async fn pages_of_an_index_of_sitemaps_come_in_and_their_links_are_not_followed() {
    let site = Site::start(&[
        ("/a", Page::html("A", &["/linked"], "Of the first list.")),
        ("/b", Page::html("B", &[], "Of the second list.")),
        ("/docs/c", Page::html("C", &[], "Of the second list too.")),
        ("/linked", Page::html("Linked", &[], "In no list.")),
    ])
    .await;
    let maps = ["/one.xml", "/two.xml.gz", "/index.xml"].map(|path| site.url(path));
    let entries: String =
        maps.iter().map(|url| format!("<sitemap><loc>{url}</loc></sitemap>")).collect();
    let index = format!("<sitemapindex>{entries}</sitemapindex>");
    site.put("/index.xml", Page::of("application/xml", index));
    site.put("/one.xml", Page::of("application/xml", list(&site, &["/a"])));
    let second = format!("{}<!-- -->", list(&site, &["/b", "/docs/c", "/a"]));
    site.put("/two.xml.gz", Page::of("application/gzip", packed(&second)));
    let app = app(&site, &[("PIDIMA_SOURCE_MAX_DELETED_PERCENT", "50")]).await;
    let tenant = app.tenant("acme").await;
    let configuration =
        json!({ "kind": "website", "url": site.url("/index.xml"), "discovery": "sitemap" });
    let source = source(&tenant, &configuration).await;
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("completed", ""));
    assert_eq!(counts(&run), [3, 3, 0, 0, 0, 0, 0]);
    let paths: Vec<String> = documents(&tenant, &site).await.into_keys().collect();
    assert_eq!(paths, ["/a", "/b", "/docs/c"]);
    // A list that can not be read: nothing is deleted.
    site.put("/two.xml.gz", Page::of("application/gzip", "hello"));
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("partial", "sitemap_failed"));
    assert_eq!(noted(&run, &site)["/two.xml.gz"], "sitemap_unreadable");
    assert_eq!(documents(&tenant, &site).await.len(), 3);
    // A list that names less: what it does not name goes, although it is still there.
    site.put("/two.xml.gz", Page::of("application/gzip", packed(&list(&site, &["/b"]))));
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)[6]), (("completed", ""), 1));
    // Another place: what does not belong to it any more goes, when it is allowed.
    let narrow = json!({ "kind": "website", "url": site.url("/index.xml"), "discovery": "sitemap", "path_prefix": "/a" });
    let path = format!("/v1/sources/{source}");
    tenant.patch(&path, &json!({ "configuration": narrow })).await.expect(200);
    let run = sync(&tenant, &source).await;
    assert_eq!(counts(&run), [1, 0, 0, 1, 0, 0, 1]);
    let paths: Vec<String> = documents(&tenant, &site).await.into_keys().collect();
    assert_eq!(paths, ["/a"]);
    // The first list itself is no list.
    site.put("/index.xml", Page::html("Not found", &[], "Nothing."));
    assert_eq!(reason(&sync(&tenant, &source).await), ("failed", "sitemap_unreadable"));
    assert_eq!(documents(&tenant, &site).await.len(), 1);
}
