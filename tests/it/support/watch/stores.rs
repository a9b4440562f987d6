//! What is stored when a test ends: rows, originals, Redis.

use std::collections::HashMap;
use std::path::Path;

use pidima::kernel::ids::TenantId;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

/// A tenant of the test.
pub struct Tenant {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
}

/// A row as JSON, with the table and the tenant that it belongs to.
pub struct Row {
    pub table: String,
    pub tenant: TenantId,
    pub text: String,
}

/// What the database holds.
#[derive(Default)]
pub struct Stored {
    pub tenants: Vec<Tenant>,
    /// Issuer, subject, tenant of each person.
    pub people: Vec<(String, String, TenantId)>,
    /// Tenant of each id that names a row of one tenant.
    pub ids: HashMap<Uuid, TenantId>,
    pub rows: Vec<Row>,
}

/// Reads the database; rows only where another tenant is there to have left something in them.
pub async fn database(url: &str) -> Stored {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let tenants: Vec<(Uuid, Option<String>, String)> = sqlx::query_as(
        "select t.tenant_id, d.slug, t.name from app.tenants t left join app.tenant_directory d on d.id = t.tenant_id",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let people: Vec<(String, String, Uuid)> =
        sqlx::query_as("select issuer, subject, tenant_id from app.members")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let mut stored = Stored {
        tenants: tenants
            .into_iter()
            .map(|(id, slug, name)| Tenant { id: id.into(), slug: slug.unwrap_or_default(), name })
            .collect(),
        people: people.into_iter().map(|(i, s, tenant)| (i, s, tenant.into())).collect(),
        ..Stored::default()
    };
    if stored.tenants.len() > 1 {
        rows(&mut connection, &mut stored).await;
    }
    connection.close().await.unwrap();
    stored
}

async fn rows(connection: &mut PgConnection, stored: &mut Stored) {
    // Table, its columns of vectors, and the column of the id where (tenant, id) is its key.
    let tables: Vec<(String, Vec<String>, Option<String>)> = sqlx::query_as(
        "select c.relname::text,
            array(select a.attname::text from pg_attribute a join pg_type t on t.oid = a.atttypid
                where a.attrelid = c.oid and t.typname in ('halfvec', 'vector')),
            (select min(a.attname::text) from pg_index i join pg_attribute a on a.attrelid = c.oid
                where i.indrelid = c.oid and i.indisprimary and i.indnatts = 2 and a.atttypid = 'uuid'::regtype
                    and a.attnum = any (i.indkey) and a.attname <> 'tenant_id')
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let mut owners: HashMap<Uuid, Vec<TenantId>> = HashMap::new();
    for (table, vectors, key) in tables {
        let key = key.unwrap_or_else(|| "null::uuid".to_owned());
        let sql = format!("select tenant_id, {key}, (to_jsonb(t) - $1)::text from app.{table} t");
        let rows: Vec<(Uuid, Option<Uuid>, String)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(vectors)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        for (tenant, id, text) in rows {
            owners.entry(tenant).or_insert_with(|| vec![tenant.into()]);
            if let Some(id) = id {
                owners.entry(id).or_default().push(tenant.into());
            }
            stored.rows.push(Row { table: table.clone(), tenant: tenant.into(), text });
        }
    }
    for (id, mut of) in owners {
        of.sort_unstable();
        of.dedup();
        // A test may give rows of two tenants one id: then it tells nothing.
        if let [tenant] = of[..] {
            stored.ids.insert(id, tenant);
        }
    }
}

/// Keys and contents of the originals.
pub fn objects(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(root, &path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let key = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.push((key, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

/// Keys and values of Redis, which all tests of this process share.
pub async fn redis(url: &str) -> Vec<(String, String)> {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<Vec<u8>> =
        redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut found = Vec::new();
    for some in keys.chunks(1_000) {
        let mut dumps = redis::pipe();
        for key in some {
            dumps.cmd("DUMP").arg(key);
        }
        let values: Vec<Option<Vec<u8>>> = dumps.query_async(&mut connection).await.unwrap();
        let both = some.iter().zip(values);
        found.extend(both.map(|(key, value)| (lossy(key), lossy(&value.unwrap_or_default()))));
    }
    found
}
