//! What the environment says, as each part of the service wants to be told. No part reads the configuration itself.

use std::time::Duration;

use anyhow::Context;

use crate::adapters::aws::Aws;
use crate::adapters::buckets::{BucketSettings, Buckets};
use crate::adapters::limits::{Limit, LimiterSettings, Quota, Quotas};
use crate::adapters::oidc::ProviderSettings;
use crate::adapters::outbound::{Outbound, OutboundSettings};
use crate::adapters::redis::Redis;
use crate::chat::{FilterSettings, RunSettings};
use crate::config::{
    ChatConfig, Config, IngestionConfig, LimitsConfig, OidcProviderConfig, OutboundConfig,
    RateConfig, RunsConfig,
};
use crate::enrichment::{EnrichmentSettings, Lengths};
use crate::knowledge::chunk::ChunkOptions;
use crate::knowledge::parse::ParseLimits;
use crate::knowledge::parser::ParserSettings;
use crate::knowledge::{
    AttachmentCounts, AttachmentSettings, DumpSettings, IngestSettings, ReembeddingSettings,
    UploadSettings, WatchSettings,
};
use crate::server::{PeopleSettings, ServerSettings, ServerTimes};
use crate::sources::{ArchiveLimits, Means, PathLimits, SyncSettings, UnpackSettings};
use crate::web::events::EventTimes;
use crate::webhooks::WebhookSettings;
use crate::worker::WorkerSettings;

/// Time to note what became of a message that was sent.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

pub(super) fn provider(config: &OidcProviderConfig) -> ProviderSettings {
    ProviderSettings {
        name: config.name.clone(),
        issuer: config.issuer.clone(),
        client_id: config.client_id.clone(),
        client_secret: config.client_secret.clone(),
        audiences: config.audiences.clone(),
        discovery_url: config.discovery_url.clone(),
        jwks_uri: config.jwks_uri.clone(),
        authorization_endpoint: config.authorization_endpoint.clone(),
        token_endpoint: config.token_endpoint.clone(),
        end_session_endpoint: config.end_session_endpoint.clone(),
        scopes: config.scopes.clone(),
        tenant_claim: config.tenant_claim.clone(),
        groups_claim: config.groups_claim.clone(),
        group_prefix: config.group_prefix.clone(),
        swagger_client_id: config.swagger_client_id.clone(),
    }
}

pub(super) fn server(config: &Config) -> ServerSettings {
    ServerSettings {
        public_url: config.http.public_url.clone(),
        trusted_proxies: config.http.trusted_proxies,
        hsts_seconds: config.http.hsts_seconds,
        max_upload_bytes: config.http.max_upload_bytes,
        max_part_bytes: config.uploads.part_bytes,
        max_body_bytes: config.http.max_body_bytes,
        max_question_chars: config.http.max_question_chars,
        max_json_depth: config.http.max_json_depth,
        idempotency_lifetime: config.http.idempotency_lifetime,
        request_timeout: config.http.request_timeout,
        upload_timeout: config.http.upload_timeout,
        times: ServerTimes {
            head: config.http.header_timeout,
            write_stall: config.http.write_stall_timeout,
            shutdown: config.http.shutdown_timeout,
        },
    }
}

pub(super) fn runs(config: &Config) -> RunSettings {
    let RunsConfig { heartbeat, retry, drain, .. } = config.runs;
    RunSettings {
        lease: config.runs.lease,
        flush_interval: config.runs.flush_interval,
        flush_bytes: config.runs.flush_bytes,
        texts_per_second: config.runs.texts_per_second,
        cancel_poll: config.runs.cancel_poll,
        read_poll: config.runs.read_poll,
        // What is cut must still be stored and told before the server closes its connections.
        drain: drain.min(config.http.shutdown_timeout * 3 / 4),
        times: EventTimes { heartbeat, retry },
        sweep: config.runs.sweep,
        events_days: config.runs.events_days,
    }
}

