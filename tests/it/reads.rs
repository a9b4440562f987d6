//! Hot reads: one round trip, held to one form, and nobody's rows without the tenant.

mod form;
mod speed;

use std::sync::Arc;
use std::time::Duration;

use pidima::adapters::models::ExtractiveModel;
use pidima::app::Outside;
use pidima::config::{Config, Env};
use pidima::db::{Db, PoolSettings};
use pidima::kernel::ids::{TenantId, new_id};
use pidima::server;
use pidima::tenancy::create_tenant;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{
    SIGNING_SECRET, TestApp, TestDatabase, TestTenant, TripCounter, eventually, minilm,
};

/// Reads of one kind: PostgreSQL may change to a generic plan after the fifth run.
const TIMES: u64 = 10;

fn open(url: &str, max_connections: u32) -> Db {
    let acquire_timeout = Duration::from_secs(10);
    Db::open(&PoolSettings { url: url.to_owned().into(), max_connections, acquire_timeout })
        .unwrap()
}

/// A tenant with a session.
async fn tenant_with_session(db: &Db, slug: &str) -> (TenantId, Uuid) {
    let mut created = create_tenant(db, slug, slug).await.unwrap();
    let id = new_id();
    created.tx.insert_session(id, Some(slug), &[], None, new_id()).await.unwrap();
    created.tx.commit().await.unwrap();
    (created.tenant, id)
}

async fn is_seen(db: &Db, tenant: TenantId, session_id: Uuid) -> bool {
    let found = db.read(tenant).await.unwrap().session(session_id, None).await.unwrap();
    found.is_some_and(|session| session.session_id == session_id)
}

#[tokio::test]
async fn a_read_is_one_round_trip_and_sees_the_rows_of_its_tenant_and_no_others() {
    let database = TestDatabase::create().await;
    let counter = TripCounter::before(&database.app_url()).await;
    // With room for another: a last connection is not held.
    let db = open(&counter.url, 2);
    let (a, of_a) = tenant_with_session(&db, "a").await;
    let (b, of_b) = tenant_with_session(&db, "b").await;
    assert!(is_seen(&db, a, of_a).await);
    let mut trips = Vec::new();
    for _ in 0..TIMES {
        for (tenant, session, seen) in [
            (a, of_a, true),
            (b, of_b, true),
            (a, of_b, false),
            (b, of_a, false),
            (TenantId::generate(), of_a, false),
        ] {
            let before = counter.count();
            assert_eq!(is_seen(&db, tenant, session).await, seen);
            trips.push(counter.count() - before);
        }
    }
    // A machine that stands still for a second between two reads has the connection looked at.
    let single = trips.iter().filter(|count| **count == 1).count();
    assert!(single >= trips.len() - 3, "{trips:?}");
    // The connection knows no tenant between two reads.
    let mut read = db.read(a).await.unwrap();
    let left: String =
        sqlx::query_scalar("select coalesce(current_setting('app.tenant_id', true), '')")
            .fetch_one(read.connection())
            .await
            .unwrap();
    assert_eq!(left, "");
}

#[tokio::test]
async fn without_the_part_that_sets_the_tenant_a_statement_sees_nothing() {
    let database = TestDatabase::create().await;
    let db = open(&database.app_url(), 1);
    let (a, of_a) = tenant_with_session(&db, "a").await;
    // Also on a connection that has just served this tenant, and with its id at hand.
    for _ in 0..TIMES {
        assert!(is_seen(&db, a, of_a).await);
        let mut read = db.read(a).await.unwrap();
        let seen: i64 = sqlx::query_scalar("select count(*) from sessions where tenant_id = $1")
            .bind(a.uuid())
            .fetch_one(read.connection())
            .await
            .unwrap();
        assert_eq!(seen, 0);
        read.done();
    }
}

