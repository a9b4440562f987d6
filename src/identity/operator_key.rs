//! Keys of the operator, `pdo_<key id>_<secret>`: who stands outside the tenants and manages them.

use chrono::TimeDelta;
use uuid::Uuid;

use super::actor::RequestOrigin;
use super::secret::{Secret, plain_id};
use super::store::operator_keys::OperatorKey;
use crate::db::audit::{AuditActor, AuditEntry};
use crate::db::{self, SystemTx};
use crate::kernel::clock;
use crate::kernel::ids::new_id;

/// Days that a key lives when nobody says.
pub const DEFAULT_OPERATOR_DAYS: u32 = 90;
/// Days that a key can live at most.
pub const MAX_OPERATOR_DAYS: u32 = 365;
/// Longest name, in characters.
pub const MAX_OPERATOR_NAME: usize = 100;
const PREFIX: &str = "pdo";

/// The operator, once their key was verified. They have no tenant, so nothing of a tenant can be asked with it.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The key.
    pub operator_key_id: Uuid,
    /// Name of the key.
    pub name: String,
    /// Where the request came from.
    pub request: RequestOrigin,
}

impl Operator {
    /// An entry of a tenant's audit log in the operator's name.
    pub fn audit(&self, action: &'static str) -> AuditEntry {
        let actor = AuditActor {
            kind: "operator",
            id: Some(self.operator_key_id),
            name: self.name.clone(),
        };
        AuditEntry {
            request_id: self.request.request_id.clone(),
            address: self.request.address.map(|address| address.to_string()),
            ..AuditEntry::new(actor, action)
        }
    }
}

/// A parsed key. The secret is never printed.
#[derive(Clone, Debug)]
pub struct OperatorCredential {
    /// Key that it claims to be.
    pub operator_key_id: Uuid,
    secret: Secret<20>,
}

impl OperatorCredential {
    /// A new key with a random secret.
    pub fn generate() -> Self {
        Self { operator_key_id: new_id(), secret: Secret::generate() }
    }

    /// Reads a key; `None` when the text is not of the form above.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('_');
        let (prefix, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        if prefix != PREFIX || parts.next().is_some() {
            return None;
        }
        Some(Self { operator_key_id: plain_id(id)?, secret: Secret::parse(secret)? })
    }

    /// The whole key: shown once, to its maker.
    pub fn expose(&self) -> String {
        format!("{PREFIX}_{}_{}", self.operator_key_id.simple(), self.secret.expose())
    }

    /// What is stored of the secret.
    pub fn secret_sha256(&self) -> [u8; 32] {
        self.secret.sha256()
    }

    fn hint(&self) -> String {
        self.secret.hint()
    }
}

/// Makes a key of the operator: only on the machine, by whoever has the database's address.
///
/// # Errors
/// The database refused.
pub async fn create_operator_key(
    tx: &mut SystemTx,
    name: &str,
    days: u32,
) -> db::Result<OperatorCredential> {
    let credential = OperatorCredential::generate();
    let now = clock::now();
    let key = OperatorKey {
        operator_key_id: credential.operator_key_id,
        name: name.to_owned(),
        hint: credential.hint(),
        created_at: now,
        expires_at: now + TimeDelta::days(days.clamp(1, MAX_OPERATOR_DAYS).into()),
        revoked_at: None,
        last_used_at: None,
    };
    tx.insert_operator_key(&key, &credential.secret_sha256()).await?;
    Ok(credential)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_is_read() {
        let credential = OperatorCredential::generate();
        let good = credential.expose();
        let read = OperatorCredential::parse(&good).expect("well-formed");
        assert_eq!(read.operator_key_id, credential.operator_key_id);
        assert_eq!(read.secret_sha256(), credential.secret_sha256());
        let cut = good[..good.len() - 1].to_owned();
        for bad in [good.to_uppercase(), good.replace("pdo", "pdm"), cut, format!("{good}_x")] {
            assert!(OperatorCredential::parse(&bad).is_none(), "{bad}");
        }
        assert!(!format!("{credential:?}").contains(good.rsplit('_').next().unwrap()));
    }
}
