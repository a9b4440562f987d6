//! What a verification finds, and what the service cannot do.

use std::time::Duration;

use pidima::db::audit::{AuditActor, AuditEntry};
use pidima::db::{Db, PoolSettings};
use pidima::governance::{Anchor, AuditVerdict, verify_audit};
use pidima::kernel::ids::TenantId;
use pidima::tenancy::create_tenant;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::TestDatabase;

fn open(database: &TestDatabase) -> Db {
    Db::open(&PoolSettings {
        url: database.app_url().into(),
        max_connections: 8,
        acquire_timeout: Duration::from_secs(30),
    })
    .unwrap()
}

fn entry(number: usize) -> AuditEntry {
    AuditEntry {
        request_id: Some(format!("request-{number}")),
        address: Some("192.0.2.7".to_owned()),
        ..AuditEntry::new(
            AuditActor { kind: "api_key", id: Some(uuid::Uuid::now_v7()), name: "key".to_owned() },
            "thing.changed",
        )
        .on("thing", number)
        .before(json!({ "b": 1, "a": ["x", null] }))
        .after(json!({ "b": number }))
    }
}

/// A tenant with a log of so many entries.
async fn logged(db: &Db, slug: &str, entries: usize) -> TenantId {
    let created = create_tenant(db, slug, slug).await.unwrap();
    let mut tx = created.tx;
    for number in 1..=entries {
        tx.append_audit(entry(number)).await.unwrap();
    }
    tx.commit().await.unwrap();
    created.tenant
}

/// Runs SQL as an administrator whom no trigger and no foreign key stops.
async fn tamper(admin: &PgPool, sql: &str) {
    let sql = format!("begin; set local session_replication_role = replica; {sql}; commit");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(admin).await.unwrap();
}

/// First bad number, or nothing.
async fn bad(db: &Db, tenant: TenantId) -> Option<i64> {
    match verify_audit(db, tenant, None).await.unwrap() {
        AuditVerdict::Whole(_) => None,
        AuditVerdict::Broken { sequence, reason } => {
            assert!(reason.len() > 10, "{reason}");
            Some(sequence)
        }
    }
}

#[tokio::test]
async fn a_change_of_any_column_is_found_at_its_entry() {
    let database = TestDatabase::create().await;
    let (db, admin) = (open(&database), database.admin());
    let changes = [
        ("occurred_at", "occurred_at + interval '1 microsecond'"),
        ("actor_kind", "'member'"),
        ("actor_id", "null"),
        ("actor_name", "'somebody else'"),
        ("action", "'thing.seen'"),
        ("target_kind", "null"),
        ("target_id", "'9'"),
        ("before", "'{\"b\": 2, \"a\": [\"x\", null]}'"),
        ("after", "null"),
        ("request_id", "'request-9'"),
        ("address", "'192.0.2.8'"),
        ("previous_sha256", "decode(repeat('ab', 32), 'hex')"),
        ("sha256", "decode(repeat('ab', 32), 'hex')"),
        ("sequence", "sequence + 100"),
        ("tenant_id", "'00000000-0000-7000-8000-000000000001'"),
    ];
    let columns: Vec<String> = sqlx::query_scalar(
        "select attname::text from pg_attribute
        where attrelid = 'app.audit_events'::regclass and attnum > 0 and not attisdropped",
    )
    .fetch_all(&admin)
    .await
    .unwrap();
    for column in &columns {
        assert!(changes.iter().any(|(name, _)| name == column), "{column} is not tried");
    }
    for (number, (column, value)) in changes.iter().enumerate() {
        let tenant = logged(&db, &format!("changed-{number}"), 5).await;
        assert_eq!(bad(&db, tenant).await, None);
        let id = tenant.uuid();
        let sql = format!(
            "update app.audit_events set {column} = {value} where tenant_id = '{id}' and sequence = 3"
        );
        tamper(&admin, &sql).await;
        assert_eq!(bad(&db, tenant).await, Some(3), "{column}");
    }
    println!("{} columns changed, {} found", changes.len(), changes.len());
}

