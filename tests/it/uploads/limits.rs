//! Every limit below, at and above it.

use serde_json::{Value, json};

use super::{PART, begin, complete, file, path, places, send_all, send_part};
use crate::api::problem;
use crate::idempotency::{KEY, new_key};

#[tokio::test]
async fn a_file_may_be_as_large_as_the_limit_and_not_larger() {
    for place in places(&[("PIDIMA_LARGE_UPLOAD_MAX_BYTES", "20000")]).await {
        let tenant = place.app.tenant("acme").await;
        for size in [19_999, 20_000] {
            let upload = begin(&tenant, "pumps.md", size).await;
            let body = send_all(&tenant, &upload, &file(size)).await;
            complete(&tenant, &upload, &body).await.expect(202);
        }
        for size in [20_001, 5_368_709_120_u64] {
            let body = json!({ "name": "pumps.md", "size_bytes": size });
            let refused =
                problem(&tenant.post("/v1/uploads", &body).await, 422, "validation_failed");
            assert_eq!(refused["errors"][0]["pointer"], "/size_bytes", "{}", place.name);
            assert!(refused.to_string().contains("20000"), "{refused}");
        }
        for size in [json!(0), json!(-1), json!(5_368_709_121_u64), json!(1.5)] {
            let body = json!({ "name": "pumps.md", "size_bytes": size });
            problem(&tenant.post("/v1/uploads", &body).await, 422, "validation_failed");
        }
    }
}

#[tokio::test]
async fn a_part_may_be_as_large_as_the_limit_and_not_larger() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        for (size, sizes) in [
            (PART - 1, vec![PART - 1]),
            (PART, vec![PART]),
            (PART + 1, vec![PART, 1]),
            (2 * PART, vec![PART, PART]),
        ] {
            let upload = begin(&tenant, "pumps.md", size).await;
            let parts = upload["parts"].as_array().unwrap().iter();
            let told: Vec<u64> = parts.map(|part| part["size_bytes"].as_u64().unwrap()).collect();
            assert_eq!(told, sizes.iter().map(|size| *size as u64).collect::<Vec<_>>(), "{name}");
        }
        if name == "directory" {
            // The body of a part is bounded before anybody looks at what it is.
            let upload = begin(&tenant, "pumps.md", PART).await;
            let part = &upload["parts"][0];
            problem(&send_part(&tenant, part, &file(PART + 1)).await, 413, "payload_too_large");
            assert_eq!(send_part(&tenant, part, &file(PART)).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_tenant_has_as_many_uploads_as_the_limit_and_not_more() {
    for place in places(&[("PIDIMA_LARGE_UPLOAD_MAX_OPEN", "2")]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let other = place.app.tenant("other").await;
        let body = json!({ "name": "one more.md", "size_bytes": 10 });
        let is_full = async || problem(&tenant.post("/v1/uploads", &body).await, 409, "conflict");
        let first = begin(&tenant, "a.md", 1_000).await;
        let second = begin(&tenant, "b.md", 1_000).await;
        let refused = is_full().await;
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("2 uploads"), "{name}: {refused}");
        // The list that it speaks of names those that are in the way.
        assert!(detail.contains("GET /v1/uploads"), "{name}: {refused}");
        let open = tenant.get("/v1/uploads?state=open").await.expect(200);
        let ids: Vec<&Value> =
            open["items"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
        assert_eq!(ids, [&second["id"], &first["id"]], "{name}");
        begin(&other, "a.md", 10).await;
        // One that is completed, deleted or expired makes room for one.
        let sent = send_all(&tenant, &first, &file(1_000)).await;
        complete(&tenant, &first, &sent).await.expect(202);
        begin(&tenant, "c.md", 10).await;
        is_full().await;
        tenant.delete(&path(&second)).await.expect(204);
        begin(&tenant, "d.md", 10).await;
        is_full().await;
        place.run("update app.uploads set expires_at = now() where name = 'd.md'").await;
        begin(&tenant, "e.md", 10).await;
        is_full().await;
        // Also of many at once no more than there is room for.
        place.run("update app.uploads set expires_at = now()").await;
        let many = (0..8).map(|_| tenant.post("/v1/uploads", &body));
        let made = futures_util::future::join_all(many).await;
        assert_eq!(made.iter().filter(|reply| reply.status == 201).count(), 2, "{name}");
    }
}

#[tokio::test]
async fn times_are_those_of_the_settings() {
    let settings = [
        ("PIDIMA_LARGE_UPLOAD_LIFETIME_MS", "7200000"),
        ("PIDIMA_LARGE_UPLOAD_URL_LIFETIME_MS", "600000"),
    ];
    let seconds = |value: &Value, since: &Value| {
        let at = |value: &Value| value.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>();
        (at(value).unwrap() - at(since).unwrap()).num_seconds()
    };
    for place in places(&settings).await {
        let tenant = place.app.tenant("acme").await;
        let upload = begin(&tenant, "pumps.md", 10).await;
        let begun = &upload["created_at"];
        assert_eq!(seconds(&upload["expires_at"], begun), 7_200, "{}", place.name);
        let good = seconds(&upload["parts"][0]["expires_at"], begun);
        assert!((599..=600).contains(&good), "{}: {good}", place.name);
        // The address ends with the upload.
        place.run("update app.uploads set expires_at = created_at + interval '60 seconds'").await;
        let seen = tenant.get(&path(&upload)).await.expect(200);
        let good = seconds(&seen["parts"][0]["expires_at"], begun);
        assert!((59..=60).contains(&good), "{}: {good}", place.name);
        // In steps of half their life.
        place
            .run(
                "update app.uploads set
                    created_at = now() - interval '310 seconds', expires_at = now() + interval '1 day'",
            )
            .await;
        let seen = tenant.get(&path(&upload)).await.expect(200);
        let good = seconds(&seen["parts"][0]["expires_at"], &seen["created_at"]);
        assert!((899..=900).contains(&good), "{}: {good}", place.name);
    }
}

#[tokio::test]
async fn a_key_begins_one_upload_and_completes_it_once() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let key = new_key();
        let body = json!({ "name": "pumps.md", "size_bytes": 1_000 });
        let send = async |body: &Value| {
            let request = tenant.request(reqwest::Method::POST, "/v1/uploads").json(body);
            tenant.send(request.header(KEY, &key)).await
        };
        let first = send(&body).await.expect(201);
        let again = send(&body).await;
        assert_eq!(again.headers["idempotency-replayed"], "true", "{name}");
        assert_eq!(again.expect(201), first, "{name}");
        let other = json!({ "name": "other.md", "size_bytes": 1_000 });
        problem(&send(&other).await, 422, "idempotency_key_reused");
        // Addresses are secrets of a kind: none of them is kept.
        let kept = "select count(*) from app.idempotency_keys k
            where to_jsonb(k)::text like '%token%' or to_jsonb(k)::text like '%Signature%'";
        assert_eq!(place.count(kept).await, 0, "{name}");
        let many = futures_util::future::join_all((0..6).map(|_| {
            let request = tenant.request(reqwest::Method::POST, "/v1/uploads").json(&other);
            tenant.send(request.header(KEY, "another"))
        }));
        let made = many.await;
        assert!(made.iter().all(|reply| [201, 409].contains(&reply.status.as_u16())), "{name}");
        assert_eq!(place.count("select count(*) from app.uploads").await, 2, "{name}");
    }
}

