//! The scanner: what it was shown, how much of each kind, and which marks it found where they must not be.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use pidima::kernel::ids::TenantId;
use sqlx::AssertSqlSafe;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{TestApp, services};

#[derive(Default)]
pub struct Scan {
    bytes: Mutex<BTreeMap<&'static str, usize>>,
    faults: Mutex<Vec<String>>,
}

impl Scan {
    /// Looks for marks, whatever their case.
    pub fn look(&self, kind: &'static str, what: &str, text: &str, forbidden: &[&str]) {
        *self.bytes.lock().unwrap().entry(kind).or_default() += text.len();
        let text = text.to_lowercase();
        for mark in forbidden {
            if let Some(at) = text.find(mark) {
                let from = text[..at].char_indices().rev().nth(80).map_or(0, |(place, _)| place);
                let fault = format!("{kind} {what}: {mark} in …{}…", &text[from..at + mark.len()]);
                self.faults.lock().unwrap().push(fault);
            }
        }
    }

    pub fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap().clone()
    }

    /// Whether there was anything of each kind to look at.
    pub fn has_seen(&self, kinds: &[&str]) -> bool {
        let bytes = self.bytes.lock().unwrap();
        kinds.iter().all(|kind| bytes.get(kind).is_some_and(|count| *count > 0))
    }

    pub fn print(&self) {
        for (kind, bytes) in self.bytes.lock().unwrap().iter() {
            println!("{bytes:>9} bytes of {kind} scanned");
        }
        println!("{} foreign marks", self.faults().len());
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What waits in the queue, looked at until something was seen waiting.
pub async fn queue(app: &TestApp) -> String {
    let admin = app.database.admin();
    let mut seen = String::new();
    for _ in 0..2_000 {
        let rows: Vec<String> = sqlx::query_scalar(
            "select to_jsonb(o)::text from app.outbox o union all select to_jsonb(j)::text from app.jobs j",
        )
        .fetch_all(&admin)
        .await
        .unwrap();
        seen.extend(rows);
        if !seen.is_empty() {
            break;
        }
    }
    assert!(!seen.is_empty(), "nothing was ever queued");
    seen
}

/// Rows of each table with the mark that its tenant must not have.
pub async fn rows(app: &TestApp, scan: &Scan, forbidden: &[(TenantId, &str)]) {
    let admin = app.database.admin();
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition",
    )
    .fetch_all(&admin)
    .await
    .unwrap();
    assert!(tables.len() > 15, "{tables:?}");
    for table in tables {
        for (tenant, mark) in forbidden {
            let sql = format!("select to_jsonb(t)::text from app.{table} t where tenant_id = $1");
            let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(tenant.uuid())
                .fetch_all(&admin)
                .await
                .unwrap();
            scan.look("rows", &table, &rows.join("\n"), &[mark]);
        }
    }
}

/// Keys and contents of the originals.
pub fn objects(app: &TestApp, scan: &Scan, forbidden: &[(TenantId, &str)]) {
    for (tenant, mark) in forbidden {
        let folder = app.objects.join("t").join(tenant.to_string());
        files(&folder, &mut |path, bytes| {
            let key = path.strip_prefix(&app.objects).unwrap().to_string_lossy().into_owned();
            // No text of anybody stands in a key.
            for (_, any) in forbidden {
                scan.look("object keys", &key, &key, &[any]);
            }
            scan.look("objects", &key, &String::from_utf8_lossy(&bytes), &[mark]);
        });
    }
}

fn files(folder: &Path, see: &mut dyn FnMut(&Path, Vec<u8>)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, see);
        } else {
            see(&path, std::fs::read(&path).unwrap_or_default());
        }
    }
}

/// Values of the cache, which all tests share: what is a tenant's stands under its key and holds no mark of the other, and
/// no text of anybody stands in a key or under another one.
pub async fn valkey(scan: &Scan, forbidden: &[(TenantId, &str)]) {
    let client = redis::Client::open(services().valkey.unwrap()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    let marks: Vec<&str> = forbidden.iter().map(|(_, mark)| *mark).collect();
    scan.look("cache", "keys", &keys.join("\n"), &marks);
    for key in keys {
        let owner = forbidden.iter().find(|(tenant, _)| key.contains(&of_tenant(*tenant)));
        let marks = match owner {
            Some((_, mark)) => vec![*mark],
            // Other tests use the same words.
            None if key.starts_with("pidima:t:") => continue,
            None => marks.clone(),
        };
        let dump: Option<Vec<u8>> =
            redis::cmd("DUMP").arg(&key).query_async(&mut connection).await.unwrap();
        scan.look("cache", &key, &String::from_utf8_lossy(&dump.unwrap_or_default()), &marks);
    }
}

fn of_tenant(tenant: TenantId) -> String {
    format!("pidima:t:{}:", tenant.uuid().simple())
}
