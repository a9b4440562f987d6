//! An admin helps who forgot their password, and nobody rises by it.

use pidima::identity::Role;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::password::person_of_an_issuer;
use super::{PASSWORD, as_person, audited, cookie, log_in, start, tenant_with_ada};
use crate::api::{contents, problem};
use crate::support::eventually;

fn path(member_id: impl std::fmt::Display) -> String {
    format!("/v1/members/{member_id}/password_reset")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_every_login_and_the_old_password_and_shows_the_new_one_once() {
    let app = start(&[]).await;
    let (tenant, ada) = tenant_with_ada(&app, "reset").await;
    tenant.local_member("root@example.com", Role::Admin, Some(PASSWORD)).await;
    let admin = cookie(&app, "reset", "root@example.com", PASSWORD).await;
    let own = cookie(&app, "reset", "ada@example.com", PASSWORD).await;
    as_person(&app, &own, Method::GET, "/v1/me", None).await.expect(200);

    let reset = as_person(&app, &admin, Method::POST, &path(&ada), None).await.expect(201);
    assert_eq!(reset["member_id"], ada);
    let password = reset["one_time_password"].as_str().unwrap();
    assert_eq!(password.len(), 35, "{password}");
    problem(&as_person(&app, &own, Method::GET, "/v1/me", None).await, 401, "unauthenticated");
    as_person(&app, &admin, Method::GET, "/v1/me", None).await.expect(200);
    problem(&log_in(&app, "reset", "ada@example.com", PASSWORD).await, 401, "unauthenticated");
    let told = log_in(&app, "reset", "ada@example.com", password).await;
    problem(&told, 403, "password_change_required");

    let entries = audited(&app, &tenant, "password.reset").await;
    assert!(entries.len() == 1 && entries[0].contains(&ada), "{entries:?}");
    assert!(!entries[0].contains(password) && !entries[0].contains("argon2"), "{entries:?}");
    let again = as_person(&app, &admin, Method::POST, &path(&ada), None).await.expect(201);
    assert_ne!(again["one_time_password"], reset["one_time_password"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_resets_the_password_of_somebody_above_them() {
    let app = start(&[]).await;
    let (tenant, _) = tenant_with_ada(&app, "above").await;
    let owner = tenant.local_member("owner@example.com", Role::Owner, Some(PASSWORD)).await;
    let admin = tenant.with_role("admin").await;
    let before = contents(&app).await;
    let refused = problem(&admin.post(&path(&owner), &json!({})).await, 403, "forbidden");
    assert!(refused["detail"].as_str().unwrap().contains("owner"), "{refused}");
    assert_eq!(contents(&app).await, before);
    cookie(&app, "above", "owner@example.com", PASSWORD).await;
    tenant.post(&path(&owner), &json!({})).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_another_tenant_is_like_nobody_and_one_of_an_issuer_is_told_apart() {
    let app = start(&[]).await;
    let (own, _) = tenant_with_ada(&app, "reset-own").await;
    let (_, foreign) = tenant_with_ada(&app, "reset-other").await;
    let before = contents(&app).await;
    let of_another = problem(&own.post(&path(foreign), &json!({})).await, 404, "not_found");
    let of_nobody = problem(&own.post(&path(Uuid::now_v7()), &json!({})).await, 404, "not_found");
    assert_eq!(of_another["detail"], of_nobody["detail"]);
    assert_eq!(contents(&app).await, before);
    cookie(&app, "reset-other", "ada@example.com", PASSWORD).await;
    let (outside, _) = person_of_an_issuer(&app, &own).await;
    problem(&own.post(&path(outside), &json!({})).await, 409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_becomes_an_owner_meanwhile_is_not_reset_by_an_admin() {
    let app = start(&[]).await;
    let (tenant, ada) = tenant_with_ada(&app, "rising").await;
    let admin = tenant.with_role("admin").await;
    let database = app.database.admin();
    let mut rise = database.begin().await.unwrap();
    sqlx::query("update app.members set role = 'owner' where member_id = $1::uuid")
        .bind(&ada)
        .execute(&mut *rise)
        .await
        .unwrap();
    let path = path(&ada);
    let reset = tokio::spawn(async move { admin.post(&path, &json!({})).await });
    let (database, reset_is_over) = (&database, || reset.is_finished());
    eventually("the reset waits for the person, or is over", || async move {
        let waiting = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        let count: i64 = sqlx::query_scalar(waiting).fetch_one(database).await.unwrap();
        count > 0 || reset_is_over()
    })
    .await;
    rise.commit().await.unwrap();
    let refused = problem(&reset.await.unwrap(), 403, "forbidden");
    assert!(refused["detail"].as_str().unwrap().contains("owner"), "{refused}");
    cookie(&app, "rising", "ada@example.com", PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_password_is_hashed_no_transaction_is_open() {
    // About a second's work, of which a transaction would see all.
    let app =
        start(&[("PIDIMA_ARGON2_MEMORY_KIB", "65536"), ("PIDIMA_ARGON2_ITERATIONS", "12")]).await;
    let tenant = app.tenant("open").await;
    let ada = tenant.local_member("ada@example.com", Role::Member, None).await;
    let (path, began) = (path(&ada), std::time::Instant::now());
    let reset = tokio::spawn(async move { tenant.post(&path, &json!({})).await });
    let longest =
        "select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8
        from pg_stat_activity where datname = current_database() and state = 'idle in transaction'";
    let (database, mut open): (_, f64) = (app.database.admin(), 0.0);
    while !reset.is_finished() {
        open = open.max(sqlx::query_scalar(longest).fetch_one(&database).await.unwrap());
    }
    let took = began.elapsed().as_secs_f64();
    reset.await.unwrap().expect(201);
    println!("the reset took {took:.3} s, a transaction was open for {open:.3} s");
    assert!(open < took / 2.0, "{open} of {took}");
}
