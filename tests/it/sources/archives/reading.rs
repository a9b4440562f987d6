//! What comes in of an archive, and what the next run does.

use std::collections::BTreeMap;
use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use serde_json::{Value, json};

use super::super::{counts, documents, ended, noted, reason, settings, source, sync};
use super::made::{MadeArchive, file, marked, packed, stored};
use super::{Page, Site, app, archive, folder, sent, text};
use crate::support::TestApp;

fn named(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
    pairs.iter().map(|(name, versions)| ((*name).to_owned(), *versions)).collect()
}

#[tokio::test]
async fn files_come_in_and_the_next_run_takes_what_changed_and_deletes_what_is_gone() {
    let mut first = folder("repo-1", &["README.md", "docs/a.md", "docs/b.md"]);
    first.push(file("repo-1/logo.png", "\u{89}PNG"));
    first.push(file("repo-1/LICENSE", "Take it."));
    let mut second = folder("repo-2", &["README.md", "docs/c.md"]);
    second.push(file("repo-2/docs/a.md", "# a\n\nIt is told in other words."));
    let formats: [fn(&MadeArchive) -> Vec<u8>; 3] =
        [MadeArchive::zip, MadeArchive::tar, MadeArchive::tar_gz];
    for made in formats {
        let site = Site::start(&[("/main", sent(made(&first)).with("etag", "\"1\""))]).await;
        let app = app(&site, &[]).await;
        let tenant = app.tenant("acme").await;
        let source = source(&tenant, &archive(&site, "/main")).await;
        let run = sync(&tenant, &source).await;
        assert_eq!(reason(&run), ("completed", ""), "{run}");
        assert_eq!(counts(&run), [3, 3, 0, 0, 0, 0, 0]);
        let wanted = named(&[("README.md", 1), ("docs/a.md", 1), ("docs/b.md", 1)]);
        assert_eq!(documents(&tenant, &site).await, wanted);

        site.put("/main", sent(made(&second)).with("etag", "\"2\""));
        let run = sync(&tenant, &source).await;
        assert_eq!(reason(&run), ("completed", ""), "{run}");
        assert_eq!(counts(&run), [3, 1, 1, 1, 0, 0, 1]);
        let wanted = named(&[("README.md", 1), ("docs/a.md", 2), ("docs/c.md", 1)]);
        assert_eq!(documents(&tenant, &site).await, wanted);

        // What has not changed is not sent again.
        site.asked();
        let run = sync(&tenant, &source).await;
        assert_eq!((reason(&run), counts(&run)), (("completed", ""), [3, 0, 0, 3, 0, 0, 0]));
        let asked: Vec<u16> = site.asked().into_iter().map(|asked| asked.status).collect();
        assert_eq!(asked, [304]);
    }
}

#[tokio::test]
async fn what_somebody_deleted_comes_back_and_what_was_chosen_anew_is_read_anew() {
    let made = folder("repo", &["README.md", "docs/a.md", "docs/b.md"]);
    let site = Site::start(&[("/main", sent(made.zip()).with("etag", "\"1\""))]).await;
    let app = app(&site, &[("PIDIMA_SOURCE_MAX_DELETED_PERCENT", "100")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    sync(&tenant, &source).await;
    let page = tenant.get("/v1/documents").await.expect(200);
    let id = page["items"][0]["id"].as_str().unwrap();
    tenant.delete(&format!("/v1/documents/{id}")).await.expect(204);
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [3, 1, 0, 2, 0, 0, 0]));
    let mut configuration = archive(&site, "/main");
    configuration["include"] = json!(["docs/"]);
    configuration["exclude"] = json!(["**/b.md"]);
    let path = format!("/v1/sources/{source}");
    let change = json!({ "configuration": configuration });
    let shown = tenant.patch(&path, &change).await.expect(200);
    assert_eq!(shown["configuration"], configuration);
    let run = sync(&tenant, &source).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [1, 0, 0, 1, 0, 0, 2]));
    assert_eq!(documents(&tenant, &site).await, named(&[("docs/a.md", 1)]));
}

