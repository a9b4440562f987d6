//! The child: confines itself, reads the file, says what stands in it, and ends.

use std::io::{BufRead, Read, Write};
use std::process::ExitCode;

use super::confinement::{confine, spare_others};
use super::wire::{Answer, MAX_ORDER_BYTES, Order};
use crate::kernel::priority;
use crate::knowledge::parse::parse;

/// Ends with this when it can not be confined.
pub(super) const NOT_CONFINED: i32 = 70;
/// Ends with this when it does not understand what it is asked, as another build may not.
pub(super) const NOT_UNDERSTOOD: i32 = 71;
/// What it says before it ends so.
pub(super) const NOT_READ: &str = "no file was read";

/// Why no answer was given.
enum Silent {
    NotUnderstood(std::io::Error),
    NotConfined(std::io::Error),
    Broken(std::io::Error),
}

/// Runs on the main thread of a process that has started nothing else.
pub fn run() -> ExitCode {
    let (error, code) = match answer() {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Silent::NotUnderstood(error)) => (error, NOT_UNDERSTOOD),
        Err(Silent::NotConfined(error)) => (error, NOT_CONFINED),
        Err(Silent::Broken(error)) => (error, 1),
    };
    eprintln!("{NOT_READ}: {error}");
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn answer() -> Result<(), Silent> {
    // Nobody who asks a question waits for a file; nor is what a terminal tells us for one that is half read: we finish it
    // before we go.
    priority::give_way_as_a_session();
    let mut input = std::io::stdin().lock();
    let order = order(&mut input).map_err(Silent::NotUnderstood)?;
    spare_others();
    // Before a byte of the file is looked at.
    confine(order.memory_bytes, order.cpu_seconds).map_err(Silent::NotConfined)?;
    read(&order, input).map_err(Silent::Broken)
}

fn order(input: &mut impl BufRead) -> std::io::Result<Order> {
    let mut line = Vec::new();
    input.take(MAX_ORDER_BYTES).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}

fn read(order: &Order, input: impl Read) -> std::io::Result<()> {
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