#[tokio::test]
async fn a_row_deleted_in_the_middle_at_the_end_or_all_of_them_is_found() {
    let database = TestDatabase::create().await;
    let (db, admin) = (open(&database), database.admin());
    for (slug, condition, first) in [
        ("first", "sequence = 1", 1),
        ("middle", "sequence = 3", 3),
        ("last", "sequence = 5", 5),
        ("tail", "sequence > 2", 3),
        ("all", "true", 1),
    ] {
        let tenant = logged(&db, slug, 5).await;
        let id = tenant.uuid();
        tamper(
            &admin,
            &format!("delete from app.audit_events where tenant_id = '{id}' and {condition}"),
        )
        .await;
        assert_eq!(bad(&db, tenant).await, Some(first), "{slug}");
    }
}

#[tokio::test]
async fn a_row_inserted_at_the_end_or_moved_is_found() {
    let database = TestDatabase::create().await;
    let (db, admin) = (open(&database), database.admin());
    let copy = |id: uuid::Uuid, from: i32, to: i32| {
        format!(
            "insert into app.audit_events select (r).* from (
                select jsonb_populate_record(e, jsonb_build_object('sequence', {to})) as r
                from app.audit_events e where tenant_id = '{id}' and sequence = {from}
            ) as copied"
        )
    };
    let tenant = logged(&db, "inserted", 5).await;
    tamper(&admin, &copy(tenant.uuid(), 5, 6)).await;
    assert_eq!(bad(&db, tenant).await, Some(6));

    let tenant = logged(&db, "reordered", 5).await;
    let id = tenant.uuid();
    let swap = format!(
        "update app.audit_events set sequence = sequence + 1000 where tenant_id = '{id}' and sequence in (2, 4);
        update app.audit_events set sequence = case sequence when 1002 then 4 else 2 end
        where tenant_id = '{id}' and sequence > 1000"
    );
    tamper(&admin, &swap).await;
    assert_eq!(bad(&db, tenant).await, Some(2));

    let tenant = logged(&db, "head-moved", 5).await;
    let id = tenant.uuid();
    tamper(&admin, &format!("update app.audit_heads set sequence = 4 where tenant_id = '{id}'"))
        .await;
    assert_eq!(bad(&db, tenant).await, Some(5));
    let tenant = logged(&db, "head-gone", 2).await;
    let id = tenant.uuid();
    tamper(&admin, &format!("delete from app.audit_heads where tenant_id = '{id}'")).await;
    assert_eq!(bad(&db, tenant).await, Some(1));
}

