//! The route table, and the services that its handlers are made of.

use std::sync::Arc;

use poem::{EndpointExt, Response, Route, get};
use poem_openapi::{ContactObject, LicenseObject, OpenApi, OpenApiService};
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ServerSettings;
use super::allow::AllowedMethods;
use super::docs::{self, Docs};
use super::pages;
use super::readiness::Readiness;
use crate::adapters::limits::RateLimiter;
use crate::adapters::oidc::ProviderRegistry;
use crate::adapters::queue::Queue;
use crate::adapters::streams::EventStreams;
use crate::chat::Chat;
use crate::chat::api::{
    AnswersApi, AssistantsApi, AttachmentsApi, CitationsApi, FeedbackApi, MessagesApi, RunsApi,
    SessionsApi, TracesApi,
};
use crate::chat::assistants::AssistantLimits;
use crate::db::Db;
use crate::governance::api::{AuditEventsApi, PlatformQuotasApi, QuotasApi, UsageApi};
use crate::identity::api::{
    ACCEPTANCE_PATH, ApiKeysApi, BrowserSessionsApi, GroupsApi, InvitationsApi, LoginsApi, MeApi,
    MembersApi, PlatformTenantsApi, TenantApi, WidgetTokensApi, login_pages, show_acceptance_form,
    show_login_form, submit_acceptance_form, submit_login_form,
};
use crate::identity::{Accounts, BrowserLogins, CALLBACK_PATH, Verifier, WidgetSigner};
use crate::knowledge::api::{
    CollectionsApi, DeadLettersApi, DocumentsApi, DumpsApi, EnrichmentApi, IngestionJobsApi,
    ReembeddingsApi, RestoresApi, SearchApi, UploadsApi,
};
use crate::knowledge::{
    AttachmentSettings, Dumps, JobWatch, Receiver, Reembeddings, Search, Uploads,
};
use crate::sources::SourceSync;
use crate::sources::api::{SourceRunsApi, SourcesApi};
use crate::web::docs_page::{DocsPage, RECEIVER_PATH};
use crate::web::spec;
use crate::webhooks::Webhooks;
use crate::webhooks::api::{WebhookDeliveriesApi, WebhooksApi};

/// Everything that handlers call.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub db: Db,
    /// Verifies credentials.
    pub verifier: Verifier,
    /// Login providers of the operator.
    pub providers: ProviderRegistry,
    /// Settings of people and invitations.
    pub people: PeopleSettings,
    /// Logs people in with passwords.
    pub accounts: Accounts,
    /// Signs widget tokens; absent without the setting.
    pub signer: Option<WidgetSigner>,
    /// Most good API keys of a tenant.
    pub max_api_keys: u32,
    /// Most quotas that a tenant's admins can set.
    pub max_quotas: u32,
    /// Logs people in through their issuers.
    pub browser_logins: BrowserLogins,
    /// Takes and removes documents.
    pub receiver: Receiver,
    /// What may be attached to a session.
    pub attachments: AttachmentSettings,
    /// Changes the embedding models of collections.
    pub reembeddings: Reembeddings,
    /// Takes large files.
    pub uploads: Uploads,
    /// Makes dumps of collections, and brings them in.
    pub dumps: Dumps,
    /// Makes and reads sources of documents.
    pub sources: SourceSync,
    /// Tells addresses of tenants of events.
    pub webhooks: Webhooks,
    /// Wakes the worker of this process.
    pub work_waits: Arc<Notify>,
    /// Watches jobs of ingestion for those who wait.
    pub job_watch: JobWatch,
    /// The queue, whose dead letters the operator sees.
    pub queue: Arc<dyn Queue>,
    /// Finds passages.
    pub search: Search,
    /// Answers questions.
    pub chat: Chat,
    /// Events of runs on their way to readers.
    pub streams: Arc<dyn EventStreams>,
    /// What the server allows of assistants.
    pub assistants: AssistantLimits,
    /// Counts requests.
    pub limiter: RateLimiter,
    /// Tells whether the service can serve.
    pub readiness: Readiness,
    /// Cancelled when the process is about to stop: whoever waits for something is sent away.
    pub leaving: CancellationToken,
    /// Tasks that outlive their requests.
    pub tasks: TaskTracker,
}

/// What the operations on people and on the tenant need of the settings.
#[derive(Clone, Debug)]
pub struct PeopleSettings {
    /// Address of this server as browsers see it.
    pub public_url: Option<String>,
    /// Most invitations of a tenant that are open at once.
    pub max_open_invitations: u32,
    /// Login providers that the operator has set up.
    pub login_providers: Arc<[String]>,
}

/// Pages outside the API, all of them read with `GET`.
const PAGES: [&str; 10] = [
    "/",
    "/healthz",
    "/readyz",
    "/problems",
    "/docs",
    RECEIVER_PATH,
    "/openapi.json",
    "/login",
    CALLBACK_PATH,
    "/login/{provider}",
];
/// Pages with a form that is posted to themselves.
const FORMS: [&str; 4] = ["/login/local", ACCEPTANCE_PATH, "/login/choice", "/logout"];

