//! A migrated database for each test, copied from a template.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use pidima::db::migrate;
use pidima::devservices::{Services, ServicesInfo, ServicesOptions};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgPool};

const TEMPLATE: &str = "template_pidima";
const APP_PASSWORD: &str = "app-password-of-the-tests";

/// A migrated database of one test.
pub struct TestDatabase {
    name: String,
    services: ServicesInfo,
}

impl TestDatabase {
    pub async fn create() -> Self {
        Self::copy_of(TEMPLATE).await
    }

    /// One without a schema.
    pub async fn create_empty() -> Self {
        // Also where no test has asked for a migrated one: roles belong to the server.
        Self::copy_of("template0").await
    }

    async fn copy_of(template: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let services = services();
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = admin_options(&services, "postgres").connect().await.unwrap();
        let create = format!("create database {name} template {template}");
        admin.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
        // A copy has the rights of a new database, not those of its template.
        let rights = format!(
            "revoke all on database {name} from public;
            grant connect on database {name} to pidima_app, pidima_analyst, pidima_migrator"
        );
        admin.execute(sqlx::AssertSqlSafe(rights)).await.unwrap();
        Self { name, services }
    }

    /// Connection string of the superuser.
    pub fn admin_url(&self) -> String {
        self.url("postgres", &self.services.postgres.password)
    }

    /// Connection string of the service's role.
    pub fn app_url(&self) -> String {
        self.url("pidima_app", APP_PASSWORD)
    }

    /// A pool of the superuser.
    pub fn admin(&self) -> PgPool {
        pool(&self.admin_url())
    }

    /// A pool of the service's role, without the service's hooks.
    pub fn app(&self) -> PgPool {
        pool(&self.app_url())
    }

    fn url(&self, user: &str, password: &str) -> String {
        let postgres = &self.services.postgres;
        format!("postgres://{user}:{password}@{}:{}/{}", postgres.host, postgres.port, self.name)
    }
}

/// The servers that all tests share: started once, gone when this process ends, however it ends.
pub fn services() -> ServicesInfo {
    static SERVICES: OnceLock<Services> = OnceLock::new();
    let start = || {
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let exe = Path::new(env!("CARGO_BIN_EXE_pidima"));
                let options = ServicesOptions { data: None, valkey: true };
                let services = Services::spawn(exe, options).await.unwrap();
                prepare_template(services.info()).await;
                services
            })
        })
        .join()
        .unwrap()
    };
    SERVICES.get_or_init(start).info().clone()
}

async fn prepare_template(services: &ServicesInfo) {
    let mut admin = admin_options(services, "postgres").connect().await.unwrap();
    let create = format!("create database {TEMPLATE}");
    admin.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
    let postgres = &services.postgres;
    let url = format!(
        "postgres://{}:{}@{}:{}/{TEMPLATE}",
        postgres.user, postgres.password, postgres.host, postgres.port
    );
    migrate::migrate(&url, Some(APP_PASSWORD)).await.unwrap();
}

fn admin_options(services: &ServicesInfo, database: &str) -> PgConnectOptions {
    let postgres = &services.postgres;
    PgConnectOptions::new()
        .host(&postgres.host)
        .port(postgres.port)
        .username(&postgres.user)
        .password(&postgres.password)
        .database(database)
}

fn pool(url: &str) -> PgPool {
    PgPoolOptions::new().max_connections(4).connect_lazy(url).unwrap()
}