/// Whoever has every right can write a log anew that fits in itself: only what was kept elsewhere tells.
#[tokio::test]
async fn a_log_that_was_cut_with_its_head_is_found_by_an_anchor_alone() {
    let database = TestDatabase::create().await;
    let (db, admin) = (open(&database), database.admin());
    let tenant = logged(&db, "anew", 5).await;
    let AuditVerdict::Whole(head) = verify_audit(&db, tenant, None).await.unwrap() else {
        panic!("broken");
    };
    let anchor: Anchor = head.anchor().parse().unwrap();
    let good = verify_audit(&db, tenant, Some(&anchor)).await.unwrap();
    assert_eq!(good, AuditVerdict::Whole(head));
    let id = tenant.uuid();
    let cut = format!(
        "delete from app.audit_events where tenant_id = '{id}' and sequence > 3;
        update app.audit_heads h set sequence = 3, sha256 = e.sha256 from app.audit_events e
        where h.tenant_id = '{id}' and e.tenant_id = '{id}' and e.sequence = 3"
    );
    tamper(&admin, &cut).await;
    assert_eq!(bad(&db, tenant).await, None, "it fits in itself");
    let found = verify_audit(&db, tenant, Some(&anchor)).await.unwrap();
    assert!(matches!(found, AuditVerdict::Broken { sequence: 4, .. }), "{found:?}");
    // The same length again, with other entries.
    let mut tx = db.tenant(tenant).await.unwrap();
    for number in 0..2 {
        tx.append_audit(entry(number)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let found = verify_audit(&db, tenant, Some(&anchor)).await.unwrap();
    assert!(matches!(found, AuditVerdict::Broken { sequence: 5, .. }), "{found:?}");
    for no_anchor in ["", "5", "5:", "5:xy", "0:00", ":00", "-1:00"] {
        assert!(no_anchor.parse::<Anchor>().is_err(), "{no_anchor}");
    }
}

#[tokio::test]
async fn a_log_longer_than_a_batch_and_an_empty_one_are_verified() {
    let database = TestDatabase::create().await;
    let db = open(&database);
    for entries in [0, 1, 999, 1_000, 1_001] {
        let tenant = logged(&db, &format!("long-{entries}"), entries).await;
        let AuditVerdict::Whole(head) = verify_audit(&db, tenant, None).await.unwrap() else {
            panic!("{entries}");
        };
        assert_eq!(head.sequence, i64::try_from(entries).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_writers_at_once_make_one_chain_without_gaps() {
    let database = TestDatabase::create().await;
    let db = open(&database);
    let tenant = logged(&db, "writers", 0).await;
    let mut writers = Vec::new();
    for writer in 0..32_usize {
        let db = db.clone();
        writers.push(tokio::spawn(async move {
            for number in 0..10 {
                let mut tx = db.tenant(tenant).await.unwrap();
                tx.append_audit(entry(writer * 100 + number)).await.unwrap();
                // One in five is given up: its number must not be missing.
                if number % 5 == 4 {
                    drop(tx);
                } else {
                    tx.commit().await.unwrap();
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let AuditVerdict::Whole(head) = verify_audit(&db, tenant, None).await.unwrap() else {
        panic!("broken");
    };
    assert_eq!(head.sequence, 32 * 8);
}

#[tokio::test]
async fn the_service_can_neither_change_nor_delete_nor_empty_the_log() {
    let database = TestDatabase::create().await;
    let db = open(&database);
    let tenant = logged(&db, "grants", 3).await;
    for sql in [
        "update audit_events set action = 'x'",
        "update audit_events set after = null where sequence = 3",
        "delete from audit_events",
        "truncate audit_events",
        "delete from audit_heads",
        "insert into audit_events select * from audit_events on conflict do update set action = 'x'",
        "alter table audit_events disable row level security",
        "drop table audit_events",
    ] {
        let mut tx = db.tenant(tenant).await.unwrap();
        let refused = sqlx::raw_sql(sql).execute(tx.connection()).await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code()).unwrap();
        assert!(
            code == "42501" || (sql.contains("conflict") && code == "42601"),
            "{sql}: {refused}"
        );
    }
    assert_eq!(bad(&db, tenant).await, None);
}

#[tokio::test]
async fn the_command_names_the_first_bad_entry_and_fails() {
    let database = TestDatabase::create().await;
    let (db, admin) = (open(&database), database.admin());
    let (whole, broken) = (logged(&db, "whole", 4).await, logged(&db, "spoilt", 4).await);
    let command = |args: Vec<String>| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pidima"));
        command.env("DATABASE_URL", database.app_url()).arg("audit").arg("verify").args(args);
        async move { command.output().await.unwrap() }
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let done = command(words(&["--all"])).await;
    assert!(done.status.success(), "{done:?}");
    let AuditVerdict::Whole(head) = verify_audit(&db, whole, None).await.unwrap() else {
        panic!("broken");
    };
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(told.contains(&format!("whole: 4 entries, head {}", head.anchor())), "{told}");

    let id = broken.uuid();
    tamper(
        &admin,
        &format!(
            "update app.audit_events set action = 'x' where tenant_id = '{id}' and sequence = 2"
        ),
    )
    .await;
    let done = command(words(&["--all"])).await;
    assert_eq!(done.status.code(), Some(1));
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(
        told.contains("whole: 4 entries") && told.contains("spoilt: BROKEN at entry 2"),
        "{told}"
    );
    assert!(!command(words(&["spoilt"])).await.status.success());
    assert!(command(words(&["whole", "--anchor", &head.anchor()])).await.status.success());
    for wrong in [words(&[]), words(&["nobody"]), words(&["whole", "--anchor", "5"])] {
        assert!(!command(wrong).await.status.success());
    }
}
