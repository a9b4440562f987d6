//! Recomputes the chain of a tenant's audit log, and names the first entry that is not as it was written.
//!
//! Called by `pidima audit verify`. What it cannot see from the database alone is a log that somebody with all rights
//! wrote anew from some entry on, end included: for that an [`Anchor`] is kept elsewhere.

use super::store::audit_events::{AuditEvent, AuditHead, read_chain};
use crate::db::audit::FIRST;
use crate::db::{self, Db};
use crate::kernel::ids::TenantId;

/// Entries that are read in one transaction.
const BATCH: i64 = 1_000;

/// An entry's digest as it was told at an earlier time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Number of the entry.
    pub sequence: i64,
    /// Its digest.
    pub sha256: [u8; 32],
}

/// What the verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every entry is there, in its place and unchanged.
    Whole(AuditHead),
    /// The log is not as it was written.
    Broken {
        /// First number at which it is not.
        sequence: i64,
        /// What is wrong there.
        reason: String,
    },
}

/// Why a log was not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Not `number:digest`.
    #[error("\"{0}\" is no anchor: give NUMBER:DIGEST as an earlier verification printed it")]
    Anchor(String),
    /// The log could not be read.
    #[error("the audit log cannot be read")]
    Database(#[from] db::Error),
}

impl std::str::FromStr for Anchor {
    type Err = VerifyError;

    fn from_str(text: &str) -> Result<Self, VerifyError> {
        let read = || {
            let (sequence, digest) = text.split_once(':')?;
            let sha256 = hex::decode(digest).ok()?.try_into().ok()?;
            let sequence = sequence.parse().ok().filter(|sequence| *sequence > 0)?;
            Some(Self { sequence, sha256 })
        };
        read().ok_or_else(|| VerifyError::Anchor(text.to_owned()))
    }
}

impl AuditHead {
    /// `number:digest`, as an [`Anchor`] is given.
    pub fn anchor(&self) -> String {
        format!("{}:{}", self.sequence, hex::encode(&self.sha256))
    }
}

/// Verifies the whole log of a tenant, in short transactions: entries may be added meanwhile.
///
/// # Errors
/// The log cannot be read.
pub async fn verify_audit(
    db: &Db,
    tenant: TenantId,
    anchor: Option<&Anchor>,
) -> Result<AuditVerdict, VerifyError> {
    let mut last = AuditHead { sequence: 0, sha256: FIRST.to_vec() };
    loop {
        let (events, head) = read_chain(db, tenant, last.sequence, BATCH).await?;
        for event in &events {
            if let Err(broken) = check(&last, event, anchor) {
                return Ok(broken);
            }
            last = AuditHead { sequence: event.fields.sequence, sha256: event.sha256.clone() };
        }
        if events.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            return Ok(check_end(last, head, anchor));
        }
    }
}

fn broken(sequence: i64, reason: &str) -> AuditVerdict {
    AuditVerdict::Broken { sequence, reason: reason.to_owned() }
}

fn check(
    last: &AuditHead,
    event: &AuditEvent,
    anchor: Option<&Anchor>,
) -> Result<(), AuditVerdict> {
    let wanted = last.sequence + 1;
    if event.fields.sequence != wanted {
        return Err(broken(wanted, "it is missing"));
    }
    if event.previous_sha256 != last.sha256 {
        return Err(broken(
            wanted,
            "it does not follow the entry before it: one of the two is not as it was written",
        ));
    }
    if event.sha256 != event.fields.sha256(&event.previous_sha256) {
        return Err(broken(wanted, "it is not as it was written"));
    }
    match anchor {
        Some(anchor) if anchor.sequence == wanted && event.sha256 != anchor.sha256 => Err(broken(
            wanted,
            "its digest is not that of the anchor: it or an entry before it was written anew",
        )),
        _ => Ok(()),
    }
}

/// The end that the chain leads to must be the end that was noted.
fn check_end(last: AuditHead, head: Option<AuditHead>, anchor: Option<&Anchor>) -> AuditVerdict {
    let noted = head.unwrap_or_else(|| AuditHead { sequence: 0, sha256: FIRST.to_vec() });
    if last.sequence < noted.sequence {
        return broken(last.sequence + 1, "it is missing, with all after it: the end was cut off");
    }
    if last.sequence > noted.sequence {
        return broken(noted.sequence + 1, "it was added by something other than the service");
    }
    if last.sha256 != noted.sha256 {
        return broken(last.sequence.max(1), "it is not the last entry that the service wrote");
    }
    match anchor {
        Some(anchor) if anchor.sequence > last.sequence => broken(
            last.sequence + 1,
            "it is missing, although the anchor is later: the end was cut off",
        ),
        _ => AuditVerdict::Whole(last),
    }
}
