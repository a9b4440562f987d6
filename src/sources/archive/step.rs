//! One step of a run that reads an archive: it is fetched, then looked through as a whole, then its files come in one by one.

use std::time::Duration;

use reqwest::Url;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::container::format;
use super::fetch::Came;
use super::unpacker::{UnpackError, Unpacking};
use crate::db;
use crate::kernel::ids::{TenantId, new_id};
use crate::knowledge::{StoreContentError, hold_content};
use crate::sources::configuration::Archive;
use crate::sources::fetch::{Content, FetchError, Fetched, Outlook, Validators};
use crate::sources::files::{has_document, refused, refused_before};
use crate::sources::settle::Look;
use crate::sources::stopping::{STOPPED, given_back};
use crate::sources::store::leases::ClaimedRun;
use crate::sources::store::pages::NextPage;
use crate::sources::sync::{Next, OVERTIME, SourceSync, Step};

/// Wait while something of our own is away.
const AWAY: Duration = Duration::from_secs(60);

impl SourceSync {
    /// Goes one step on; `open` is the archive as this slice has it open.
    pub(in crate::sources) async fn step_through_archive(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        archive: &Archive,
        open: &mut Option<Unpacking>,
        stop: &CancellationToken,
    ) -> db::Result<Step> {
        if !run.is_planned
            && let Some(limit) = self.limit_met(run)
        {
            run.limit_code.get_or_insert_with(|| limit.to_owned());
            return self.conclude(tenant, run).await;
        }
        let Some(content_id) = run.content_id else {
            // Until it is noted, nothing of it is known to anybody: what is left of it is removed, and it is fetched anew.
            let begun = Box::pin(self.begin_archive(tenant, run, archive));
            return self.unless_stopped(stop, begun).await.unwrap_or(Ok(STOPPED));
        };
        if open.is_none() {
            let opened = Box::pin(self.open_archive(tenant, run, archive, content_id));
            match self.unless_stopped(stop, opened).await {
                Some(Ok(Ok(unpacking))) => *open = Some(unpacking),
                Some(Ok(Err(step))) => return Ok(step),
                Some(Err(error)) => return Err(error),
                None => return Ok(STOPPED),
            }
            // What comes next would have another while.
            if stop.is_cancelled() {
                return Ok(STOPPED);
            }
        }
        let Some(unpacking) = open.as_mut() else { return Ok(Step::Next) };
        if !run.is_planned {
            let planned = Box::pin(self.plan_archive(tenant, run, unpacking));
            return self.unless_stopped(stop, planned).await.unwrap_or(Ok(STOPPED));
        }
        let page = match self.next_page(tenant, run, self.settings.delay).await? {
            Next::Look(page) => page,
            Next::Instead(step) => return Ok(step),
        };
        let looked = Box::pin(self.look_at_file(tenant, run, unpacking, &page, stop));
        let (look, is_sound) = looked.await?;
        if !is_sound {
            *open = None;
        }
        self.settle(tenant, run, &page, look).await
    }

