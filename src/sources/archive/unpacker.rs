//! The worker's side of the process that unpacks an archive: starts it, hands the archive over, asks for one file after the other.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::UNPACK_ARCHIVE;
use super::limits::UnpackSettings;
use super::wire::{FileAnswer, Order, PLAN, Plan, TopFolder};
use crate::knowledge::parser::command;
use crate::sources::configuration::Archive;
use crate::sources::files::Refusal;

/// Longest answer for a file, before its bytes.
const MAX_ANSWER_BYTES: u64 = 16 << 10;
/// What one file of a plan takes beside its path, or with one that is refused.
const PLANNED_BYTES: usize = 4_000;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// No process could be started; nothing is said about the archive.
    #[error("no process could be started to unpack the archive: {0}")]
    Unavailable(#[source] std::io::Error),
    /// It did not answer in time.
    #[error("unpacking took more than {0} seconds")]
    TimedOut(u64),
    /// It ended, or said what it never says.
    #[error(
        "unpacking ended abnormally, or took more memory or time of a processor than there is for it"
    )]
    Ended,
}

impl UnpackError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unpacker_unavailable",
            Self::TimedOut(_) => "unpacker_timed_out",
            Self::Ended => "unpacker_ended",
        }
    }
}

/// An archive that a process has open. The process is killed when this goes away.
#[derive(Debug)]
pub struct Unpacking {
    /// Kept for its end.
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Time for one answer.
    wall: Duration,
    /// Longest plan, and longest file.
    max_plan_bytes: u64,
    max_file_bytes: u64,
}

impl Unpacking {
    /// Has an archive opened, of which no more files than so many and one are planned; `strips` is what the source did before
    /// with a folder around everything.
    ///
    /// # Errors
    /// See [`UnpackError`].
    pub async fn start(
        settings: &UnpackSettings,
        wanted: &Archive,
        strips: Option<bool>,
        max_files: u32,
        archive: &[u8],
    ) -> Result<Self, UnpackError> {
        let started = command(settings.program.as_deref(), UNPACK_ARCHIVE)
            .and_then(|mut command| command.stderr(Stdio::null()).spawn());
        let mut child = started.map_err(UnpackError::Unavailable)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(stdout)) = (stdin, stdout) else { return Err(UnpackError::Ended) };
        let limits = &settings.limits;
        // A path may hold nothing but quotes, each of which takes two bytes; one that is shown may be longer.
        let each = limits.path.max_bytes.saturating_mul(2).saturating_add(PLANNED_BYTES);
        let max_files = usize::try_from(max_files).unwrap_or(usize::MAX);
        let max_plan_bytes = each.saturating_mul(max_files.saturating_add(2));
        let mut unpacking = Self {
            _child: child,
            input,
            output: BufReader::new(stdout),
            wall: settings.wall,
            max_plan_bytes: u64::try_from(max_plan_bytes).unwrap_or(u64::MAX),
            max_file_bytes: limits.max_file_bytes,
        };
        let top_folder = TopFolder::of(wanted.strip_top_folder, strips);
        let selection = (&wanted.selection, top_folder);
        let order = Order::new(settings, selection, max_files, archive.len());
        let mut line = serde_json::to_vec(&order).unwrap_or_default();
        line.push(b'\n');
        let hand_over = async {
            let input = &mut unpacking.input;
            input.write_all(&line).await.map_err(|_| UnpackError::Ended)?;
            input.write_all(archive).await.map_err(|_| UnpackError::Ended)?;
            input.flush().await.map_err(|_| UnpackError::Ended)
        };
        in_time(settings.wall, hand_over).await?;
        Ok(unpacking)
    }

    /// What is to be read of the archive.
    ///
    /// # Errors
    /// See [`UnpackError`].
    pub async fn plan(&mut self) -> Result<Plan, UnpackError> {
        in_time(self.wall, self.ask_for_plan()).await
    }

    /// The bytes of a file, or why it can not be had.
    ///
    /// # Errors
    /// See [`UnpackError`].
    pub async fn read(&mut self, entry: usize) -> Result<Result<Vec<u8>, Refusal>, UnpackError> {
        in_time(self.wall, self.ask_for_file(entry)).await
    }

    async fn ask_for_plan(&mut self) -> Result<Plan, UnpackError> {
        let line = self.ask(PLAN, self.max_plan_bytes).await?;
        serde_json::from_slice(&line).map_err(|_| UnpackError::Ended)
    }

    async fn ask_for_file(
        &mut self,
        entry: usize,
    ) -> Result<Result<Vec<u8>, Refusal>, UnpackError> {
        let most = self.max_file_bytes;
        let line = self.ask(&entry.to_string(), MAX_ANSWER_BYTES).await?;
        let answer = serde_json::from_slice::<FileAnswer>(&line);
        let length = match answer.map_err(|_| UnpackError::Ended)? {
            Ok(length) if u64::try_from(length).is_ok_and(|length| length <= most) => length,
            Ok(_) => return Err(UnpackError::Ended),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut bytes = vec![0; length];
        self.output.read_exact(&mut bytes).await.map_err(|_| UnpackError::Ended)?;
        Ok(Ok(bytes))
    }

    /// A question, and the line of its answer, up to so many bytes.
    async fn ask(&mut self, question: &str, most: u64) -> Result<Vec<u8>, UnpackError> {
        let talk = async {
            self.input.write_all(format!("{question}\n").as_bytes()).await?;
            self.input.flush().await?;
            let mut line = Vec::new();
            (&mut self.output).take(most).read_until(b'\n', &mut line).await?;
            Ok::<_, std::io::Error>(line)
        };
        let line = talk.await.map_err(|_| UnpackError::Ended)?;
        if line.ends_with(b"\n") { Ok(line) } else { Err(UnpackError::Ended) }
    }
}

async fn in_time<T>(
    wall: Duration,
    work: impl Future<Output = Result<T, UnpackError>>,
) -> Result<T, UnpackError> {
    let late = || Err(UnpackError::TimedOut(wall.as_secs().max(1)));
    tokio::time::timeout(wall, work).await.unwrap_or_else(|_| late())
}