pub(super) fn people(config: &Config) -> PeopleSettings {
    let providers = config.identity.oidc_providers.iter();
    PeopleSettings {
        public_url: config.http.public_url.clone(),
        max_open_invitations: config.identity.max_open_invitations,
        login_providers: providers.map(|provider| provider.name.clone()).collect(),
    }
}

pub(super) fn limiter(config: &LimitsConfig, redis: Option<Redis>) -> LimiterSettings {
    let quota = |limit: Limit| {
        let RateConfig { per_minute, burst } = match limit {
            Limit::Address => config.address_rate,
            Limit::Tenant => config.tenant_rate,
            Limit::Public => config.public_rate,
            Limit::Caller => config.caller_rate,
            Limit::Login => config.login_rate,
            Limit::PasswordHashing => config.password_hashing_rate,
            Limit::Upload => config.upload_rate,
            Limit::Ask => config.ask_rate,
            Limit::PublicAsk => config.public_ask_rate,
            Limit::Search => config.search_rate,
            Limit::Export => config.export_rate,
        };
        Quota { per_minute, burst }
    };
    LimiterSettings { quotas: Quotas::new(quota), redis, instances: config.limit_instances }
}

pub(super) fn filter(config: &ChatConfig) -> anyhow::Result<FilterSettings> {
    let links = config.allowed_links.iter().map(|link| {
        link.parse().with_context(|| format!("PIDIMA_CHAT_ALLOWED_LINKS has \"{link}\""))
    });
    Ok(FilterSettings {
        allowed_links: links.collect::<anyhow::Result<_>>()?,
        max_held_bytes: config.max_held_bytes,
    })
}

pub(super) fn ingestion(config: &Config) -> IngestSettings {
    let ingestion = &config.ingestion;
    IngestSettings {
        parser: parser(config),
        chunk: ChunkOptions::default(),
        max_chunks: ingestion.max_chunks,
        max_attempts: ingestion.max_attempts,
        lease: ingestion.lease,
    }
}

fn parser(config: &Config) -> ParserSettings {
    let parser = &config.parser;
    ParserSettings {
        program: parser.program.clone(),
        limits: ParseLimits {
            max_text_chars: config.ingestion.max_text_chars,
            max_nesting: config.ingestion.max_nesting,
            max_entries: parser.max_entries,
            max_unpacked_bytes: parser.max_unpacked_bytes,
            max_ratio: parser.max_ratio,
            max_xml_depth: parser.max_xml_depth,
            max_pages: parser.max_pages,
            max_sheets: parser.max_sheets,
            max_cells: parser.max_cells,
            ..ParseLimits::default()
        },
        wall: parser.timeout,
        cpu_seconds: parser.cpu_seconds,
        memory_bytes: parser.memory_bytes,
        output_bytes: parser.output_bytes,
        processes: parser.processes,
    }
}

pub(super) fn worker(config: &IngestionConfig) -> WorkerSettings {
    WorkerSettings {
        concurrency: config.concurrency,
        visibility: config.lease,
        poll: config.poll,
        max_receives: config.max_attempts * 4,
        window: config.window,
        lost_after: config.lost_after,
    }
}

/// How collections are re-embedded.
pub(super) fn reembedding(config: &Config) -> ReembeddingSettings {
    let reembedding = &config.reembedding;
    ReembeddingSettings {
        batch: reembedding.batch,
        concurrency: reembedding.concurrency,
        slice: reembedding.slice,
        lease: config.ingestion.lease,
        max_attempts: reembedding.max_attempts,
        retry: reembedding.retry,
        sample: reembedding.sample,
        depth: reembedding.depth,
        keep: reembedding.keep,
        sweep: reembedding.sweep,
        look: reembedding.look,
        late: reembedding.late,
        lost_after: config.ingestion.lost_after,
    }
}

/// What speaks to addresses of tenants.
pub(super) fn outbound(config: &OutboundConfig) -> anyhow::Result<Outbound> {
    guarded(config, config.timeout, config.max_body_bytes)
}

