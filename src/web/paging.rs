//! Cursors and page sizes of lists.
//!
//! A cursor is opaque: the id to continue after, bound to its list and tenant by a digest. It is no secret, and holds no
//! right: row-level security decides what a page shows. The digest turns a foreign or damaged cursor into a clear error.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::problem::{ApiError, ProblemCode};
use crate::db::Keyset;
use crate::kernel::ids::TenantId;

/// Rows of a page when `limit` is not given.
pub const DEFAULT_LIMIT: u32 = 50;
/// Most rows of a page.
pub const MAX_LIMIT: u32 = 100;
const DIGEST_BYTES: usize = 8;

/// The cursor that continues list `list` of a tenant after `id`.
pub fn encode_cursor(list: &str, tenant: TenantId, id: Uuid) -> String {
    let mut bytes = id.as_bytes().to_vec();
    bytes.extend_from_slice(&digest(list, tenant, id));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Where the page begins, from the query's `limit` and `cursor`.
///
/// # Errors
/// 400 when the cursor is not one of this list and tenant.
pub fn keyset(
    list: &str,
    tenant: TenantId,
    limit: Option<u32>,
    cursor: Option<&str>,
) -> Result<Keyset, ApiError> {
    let after = cursor.map(|cursor| decode_cursor(list, tenant, cursor)).transpose()?;
    Ok(Keyset { after, limit: limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) })
}

fn decode_cursor(list: &str, tenant: TenantId, cursor: &str) -> Result<Uuid, ApiError> {
    let invalid = || {
        ApiError::new(
            ProblemCode::InvalidCursor,
            "the cursor is not one of this list; take next_cursor of the page before, or leave it out",
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
    let (id, found) = bytes.split_at_checked(16).ok_or_else(invalid)?;
    let id = Uuid::from_slice(id).map_err(|_| invalid())?;
    if found != digest(list, tenant, id) {
        return Err(invalid());
    }
    Ok(id)
}

fn digest(list: &str, tenant: TenantId, id: Uuid) -> [u8; DIGEST_BYTES] {
    let mut hash = Sha256::new();
    hash.update(list.as_bytes());
    hash.update([0]);
    hash.update(tenant.uuid().as_bytes());
    hash.update(id.as_bytes());
    let mut short = [0; DIGEST_BYTES];
    short.copy_from_slice(&hash.finalize()[..DIGEST_BYTES]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_tenant_or_list_is_refused() {
        let (tenant, other) = (TenantId::generate(), TenantId::generate());
        let id = Uuid::from_u128(7);
        let cursor = encode_cursor("documents", tenant, id);
        let page = keyset("documents", tenant, None, Some(&cursor)).expect("own cursor");
        assert_eq!(page.after, Some(id));
        assert!(keyset("documents", other, None, Some(&cursor)).is_err());
        assert!(keyset("sessions", tenant, None, Some(&cursor)).is_err());
        assert!(keyset("documents", tenant, None, Some("%%%")).is_err());
        assert!(keyset("documents", tenant, None, Some("")).is_err());
    }
}
