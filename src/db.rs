//! The database: the pool, the two kinds of transaction, errors by constraint name, migrations, the isolation check.
//!
//! Nobody else begins a transaction. Tenant data is reached through [`TenantTx`] only, and through [`TenantRead`] where one
//! statement is enough; stores add their SQL as methods on them. A transaction is never held across a call to a model, an
//! object store or the network.

pub mod analysts;
pub mod audit;
mod error;
pub mod idempotency;
pub mod isolation;
pub mod migrate;
mod page;
mod pool;
mod queue;
mod read;
mod readers;
mod tx;

pub use error::{Error, OnConstraint, RETRIES, Result};
pub use page::{Keyset, Page};
pub use pool::{Db, PoolSettings, pool_options};
pub use queue::{Few, PlaceInLine, PostgresQueue};
pub use read::TenantRead;
pub use tx::{SystemTx, TenantTx};
