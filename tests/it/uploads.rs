//! Large files in parts: the same service and the same tests, whether parts go to S3 or to us.

mod completing;
mod ending;
mod limits;
mod listing;
mod parts;
mod store;

use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use pidima::app::Outside;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::aws::{REGION, StandIn};
use crate::support::{ProbedEmbedder, Reply, TestApp, TestTenant};

/// The smallest part that may be.
pub const PART: usize = 5 << 20;

/// A service whose originals lie in a store.
pub struct Place {
    pub name: &'static str,
    pub app: TestApp,
}

/// The service with each store, without a worker: the test runs the jobs.
pub async fn places(settings: &[(&str, &str)]) -> Vec<Place> {
    let stand_in = StandIn::shared().await;
    let bucket = stand_in.bucket().await;
    let mut common = vec![("PIDIMA_LARGE_UPLOAD_PART_BYTES", "5242880")];
    common.extend_from_slice(settings);
    let s3 = [
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", stand_in.address.as_str()),
        ("PIDIMA_OBJECTS", "s3"),
        ("PIDIMA_OBJECTS_S3_BUCKET", bucket.as_str()),
    ];
    let mut places = Vec::new();
    for (name, own) in [("directory", &[][..]), ("s3", &s3[..])] {
        let outside = Outside {
            embedder: ProbedEmbedder::new().await as Arc<_>,
            models: Arc::new(ExtractiveModel).into(),
        };
        // Those of the test last: they count.
        let settings = [own, &common[..]].concat();
        places.push(Place { name, app: TestApp::start_idle(&settings, outside).await });
    }
    places
}

/// A text of exactly so many bytes, most of them a remark that nobody reads.
pub fn file(size: usize) -> Vec<u8> {
    let (head, tail) = ("# Pumps\n\nThe pump runs at night.\n\n<!-- ", " -->\n");
    let mut bytes = head.as_bytes().to_vec();
    // Not the same anywhere, so that parts in a wrong order are seen.
    let mut number = 0_u32;
    while bytes.len() < size - tail.len() {
        bytes.extend_from_slice(format!("{number} ").as_bytes());
        number += 1;
    }
    bytes.truncate(size - tail.len());
    bytes.extend_from_slice(tail.as_bytes());
    bytes
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Begins the upload of a file.
pub async fn begin(tenant: &TestTenant, name: &str, size: usize) -> Value {
    let body = json!({ "name": name, "size_bytes": size });
    tenant.post("/v1/uploads", &body).await.expect(201)
}

/// Sends the bytes of a part as anybody may who has its address.
pub async fn send_part(tenant: &TestTenant, part: &Value, bytes: &[u8]) -> Reply {
    let url = part["url"].as_str().unwrap();
    let url = if url.starts_with('/') { format!("{}{url}", tenant.url) } else { url.to_owned() };
    let mut request = Client::new().request(Method::PUT, url).body(bytes.to_vec());
    for (name, value) in part["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    tenant.send(request).await
}

/// Sends every part; what completing asks for.
pub async fn send_all(tenant: &TestTenant, upload: &Value, bytes: &[u8]) -> Value {
    let size = usize::try_from(upload["part_size_bytes"].as_u64().unwrap()).unwrap();
    let mut sent = Vec::new();
    for (part, bytes) in upload["parts"].as_array().unwrap().iter().zip(bytes.chunks(size)) {
        let reply = send_part(tenant, part, bytes).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let etag = reply.headers["etag"].to_str().unwrap();
        sent.push(json!({ "part_number": part["part_number"], "etag": etag }));
    }
    json!({ "parts": sent, "sha256": sha256(bytes) })
}

pub fn path(upload: &Value) -> String {
    format!("/v1/uploads/{}", upload["id"].as_str().unwrap())
}

pub async fn complete(tenant: &TestTenant, upload: &Value, body: &Value) -> Reply {
    tenant.post(&format!("{}/complete", path(upload)), body).await
}

/// Begins, sends and completes.
pub async fn whole(tenant: &TestTenant, name: &str, bytes: &[u8]) -> (Value, Reply) {
    let upload = begin(tenant, name, bytes.len()).await;
    let body = send_all(tenant, &upload, bytes).await;
    let reply = complete(tenant, &upload, &body).await;
    (upload, reply)
}

impl Place {
    async fn run(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&self.app.database.admin()).await.unwrap();
    }

    async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(&self.app.database.admin()).await.unwrap()
    }

    /// The version that an upload is for, and the store's id of the upload.
    async fn row(&self, upload: &Value) -> (Uuid, Option<String>) {
        let id: Uuid = upload["id"].as_str().unwrap().parse().unwrap();
        sqlx::query_as("select version_id, store_id from app.uploads where upload_id = $1")
            .bind(id)
            .fetch_one(&self.app.database.admin())
            .await
            .unwrap()
    }
}
