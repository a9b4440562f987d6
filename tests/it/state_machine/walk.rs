//! One tenant's walk: transactions that end in every way there is, and a look at everything after each.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use pidima::db::{self, Db, TenantTx};
use pidima::kernel::ids::TenantId;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::PgPool;

use super::model::{Change, Model, read};

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Commit,
    /// Dropped before the commit.
    Abandon,
    /// Its future is dropped at some point.
    Cancel,
    /// Its server process is ended before a change.
    Kill,
    /// Its server process is ended while it commits.
    KillAtCommit,
    /// A statement takes too long.
    TimeOut,
    /// A statement fails, and it commits nevertheless.
    Fail,
    Panic,
}

/// What was done in all.
#[derive(Debug, Default)]
pub struct Tally {
    pub steps: AtomicUsize,
    pub commits: AtomicUsize,
    pub cancelled: AtomicUsize,
    pub kills: AtomicUsize,
    pub failures: AtomicUsize,
    pub panics: AtomicUsize,
    pub looks_without_a_tenant: AtomicUsize,
    /// Statements that met the end of a process that was meant for another transaction.
    pub struck: AtomicUsize,
    /// Server processes that were seen.
    pub processes: Mutex<HashSet<i32>>,
    pub mismatches: Mutex<Vec<String>>,
}

pub struct Walk {
    pub db: Db,
    pub admin: PgPool,
    pub tenant: TenantId,
    pub mark: &'static str,
    pub tally: Arc<Tally>,
    chance: StdRng,
    model: Model,
    /// Polls that a whole transaction took lately.
    turns: usize,
}

/// What a step knows of its end.
enum End {
    Committed,
    Undone,
    Unknown,
}

