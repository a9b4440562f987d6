//! Flags: what the operator switches off for a while, as for maintenance, for everybody or for one tenant.
//!
//! The settings say what holds for all, and may change while the service runs; a tenant may have a flag of its own, which
//! wins both ways: one can be let in where all others wait.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::db::{self, TenantTx};

/// What can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// Documents are taken.
    Uploads,
    /// Questions are answered.
    Questions,
    /// Files are attached to sessions.
    Attachments,
}

impl Flag {
    /// All flags.
    pub const ALL: [Self; 3] = [Self::Uploads, Self::Questions, Self::Attachments];

    /// Name, as in rows, parameters and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploads => "uploads",
            Self::Questions => "questions",
            Self::Attachments => "attachments",
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Flag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = Self::ALL.map(Self::as_str).join(", ");
        let found = Self::ALL.into_iter().find(|flag| flag.as_str() == text);
        found.ok_or_else(|| format!("there is no flag {text}; give one of {names}"))
    }
}

/// Why a flag keeps something from being done.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    /// It is switched off.
    #[error("{0} are switched off by the operator for the time being; try again later")]
    Off(Flag),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Flags as they are for tenants that have none of their own. Clones share them.
#[derive(Clone, Debug)]
pub struct Flags(Arc<Switches>);

#[derive(Debug)]
struct Switches {
    uploads: AtomicBool,
    questions: AtomicBool,
    attachments: AtomicBool,
}

impl Default for Flags {
    /// Everything is on.
    fn default() -> Self {
        let on = || AtomicBool::new(true);
        Self(Arc::new(Switches { uploads: on(), questions: on(), attachments: on() }))
    }
}

impl Flags {
    /// Switches for all tenants that have no flag of their own; whether it was the other way.
    pub fn set(&self, flag: Flag, is_on: bool) -> bool {
        self.of(flag).swap(is_on, Ordering::Relaxed) != is_on
    }

    /// Goes on where a flag is on for the transaction's tenant.
    ///
    /// # Errors
    /// [`FlagError::Off`] where it is not.
    pub async fn require(&self, tx: &mut TenantTx, flag: Flag) -> Result<(), FlagError> {
        let own = tx.find_flag(flag).await?;
        if own.unwrap_or_else(|| self.of(flag).load(Ordering::Relaxed)) {
            Ok(())
        } else {
            Err(FlagError::Off(flag))
        }
    }

    fn of(&self, flag: Flag) -> &AtomicBool {
        match flag {
            Flag::Uploads => &self.0.uploads,
            Flag::Questions => &self.0.questions,
            Flag::Attachments => &self.0.attachments,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_no_others() {
        for flag in Flag::ALL {
            assert_eq!(flag.as_str().parse(), Ok(flag));
        }
        let told = "downloads".parse::<Flag>().expect_err("no flag");
        assert!(told.ends_with("uploads, questions, attachments"), "{told}");
    }

    #[test]
    fn clones_share_the_switches() {
        let flags = Flags::default();
        let clone = flags.clone();
        assert!(flags.set(Flag::Uploads, false));
        assert!(!clone.set(Flag::Uploads, false));
        assert!(!clone.set(Flag::Questions, true));
    }
}
