//! The events of a job, named types in the document.

use futures_util::Stream;
use poem_openapi::types::ToJSON;
use poem_openapi::{Object, Union};
use uuid::Uuid;

use super::job_views::JobView;
use crate::db;
use crate::knowledge::store::jobs::Job;
use crate::knowledge::watch_job::{JobWatch, Watcher};
use crate::web::events::{Events, frame};

/// The job as it is when the stream begins.
#[derive(Debug, Object)]
pub struct JobSnapshotEvent {
    /// The job.
    job: JobView,
}

/// The job stands elsewhere than before.
#[derive(Debug, Object)]
pub struct JobChangedEvent {
    /// The job.
    job: JobView,
}

/// The end: the job is ready, superseded, failed or cancelled.
#[derive(Debug, Object)]
pub struct JobEndedEvent {
    /// The job.
    job: JobView,
}

/// The end: the document was deleted, or you do not reach it any more.
#[derive(Debug, Object)]
pub struct JobGoneEvent {
    /// Id that the job had.
    job_id: Uuid,
}

/// A step of a job. `id:` counts from 1 within the stream; `event:` is the type.
#[derive(Debug, Union)]
#[oai(discriminator_name = "type", one_of = true, rename_all = "snake_case")]
pub enum IngestionJobEvent {
    /// The job as it is: the first event.
    Snapshot(JobSnapshotEvent),
    /// The job stands elsewhere than before.
    Changed(JobChangedEvent),
    /// The end of the job.
    Ended(JobEndedEvent),
    /// There is no such job any more.
    Gone(JobGoneEvent),
}

/// The events of a job from now on, through its end.
pub fn follow(watch: JobWatch, watcher: Watcher, job: Job) -> Events<IngestionJobEvent> {
    let times = watch.times();
    Events::new(frames(watch, watcher, job), times)
}

fn frames(
    watch: JobWatch,
    watcher: Watcher,
    mut last: Job,
) -> impl Stream<Item = String> + Send + 'static {
    async_stream::stream! {
        let mut number = 1;
        let until = watch.end_of_stream();
        let first = |job| IngestionJobEvent::Snapshot(JobSnapshotEvent { job });
        let Some(snapshot) = written(number, &last, first) else { return };
        yield snapshot;
        loop {
            if last.is_over() {
                number += 1;
                let end = |job| IngestionJobEvent::Ended(JobEndedEvent { job });
                if let Some(ended) = written(number, &last, end) {
                    yield ended;
                }
                return;
            }
            if !watch.pause_until(until).await {
                return;
            }
            match watch.look(&watcher, last.version_id).await {
                Ok(Some(job)) if job == last => {}
                Ok(Some(job)) => {
                    last = job;
                    if !last.is_over() {
                        number += 1;
                        let step = |job| IngestionJobEvent::Changed(JobChangedEvent { job });
                        let Some(changed) = written(number, &last, step) else { return };
                        yield changed;
                    }
                }
                Ok(None) => {
                    let gone = IngestionJobEvent::Gone(JobGoneEvent { job_id: last.version_id });
                    yield frame(number + 1, "gone", &gone.to_json_string());
                    return;
                }
                // The reader comes again, to whoever has a database.
                Err(error) => return tell(&error),
            }
        }
    }
}

fn written(
    number: usize,
    job: &Job,
    event: impl FnOnce(JobView) -> IngestionJobEvent,
) -> Option<String> {
    let event = match JobView::try_from(job.clone()) {
        Ok(view) => event(view),
        Err(error) => {
            tell(&error);
            return None;
        }
    };
    let name = match &event {
        IngestionJobEvent::Snapshot(_) => "snapshot",
        IngestionJobEvent::Changed(_) => "changed",
        IngestionJobEvent::Ended(_) => "ended",
        IngestionJobEvent::Gone(_) => "gone",
    };
    Some(frame(number, name, &event.to_json_string()))
}

fn tell(error: &db::Error) {
    tracing::warn!(error = error as &dyn std::error::Error, "following a job");
}
