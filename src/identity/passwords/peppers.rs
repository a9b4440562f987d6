//! Peppers: secrets that go into every hash and lie outside the database, so that whoever steals the database alone can not
//! even try passwords. They are the secret value K of RFC 9106 (3.1), and the id of the one that was used stands in the hash.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretSlice};

/// Peppers of an installation: new hashes have the first one, older hashes theirs.
#[derive(Clone, Default)]
pub struct Peppers(Arc<[Pepper]>);

struct Pepper {
    id: String,
    secret: SecretSlice<u8>,
}

impl Peppers {
    /// Peppers by their ids, the current one first.
    pub fn new(peppers: Vec<(String, SecretSlice<u8>)>) -> Self {
        Self(peppers.into_iter().map(|(id, secret)| Pepper { id, secret }).collect())
    }

    /// Id of the pepper of new hashes; empty where there is none.
    pub fn current(&self) -> &str {
        self.0.first().map_or("", |pepper| pepper.id.as_str())
    }

    /// The secret of an id. No id has none, which is what hashes without a pepper were made with.
    pub fn secret(&self, id: &[u8]) -> Option<&[u8]> {
        if id.is_empty() {
            return Some(&[]);
        }
        let found = self.0.iter().find(|pepper| pepper.id.as_bytes() == id)?;
        Some(found.secret.expose_secret())
    }
}

impl fmt::Debug for Peppers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|pepper| &pepper.id)).finish()
    }
}