fn add(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Walk {
    pub fn new(
        db: Db,
        admin: PgPool,
        tenant: TenantId,
        mark: &'static str,
        tally: Arc<Tally>,
        seed: u64,
    ) -> Self {
        let chance = StdRng::seed_from_u64(seed);
        Self { db, admin, tenant, mark, tally, chance, model: Model::default(), turns: 200 }
    }

    /// Walks until the steps are done or something is not as it should be.
    pub async fn run(mut self, steps: usize) {
        for step in 0..steps {
            if let Err(what) = Box::pin(self.step()).await {
                let told = format!("{} step {step}: {what}", self.mark);
                self.tally.mismatches.lock().unwrap().push(told);
                return;
            }
            add(&self.tally.steps);
        }
    }

    async fn step(&mut self) -> Result<(), String> {
        let fate = match self.chance.random_range(0..100) {
            0..50 => Fate::Commit,
            50..55 => Fate::Abandon,
            55..82 => Fate::Cancel,
            82..85 => Fate::Kill,
            85..87 => Fate::KillAtCommit,
            87..89 => Fate::TimeOut,
            89..93 => Fate::Fail,
            93..96 => Fate::Panic,
            _ => return self.look_without_a_tenant().await,
        };
        let (changes, after) = self.model.plan(&mut self.chance, self.mark);
        let end = self.transact(fate, &changes).await?;
        let found = self.look().await?;
        let (is_before, is_after) = (found == self.model.lines(), found == after.lines());
        let right = match end {
            End::Committed => is_after,
            End::Undone => is_before,
            End::Unknown => is_before || is_after,
        };
        if !right {
            let wanted = after.lines();
            let strange: Vec<&String> = found.iter().filter(|it| !wanted.contains(it)).collect();
            let missing: Vec<&String> = wanted.iter().filter(|it| !found.contains(it)).collect();
            return Err(format!(
                "{fate:?} of {changes:?}: strange {strange:?}, missing {missing:?}"
            ));
        }
        if is_after {
            self.model = after;
        }
        Ok(())
    }

    async fn transact(&mut self, fate: Fate, changes: &[Change]) -> Result<End, String> {
        match fate {
            Fate::Commit => {
                add(&self.tally.commits);
                match self.whole(changes).await {
                    Ok(()) => Ok(End::Committed),
                    Err(error) => self.struck(&error).map(|()| End::Unknown),
                }
            }
            Fate::Cancel => {
                // Half of them early: while it begins.
                let most = if self.chance.random() { self.turns } else { self.turns / 8 };
                let at = self.chance.random_range(0..=most);
                let (turns, done) = cancelled_after(at, Box::pin(self.whole(changes))).await;
                match done {
                    Some(Ok(())) => {
                        self.turns = turns.clamp(8, 20_000);
                        Ok(End::Committed)
                    }
                    Some(Err(error)) => self.struck(&error).map(|()| End::Unknown),
                    None => {
                        // Polls depend on how busy the machine is.
                        self.turns += self.turns / 16;
                        add(&self.tally.cancelled);
                        Ok(End::Unknown)
                    }
                }
            }
            Fate::Panic => self.panic(changes).await,
            _ => self.spoil(fate, changes).await,
        }
    }

    async fn whole(&self, changes: &[Change]) -> db::Result<()> {
        let (mut tx, _) = self.begin().await?;
        for change in changes {
            change.run(&mut tx).await?;
        }
        tx.commit().await
    }

    /// A transaction of the tenant that waits for an earlier one of which nobody knows the end.
    async fn begin(&self) -> db::Result<(TenantTx, i32)> {
        let asked = Utc::now();
        let mut tx = self.db.tenant(self.tenant).await?;
        let (pid, began, _): (i32, DateTime<Utc>, bool) = sqlx::query_as(
            "select pg_backend_pid(), now(), pg_advisory_xact_lock(hashtext($1)) is not null",
        )
        .bind(self.mark)
        .fetch_one(tx.connection())
        .await?;
        self.tally.processes.lock().unwrap().insert(pid);
        if is_older(began, asked) {
            let told = format!("{}: got a transaction that another had begun", self.mark);
            self.tally.mismatches.lock().unwrap().push(told);
        }
        Ok((tx, pid))
    }

    /// Ends a transaction badly in a known way.
    async fn spoil(&mut self, fate: Fate, changes: &[Change]) -> Result<End, String> {
        let at = self.chance.random_range(0..changes.len());
        let (mut tx, pid) = match self.begin().await {
            Ok(begun) => begun,
            Err(error) => return self.struck(&error).map(|()| End::Undone),
        };
        for change in &changes[..at] {
            if let Err(error) = change.run(&mut tx).await {
                return self.struck(&error).map(|()| End::Undone);
            }
        }
        match fate {
            Fate::Kill => {
                self.terminate(pid).await;
                let after = changes[at].run(&mut tx).await;
                match after {
                    Err(db::Error::Unavailable(_)) if tx.commit().await.is_err() => Ok(End::Undone),
                    other => Err(format!("after the end of its process: {other:?}")),
                }
            }
            Fate::KillAtCommit => {
                for change in &changes[at..] {
                    if let Err(error) = change.run(&mut tx).await {
                        return self.struck(&error).map(|()| End::Undone);
                    }
                }
                let (committed, ()) = tokio::join!(tx.commit(), self.terminate(pid));
                Ok(if committed.is_ok() { End::Committed } else { End::Unknown })
            }
            Fate::TimeOut | Fate::Fail => {
                add(&self.tally.failures);
                let sql = if fate == Fate::Fail {
                    "select 1 / 0"
                } else {
                    "set local statement_timeout = 2; select pg_sleep(5)"
                };
                if sqlx::raw_sql(sql).execute(tx.connection()).await.is_ok() {
                    return Err(format!("{sql} succeeded"));
                }
                if changes[at].run(&mut tx).await.is_ok() {
                    return Err("a change after a failure succeeded".to_owned());
                }
                if fate == Fate::Fail {
                    // What it answers is no matter: nothing may be written.
                    tx.commit().await.ok();
                }
                Ok(End::Undone)
            }
            _ => Ok(End::Undone),
        }
    }

    async fn panic(&self, changes: &[Change]) -> Result<End, String> {
        add(&self.tally.panics);
        let (mut tx, _) = match self.begin().await {
            Ok(begun) => begun,
            Err(error) => return self.struck(&error).map(|()| End::Undone),
        };
        let changes = changes.to_vec();
        let task = tokio::spawn(async move {
            for change in changes {
                change.run(&mut tx).await.ok();
            }
            // Unwinds as a panic does, and prints nothing.
            std::panic::resume_unwind(Box::new("a fault inside a transaction"));
        });
        match task.await {
            Err(error) if error.is_panic() => Ok(End::Undone),
            other => Err(format!("no panic: {other:?}")),
        }
    }

    async fn terminate(&self, pid: i32) {
        add(&self.tally.kills);
        let end = sqlx::query("select pg_terminate_backend($1, 5000)").bind(pid);
        end.execute(&self.admin).await.unwrap();
    }

    /// Everything that the tenant sees.
    async fn look(&self) -> Result<Vec<String>, String> {
        loop {
            let found = match self.begin().await {
                Ok((mut tx, _)) => read(&mut tx).await,
                Err(error) => Err(error),
            };
            match found {
                Ok(lines) => return Ok(lines),
                Err(error) => self.struck(&error)?,
            }
        }
    }

    async fn look_without_a_tenant(&self) -> Result<(), String> {
        add(&self.tally.looks_without_a_tenant);
        let asked = Utc::now();
        let found = async {
            let mut tx = self.db.system().await?;
            let found: (String, i64, DateTime<Utc>) = sqlx::query_as(
                "select
                    coalesce(current_setting('app.tenant_id', true), ''),
                    (select count(*) from collections) + (select count(*) from sessions)
                        + (select count(*) from audit_heads),
                    now()",
            )
            .fetch_one(tx.connection())
            .await?;
            db::Result::Ok(found)
        };
        match found.await {
            Ok((setting, 0, began)) if setting.is_empty() && !is_older(began, asked) => Ok(()),
            Ok(found) => {
                Err(format!("asked {asked}; without a tenant: setting, rows, begun: {found:?}"))
            }
            Err(error) => self.struck(&error),
        }
    }

    /// Passes when the error may be the end of a process that was meant for another transaction: a commit can be done
    /// before the order to end its process arrives, and then the next borrower of the connection is met.
    fn struck(&self, error: &db::Error) -> Result<(), String> {
        add(&self.tally.struck);
        let (struck, kills) = (&self.tally.struck, &self.tally.kills);
        let possible = struck.load(Ordering::Relaxed) <= kills.load(Ordering::Relaxed);
        match error {
            db::Error::Unavailable(_) if possible => Ok(()),
            other => Err(format!("failed without a fault: {other:?}")),
        }
    }
}

/// Whether a transaction was there before it was asked for. Server and test read one clock.
fn is_older(began: DateTime<Utc>, asked: DateTime<Utc>) -> bool {
    began < asked - TimeDelta::milliseconds(1)
}

/// Polls a future until it is done or was polled `turns` times, then drops it.
async fn cancelled_after<T>(turns: usize, future: impl Future<Output = T>) -> (usize, Option<T>) {
    tokio::pin!(future);
    for turn in 0..turns {
        tokio::select! {
            biased;
            done = &mut future => return (turn, Some(done)),
            () = tokio::task::yield_now() => {}
        }
    }
    (turns, None)
}
