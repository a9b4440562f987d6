//! Many answers at once: their events are stored together, and each run is told of its own; and where they would tell too many
//! texts, each tells longer ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use pidima::adapters::models::{ChatModel, ModelError, ModelStream, Prompt, Turn};
use pidima::app::Outside;
use serde_json::json;
use sqlx::PgPool;
use tokio::sync::mpsc;

use super::paced::{ENDLESS, MadeUp, PacedModel};
use super::{GUIDE, ask, check_numbers, follow, joined, no_run_is_left, run_id};
use crate::support::{EventReader, StreamEvent, TestApp, eventually, minilm};

/// Answers at once.
const RUNS: usize = 12;

/// A model behind a network: what it writes comes, and waits, whether or not it is read, and is handed over one by one.
#[derive(Default)]
struct FarModel(PacedModel);

#[async_trait]
impl ChatModel for FarModel {
    fn provider(&self) -> &str {
        self.0.provider()
    }

    fn model(&self) -> &str {
        self.0.model()
    }

    async fn answer(&self, prompt: Prompt) -> Result<ModelStream, ModelError> {
        let mut written = self.0.answer(prompt).await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(event) = written.next().await {
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let handed_over = stream::unfold(receiver, async |mut receiver| {
            tokio::task::yield_now().await;
            Some((receiver.recv().await?, receiver))
        });
        Ok(handed_over.boxed())
    }

    async fn standalone_question(
        &self,
        history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError> {
        self.0.standalone_question(history, question).await
    }
}

/// A service whose model answers at the pace of a network.
async fn paced(settings: &[(&str, &str)]) -> TestApp {
    let model = Arc::new(FarModel::default());
    let outside = Outside { embedder: Arc::new(minilm().await), models: model.into() };
    TestApp::start_outside(settings, outside).await
}

/// Waits until so many runs go on, of each of which more than so many events are stored.
async fn all_stored(admin: &PgPool, runs: usize, more_than: i32) {
    eventually("events of all runs are stored", || async {
        let counts: Vec<i32> = sqlx::query_scalar("select event_count from app.run_leases")
            .fetch_all(admin)
            .await
            .unwrap();
        counts.len() == runs && counts.iter().all(|count| *count > more_than)
    })
    .await;
}

#[tokio::test]
async fn events_of_many_runs_go_together_and_one_that_is_lost_holds_up_no_other() {
    let app = paced(&[
        ("PIDIMA_RUN_FLUSH_INTERVAL_MS", "30"),
        ("PIDIMA_RUN_CANCEL_POLL_MS", "50"),
        ("PIDIMA_RUN_SWEEP_MS", "50"),
    ])
    .await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let admin = app.database.admin();
    let mut readers: Vec<(EventReader, Vec<StreamEvent>)> = Vec::new();
    let question = format!("key {ENDLESS}?");
    for mut reader in join_all((0..RUNS).map(|_| ask(&tenant, &question))).await {
        let started = reader.next().await.unwrap();
        readers.push((reader, vec![started]));
    }
    all_stored(&admin, RUNS, 40).await;

    // As when this instance had stood still: others end its run.
    let lost = run_id(&readers[0].1[0]);
    sqlx::query(
        "update app.run_leases set expires_at = now() - interval '1 s' where run_id = $1::uuid",
    )
    .bind(&lost)
    .execute(&admin)
    .await
    .unwrap();
    let so_far: i32 = sqlx::query_scalar("select max(event_count) from app.run_leases")
        .fetch_one(&admin)
        .await
        .unwrap();
    all_stored(&admin, RUNS - 1, so_far).await;
    let (reader, mut events) = readers.remove(0);
    events.extend(reader.rest().await);
    check_numbers(&events);
    let answer = &events.last().unwrap().data["answer"];
    assert_eq!(answer["outcome_reason"], "interrupted");
    assert_eq!(answer["content"], joined(&events));

    let (rows, transactions): (i64, i64) =
        sqlx::query_as("select count(*), count(distinct xmin::text) from app.run_events")
            .fetch_one(&admin)
            .await
            .unwrap();
    println!("{rows} rows of events by {transactions} transactions");
    assert!(transactions * 2 < rows, "{rows} rows by {transactions} transactions");

    for (reader, mut events) in readers {
        let id = run_id(&events[0]);
        tenant.post(&format!("/v1/runs/{id}/cancel"), &json!({})).await.expect(200);
        events.extend(reader.rest().await);
        check_numbers(&events);
        assert_eq!(events.last().unwrap().data["answer"]["content"], joined(&events));
        let again = follow(&tenant, &id, 0).await.rest().await;
        let told = |events: &[StreamEvent]| -> Vec<_> {
            events.iter().map(|event| (event.id, event.name.clone(), event.data.clone())).collect()
        };
        assert_eq!(told(&again), told(&events), "what is stored is what was shown");
    }
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn where_answers_would_tell_too_many_texts_each_tells_longer_ones() {
    // The answer of a seed that is never reset.
    let seed = (0..).find(|seed| MadeUp::of(*seed).reset_after.is_none()).unwrap();
    let (mut counts, mut took) = (Vec::new(), Vec::new());
    // One answer, and pauses between its texts of a tenth and a quarter of a second, the longest there is.
    for most in ["10000", "10", "1"] {
        let app = paced(&[("PIDIMA_RUN_TEXTS_PER_SECOND", most)]).await;
        let tenant = app.tenant("acme").await;
        tenant.learn("guide.md", GUIDE).await;
        let began = Instant::now();
        let events = ask(&tenant, &format!("key {seed}?")).await.rest().await;
        took.push(began.elapsed());
        check_numbers(&events);
        let answer = &events.last().unwrap().data["answer"];
        assert_eq!(answer["content"], joined(&events));
        let texts = events.iter().filter(|event| event.name == "delta").count();
        counts.push((texts, answer["content"].clone()));
    }
    println!("{:?} texts in {took:?}", counts.iter().map(|(texts, _)| texts).collect::<Vec<_>>());
    assert!(counts.iter().all(|(_, content)| *content == counts[0].1), "the text is the same");
    assert!(counts[0].0 > 2 * counts[1].0 && counts[1].0 >= counts[2].0, "{counts:?}");
    // All that has come is told: the end is late by one pause or two, and not by one for each piece, which would be ten seconds.
    assert!(took.iter().all(|it| *it < took[0] + Duration::from_secs(3)), "{took:?}");
}
