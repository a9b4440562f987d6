//! Reads each file in a process of its own, so that a file that crashes its reader, or never ends, costs nothing but itself.
//!
//! The process is this same program. It gets the file on its standard input and answers on its standard output; it may
//! neither open files nor reach a network, and its memory, its time and its answer are bounded. Whatever becomes of it is one
//! of the errors here, and the worker lives on.

mod child;
mod confinement;
mod verdict;
mod wire;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

pub use child::run as run_child;
pub(crate) use confinement::{confine, spare_others};

use crate::kernel::priority;

use super::parse::{Extraction, MediaType, ParseError, ParseLimits};
use verdict::verdict;
use wire::Order;

/// First argument that makes this program the reader of one file.
pub const PARSE_FILE: &str = "parse-file";

/// Heard at most of what a dying process says.
const LAST_WORDS_BYTES: usize = 4 << 10;

/// Between two looks at whether a process that reads gives way.
const PLACE_PAUSE: Duration = Duration::from_millis(100);

/// Bounds on a process that reads a file.
#[derive(Clone, Debug)]
pub struct ParserSettings {
    /// Program that is started; this one when absent.
    pub program: Option<PathBuf>,
    /// Bounds that the reader itself keeps.
    pub limits: ParseLimits,
    /// How long a process may take in all.
    pub wall: Duration,
    /// How much of a processor it may use, in seconds.
    pub cpu_seconds: u64,
    /// How much memory it may use beside the program itself, in bytes.
    pub memory_bytes: u64,
    /// How long its answer may be, in bytes.
    pub output_bytes: u64,
    /// Processes at once.
    pub processes: usize,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ParserError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] ParseError),
    /// Reading did not end.
    #[error("reading the file took more than {seconds} seconds; split it into smaller documents")]
    TimedOut { seconds: u64 },
    /// Reading wanted more memory than there is for it.
    #[error(
        "reading the file takes more than {megabytes} MB of memory; split it into smaller documents"
    )]
    OutOfMemory { megabytes: u64 },
    /// The reader fell over the file.
    #[error(
        "reading the file ended abnormally; save it anew with the program that made it, or export its text as Markdown or HTML"
    )]
    Crashed,
    /// The reader was ended by somebody else; nothing is said about the file.
    #[error("reading the file was ended from outside; it is tried again")]
    Killed,
    /// The text is longer than is taken from a reader.
    #[error(
        "what was read of the file is longer than {limit} bytes; split it into smaller documents"
    )]
    OutputTooLong { limit: u64 },
    /// No process could be started; nothing is said about the file.
    #[error("no process could be started to read the file: {0}")]
    Unavailable(#[source] std::io::Error),
}

impl ParserError {
    /// Stable name for APIs and statistics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File(error) => error.code(),
            Self::TimedOut { .. } => "parser_timed_out",
            Self::OutOfMemory { .. } => "parser_out_of_memory",
            Self::Crashed => "parser_crashed",
            Self::Killed => "parser_killed",
            Self::OutputTooLong { .. } => "parser_output_too_long",
            Self::Unavailable(_) => "parser_unavailable",
        }
    }

    /// Whether another attempt on the same file would end in the same way.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Unavailable(_) | Self::Killed)
    }
}

/// Starts a process for each file.
#[derive(Clone, Debug)]
pub struct Parser {
    settings: Arc<ParserSettings>,
    places: Arc<Semaphore>,
}

impl Parser {
    /// A parser with these bounds.
    pub fn new(settings: ParserSettings) -> Self {
        let places = Arc::new(Semaphore::new(settings.processes));
        Self { settings: Arc::new(settings), places }
    }

