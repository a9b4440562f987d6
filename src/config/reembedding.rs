//! Changing the embedding model of a collection: how the work is cut up, and how long what is old is kept.

use std::time::Duration;

use super::Env;

/// Limits of re-embedding.
#[derive(Clone, Debug)]
pub struct ReembeddingConfig {
    /// `PIDIMA_REEMBEDDING_BATCH`: passages that are embedded and stored at once; default 32.
    pub batch: usize,
    /// `PIDIMA_REEMBEDDING_CONCURRENCY`: re-embeddings that this process works on at once; default 1.
    pub concurrency: usize,
    /// `PIDIMA_REEMBEDDING_SLICE_MS`: after so long a re-embedding lets others go first; default 10000.
    pub slice: Duration,
    /// `PIDIMA_REEMBEDDING_MAX_ATTEMPTS`: attempts in a row that embed nothing before it is given up; default 10.
    pub max_attempts: u32,
    /// `PIDIMA_REEMBEDDING_RETRY_MS`: wait after the first of them, twice as long after each further one; default 2000.
    pub retry: Duration,
    /// `PIDIMA_REEMBEDDING_SAMPLE`: questions of which the nearest passages are compared; default 50.
    pub sample: u32,
    /// `PIDIMA_REEMBEDDING_DEPTH`: nearest passages that are compared for each; default 10.
    pub depth: u32,
    /// `PIDIMA_REEMBEDDING_KEEP_MS`: how long old vectors are kept after the switch; default 604800000.
    pub keep: Duration,
    /// `PIDIMA_REEMBEDDING_SWEEP_MS`: how often it is looked for vectors whose time is over; default 60000.
    pub sweep: Duration,
    /// `PIDIMA_REEMBEDDING_LOOK_MS`: how often one that is ready or switched to is looked through for documents that lack
    /// vectors; default 300000.
    pub look: Duration,
    /// `PIDIMA_REEMBEDDING_LATE_MS`: for how long after it is completed that is still done; default 604800000.
    pub late: Duration,
}

impl ReembeddingConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            batch: env.number("PIDIMA_REEMBEDDING_BATCH", 32, 1, 512),
            concurrency: env.number("PIDIMA_REEMBEDDING_CONCURRENCY", 1, 1, 256),
            slice: env.millis("PIDIMA_REEMBEDDING_SLICE_MS", 10_000, 1, 600_000),
            max_attempts: env.number("PIDIMA_REEMBEDDING_MAX_ATTEMPTS", 10, 1, 100),
            retry: env.millis("PIDIMA_REEMBEDDING_RETRY_MS", 2_000, 1, 300_000),
            sample: env.number("PIDIMA_REEMBEDDING_SAMPLE", 50, 0, 1_000),
            depth: env.number("PIDIMA_REEMBEDDING_DEPTH", 10, 1, 100),
            keep: env.millis("PIDIMA_REEMBEDDING_KEEP_MS", 604_800_000, 0, 31_536_000_000),
            sweep: env.millis("PIDIMA_REEMBEDDING_SWEEP_MS", 60_000, 10, 3_600_000),
            look: env.millis("PIDIMA_REEMBEDDING_LOOK_MS", 300_000, 10, 86_400_000),
            late: env.millis("PIDIMA_REEMBEDDING_LATE_MS", 604_800_000, 0, 31_536_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_at_their_bounds_and_refused_beyond() {
        let bounds: [(&str, i64, i64); 11] = [
            ("PIDIMA_REEMBEDDING_BATCH", 1, 512),
            ("PIDIMA_REEMBEDDING_CONCURRENCY", 1, 256),
            ("PIDIMA_REEMBEDDING_SLICE_MS", 1, 600_000),
            ("PIDIMA_REEMBEDDING_MAX_ATTEMPTS", 1, 100),
            ("PIDIMA_REEMBEDDING_RETRY_MS", 1, 300_000),
            ("PIDIMA_REEMBEDDING_SAMPLE", 0, 1_000),
            ("PIDIMA_REEMBEDDING_DEPTH", 1, 100),
            ("PIDIMA_REEMBEDDING_KEEP_MS", 0, 31_536_000_000),
            ("PIDIMA_REEMBEDDING_SWEEP_MS", 10, 3_600_000),
            ("PIDIMA_REEMBEDDING_LOOK_MS", 10, 86_400_000),
            ("PIDIMA_REEMBEDDING_LATE_MS", 0, 31_536_000_000),
        ];
        for (name, least, most) in bounds {
            for (number, fits) in
                [(least - 1, false), (least, true), (most, true), (most + 1, false)]
            {
                let env = Env::from_pairs([(name, number.to_string())]);
                ReembeddingConfig::from_env(&env);
                assert_eq!(env.finish().is_ok(), fits, "{name} {number}");
            }
        }
    }
}
