//! Memory of streams that are open and silent.

use std::io::Write;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::sleep;

use super::Bench;
use crate::cli::bench::stand_in::Manner;

/// Streams that begin together: a full queue of connections would be the kernel's matter.
const TOGETHER: usize = 10;
/// Time in which what was needed only to begin is given back.
const SETTLED: Duration = Duration::from_secs(2);

pub async fn measure(bench: &Bench, streams: usize) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "\nMemory of {streams} open streams:")?;
    for target in bench.targets().iter().skip(1) {
        let memory = || match bench.peers.iter().find(|peer| peer.name == target.name) {
            Some(peer) => peer.memory_kib(),
            None => bench.service.memory_kib(),
        };
        // Once before, so that pools and buffers are there.
        for part in [streams / 10, streams] {
            bench.stand_in.set(Manner::Held);
            let before = memory()?;
            let mut open = Vec::with_capacity(part);
            for _ in 0..part.div_ceil(TOGETHER) {
                open.extend(try_join_all((0..TOGETHER).map(|_| target.ask_first())).await?);
            }
            sleep(SETTLED).await;
            let held = memory()?;
            if part == streams {
                #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 KiB")]
                let each = held.saturating_sub(before) as f64 / open.len() as f64;
                writeln!(out, "  {:<12}{each:>8.1} KiB each, {before} KiB before", target.name)?;
            }
            bench.stand_in.set(Manner::Burst(1));
            drop(open);
            sleep(SETTLED).await;
        }
    }
    Ok(())
}
