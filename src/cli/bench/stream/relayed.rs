//! Pieces relayed per second over many streams that each bring 50 of them.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::Bench;
use super::asking::Target;
use crate::cli::bench::percentiles::median;
use crate::cli::bench::stand_in::Manner;

const PACE: Duration = Duration::from_millis(20);
/// In which all streams begin.
const BEGIN_WITHIN: Duration = Duration::from_secs(3);
/// How long is counted.
const COUNTED: Duration = Duration::from_secs(5);

pub async fn measure(bench: &Bench, streams: usize, rounds: usize) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let offered = streams as u128 * 1_000 / PACE.as_millis();
    writeln!(out, "\nPieces relayed a second, {streams} streams, {offered} offered:")?;
    let whole = BEGIN_WITHIN + COUNTED + Duration::from_secs(1);
    let pieces = usize::try_from(whole.as_millis() / PACE.as_millis()).unwrap_or(usize::MAX);
    bench.stand_in.set(Manner::Paced(pieces, PACE));
    let targets = bench.targets();
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); targets.len()];
    for round in 0..rounds {
        for (target, rates) in targets.iter().zip(&mut rates) {
            eprintln!("{}: round {} of {rounds}", target.name, round + 1);
            rates.push(rate(target, streams).await);
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

/// Pieces that came in a second while all streams were open. A stream that fails brings none.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
async fn rate(target: &Target, streams: usize) -> f64 {
    let began = Instant::now();
    let each = (0..streams).map(|number| async move {
        sleep(BEGIN_WITHIN.mul_f64(number as f64 / streams as f64)).await;
        if let Err(error) = target.ask().await {
            tracing::debug!(%error, "a stream failed");
        }
    });
    let counting = async {
        sleep(BEGIN_WITHIN).await;
        let (before, since) = (target.pieces.load(Ordering::Relaxed), Instant::now());
        sleep(COUNTED).await;
        let pieces = target.pieces.load(Ordering::Relaxed) - before;
        pieces as f64 / since.elapsed().as_secs_f64()
    };
    let (rate, _) = futures_util::future::join(counting, join_all(each)).await;
    tracing::debug!(elapsed = ?began.elapsed(), "a round ended");
    rate
}
