//! Many at once: a limit is passed by one request at most, no count is lost, and nobody waits for nobody for ever.

use std::sync::Arc;

use futures_util::future::join_all;
use pidima::governance::{Charged, ReserveError};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use uuid::Uuid;

use super::{Asker, limit};
use crate::support::TestApp;

const AT_ONCE: usize = 32;

/// How many of 32 at once are let in, all of them open at the end.
async fn let_in(asker: &Asker, tokens: i64, cost: i64) -> usize {
    let tries = (0..AT_ONCE).map(|_| {
        let asker = asker.clone();
        tokio::spawn(async move { asker.begin(tokens, cost).await })
    });
    let mut let_in = 0;
    for outcome in join_all(tries).await {
        match outcome.unwrap() {
            Ok(_) => let_in += 1,
            Err(ReserveError::Exceeded(_)) => {}
            Err(ReserveError::Database(error)) => panic!("{error:?}"),
        }
    }
    let_in
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_as_many_are_let_in_as_one_after_the_other() {
    let app = TestApp::start().await;
    let db = &app.app.services.db;
    for (measure, most, wanted) in [
        ("questions", 10, 10),
        // Reserved are 300 each: the fourth passes the limit, which one may, and the fifth does not.
        ("tokens", 1_000, 4),
        ("cost_micro_usd", 1_200, 4),
        ("concurrent_runs", 7, 7),
    ] {
        for subject in ["tenant", "key", "person"] {
            let tenant = app.tenant(&format!("many-{subject}-{}", &measure[..4])).await;
            limit(&tenant, subject, None, measure, most).await;
            let id = || Some(Uuid::now_v7());
            let charged = Charged { assistant_id: None, api_key_id: id(), person_id: id() };
            let asker = Asker::new(db, &tenant, charged);
            assert_eq!(let_in(&asker, 300, 300).await, wanted, "{measure} of {subject}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_questions_over_http_as_many_are_answered_as_may_be() {
    let app = TestApp::start().await;
    let tenant = app.tenant("many-http").await;
    limit(&tenant, "tenant", None, "questions", 10).await;
    let question = json!({ "question": "How long do keys live?" });
    let tries = (0..AT_ONCE).map(|_| tenant.post("/v1/answers", &question));
    let statuses: Vec<u16> =
        join_all(tries).await.iter().map(|reply| reply.status.as_u16()).collect();
    let answered = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!((answered, refused), (10, AT_ONCE - 10), "{statuses:?}");
    let asked: i64 = sqlx::query_scalar("select count(*) from app.runs where tenant_id = $1")
        .bind(tenant.id.uuid())
        .fetch_one(&app.database.admin())
        .await
        .unwrap();
    assert_eq!(asked, 10, "what is refused is not stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_share_some_limits_in_every_combination_neither_block_nor_lose_a_count() {
    let app = TestApp::start().await;
    let tenant = app.tenant("shared").await;
    for subject in ["tenant", "assistant", "key", "person"] {
        limit(&tenant, subject, None, "tokens", 1_000_000).await;
        limit(&tenant, subject, None, "concurrent_runs", 1_000).await;
    }
    let ids: Arc<[Uuid]> = (0..3).map(|_| Uuid::now_v7()).collect();
    let db = &app.app.services.db;
    let walks = (0..16_u64).map(|seed| {
        let (ids, asker) = (Arc::clone(&ids), Asker::new(db, &tenant, Charged::default()));
        tokio::spawn(async move {
            let mut chance = StdRng::seed_from_u64(seed);
            let mut used = 0;
            for _ in 0..12 {
                let mut pick = || chance.random_bool(0.7).then(|| ids[chance.random_range(0..3)]);
                let charged =
                    Charged { assistant_id: pick(), api_key_id: pick(), person_id: pick() };
                let asker = Asker { charged, ..asker.clone() };
                let tokens = chance.random_range(0..100);
                assert!(asker.ask(tokens, 0).await, "nothing is used up");
                used += tokens;
            }
            used
        })
    });
    let used: i64 = join_all(walks).await.into_iter().map(Result::unwrap).sum();
    let counted: i64 = sqlx::query_scalar(
        "select tokens from app.quota_counters where tenant_id = $1 and subject = 'tenant' and period = 'day'",
    )
    .bind(tenant.id.uuid())
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(counted, used);
    super::sums::counters_equal_rows(&app).await;
}
