//! Pieces relayed per second over many streams that each bring 50 of them.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};

use super::Bench;
use super::asking::Target;
use crate::cli::bench::percentiles::median;
use crate::cli::bench::stand_in::Manner;

const PACE: Duration = Duration::from_millis(20);
/// Streams that begin together: what is measured is how pieces are relayed, not how many questions are taken a second.
const TOGETHER: usize = 16;
/// In which all streams should have begun: after that it is counted what those bring that are open.
const BEGIN_WITHIN: Duration = Duration::from_secs(40);
/// How long is counted.
const COUNTED: Duration = Duration::from_secs(5);

pub async fn measure(bench: &Bench, streams: usize, rounds: usize) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let offered = streams as u128 * 1_000 / PACE.as_millis();
    writeln!(out, "\nPieces relayed a second, {streams} streams, {offered} offered:")?;
    let targets = bench.targets();
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); targets.len()];
    for round in 0..rounds {
        for (target, rates) in targets.iter().zip(&mut rates) {
            eprintln!("{}: round {} of {rounds}", target.name, round + 1);
            rates.push(rate(bench, target, streams).await);
        }
    }
    let rates: Vec<f64> = rates.into_iter().map(median).collect();
    for (target, rate) in targets.iter().zip(&rates) {
        writeln!(out, "  {:<12}{rate:>9.0}", target.name)?;
    }
    for (target, rate) in targets.iter().zip(&rates).skip(2) {
        writeln!(out, "    pidima relays {:.2} times as many as {}", rates[1] / rate, target.name)?;
    }
    Ok(())
}

/// Pieces that came in a second once all streams were open, or their time to begin was over. A stream that fails brings none.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
async fn rate(bench: &Bench, target: &Target, streams: usize) -> f64 {
    bench.stand_in.set(Manner::Paced(usize::MAX, PACE));
    let beginning = Semaphore::new(TOGETHER);
    let begun = watch::Sender::new(0_usize);
    let each = (0..streams).map(|_| async {
        let place = beginning.acquire().await;
        let opened = target.ask_first().await;
        drop(place);
        begun.send_modify(|begun| *begun += 1);
        let read = match opened {
            Ok(reading) => reading.rest().await,
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            tracing::debug!(%error, "a stream failed");
        }
    });
    let counting = async {
        let mut all = begun.subscribe();
        let whole = timeout(BEGIN_WITHIN, all.wait_for(|begun| *begun == streams)).await;
        if whole.is_err() {
            eprintln!("{}: {} of {streams} streams have begun", target.name, *begun.borrow());
        }
        let (before, since) = (target.pieces.load(Ordering::Relaxed), Instant::now());
        sleep(COUNTED).await;
        let pieces = target.pieces.load(Ordering::Relaxed) - before;
        let rate = pieces as f64 / since.elapsed().as_secs_f64();
        bench.stand_in.set(Manner::Burst(1));
        rate
    };
    let (rate, _) = futures_util::future::join(counting, join_all(each)).await;
    rate
}
