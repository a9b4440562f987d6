//! What a process that has ended means for the file.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

use super::wire::Answer;
use super::{Heard, ParserError, ParserSettings};
use crate::knowledge::parse::Extraction;

/// What the runtime says when it finds no memory.
const NO_MEMORY: &str = "memory allocation of";
/// What it says before it ends; the text behind may be that of the document, which is nothing for a log.
const TELLING: [&str; 3] = [NO_MEMORY, "has overflowed its stack", " panicked at "];
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
    let is = |signal: Signal| status.signal() == Some(signal.as_raw());
    if is(Signal::XCPU) {
        return Err(ParserError::TimedOut { seconds: settings.cpu_seconds });
    }
    // One that has said all is not killed from here: it was the kernel, for want of memory.
    if is(Signal::KILL) || told.contains(NO_MEMORY) {
        return Err(ParserError::OutOfMemory { megabytes: settings.memory_bytes / 1_000_000 });
    }
    Err(ParserError::Crashed)
}
