//! What was paid for is kept: whatever fails, whoever dies, and when a document gets its next version.

use std::time::Duration;

use pidima::adapters::embeddings::EmbeddingError;
use pidima::adapters::models::ModelError;
use pidima::enrichment::wake_lost_enrichments;

use super::writer::CONTEXT_WORD;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_for_twice_however_short_a_slice_is() {
    let (house, _) = House::idle(&[("PIDIMA_ENRICHMENT_SLICE_MS", "1")]).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.finish().await;
    assert_eq!(show(&house.tenant, &id).await["state"], "completed");
    let once = ["Context of passage 1", "Context of passage 2", "Context of passage 3", "Overview"];
    assert_eq!(house.asked(), once);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_fails_is_asked_again_for_what_is_missing_alone() {
    let settings = [("PIDIMA_ENRICHMENT_RETRY_MS", "1"), ("PIDIMA_ENRICHMENT_MAX_ATTEMPTS", "3")];
    let (house, _) = House::idle(&settings).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.writer.fail_next(ModelError::status(503, "busy with secrets"));
    assert!(matches!(house.work().await, EnrichOutcome::Later(_)));
    let shown = show(&house.tenant, &id).await;
    assert_eq!(
        (&shown["state"], &shown["reason"]["code"]),
        (&json!("waiting"), &json!("model_failed"))
    );
    assert!(!shown.to_string().contains("secrets"), "{shown}");
    let document = house.tenant.get(&format!("/v1/documents/{id}")).await.expect(200);
    assert_eq!((&document["state"], &document["searchable"]), (&json!("ready"), &json!(true)));
    house.finish().await;
    assert_eq!(house.asked().len(), 5, "one call more than there are things to write");
    assert_eq!(show(&house.tenant, &id).await["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_given_up_at_its_last_attempt_and_begins_anew_when_it_is_asked_for() {
    for (faults, state) in [(2, "completed"), (3, "failed")] {
        let settings =
            [("PIDIMA_ENRICHMENT_RETRY_MS", "1"), ("PIDIMA_ENRICHMENT_MAX_ATTEMPTS", "3")];
        let (house, _) = House::idle(&settings).await;
        let id = house.learned("guide.md", &guide()).await;
        house.switch_on().await;
        for _ in 0..faults {
            house.writer.fail_next(ModelError::Cut);
        }
        house.finish().await;
        let shown = show(&house.tenant, &id).await;
        assert_eq!(shown["state"], state, "{faults}: {shown}");
        if state == "failed" {
            let document = house.tenant.get(&format!("/v1/documents/{id}")).await.expect(200);
            assert_eq!(document["searchable"], true, "it is found as before");
            change(&house.tenant, &house.collection, json!({ "enrichment": "off" })).await;
            house.switch_on().await;
            house.finish().await;
            assert_eq!(show(&house.tenant, &id).await["state"], "completed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_document_is_given_up_because_its_provider_is_away() {
    let settings = [("PIDIMA_ENRICHMENT_RETRY_MS", "1"), ("PIDIMA_ENRICHMENT_MAX_ATTEMPTS", "2")];
    let (house, _) = House::idle(&settings).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    for fault in [
        ModelError::status(401, "no"),
        ModelError::status(429, "slowly"),
        ModelError::Connect("nobody".to_owned()),
        ModelError::Resting(Duration::ZERO),
    ] {
        house.writer.fail_next(fault);
    }
    assert!(matches!(house.work().await, EnrichOutcome::Later(_)));
    let shown = show(&house.tenant, &id).await;
    assert_eq!(shown["reason"]["code"], "model_failed", "{shown}");
    house.finish().await;
    assert_eq!(show(&house.tenant, &id).await["state"], "completed");
    assert_eq!(house.asked().len(), 8, "four failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_of_a_document_is_of_use_although_it_is_given_up() {
    let (house, _) = House::idle(&[("PIDIMA_ENRICHMENT_SLICE_MS", "1")]).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    while house.asked().len() < 2 {
        house.work().await;
    }
    house.writer.fail_next(ModelError::status(400, "no"));
    house.finish().await;
    let shown = show(&house.tenant, &id).await;
    let (state, code) = (&shown["state"], &shown["reason"]["code"]);
    assert_eq!((state, code), (&json!("failed"), &json!("model_refused")), "{shown}");
    assert_eq!(house.found(CONTEXT_WORD).await.len(), 1, "by the one context that there is");
}

/// A house whose document has all of its contexts and is not found by them yet, since embedding failed once.
async fn written_and_not_embedded(attempts: &str) -> (House, Arc<ProbedEmbedder>, String) {
    let settings =
        [("PIDIMA_ENRICHMENT_RETRY_MS", "600000"), ("PIDIMA_ENRICHMENT_MAX_ATTEMPTS", attempts)];
    let (house, embedder) = House::idle(&settings).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    embedder.fail_next(busy());
    house.work().await;
    let shown = show(&house.tenant, &id).await;
    let (state, code) = (&shown["state"], &shown["reason"]["code"]);
    assert_eq!((state, code), (&json!("waiting"), &json!("embedding_failed")), "{shown}");
    assert_eq!(house.asked().len(), 4);
    (house, embedder, id)
}

fn busy() -> EmbeddingError {
    EmbeddingError::Unavailable { model: "m".to_owned(), reason: "busy".to_owned() }
}

const DUE: &str = "update app.enrichments set due_at = now()";
/// Seconds until the document is tried again.
const WAIT: &str =
    "select round(extract(epoch from due_at - updated_at))::bigint from app.enrichments";

#[tokio::test(flavor = "multi_thread")]
async fn embedding_that_goes_on_failing_waits_longer_each_time_and_is_given_up() {
    // The attempt that wrote the contexts got further, and is none of these.
    for (faults, state) in [(2, "completed"), (3, "failed")] {
        let (house, embedder, id) = written_and_not_embedded("3").await;
        for fault in 0..faults {
            embedder.fail_next(busy());
            house.run(DUE).await;
            house.work().await;
            if fault < 2 {
                assert_eq!(house.count(WAIT).await, 600_i64 << fault);
            }
        }
        house.run(DUE).await;
        house.finish().await;
        let shown = show(&house.tenant, &id).await;
        assert_eq!(shown["state"], state, "{faults}: {shown}");
        assert_eq!(house.asked().len(), 4, "nothing is asked for again");
        if state == "failed" {
            assert_eq!(shown["reason"]["code"], "embedding_failed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_whose_embedding_kills_its_workers_is_given_up() {
    for (died, state) in [(2, "completed"), (3, "failed")] {
        let (house, embedder, id) = written_and_not_embedded("3").await;
        house.run("update app.enrichments set attempts = 0, due_at = now()").await;
        for _ in 0..died {
            embedder.hold_next();
            let dying = house.work_apart();
            embedder.entered().await;
            dying.abort();
            assert!(dying.await.unwrap_err().is_cancelled());
            house.run("update app.enrichments set lease_expires_at = now()").await;
        }
        house.finish().await;
        let shown = show(&house.tenant, &id).await;
        assert_eq!(shown["state"], state, "{died}: {shown}");
        if state == "failed" {
            assert_eq!(shown["reason"]["code"], "worker_lost");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_without_a_word_by_its_bound_is_asked_for_again_and_a_question_that_is_cut_is_none()
{
    let (house, _) = House::idle(&[("PIDIMA_ENRICHMENT_RETRY_MS", "1")]).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.writer.cut_next("It tells of pumps.\n\nQ: When does the pump run?\nQ: When does it?");
    house.writer.cut_next(" ");
    house.finish().await;
    let shown = show(&house.tenant, &id).await;
    assert_eq!(shown["state"], "completed", "{shown}");
    assert_eq!(shown["suggested_questions"], json!(["When does the pump run?"]));
    assert_eq!(house.asked().len(), 5, "one more than there are things to write");
    assert_eq!(house.found(CONTEXT_WORD).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_the_model_refuses_holds_up_no_other() {
    let (house, _) = House::idle(&[]).await;
    let first = house.learned("a.md", &chapter("pump")).await;
    let second = house.learned("b.md", &chapter("valve")).await;
    house.switch_on().await;
    house.writer.fail_next(ModelError::status(400, "no"));
    house.finish().await;
    let mut states = Vec::new();
    for id in [&first, &second] {
        let shown = show(&house.tenant, id).await;
        states.push((shown["state"].clone(), shown["reason"]["code"].clone()));
    }
    states.sort_by_key(|(state, _)| state.to_string());
    let expected = [(json!("completed"), Value::Null), (json!("failed"), json!("model_refused"))];
    assert_eq!(states, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_taken_for_dead_changes_nothing_and_what_it_paid_for_is_kept() {
    let (house, _) = House::idle(&[]).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.writer.hold_next();
    let zombie = house.work_apart();
    house.writer.entered().await;
    house.run("update app.enrichments set lease_expires_at = now()").await;
    house.finish().await;
    let before = show(&house.tenant, &id).await;
    assert_eq!(before["state"], "completed");
    house.writer.release();
    zombie.await.unwrap();
    assert_eq!(show(&house.tenant, &id).await, before);
    let spent = house.count("select calls from app.enrichment_usage").await;
    assert_eq!(spent, 5, "each call is counted");
    let open =
        house.count("select count(*) from app.quota_reservations where settled_at is null").await;
    assert_eq!(open, 0, "each is settled");
    let counted = house
        .count("select sum(input_tokens + output_tokens)::bigint from app.quota_reservations")
        .await;
    assert_eq!(counted, 5 * CALL_TOKENS, "with what it used, also when it was given back before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_asked_to_stop_ends_with_the_call_in_hand_and_begins_none() {
    let (house, _) = House::idle(&[]).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    let stop = CancellationToken::new();
    house.writer.hold_next();
    let stopping = async {
        house.writer.entered().await;
        stop.cancel();
        house.writer.release();
    };
    let (outcome, ()) = tokio::join!(house.work_until(&stop), stopping);
    assert_eq!(outcome, EnrichOutcome::Later(Duration::ZERO));
    assert_eq!(house.asked(), ["Overview"], "the call in hand");
    let shown = show(&house.tenant, &id).await;
    assert_eq!(shown["summary"], "It tells how the machine runs.", "which is kept");
    assert_eq!(house.work_until(&stop).await, EnrichOutcome::Later(Duration::ZERO));
    assert_eq!(house.asked().len(), 1);
    house.finish().await;
    assert_eq!(house.asked().len(), 4, "another one goes on at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_that_died_reserved_is_given_back_by_the_next_one() {
    let (house, _) = House::idle(&[]).await;
    house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.writer.hold_next();
    let dying = house.work_apart();
    house.writer.entered().await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    let open = "select count(*) from app.quota_reservations where settled_at is null";
    assert_eq!(house.count(open).await, 1);
    house.run("update app.enrichments set lease_expires_at = now()").await;
    house.finish().await;
    assert_eq!(house.count(open).await, 0);
    // What it used nobody knows; it is paid for.
    assert_eq!(house.count("select calls from app.enrichment_usage").await, 5);
    let tokens = house.count("select input_tokens + output_tokens from app.enrichment_usage").await;
    let reserved = house
        .count("select reserved_tokens from app.quota_reservations where provider is null")
        .await;
    assert_eq!(tokens, 4 * CALL_TOKENS + reserved);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_reserved_that_died_is_given_back_although_the_document_is_deleted() {
    let (house, _) = House::idle(&[]).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.writer.hold_next();
    let dying = house.work_apart();
    house.writer.entered().await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    let enrichment = &house.app.app.worker.enrichment;
    let sweep = async || {
        wake_lost_enrichments(enrichment, Duration::from_secs(60)).await.unwrap();
        house.count("select count(*) from app.quota_reservations where settled_at is null").await
    };
    house.run("update app.quota_reservations set reserved_at = now() - interval '1 day'").await;
    assert_eq!(sweep().await, 1, "the lease is renewed: it goes on, however long");
    house.tenant.delete(&format!("/v1/documents/{id}")).await.expect(204);
    house
        .run("update app.quota_reservations set reserved_at = now() - interval '61 seconds'")
        .await;
    assert_eq!(sweep().await, 1, "the worker may have it yet");
    house.run("update app.quota_reservations set reserved_at = now() - interval '1 day'").await;
    assert_eq!(sweep().await, 0);
    assert_eq!(house.count("select calls from app.enrichment_usage").await, 1);
    assert_eq!(sweep().await, 0);
    assert_eq!(house.count("select calls from app.enrichment_usage").await, 1, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passage_that_stays_keeps_its_context_and_its_vectors() {
    let (house, embedder) = House::idle(&[]).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.finish().await;
    assert_eq!(house.asked().len(), 4);
    embedder.take_passages();

    let next = format!("{}{}", guide(), chapter("wheel"));
    assert_eq!(house.learned("guide.md", &next).await, id);
    house.finish().await;
    let embedded = embedder.take_passages();
    assert_eq!(embedded.len(), 2, "the new passage, without and with its context: {embedded:?}");
    assert!(embedded.iter().all(|text| text.contains("The wheel of")), "{embedded:?}");
    assert_eq!(house.asked().len(), 6, "a summary, and the context of the new passage");
    assert_eq!(house.found(CONTEXT_WORD).await.len(), 4);

    let less = chapter("wheel");
    assert_eq!(house.learned("guide.md", &less).await, id);
    house.finish().await;
    assert!(house.count("select count(*) from app.passage_contexts").await <= 1, "the others went");
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_of_the_index_are_those_of_its_rows() {
    let (house, _) = House::idle(&[]).await;
    house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.finish().await;
    let wrong = house
        .count(
            "select count(*) from app.collections c
            where c.chunk_count <> (select count(*) from app.chunks k where k.collection_id = c.collection_id)
                or c.window_count <> (select count(*) from app.chunk_windows w where w.collection_id = c.collection_id)
                or c.term_count <> (
                    select coalesce(sum(f), 0)
                    from app.chunk_terms t
                    cross join unnest(t.frequencies) f
                    where t.collection_id = c.collection_id
                )",
        )
        .await;
    assert_eq!(wrong, 0);
    let versions = house
        .count(
            "select count(*) from app.document_versions v
            join app.collections c on c.tenant_id = v.tenant_id
            where c.name = 'guides' and (v.term_count <> c.term_count or v.window_count <> c.window_count)",
        )
        .await;
    assert_eq!(versions, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_document_leaves_nothing_but_what_it_cost() {
    let (house, _) = House::idle(&[]).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.finish().await;
    house.tenant.delete(&format!("/v1/documents/{id}")).await.expect(204);
    for table in ["enrichments", "passage_contexts", "chunks"] {
        let sql = format!("select count(*) from app.{table}");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&house.app.database.admin())
            .await
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
    assert_eq!(house.count("select calls from app.enrichment_usage").await, 4);
    house.tenant.get(&format!("/v1/documents/{id}/enrichment")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_for_is_stored_although_the_database_fails_for_a_moment() {
    for (faults, calls) in [("4", 4), ("5", 5)] {
        let (house, _) = House::idle(&[("PIDIMA_ENRICHMENT_RETRY_MS", "1")]).await;
        let id = house.learned("guide.md", &guide()).await;
        house.switch_on().await;
        // A sequence remembers what is rolled back.
        let faulty = format!(
            "create sequence public.faults;
            grant usage on sequence public.faults to public;
            create function public.fail_some() returns trigger language plpgsql as $$
            begin
                if nextval('public.faults') <= {faults} then
                    raise exception 'as asked';
                end if;
                return new;
            end $$;
            create trigger fail_some before insert on app.enrichment_usage
                for each row execute function public.fail_some()"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(faulty))
            .execute(&house.app.database.admin())
            .await
            .unwrap();
        house.finish().await;
        assert_eq!(show(&house.tenant, &id).await["state"], "completed");
        assert_eq!(house.asked().len(), calls, "{faults} faults");
        let counted = house.count("select calls from app.enrichment_usage").await;
        assert_eq!(usize::try_from(counted).unwrap(), calls, "each that was made is counted");
        let open = "select count(*) from app.quota_reservations where settled_at is null";
        assert_eq!(house.count(open).await, 0);
    }
}
