//! Files of dumps, as they are downloaded.

use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{ask, collection, library, place, places, show, state, text, upload};
use crate::api::problem;
use crate::support::TestTenant;

/// A file of a dump, as it is told of.
pub fn file<'a>(dump: &'a Value, name: &str) -> &'a Value {
    let files = dump["files"].as_array().unwrap();
    files.iter().find(|file| file["name"] == name).unwrap_or_else(|| panic!("{name}: {dump}"))
}

/// The bytes of a file, from its address.
pub async fn download(tenant: &TestTenant, file: &Value) -> Vec<u8> {
    let url = text(&file["url"]);
    let request = match file.get("expires_at") {
        // The address says who may.
        Some(_) => Client::new().get(url),
        None => tenant.request(Method::GET, &url),
    };
    let reply = tenant.send(request).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.bytes
}

#[tokio::test]
async fn every_file_is_as_it_is_told_and_the_manifest_tells_of_all() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        let library = library(&place, &tenant).await;
        let dump = place.dumped(&tenant, &library).await;
        assert_eq!(state(&dump), ("ready", ""), "{}: {dump}", place.name);
        let mut total = 0;
        for file in dump["files"].as_array().unwrap() {
            let bytes = download(&tenant, file).await;
            assert_eq!(file["size_bytes"], bytes.len(), "{}: {file}", place.name);
            assert_eq!(file["sha256"], hex::encode(Sha256::digest(&bytes)), "{}", place.name);
            total += bytes.len();
        }
        assert_eq!(dump["dump"]["size_bytes"], total);
        let manifest = download(&tenant, file(&dump, "manifest.json")).await;
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(manifest["format_version"], 2);
        assert_eq!(manifest["dump_id"], dump["dump"]["id"]);
        assert_eq!(manifest["collection"]["name"], "library");
        assert_eq!(manifest["counts"], dump["dump"]["counts"]);
        assert_eq!(manifest["embedding"]["model"], dump["dump"]["embedding_model"]);
        assert_eq!(manifest["embedding"]["dimensions"], dump["dump"]["embedding_dimensions"]);
        for told in manifest["files"].as_array().unwrap() {
            let name = text(&told["name"]);
            let shown = file(&dump, &name);
            for field in ["size_bytes", "sha256", "rows"] {
                assert_eq!(told[field], shown[field], "{}: {name}", place.name);
            }
        }
        let counts = &dump["dump"]["counts"];
        assert_eq!(counts["documents"], 3, "the one without text is not in search: {counts}");
        assert_eq!(file(&dump, "chunks.parquet")["rows"], counts["chunks"]);
        assert_eq!(file(&dump, "embeddings.parquet")["rows"], counts["embeddings"]);
    }
}