/// All routes, and which methods each path has.
pub(super) fn table(
    services: Services,
    settings: ServerSettings,
) -> anyhow::Result<(impl poem::Endpoint<Output = Response> + 'static, AllowedMethods)> {
    let service = api_service(&services, settings.max_question_chars);
    let document = spec::finish(&service.spec())?;
    let allowed = AllowedMethods::new(&document, &PAGES, &FORMS);
    let page = Arc::new(DocsPage::new(&service.swagger_ui_html())?);
    let docs = Docs { page, document: Arc::new(document) };
    let table = Route::new()
        .at("/", get(pages::entrance))
        .at("/healthz", get(pages::healthz))
        .at("/readyz", get(pages::readyz))
        .at("/problems", get(pages::problems))
        .at("/docs", get(docs::page))
        .at(RECEIVER_PATH, get(docs::receiver))
        .at("/openapi.json", get(docs::document))
        .at("/login", get(login_pages::login))
        .at(CALLBACK_PATH, get(login_pages::callback))
        .at(ACCEPTANCE_PATH, get(show_acceptance_form).post(submit_acceptance_form))
        .at("/login/choice", get(login_pages::choice_again).post(login_pages::choose))
        .at("/login/:provider", get(login_pages::begin))
        .at("/logout", get(login_pages::logout_page).post(login_pages::logout))
        .at("/login/local", get(show_login_form).post(submit_login_form))
        // Not at "/": that would hide the entrance.
        .nest_no_strip("/v1", service)
        .data(services.accounts.clone())
        .data(services.browser_logins.clone())
        .data(docs)
        .data(services)
        .map_to_response();
    Ok((table, allowed))
}

/// The OpenAPI document, as `pidima openapi` writes it: only types of the services are read.
///
/// # Errors
/// Two operations or types have one name.
pub fn openapi_document(services: &Services) -> anyhow::Result<Value> {
    Ok(spec::finish(&api_service(services, 0).spec())?)
}

fn api_service(
    services: &Services,
    max_question_chars: u32,
) -> OpenApiService<impl OpenApi + 'static, ()> {
    let Services { db, verifier, accounts, people, receiver, search, chat, .. } = services.clone();
    let watch = services.job_watch.clone();
    let attachments = AttachmentsApi {
        db: db.clone(),
        receiver: receiver.clone(),
        watch: watch.clone(),
        settings: services.attachments,
    };
    let identity = (
        MeApi { db: db.clone() },
        LoginsApi { accounts },
        BrowserSessionsApi { db: db.clone(), verifier },
        MembersApi { db: db.clone(), providers: services.providers.clone() },
        InvitationsApi {
            db: db.clone(),
            public_url: people.public_url,
            max_open: people.max_open_invitations,
        },
        GroupsApi { db: db.clone() },
        ApiKeysApi { db: db.clone(), max_keys: services.max_api_keys },
        WidgetTokensApi { db: db.clone(), signer: services.signer.clone() },
        TenantApi { db: db.clone(), login_providers: people.login_providers },
        PlatformTenantsApi { db: db.clone() },
    );
    let knowledge = (
        CollectionsApi { db: db.clone(), receiver: receiver.clone() },
        ReembeddingsApi {
            db: db.clone(),
            reembeddings: services.reembeddings.clone(),
            work_waits: Arc::clone(&services.work_waits),
        },
        DocumentsApi { db: db.clone(), receiver: receiver.clone(), watch: watch.clone() },
        EnrichmentApi { db: db.clone() },
        UploadsApi { uploads: services.uploads.clone(), watch: watch.clone() },
        IngestionJobsApi { db: db.clone(), receiver: receiver.clone(), watch },
        DeadLettersApi {
            db: db.clone(),
            queue: Arc::clone(&services.queue),
            receiver: receiver.clone(),
        },
        DumpsApi { db: db.clone(), dumps: services.dumps.clone() },
        RestoresApi { db: db.clone(), dumps: services.dumps.clone() },
        SearchApi { search },
    );
    let sources = (
        SourcesApi { db: db.clone(), sources: services.sources.clone() },
        SourceRunsApi { db: db.clone(), sources: services.sources.clone() },
    );
    let chat = (
        AssistantsApi { db: db.clone(), limits: services.assistants.clone() },
        SessionsApi { db: db.clone(), chat: chat.clone(), receiver },
        attachments,
        MessagesApi { db: db.clone(), chat: chat.clone(), max_question_chars },
        RunsApi { db: db.clone(), chat: chat.clone() },
        AnswersApi { chat, max_question_chars },
        CitationsApi { db: db.clone() },
        FeedbackApi { db: db.clone() },
        TracesApi { db: db.clone() },
    );
    let governance = (
        AuditEventsApi { db: db.clone() },
        QuotasApi { db: db.clone(), max_quotas: services.max_quotas },
        UsageApi { db: db.clone() },
        PlatformQuotasApi { db: db.clone() },
    );
    let webhooks = services.webhooks.clone();
    let webhooks = (
        WebhooksApi { db: db.clone(), webhooks: webhooks.clone() },
        WebhookDeliveriesApi { db, webhooks, work_waits: Arc::clone(&services.work_waits) },
    );
    let apis = (identity, knowledge, sources, chat, governance, webhooks);
    OpenApiService::new(apis, "Pidima", env!("CARGO_PKG_VERSION"))
        .description(
            "A multi-tenant documentation assistant: give it documentation, ask questions, get answers in which every \
             claim cites the passage that it came from.\n\nThe tenant comes from the API key: choose **Authorize** and \
             paste a key (`pdm_…`). The operator of the installation has keys of their own (`pdo_…`) \
             for `/v1/platform`. Errors are `application/problem+json` (RFC 9457).",
        )
        .contact(ContactObject::new().name("Pidima").url("https://github.com/pidima/pidima"))
        .license(LicenseObject::new("Apache-2.0").url("https://www.apache.org/licenses/LICENSE-2.0"))
}
