//! Where a carrier stands until it is let go: at a statement, at a request, in the process that reads its file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::sync::watch;

use super::house::House;
use super::points::{Place, Point};
use crate::aws::proxy::{Act, FaultProxy, Seen};
use crate::support::eventually;

/// Key of the lock for which a trigger waits.
const LOCK: i64 = 4_711;

/// A point that is laid in the way of the first carrier; the second one passes.
pub enum Stand {
    Statement { lock: PgConnection, admin: PgPool },
    Request { seen: Arc<AtomicUsize>, nth: usize, told: watch::Sender<bool> },
    Parser { folder: PathBuf },
}

impl Stand {
    pub async fn at(point: Point, house: &House) -> Self {
        match point.place() {
            Place::Statement(statement) => {
                let admin = house.admin.clone();
                let kind = if statement.is_commit { "constraint trigger" } else { "trigger" };
                let when = if statement.is_commit {
                    "deferrable initially deferred for each row"
                } else {
                    ""
                };
                let sql = format!(
                    "set role pidima_owner;
                    create function app.stand() returns trigger language plpgsql
                        set lock_timeout = '1min' as $$
                        begin
                            if current_setting('pidima.carrier', true) = 'first' then
                                perform pg_advisory_xact_lock_shared({LOCK});
                            end if;
                            return null;
                        end $$;
                    create {kind} stand {} {when} execute function app.stand();
                    revoke execute on function app.stand() from public;
                    reset role",
                    statement.trigger
                );
                admin.execute(AssertSqlSafe(sql)).await.unwrap();
                let mut lock =
                    PgConnection::connect(&house.app.database.admin_url()).await.unwrap();
                let sql = format!("select pg_advisory_lock({LOCK})");
                lock.execute(AssertSqlSafe(sql)).await.unwrap();
                Self::Statement { lock, admin }
            }
            Place::Store(method) => {
                Self::request(&house.store, 1, move |seen| seen.line.starts_with(method))
            }
            Place::Embedding(nth) => Self::request(&house.embeddings, nth, |_| true),
            Place::Parser => {
                fs::write(house.folder.join(HELD), "").unwrap();
                Self::Parser { folder: house.folder.clone() }
            }
        }
    }

    fn request(
        proxy: &FaultProxy,
        nth: usize,
        is_meant: impl Fn(&Seen) -> bool + Send + Sync + 'static,
    ) -> Self {
        let (told, _) = watch::channel(false);
        let (seen, hold) = (Arc::new(AtomicUsize::new(0)), told.clone());
        let count = Arc::clone(&seen);
        proxy.on(move |request| {
            let is_it = is_meant(request) && count.fetch_add(1, Ordering::SeqCst) + 1 == nth;
            if is_it { Act::Late(hold.subscribe()) } else { Act::Pass }
        });
        Self::Request { seen, nth, told }
    }

    /// Waits until the first carrier stands there.
    pub async fn reached(&self) {
        eventually("the carrier stands at its point", || async {
            match self {
                Self::Statement { admin, .. } => {
                    let waits = "select count(*) from pg_locks
                        where locktype = 'advisory' and not granted and objid::bigint = $1
                            and database = (select oid from pg_database where datname = current_database())";
                    let count: i64 =
                        sqlx::query_scalar(waits).bind(LOCK).fetch_one(admin).await.unwrap();
                    count > 0
                }
                Self::Request { seen, nth, .. } => seen.load(Ordering::SeqCst) >= *nth,
                Self::Parser { folder } => folder.join(REACHED).exists(),
            }
        })
        .await;
    }

    /// Lets it go.
    pub async fn open(self) {
        match self {
            Self::Statement { lock, .. } => lock.close().await.unwrap(),
            Self::Request { told, .. } => drop(told.send_replace(true)),
            Self::Parser { folder } => fs::remove_file(folder.join(HELD)).unwrap(),
        }
    }
}

const HELD: &str = "held";
const REACHED: &str = "reached";

/// A reader of files that waits before the first one, as long as it is held; without a hold it is the real one.
pub fn write_reader(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("reader");
    let (held, reached) = (folder.join(HELD), folder.join(REACHED));
    let script = format!(
        "#!/bin/sh\n\
        if [ -e {held} ] && /bin/mkdir {reached}; then\n\
            while [ -e {held} ]; do /bin/sleep 0.02; done\n\
        fi 2>/dev/null\n\
        exec {program} \"$@\"\n",
        held = held.display(),
        reached = reached.display(),
        program = env!("CARGO_BIN_EXE_pidima"),
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}