#[tokio::test]
async fn what_can_not_be_taken_is_told_and_keeps_nothing_else_back() {
    let mut made = MadeArchive::default();
    for path in ["a.md", "../out.md", "/etc/root.md", "x/../../y.md", "C:/disk.md"] {
        made.push(file(path, &text(path)));
    }
    made.push(marked("link.md", b'2'));
    made.push(marked("hard.md", b'1'));
    made.push(marked("pipe.md", b'6'));
    made.push(marked("disk.md", b'3'));
    made.push(file("twice.md", "one"));
    made.push(file("./twice.md", "two"));
    made.push(file("empty.md", ""));
    made.push(file("really.pdf", "It is text."));
    let site = Site::start(&[("/main", sent(made.tar_gz()))]).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("completed", ""), "{run}");
    assert_eq!(counts(&run), [12, 1, 0, 0, 11, 0, 0]);
    let told: BTreeMap<String, String> = [
        ("../out.md", "path_refused"),
        ("/etc/root.md", "path_refused"),
        ("x/../../y.md", "path_refused"),
        ("C:/disk.md", "path_refused"),
        ("link.md", "link"),
        ("hard.md", "link"),
        ("pipe.md", "special_file"),
        ("disk.md", "special_file"),
        ("twice.md", "duplicate_path"),
        ("empty.md", "empty"),
        ("really.pdf", "type_mismatch"),
    ]
    .map(|(path, code)| (path.to_owned(), code.to_owned()))
    .into();
    assert_eq!(noted(&run, &site), told);
    assert_eq!(documents(&tenant, &site).await, named(&[("a.md", 1)]));
}

#[tokio::test]
async fn of_a_zip_links_doubles_and_what_has_a_password_are_told() {
    let mut made = folder("repo", &["a.md", "b.md", "x.md", "y.md"]);
    made.push(marked("repo/link.md", b'2'));
    let mut zip = made.zip();
    // Two names become one, and one file is marked as encrypted: in the directory, and before its bytes.
    for at in places(&zip, b"repo/y.md") {
        zip[at + 5] = b'x';
    }
    for at in places(&zip, b"repo/b.md") {
        let flags =
            if zip[at - 46..].starts_with(b"PK\x01\x02") { at - 46 + 8 } else { at - 30 + 6 };
        zip[flags] |= 1;
    }
    let site = Site::start(&[("/main", sent(zip))]).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("completed", ""), "{run}");
    let told: BTreeMap<String, String> =
        [("link.md", "link"), ("x.md", "duplicate_path"), ("b.md", "encrypted")]
            .map(|(path, code)| (path.to_owned(), code.to_owned()))
            .into();
    assert_eq!(noted(&run, &site), told);
    assert_eq!(documents(&tenant, &site).await, named(&[("a.md", 1)]));
}

fn places(bytes: &[u8], name: &[u8]) -> Vec<usize> {
    let found = bytes.windows(name.len()).enumerate().filter(|(_, window)| *window == name);
    found.map(|(at, _)| at).collect()
}

#[tokio::test]
async fn an_archive_is_fetched_from_wherever_its_address_leads() {
    let made = folder("repo", &["a.md"]).tar_gz();
    let files = Site::start(&[("/main.tar.gz", sent(made).with("etag", "\"1\""))]).await;
    let site = Site::start(&[("/main", Page::redirect(&files.url("/main.tar.gz")))]).await;
    let ports = format!("{},{}", site.port, files.port);
    let app = TestApp::start_with(&settings(&ports, &[]), Arc::new(ExtractiveModel)).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    for unchanged in [0, 1] {
        let run = sync(&tenant, &source).await;
        let wanted = [1, 1 - unchanged, 0, unchanged, 0, 0, 0];
        assert_eq!((reason(&run), counts(&run)), (("completed", ""), wanted), "{run}");
    }
    assert_eq!(files.asked().last().unwrap().status, 304);
    // Not inside.
    site.put("/main", Page::redirect("http://10.0.0.1/main.tar.gz"));
    assert_eq!(reason(&sync(&tenant, &source).await), ("failed", "address_refused"));
}

