//! `pidima demo`: everything on this machine, from nothing: PostgreSQL, Valkey, the embedding model, two tenants with
//! documentation. A second start in the same folder is warm.

mod state;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use rand::RngCore;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::state::DemoState;
use super::client::Client;
use super::seed::{Seed, plant};
use super::{import, member, run_server, tenant};
use crate::app::{App, passwords};
use crate::config::{Config, Env};
use crate::db::{Db, analysts, migrate};
use crate::devservices::{Services, ServicesOptions};
use crate::identity::{NewLocalMember, Passwords, Role};
use crate::kernel::ids::TenantId;

/// Short name of the tenant with Pidima's own handbook.
const FIRST: &str = "pidima";
/// Short name of the tenant with the fictional product.
const SECOND: &str = "halden";
/// Who logs in with a password, as owner of the first tenant.
const LOGIN_EMAIL: &str = "owner@pidima.example";
/// Kept over restarts, so that widget tokens stay good.
const SIGNING_SECRET: &str = "PIDIMA_SIGNING_SECRET";

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Port of the API on 127.0.0.1
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Folder that keeps the demo's data
    #[arg(long, default_value = ".pidima")]
    data: PathBuf,
    /// Begin anew: delete what the folder keeps
    #[arg(long)]
    fresh: bool,
    /// Folder of your own documentation, imported into the first tenant
    #[arg(long)]
    docs: Option<PathBuf>,
}

pub async fn run(args: DemoArgs, mut env: Env) -> anyhow::Result<()> {
    let began = Instant::now();
    if let Some(docs) = &args.docs {
        anyhow::ensure!(docs.is_dir(), "--docs: {} is no folder", docs.display());
    }
    let mut state = DemoState::open(&args.data, args.fresh)?;
    let listener = TcpListener::bind(("127.0.0.1", args.port))
        .await
        .with_context(|| format!("port {} is taken; choose another with --port", args.port))?;
    // So that the links of invitations can be opened as they stand.
    env.set_default("PIDIMA_PUBLIC_URL", format!("http://{}", listener.local_addr()?));
    let stop = run_server::stop_signal()?;

    say("starting PostgreSQL and Valkey");
    let data = std::path::absolute(&args.data)?.join("services");
    let exe = std::env::current_exe().context("finding our own executable")?;
    let services =
        Services::spawn(&exe, ServicesOptions { data: Some(data), valkey: true }).await?;
    let served = async {
        let prepared = tokio::select! {
            prepared = prepare(&args, env, &mut state, &services) => prepared?,
            () = stop.cancelled() => return Ok(()),
        };
        Box::pin(serve(&args, &mut state, listener, prepared, stop, began)).await
    };
    let served = Box::pin(served).await;
    let ended = services.stop().await;
    served?;
    Ok(ended?)
}

/// What is there before the first request.
struct Prepared {
    app: App,
    psql: PathBuf,
}

/// Schema, model, tenants.
async fn prepare(
    args: &DemoArgs,
    mut env: Env,
    state: &mut DemoState,
    services: &Services,
) -> anyhow::Result<Prepared> {
    let postgres = &services.info().postgres;
    let password = random_password();
    migrate::migrate(&postgres.url, Some(&password)).await?;
    // The demo's own, also where the shell names another: the demo must not write into that.
    env.set(
        "DATABASE_URL",
        format!("postgres://pidima_app:{password}@{}:{}/postgres", postgres.host, postgres.port),
    );
    // Its own for the same reason: limits of another installation must not be used up.
    env.set("PIDIMA_REDIS_URL", services.info().valkey.clone().unwrap_or_default());
    // Neither must it write into a bucket or queue of another installation.
    env.set("PIDIMA_OBJECTS", "directory");
    env.set("PIDIMA_QUEUE", "postgres");
    // Any port that is free: several demos may run.
    env.set_default("PIDIMA_OPS_LISTEN", "127.0.0.1:0");
    // Nobody else works here: after a kill -9 the document that was in hand is taken up again soon.
    env.set_default("PIDIMA_INGESTION_LEASE_MS", "20000");
    if state.get(SIGNING_SECRET).is_empty() {
        state.set(SIGNING_SECRET, &random_secret());
        state.save()?;
    }
    env.set_default(SIGNING_SECRET, state.get(SIGNING_SECRET));
    env.set_default("PIDIMA_OBJECTS_DIR", args.data.join("objects").to_string_lossy());
    say("loading the embedding model");
    let config = Config::from_env(&env)?;
    let app = App::connect(&config).await?;
    run_server::check(&app).await?;
    prepare_tenants(&app.services.db, state, &postgres.url).await?;
    prepare_login(&app.services.db, &passwords(&config.accounts), state).await?;
    Ok(Prepared { app, psql: postgres.bin_dir.join("psql") })
}

/// Serves until `stop`; beside that, imports the documentation and prints where to go.
async fn serve(
    args: &DemoArgs,
    state: &mut DemoState,
    listener: TcpListener,
    prepared: Prepared,
    stop: CancellationToken,
    began: Instant,
) -> anyhow::Result<()> {
    let url = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
    state.set("PIDIMA_URL", &url);
    state.save()?;
    let metrics = run_server::tell_metrics(&prepared.app).await?;
    let address = metrics.address;
    let server = run_server::serve(prepared.app, listener, true, None, metrics, stop.clone());
    let guide = async {
        let first = Client::new(&url, state.get("PIDIMA_API_KEY"))?;
        let second = Client::new(&url, state.get("PIDIMA_API_KEY_OTHER"))?;
        say("importing documentation");
        plant(&first, Seed::Handbook).await?;
        plant(&second, Seed::Halden).await?;
        if let Some(docs) = &args.docs {
            import_docs(&first, docs).await?;
        }
        print_guide(state, &prepared.psql, address, began)
    };
    tokio::pin!(server);
    let guided = tokio::select! {
        served = &mut server => return served,
        guided = guide => guided,
    };
    // Asked to stop in the middle of an import: that is no failure.
    if !stop.is_cancelled() {
        guided?;
    }
    server.await
}

