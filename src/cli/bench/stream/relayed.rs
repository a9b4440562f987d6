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

/// What one system did in a round.
#[derive(Clone, Copy)]
struct Relayed {
    /// Pieces a second.
    rate: f64,
    /// Microseconds of processors for a piece, by the system itself and by what it stores in.
    processor: [f64; 2],
}

pub async fn measure(bench: &Bench, streams: usize, rounds: usize) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let offered = streams as u128 * 1_000 / PACE.as_millis();
    writeln!(out, "\nPieces relayed a second, {streams} streams, {offered} offered:")?;
    let targets = bench.targets();
    let mut relayed: Vec<Vec<Relayed>> = vec![Vec::new(); targets.len()];
    for round in 0..rounds {
        for (target, relayed) in targets.iter().zip(&mut relayed) {
            eprintln!("{}: round {} of {rounds}", target.name, round + 1);
            relayed.push(relay(bench, target, streams).await?);
        }
    }
    let of = |of: &dyn Fn(&Relayed) -> f64| -> Vec<f64> {
        relayed.iter().map(|rounds| median(rounds.iter().map(of).collect())).collect()
    };
    let (rates, own) = (of(&|it| it.rate), of(&|it| it.processor[0]));
    let with_stores = of(&|it| it.processor.iter().sum());
    writeln!(out, "  {:<12}{:>9}{:>18}{:>14}", "", "a second", "us of processor", "with stores")?;
    for (place, target) in targets.iter().enumerate() {
        let (rate, own, all) = (rates[place], own[place], with_stores[place]);
        writeln!(out, "  {:<12}{rate:>9.0}{own:>18.1}{all:>14.1}", target.name)?;
    }
    for (place, target) in targets.iter().enumerate().skip(2) {
        writeln!(
            out,
            "    pidima relays {:.2} times as many as {}, with {:.2} times its processors a piece, {:.2} with stores",
            rates[1] / rates[place],
            target.name,
            own[1] / own[place],
            with_stores[1] / own[place],
        )?;
    }
    Ok(())
}

/// Pieces that came in a second once all streams were open, or their time to begin was over. A stream that fails brings none.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
async fn relay(bench: &Bench, target: &Target, streams: usize) -> anyhow::Result<Relayed> {
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
        let spent_before = bench.processor(target.name);
        let (before, since) = (target.pieces.load(Ordering::Relaxed), Instant::now());
        sleep(COUNTED).await;
        let pieces = (target.pieces.load(Ordering::Relaxed) - before) as f64;
        let (rate, spent) = (pieces / since.elapsed().as_secs_f64(), bench.processor(target.name));
        // Streams end by this alone: before anything can fail.
        bench.stand_in.set(Manner::Burst(1));
        let (before, spent) = (spent_before?, spent?);
        let a_piece = |of: usize| spent[of].saturating_sub(before[of]).as_secs_f64() * 1e6 / pieces;
        Ok(Relayed { rate, processor: [a_piece(0), a_piece(1)] })
    };
    let (relayed, _) = futures_util::future::join(counting, join_all(each)).await;
    relayed
}
