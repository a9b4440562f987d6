//! The process that unpacks: confines itself, takes the archive, and answers until nobody asks any more.

use std::io::{self, BufRead, BufWriter, Error, ErrorKind, Read, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::container::Container;
use super::error::ArchiveError;
use super::plan::plan;
use super::wire::{FileAnswer, MAX_ORDER_BYTES, MAX_REQUEST_BYTES, Order, PLAN, Plan};
use crate::kernel::priority;
use crate::knowledge::parser::{confine, spare_others};

/// Runs on the main thread of a process that has started nothing else.
pub fn run() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("no archive was unpacked: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    // Nobody who asks a question waits for an archive.
    priority::give_way_as_a_session();
    let mut input = io::stdin().lock();
    let order: Order = serde_json::from_slice(line(&mut input, MAX_ORDER_BYTES)?.as_bytes())?;
    spare_others();
    // Before a byte of the archive is looked at.
    confine(order.memory_bytes, order.cpu_seconds)?;
    let mut bytes = Vec::with_capacity(order.archive_bytes);
    let length = u64::try_from(order.archive_bytes).unwrap_or(u64::MAX);
    input.by_ref().take(length).read_to_end(&mut bytes)?;
    if bytes.len() != order.archive_bytes {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let mut archive = Container::open(&bytes, &order.limits);
    let mut output = BufWriter::new(io::stdout().lock());
    loop {
        let asked = line(&mut input, MAX_REQUEST_BYTES)?;
        match asked.trim_end() {
            "" => return Ok(()),
            PLAN => {
                let planned: Plan = match &mut archive {
                    Ok(archive) => plan(archive, &order),
                    Err(error) => Err(error.clone()),
                };
                say(&mut output, &planned)?;
            }
            number => {
                let entry = number.parse().map_err(|_| Error::from(ErrorKind::InvalidInput))?;
                give(&mut output, &mut archive, entry)?;
            }
        }
        output.flush()?;
    }
}

/// Says how long a file is, and gives it.
fn give(
    output: &mut impl Write,
    archive: &mut Result<Container<'_>, ArchiveError>,
    entry: usize,
) -> io::Result<()> {
    // Nobody asks for a file of an archive that has none.
    let archive = archive.as_mut().map_err(|error| Error::other(error.to_string()))?;
    let read = archive.read(entry);
    let answer: FileAnswer = read.as_ref().map(Vec::len).map_err(Clone::clone);
    say(output, &answer)?;
    output.write_all(&read.unwrap_or_default())
}

fn say(output: &mut impl Write, answer: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, answer)?;
    output.write_all(b"\n")
}

/// The next line; empty at the end.
fn line(input: &mut impl BufRead, most: u64) -> io::Result<String> {
    let mut line = String::new();
    input.take(most).read_line(&mut line)?;
    Ok(line)
}
