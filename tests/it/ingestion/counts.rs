//! The counts that search needs agree with the rows, whatever was done in whatever order.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use super::{working, wrong_counts};
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_agree_with_the_rows_after_random_uploads_and_deletions_at_once() {
    let (app, _) = working().await;
    let tenant = app.tenant("acme").await;
    let people: Vec<_> = (0..3)
        .map(|person| {
            let tenant = tenant.clone();
            tokio::spawn(async move {
                let mut chance = StdRng::seed_from_u64(person);
                for step in 0..25 {
                    let name = format!("{}.md", chance.random_range(0..4));
                    let size = chance.random_range(1..6);
                    let words = ["pump ", "valve ", "motor "][chance.random_range(0..3)];
                    let text = format!("# Guide {}\n\n{}.\n", step % 3, words.repeat(size * 60));
                    let reply = tenant.upload(&name, text).await;
                    assert!(reply.status.is_success(), "{}", reply.text());
                    let id = reply.json()["id"].as_str().unwrap().to_owned();
                    match chance.random_range(0..12) {
                        0..3 => {
                            let gone = tenant.delete(&format!("/v1/documents/{id}")).await;
                            assert!(
                                matches!(gone.status.as_u16(), 204 | 404 | 503),
                                "{}",
                                gone.text()
                            );
                        }
                        3..6 => {
                            let shown = tenant.get(&format!("/v1/documents/{id}")).await;
                            assert!(matches!(shown.status.as_u16(), 200 | 404), "{}", shown.text());
                        }
                        6 => {
                            let collection = reply.json()["collection_id"].clone();
                            let path = format!("/v1/collections/{}", collection.as_str().unwrap());
                            let gone = tenant.delete(&path).await;
                            assert!(
                                matches!(gone.status.as_u16(), 204 | 404 | 503),
                                "{}",
                                gone.text()
                            );
                        }
                        _ => {}
                    }
                }
            })
        })
        .collect();
    for person in people {
        person.await.unwrap();
    }
    eventually("all work is done", || async {
        let mut tx = app.app.services.db.system().await.unwrap();
        let waiting = tx.count_outbox().await.unwrap();
        drop(tx);
        waiting == 0 && app.app.worker.queue.backlog().await.unwrap() == 0
    })
    .await;
    assert_eq!(wrong_counts(&app).await, Vec::<Value>::new());
    let left: i64 = sqlx::query_scalar(
        "select count(*) from app.document_versions where state not in ('ready', 'superseded')",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(left, 0);
    originals_are_those_of_the_versions(&app).await;
}

/// No original without a version, and no version without its original.
async fn originals_are_those_of_the_versions(app: &crate::support::TestApp) {
    let mut wanted: Vec<String> =
        sqlx::query_scalar("select object_key from app.document_versions")
            .fetch_all(&app.database.admin())
            .await
            .unwrap();
    wanted.sort();
    let mut there = Vec::new();
    let root = app.objects.clone();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                there.push(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    there.sort();
    assert_eq!(there, wanted);
}
