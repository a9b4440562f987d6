//! Pages of other sites: what a browser would let them read, by the rules of `fetch`.

use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method};
use serde_json::json;
use sqlx::Executor;

use crate::support::{Reply, TestApp, TestTenant, eventually};

const SHOP: &str = "https://shop.example";
const OTHER: &str = "https://other.example";
const EVIL: &str = "https://evil.example";

/// Two tenants, each with a site.
async fn start(settings: &[(&str, &str)]) -> (TestApp, TestTenant, TestTenant) {
    let app = TestApp::start_with(settings, Arc::new(ExtractiveModel)).await;
    let (shop, other) = (app.tenant("shop").await, app.tenant("other").await);
    for (tenant, origin) in [(&shop, SHOP), (&other, OTHER)] {
        let allow = "update app.tenants set allowed_origins = array[$1] where tenant_id = $2";
        let update = sqlx::query(allow).bind(origin).bind(tenant.id.uuid());
        update.execute(&app.database.admin()).await.unwrap();
    }
    (app, shop, other)
}

async fn send(app: &TestApp, method: Method, path: &str, headers: HeaderMap) -> Reply {
    let request = Client::new().request(method, format!("{}{path}", app.url)).headers(headers);
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Reply { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

async fn preflight(app: &TestApp, origin: &[u8], path: &str, method: &str) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert("origin", HeaderValue::from_bytes(origin).unwrap());
    headers.insert("access-control-request-method", HeaderValue::from_str(method).unwrap());
    let asked = HeaderValue::from_static("authorization,content-type");
    headers.insert("access-control-request-headers", asked);
    send(app, Method::OPTIONS, path, headers).await
}

fn values(reply: &Reply, name: &str) -> Vec<String> {
    let found = reply.headers.get_all(name).iter();
    found
        .flat_map(|value| value.to_str().unwrap().split(','))
        .map(|part| part.trim().to_lowercase())
        .collect()
}

/// Nothing in the response lets a page read it.
#[track_caller]
fn tells_pages_nothing(reply: &Reply) {
    for name in reply.headers.keys() {
        assert!(!name.as_str().starts_with("access-control-"), "{name}");
    }
}

/// What a browser does for `fetch` of a page with a credential of its own: the preflight, then the request; the status that
/// the page sees, or nothing.
async fn fetch(app: &TestApp, origin: &str, tenant: &TestTenant, path: &str) -> Option<u16> {
    let asked = preflight(app, origin.as_bytes(), path, "POST").await;
    let is_allowed = asked.status.is_success()
        && asked.headers.get("access-control-allow-origin").is_some_and(|value| value == origin)
        && values(&asked, "access-control-allow-methods").contains(&"post".to_owned())
        && ["authorization", "content-type"].iter().all(|name| {
            values(&asked, "access-control-allow-headers").contains(&(*name).to_owned())
        });
    if !is_allowed {
        return None;
    }
    let request = tenant.request(Method::POST, path).json(&json!({ "query": "pump" }));
    let reply = tenant.send(request.header("origin", origin)).await;
    assert!(!reply.headers.contains_key("access-control-allow-credentials"));
    let readable = reply.headers.get("access-control-allow-origin")? == origin;
    readable.then_some(reply.status.as_u16())
}

#[tokio::test]
async fn a_page_reads_what_its_own_tenant_is_told_and_no_other() {
    let (app, shop, other) = start(&[]).await;
    assert_eq!(fetch(&app, SHOP, &shop, "/v1/search").await, Some(200));
    assert_eq!(fetch(&app, OTHER, &other, "/v1/search").await, Some(200));
    // The preflight can not know the tenant; the response does.
    assert_eq!(fetch(&app, OTHER, &shop, "/v1/search").await, None);
    assert_eq!(fetch(&app, SHOP, &other, "/v1/search").await, None);
    assert_eq!(fetch(&app, EVIL, &shop, "/v1/search").await, None);
    // Errors for nobody in particular can be read, so that the page can tell what is wrong.
    assert_eq!(fetch(&app, SHOP, &shop.with_key("pdm_wrong"), "/v1/search").await, Some(401));
    assert_eq!(fetch(&app, EVIL, &shop.with_key("pdm_wrong"), "/v1/search").await, None);
    let reply = shop.send(shop.request(Method::GET, "/v1/me").header("origin", SHOP)).await;
    let exposed = values(&reply, "access-control-expose-headers");
    for name in ["x-request-id", "etag", "ratelimit", "ratelimit-policy", "retry-after"] {
        assert!(exposed.contains(&name.to_owned()), "{exposed:?}");
    }
    assert!(values(&reply, "vary").contains(&"origin".to_owned()));
}

/// What ends an origin: its tenant is suspended, or its key is over.
const GONE: [&str; 3] = [
    "update app.tenants set state = 'suspended' where 'https://shop.example' = any(allowed_origins)",
    "update app.api_keys set expires_at = now() where 'https://key.example' = any(allowed_origins)",
    "update app.api_keys set revoked_at = now() where 'https://key.example' = any(allowed_origins)",
];

#[tokio::test]
async fn an_origin_goes_with_its_suspended_tenant_and_its_key_that_is_over() {
    for gone in GONE {
        let (app, _, other) = start(&[]).await;
        let key = json!({ "name": "k", "role": "member", "kind": "publishable",
            "allowed_origins": ["https://key.example"] });
        other.post("/v1/api_keys", &key).await.expect(201);
        let origin = if gone.contains("tenants") { SHOP } else { "https://key.example" };
        let mut tx = app.app.services.db.system().await.unwrap();
        assert!(tx.origin_is_known(origin).await.unwrap(), "{gone}");
        let done = sqlx::query(gone).execute(&app.database.admin()).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{gone}");
        drop(tx);
        let mut tx = app.app.services.db.system().await.unwrap();
        assert!(!tx.origin_is_known(origin).await.unwrap(), "{gone}");
        assert!(tx.origin_is_known(OTHER).await.unwrap(), "{gone}");
    }
}

#[tokio::test]
async fn a_strangers_page_gets_no_header_and_no_error() {
    let (app, shop, _) = start(&[]).await;
    let strange = [
        EVIL,
        "null",
        "*",
        "https://shop.example.evil.example",
        "http://shop.example",
        "https://shop.example:444",
        "https://SHOP.example",
        "https://shop.example/",
        "",
    ];
    for origin in strange {
        let asked = preflight(&app, origin.as_bytes(), "/v1/search", "POST").await;
        assert_eq!(asked.status, 204, "{origin}");
        tells_pages_nothing(&asked);
        assert!(values(&asked, "vary").contains(&"origin".to_owned()), "{origin}");
        let reply = shop.send(shop.request(Method::GET, "/v1/me").header("origin", origin)).await;
        assert_eq!(reply.status, 200, "{origin}");
        tells_pages_nothing(&reply);
    }
    for bytes in ["https://dö.example".as_bytes(), b"\xff\xfe\xfd", &b"https://".repeat(3_000)] {
        let asked = preflight(&app, bytes, "/v1/search", "POST").await;
        assert_eq!(asked.status, 204);
        tells_pages_nothing(&asked);
        let value = HeaderValue::from_bytes(bytes).unwrap();
        let reply = shop.send(shop.request(Method::GET, "/v1/me").header("origin", value)).await;
        assert_eq!(reply.status, 200);
        tells_pages_nothing(&reply);
    }
}

#[tokio::test]
async fn a_preflight_tells_the_methods_of_its_path_and_is_remembered_for_a_while() {
    let (app, ..) = start(&[]).await;
    let asked = preflight(&app, SHOP.as_bytes(), "/v1/documents", "POST").await;
    assert_eq!(asked.status, 204);
    assert!(asked.bytes.is_empty());
    assert_eq!(values(&asked, "access-control-allow-methods"), ["get", "head", "post"]);
    assert_eq!(asked.headers["access-control-max-age"], "600");
    let vary = values(&asked, "vary");
    for name in ["origin", "access-control-request-method", "access-control-request-headers"] {
        assert!(vary.contains(&name.to_owned()), "{vary:?}");
    }
    assert!(!asked.headers.contains_key("access-control-allow-credentials"));
    // Without the marks of a preflight it is an ordinary request of a method that is not there.
    let plain = send(&app, Method::OPTIONS, "/v1/documents", HeaderMap::new()).await;
    assert_eq!(plain.status, 405);
    // Pages beside the API are nobody else's business.
    let page = preflight(&app, SHOP.as_bytes(), "/docs", "GET").await;
    assert_eq!(page.status, 405);
    tells_pages_nothing(&page);
}

#[tokio::test]
async fn a_page_can_read_that_it_asked_too_much() {
    let settings = [
        ("PIDIMA_TRUSTED_PROXIES", "1"),
        ("PIDIMA_LIMIT_ADDRESS_BURST", "4"),
        ("PIDIMA_LIMIT_ADDRESS_PER_MINUTE", "1"),
        ("PIDIMA_LIMIT_SEARCH_BURST", "1"),
        ("PIDIMA_LIMIT_SEARCH_PER_MINUTE", "1"),
    ];
    let (_app, shop, _) = start(&settings).await;
    let search = async |origin: &str| {
        let request = shop.request(Method::POST, "/v1/search").json(&json!({ "query": "pump" }));
        let forwarded = request.header("x-forwarded-for", "203.0.113.1");
        shop.send(forwarded.header("origin", origin)).await
    };
    assert_eq!(search(SHOP).await.status, 200);
    let by_key = search(SHOP).await;
    assert_eq!(
        (by_key.status.as_u16(), by_key.headers["access-control-allow-origin"].to_str().unwrap()),
        (429, SHOP)
    );
    let unknown = shop.with_key("pdm_wrong").request(Method::GET, "/v1/me").header("origin", SHOP);
    assert_eq!(shop.send(unknown.header("x-forwarded-for", "203.0.113.2")).await.status, 401);
    // By now the address has none left, and nobody looks at the key.
    while search(EVIL).await.headers["ratelimit"].to_str().unwrap().starts_with("\"search\"") {}
    let by_address = search(SHOP).await;
    assert_eq!(by_address.status, 429);
    assert!(by_address.headers["ratelimit"].to_str().unwrap().starts_with("\"address\""));
    assert_eq!(by_address.headers["access-control-allow-origin"], SHOP);
    tells_pages_nothing(&search(EVIL).await);
}

#[tokio::test]
async fn an_origin_that_a_tenant_adds_or_removes_counts_within_seconds() {
    let (app, shop, _) = start(&[]).await;
    assert_eq!(fetch(&app, EVIL, &shop, "/v1/search").await, None);
    let change = format!(
        "update app.tenants set allowed_origins = array['{EVIL}'] where tenant_id = '{}'",
        shop.id
    );
    app.database.admin().execute(sqlx::AssertSqlSafe(change)).await.unwrap();
    eventually("the new origin is let in and the old one is not", || async {
        fetch(&app, EVIL, &shop, "/v1/search").await == Some(200)
            && fetch(&app, SHOP, &shop, "/v1/search").await.is_none()
    })
    .await;
}

#[tokio::test]
async fn inventing_origins_fills_no_memory_and_hides_no_known_one() {
    let (app, shop, _) = start(&[("PIDIMA_LIMIT_ADDRESS_BURST", "100000")]).await;
    let client = Client::new();
    for number in 0..1_200 {
        let request = client.request(Method::OPTIONS, format!("{}/v1/search", app.url));
        let request = request.header("origin", format!("https://{number}.example"));
        let asked = request.header("access-control-request-method", "POST").send().await.unwrap();
        assert_eq!(asked.status(), 204);
    }
    assert_eq!(fetch(&app, SHOP, &shop, "/v1/search").await, Some(200));
}
