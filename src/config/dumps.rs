//! Dumps of collections: how many, how large, for how long, and how they are written.

use std::time::Duration;

use super::Env;

/// Limits of dumps and of what is made of them.
#[derive(Clone, Debug)]
pub struct DumpsConfig {
    /// `PIDIMA_MAX_DUMPS`: most dumps of one tenant; default 10.
    pub max_dumps: u32,
    /// `PIDIMA_DUMP_MAX_BYTES`: largest dump, all its files together; default 17179869184 (16 GiB).
    pub max_bytes: u64,
    /// `PIDIMA_DUMP_LIFETIME_MS`: how long a dump is kept once it is ready or failed; default 604800000 (a week).
    pub lifetime: Duration,
    /// `PIDIMA_DUMP_URL_LIFETIME_MS`: how long the address of a file is good; default 3600000 (an hour).
    pub url_lifetime: Duration,
    /// `PIDIMA_DUMP_MAX_RESTORES`: most restores of one tenant that go on at once; default 2.
    pub max_restores: u32,
    /// `PIDIMA_DUMP_MAX_ATTEMPTS`: attempts before a dump or restore is given up; default 5.
    pub max_attempts: u32,
    /// `PIDIMA_DUMP_CONCURRENCY`: dumps and restores that this process works on at once; default 1.
    pub concurrency: usize,
    /// `PIDIMA_DUMP_ROW_GROUP_ROWS`: most rows of a group, which is held in memory; default 10000.
    pub group_rows: usize,
    /// `PIDIMA_DUMP_ROW_GROUP_BYTES`: bytes of values after which a group ends; default 16777216 (16 MiB).
    pub group_bytes: usize,
}

impl DumpsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            max_dumps: env.number("PIDIMA_MAX_DUMPS", 10, 1, 1_000),
            // A file has 10,000 parts of 8 MiB at most.
            max_bytes: env.number("PIDIMA_DUMP_MAX_BYTES", 16 << 30, 1_024, 64 << 30),
            lifetime: env.millis("PIDIMA_DUMP_LIFETIME_MS", 604_800_000, 1_000, 31_536_000_000),
            // S3 signs nothing for longer than a week.
            url_lifetime: env.millis("PIDIMA_DUMP_URL_LIFETIME_MS", 3_600_000, 1_000, 604_800_000),
            max_restores: env.number("PIDIMA_DUMP_MAX_RESTORES", 2, 1, 1_000),
            max_attempts: env.number("PIDIMA_DUMP_MAX_ATTEMPTS", 5, 1, 20),
            concurrency: env.number("PIDIMA_DUMP_CONCURRENCY", 1, 1, 64),
            group_rows: env.number("PIDIMA_DUMP_ROW_GROUP_ROWS", 10_000, 1, 1_000_000),
            group_bytes: env.number("PIDIMA_DUMP_ROW_GROUP_BYTES", 16 << 20, 1_024, 1 << 28),
        }
    }
}
