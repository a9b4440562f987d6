//! Makes a document of what a source holds, by the way of uploads, and says what becomes of it when that can not be done now.

use std::time::Duration;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::fetch::{FetchError, Outlook, Validators};
use super::files::{has_document, refused};
use super::settle::{Fate, Kept, Look};
use super::store::items::Item;
use super::store::leases::ClaimedRun;
use super::store::pages::{NextPage, Retry};
use super::sync::SourceSync;
use crate::db;
use crate::db::idempotency::{Kept as KeptOutcome, Outcome};
use crate::kernel::ids::TenantId;
use crate::knowledge::{Author, NewDocument, Place, Receipt, ReceiveError, Received, SoleSource};

/// Wait while the operator takes no documents.
const SWITCHED_OFF: Duration = Duration::from_secs(60);

/// What is to become a document.
#[derive(Debug)]
pub(super) struct Material {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// File name that tells the format.
    pub format_name: String,
    /// Media type that whoever has it declares.
    pub declared_type: Option<String>,
    /// Where a reader finds it.
    pub source_url: Option<String>,
    /// To ask next time whether it has changed.
    pub validators: Validators,
    /// Pages that it leads to.
    pub links: Vec<String>,
    /// The source, when a document of others is to stay as it is.
    pub sole_source: Option<SoleSource>,
}

impl SourceSync {
    /// Makes a document of a page or file, under the name that the run has for it.
    pub(super) async fn receive(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        page: &NextPage,
        item: Option<&Item>,
        material: Material,
    ) -> Look {
        let digest = Sha256::digest(&material.bytes).to_vec();
        let had = item.filter(|item| item.document_id.is_some());
        let fate = match had {
            None => "new",
            Some(item) if item.content_sha256 == digest => "unchanged",
            Some(_) => "changed",
        };
        let new = NewDocument {
            place: Place::Collection(run.collection_id),
            name: page.url.clone(),
            format_name: Some(material.format_name),
            declared_type: material.declared_type,
            source_url: material.source_url,
            metadata: None,
            bytes: material.bytes,
            created_by: None,
            sole_source: material.sole_source,
        };
        let author = Author::source(tenant, run.source_id, run.collection_id);
        let receipt = Box::pin(self.receiver.receive(&author, new, None, answer)).await;
        let document_id = match receipt {
            Ok(Receipt::Now(outcome) | Receipt::Before(KeptOutcome { outcome, .. })) => {
                outcome.body.and_then(|id| id.parse::<Uuid>().ok())
            }
            Err(error) => {
                // Where a page led is known of one whose document was deleted too; a file leads nowhere.
                let is_known =
                    if page.entry.is_some() { has_document(item) } else { item.is_some() };
                return self.not_received(page, is_known, &error);
            }
        };
        let item = Item {
            url: page.url.clone(),
            document_id,
            etag: material.validators.etag,
            last_modified: material.validators.last_modified,
            content_sha256: digest,
            links: material.links,
        };
        Look { item: Kept::Now(item), ..Look::plain(Fate::Good(fate)) }
    }

    fn not_received(&self, page: &NextPage, is_known: bool, error: &ReceiveError) -> Look {
        let detail = error.to_string();
        match error {
            // What was there before is better than nothing; and where it led, nobody knows now.
            ReceiveError::Unreadable(error) if is_known => {
                Look { item: Kept::AsItWas, ..Look::failed(error.code(), &detail) }
            }
            ReceiveError::Unreadable(error) => Look::skipped(error.code(), &detail),
            ReceiveError::NameTaken => refused(is_known, "name_taken", &detail),
            // Of a session nothing comes from here.
            ReceiveError::UnknownCollection
            | ReceiveError::UnknownSession
            | ReceiveError::TooManyAttachments(_) => Look::failed("collection_gone", &detail),
            ReceiveError::Off(_) => Look::plain(Fate::Again(Retry {
                wait: SWITCHED_OFF,
                counts: false,
                rests: true,
                code: "uploads_off".to_owned(),
                detail,
            })),
            ReceiveError::Objects(_) | ReceiveError::GivenUp | ReceiveError::Database(_) => {
                let (code, detail) = ("not_stored", "it could not be stored".to_owned());
                self.again(page, FetchError { code, detail, outlook: Outlook::Passing })
            }
        }
    }

    /// What became of a page whose worker died each time.
    pub(super) fn begun_too_often(&self, page: &NextPage) -> Option<Look> {
        let attempts = u32::try_from(page.attempts).unwrap_or(u32::MAX);
        if attempts <= self.settings.max_attempts {
            return None;
        }
        let detail = format!("the worker stopped in the middle of {} attempts", attempts - 1);
        Some(Look::failed("worker_lost", &detail))
    }

    /// Another attempt, or none when there were enough.
    pub(super) fn again(&self, page: &NextPage, error: FetchError) -> Look {
        let FetchError { code, detail, outlook } = error;
        let attempts = u32::try_from(page.attempts).unwrap_or(u32::MAX);
        if attempts >= self.settings.max_attempts {
            return Look::failed(code, &detail);
        }
        let asked = if let Outlook::Busy(asked) = outlook { asked } else { None };
        let wait = self.wait_after(attempts, asked);
        let rests = matches!(outlook, Outlook::Busy(_));
        Look::plain(Fate::Again(Retry { wait, counts: true, rests, code: code.to_owned(), detail }))
    }

    /// Wait after so many attempts: twice as long each time, or as long as the site asks; not longer than the limit.
    pub(super) fn wait_after(&self, attempts: u32, asked: Option<Duration>) -> Duration {
        let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let wait = asked.unwrap_or_else(|| self.settings.retry.saturating_mul(factor));
        wait.min(self.settings.max_wait)
    }
}

/// What the receiver answers: the id of the document.
fn answer(received: &Received) -> db::Result<Outcome> {
    let id = received.document.document_id.to_string();
    Ok(Outcome { status: 202, body: Some(id), ..Outcome::default() })
}
