//! Sources of documents: how many, how often read, and how much one reading takes.

use std::time::Duration;

use super::Env;

/// Limits of sources.
#[derive(Clone, Debug)]
pub struct SyncingConfig {
    /// `PIDIMA_MAX_SOURCES`: most sources of one tenant; default 50.
    pub max_sources: u32,
    /// `PIDIMA_SOURCE_MIN_INTERVAL_MINUTES`: shortest time between two readings by schedule; default 15.
    pub min_interval_minutes: u32,
    /// `PIDIMA_SOURCE_KEEP_RUNS`: runs of a source that are kept; default 100.
    pub keep_runs: u32,
    /// `PIDIMA_SOURCE_KEEP_PAGES`: pages that are kept of a run because they failed or were skipped; default 200.
    pub keep_pages: u32,
    /// `PIDIMA_SOURCE_MAX_DELETED_PERCENT`: a run that would delete a larger part of a source deletes nothing; default 30.
    pub max_deleted_percent: u32,
    /// `PIDIMA_SOURCE_CONCURRENCY`: runs that this process works on at once; default 2.
    pub concurrency: usize,
    /// `PIDIMA_SOURCE_SLICE_MS`: after so long a run lets others go first; default 10000.
    pub slice: Duration,
    /// `PIDIMA_SOURCE_SWEEP_MS`: how often it is looked for sources whose time has come; default 30000.
    pub sweep: Duration,
    /// `PIDIMA_SOURCE_MAX_PAGES`: most pages of a run; default 10000.
    pub max_pages: u32,
    /// `PIDIMA_SOURCE_MAX_SITEMAPS`: most sitemaps of a run; default 100.
    pub max_sitemaps: u32,
    /// `PIDIMA_SOURCE_MAX_DEPTH`: most links between the start and a page; default 20.
    pub max_depth: u32,
    /// `PIDIMA_SOURCE_MAX_LINKS`: most links that are taken from one page; default 2000.
    pub max_links: usize,
    /// `PIDIMA_SOURCE_MAX_PARSE_MS`: longest time for finding the links of one page; default 5000.
    pub max_parse: Duration,
    /// `PIDIMA_SOURCE_MAX_URL_BYTES`: longest address of a page; default 900.
    pub max_url_bytes: usize,
    /// `PIDIMA_SOURCE_MAX_RUN_BYTES`: most bytes that a run reads; default 1073741824.
    pub max_run_bytes: u64,
    /// `PIDIMA_SOURCE_MAX_RUN_MS`: longest time of a run; default 21600000.
    pub max_run: Duration,
    /// `PIDIMA_SOURCE_MAX_PAGE_BYTES`: longest page or sitemap, as it is sent; default 20971520.
    pub max_page_bytes: usize,
    /// `PIDIMA_SOURCE_MAX_SITEMAP_BYTES`: longest sitemap, unpacked; default 52428800.
    pub max_sitemap_bytes: usize,
    /// `PIDIMA_SOURCE_MAX_ROBOTS_BYTES`: how much of a `robots.txt` is read; default 512000.
    pub max_robots_bytes: usize,
    /// `PIDIMA_SOURCE_MAX_REDIRECTS`: redirects that are followed for one page; default 5.
    pub max_redirects: u32,
    /// `PIDIMA_SOURCE_MAX_ATTEMPTS`: attempts at a page before it has failed; default 3.
    pub max_attempts: u32,
    /// `PIDIMA_SOURCE_RETRY_MS`: wait after the first attempt at a page, twice as long after each further one; default 2000.
    pub retry: Duration,
    /// `PIDIMA_SOURCE_MAX_WAIT_MS`: longest wait that a site can ask for with `Retry-After`; default 60000.
    pub max_wait: Duration,
    /// `PIDIMA_SOURCE_DELAY_MS`: time between two requests to one host; default 250.
    pub delay: Duration,
    /// `PIDIMA_SOURCE_MAX_CRAWL_DELAY_MS`: longest time between them that a site can ask for in `robots.txt`; default 2000.
    pub max_crawl_delay: Duration,
    /// `PIDIMA_SOURCE_TIMEOUT_MS`: time for a page, redirects included; default 30000.
    pub timeout: Duration,
    /// `PIDIMA_SOURCE_STOP_GRACE_MS`: what the page in hand may still take when the process is asked to stop; default 5000.
    pub stop_grace: Duration,
    /// `PIDIMA_SOURCE_ARCHIVE_TIMEOUT_MS`: time for an archive, redirects included; default 120000.
    pub archive_timeout: Duration,
    /// `PIDIMA_SOURCE_MAX_ARCHIVE_BYTES`: longest archive, as it is sent; default 67108864.
    pub max_archive_bytes: usize,
    /// `PIDIMA_SOURCE_MAX_ENTRIES`: most files and folders that an archive lists; default 50000.
    pub max_entries: usize,
    /// `PIDIMA_SOURCE_MAX_UNPACKED_BYTES`: most bytes that come out of an archive; default 1073741824.
    pub max_unpacked_bytes: u64,
    /// `PIDIMA_SOURCE_MAX_RATIO`: most bytes that come out for each byte of the archive; default 100.
    pub max_ratio: u64,
    /// `PIDIMA_SOURCE_MAX_FILE_BYTES`: longest file of an archive or bucket; default 20971520.
    pub max_file_bytes: u64,
    /// `PIDIMA_SOURCE_MAX_PATH_BYTES`: longest path of a file; default 700.
    pub max_path_bytes: usize,
    /// `PIDIMA_SOURCE_MAX_PATH_DEPTH`: most names in the path of a file, its own included; default 32.
    pub max_path_depth: usize,
}