/// What reads sources: their pages and archives are longer than what a webhook's receiver says.
pub(super) fn source_means(config: &Config, aws: &Aws) -> anyhow::Result<Means> {
    let (outbound, syncing) = (&config.outbound, &config.syncing);
    Ok(Means {
        pages: guarded(outbound, syncing.timeout, syncing.max_page_bytes)?,
        archives: guarded(outbound, syncing.archive_timeout, syncing.max_archive_bytes)?,
        unpack: unpack(config),
        buckets: Buckets::new(
            aws.clone(),
            BucketSettings {
                own: Some(config.objects.s3.bucket.clone()).filter(|name| !name.is_empty()),
                timeout: syncing.timeout,
                max_object_bytes: syncing.max_file_bytes,
            },
        ),
    })
}

/// Bounds on archives. The process that unpacks one is confined as that which reads a file.
fn unpack(config: &Config) -> UnpackSettings {
    let (parser, syncing) = (&config.parser, &config.syncing);
    UnpackSettings {
        program: parser.program.clone(),
        limits: ArchiveLimits {
            max_entries: syncing.max_entries,
            max_unpacked_bytes: syncing.max_unpacked_bytes,
            max_ratio: syncing.max_ratio,
            max_file_bytes: syncing.max_file_bytes,
            path: PathLimits {
                max_bytes: syncing.max_path_bytes,
                max_depth: syncing.max_path_depth,
            },
        },
        wall: parser.timeout,
        cpu_seconds: parser.cpu_seconds,
        memory_bytes: parser.memory_bytes,
    }
}

fn guarded(
    config: &OutboundConfig,
    timeout: Duration,
    max_body_bytes: usize,
) -> anyhow::Result<Outbound> {
    let read = |file: &std::path::PathBuf| {
        std::fs::read(file).with_context(|| format!("{} can not be read", file.display()))
    };
    let variable = "PIDIMA_OUTBOUND_CA_FILE";
    let settings = OutboundSettings {
        allow: config.allow.clone(),
        ports: config.ports.clone(),
        http: config.http,
        authorities: config.authorities.as_ref().map(read).transpose().context(variable)?,
        connect_timeout: config.connect_timeout,
        timeout,
        max_header_bytes: config.max_header_bytes,
        max_body_bytes,
    };
    Outbound::new(settings).context(variable)
}

/// What sources may take.
pub(super) fn sources(config: &Config) -> SyncSettings {
    let syncing = &config.syncing;
    let turns = SyncSettings::turns_of_a_page(syncing.max_redirects, syncing.concurrency);
    // A page may be asked for twice, each time and at each redirect after a wait for its turn, and is then stored.
    let for_a_page = syncing.timeout * 3
        + syncing.delay.saturating_mul(turns)
        + syncing.max_parse
        + syncing.max_wait;
    // An archive is fetched after a wait, and opened and looked through at another time; both are stored or read by us.
    let for_an_archive =
        syncing.max_wait + syncing.archive_timeout.max(config.parser.timeout * 2) + LEASE_MARGIN;
    SyncSettings {
        max_sources: syncing.max_sources,
        min_interval_minutes: syncing.min_interval_minutes,
        keep_runs: syncing.keep_runs,
        keep_pages: syncing.keep_pages,
        max_deleted_percent: syncing.max_deleted_percent,
        concurrency: syncing.concurrency,
        slice: syncing.slice,
        sweep: syncing.sweep,
        max_pages: syncing.max_pages,
        max_sitemaps: syncing.max_sitemaps,
        max_depth: syncing.max_depth,
        max_links: syncing.max_links,
        max_parse: syncing.max_parse,
        max_url_bytes: syncing.max_url_bytes,
        max_run_bytes: syncing.max_run_bytes,
        max_run: syncing.max_run,
        max_sitemap_bytes: syncing.max_sitemap_bytes,
        max_robots_bytes: syncing.max_robots_bytes,
        max_redirects: syncing.max_redirects,
        max_attempts: syncing.max_attempts,
        retry: syncing.retry,
        max_wait: syncing.max_wait,
        delay: syncing.delay,
        max_crawl_delay: syncing.max_crawl_delay,
        timeout: syncing.timeout,
        archive_timeout: syncing.archive_timeout,
        stop_grace: syncing.stop_grace,
        lease: for_a_page.max(for_an_archive) + LEASE_MARGIN,
    }
}

