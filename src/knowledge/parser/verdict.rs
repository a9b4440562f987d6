//! What a process that has ended means for the file.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

use super::child::{NOT_CONFINED, NOT_READ, NOT_UNDERSTOOD};
use super::wire::Answer;
use super::{Heard, ParserError, ParserSettings};
use crate::knowledge::parse::Extraction;

/// What the runtime says when it finds no memory.
const NO_MEMORY: &str = "memory allocation of";
/// What a shell or a loader says of a program that it can not start.
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;
/// What it says before it ends; the text behind may be that of the document, which is nothing for a log.
const TELLING: [&str; 4] = [NO_MEMORY, "has overflowed its stack", " panicked at ", NOT_READ];
/// Told of a line of those.
const TOLD_CHARS: usize = 200;

pub(super) fn verdict(
    heard: &Heard,
    status: ExitStatus,
    settings: &ParserSettings,
) -> Result<Extraction, ParserError> {
    if status.success() {
        // Libraries may have talked before; the answer is one line, the last one.
        let line = heard.answer.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let Ok(answer) = serde_json::from_slice::<Answer>(line) else {
            tracing::warn!("a parser gave an answer that is none");
            return Err(ParserError::Crashed);
        };
        let extraction = answer?;
        return if extraction.is_sound() { Ok(extraction) } else { Err(ParserError::Crashed) };
    }
    let last_words = String::from_utf8_lossy(&heard.last_words);
    let telling = last_words.lines().find(|line| TELLING.iter().any(|words| line.contains(words)));
    let told: String = telling.unwrap_or_default().chars().take(TOLD_CHARS).collect();
    tracing::warn!(%status, told, "a parser ended abnormally");
    let Some(signal) = status.signal().and_then(Signal::from_named_raw) else {
        return Err(match status.code() {
            // It has not looked at the file: this house is at fault, and another attempt may find it mended.
            Some(NOT_CONFINED | NOT_UNDERSTOOD | NOT_EXECUTABLE | NOT_FOUND) => {
                ParserError::Unavailable(std::io::Error::other(format!("it ended with {status}")))
            }
            _ => ParserError::Crashed,
        });
    };
    Err(match signal {
        Signal::XCPU => ParserError::TimedOut { seconds: settings.cpu_seconds },
        _ if told.contains(NO_MEMORY) => {
            ParserError::OutOfMemory { megabytes: settings.memory_bytes / 1_000_000 }
        }
        Signal::ABORT | Signal::SEGV | Signal::BUS | Signal::ILL | Signal::FPE | Signal::SYS => {
            ParserError::Crashed
        }
        // Somebody stops this machine, or it is short of memory, whoever took it.
        _ => ParserError::Killed,
    })
}