#[tokio::test]
async fn a_transaction_takes_one_round_trip_to_begin_and_one_to_commit() {
    let database = TestDatabase::create().await;
    let counter = TripCounter::before(&database.app_url()).await;
    let db = open(&counter.url, 1);
    let (a, of_a) = tenant_with_session(&db, "a").await;
    let mut trips = Vec::new();
    for _ in 0..TIMES {
        let before = counter.count();
        let mut tx = db.tenant(a).await.unwrap();
        assert!(tx.find_session(of_a, None).await.unwrap().is_some());
        tx.commit().await.unwrap();
        trips.push(counter.count() - before);
        // What the connection costs on its way back into the pool: the end of what the commit has begun, its cleaning,
        // and a sign of life.
        eventually("three more", async || counter.count() - before == trips[trips.len() - 1] + 3)
            .await;
    }
    assert_eq!(trips.last(), Some(&3), "{trips:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_held_for_reads_are_there_for_transactions() {
    let database = TestDatabase::create().await;
    let db = open(&database.app_url(), 2);
    let (a, of_a) = tenant_with_session(&db, "a").await;
    for _ in 0..50 {
        let (one, two) = tokio::join!(is_seen(&db, a, of_a), is_seen(&db, a, of_a));
        assert!(one && two);
        // Both at once, whatever the readers hold.
        let (one, two) = tokio::try_join!(db.tenant(a), db.tenant(a)).unwrap();
        assert!(is_waiting(&db, a).await);
        drop((one, two));
    }
    db.ping().await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), db.close()).await.unwrap();
}

/// Whether a read waits while all connections are in use.
async fn is_waiting(db: &Db, tenant: TenantId) -> bool {
    let short = Duration::from_millis(1);
    tokio::time::timeout(short, db.read(tenant)).await.is_err()
}

#[tokio::test]
async fn a_read_that_is_cut_off_leaves_nothing_to_the_next() {
    let database = TestDatabase::create().await;
    let db = open(&database.app_url(), 1);
    let (a, of_a) = tenant_with_session(&db, "a").await;
    let (b, of_b) = tenant_with_session(&db, "b").await;
    for turns in 0..400 {
        {
            // Dropped at the end of the block, with the only connection.
            let reading = is_seen(&db, a, of_a);
            tokio::pin!(reading);
            for _ in 0..turns % 40 {
                tokio::select! {
                    biased;
                    _ = &mut reading => break,
                    () = tokio::task::yield_now() => {}
                }
            }
        }
        assert!(is_seen(&db, b, of_b).await, "{turns}");
        assert!(!is_seen(&db, b, of_a).await, "{turns}");
    }
}

/// Where each hot read of the API lives.
async fn hot_paths(owner: &TestTenant, reader: &TestTenant) -> Vec<String> {
    let document = owner.learn("guide.md", "# Keys\n\nA key is made in the settings.").await;
    let session = reader.post("/v1/sessions", &json!({})).await.expect(201);
    let [session, document_id, collection_id] =
        [&session["id"], &document["id"], &document["collection_id"]]
            .map(|id| id.as_str().unwrap());
    vec![
        format!("/v1/sessions/{session}"),
        format!("/v1/documents/{document_id}"),
        format!("/v1/collections/{collection_id}"),
    ]
}

/// The same service once more, at a database whose round trips are counted, without a worker.
async fn counted_instance(app: &TestApp) -> (TripCounter, String) {
    let counter = TripCounter::before(&app.database.app_url()).await;
    let objects = app.objects.to_string_lossy().into_owned();
    let pairs = [
        ("DATABASE_URL", counter.url.as_str()),
        ("PIDIMA_DATABASE_POOL_SIZE", "4"),
        ("PIDIMA_OBJECTS_DIR", &objects),
        ("PIDIMA_SIGNING_SECRET", SIGNING_SECRET),
    ];
    let config = Config::from_env(&Env::from_pairs(pairs)).unwrap();
    let outside =
        Outside { embedder: Arc::new(minilm().await), models: Arc::new(ExtractiveModel).into() };
    let instance = app.watch.build(&config, outside);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (endpoint, times) = (app.watch.endpoint(&instance), app.watch.times(&instance));
    tokio::spawn(server::serve(listener, endpoint, times, CancellationToken::new()));
    (counter, url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_read_of_the_api_is_one_round_trip_whoever_reads() {
    let app = TestApp::start().await;
    let owner = app.tenant("reads").await;
    let readers = [owner.with_role("member").await, owner.as_member("admin").await, owner.clone()];
    let (counter, url) = counted_instance(&app).await;
    for reader in readers {
        // Its own session: reading that of another is noted in the audit log.
        let paths = hot_paths(&owner, &reader).await;
        let reader = reader.at(&url);
        for path in &paths {
            let mut trips = Vec::new();
            for _ in 0..2 * TIMES + 1 {
                let before = counter.count();
                reader.get(path).await.expect(200);
                trips.push(counter.count() - before);
            }
            // The first ones make connections and prepare; every five seconds the credential is looked up again.
            trips.sort_unstable();
            println!("{path}: {trips:?}");
            assert_eq!(trips[trips.len() / 2], 1, "{path}: {trips:?}");
        }
    }
}