/// What webhooks may take.
pub(super) fn webhooks(config: &Config) -> WebhookSettings {
    let webhooks = &config.webhooks;
    WebhookSettings {
        max_endpoints: webhooks.max_endpoints,
        max_url_bytes: webhooks.max_url_bytes,
        max_attempts: webhooks.max_attempts,
        first_retry: webhooks.first_retry,
        longest_retry: webhooks.longest_retry,
        max_failures: webhooks.max_failures,
        concurrency: webhooks.concurrency,
        // Who sends is done by then, one way or the other, and has noted it.
        lease: config.outbound.timeout + LEASE_MARGIN,
        keep: webhooks.keep,
    }
}

/// What may be attached to a session.
pub(super) fn attachments(config: &Config) -> AttachmentSettings {
    let attachments = config.attachments;
    AttachmentSettings {
        most: AttachmentCounts {
            per_session: attachments.max_per_session,
            per_tenant: attachments.max_per_tenant,
        },
        max_bytes: attachments.max_bytes,
    }
}

/// What enrichment may take.
pub(super) fn enrichment(config: &Config) -> EnrichmentSettings {
    let enrichment = &config.enrichment;
    EnrichmentSettings {
        providers: enrichment.providers.clone(),
        concurrency: enrichment.concurrency,
        slice: enrichment.slice,
        lease: config.ingestion.lease,
        document_tokens: enrichment.document_tokens,
        context_tokens: config.chat.context_tokens,
        lengths: Lengths {
            output_tokens: enrichment.max_output_tokens,
            context_chars: enrichment.context_chars,
            summary_chars: enrichment.summary_chars,
            questions: enrichment.questions,
            question_chars: enrichment.question_chars,
        },
        collection_tokens: enrichment.collection_tokens,
        tenant_tokens: enrichment.tenant_tokens,
        max_attempts: enrichment.max_attempts,
        retry: enrichment.retry,
        recheck: enrichment.recheck,
    }
}

/// What large uploads may take.
pub(super) fn uploads(config: &Config) -> UploadSettings {
    let uploads = &config.uploads;
    UploadSettings {
        max_bytes: uploads.max_bytes,
        part_bytes: uploads.part_bytes,
        max_open: uploads.max_open,
        lifetime: uploads.lifetime,
        url_lifetime: uploads.url_lifetime,
        public_url: config.http.public_url.clone(),
    }
}

/// What dumps may take.
pub(super) fn dumps(config: &Config) -> DumpSettings {
    let dumps = &config.dumps;
    DumpSettings {
        max_dumps: dumps.max_dumps,
        max_bytes: dumps.max_bytes,
        lifetime: dumps.lifetime,
        url_lifetime: dumps.url_lifetime,
        max_restores: dumps.max_restores,
        max_attempts: dumps.max_attempts,
        concurrency: dumps.concurrency,
        group_rows: dumps.group_rows,
        group_bytes: dumps.group_bytes,
        lease: config.ingestion.lease,
        public_url: config.http.public_url.clone(),
    }
}

pub(super) fn watch(config: &Config) -> WatchSettings {
    let RunsConfig { heartbeat, retry, .. } = config.runs;
    WatchSettings {
        poll: config.ingestion.events_poll,
        max_stream: config.ingestion.events_max,
        // What the wait ends with must still be sent before the request's own time is over.
        max_wait: config.ingestion.max_wait.min(config.http.request_timeout * 9 / 10),
        times: EventTimes { heartbeat, retry },
    }
}