#[tokio::test]
async fn names_stay_as_they_are_when_an_archive_has_other_folders_than_the_one_before() {
    let beside = |names: &[&str]| {
        let mut made = folder("repo", names);
        made.push(file("top.md", &text("top.md")));
        sent(made.zip())
    };
    let inside = |names: &[&str]| sent(folder("repo", names).zip());
    let site = Site::start(&[("/main", inside(&["a.md", "b.md"]))]).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let id = source(&tenant, &archive(&site, "/main")).await;
    assert_eq!(counts(&sync(&tenant, &id).await)[1], 2);
    site.put("/main", beside(&["a.md", "b.md"]));
    let run = sync(&tenant, &id).await;
    assert_eq!(reason(&run), ("failed", "archive_top_folder"), "{run}");
    assert_eq!(documents(&tenant, &site).await, named(&[("a.md", 1), ("b.md", 1)]));
    // Whoever wants names as they stand there says so; and what has a folder then keeps it.
    let path = format!("/v1/sources/{id}");
    let mut configuration = archive(&site, "/main");
    configuration["strip_top_folder"] = json!(false);
    let changed = tenant.patch(&path, &json!({ "configuration": configuration })).await.expect(200);
    assert_eq!(changed["configuration"]["strip_top_folder"], false);
    let run = format!("{path}/sync?allow_mass_deletion=true");
    let run = tenant.post(&run, &Value::Null).await.expect(202);
    let run = ended(&tenant, &id, run["id"].as_str().unwrap()).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [3, 3, 0, 0, 0, 0, 2]), "{run}");
    let whole = named(&[("repo/a.md", 1), ("repo/b.md", 1), ("top.md", 1)]);
    assert_eq!(documents(&tenant, &site).await, whole);

    // The other way round: one that had files beside its folder goes on with whole names.
    site.put("/main", beside(&["a.md", "b.md"]));
    let other = app.tenant("other").await;
    let id = source(&other, &archive(&site, "/main")).await;
    sync(&other, &id).await;
    site.put("/main", inside(&["a.md", "b.md"]));
    let run = sync(&other, &id).await;
    assert_eq!((reason(&run), counts(&run)), (("completed", ""), [2, 0, 0, 2, 0, 0, 1]), "{run}");
    assert_eq!(documents(&other, &site).await, named(&[("repo/a.md", 1), ("repo/b.md", 1)]));
}

#[tokio::test]
async fn what_is_no_archive_or_a_damaged_one_is_told_and_deletes_nothing() {
    let made = folder("repo", &["a.md", "b.md"]);
    let (whole, tar) = (made.zip(), made.tar());
    let site = Site::start(&[("/main", sent(whole.clone()))]).await;
    let app = app(&site, &[("PIDIMA_SOURCE_MAX_ATTEMPTS", "1")]).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    assert_eq!(counts(&sync(&tenant, &source).await)[1], 2);
    let gz = packed(&tar);
    // No header of it tells that a letter of a file is another one, nor that its sum is missing.
    let mut flipped = stored(&tar);
    let at = places(&flipped, b"What stands in b.md")[0];
    flipped[at] ^= 0x20;
    for (page, code) in [
        (sent(b"<html>Not found</html>".to_vec()), "archive_unsupported"),
        (sent(Vec::new()), "archive_unsupported"),
        (sent(whole[..whole.len() / 2].to_vec()), "archive_damaged"),
        (sent(tar[..1_024].to_vec()), "archive_damaged"),
        (sent(gz[..gz.len() / 2].to_vec()), "archive_damaged"),
        (sent(flipped), "archive_damaged"),
        (sent(gz[..gz.len() - 8].to_vec()), "archive_damaged"),
        (sent(packed(b"It is text alone.")), "archive_damaged"),
        (Page::status(404), "gone"),
        (Page::status(403), "http_status"),
        (Page::status(503), "http_status"),
        (sent(MadeArchive::default().zip()), "nothing_found"),
    ] {
        site.put("/main", page);
        let run = sync(&tenant, &source).await;
        assert_eq!(reason(&run), ("failed", code), "{run}");
        assert_eq!(documents(&tenant, &site).await.len(), 2);
    }
    // A file of it that can not be unpacked keeps its document, and all others.
    let mut broken = made.zip();
    let at = places(&broken, b"repo/b.md")[0] + 25;
    broken[at] ^= 0xff;
    site.put("/main", sent(broken));
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("partial", "pages_failed"));
    assert_eq!(noted(&run, &site)["b.md"], "entry_damaged");
    assert_eq!(documents(&tenant, &site).await.len(), 2);
}
