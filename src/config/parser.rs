//! Reading files: what the process that reads one may take, and how large a file may be inside.

use std::path::PathBuf;
use std::time::Duration;

use super::Env;

/// Bounds on reading a file.
#[derive(Clone, Debug)]
pub struct ParserConfig {
    /// `PIDIMA_PARSER_PROGRAM`: program that reads files, as this one does; this one when absent.
    pub program: Option<PathBuf>,
    /// `PIDIMA_PARSER_PROCESSES`: files read at once by this process; default 2.
    pub processes: usize,
    /// `PIDIMA_PARSER_TIMEOUT_MS`: time for one file; default 60000.
    pub timeout: Duration,
    /// `PIDIMA_PARSER_CPU_SECONDS`: time of a processor for one file; default 60.
    pub cpu_seconds: u64,
    /// `PIDIMA_PARSER_MEMORY_BYTES`: memory for one file; default 536870912.
    pub memory_bytes: u64,
    /// `PIDIMA_PARSER_OUTPUT_BYTES`: longest answer of the process; default 134217728.
    pub output_bytes: u64,
    /// `PIDIMA_PARSER_MAX_ENTRIES`: most files in an archive; default 1000.
    pub max_entries: usize,
    /// `PIDIMA_PARSER_MAX_UNPACKED_BYTES`: most bytes that come out of a file; default 200000000.
    pub max_unpacked_bytes: usize,
    /// `PIDIMA_PARSER_MAX_RATIO`: most bytes that come out for each byte of the file; default 100.
    pub max_ratio: usize,
    /// `PIDIMA_PARSER_MAX_XML_DEPTH`: deepest nesting of XML; default 256.
    pub max_xml_depth: usize,
    /// `PIDIMA_PARSER_MAX_PAGES`: most pages or slides; default 2000.
    pub max_pages: usize,
    /// `PIDIMA_PARSER_MAX_SHEETS`: most sheets of a workbook; default 256.
    pub max_sheets: usize,
    /// `PIDIMA_PARSER_MAX_CELLS`: most cells of a table or workbook; default 1000000.
    pub max_cells: usize,
}

impl ParserConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            program: env.text("PIDIMA_PARSER_PROGRAM").map(PathBuf::from),
            processes: env.number("PIDIMA_PARSER_PROCESSES", 2, 1, 64),
            timeout: env.millis("PIDIMA_PARSER_TIMEOUT_MS", 60_000, 100, 3_600_000),
            cpu_seconds: env.number("PIDIMA_PARSER_CPU_SECONDS", 60, 1, 3_600),
            memory_bytes: env.number("PIDIMA_PARSER_MEMORY_BYTES", 1 << 29, 1 << 24, 1 << 36),
            output_bytes: env.number("PIDIMA_PARSER_OUTPUT_BYTES", 1 << 27, 1 << 10, 1 << 32),
            max_entries: env.number("PIDIMA_PARSER_MAX_ENTRIES", 1_000, 10, 100_000),
            max_unpacked_bytes: env.number(
                "PIDIMA_PARSER_MAX_UNPACKED_BYTES",
                200_000_000,
                1 << 20,
                1 << 32,
            ),
            max_ratio: env.number("PIDIMA_PARSER_MAX_RATIO", 100, 2, 100_000),
            max_xml_depth: env.number("PIDIMA_PARSER_MAX_XML_DEPTH", 256, 16, 4_096),
            max_pages: env.number("PIDIMA_PARSER_MAX_PAGES", 2_000, 1, 100_000),
            max_sheets: env.number("PIDIMA_PARSER_MAX_SHEETS", 256, 1, 10_000),
            max_cells: env.number("PIDIMA_PARSER_MAX_CELLS", 1_000_000, 100, 100_000_000),
        }
    }
}
