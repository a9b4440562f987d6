//! The state in which a cell ends, without what differs from run to run: ids, times, the number of attempts.

use serde_json::Value;

use super::house::House;
use crate::aws::StandIn;

/// Everything of knowledge, queue and audit that the database holds, and how many originals there are.
pub async fn end_state(house: &House) -> Value {
    let mut state: Value = sqlx::query_scalar(
        "select jsonb_build_object(
            'documents', (
                select jsonb_agg(jsonb_build_array(d.name, d.title, d.latest_version_number, v.number) order by d.name)
                from app.documents d
                left join app.document_versions v on v.version_id = d.active_version_id
            ),
            'versions', (
                select jsonb_agg(
                    jsonb_build_array(
                        d.name, v.number, v.state, v.failure_code, v.media_type, v.size_bytes, v.content_sha256, v.title,
                        v.language, v.char_count, v.chunk_count, v.term_count, v.window_count, v.lease_token,
                        v.lease_expires_at, v.next_attempt_at, v.original_version_id
                    )
                    order by d.name, v.number
                )
                from app.document_versions v
                join app.documents d using (document_id)
            ),
            'texts', (
                select jsonb_agg(jsonb_build_array(v.number, md5(t.body)) order by v.number)
                from app.document_texts t
                join app.document_versions v using (version_id)
            ),
            'chunks', (
                select jsonb_agg(
                    jsonb_build_array(
                        v.number, c.ordinal, c.heading_path, c.anchor, c.page, c.char_start, c.char_end, md5(c.body),
                        c.embedded_sha256, c.embedding_model, (
                            select jsonb_agg(jsonb_build_array(w.number, w.embedding::text) order by w.number)
                            from app.chunk_windows w
                            where w.chunk_id = c.chunk_id
                        )
                    )
                    order by v.number, c.ordinal
                )
                from app.chunks c
                join app.document_versions v using (version_id)
            ),
            'terms', (
                select md5(string_agg(concat_ws(' ', v.number, t.term, c.ordinal, e.frequency, e.length), ','
                    order by v.number, t.term, c.ordinal))
                from app.chunk_terms t
                cross join unnest(t.chunk_ids, t.frequencies, t.lengths) e (chunk_id, frequency, length)
                join app.document_versions v using (version_id)
                left join app.chunks c on c.chunk_id = e.chunk_id
            ),
            'rows', jsonb_build_array(
                (select count(*) from app.chunks), (select count(*) from app.chunk_windows),
                (select count(*) from app.chunk_terms), (select count(*) from app.document_texts),
                (select count(*) from app.jobs), (select count(*) from app.outbox),
                (select count(*) from app.pending_originals)
            ),
            'collections', (
                select jsonb_agg(jsonb_build_array(name, chunk_count, term_count, window_count) order by name)
                from app.collections
            ),
            'audit', (
                select jsonb_object_agg(action, count) from (
                    select action, count(*) from app.audit_events group by action
                ) a
            )
        )",
    )
    .fetch_one(&house.admin)
    .await
    .unwrap();
    let (there, wanted) = originals(house).await;
    state["originals"] = Value::from(there.len());
    state["originals without a version"] =
        there.iter().filter(|key| !wanted.contains(key)).count().into();
    state["versions without an original"] =
        wanted.iter().filter(|key| !there.contains(key)).count().into();
    state
}

/// Keys of the originals that there are, and of those that versions name.
async fn originals(house: &House) -> (Vec<String>, Vec<String>) {
    let client = StandIn::shared().await.s3();
    let listed = client.list_objects_v2().bucket(&house.bucket).send().await.unwrap();
    let there = listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect();
    let wanted = sqlx::query_scalar("select object_key from app.document_versions")
        .fetch_all(&house.admin)
        .await
        .unwrap();
    (there, wanted)
}

/// How many originals have no version, or are announced and not there yet.
pub async fn stray_originals(house: &House) -> usize {
    let announced: i64 = sqlx::query_scalar("select count(*) from app.pending_originals")
        .fetch_one(&house.admin)
        .await
        .unwrap();
    let (there, wanted) = originals(house).await;
    there.iter().filter(|key| !wanted.contains(key)).count() + usize::try_from(announced).unwrap()
}

/// An attempt on the new version: number, stage, failure, whether it is over.
type Attempt = (i32, String, Option<String>, bool);

/// Attempts on the new version, which must be told as they were: counted, each at its end, and only the last one good.
pub async fn attempts(house: &House) -> usize {
    let counted: i32 =
        sqlx::query_scalar("select attempts from app.document_versions where number = 2")
            .fetch_one(&house.admin)
            .await
            .unwrap();
    let told: Vec<Attempt> = sqlx::query_as(
        "select a.number, a.stage, a.failure_code, a.ended_at is not null
        from app.ingestion_attempts a
        join app.document_versions v using (version_id)
        where v.number = 2
        order by a.number",
    )
    .fetch_all(&house.admin)
    .await
    .unwrap();
    let numbers: Vec<i32> = told.iter().map(|attempt| attempt.0).collect();
    assert_eq!(numbers, (1..=counted).collect::<Vec<_>>(), "each attempt is told: {told:?}");
    assert!(told.iter().all(|attempt| attempt.3), "each is over: {told:?}");
    let (last, before) = told.split_last().unwrap();
    assert_eq!((last.1.as_str(), last.2.as_deref()), ("ready", None), "{told:?}");
    assert!(before.iter().all(|attempt| attempt.2.is_some()), "the others failed: {told:?}");
    told.len()
}
