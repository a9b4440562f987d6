//! Three tenants, two connections, and every way in which a transaction can end: after each step the database holds what
//! a model in memory holds, and nothing of another tenant.
//!
//! `cargo test` walks 2,000 steps; `PIDIMA_WALK_STEPS` and `PIDIMA_WALK_SEED` change that. A hundred thousand:
//! `cargo test --test it -- --ignored --nocapture state_machine`.

mod model;
mod walk;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pidima::db::{Db, PoolSettings};
use pidima::tenancy::create_tenant;

use self::walk::{Tally, Walk};
use crate::support::TestDatabase;

const MARKS: [&str; 3] = ["amber", "birch", "cedar"];
const CONNECTIONS: u32 = 2;

async fn walk(steps: usize) -> Arc<Tally> {
    let variable = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = variable("PIDIMA_WALK_SEED").unwrap_or(20_261_122);
    let steps = variable("PIDIMA_WALK_STEPS").map_or(steps, |steps| steps as usize);
    let database = TestDatabase::create().await;
    let db = Db::open(&PoolSettings {
        url: database.app_url().into(),
        max_connections: CONNECTIONS,
        acquire_timeout: Duration::from_secs(30),
    })
    .unwrap();
    let tally = Arc::new(Tally::default());
    let began = Instant::now();
    let mut walks = Vec::new();
    for (number, mark) in (0_u64..).zip(MARKS) {
        let created = create_tenant(&db, mark, mark).await.unwrap();
        let tenant = created.tenant;
        created.tx.commit().await.unwrap();
        let (admin, tally) = (database.admin(), Arc::clone(&tally));
        let walk = Walk::new(db.clone(), admin, tenant, mark, tally, seed + number);
        walks.push(tokio::spawn(walk.run(steps.div_ceil(MARKS.len()))));
    }
    for walk in walks {
        walk.await.unwrap();
    }
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    println!(
        "seed {seed}: {} steps in {:.0?}: {} commits, {} futures dropped, {} server processes ended ({} met another \
         transaction), {} failures and time-outs, {} panics, {} looks without a tenant, {} connections, {} mismatches",
        count(&tally.steps),
        began.elapsed(),
        count(&tally.commits),
        count(&tally.cancelled),
        count(&tally.kills),
        count(&tally.struck),
        count(&tally.failures),
        count(&tally.panics),
        count(&tally.looks_without_a_tenant),
        tally.processes.lock().unwrap().len(),
        tally.mismatches.lock().unwrap().len()
    );
    judge(&tally);
    tally
}

fn judge(tally: &Tally) {
    let mismatches = tally.mismatches.lock().unwrap();
    assert!(mismatches.is_empty(), "{}", mismatches.join("\n"));
    // A connection is given up only for a reason: one that kept a tenant would be closed at each return.
    let reasons = tally.kills.load(Ordering::Relaxed) + tally.cancelled.load(Ordering::Relaxed);
    let processes = tally.processes.lock().unwrap().len();
    assert!(processes <= CONNECTIONS as usize + reasons, "{processes} connections were opened");
}

#[tokio::test]
async fn two_thousand_steps_of_three_tenants_over_two_connections_match_the_model() {
    let tally = walk(2_000).await;
    assert!(tally.cancelled.load(Ordering::Relaxed) > 100);
    assert!(tally.kills.load(Ordering::Relaxed) > 20);
}

#[tokio::test]
#[ignore = "takes minutes: run it by name"]
async fn a_hundred_thousand_steps_of_three_tenants_over_two_connections_match_the_model() {
    walk(100_000).await;
}
