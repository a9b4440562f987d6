//! Sources that are a sitemap: what it names comes in, wherever it is linked from.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::site::{Page, Site};
use super::{app, counts, documents, noted, reason, source, sync};

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