    /// Opens the archive that is held, or says what comes instead.
    async fn open_archive(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        archive: &Archive,
        content_id: Uuid,
    ) -> db::Result<Result<Unpacking, Step>> {
        let bytes = match self.receiver.held_content(tenant, content_id).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let detail = "the archive was held too long; start the source once more";
                let reason = ("archive_lost".to_owned(), detail.to_owned());
                return self.fail(tenant, run, reason).await.map(Err);
            }
            Err(error) => return Ok(Err(away(&error))),
        };
        let strips = self.db.tenant(tenant).await?.find_top_folder(run.source_id).await?;
        let most = self.page_limit(run);
        match Unpacking::start(&self.unpack, archive, strips, most, &bytes).await {
            Ok(unpacking) => Ok(Ok(unpacking)),
            Err(error) => self.not_unpacked(tenant, run, &error).await.map(Err),
        }
    }

    /// Fetches the archive and holds it, or sees that it is the one that was read before.
    async fn begin_archive(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        archive: &Archive,
    ) -> db::Result<Step> {
        let url = Url::parse(&archive.url).ok();
        if let Some(wait) = url.as_ref().and_then(Url::host_str).and_then(|it| self.long_wait(it)) {
            return Ok(Step::Later(wait));
        }
        let known = self.db.tenant(tenant).await?.find_source_validators(run.source_id).await?;
        let known = known.unwrap_or_default();
        match self.fetch_archive(tenant, run, &archive.url, &known).await? {
            Came::NotOurs => Ok(Step::Over),
            Came::Trouble(FetchError { code, detail, .. }) => {
                let detail = format!("the archive could not be fetched: {detail}");
                self.fail(tenant, run, (code.to_owned(), detail)).await
            }
            Came::Answer(Fetched::Gone(status)) => {
                let detail = format!("the server has no archive there: it answered {status}");
                self.fail(tenant, run, ("gone".to_owned(), detail)).await
            }
            Came::Answer(Fetched::NotModified) => self.keep_all(tenant, run).await,
            Came::Answer(Fetched::Content(content)) => {
                self.hold_archive(tenant, run, *content).await
            }
        }
    }

    /// Ends the looking: everything is as it was.
    async fn keep_all(&self, tenant: TenantId, run: &mut ClaimedRun) -> db::Result<Step> {
        let mut tx = self.db.tenant(tenant).await?;
        if !tx.lock_source_lease(run).await? {
            return Ok(Step::Over);
        }
        run.pages_found = tx.touch_source_items(run).await?;
        "removing".clone_into(&mut run.phase);
        if !tx.keep_source_run(run, self.settings.lease).await? {
            return Ok(Step::Over);
        }
        tx.commit().await?;
        Ok(Step::Next)
    }

    async fn hold_archive(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        content: Content,
    ) -> db::Result<Step> {
        if format(&content.body).is_none() {
            let detail = "what came is no zip, tar or tar.gz archive".to_owned();
            return self.fail(tenant, run, ("archive_unsupported".to_owned(), detail)).await;
        }
        let length = i64::try_from(content.body.len()).unwrap_or(i64::MAX);
        let content_id = new_id();
        let bytes = Vec::from(content.body);
        match self.receiver.store_content(tenant, content_id, bytes).await {
            Ok(()) => {}
            Err(StoreContentError::Database(error)) => return Err(error),
            Err(StoreContentError::Objects(error)) => return Ok(away(&error)),
        }
        let mut tx = self.db.tenant(tenant).await?;
        // The source before its run, as for whoever deletes it. What it knew of the archive holds no longer: files of this one come
        // in whether the run comes to its end or not.
        tx.put_source_validators(run.source_id, &Validators::default()).await?;
        let time = self.settings.max_run + OVERTIME * 2;
        if !hold_content(&mut tx, content_id, time).await? {
            // Storing it took so long that it was taken for left over.
            return Ok(Step::Next);
        }
        tx.put_source_content(run, content_id, &content.validators).await?;
        run.content_id = Some(content_id);
        run.bytes_read += length;
        if !tx.keep_source_run(run, self.settings.lease).await? {
            return Ok(Step::Over);
        }
        tx.commit().await?;
        Ok(Step::Next)
    }

    /// Notes all that is to be looked at.
    async fn plan_archive(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        unpacking: &mut Unpacking,
    ) -> db::Result<Step> {
        match unpacking.plan().await {
            Ok(Ok(planned)) => {
                if !planned.files.is_empty() {
                    let mut tx = self.db.tenant(tenant).await?;
                    // Documents are named so from now on. The source before its run, as for whoever deletes it.
                    tx.put_top_folder(run.source_id, planned.strips_top_folder).await?;
                    if !tx.lock_source_lease(run).await? {
                        return Ok(Step::Over);
                    }
                    tx.commit().await?;
                }
                self.note_plan(tenant, run, planned.files).await
            }
            Ok(Err(error)) => {
                let reason = (error.code().to_owned(), error.to_string());
                self.fail(tenant, run, reason).await
            }
            Err(error) => self.not_unpacked(tenant, run, &error).await,
        }
    }

    /// Looks at one file; and whether the archive is still open.
    async fn look_at_file(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        unpacking: &mut Unpacking,
        page: &NextPage,
        stop: &CancellationToken,
    ) -> db::Result<(Look, bool)> {
        if let Some(look) = self.begun_too_often(page) {
            return Ok((look, true));
        }
        let item = self.db.tenant(tenant).await?.find_source_item(run.source_id, &page.url).await?;
        let has_document = has_document(item.as_ref());
        if let Some(look) = refused_before(has_document, page) {
            return Ok((look, true));
        }
        let entry = page.entry.and_then(|entry| usize::try_from(entry).ok()).unwrap_or_default();
        // A stop ends waiting for it. What has come is stored to the end: a source must know of each document that it made.
        let Some(read) = self.unless_stopped(stop, unpacking.read(entry)).await else {
            // The answer may be half read.
            return Ok((given_back(), false));
        };
        let bytes = match read {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(refusal)) => {
                return Ok((refused(has_document, &refusal.code, &refusal.detail), true));
            }
            Err(error) => {
                let (code, detail) = (error.code(), error.to_string());
                let error = FetchError { code, detail, outlook: Outlook::Passing };
                return Ok((self.again(page, error), false));
            }
        };
        let none = Validators::default();
        let look = self.take_file(tenant, run, page, item.as_ref(), bytes, none).await?;
        Ok((look, true))
    }

    /// An archive that can not be opened or looked through, or not now.
    async fn not_unpacked(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        error: &UnpackError,
    ) -> db::Result<Step> {
        if matches!(error, UnpackError::Unavailable(_)) {
            return Ok(away(error));
        }
        self.fail(tenant, run, (error.code().to_owned(), error.to_string())).await
    }
}

fn away(error: &(dyn std::error::Error + 'static)) -> Step {
    tracing::warn!(error, "an archive is unpacked later");
    Step::Later(AWAY)
}
