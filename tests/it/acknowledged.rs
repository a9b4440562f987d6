//! What was acknowledged is there, once: writers ask two instances while instances, the worker and PostgreSQL are killed
//! every few seconds; then every answer that a writer was told of must stand in the history, equal and in order.
//!
//! The writers' own log is the judge, not the service: a question counts as acknowledged when its `started` event was
//! read, an answer when its `done` was. The long form, and the form in which loss is provoked to show that it would be
//! found, are tests of their own.

mod check;
mod house;
mod model;
mod writer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::check::{Findings, check};
use self::house::{Durability, House};
use self::model::QuickModel;
use self::writer::{Operation, Writer};

/// Clients that ask at the same time.
const WRITERS: usize = 16;
/// Between two kills: something is always just coming up or being used again.
const BETWEEN_KILLS: std::ops::Range<u64> = 2_000..5_000;

/// A run of the harness.
struct Trial {
    length: Duration,
    durability: Durability,
}

impl Trial {
    async fn run(self) -> Findings {
        let model = QuickModel::start().await;
        let mut house = House::start(self.durability, model.base_url()).await;
        let tenants = [house.tenant("acme").await, house.tenant("globex").await];
        let stop = CancellationToken::new();
        let writers = TaskTracker::new();
        let addresses = Arc::new(house.addresses());
        let mut logs = Vec::new();
        for number in 0..WRITERS {
            let tenant = tenants[number % tenants.len()].clone();
            let writer = Writer::open(number, tenant, Arc::clone(&addresses)).await;
            logs.push(writers.spawn(writer.work(stop.clone())));
        }
        writers.close();
        let (began, mut kills) = (Instant::now(), 0);
        while began.elapsed() < self.length {
            let pause = rand::rng().random_range(BETWEEN_KILLS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            house.kill_one().await;
            kills += 1;
        }
        house.all_up().await;
        stop.cancel();
        writers.wait().await;
        let mut operations: Vec<Operation> = Vec::new();
        for log in logs {
            operations.extend(log.await.unwrap());
        }
        house.until_no_run_is_left().await;
        let findings = check(&house, &operations).await;
        println!("{kills} kills in {:.0} s: {findings}", began.elapsed().as_secs_f64());
        house.stop().await;
        findings
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_doubled_while_everything_is_killed() {
    let findings =
        Trial { length: Duration::from_secs(120), durability: Durability::Kept }.run().await;
    findings.must_be_clean();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the long form: 10 minutes"]
async fn nothing_acknowledged_is_lost_or_doubled_in_ten_minutes_of_kills() {
    let findings =
        Trial { length: Duration::from_secs(600), durability: Durability::Kept }.run().await;
    findings.must_be_clean();
}

/// A server that acknowledges before it writes loses what it acknowledged: the check must see it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "shows that the harness finds loss: two minutes"]
async fn a_server_that_acknowledges_before_it_writes_is_found_out() {
    let findings =
        Trial { length: Duration::from_secs(60), durability: Durability::Delayed }.run().await;
    assert!(findings.lost() > 0, "the harness found no loss where there must be some: {findings}");
}
