//! A small client of our own API, for the commands that work through it: import, seed, eval, demo.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::config::Env;

/// How often a request that a limit refuses is sent again.
const PATIENCE: u32 = 10;
/// Longest wait before that, whatever the service says.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A tenant's access to a running service.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

/// A file to be uploaded.
#[derive(Clone, Debug)]
pub struct File {
    /// Path within the collection.
    pub name: String,
    /// Address of the original.
    pub source_url: Option<String>,
    /// JSON object for filters.
    pub metadata: Option<Value>,
    /// Contents.
    pub bytes: Vec<u8>,
}

/// What became of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upload {
    /// Received, to be processed.
    Accepted(String),
    /// The same bytes are there already.
    Unchanged(String),
    /// Not taken, with the reason.
    Refused(String),
}

impl Client {
    /// A client of the service at `base` with an API key.
    pub fn new(base: &str, key: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(120)).build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), key: key.to_owned() })
    }

    /// A client from `PIDIMA_URL` and `PIDIMA_API_KEY`.
    pub fn from_env(env: &Env) -> anyhow::Result<Self> {
        let url = env
            .required("PIDIMA_URL", "give the address of the service, e.g. http://127.0.0.1:8080");
        let key = env.required("PIDIMA_API_KEY", "give an API key of the tenant");
        env.finish()?;
        Self::new(&url, &key)
    }

    /// Reads a resource.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.json(self.request(Method::GET, path)).await
    }

    /// Posts a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    /// Deletes a resource.
    pub async fn delete(&self, path: &str) -> anyhow::Result<()> {
        let response = send(|| Ok(self.request(Method::DELETE, path))).await?;
        if response.status().is_success() {
            return Ok(());
        }
        bail!("{path}: {}", problem(&response.json().await.unwrap_or_default()))
    }

    /// The collection of a name, made when there is none.
    pub async fn ensure_collection(&self, name: &str) -> anyhow::Result<String> {
        let mut path = "/v1/collections?limit=100".to_owned();
        loop {
            let page = self.get(&path).await?;
            let items = page["items"].as_array().cloned().unwrap_or_default();
            if let Some(found) = items.iter().find(|item| item["name"] == name) {
                return id_of(found);
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/collections?limit=100&cursor={cursor}"),
                None => break,
            }
        }
        id_of(&self.post("/v1/collections", &json!({ "name": name })).await?)
    }

    /// Uploads a file; a refusal of the file is no error of the client.
    pub async fn upload(&self, collection_id: &str, file: File) -> anyhow::Result<Upload> {
        let request = || {
            let form = form_of(collection_id, &file);
            Ok(self.request(Method::POST, "/v1/documents").multipart(form))
        };
        let response = send(request).await.context("uploading")?;
        let status = response.status();
        let body: Value = response.json().await.unwrap_or_default();
        Ok(match status {
            StatusCode::ACCEPTED => Upload::Accepted(id_of(&body)?),
            StatusCode::OK => Upload::Unchanged(id_of(&body)?),
            StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY => Upload::Refused(problem(&body)),
            _ => bail!("uploading: {}", problem(&body)),
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.key)
            .header("accept", "application/json")
    }

    async fn json(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let again = || request.try_clone().context("a body that can not be sent twice");
        let response = send(again)
            .await
            .with_context(|| format!("is the service running at {}?", self.base))?;
        let status = response.status();
        let body: Value = response.json().await.context("the service sent no JSON")?;
        if !status.is_success() {
            bail!("{}", problem(&body));
        }
        Ok(body)
    }
}

fn form_of(collection_id: &str, file: &File) -> Form {
    let mut form =
        Form::new().text("collection_id", collection_id.to_owned()).text("name", file.name.clone());
    if let Some(url) = &file.source_url {
        form = form.text("source_url", url.clone());
    }
    if let Some(metadata) = &file.metadata {
        form = form.text("metadata", metadata.to_string());
    }
    form.part("file", Part::bytes(file.bytes.clone()).file_name(file.name.clone()))
}

/// Sends a request, and again when a limit refuses it, after the time that the service names.
async fn send(request: impl Fn() -> anyhow::Result<RequestBuilder>) -> anyhow::Result<Response> {
    let mut left = PATIENCE;
    loop {
        let response = request()?.send().await?;
        if response.status() != StatusCode::TOO_MANY_REQUESTS || left == 0 {
            return Ok(response);
        }
        left -= 1;
        let named = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let seconds = named.and_then(|text| text.parse().ok()).unwrap_or(1);
        tokio::time::sleep(Duration::from_secs(seconds).min(LONGEST_WAIT)).await;
    }
}

fn problem(body: &Value) -> String {
    let code = body["code"].as_str().unwrap_or("error");
    format!("{code}: {}", body["detail"].as_str().unwrap_or("no detail was given"))
}

fn id_of(body: &Value) -> anyhow::Result<String> {
    Ok(body["id"].as_str().context("the service sent no id")?.to_owned())
}
