//! Random secrets as they stand in keys, cookies and links: lower-case hexadecimal, never printed, stored as a digest.

use std::fmt;

use rand::RngCore;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A secret of `BYTES` random bytes. From 20 on (160 bits) it is far above what can be guessed, so that a plain hash of
/// it is a right store (OWASP ASVS 5.0, 6.5.2).
#[derive(Clone)]
pub struct Secret<const BYTES: usize>(SecretString);

impl<const BYTES: usize> Secret<BYTES> {
    /// A new one.
    pub fn generate() -> Self {
        let mut bytes = [0_u8; BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Self(SecretString::from(hex::encode(bytes)))
    }

    /// Reads one; `None` when the text is not of exactly this form.
    pub fn parse(text: &str) -> Option<Self> {
        is_lower_hex(text, BYTES * 2).then(|| Self(SecretString::from(text.to_owned())))
    }

    /// The text, for the one response that shows it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored of it.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.expose().as_bytes()).into()
    }

    /// Last four characters, to tell keys apart.
    pub fn hint(&self) -> String {
        let text = self.expose();
        text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned()
    }
}

impl<const BYTES: usize> fmt::Debug for Secret<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// An id as it stands beside a secret: 32 lower-case digits, no hyphens.
pub fn plain_id(text: &str) -> Option<Uuid> {
    if !is_lower_hex(text, 32) {
        return None;
    }
    Uuid::parse_str(text).ok()
}

fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_was_written_and_never_printed() {
        let secret = Secret::<20>::generate();
        let read = Secret::<20>::parse(secret.expose()).expect("well-formed");
        assert_eq!(read.sha256(), secret.sha256());
        assert!(secret.expose().ends_with(&secret.hint()) && secret.hint().len() == 4);
        assert!(!format!("{secret:?}").contains(&secret.hint()));
        assert_ne!(Secret::<20>::generate().sha256(), secret.sha256());
    }

    #[test]
    fn anything_but_the_exact_form_is_none() {
        let good = Secret::<20>::generate().expose().to_owned();
        for bad in [&good.to_uppercase(), &good[1..], &format!("{good}0"), "", &"g".repeat(40)] {
            // Digits alone have no upper case.
            assert!(bad == good || Secret::<20>::parse(bad).is_none(), "{bad}");
        }
        assert!(plain_id("0123456789abcdef0123456789abcdef").is_some());
        assert!(plain_id("01234567-89ab-cdef-0123-456789abcdef").is_none());
    }
}
