//! Log lines: readable for people, or one JSON object a line for machines. A thread of their own writes them, so that a reader
//! who takes nothing blocks nobody: lines that find no place in the queue are dropped and counted.

use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;
use std::{io, thread};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use super::spans::TRACED;

/// What is logged and how.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// Filter, as in `info,pidima=debug`.
    pub filter: String,
    /// One JSON object a line.
    pub is_json: bool,
    /// Lines that wait at most.
    pub buffer_lines: usize,
}

/// The counters of all writers.
static COUNTERS: Mutex<Vec<ErrorCounter>> = Mutex::new(Vec::new());

/// Lines that were dropped since the process began.
pub(super) fn dropped_lines() -> u64 {
    let counters = COUNTERS.lock().unwrap_or_else(PoisonError::into_inner);
    counters.iter().map(|counter| counter.dropped_lines() as u64).sum()
}

/// Time for the lines that wait when the process ends, where somebody takes them.
const LAST_LINES: Duration = Duration::from_secs(2);

/// A thread that writes lines.
struct Writing(Option<WorkerGuard>);

impl Drop for Writing {
    /// Waits for what is left to be written, as long as that is taken: the guard itself waits for ever where nobody does.
    fn drop(&mut self) {
        let (done, is_done) = mpsc::channel();
        let guard = self.0.take();
        let waiting = thread::Builder::new().spawn(move || {
            drop(guard);
            // Nobody may wait any more.
            let _heard = done.send(());
        });
        if waiting.is_ok() {
            let _in_time = is_done.recv_timeout(LAST_LINES);
        }
    }
}

/// The thread that writes log lines.
pub(super) struct Logs {
    _writing: Writing,
}

impl Logs {
    pub fn start(settings: &LogSettings) -> (NonBlocking, Self) {
        let (lines, guard) = writer(io::stderr(), "log lines", settings.buffer_lines);
        (lines, Self { _writing: guard })
    }
}

/// Log lines to that writer. Spans that only the collector is told of are none of theirs.
pub(super) fn layer(
    settings: &LogSettings,
    lines: NonBlocking,
) -> Box<dyn Layer<Registry> + Send + Sync> {
    let filter = EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = filter.and(filter_fn(|metadata| metadata.target() != TRACED));
    if settings.is_json {
        let layer = fmt::layer().json().flatten_event(true).with_writer(lines);
        return layer.with_filter(filter).boxed();
    }
    fmt::layer().with_target(false).with_writer(lines).with_filter(filter).boxed()
}

/// Writes whole lines to stdout from a thread of its own.
pub struct LineWriter {
    lines: NonBlocking,
    _writing: Writing,
}

impl LineWriter {
    /// A writer with room for so many lines.
    pub fn stdout(buffer_lines: usize) -> Self {
        let (lines, guard) = writer(io::stdout(), "metrics", buffer_lines);
        Self { lines, _writing: guard }
    }

    /// Writes one line, or drops it when nobody takes them.
    pub fn line(&mut self, text: &str) {
        // It never fails: what finds no room is counted.
        let _written = io::Write::write_all(&mut self.lines, format!("{text}\n").as_bytes());
    }
}

fn writer(
    inner: impl io::Write + Send + 'static,
    thread: &str,
    buffer_lines: usize,
) -> (NonBlocking, Writing) {
    let builder = NonBlockingBuilder::default().lossy(true).thread_name(thread);
    let (lines, guard) = builder.buffered_lines_limit(buffer_lines).finish(inner);
    COUNTERS.lock().unwrap_or_else(PoisonError::into_inner).push(lines.error_counter());
    (lines, Writing(Some(guard)))
}
