//! `pidima doctor`: checks everything that must be true before serving, and says the remedy.

use std::io::Write;

use crate::adapters::embeddings::Embedder;
use crate::adapters::objects::ObjectKey;
use crate::app::{App, Outside, more_embedders, sign_in};
use crate::config::{Config, Env, ObjectStore, QueueKind, TelemetryConfig};
use crate::kernel::ids::{TenantId, new_id};
use crate::knowledge::{check_embedding_models, claim_embedding_space};
use crate::telemetry::check_collector;

pub async fn run(env: &Env) -> anyhow::Result<()> {
    let mut config = Config::from_env(env)?;
    let mut report = Report::default();
    report.note("settings", Ok("readable".to_owned()));
    report.settings(env);
    if let Err(error) = sign_in(&mut config.database, &config.aws).await {
        report.note("password of the database", Err(format!("{error:#}")));
        return report.finish();
    }
    let outside = match Outside::connect(&config).await {
        Ok(outside) => outside,
        Err(error) => {
            report.note("embedding model", Err(format!("{error:#}")));
            return report.finish();
        }
    };
    let more = match more_embedders(&config).await {
        Ok(more) => more,
        Err(error) => {
            report.note("embedding models beside it", Err(format!("{error:#}")));
            return report.finish();
        }
    };
    let app = App::build_with(&config, outside, more)?;
    for embedder in app.embedders.all() {
        report.note("embedding model", probe_embedder(&**embedder).await);
    }
    for fault in app.services.readiness.faults(&app.services.db).await {
        report.note("database", Err(fault));
    }
    if !report.failed {
        report.note("database", Ok("reachable, migrated, walls between tenants whole".to_owned()));
        let version = app.services.db.vector_version().await;
        report.note(
            "pgvector",
            match version {
                Ok(version) if is_recent(&version) => Ok(version),
                Ok(version) => {
                    Err(format!("{version} has faults in HNSW; update to 0.8.4 or newer"))
                }
                Err(error) => Err(error.to_string()),
            },
        );
        report.note("stored vectors", probe_vectors(&app).await);
        let months = app.services.db.months_prepared().await;
        report.note(
            "partitions",
            match months {
                Ok(months) if months >= 2 => Ok(format!("{months} months prepared")),
                Ok(months) => Err(format!("{months} months prepared; run pidima migrate")),
                Err(error) => Err(error.to_string()),
            },
        );
    }
    let counts = app.services.limiter.check().await;
    report.note(
        "redis",
        match counts {
            Ok(true) => Ok("counts requests for all instances".to_owned()),
            Ok(false) => Ok("not set: each process counts requests alone".to_owned()),
            Err(error) => Err(format!("PIDIMA_REDIS_URL: {error}")),
        },
    );
    report.note("objects", probe_objects(&app, &config).await);
    report.note("queue", probe_queue(&app, &config).await);
    report.note("collector of traces", probe_collector(env).await);
    report.finish()
}

async fn probe_embedder(embedder: &dyn Embedder) -> Result<String, String> {
    let vector = embedder.embed_query("Is the model there?").await.map_err(whole)?;
    Ok(format!("{}, {} dimensions", embedder.model(), vector.len()))
}

async fn probe_vectors(app: &App) -> Result<String, String> {
    let (db, embedders) = (&app.services.db, &app.embedders);
    claim_embedding_space(db, &**embedders.own()).await.map_err(whole)?;
    check_embedding_models(db, embedders).await.map_err(whole)?;
    Ok("of the same embedding model".to_owned())
}

async fn probe_objects(app: &App, config: &Config) -> Result<String, String> {
    let key = ObjectKey::original(TenantId::generate(), new_id());
    let probe = async {
        app.objects.check().await?;
        app.objects.put(&key, b"probe".to_vec()).await?;
        app.objects.get(&key).await?;
        app.objects.delete(&key).await
    };
    probe.await.map_err(whole)?;
    Ok(match config.objects.store {
        ObjectStore::Directory => "writable".to_owned(),
        ObjectStore::S3 => format!("the bucket {} is writable", config.objects.s3.bucket),
    })
}

async fn probe_queue(app: &App, config: &Config) -> Result<String, String> {
    let queue = &app.worker.queue;
    queue.check().await.map_err(whole)?;
    // Each stays in the line until it is done, also while the queue has it.
    let waiting = async { app.services.db.system().await?.count_outbox().await };
    let waiting = waiting.await.map_err(whole)?;
    Ok(match config.queue.kind {
        QueueKind::Postgres => format!("in the database, {waiting} messages wait or are worked on"),
        QueueKind::Sqs => {
            format!("both queues of SQS are there, {waiting} messages wait or are worked on")
        }
    })
}

async fn probe_collector(env: &Env) -> Result<String, String> {
    let Some(traces) = TelemetryConfig::from_env(env).settings().traces else {
        return Ok("not set: no traces are made".to_owned());
    };
    let checked = check_collector(&traces).await;
    checked.map(|()| "takes spans".to_owned()).map_err(|why| format!("PIDIMA_OTLP_ENDPOINT: {why}"))
}

/// An error with its causes.
fn whole(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}

/// Below 0.8.4 HNSW indexes can be damaged by vacuum (pgvector's changelog).
fn is_recent(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= (0, 8, 4)
}

#[derive(Default)]
struct Report {
    failed: bool,
}

impl Report {
    fn note(&mut self, what: &str, found: Result<String, String>) {
        let mut out = std::io::stdout();
        // Nobody reads a closed terminal.
        let _written = match found {
            Ok(detail) => writeln!(out, "ok    {what}: {detail}"),
            Err(fault) => {
                self.failed = true;
                writeln!(out, "FAIL  {what}: {fault}")
            }
        };
    }

    /// Where each setting stands, and which ones are set in vain. No value: it may be a secret.
    fn settings(&self, env: &Env) {
        let mut out = std::io::stdout();
        for (name, place) in env.places() {
            let _written = writeln!(out, "      {name}: {place}");
        }
        for (name, place, stronger) in env.hidden() {
            let _written =
                writeln!(out, "      {name}: {place} is not used, since {stronger} wins");
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.failed, "something is wrong; see the lines that begin with FAIL");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::is_recent;

    #[test]
    fn versions_of_pgvector_are_compared_as_numbers() {
        assert!(is_recent("0.8.4"));
        assert!(is_recent("0.10.0"));
        assert!(!is_recent("0.8.3"));
        assert!(!is_recent("0.8"));
    }
}
