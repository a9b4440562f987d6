//! Each bound on archives: at it, below and above; and what a configuration may ask for.

use serde_json::{Value, json};

use super::super::{app, counts, documents, noted, reason, source, sync};
use super::made::{MadeArchive, file};
use super::{Site, archive, folder, sent};

/// A run of an archive under settings, and how many documents there are then.
async fn once(bytes: Vec<u8>, settings: &[(&str, &str)]) -> (Value, Site, usize) {
    let site = Site::start(&[("/main", sent(bytes))]).await;
    let app = app(&site, settings).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    let run = sync(&tenant, &source).await;
    let found = documents(&tenant, &site).await.len();
    (run, site, found)
}

/// The state of a run that keeps to a bound or not.
fn state(passes: bool, code: &str) -> (&str, &str) {
    if passes { ("completed", "") } else { ("failed", code) }
}

#[tokio::test]
async fn an_archive_is_as_long_and_lists_as_much_as_the_limits() {
    let made = folder("repo", &["a.md", "b.md", "c.md"]);
    for bytes in [made.zip(), made.tar_gz()] {
        let length = bytes.len();
        for (limit, passes) in [(length + 1, true), (length, true), (length - 1, false)] {
            let limit = limit.to_string();
            let settings = [("PIDIMA_SOURCE_MAX_ARCHIVE_BYTES", limit.as_str())];
            let (run, ..) = once(bytes.clone(), &settings).await;
            assert_eq!(reason(&run), state(passes, "answer_too_long"), "{limit}");
        }
        for (limit, passes) in [("4", true), ("3", true), ("2", false)] {
            let settings = [("PIDIMA_SOURCE_MAX_ENTRIES", limit)];
            let (run, _, found) = once(bytes.clone(), &settings).await;
            assert_eq!(reason(&run), state(passes, "archive_too_many_entries"), "{limit}");
            assert_eq!(found, if passes { 3 } else { 0 });
        }
    }
}

#[tokio::test]
async fn no_more_comes_out_of_an_archive_than_the_limit_and_nothing_of_it_comes_in_else() {
    let mut made = MadeArchive::default();
    made.push(file("a.md", &"The pump. ".repeat(200)));
    made.push(file("b.md", &"The valve. ".repeat(200)));
    let (zip, tar) = (made.zip(), made.tar());
    // Of tar its headers count, and its end.
    for (bytes, unpacked) in [(zip, 4_200), (made.tar_gz(), tar.len())] {
        for (limit, passes) in [(unpacked + 1, true), (unpacked, true), (unpacked - 1, false)] {
            let limit = limit.to_string();
            let settings = [("PIDIMA_SOURCE_MAX_UNPACKED_BYTES", limit.as_str())];
            let (run, _, found) = once(bytes.clone(), &settings).await;
            assert_eq!(reason(&run), state(passes, "archive_too_large"), "{limit}");
            assert_eq!(found, if passes { 2 } else { 0 });
        }
    }
}

#[tokio::test]
async fn what_came_out_of_a_damaged_file_counts_too() {
    let mut made = MadeArchive::default();
    made.push(file("a.md", &"The pump. ".repeat(200)));
    made.push(file("b.md", &"The valve. ".repeat(200)));
    let mut zip = made.zip();
    // The sum of the first file, as the directory has it.
    let directory = zip.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    zip[directory + 16] ^= 1;
    for (limit, passes) in [("4201", true), ("4200", true), ("4199", false)] {
        let settings = [("PIDIMA_SOURCE_MAX_UNPACKED_BYTES", limit)];
        let (run, site, found) = once(zip.clone(), &settings).await;
        assert_eq!(reason(&run), state(passes, "archive_too_large"), "{limit}");
        let told = noted(&run, &site).get("a.md").cloned();
        assert_eq!(told.as_deref(), passes.then_some("entry_damaged"));
        assert_eq!(found, usize::from(passes));
    }
}

#[tokio::test]
async fn a_bomb_is_refused_by_what_comes_out_of_it_for_its_size() {
    let mut made = MadeArchive::default();
    made.push(file("a.md", &"The pump. ".repeat(300_000)));
    made.push(file("b.md", "The valve."));
    for (bytes, unpacked) in [(made.zip(), 3_000_010), (made.tar_gz(), made.tar().len())] {
        let ratio = unpacked.div_ceil(bytes.len());
        for (limit, passes) in [(ratio + 1, true), (ratio, true), (ratio - 1, false)] {
            let limit = limit.to_string();
            let settings = [("PIDIMA_SOURCE_MAX_RATIO", limit.as_str())];
            let (run, _, found) = once(bytes.clone(), &settings).await;
            assert_eq!(reason(&run), state(passes, "archive_too_dense"), "{limit}");
            assert_eq!(found, if passes { 2 } else { 0 });
        }
    }
}