#[tokio::test]
async fn a_file_is_sent_by_the_service_too_to_those_who_may_read_the_dump() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        let library = library(&place, &tenant).await;
        let dump = place.dumped(&tenant, &library).await;
        let path = format!("/v1/dumps/{}/files", text(&dump["dump"]["id"]));
        let own = tenant.get(&format!("{path}/chunks.parquet")).await;
        assert_eq!(own.status, 200, "{}", own.text());
        assert_eq!(own.headers["content-type"], "application/vnd.apache.parquet");
        let name = own.headers["content-disposition"].to_str().unwrap();
        assert_eq!(name, "attachment; filename=\"chunks.parquet\"");
        let direct = download(&tenant, file(&dump, "chunks.parquet")).await;
        assert!(own.bytes == direct, "{}", place.name);
        for name in ["nothing.parquet", "..%2Fmanifest.json", "chunks"] {
            problem(&tenant.get(&format!("{path}/{name}")).await, 404, "not_found");
        }
        let stranger = tenant.with_key("pdm_nothing");
        let refused = stranger.get(&format!("{path}/chunks.parquet")).await;
        problem(&refused, 401, "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_breaks_off_when_the_collection_gets_out_of_reach() {
    const SIZE: u64 = 256 << 20;
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let dump = place.dumped(&tenant, &library).await;
    // More than any buffer in between takes.
    let folder = place.folder(&tenant);
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let path = files.find(|path| path.to_string_lossy().ends_with(".chunks.parquet")).unwrap();
    std::fs::File::options().write(true).open(path).unwrap().set_len(SIZE).unwrap();
    sqlx::query(
        "update app.dumps
        set files = (
            select jsonb_agg(
                case
                    when f ->> 'name' = 'chunks.parquet' then f || jsonb_build_object('size_bytes', $1::bigint)
                    else f
                end
            )
            from jsonb_array_elements(files) f
        )",
    )
    .bind(i64::try_from(SIZE).unwrap())
    .execute(&place.app.database.admin())
    .await
    .unwrap();
    let group = tenant.post("/v1/groups", &json!({ "name": "chemists" })).await.expect(201);
    let person = tenant.as_member("editor").await;
    let path = format!("/v1/dumps/{}/files/chunks.parquet", text(&dump["dump"]["id"]));
    let mut reply = person.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let mut read = reply.chunk().await.unwrap().unwrap().len() as u64;
    let limits = json!({ "group_ids": [group["id"]] });
    tenant.patch(&format!("/v1/collections/{library}"), &limits).await.expect(200);
    let broken_off = loop {
        match reply.chunk().await {
            Ok(Some(piece)) => read += piece.len() as u64,
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken_off && read < SIZE, "{read}");
    problem(&person.get(&path).await, 404, "not_found");
}

#[tokio::test]
async fn a_file_that_is_shorter_than_it_was_written_is_not_there_and_nothing_is_sent_behind_its_end()
 {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let dump = place.dumped(&tenant, &library).await;
    let folder = place.folder(&tenant);
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let stored = files.find(|path| path.to_string_lossy().ends_with(".chunks.parquet")).unwrap();
    let whole = std::fs::read(&stored).unwrap();
    let path = format!("/v1/dumps/{}/files/chunks.parquet", text(&dump["dump"]["id"]));
    std::fs::write(&stored, &whole[..whole.len() - 1]).unwrap();
    problem(&tenant.get(&path).await, 404, "not_found");
    std::fs::write(&stored, [&whole[..], b"more"].concat()).unwrap();
    assert!(tenant.get(&path).await.bytes == whole);
}

#[tokio::test]
async fn a_dump_that_is_not_ready_has_no_files_and_one_that_is_deleted_neither() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        let collection = collection(&tenant, "manuals").await;
        upload(&tenant, &collection, "a.md", "# A\n\nThe pump.").await;
        place.work().await;
        let id = ask(&tenant, &collection).await;
        let waiting = show(&tenant, &id).await;
        assert_eq!((state(&waiting), &waiting["files"]), (("queued", ""), &json!([])));
        let path = format!("/v1/dumps/{id}/files/chunks.parquet");
        problem(&tenant.get(&path).await, 404, "not_found");
        place.work().await;
        let ready = show(&tenant, &id).await;
        assert_eq!(tenant.get(&path).await.status, 200);
        tenant.delete(&format!("/v1/dumps/{id}")).await.expect(204);
        problem(&tenant.get(&path).await, 404, "not_found");
        problem(&tenant.get(&format!("/v1/dumps/{id}")).await, 404, "not_found");
        place.run("update app.dump_files set keep_until = now()").await;
        assert_eq!(place.sweep().await, 1, "{}", place.name);
        assert_eq!(place.count("select count(*) from app.dump_files").await, 0);
        if place.name == "s3" {
            let url = text(&file(&ready, "chunks.parquet")["url"]);
            assert_eq!(reqwest::get(url).await.unwrap().status(), 404);
        } else {
            let folder = place.folder(&tenant);
            assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
        }
    }
}