    /// Reads a file. A process is killed and waited for when this ends without it, also when the caller goes away.
    ///
    /// # Errors
    /// See [`ParserError`].
    pub async fn parse(&self, media: MediaType, bytes: &[u8]) -> Result<Extraction, ParserError> {
        let settings = &*self.settings;
        // Never closed.
        let _place = self.places.acquire().await.map_err(|_| ParserError::Crashed)?;
        let order = Order::new(media, bytes.len(), settings).to_line();
        let mut child = start(settings).map_err(ParserError::Unavailable)?;
        let process = child.id();
        let read = async {
            let heard = talk(&mut child, &order, bytes, settings.output_bytes).await?;
            // One that still talks is not waited for.
            let status = if heard.is_too_long { None } else { Some(child.wait().await?) };
            Ok::<_, std::io::Error>((heard, status))
        };
        let ended = tokio::time::timeout(settings.wall, async {
            tokio::select! {
                biased;
                ended = read => ended,
                never = see_to_its_place(process) => match never {},
            }
        })
        .await;
        // Fails when it has ended by itself.
        let _ = child.start_kill();
        let _ = child.wait().await;
        match ended {
            Err(_) => Err(ParserError::TimedOut { seconds: settings.wall.as_secs().max(1) }),
            Ok(Err(error)) => Err(ParserError::Unavailable(error)),
            Ok(Ok((_, None))) => Err(ParserError::OutputTooLong { limit: settings.output_bytes }),
            Ok(Ok((heard, Some(status)))) => verdict(&heard, status, settings),
        }
    }
}

/// What a process said.
struct Heard {
    answer: Vec<u8>,
    /// The answer is longer than is taken; its end was not heard.
    is_too_long: bool,
    last_words: Vec<u8>,
}

fn start(settings: &ParserSettings) -> std::io::Result<Child> {
    command(settings.program.as_deref(), PARSE_FILE)?.stderr(Stdio::piped()).spawn()
}

/// A process that is to work on what may be hostile, and is spoken to on its standard input and output: this program when none
/// is named, with an argument that tells it what for. It is killed when nobody holds it any more.
pub(crate) fn command(program: Option<&Path>, argument: &str) -> std::io::Result<Command> {
    let program = match program {
        Some(program) => program.to_owned(),
        // The file that runs, also after another was put in its place.
        None if cfg!(target_os = "linux") => PathBuf::from("/proc/self/exe"),
        None => std::env::current_exe()?,
    };
    let mut command = Command::new(program);
    command
        .arg(argument)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

/// Has a process give way that reads for longer, where it could not see to that itself.
async fn see_to_its_place(process: Option<u32>) -> Infallible {
    if let Some(process) = process {
        loop {
            tokio::time::sleep(PLACE_PAUSE).await;
            if priority::has_given_way_as_a_session(process) {
                break;
            }
        }
    }
    std::future::pending().await
}

/// Hands over the file while listening. A process that ends early closes its input: that is no fault of this side.
async fn talk(
    child: &mut Child,
    order: &[u8],
    bytes: &[u8],
    output_bytes: u64,
) -> std::io::Result<Heard> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let tell = async {
        if let Some(mut stdin) = stdin
            && stdin.write_all(order).await.is_ok()
            && stdin.write_all(bytes).await.is_ok()
        {
            let _ = stdin.shutdown().await;
        }
    };
    // One byte more tells what is too long from what is just as long as allowed.
    let answer = read_up_to(stdout, output_bytes.saturating_add(1));
    let ((), answer, last_words) = tokio::join!(tell, answer, read_end(stderr));
    let (answer, last_words) = (answer?, last_words?);
    let is_too_long = u64::try_from(answer.len()).unwrap_or(u64::MAX) > output_bytes;
    Ok(Heard { answer, is_too_long, last_words })
}

async fn read_up_to(
    source: Option<impl AsyncRead + Unpin>,
    limit: u64,
) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::new();
    if let Some(source) = source {
        source.take(limit).read_to_end(&mut read).await?;
    }
    Ok(read)
}

/// Reads to the end and keeps what came last.
async fn read_end(source: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    if let Some(mut source) = source {
        let mut buffer = vec![0; LAST_WORDS_BYTES];
        loop {
            let read = source.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            kept.extend_from_slice(&buffer[..read]);
            kept.drain(..kept.len().saturating_sub(LAST_WORDS_BYTES));
        }
    }
    Ok(kept)
}