/// Makes the tenants at the first start, and keys and SQL login whenever they are missing.
async fn prepare_tenants(db: &Db, state: &mut DemoState, admin_url: &str) -> anyhow::Result<()> {
    for (slug, name, variable) in [
        (FIRST, "Pidima", "PIDIMA_API_KEY"),
        (SECOND, "Halden Greenhouses", "PIDIMA_API_KEY_OTHER"),
    ] {
        let found = db.system().await?.find_tenant_by_slug(slug).await?;
        let key = match found {
            None => tenant::create(db, slug, name).await?,
            Some(id) if !is_good(db, state.get(variable), id).await => {
                tenant::create_key(db, id).await?
            }
            Some(_) => continue,
        };
        state.set(variable, &key);
    }
    let tenant = tenant::find(db, FIRST).await?;
    state.set(
        "DATABASE_URL_ANALYST",
        &tenant::grant_analyst(db, admin_url, tenant, FIRST, analysts::DEFAULT_DAYS).await?,
    );
    Ok(())
}

/// Makes the account at the first start, and a new password when the one that was kept is lost.
async fn prepare_login(
    db: &Db,
    passwords: &Passwords,
    state: &mut DemoState,
) -> anyhow::Result<()> {
    let tenant = tenant::find(db, FIRST).await?;
    let found = db.tenant(tenant).await?.find_member_by_login_name(LOGIN_EMAIL).await?;
    let is_kept = !state.get("PIDIMA_LOGIN_PASSWORD").is_empty();
    if found.is_some() && is_kept {
        return Ok(());
    }
    let password = match found {
        Some(_) => member::reset(db, passwords, FIRST, LOGIN_EMAIL).await?,
        None => {
            // Chosen, not for one login: the demo prints it at every start.
            let password = SecretString::from(random_password());
            let new = NewLocalMember {
                email: LOGIN_EMAIL.to_owned(),
                display_name: Some("Owner of the demo".to_owned()),
                role: Role::Owner,
                password: Some(password.clone()),
            };
            member::create(db, passwords, tenant, new).await?;
            password
        }
    };
    state.set("PIDIMA_LOGIN_EMAIL", LOGIN_EMAIL);
    state.set("PIDIMA_LOGIN_PASSWORD", password.expose_secret());
    state.save()
}

async fn is_good(db: &Db, key: &str, tenant: TenantId) -> bool {
    use crate::identity::{Presented, RequestOrigin, Verifier, VerifierSettings};
    let verifier = Verifier::new(
        db.clone(),
        tokio_util::task::TaskTracker::new(),
        VerifierSettings { browser_session_idle: std::time::Duration::ZERO },
    );
    let presented = Presented::Bearer(key.to_owned());
    verifier
        .verify(&presented, None, RequestOrigin::default())
        .await
        .is_ok_and(|actor| actor.tenant == tenant)
}

async fn import_docs(client: &Client, docs: &std::path::Path) -> anyhow::Result<()> {
    let files = import::find_files(docs)?;
    say(&format!("importing {} files from {}", files.len(), docs.display()));
    let files = files.into_iter().map(|path| import::read(docs, path, None));
    let collection =
        docs.file_name().map_or("docs".to_owned(), |name| name.to_string_lossy().into_owned());
    import::import(client, &collection, files.collect::<anyhow::Result<_>>()?).await?.print();
    Ok(())
}

fn print_guide(
    state: &DemoState,
    psql: &std::path::Path,
    metrics: Option<SocketAddr>,
    began: Instant,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let url = state.get("PIDIMA_URL");
    let key = state.get("PIDIMA_API_KEY");
    write!(
        out,
        "\nready after {:.1} s

  Swagger UI   {url}/docs
  API key      {key}   (tenant {FIRST})
  API key      {}   (tenant {SECOND})
  Login        {url}/login/local   (tenant {FIRST})
               {}   password {}
  the same in  {}

Ask:
  curl -N {url}/v1/answers -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' -H 'Accept: text/event-stream' \\
    -d '{{\"question\": \"How do I create an API key?\"}}'

Upload:
  curl {url}/v1/documents -H 'Authorization: Bearer {key}' -F file=@README.md

Query in SQL:
  {} '{}' -c 'select question, outcome from answers'

Ctrl-C stops everything.\n",
        began.elapsed().as_secs_f64(),
        state.get("PIDIMA_API_KEY_OTHER"),
        state.get("PIDIMA_LOGIN_EMAIL"),
        state.get("PIDIMA_LOGIN_PASSWORD"),
        state.path().display(),
        psql.display(),
        state.get("DATABASE_URL_ANALYST"),
    )?;
    if let Some(address) = metrics {
        write!(out, "\nMetrics for Prometheus: http://{address}/metrics\n")?;
    }
    out.flush()?;
    Ok(())
}

fn say(what: &str) {
    eprintln!("pidima: {what}");
}

fn random_secret() -> String {
    let mut secret = [0_u8; 32];
    rand::rng().fill_bytes(&mut secret);
    hex::encode(secret)
}

fn random_password() -> String {
    let mut password = [0_u8; 20];
    rand::rng().fill_bytes(&mut password);
    hex::encode(password)
}