impl SyncingConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            max_sources: env.number("PIDIMA_MAX_SOURCES", 50, 1, 10_000),
            min_interval_minutes: env.number("PIDIMA_SOURCE_MIN_INTERVAL_MINUTES", 15, 1, 10_080),
            keep_runs: env.number("PIDIMA_SOURCE_KEEP_RUNS", 100, 1, 10_000),
            keep_pages: env.number("PIDIMA_SOURCE_KEEP_PAGES", 200, 0, 1_000),
            max_deleted_percent: env.number("PIDIMA_SOURCE_MAX_DELETED_PERCENT", 30, 0, 100),
            concurrency: env.number("PIDIMA_SOURCE_CONCURRENCY", 2, 1, 256),
            slice: env.millis("PIDIMA_SOURCE_SLICE_MS", 10_000, 1, 600_000),
            sweep: env.millis("PIDIMA_SOURCE_SWEEP_MS", 30_000, 10, 3_600_000),
            max_pages: env.number("PIDIMA_SOURCE_MAX_PAGES", 10_000, 1, 1_000_000),
            max_sitemaps: env.number("PIDIMA_SOURCE_MAX_SITEMAPS", 100, 1, 50_000),
            max_depth: env.number("PIDIMA_SOURCE_MAX_DEPTH", 20, 0, 1_000),
            max_links: env.number("PIDIMA_SOURCE_MAX_LINKS", 2_000, 1, 100_000),
            max_parse: env.millis("PIDIMA_SOURCE_MAX_PARSE_MS", 5_000, 10, 60_000),
            max_url_bytes: env.number("PIDIMA_SOURCE_MAX_URL_BYTES", 900, 32, 1_000),
            max_run_bytes: env.number("PIDIMA_SOURCE_MAX_RUN_BYTES", 1 << 30, 1, 1 << 40),
            max_run: env.millis("PIDIMA_SOURCE_MAX_RUN_MS", 21_600_000, 1, 604_800_000),
            max_page_bytes: env.number("PIDIMA_SOURCE_MAX_PAGE_BYTES", 20 << 20, 1, 1 << 28),
            max_sitemap_bytes: env.number("PIDIMA_SOURCE_MAX_SITEMAP_BYTES", 50 << 20, 1, 1 << 28),
            max_robots_bytes: env.number("PIDIMA_SOURCE_MAX_ROBOTS_BYTES", 512_000, 1_000, 1 << 24),
            max_redirects: env.number("PIDIMA_SOURCE_MAX_REDIRECTS", 5, 0, 20),
            max_attempts: env.number("PIDIMA_SOURCE_MAX_ATTEMPTS", 3, 1, 20),
            retry: env.millis("PIDIMA_SOURCE_RETRY_MS", 2_000, 1, 600_000),
            max_wait: env.millis("PIDIMA_SOURCE_MAX_WAIT_MS", 60_000, 1, 3_600_000),
            delay: env.millis("PIDIMA_SOURCE_DELAY_MS", 250, 0, 60_000),
            max_crawl_delay: env.millis("PIDIMA_SOURCE_MAX_CRAWL_DELAY_MS", 2_000, 0, 60_000),
            timeout: env.millis("PIDIMA_SOURCE_TIMEOUT_MS", 30_000, 100, 300_000),
            stop_grace: env.millis("PIDIMA_SOURCE_STOP_GRACE_MS", 5_000, 0, 60_000),
            archive_timeout: env.millis("PIDIMA_SOURCE_ARCHIVE_TIMEOUT_MS", 120_000, 100, 600_000),
            max_archive_bytes: env.number("PIDIMA_SOURCE_MAX_ARCHIVE_BYTES", 1 << 26, 1, 1 << 28),
            max_entries: env.number("PIDIMA_SOURCE_MAX_ENTRIES", 50_000, 1, 1_000_000),
            max_unpacked_bytes: env.number("PIDIMA_SOURCE_MAX_UNPACKED_BYTES", 1 << 30, 1, 1 << 40),
            max_ratio: env.number("PIDIMA_SOURCE_MAX_RATIO", 100, 1, 100_000),
            max_file_bytes: env.number("PIDIMA_SOURCE_MAX_FILE_BYTES", 20 << 20, 1, 1 << 28),
            max_path_bytes: env.number("PIDIMA_SOURCE_MAX_PATH_BYTES", 700, 8, 900),
            max_path_depth: env.number("PIDIMA_SOURCE_MAX_PATH_DEPTH", 32, 1, 256),
        }
    }
}
