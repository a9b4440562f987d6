//! What a password must be: long enough, short enough to hash, not one that is guessed first. Which characters it is
//! made of is the person's business (OWASP ASVS 5.0, 6.2): nothing is trimmed, folded or cut.

use zxcvbn::zxcvbn;

/// Guesses that somebody needs who tries common passwords, names, dates, keyboard rows and their usual changes in the
/// order of their frequency. Below lie the 30,000 commonest passwords and what is made of them by a capital, a year or a
/// sign at the end; the list is the one of the crate `zxcvbn`, taken from passwords that came out.
const LEAST_GUESSES: u64 = 1_000_000;
/// Shortest login name, or part of one, that a password must not hold: shorter ones stand in many words.
const NAME_CHARS: usize = 4;

/// Bounds of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// Least number of characters of a new one.
    pub min_chars: usize,
    /// Most bytes, of any.
    pub max_bytes: usize,
}

/// Why a password is refused. None of them tells anything of the password to who does not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Too long to hash.
    #[error("must have at most {0} bytes")]
    TooLong(usize),
    /// Programs in C end a text there: such a password would not mean the same everywhere.
    #[error("must not hold the character NUL")]
    Nul,
    /// Too short.
    #[error("must have at least {0} characters; a few words are easy to remember")]
    TooShort(usize),
    /// Guessed early.
    #[error("is among those that are guessed first; take a few unrelated words")]
    Common,
    /// Guessed by who knows the address.
    #[error("must not contain the login name")]
    HoldsName,
    /// A reset is no reset when all stays as it was.
    #[error("must be another one than before")]
    Unchanged,
}

impl PasswordRules {
    /// Whether a password can be one at all: asked before anything is hashed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_form(&self, password: &str) -> Result<(), PasswordFault> {
        if password.len() > self.max_bytes {
            return Err(PasswordFault::TooLong(self.max_bytes));
        }
        if password.contains('\0') {
            return Err(PasswordFault::Nul);
        }
        Ok(())
    }

    /// Whether a password may be a person's new one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_new(&self, password: &str, login_name: &str) -> Result<(), PasswordFault> {
        self.check_form(password)?;
        if password.chars().count() < self.min_chars {
            return Err(PasswordFault::TooShort(self.min_chars));
        }
        let folded = password.to_lowercase();
        let name = login_name.to_lowercase();
        let local = name.split('@').next().unwrap_or_default();
        let holds = |part: &str| part.chars().count() >= NAME_CHARS && folded.contains(part);
        if holds(&name) || holds(local) {
            return Err(PasswordFault::HoldsName);
        }
        let parts: Vec<&str> = name.split(['@', '.', '-', '_', '+']).collect();
        if zxcvbn(password, &parts).guesses() < LEAST_GUESSES {
            return Err(PasswordFault::Common);
        }
        Ok(())
    }
}
