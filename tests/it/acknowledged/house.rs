//! Real processes: two instances of the API, a worker, PostgreSQL and Valkey with a data folder of their own. Each can be
//! killed and comes up again at the same address.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pidima::db::migrate;
use pidima::devservices::{Services, ServicesInfo, ServicesOptions};
use rand::Rng;
use reqwest::multipart::{Form, Part};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, Executor, PgConnection};

use crate::support::process::{Running, appended, free_port, printed};

const EXE: &str = env!("CARGO_BIN_EXE_pidima");
const APP_PASSWORD: &str = "app-password-of-the-tests";
const INSTANCES: usize = 2;
/// Recovery of PostgreSQL and loading of the embedding model, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    Kept,
    /// Acknowledged at once, written seconds later.
    Delayed,
}

/// A tenant of the trial.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub key: String,
}

pub struct House {
    folder: PathBuf,
    services: Option<Services>,
    info: ServicesInfo,
    settings: Vec<(String, String)>,
    ports: Vec<u16>,
    instances: Vec<Running>,
    worker: Running,
}

impl House {
    pub async fn start(durability: Durability, model_url: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("pidima-acknowledged-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let services = open(&folder).await;
        let info = services.info().clone();
        migrate::migrate(&info.postgres.url, Some(APP_PASSWORD)).await.unwrap();
        if durability == Durability::Delayed {
            let mut admin = PgConnection::connect(&info.postgres.url).await.unwrap();
            for statement in [
                "alter system set synchronous_commit = off",
                "alter system set wal_writer_delay = '10s'",
                "select pg_reload_conf()",
            ] {
                admin.execute(statement).await.unwrap();
            }
        }
        let settings = settings(&info, &folder, model_url);
        let ports: Vec<u16> = (0..INSTANCES).map(|_| free_port()).collect();
        let instances = ports.iter().map(|port| serve(&settings, &folder, *port)).collect();
        let worker = spawn(&settings, &folder, "worker", &["worker"], free_port());
        let mut house =
            Self { folder, services: Some(services), info, settings, ports, instances, worker };
        house.all_up().await;
        house
    }

    pub fn addresses(&self) -> Vec<String> {
        self.ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect()
    }

    /// A connection of the superuser.
    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.info.postgres.url).await.unwrap()
    }

    /// A new tenant that knows how long keys live.
    pub async fn tenant(&self, slug: &str) -> Tenant {
        let mut command = Command::new(EXE);
        command.args(["tenant", "create", slug]).envs(self.settings.iter().cloned());
        let key = printed(command.current_dir(&self.folder));
        let guide = format!("# Keys\n\nThe keys of {slug} live for 90 days.\n");
        let form = Form::new().part("file", Part::text(guide).file_name("keys.md"));
        let http = reqwest::Client::new();
        let url = format!("{}/v1/documents", self.addresses()[0]);
        let sent = http.post(url).bearer_auth(&key).multipart(form).send().await.unwrap();
        assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
        let began = Instant::now();
        loop {
            let ready: i64 = sqlx::query_scalar(
                "select count(*) from app.document_versions v join app.tenant_directory d on d.id = v.tenant_id
                 where d.slug = $1 and v.state = 'ready'",
            )
            .bind(slug)
            .fetch_one(&mut self.admin().await)
            .await
            .unwrap();
            if ready > 0 {
                return Tenant { key };
            }
            assert!(began.elapsed() < PATIENCE, "the document of {slug} is not ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Kills one process without warning and starts it again.
    pub async fn kill_one(&mut self) {
        let which = rand::rng().random_range(0..INSTANCES + 2);
        if which < INSTANCES {
            self.instances[which].kill();
            self.instances[which] = serve(&self.settings, &self.folder, self.ports[which]);
        } else if which == INSTANCES {
            self.worker.kill();
            self.worker = spawn(&self.settings, &self.folder, "worker", &["worker"], free_port());
        } else {
            self.kill_postgres().await;
        }
    }

    async fn kill_postgres(&mut self) {
        let file = self.info.data.join("postgres/postmaster.pid");
        let text = fs::read_to_string(file).unwrap();
        let pid: i32 = text.lines().next().unwrap().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        if let Some(mut services) = self.services.take() {
            // The guard sees its server die, and ends with what else it started.
            services.ended().await;
        }
        let services = open(&self.folder).await;
        assert_eq!(services.info().postgres.port, self.info.postgres.port, "the address is kept");
        self.info = services.info().clone();
        self.services = Some(services);
    }

    /// Waits until every instance says that it is ready.
    pub async fn all_up(&mut self) {
        for (port, instance) in self.ports.clone().into_iter().zip(0..) {
            let began = Instant::now();
            while !is_ready(port).await {
                // One that started while PostgreSQL was down has given up: whoever runs it starts it again.
                if !self.instances[instance].is_alive() {
                    self.instances[instance] = serve(&self.settings, &self.folder, port);
                }
                assert!(began.elapsed() < PATIENCE, "instance {port} is not ready");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        if !self.worker.is_alive() {
            self.worker = spawn(&self.settings, &self.folder, "worker", &["worker"], free_port());
        }
    }

    /// Waits until the sweeper has ended the runs of the dead.
    pub async fn until_no_run_is_left(&self) {
        let began = Instant::now();
        loop {
            let running: i64 =
                sqlx::query_scalar("select count(*) from app.runs where state = 'running'")
                    .fetch_one(&mut self.admin().await)
                    .await
                    .unwrap();
            if running == 0 {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{running} runs are left running");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn stop(mut self) {
        self.instances.iter_mut().for_each(Running::kill);
        self.worker.kill();
        if let Some(services) = self.services.take() {
            services.stop().await.unwrap();
        }
        let _left_to_the_system = fs::remove_dir_all(&self.folder);
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.instances.iter_mut().for_each(Running::kill);
        self.worker.kill();
    }
}

async fn open(folder: &Path) -> Services {
    let options = ServicesOptions { data: Some(folder.join("data")), valkey: true };
    Services::spawn(Path::new(EXE), options).await.unwrap()
}

fn settings(info: &ServicesInfo, folder: &Path, model_url: &str) -> Vec<(String, String)> {
    let database =
        format!("postgres://pidima_app:{APP_PASSWORD}@127.0.0.1:{}/postgres", info.postgres.port);
    let mut settings = vec![
        ("DATABASE_URL", database),
        ("PIDIMA_REDIS_URL", info.valkey.clone().unwrap()),
        ("PIDIMA_OBJECTS_DIR", folder.join("objects").to_string_lossy().into_owned()),
        ("PIDIMA_MODEL_PROVIDER", "openai".to_owned()),
        ("PIDIMA_OPENAI_BASE_URL", model_url.to_owned()),
        ("PIDIMA_OPENAI_MODEL", "quick".to_owned()),
        ("PIDIMA_RUN_LEASE_MS", "3000".to_owned()),
        ("PIDIMA_DATABASE_ACQUIRE_TIMEOUT_MS", "1000".to_owned()),
    ];
    for limit in ["ADDRESS", "TENANT", "CALLER", "ASK"] {
        for form in ["PER_MINUTE", "BURST"] {
            let name: &'static str = format!("PIDIMA_LIMIT_{limit}_{form}").leak();
            settings.push((name, "1000000".to_owned()));
        }
    }
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn serve(settings: &[(String, String)], folder: &Path, port: u16) -> Running {
    spawn(settings, folder, &format!("instance-{port}"), &["serve", "--without-worker"], port)
}

fn spawn(
    settings: &[(String, String)],
    folder: &Path,
    name: &str,
    args: &[&str],
    port: u16,
) -> Running {
    let mut command = Command::new(EXE);
    command
        .args(args)
        .envs(settings.iter().cloned())
        .env("PIDIMA_LISTEN", format!("127.0.0.1:{port}"))
        .current_dir(folder);
    Running::start_logged(&mut command, appended(&folder.join(format!("{name}.log"))))
}

async fn is_ready(port: u16) -> bool {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().unwrap();
    let reply = http.get(format!("http://127.0.0.1:{port}/readyz")).send().await;
    reply.is_ok_and(|reply| reply.status().is_success())
}
