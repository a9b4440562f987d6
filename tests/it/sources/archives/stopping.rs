//! A worker that is asked to stop while it fetches, looks through or unpacks an archive: it ends in a moment, and no attempt is
//! counted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::stopping::{AT_ONCE, rest, slice};
use super::super::{ask, counts, reason, source};
use super::{Site, archive, folder, idle_app, sent};
use crate::support::{TestApp, eventually};

const SETTINGS: [(&str, &str); 3] = [
    ("PIDIMA_SOURCE_MAX_ATTEMPTS", "1"),
    ("PIDIMA_SOURCE_STOP_GRACE_MS", "1"),
    ("PIDIMA_SOURCE_SLICE_MS", "1"),
];

/// A program that unpacks, or that never answers as long as it is held.
struct Unpacker(PathBuf);

impl Unpacker {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("pidima-unpacker-{}", Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let it = Self(folder);
        let script = format!(
            "#!/bin/sh\nif [ -e {held} ]; then\n: > {asked}\nexec /bin/sleep 600\nfi\nexec {program} \"$@\"\n",
            held = it.held().display(),
            asked = it.asked().display(),
            program = env!("CARGO_BIN_EXE_pidima"),
        );
        fs::write(it.program(), script).unwrap();
        fs::set_permissions(it.program(), fs::Permissions::from_mode(0o755)).unwrap();
        it
    }

    fn program(&self) -> PathBuf {
        self.0.join("program")
    }

    fn held(&self) -> PathBuf {
        self.0.join("held")
    }

    /// There once it was started while it was held.
    fn asked(&self) -> PathBuf {
        self.0.join("asked")
    }

    fn hold(&self) {
        fs::write(self.held(), "").unwrap();
    }

    fn open(&self) {
        fs::remove_file(self.held()).unwrap();
    }
}

impl Drop for Unpacker {
    fn drop(&mut self) {
        let _left_to_the_system = fs::remove_dir_all(&self.0);
    }
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.database.admin()).await.unwrap()
}

#[tokio::test]
async fn an_archive_that_does_not_come_is_fetched_anew_by_another_worker() {
    let site = Site::start(&[("/main", sent(folder("repo", &["a.md", "b.md"]).zip()))]).await;
    let app = idle_app(&site, &SETTINGS).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    let id = ask(&tenant, &source).await;
    let run = id.parse().unwrap();
    site.hold();
    for asked in 1..=3 {
        let stop = CancellationToken::new();
        let (outcome, ()) = tokio::join!(slice(&app, &tenant, run, &stop), async {
            site.wait(asked).await;
            stop.cancel();
        });
        assert_eq!(outcome, AT_ONCE);
    }
    site.open();
    let ended = rest(&app, &tenant, &source, &id).await;
    assert_eq!((reason(&ended), counts(&ended)), (("completed", ""), [2, 2, 0, 0, 0, 0, 0]));
}

#[tokio::test]
async fn an_archive_that_is_not_unpacked_holds_up_no_stop_and_its_files_have_not_failed() {
    let site = Site::start(&[("/main", sent(folder("repo", &["a.md", "b.md"]).zip()))]).await;
    let unpacker = Unpacker::new();
    let program = unpacker.program().to_string_lossy().into_owned();
    let settings = [&SETTINGS[..], &[("PIDIMA_PARSER_PROGRAM", program.as_str())]].concat();
    let app = idle_app(&site, &settings).await;
    let tenant = app.tenant("acme").await;
    let source = source(&tenant, &archive(&site, "/main")).await;
    let id = ask(&tenant, &source).await;
    let (run, never) = (id.parse().unwrap(), CancellationToken::new());
    let held = "select count(*) from app.source_runs where content_id is not null";
    eventually("the archive is held", || async {
        slice(&app, &tenant, run, &never).await;
        count(&app, held).await == 1
    })
    .await;

    // While it is looked through.
    let planned = "select count(*) from app.source_runs where is_planned";
    assert_eq!(count(&app, planned).await, 0, "a slice planned it too");
    unpacker.hold();
    let stop = CancellationToken::new();
    let (outcome, ()) = tokio::join!(slice(&app, &tenant, run, &stop), async {
        eventually("it is asked", || async { unpacker.asked().exists() }).await;
        stop.cancel();
    });
    assert_eq!((outcome, count(&app, planned).await), (AT_ONCE, 0));
    unpacker.open();
    eventually("it is planned", || async {
        slice(&app, &tenant, run, &never).await;
        count(&app, planned).await == 1
    })
    .await;

    // While a file is read.
    let waiting = "select count(*) from app.source_pages where state = 'waiting'";
    let begun = "select count(*) from app.source_pages where state = 'waiting' and attempts > 0";
    assert!(count(&app, waiting).await > 0, "a slice took everything in");
    unpacker.hold();
    for _ in 0..2 {
        let stop = CancellationToken::new();
        let (outcome, ()) = tokio::join!(slice(&app, &tenant, run, &stop), async {
            eventually("a file is begun", || async { count(&app, begun).await == 1 }).await;
            stop.cancel();
        });
        assert_eq!((outcome, count(&app, begun).await), (AT_ONCE, 0));
    }
    unpacker.open();
    let ended = rest(&app, &tenant, &source, &id).await;
    assert_eq!((reason(&ended), counts(&ended)), (("completed", ""), [2, 2, 0, 0, 0, 0, 0]));
    // It was fetched once.
    assert_eq!(site.asked().len(), 1);
}
