//! Where answers would tell too many texts, each tells longer ones, and none of what was read is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use pidima::adapters::models::{ChatModel, ModelError, ModelStream, Prompt, Turn};
use serde_json::json;
use tokio::sync::Notify;

use super::paced::{MadeUp, answered_by, paced};
use super::{GUIDE, ask, check_numbers, delta, joined, no_run_is_left, run_id};

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

/// Says two texts, one after the other, and then nothing more; tells when the second one was read.
#[derive(Default)]
struct HaltingModel(Arc<Notify>);

#[async_trait]
impl ChatModel for HaltingModel {
    fn provider(&self) -> &'static str {
        "halting"
    }

    fn model(&self) -> &'static str {
        "halting-1"
    }

    async fn answer(&self, _prompt: Prompt) -> Result<ModelStream, ModelError> {
        let was_read = Arc::clone(&self.0);
        let said = stream::unfold(0, move |said| {
            let was_read = Arc::clone(&was_read);
            async move {
                let text = match said {
                    0 => "Keys live for",
                    1 => {
                        // Not at once, or they were told as one.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        " 90 days."
                    }
                    _ => {
                        was_read.notify_one();
                        std::future::pending().await
                    }
                };
                Some((Ok(delta(text)), said + 1))
            }
        });
        Ok(said.boxed())
    }

    async fn standalone_question(
        &self,
        _history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError> {
        Ok(question.to_owned())
    }
}

#[tokio::test]
async fn text_that_gathers_when_an_answer_is_cancelled_is_told_and_kept() {
    let model = Arc::new(HaltingModel::default());
    let was_read = Arc::clone(&model.0);
    let app = answered_by(model, &[("PIDIMA_RUN_TEXTS_PER_SECOND", "1")]).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let mut reader = ask(&tenant, "How long do keys live?").await;
    let mut events = vec![reader.next().await.unwrap()];
    was_read.notified().await;
    // Within the pause as a rule. Later the text is told already, and this shows nothing.
    let cancel = format!("/v1/runs/{}/cancel", run_id(&events[0]));
    tenant.post(&cancel, &json!({})).await.expect(200);
    events.extend(reader.rest().await);
    check_numbers(&events);
    let answer = &events.last().unwrap().data["answer"];
    assert_eq!(answer["content"], "Keys live for 90 days.");
    assert_eq!(answer["content"], joined(&events));
    assert_eq!(answer["outcome_reason"], "cancelled");
    no_run_is_left(&app).await;
}
