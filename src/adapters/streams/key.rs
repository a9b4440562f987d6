//! Names of logs: the one constructor of keys of streams in Redis.

use uuid::Uuid;

use crate::kernel::ids::TenantId;

/// Name of a run's log. It holds the tenant: who asks for the run of another asks for a log that there is not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamKey(String);

impl StreamKey {
    /// The log of a run.
    pub fn run(tenant: TenantId, run_id: Uuid) -> Self {
        // Ids hold no colon: two different pairs never have one key.
        Self(format!("pidima:t:{}:run:{}", tenant.uuid().simple(), run_id.simple()))
    }

    /// What a reading process writes to itself, to be woken. No run of a tenant has this name.
    pub(super) fn wake(process: Uuid) -> Self {
        Self(format!("pidima:wake:{}", process.simple()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