#[tokio::test]
async fn a_file_is_as_long_and_its_path_as_long_and_deep_as_the_limits() {
    let mut made = MadeArchive::default();
    made.push(file("one/two/long-name.md", &"The pump. ".repeat(10)));
    made.push(file("b.md", "The valve."));
    let cases = [
        (
            "PIDIMA_SOURCE_MAX_FILE_BYTES",
            [("101", true), ("100", true), ("99", false)],
            "file_too_long",
        ),
        (
            "PIDIMA_SOURCE_MAX_PATH_BYTES",
            [("21", true), ("20", true), ("19", false)],
            "path_too_long",
        ),
        ("PIDIMA_SOURCE_MAX_PATH_DEPTH", [("4", true), ("3", true), ("2", false)], "path_too_deep"),
    ];
    for bytes in [made.zip(), made.tar_gz()] {
        for (name, limits, code) in cases {
            for (limit, passes) in limits {
                let (run, site, found) = once(bytes.clone(), &[(name, limit)]).await;
                assert_eq!(reason(&run), ("completed", ""), "{name} {limit}");
                assert_eq!(found, if passes { 2 } else { 1 });
                let told = noted(&run, &site).get("one/two/long-name.md").cloned();
                assert_eq!(told.as_deref(), (!passes).then_some(code), "{name} {limit}");
            }
        }
    }
}

#[tokio::test]
async fn as_many_files_come_in_as_the_limit_and_then_nothing_is_deleted() {
    let bytes = folder("repo", &["a.md", "b.md", "c.md"]).zip();
    for (limit, passes) in [("4", true), ("3", true), ("2", false)] {
        let (run, _, found) = once(bytes.clone(), &[("PIDIMA_SOURCE_MAX_PAGES", limit)]).await;
        let wanted = if passes { ("completed", "") } else { ("partial", "page_limit") };
        assert_eq!((reason(&run), found), (wanted, if passes { 3 } else { 2 }), "{limit}");
    }
    let site = Site::start(&[("/main", sent(bytes))]).await;
    let app = app(&site, &[]).await;
    let tenant = app.tenant("acme").await;
    let mut configuration = archive(&site, "/main");
    configuration["max_files"] = json!(2);
    let source = source(&tenant, &configuration).await;
    let run = sync(&tenant, &source).await;
    assert_eq!(reason(&run), ("partial", "page_limit"));
    assert_eq!(counts(&run)[1], 2);
}

#[tokio::test]
async fn an_archive_that_takes_too_long_is_given_up() {
    let site = Site::start(&[("/main", sent(folder("repo", &["a.md"]).zip()))]).await;
    let settings =
        [("PIDIMA_SOURCE_ARCHIVE_TIMEOUT_MS", "200"), ("PIDIMA_SOURCE_MAX_ATTEMPTS", "1")];
    let app = app(&site, &settings).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    site.hold();
    assert_eq!(reason(&sync(&tenant, &source).await), ("failed", "timeout"));
    site.open();
    assert_eq!(reason(&sync(&tenant, &source).await), ("completed", ""));
}

#[tokio::test]
async fn what_a_configuration_may_ask_for_is_bounded() {
    let site = Site::start(&[]).await;
    let settings = [("PIDIMA_SOURCE_MAX_PAGES", "10"), ("PIDIMA_SOURCE_MAX_URL_BYTES", "64")];
    let app = app(&site, &settings).await;
    let tenant = app.tenant("acme").await;
    let long = |length: usize| {
        let url = site.url("/");
        format!("{url}{}", "x".repeat(length - url.len()))
    };
    let tried = async |changes: Value| {
        let mut configuration = archive(&site, "/main");
        for (name, value) in changes.as_object().unwrap() {
            configuration[name] = value.clone();
        }
        let body = json!({ "name": "docs", "configuration": configuration });
        tenant.post("/v1/sources", &body).await
    };
    for good in [
        json!({}),
        json!({ "max_files": 9 }),
        json!({ "max_files": 10 }),
        json!({ "url": long(63) }),
        json!({ "url": long(64) }),
        json!({ "include": ["docs/", "*.md", "**/x/*.md"] }),
        json!({ "include": vec!["a"; 50] }),
        json!({ "exclude": ["x".repeat(200)] }),
        json!({ "exclude": ["*a".repeat(7)] }),
        json!({ "exclude": ["*a".repeat(8)] }),
        json!({ "name_prefix": "p".repeat(100) }),
    ] {
        let reply = tried(good.clone()).await;
        assert_eq!(reply.status, 201, "{good}: {}", reply.text());
    }
    for bad in [
        json!({ "max_files": 0 }),
        json!({ "max_files": 11 }),
        json!({ "url": long(65) }),
        json!({ "url": "ftp://docs.example.com/main.zip" }),
        json!({ "url": "http://10.0.0.1/main.zip" }),
        json!({ "url": "http://user@127.0.0.1/main.zip" }),
        json!({ "include": [""] }),
        json!({ "include": ["/docs/"] }),
        json!({ "include": ["../docs/"] }),
        json!({ "include": ["docs\\"] }),
        json!({ "include": vec!["a"; 51] }),
        json!({ "exclude": ["a\u{0}"] }),
        json!({ "exclude": ["x".repeat(201)] }),
        json!({ "exclude": ["docs/a**"] }),
        json!({ "exclude": ["*a".repeat(9)] }),
        json!({ "name_prefix": "" }),
        json!({ "name_prefix": "p".repeat(101) }),
        json!({ "name_prefix": "\u{e9}".repeat(51) }),
        json!({ "name_prefix": "a\u{7}" }),
        json!({ "discovery": "crawl" }),
    ] {
        let reply = tried(bad.clone()).await;
        assert_eq!(reply.status, 422, "{bad}: {}", reply.text());
    }
}
