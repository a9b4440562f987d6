//! A person as an issuer names them, and the digest by which their tenants are found.

use sha2::{Digest, Sha256};

/// Issuer of accounts of our own.
pub const LOCAL: &str = "local";

/// Who an issuer vouches for. Never the e-mail address: that may change hands (OpenID Connect Core 5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Issuer, exactly as its tokens say it; [`LOCAL`] for accounts of our own.
    pub issuer: String,
    /// The issuer's name for the person.
    pub subject: String,
}

impl Identity {
    /// SHA-256 of issuer and subject, each with its length in bytes in front (8, big-endian), so that no two pairs are
    /// written alike.
    pub fn sha256(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for text in [&self.issuer, &self.subject] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        digest.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_that_moves_makes_another_person() {
        let identity = |issuer: &str, subject: &str| Identity {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        };
        assert_ne!(identity("ab", "c").sha256(), identity("a", "bc").sha256());
        assert_eq!(identity("ab", "c").sha256(), identity("ab", "c").sha256());
    }
}
