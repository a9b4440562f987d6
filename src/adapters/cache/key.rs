//! Names of copies: the one constructor of keys of the cache.

use uuid::Uuid;

use crate::kernel::ids::TenantId;

/// Name of a copy. It holds the tenant: nobody finds the copy of another's row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(String);

impl CacheKey {
    /// What a session is about.
    pub fn session(tenant: TenantId, session_id: Uuid) -> Self {
        // Ids hold no colon: two different pairs never have one key.
        Self(format!("pidima:t:{}:session:{}", tenant.uuid().simple(), session_id.simple()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
