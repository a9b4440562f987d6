//! Random texts that are used once: state, nonce, what stands in the form of a choice, and the cookie that ties a login
//! to one browser. What is stored of those that come back is their digest.

use rand::RngCore;
use sha2::{Digest, Sha256};

/// 256 random bits.
const BYTES: usize = 32;

/// A new text: 64 hexadecimal digits.
pub fn random_text() -> String {
    let mut bytes = [0_u8; BYTES];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// What is stored of a text.
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Whether a text can be one of ours.
pub fn is_well_formed(text: &str) -> bool {
    crate::identity::credential::is_lower_hex(text, BYTES * 2)
}
