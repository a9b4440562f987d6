//! Keys of the operator: never remembered, since they are few and can do much.

use chrono::Utc;
use subtle::ConstantTimeEq;

use super::{Denied, Verifier};
use crate::identity::actor::RequestOrigin;
use crate::identity::operator_key::{Operator, OperatorCredential};

impl Verifier {
    /// The operator behind a key.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn verify_operator(
        &self,
        text: &str,
        request: RequestOrigin,
    ) -> Result<Operator, Denied> {
        let credential = OperatorCredential::parse(text).ok_or(Denied::Unknown)?;
        let mut tx = self.db.system().await?;
        let found = tx.find_operator_key_secret(credential.operator_key_id).await?;
        // An unknown key is compared too, so that the answer takes the same time.
        let (key, stored) = match found {
            Some((key, secret_sha256)) => (Some(key), secret_sha256),
            None => (None, vec![0; 32]),
        };
        let equal = bool::from(stored.as_slice().ct_eq(&credential.secret_sha256()));
        let key = key.filter(|_| equal).ok_or(Denied::Unknown)?;
        if key.revoked_at.is_some() {
            return Err(Denied::Revoked);
        }
        if key.expires_at <= Utc::now() {
            return Err(Denied::Expired);
        }
        tx.note_operator_key_use(key.operator_key_id).await?;
        tx.commit().await?;
        Ok(Operator { operator_key_id: key.operator_key_id, name: key.name, request })
    }
}
