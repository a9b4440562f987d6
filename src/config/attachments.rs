//! Files of a conversation: how many, and how large.

use super::Env;

/// Limits of attachments.
#[derive(Clone, Copy, Debug)]
pub struct AttachmentsConfig {
    /// `PIDIMA_ATTACHMENTS_MAX_PER_SESSION`: most attachments of a session; default 20.
    pub max_per_session: u32,
    /// `PIDIMA_ATTACHMENTS_MAX_BYTES`: largest attachment, in bytes; `PIDIMA_MAX_UPLOAD_BYTES` when absent, and never more.
    pub max_bytes: u64,
}

impl AttachmentsConfig {
    /// Reads the variables named at the fields; `max_upload_bytes` is the largest document.
    pub fn from_env(env: &Env, max_upload_bytes: u64) -> Self {
        let config = Self {
            max_per_session: env.number("PIDIMA_ATTACHMENTS_MAX_PER_SESSION", 20, 1, 1_000),
            max_bytes: env.number("PIDIMA_ATTACHMENTS_MAX_BYTES", max_upload_bytes, 1_024, 1 << 30),
        };
        if config.max_bytes > max_upload_bytes {
            env.fault(format!(
                "PIDIMA_ATTACHMENTS_MAX_BYTES is larger than PIDIMA_MAX_UPLOAD_BYTES ({max_upload_bytes}), which bounds every upload: lower it, or raise the other"
            ));
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_may_be_as_large_as_an_upload_and_not_larger() {
        for (max, faults) in [("2047", 0), ("2048", 0), ("2049", 1)] {
            let env = Env::from_pairs([("PIDIMA_ATTACHMENTS_MAX_BYTES", max)]);
            AttachmentsConfig::from_env(&env, 2_048);
            let told = env.finish().err().map(|error| error.faults).unwrap_or_default();
            assert_eq!(told.len(), faults, "{max}: {told:?}");
        }
        let env = Env::from_pairs([("PIDIMA_UNRELATED", "1")]);
        assert_eq!(AttachmentsConfig::from_env(&env, 2_048).max_bytes, 2_048);
    }
}
