//! Time to the first event at several numbers of streams at once, and how long a burst of 64 pieces takes.

use std::io::Write;
use std::time::Duration;

use futures_util::future::try_join_all;
use rand::Rng;
use tokio::time::{Instant, sleep};

use super::Bench;
use super::asking::{Target, Times};
use crate::cli::bench::percentiles::Samples;
use crate::cli::bench::stand_in::Manner;

/// Streams at once.
#[derive(Clone, Copy)]
struct Load {
    at_once: usize,
    /// In one round.
    streams: usize,
    /// Whether each lasts a second, as in life; else all is said at once, and the next one begins.
    lasts: bool,
}

const LOADS: [Load; 5] = [
    Load { at_once: 1, streams: 30, lasts: false },
    Load { at_once: 1, streams: 5, lasts: true },
    Load { at_once: 16, streams: 64, lasts: true },
    Load { at_once: 64, streams: 192, lasts: true },
    Load { at_once: 16, streams: 160, lasts: false },
];
/// Pieces of an answer that is said at once.
const PIECES: usize = 64;
/// Pieces of one that lasts, and the time between two of them.
const LASTING: (usize, Duration) = (50, Duration::from_millis(20));
/// Within which the streams begin, so that they do not come together; and the longest rest between two.
const SPREAD: Duration = Duration::from_secs(1);
const REST: Duration = Duration::from_millis(300);

/// What one system took.
#[derive(Default)]
struct Taken {
    first: Samples,
    started: Samples,
    until_text: Samples,
    burst: Samples,
    stored: Samples,
    elapsed: Duration,
}

impl Taken {
    fn push(&mut self, times: Times) {
        self.first.push(times.first);
        self.burst.push(times.last.saturating_sub(times.first));
        if let Some(started) = times.started {
            self.started.push(started);
            self.until_text.push(times.first.saturating_sub(started));
            self.stored.push(times.done.saturating_sub(times.last));
        }
    }

    fn extend(&mut self, other: Self) {
        let Self { first, started, until_text, burst, stored, elapsed } = other;
        self.first.extend(first);
        self.started.extend(started);
        self.until_text.extend(until_text);
        self.burst.extend(burst);
        self.stored.extend(stored);
        self.elapsed += elapsed;
    }

    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    fn per_second(&self) -> f64 {
        self.first.count() as f64 / self.elapsed.as_secs_f64()
    }
}

pub async fn measure(bench: &Bench, rounds: usize) -> anyhow::Result<()> {
    let targets = bench.targets();
    for target in &targets {
        eprintln!("warming {}", target.name);
        bench.stand_in.set(Manner::Burst(PIECES));
        ask_all(target, Load { at_once: 4, streams: 40, lasts: false }).await?;
    }
    for load in LOADS {
        bench.stand_in.set(match load.lasts {
            true => Manner::Paced(LASTING.0, LASTING.1),
            false => Manner::Burst(PIECES),
        });
        let mut taken: Vec<Taken> = targets.iter().map(|_| Taken::default()).collect();
        for round in 0..rounds {
            eprintln!("{} at once: round {} of {rounds}", load.at_once, round + 1);
            for (target, taken) in targets.iter().zip(&mut taken) {
                let began = Instant::now();
                taken.extend(ask_all(target, load).await?);
                taken.elapsed += began.elapsed();
            }
        }
        print(load, &targets, &taken)?;
    }
    Ok(())
}

/// So many streams, so many of them at once: each asks again when its answer has ended.
async fn ask_all(target: &Target, load: Load) -> anyhow::Result<Taken> {
    let each = (0..load.at_once).map(|_| async move {
        let mut taken = Taken::default();
        let rest = async |longest: Duration| {
            if load.lasts {
                let part = rand::rng().random_range(0.0..1.0);
                sleep(longest.mul_f64(part)).await;
            }
        };
        rest(SPREAD).await;
        for _ in 0..load.streams / load.at_once {
            taken.push(target.ask().await?);
            rest(REST).await;
        }
        anyhow::Ok(taken)
    });
    let mut all = Taken::default();
    for taken in try_join_all(each).await? {
        all.extend(taken);
    }
    Ok(all)
}

fn print(load: Load, targets: &[Target], taken: &[Taken]) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let Load { at_once, lasts, .. } = load;
    let kind = if lasts { "each lasts a second" } else { "said at once, the next begins" };
    let streams = taken[0].first.count();
    writeln!(
        out,
        "\nTime to the first text in ms, {at_once} at once, {kind} ({streams} streams each):"
    )?;
    writeln!(
        out,
        "  {:<12}{:>9}{:>9}{:>11}{:>11}{:>11}{:>11}",
        "", "p50", "p99", "added p50", "added p99", "first-last", "streams/s"
    )?;
    let direct = [50, 99].map(|percent| taken[0].first.percentile(percent));
    for (target, taken) in targets.iter().zip(taken) {
        let [p50, p99] = [50, 99].map(|percent| taken.first.percentile(percent));
        writeln!(
            out,
            "  {:<12}{p50:>9.2}{p99:>9.2}{:>11.2}{:>11.2}{:>11.2}{:>11.1}",
            target.name,
            p50 - direct[0],
            p99 - direct[1],
            taken.burst.percentile(50),
            taken.per_second()
        )?;
    }
    let pidima = &taken[1];
    for (what, samples) in [
        ("question stored and told", &pidima.started),
        ("search, model, first text", &pidima.until_text),
        ("answer stored and told", &pidima.stored),
    ] {
        let [p50, p99] = [50, 99].map(|percent| samples.percentile(percent));
        writeln!(out, "    pidima: {what:<28}{p50:>9.2}{p99:>9.2}")?;
    }
    for (target, other) in targets.iter().zip(taken).skip(2) {
        let added = |taken: &Taken, percent, direct| taken.first.percentile(percent) - direct;
        writeln!(
            out,
            "    pidima's added time is {:.2} (p50) and {:.2} (p99) of that of {}",
            added(pidima, 50, direct[0]) / added(other, 50, direct[0]),
            added(pidima, 99, direct[1]) / added(other, 99, direct[1]),
            target.name
        )?;
    }
    Ok(())
}
