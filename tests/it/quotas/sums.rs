//! Whatever happens in whatever order: the counters are the sums of the rows, and the rows are what the runs used.

use std::collections::HashMap;
use std::sync::Arc;

use pidima::governance::Charged;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use super::{Asker, limit};
use crate::support::{TestApp, TestTenant};

/// Each counter against the rows that it is the sum of, for a day that runs.
pub async fn counters_equal_rows(app: &TestApp) {
    let wrong: Vec<(String, Uuid, i64, i64, i64, i64)> = sqlx::query_as(
        "select c.subject, c.subject_id, c.questions, c.tokens, count(r.run_id),
            coalesce(sum(r.input_tokens + r.output_tokens), 0)::bigint
        from app.quota_counters c
        left join app.quota_reservations r
            on r.tenant_id = c.tenant_id
            and r.reserved_at >= c.period_start
            and c.subject_id = case c.subject
                when 'tenant' then r.tenant_id
                when 'assistant' then r.assistant_id
                when 'key' then r.api_key_id
                else r.person_id
            end
        where c.period = 'day'
        group by c.tenant_id, c.subject, c.subject_id, c.period, c.questions, c.tokens, c.cost_micro_usd
        having c.questions <> count(r.run_id)
            or c.tokens <> coalesce(sum(r.input_tokens + r.output_tokens), 0)
            or c.cost_micro_usd <> coalesce(sum(r.cost_micro_usd), 0)",
    )
    .fetch_all(&app.database.admin())
    .await
    .unwrap();
    assert!(
        wrong.is_empty(),
        "subject, id, counted questions and tokens, those of the rows: {wrong:?}"
    );
}

/// What may happen.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody asks: person, what may be used.
    Begin { person: usize, tokens: i64 },
    /// The run of this place ends, which may have been before: what it used.
    End { run: usize, tokens: i64, cost: i64 },
    /// A quota is set or taken away.
    Quota { measure: usize, hard: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_usize, 0..200_i64).prop_map(|(person, tokens)| Step::Begin { person, tokens }),
        4 => (0..20_usize, 0..200_i64, 0..90_i64)
            .prop_map(|(run, tokens, cost)| Step::End { run, tokens, cost }),
        1 => (0..3_usize, 0..2_000_i64).prop_map(|(measure, hard)| Step::Quota { measure, hard }),
    ]
}

/// Does the steps in a tenant of its own: what all runs used.
async fn walk(app: &TestApp, tenant: &TestTenant, steps: &[Step]) -> (i64, i64) {
    let people: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
    let db = &app.app.services.db;
    let asker = Asker::new(db, tenant, Charged::default());
    let mut runs: Vec<Uuid> = Vec::new();
    let mut used: HashMap<Uuid, (i64, i64)> = HashMap::new();
    let mut quotas: HashMap<usize, String> = HashMap::new();
    for step in steps {
        match step {
            Step::Begin { person, tokens } => {
                let charged = Charged { person_id: Some(people[*person]), ..Charged::default() };
                let asker = Asker { charged, ..asker.clone() };
                if let Ok((run, _)) = asker.begin(*tokens, *tokens / 2).await {
                    runs.push(run);
                }
            }
            Step::End { run, tokens, cost } if !runs.is_empty() => {
                let run = runs[run % runs.len()];
                let is_first = asker.end(run, *tokens, *cost).await;
                assert_eq!(is_first, !used.contains_key(&run), "a run is settled once");
                used.entry(run).or_insert((*tokens, *cost));
            }
            Step::End { .. } => {}
            Step::Quota { measure, hard } => match quotas.remove(measure) {
                Some(id) => {
                    tenant.delete(&format!("/v1/quotas/{id}")).await.expect(204);
                }
                None => {
                    let name = ["questions", "tokens", "cost_micro_usd"][*measure];
                    let subject = ["tenant", "person", "person"][*measure];
                    let quota = limit(tenant, subject, None, name, *hard).await;
                    quotas.insert(*measure, quota["id"].as_str().unwrap().to_owned());
                }
            },
        }
    }
    used.values().fold((0, 0), |(tokens, cost), used| (tokens + used.0, cost + used.1))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sum_of_what_is_settled_is_the_sum_of_what_was_used() {
    let app = Arc::new(TestApp::start().await);
    let handle = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let config =
            ProptestConfig { failure_persistence: None, cases: 24, max_shrink_iters: 40, ..ProptestConfig::default() };
        let cases = std::cell::Cell::new(0);
        let outcome = TestRunner::new(config).run(&prop::collection::vec(step(), 1..60), |steps| {
            cases.set(cases.get() + 1);
            handle.block_on(async {
                let tenant = app.tenant(&format!("case-{}", Uuid::new_v4().simple())).await;
                let used = walk(&app, &tenant, &steps).await;
                let settled: (i64, i64) = sqlx::query_as(
                    "select coalesce(sum(input_tokens + output_tokens), 0)::bigint, coalesce(sum(cost_micro_usd), 0)::bigint
                    from app.quota_reservations where tenant_id = $1 and settled_at is not null",
                )
                .bind(tenant.id.uuid())
                .fetch_one(&app.database.admin())
                .await
                .unwrap();
                assert_eq!(settled, used);
                counters_equal_rows(&app).await;
            });
            Ok(())
        });
        assert!(outcome.is_ok(), "{outcome:?}");
        assert!(cases.get() >= 24, "{cases:?}");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_no_provider_can_mean_does_no_harm() {
    let app = TestApp::start().await;
    let tenant = app.tenant("absurd").await;
    limit(&tenant, "tenant", None, "tokens", 5).await;
    let asker = Asker::new(&app.app.services.db, &tenant, Charged::default());
    let run = asker.begin(i64::MAX, i64::MAX).await.unwrap().0;
    assert!(asker.end(run, -7, i64::MIN).await);
    let run = asker.begin(0, 0).await.expect("less than nothing is nothing").0;
    assert!(asker.end(run, i64::MAX, i64::MAX).await);
    asker.begin(0, 0).await.expect_err("very much");
    counters_equal_rows(&app).await;
}
