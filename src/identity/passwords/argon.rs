//! argon2id with named parameters, and its text form (PHC). Pure work on the calling thread: `passwords` decides where.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as HashingError, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::RngCore;

use super::{HashError, Verdict};

/// What one hash costs (RFC 9106).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgonSettings {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes of the memory.
    pub lanes: u32,
}

/// Hashes and compares.
#[derive(Clone, Copy, Debug)]
pub struct Argon {
    settings: ArgonSettings,
    /// Stands where nobody's hash is: random, so that no password has it.
    nobody: ([u8; 16], [u8; 32]),
}

impl Argon {
    pub fn new(settings: ArgonSettings) -> Self {
        let (mut salt, mut output) = ([0; 16], [0; 32]);
        rand::rng().fill_bytes(&mut salt);
        rand::rng().fill_bytes(&mut output);
        Self { settings, nobody: (salt, output) }
    }

    /// The PHC text of a password.
    pub fn hash(&self, password: &str) -> Result<String, HashError> {
        let hash: PasswordHash =
            self.context()?.hash_password(password.as_bytes()).map_err(unusable)?;
        Ok(hash.to_string())
    }

    /// Compares in constant time, with the parameters that stand in the stored text.
    pub fn verify(&self, password: &str, stored: &str) -> Result<Verdict, HashError> {
        let parsed = PasswordHash::new(stored).map_err(unusable)?;
        match self.context()?.verify_password(password.as_bytes(), &parsed) {
            Ok(()) => Ok(Verdict::Right { is_outdated: self.is_outdated(&parsed)? }),
            Err(HashingError::PasswordInvalid) => Ok(Verdict::Wrong),
            Err(error) => Err(unusable(error)),
        }
    }

    /// A well-formed text that costs what the settings say and that no password has.
    pub fn nobodys_hash(&self) -> Result<String, HashError> {
        let ArgonSettings { memory_kib, iterations, lanes } = self.settings;
        let (salt, output) = &self.nobody;
        Ok(format!(
            "$argon2id$v=19$m={memory_kib},t={iterations},p={lanes}${}${}",
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(output)
        ))
    }

    /// Whether the stored hash costs less than one made now, or is of another kind.
    fn is_outdated(&self, stored: &PasswordHash) -> Result<bool, HashError> {
        let params = Params::try_from(stored).map_err(unusable)?;
        let ArgonSettings { memory_kib, iterations, lanes } = self.settings;
        Ok(stored.algorithm.as_str() != "argon2id"
            || params.m_cost() < memory_kib
            || params.t_cost() < iterations
            || params.p_cost() < lanes)
    }

    fn context(&self) -> Result<Argon2<'static>, HashError> {
        let ArgonSettings { memory_kib, iterations, lanes } = self.settings;
        let params = Params::new(memory_kib, iterations, lanes, None).map_err(unusable)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// The crate's errors tell of form and parameters, never of the password.
fn unusable(error: impl std::fmt::Display) -> HashError {
    HashError::Unusable(error.to_string())
}