#[tokio::test]
async fn who_may_not_upload_begins_and_completes_nothing() {
    for place in places(&[]).await {
        let (name, tenant) = (place.name, place.app.tenant("acme").await);
        let upload = begin(&tenant, "pumps.md", 1_000).await;
        let body = send_all(&tenant, &upload, &file(1_000)).await;
        place
            .run("insert into app.tenant_flags (tenant_id, flag, is_on) select tenant_id, 'uploads', false from app.tenants")
            .await;
        let another = json!({ "name": "b.md", "size_bytes": 10 });
        problem(&tenant.post("/v1/uploads", &another).await, 503, "unavailable");
        problem(&complete(&tenant, &upload, &body).await, 503, "unavailable");
        place.run("delete from app.tenant_flags").await;
        complete(&tenant, &upload, &body).await.expect(202);
        assert_eq!(place.count("select count(*) from app.uploads").await, 1, "{name}");
    }
}

#[tokio::test]
async fn without_a_secret_of_the_installation_only_s3_takes_parts() {
    for place in places(&[("PIDIMA_SIGNING_SECRET", "")]).await {
        let tenant = place.app.tenant("acme").await;
        let reply = tenant.post("/v1/uploads", &json!({ "name": "a.md", "size_bytes": 10 })).await;
        if place.name == "s3" {
            reply.expect(201);
        } else {
            let refused = problem(&reply, 503, "unavailable");
            assert!(refused["detail"].as_str().unwrap().contains("PIDIMA_SIGNING_SECRET"));
            assert_eq!(place.count("select count(*) from app.uploads").await, 0);
        }
    }
}
