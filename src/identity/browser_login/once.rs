//! Random texts that are used once: state, nonce, what stands in the form of a choice, and the cookie that ties a login
//! to one browser. What is stored of those that come back is their digest.

use sha2::{Digest, Sha256};

use crate::identity::secret::Secret;

/// 256 random bits.
type OnceText = Secret<32>;

/// A new text: 64 hexadecimal digits.
pub fn random_text() -> String {
    OnceText::generate().expose().to_owned()
}

/// What is stored of a text.
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Whether a text can be one of ours.
pub fn is_well_formed(text: &str) -> bool {
    OnceText::parse(text).is_some()
}
