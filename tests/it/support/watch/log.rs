//! What this process logs, kept whole: all tests log into it, and each looks through what came since it began.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Starts keeping, once; where the log stands now.
pub fn start() -> usize {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // Finer than anybody sets it in production. Drivers tell the statements, which hold no values.
        let filter = EnvFilter::new("debug,pidima=trace,sqlx=info");
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Keep);
        tracing_subscriber::registry().with(filter).with(layer).try_init().unwrap();
    });
    LINES.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// What was logged since.
pub fn since(start: usize) -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&lines[start..]).into_owned()
}

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Keep {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}
