//! `Idempotency-Key`: a creating request that is sent again under its key does nothing twice and is answered as before.
//!
//! A handler takes its body as [`Once`], begins with [`crate::db::Db::tenant_once`] and ends with [`Replayable::commit`]; where
//! the request came before, [`Replayable::before`] answers it. The header, its refusals and the mark of a repeated answer
//! stand in the document by that alone.

mod hash;
mod key;
mod reply;

pub use hash::{NoBody, OnceBody, add_part, with_part};
pub use key::{IdempotencyLifetime, KEY_HEADER, MAX_KEY_CHARS, Once};
pub use reply::{REPLAYED_HEADER, Replayable, secret_was_shown};
