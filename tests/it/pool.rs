//! The pool: a connection never carries one request's transaction or tenant into the next, whatever became of the request.

use std::time::Duration;

use pidima::db::{self, Db, PoolSettings, pool_options};
use pidima::kernel::ids::{TenantId, new_id};
use pidima::tenancy::create_tenant;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};

use crate::support::{TestDatabase, eventually};

/// Connections of the pools under test, and begins that are cancelled at once.
const CONNECTIONS: u32 = 2;

fn settings(database: &TestDatabase, max_connections: u32) -> PoolSettings {
    PoolSettings {
        url: database.app_url().into(),
        max_connections,
        acquire_timeout: Duration::from_secs(10),
    }
}

fn open(database: &TestDatabase, max_connections: u32) -> Db {
    Db::open(&settings(database, max_connections)).unwrap()
}

async fn pid(connection: &mut PgConnection) -> i32 {
    sqlx::query_scalar("select pg_backend_pid()").fetch_one(connection).await.unwrap()
}

async fn tenant_setting(connection: &mut PgConnection) -> String {
    sqlx::query_scalar("select coalesce(current_setting('app.tenant_id', true), '')")
        .fetch_one(connection)
        .await
        .unwrap()
}

async fn terminate(admin: &PgPool, pid: i32) {
    let end = sqlx::query("select pg_terminate_backend($1, 5000)").bind(pid);
    end.execute(admin).await.unwrap();
}

/// What every request does first, as `TenantTx` does it.
async fn begin(pool: &PgPool, tenant: TenantId) {
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("select set_config('app.tenant_id', $1, true)")
        .bind(tenant.to_string())
        .execute(&mut *tx)
        .await
        .unwrap();
}

/// Runs a future until it is done or was polled `turns` times; the polls it took.
async fn cancelled_after(turns: usize, future: impl Future<Output = ()>) -> usize {
    tokio::pin!(future);
    for turn in 0..turns {
        tokio::select! {
            biased;
            () = &mut future => return turn,
            () = tokio::task::yield_now() => {}
        }
    }
    turns
}

/// Turns of the runtime that a whole begin takes here and now, warm.
async fn turns_of_a_begin(pool: &PgPool) -> usize {
    let mut most = 0;
    for _ in 0..20 {
        let begin = begin(pool, TenantId::generate());
        most = most.max(cancelled_after(1_000_000, begin).await);
    }
    most.clamp(4, 2_000)
}

/// Cancels begins at random points; how many connections were found inside a transaction or with a tenant.
async fn poisoned_of(pool: &PgPool, begins: u32) -> usize {
    let mut chance = StdRng::seed_from_u64(7);
    let turns = turns_of_a_begin(pool).await;
    let mut poisoned = 0;
    for round in 0..begins / CONNECTIONS {
        let (one, two) = (chance.random_range(0..=turns), chance.random_range(0..=turns));
        let (a, b) = (TenantId::generate(), TenantId::generate());
        tokio::join!(cancelled_after(one, begin(pool, a)), cancelled_after(two, begin(pool, b)));
        // The next borrowers, all of them at once.
        let mut borrowed = Vec::new();
        for _ in 0..CONNECTIONS {
            borrowed.push(pool.acquire().await.unwrap());
        }
        for mut connection in borrowed {
            // A savepoint is refused outside a transaction; and outside one no tenant can be left.
            let inside = sqlx::raw_sql("savepoint probe").execute(&mut *connection).await.is_ok();
            let kept = round % 20 == 0 && !tenant_setting(&mut connection).await.is_empty();
            poisoned += usize::from(inside || kept);
        }
    }
    poisoned
}

#[tokio::test]
async fn ten_thousand_cancelled_begins_leave_no_connection_inside_a_transaction() {
    let database = TestDatabase::create().await;
    let url = database.app_url();
    let pool = pool_options(&settings(&database, CONNECTIONS)).connect(&url).await.unwrap();
    let poisoned = Box::pin(poisoned_of(&pool, 10_000)).await;
    println!("poisoned {poisoned} of 10000");
    assert_eq!(poisoned, 0);
    acknowledged_writes_survive(&pool, &database.admin()).await;
}

