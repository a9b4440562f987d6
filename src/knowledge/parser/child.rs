//! The child: confines itself, reads the file, says what stands in it, and ends.

use std::io::{BufRead, Read, Write};
use std::process::ExitCode;

use super::confinement::{confine, spare_others};
use super::wire::{Answer, MAX_ORDER_BYTES, Order};
use crate::knowledge::parse::parse;

/// Runs on the main thread of a process that has started nothing else.
pub fn run() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reading a file: {error}");
            ExitCode::FAILURE
        }
    }
}

fn answer() -> std::io::Result<()> {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    input.by_ref().take(MAX_ORDER_BYTES).read_until(b'\n', &mut line)?;
    let order: Order = serde_json::from_slice(&line)?;
    spare_others();
    // Before a byte of the file is looked at.
    confine(order.memory_bytes, order.cpu_seconds)?;
    let mut file = Vec::with_capacity(order.file_bytes);
    let limit = u64::try_from(order.file_bytes).unwrap_or(u64::MAX);
    input.take(limit).read_to_end(&mut file)?;
    if file.len() != order.file_bytes {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let answer: Answer = parse(order.media, &file, &order.limits);
    drop(file);
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    // A line of its own, whatever a library has printed before.
    output.write_all(b"\n")?;
    serde_json::to_writer(&mut output, &answer)?;
    output.flush()
}
