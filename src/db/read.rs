//! Reads that are one statement, and so one round trip to the server.
//!
//! A transaction costs a trip for its begin and one for its end; a statement alone is a transaction by itself. Such a
//! statement sets the tenant and reads its rows in this order, which the data it passes on enforces:
//!
//! ```sql
//! with tenant as materialized (
//!     select set_config('app.tenant_id', $1::uuid::text, true)::uuid as tenant_id
//! )
//! select …
//! from tenant t
//! cross join lateral (
//!     select …
//!     from sessions s
//!     where s.tenant_id = t.tenant_id
//!     offset 0
//! ) found
//! ```
//!
//! The lateral part can not begin before there is a row of `tenant`, and `offset 0` keeps the planner from dissolving it.
//! Read in another order, or without the first part, row-level security knows no tenant and shows nothing. The setting is
//! local to the statement. `tests/it/reads.rs` holds each statement to this form, and counts the round trips.

use sqlx::PgConnection;

use super::readers::{Lease, Readers};
use super::tx::open;
use crate::kernel::ids::TenantId;
use crate::telemetry::OpenSpan;

/// One look at one tenant's rows. Stores add their single statements as methods that take it whole.
#[derive(Debug)]
pub struct TenantRead {
    lease: Lease,
    readers: Readers,
    tenant: TenantId,
    _span: OpenSpan,
}

impl TenantRead {
    pub(super) fn new(lease: Lease, readers: Readers, tenant: TenantId) -> Self {
        Self { lease, readers, tenant, _span: open("read") }
    }

    /// The tenant, for the first parameter of the statement.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The connection, for the one statement.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.lease.connection()
    }

    /// Ends a read whose statement has given its last row. Without it the connection is cleaned before its next use.
    pub fn done(self) {
        self.readers.give_back(self.lease);
    }
}