/// A write on each connection of the pool, acknowledged; then its server process is ended.
async fn acknowledged_writes_survive(pool: &PgPool, admin: &PgPool) {
    let mut borrowed = Vec::new();
    for _ in 0..CONNECTIONS {
        borrowed.push(pool.acquire().await.unwrap());
    }
    let mut written = Vec::new();
    for connection in &mut borrowed {
        let id = new_id();
        sqlx::query(
            "insert into app.jobs (job_id, kind, for_tenant, subject_id) values ($1, 'test', $1, $1)",
        )
        .bind(id)
        .execute(&mut **connection)
        .await
        .unwrap();
        terminate(admin, pid(connection).await).await;
        written.push(id);
    }
    let kept: i64 = sqlx::query_scalar("select count(*) from app.jobs where job_id = any($1)")
        .bind(&written)
        .fetch_one(admin)
        .await
        .unwrap();
    assert_eq!(kept, i64::from(CONNECTIONS));
}

/// That the test above can fail.
#[tokio::test]
async fn without_the_hook_cancelled_begins_do_leave_transactions_open() {
    let database = TestDatabase::create().await;
    let options = PgPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
    let pool = options.connect(&database.app_url()).await.unwrap();
    let mut poisoned = 0;
    for _ in 0..10 {
        poisoned += Box::pin(poisoned_of(&pool, 400)).await;
        if poisoned > 0 {
            break;
        }
    }
    println!("without the hook: poisoned {poisoned} of 400 or more");
    assert!(poisoned > 0);
}

#[tokio::test]
async fn cancelled_tenant_transactions_leave_the_handle_of_the_database_clean() {
    let database = TestDatabase::create().await;
    let db = open(&database, 3);
    let mut chance = StdRng::seed_from_u64(11);
    for round in 0..1_000 {
        let turns = chance.random_range(0..200);
        let begin = async { drop(db.tenant(TenantId::generate()).await.unwrap()) };
        Box::pin(cancelled_after(turns, begin)).await;
        if round % 10 == 0 {
            let (mut a, mut b, mut c) =
                tokio::try_join!(db.system(), db.system(), db.system()).unwrap();
            for tx in [&mut a, &mut b, &mut c] {
                assert_eq!(tenant_setting(tx.connection()).await, "");
            }
        }
    }
    let admin = database.admin();
    eventually("all connections idle", || async {
        let busy: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity
            where datname = current_database() and application_name = 'pidima' and state <> 'idle'",
        )
        .fetch_one(&admin)
        .await
        .unwrap();
        busy == 0
    })
    .await;
}

/// Two tenants with three and two collections.
async fn two_tenants(db: &Db) -> (TenantId, TenantId) {
    let mut tenants = Vec::new();
    for (slug, collections) in [("three", 3), ("two", 2)] {
        let mut created = create_tenant(db, slug, slug).await.unwrap();
        for number in 0..collections {
            let name = format!("{slug} {number}");
            created.tx.insert_collection(new_id(), &name, "").await.unwrap();
        }
        created.tx.commit().await.unwrap();
        tenants.push(created.tenant);
    }
    (tenants[0], tenants[1])
}

