//! Large files that are sent in parts: how large, how many, for how long.

use std::time::Duration;

use super::Env;

/// Most parts of a file: as many as one answer names.
const MOST_PARTS: u64 = 1_000;

/// Limits of large uploads.
#[derive(Clone, Debug)]
pub struct UploadsConfig {
    /// `PIDIMA_LARGE_UPLOAD_MAX_BYTES`: largest file, in bytes; default 200 MiB.
    pub max_bytes: u64,
    /// `PIDIMA_LARGE_UPLOAD_PART_BYTES`: size of each part but the last one, in bytes; default 16 MiB.
    pub part_bytes: u64,
    /// `PIDIMA_LARGE_UPLOAD_MAX_OPEN`: most uploads of a tenant that go on at once; default 20.
    pub max_open: u32,
    /// `PIDIMA_LARGE_UPLOAD_LIFETIME_MS`: time for an upload; default 86400000 (a day).
    pub lifetime: Duration,
    /// `PIDIMA_LARGE_UPLOAD_URL_LIFETIME_MS`: how long the address of a part is good; default 3600000 (an hour).
    pub url_lifetime: Duration,
}

impl UploadsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let config = Self {
            max_bytes: env.number("PIDIMA_LARGE_UPLOAD_MAX_BYTES", 200 << 20, 1_024, 5 << 30),
            // S3 takes no smaller parts than 5 MiB, but for the last.
            part_bytes: env.number("PIDIMA_LARGE_UPLOAD_PART_BYTES", 16 << 20, 5 << 20, 1 << 30),
            max_open: env.number("PIDIMA_LARGE_UPLOAD_MAX_OPEN", 20, 1, 10_000),
            lifetime: env.millis("PIDIMA_LARGE_UPLOAD_LIFETIME_MS", 86_400_000, 1_000, 604_800_000),
            // S3 signs nothing for longer than a week, and whole seconds: half of the time must hold one.
            url_lifetime: env.millis(
                "PIDIMA_LARGE_UPLOAD_URL_LIFETIME_MS",
                3_600_000,
                2_000,
                604_800_000,
            ),
        };
        let parts = config.max_bytes.div_ceil(config.part_bytes);
        if parts > MOST_PARTS {
            env.fault(format!(
                "PIDIMA_LARGE_UPLOAD_PART_BYTES is too small: a file of PIDIMA_LARGE_UPLOAD_MAX_BYTES would have {parts} parts, and there may be {MOST_PARTS}"
            ));
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_thousand_parts_at_most() {
        let part: u64 = 5 << 20;
        for (max, faults) in [(1_000 * part - 1, 0), (1_000 * part, 0), (1_000 * part + 1, 1)] {
            let max = max.to_string();
            let part = part.to_string();
            let env = Env::from_pairs([
                ("PIDIMA_LARGE_UPLOAD_MAX_BYTES", max.as_str()),
                ("PIDIMA_LARGE_UPLOAD_PART_BYTES", part.as_str()),
            ]);
            UploadsConfig::from_env(&env);
            let told = env.finish().err().map(|error| error.faults).unwrap_or_default();
            assert_eq!(told.len(), faults, "{max}: {told:?}");
        }
    }
}
