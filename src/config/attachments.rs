//! Files of a conversation: how many, and how large.

use super::Env;

/// Limits of attachments.
#[derive(Clone, Copy, Debug)]
pub struct AttachmentsConfig {
    /// `PIDIMA_ATTACHMENTS_MAX_PER_SESSION`: most attachments of a session; default 20.
    pub max_per_session: u32,
    /// `PIDIMA_ATTACHMENTS_MAX_PER_TENANT`: most attachments of all sessions of a tenant together, each version
    /// counted; default 10,000.
    pub max_per_tenant: u32,
    /// `PIDIMA_ATTACHMENTS_MAX_BYTES`: largest attachment, in bytes; default 20 MiB. `PIDIMA_MAX_UPLOAD_BYTES` bounds the form
    /// that brings it.
    pub max_bytes: u64,
}

impl AttachmentsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            max_per_session: env.number("PIDIMA_ATTACHMENTS_MAX_PER_SESSION", 20, 1, 1_000),
            max_per_tenant: env.number("PIDIMA_ATTACHMENTS_MAX_PER_TENANT", 10_000, 1, 1_000_000),
            max_bytes: env.number("PIDIMA_ATTACHMENTS_MAX_BYTES", 20 << 20, 1_024, 1 << 30),
        }
    }
}