/// One statement, prepared once per connection.
async fn visible(connection: &mut PgConnection) -> i64 {
    sqlx::query_scalar("select count(*) from collections where name like 't%'")
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_warm_prepared_statement_sees_the_rows_of_whose_turn_it_is() {
    let database = TestDatabase::create().await;
    let db = open(&database, 1);
    let (a, b) = two_tenants(&db).await;
    let mut pids = Vec::new();
    // PostgreSQL may change to a generic plan after the fifth run.
    for _ in 0..8 {
        for (tenant, rows) in [(a, 3), (b, 2)] {
            let mut tx = db.tenant(tenant).await.unwrap();
            assert_eq!(visible(tx.connection()).await, rows);
            pids.push(pid(tx.connection()).await);
        }
        let mut tx = db.system().await.unwrap();
        assert_eq!(visible(tx.connection()).await, 0);
        pids.push(pid(tx.connection()).await);
    }
    pids.dedup();
    assert_eq!(pids.len(), 1, "one connection for all");
}

#[tokio::test]
async fn a_connection_that_kept_a_tenant_is_closed() {
    let database = TestDatabase::create().await;
    let db = open(&database, 1);
    let (a, _) = two_tenants(&db).await;
    let mut tx = db.tenant(a).await.unwrap();
    let mistake = sqlx::query("select set_config('app.tenant_id', $1, false)").bind(a.to_string());
    mistake.execute(tx.connection()).await.unwrap();
    let spoilt = pid(tx.connection()).await;
    tx.commit().await.unwrap();

    let mut tx = db.system().await.unwrap();
    assert_ne!(pid(tx.connection()).await, spoilt);
    assert_eq!(tenant_setting(tx.connection()).await, "");
    assert_eq!(visible(tx.connection()).await, 0);
}

#[tokio::test]
async fn a_panic_inside_a_transaction_rolls_it_back() {
    let database = TestDatabase::create().await;
    let db = open(&database, 1);
    let (a, _) = two_tenants(&db).await;
    let panicking = db.clone();
    let task = tokio::spawn(async move {
        let mut tx = panicking.tenant(a).await.unwrap();
        tx.insert_collection(new_id(), "too late", "").await.unwrap();
        panic!("a fault inside a transaction");
    });
    assert!(task.await.unwrap_err().is_panic());
    let mut tx = db.system().await.unwrap();
    assert_eq!(tenant_setting(tx.connection()).await, "");
    drop(tx);
    assert_eq!(visible(db.tenant(a).await.unwrap().connection()).await, 3);
}

#[tokio::test]
async fn a_server_process_that_ends_inside_a_transaction_costs_that_transaction_only() {
    let database = TestDatabase::create().await;
    let db = open(&database, 1);
    let (a, _) = two_tenants(&db).await;
    let mut tx = db.tenant(a).await.unwrap();
    tx.insert_collection(new_id(), "too late", "").await.unwrap();
    terminate(&database.admin(), pid(tx.connection()).await).await;
    let error = tx.insert_collection(new_id(), "later still", "").await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert!(tx.commit().await.is_err());
    assert_eq!(visible(db.tenant(a).await.unwrap().connection()).await, 3);
}

/// PostgreSQL answers COMMIT after a failed statement with a rollback; who took that for success would tell people that
/// something is stored which is not.
#[tokio::test]
async fn a_commit_after_an_error_that_nobody_minded_is_an_error() {
    let database = TestDatabase::create().await;
    let db = open(&database, 1);
    let (a, _) = two_tenants(&db).await;
    let before = visible(db.tenant(a).await.unwrap().connection()).await;
    let mut tx = db.tenant(a).await.unwrap();
    tx.insert_collection(new_id(), "t lost", "").await.unwrap();
    let minded = sqlx::query("select 1 / 0").execute(tx.connection()).await;
    assert!(minded.is_err());
    assert!(tx.commit().await.is_err());
    let mut tx = db.system().await.unwrap();
    assert!(sqlx::query("select 1 / 0").execute(tx.connection()).await.is_err());
    assert!(tx.commit().await.is_err());
    // The connection is good for the next one, and what it commits is there.
    let mut tx = db.tenant(a).await.unwrap();
    assert_eq!(visible(tx.connection()).await, before);
    tx.insert_collection(new_id(), "t kept", "").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(visible(db.tenant(a).await.unwrap().connection()).await, before + 1);
}

/// What the test above guards against: the driver's own commit says that all is well.
#[tokio::test]
async fn the_commit_of_the_driver_hides_a_rollback() {
    let database = TestDatabase::create().await;
    let pool = database.app();
    let mut tx = pool.begin().await.unwrap();
    assert!(sqlx::query("select 1 / 0").execute(&mut *tx).await.is_err());
    assert!(tx.commit().await.is_ok(), "sqlx tells by now: db::tx needs no statement of its own");
}

#[tokio::test]
async fn connections_that_died_while_they_waited_are_not_handed_out() {
    let database = TestDatabase::create().await;
    let db = open(&database, 2);
    let (mut one, mut two) = tokio::try_join!(db.system(), db.system()).unwrap();
    let pids = [pid(one.connection()).await, pid(two.connection()).await];
    drop((one, two));
    let admin = database.admin();
    for pid in pids {
        terminate(&admin, pid).await;
    }
    // Longer idle than a connection is trusted without a question.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for _ in 0..2 {
        db.ping().await.unwrap();
    }
}

#[tokio::test]
async fn without_a_tenant_there_are_no_rows_and_no_inserts() {
    let database = TestDatabase::create().await;
    let db = open(&database, 1);
    two_tenants(&db).await;
    let mut tx = db.system().await.unwrap();
    assert_eq!(visible(tx.connection()).await, 0);
    let stray = sqlx::query(
        "insert into collections (tenant_id, collection_id, name) values ($1, $1, 'stray')",
    )
    .bind(new_id())
    .execute(tx.connection())
    .await;
    let error = db::Error::from(stray.unwrap_err());
    assert!(matches!(error, db::Error::Isolation(_)), "{error:?}");
    drop(tx);

    // A tenant set outside a transaction holds for no later statement.
    let mut bare = PgConnection::connect(&database.app_url()).await.unwrap();
    sqlx::raw_sql("set search_path = app, public").execute(&mut bare).await.unwrap();
    sqlx::query("select set_config('app.tenant_id', $1, true)")
        .bind(new_id().to_string())
        .execute(&mut bare)
        .await
        .unwrap();
    assert_eq!(visible(&mut bare).await, 0);
}
