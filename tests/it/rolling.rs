//! A new version goes out while people work: instances are replaced one after the other, as ECS and a load balancer do it, under
//! requests at a fixed rate and with answers being written and read. No request may fail, and no answer may lose a word.

mod fleet;
pub mod model;
mod readers;
mod requests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use fleet::Fleet;
use model::PacedServer;
use readers::{Readers, Told};
use requests::Requests;

/// How much goes on meanwhile.
struct Load {
    instances: usize,
    requests_per_second: u32,
    /// Answers that are read at every moment.
    streams: usize,
}

/// What was seen.
struct Seen {
    requests: Requests,
    readers: Told,
}

/// Replaces every instance once under load; everything that was begun is read to its end.
async fn roll(load: Load) -> Seen {
    let model = PacedServer::start().await;
    let fleet = Arc::new(Fleet::start(&model.url, load.instances).await);
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let readers = Readers::start(&fleet, load.streams, &tasks, &stop);
    readers.all_are_reading().await;
    let requests = Requests::start(&fleet, load.requests_per_second, &tasks, &stop);
    let began = Instant::now();
    for number in 1..=load.instances {
        readers.each_has_begun_anew().await;
        fleet.replace_oldest().await;
        println!("{number} of {} replaced after {:.1?}", load.instances, began.elapsed());
    }
    readers.each_has_begun_anew().await;
    let seconds = requests.seconds();
    stop.cancel();
    // Answers that are being read are read to their end; nothing is sent meanwhile.
    tasks.close();
    tasks.wait().await;
    let (requests, readers) = (requests.end(seconds), readers.end());
    println!(
        "{} instances replaced in {seconds:.0} s, {} answers read at every moment",
        load.instances, load.streams
    );
    println!("requests: {}", requests.summary());
    println!("answers: {}", readers.summary());
    Seen { requests, readers }
}

fn judge(seen: &Seen) {
    assert_eq!(seen.requests.failures, Vec::<String>::new());
    assert_eq!(seen.readers.faults, Vec::<String>::new());
    assert!(seen.readers.came_back > 0, "nobody was sent to another instance");
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_replaced_under_a_light_load_and_nothing_fails() {
    let seen = roll(Load { instances: 2, requests_per_second: 20, streams: 6 }).await;
    judge(&seen);
}

/// `PIDIMA_MEASURED_PROGRAM=target/release/pidima cargo test --test it -- --ignored --nocapture rolling::`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: the machine should have nothing else to do"]
async fn two_hundred_requests_a_second_and_fifty_answers_survive_a_rolling_restart() {
    let seen = roll(Load { instances: 3, requests_per_second: 200, streams: 50 }).await;
    judge(&seen);
    // Those that came too late to be sent are no proof.
    assert!(seen.requests.rate_share() > 0.95, "the rate was not reached");
    assert!(seen.requests.percentile(99) < Duration::from_secs(2));
}
