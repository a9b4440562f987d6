//! argon2id with named parameters, and its text form (PHC). Pure work on the calling thread, in memory that the caller
//! lends: `hashers` decides where.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, KeyId, Params, ParamsBuilder, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::RngCore;
use subtle::ConstantTimeEq;

use super::hashers::Memory;
use super::{HashError, Peppers, Verdict};

/// 128 random bits and a hash of 256, as RFC 9106 (section 4) recommends.
const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

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
#[derive(Clone, Debug)]
pub struct Argon {
    settings: ArgonSettings,
    peppers: Peppers,
    /// Stand where nobody's hash is: random, so that no password has them.
    nobody: ([u8; SALT_BYTES], [u8; OUTPUT_BYTES]),
}

impl Argon {
    pub fn new(settings: ArgonSettings, peppers: Peppers) -> Self {
        let (mut salt, mut output) = ([0; SALT_BYTES], [0; OUTPUT_BYTES]);
        rand::rng().fill_bytes(&mut salt);
        rand::rng().fill_bytes(&mut output);
        Self { settings, peppers, nobody: (salt, output) }
    }

    /// The PHC text of a password.
    pub fn hash(&self, password: &str, memory: &mut Memory) -> Result<String, HashError> {
        let context = self.context(Algorithm::Argon2id, Version::V0x13, self.params()?)?;
        let (mut salt, mut output) = ([0; SALT_BYTES], [0; OUTPUT_BYTES]);
        rand::rng().fill_bytes(&mut salt);
        fill(&context, password, &salt, &mut output, memory)?;
        Ok(self.text_of(&salt, &output))
    }

    /// Compares in constant time, with the parameters that stand in the stored text.
    pub fn verify(
        &self,
        password: &str,
        stored: &str,
        memory: &mut Memory,
    ) -> Result<Verdict, HashError> {
        let parsed = PasswordHash::new(stored).map_err(unusable)?;
        let params = Params::try_from(&parsed).map_err(unusable)?;
        let algorithm = Algorithm::try_from(parsed.algorithm.as_str()).map_err(unusable)?;
        let version = parsed.version.map_or(Ok(Version::V0x13), Version::try_from);
        let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
            return Err(HashError::Unusable("the stored text lacks salt or hash".to_owned()));
        };
        let mut found = vec![0; expected.len()];
        let is_outdated = self.is_outdated(algorithm, &params);
        let context = self.context(algorithm, version.map_err(unusable)?, params)?;
        fill(&context, password, salt.as_ref(), &mut found, memory)?;
        match bool::from(found.as_slice().ct_eq(expected.as_bytes())) {
            true => Ok(Verdict::Right { is_outdated }),
            false => Ok(Verdict::Wrong),
        }
    }

    /// A well-formed text that costs what the settings say and that no password has.
    pub fn nobodys_hash(&self) -> String {
        let (salt, output) = &self.nobody;
        self.text_of(salt, output)
    }

    fn params(&self) -> Result<Params, HashError> {
        let ArgonSettings { memory_kib, iterations, lanes } = self.settings;
        let mut builder = ParamsBuilder::new();
        builder.m_cost(memory_kib).t_cost(iterations).p_cost(lanes).output_len(OUTPUT_BYTES);
        builder.keyid(KeyId::new(self.peppers.current().as_bytes()).map_err(unusable)?);
        builder.build().map_err(unusable)
    }

    /// Hashes with the pepper that the parameters name.
    fn context(
        &self,
        algorithm: Algorithm,
        version: Version,
        params: Params,
    ) -> Result<Argon2<'_>, HashError> {
        let secret = self.peppers.secret(params.keyid()).ok_or_else(|| {
            let id = String::from_utf8_lossy(params.keyid()).into_owned();
            HashError::Unusable(format!(
                "the pepper {id} of the stored hash is not in the settings"
            ))
        })?;
        Argon2::new_with_secret(secret, algorithm, version, params).map_err(unusable)
    }

    /// Whether the stored hash costs less than one made now, has another pepper, or is of another kind.
    fn is_outdated(&self, algorithm: Algorithm, params: &Params) -> bool {
        let ArgonSettings { memory_kib, iterations, lanes } = self.settings;
        algorithm != Algorithm::Argon2id
            || params.m_cost() < memory_kib
            || params.t_cost() < iterations
            || params.p_cost() < lanes
            || params.keyid() != self.peppers.current().as_bytes()
    }

    fn text_of(&self, salt: &[u8], output: &[u8]) -> String {
        let ArgonSettings { memory_kib, iterations, lanes } = self.settings;
        let pepper = match self.peppers.current() {
            "" => String::new(),
            id => format!(",keyid={}", STANDARD_NO_PAD.encode(id)),
        };
        format!(
            "$argon2id$v=19$m={memory_kib},t={iterations},p={lanes}{pepper}${}${}",
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(output)
        )
    }
}

/// Hashes into `output`; the memory grows where it must, and is kept.
fn fill(
    context: &Argon2<'_>,
    password: &str,
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Memory,
) -> Result<(), HashError> {
    let blocks = context.params().block_count();
    if memory.len() < blocks {
        memory.resize(blocks, argon2::Block::new());
    }
    let memory = memory.get_mut(..blocks).unwrap_or_default();
    context
        .hash_password_into_with_memory(password.as_bytes(), salt, output, memory)
        .map_err(unusable)
}

/// The crate's errors tell of form and parameters, never of the password.
fn unusable(error: impl std::fmt::Display) -> HashError {
    HashError::Unusable(error.to_string())
}
