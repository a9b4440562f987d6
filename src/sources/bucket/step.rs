//! One step of a run that reads a bucket: it is listed whole, then its objects come in one by one.

use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::allowed::refusal;
use super::plan::{Plan, key};
use crate::adapters::buckets::{BucketError, BucketPlace, Object};
use crate::db;
use crate::kernel::ids::TenantId;
use crate::sources::configuration::Bucket;
use crate::sources::fetch::{FetchError, Outlook, Validators};
use crate::sources::files::{PathLimits, has_document, refused, refused_before};
use crate::sources::settle::{Fate, Kept, Look};
use crate::sources::stopping::{STOPPED, given_back};
use crate::sources::store::leases::ClaimedRun;
use crate::sources::store::pages::NextPage;
use crate::sources::sync::{Next, SourceSync, Step};

impl SourceSync {
    /// Goes one step on; `known` is where the bucket is, as this slice has found it allowed.
    pub(in crate::sources) async fn step_through_bucket(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        bucket: &Bucket,
        known: &mut Option<BucketPlace>,
        stop: &CancellationToken,
    ) -> db::Result<Step> {
        if known.is_none() {
            // In each slice anew: what the operator takes back is read no further.
            let mut tx = self.db.tenant(tenant).await?;
            *known = self.find_allowed(&mut tx, bucket).await?;
        }
        let Some(place) = known.as_ref() else {
            return self.fail(tenant, run, refusal()).await;
        };
        if !run.is_planned {
            if let Some(limit) = self.limit_met(run) {
                run.limit_code.get_or_insert_with(|| limit.to_owned());
                return self.conclude(tenant, run).await;
            }
            let planned = Box::pin(self.plan_bucket(tenant, run, bucket, place));
            return self.unless_stopped(stop, planned).await.unwrap_or(Ok(STOPPED));
        }
        let page = match self.next_page(tenant, run, self.settings.delay).await? {
            Next::Look(page) => page,
            Next::Instead(step) => return Ok(step),
        };
        let look = Box::pin(self.look_at_object(tenant, run, bucket, place, &page, stop)).await?;
        self.settle(tenant, run, &page, look).await
    }

    /// Notes all that is to be looked at, as far as the time of the run lasts for a list that does not end. One that broke off is
    /// begun anew: nothing of it was written down.
    async fn plan_bucket(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        bucket: &Bucket,
        place: &BucketPlace,
    ) -> db::Result<Step> {
        let most = usize::try_from(self.page_limit(run)).unwrap_or(usize::MAX);
        let left = self.settings.max_run.as_secs_f64() - run.seconds;
        let (mut plan, mut after, began) = (Plan::default(), None, Instant::now());
        loop {
            let listing = match self.buckets.list(place, &bucket.prefix, after).await {
                Ok(listing) => listing,
                Err(error) => {
                    let detail = format!("the bucket could not be listed: {error}");
                    return self.fail(tenant, run, (error.code().to_owned(), detail)).await;
                }
            };
            plan = add_keys(plan, bucket, &self.unpack.limits.path, listing.keys).await?;
            after = listing.next;
            let is_late = after.is_some() && began.elapsed().as_secs_f64() >= left;
            if is_late {
                run.limit_code.get_or_insert_with(|| "time_limit".to_owned());
            }
            if after.is_none() || is_late || plan.files.len() > most {
                return self.note_plan(tenant, run, plan.files).await;
            }
            let mut tx = self.db.tenant(tenant).await?;
            if !tx.keep_source_run(run, self.settings.lease).await? {
                return Ok(Step::Over);
            }
            tx.commit().await?;
        }
    }

    async fn look_at_object(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        bucket: &Bucket,
        place: &BucketPlace,
        page: &NextPage,
        stop: &CancellationToken,
    ) -> db::Result<Look> {
        if let Some(look) = self.begun_too_often(page) {
            return Ok(look);
        }
        let item = self.db.tenant(tenant).await?.find_source_item(run.source_id, &page.url).await?;
        let has_document = has_document(item.as_ref());
        if let Some(look) = refused_before(has_document, page) {
            return Ok(look);
        }
        let with_document = item.as_ref().filter(|item| item.document_id.is_some());
        let known = with_document.and_then(|item| item.etag.as_deref());
        let key = key(bucket, &page.url);
        // A stop ends waiting for it. What has come is stored to the end: a source must know of each document that it made.
        let got = self.unless_stopped(stop, Box::pin(self.buckets.get(place, &key, known)));
        let Some(got) = got.await else { return Ok(given_back()) };
        match got {
            Ok(Object::Content(bytes, etag)) => {
                let length = bytes.len();
                let mark = Validators { etag, last_modified: None };
                let taken = self.take_file(tenant, run, page, item.as_ref(), bytes, mark).await?;
                Ok(Look { bytes: length, ..taken })
            }
            Ok(Object::NotModified) => {
                Ok(Look { item: Kept::AsItWas, ..Look::plain(Fate::Good("unchanged")) })
            }
            Ok(Object::Missing) => Ok(Look::skipped("gone", "the object went while it was read")),
            Ok(Object::TooLong(most)) => {
                let detail = format!("the object has more than {most} bytes");
                Ok(refused(has_document, "file_too_long", &detail))
            }
            Err(error @ BucketError::Failed) => {
                let (code, detail) = (error.code(), error.to_string());
                Ok(self.again(page, FetchError { code, detail, outlook: Outlook::Passing }))
            }
            Err(error) => Ok(refused(has_document, error.code(), &error.to_string())),
        }
    }
}

/// Looks at keys where nobody else waits: there may be many patterns.
async fn add_keys(
    mut plan: Plan,
    bucket: &Bucket,
    limits: &PathLimits,
    keys: Vec<String>,
) -> db::Result<Plan> {
    let (bucket, limits) = (bucket.clone(), limits.clone());
    let added = tokio::task::spawn_blocking(move || {
        plan.add(&bucket, &limits, &keys);
        plan
    });
    added.await.map_err(|error| db::Error::Inconsistent {
        table: "sources",
        detail: format!("looking at keys ended abnormally: {error}"),
    })
}
