//! What the catalogue says about the tables of tenants, and how to make a row of any of them.

use sqlx::PgConnection;
use uuid::Uuid;

/// Columns whose checks refuse what their type suggests: table, column, SQL expression, in which `{number}` is that of the
/// side.
const FIXTURES: &[(&str, &str, &str)] = &[
    ("app.api_keys", "role", "'member'"),
    ("app.feedback", "given_by_kind", "'member'"),
    ("app.feedback", "rating", "'wrong'"),
    ("app.invitations", "role", "'member'"),
    ("app.members", "role", "'member'"),
    ("app.messages", "role", "'user'"),
    ("app.chunks", "char_end", "1000"),
    // What has no name holds attachments, and its id says so.
    ("app.collections", "name", "'collection {number}'"),
    ("app.quotas", "set_by", "'tenant'"),
    ("app.quotas", "subject", "'key'"),
    ("app.quotas", "measure", "'tokens'"),
    ("app.quotas", "period", "'day'"),
    ("app.quota_counters", "subject", "'key'"),
    ("app.quota_counters", "period", "'day'"),
    ("app.document_versions", "media_type", "'text/plain'"),
    ("app.reembeddings", "to_model", "'another model'"),
    ("app.sources", "kind", "'website'"),
    ("app.source_runs", "trigger", "'request'"),
    ("app.source_pages", "role", "'page'"),
    ("app.webhook_endpoints", "events", "'{document.ready}'"),
    ("app.tenant_buckets", "bucket", "'bucket-{number}'"),
    ("app.tenant_buckets", "prefix", "''"),
    ("app.tenant_flags", "flag", "case {number} when 1 then 'uploads' else 'questions' end"),
];

/// All tables with tenant_id on which the service has a right. Partitions are reached through their parent.
const TABLES: &str = "
    select
        format('%I.%I', n.nspname, c.relname),
        has_table_privilege('pidima_app', c.oid, 'select'),
        has_table_privilege('pidima_app', c.oid, 'insert'),
        has_table_privilege('pidima_app', c.oid, 'update'),
        has_table_privilege('pidima_app', c.oid, 'delete'),
        array(
            select i.inhrelid::regclass::text from pg_inherits i where i.inhparent = c.oid order by 1
        ),
        exists (
            select from pg_index i where i.indrelid = c.oid and i.indisprimary and i.indnkeyatts = 1
        )
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
    where c.relkind in ('r', 'p') and not c.relispartition
        and n.nspname !~ '^(pg_|information_schema$)'
        and has_any_column_privilege('pidima_app', c.oid, 'select, insert, update')
    order by 1";

/// What a row needs: columns that are not null and have no default, those of foreign keys, and those with a fixture.
const COLUMNS: &str = "
    select a.attname::text, format_type(a.atttypid, a.atttypmod)
    from pg_attribute a
    where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        and (a.attnotnull and not a.atthasdef and a.attidentity = '' or exists (
            select from pg_constraint k
            where k.conrelid = a.attrelid and k.contype = 'f' and a.attnum = any (k.conkey)
        ) or a.attname = any ($2))
    order by a.attnum";

/// Foreign keys to other things than the tenant itself.
const LINKS: &str = "
    select k.conname::text, array(
        select a.attname::text from pg_attribute a
        where a.attrelid = k.conrelid and a.attnum = any (k.conkey) and a.attname <> 'tenant_id'
    )
    from pg_constraint k
    where k.conrelid = $1::regclass and k.contype = 'f' and k.conparentid = 0
        and exists (
            select from pg_attribute a
            where a.attrelid = k.conrelid and a.attnum = any (k.conkey) and a.attname <> 'tenant_id'
        )
    order by 1";

pub struct Column {
    pub name: String,
    sql_type: String,
}

/// A foreign key, and its columns without the tenant.
pub struct Link {
    pub name: String,
    pub columns: Vec<String>,
}

pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub links: Vec<Link>,
    pub partitions: Vec<String>,
    pub can_select: bool,
    pub can_insert: bool,
    pub can_update: bool,
    pub can_delete: bool,
    /// Whether the tenant alone is the key, as in the table of tenants.
    pub one_row_each: bool,
}

/// Where the values of a row come from. All ids of a side are one id, so that its rows refer to each other.
#[derive(Clone, Copy)]
pub struct Side {
    pub id: Uuid,
    pub word: &'static str,
    pub number: u8,
}

type Facts = (String, bool, bool, bool, bool, Vec<String>, bool);

pub async fn tables(admin: &mut PgConnection) -> Vec<Table> {
    let facts: Vec<Facts> =
        sqlx::query_as(TABLES).fetch_all(&mut *admin).await.expect("the tables");
    let mut tables = Vec::new();
    for (name, can_select, can_insert, can_update, can_delete, partitions, one_row_each) in facts {
        let fixed: Vec<&str> =
            FIXTURES.iter().filter(|(table, ..)| *table == name).map(|(_, it, _)| *it).collect();
        let columns: Vec<(String, String)> = sqlx::query_as(COLUMNS)
            .bind(&name)
            .bind(&fixed)
            .fetch_all(&mut *admin)
            .await
            .expect("the columns");
        let links: Vec<(String, Vec<String>)> =
            sqlx::query_as(LINKS).bind(&name).fetch_all(&mut *admin).await.expect("the links");
        let columns =
            columns.into_iter().map(|(name, sql_type)| Column { name, sql_type }).collect();
        let links = links.into_iter().map(|(name, columns)| Link { name, columns }).collect();
        tables.push(Table {
            name,
            columns,
            links,
            partitions,
            can_select,
            can_insert,
            can_update,
            can_delete,
            one_row_each,
        });
    }
    tables
}

/// Inserts a row of the tenant; `side` says for each column where its value comes from.
pub fn insert(table: &Table, tenant: Uuid, side: &dyn Fn(&str) -> Side) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let value = |column: &Column| {
        if column.name == "tenant_id" {
            return format!("'{tenant}'");
        }
        value(&table.name, column, side(&column.name))
    };
    let values: Vec<String> = table.columns.iter().map(value).collect();
    format!("insert into {} ({}) values ({})", table.name, names.join(", "), values.join(", "))
}

fn value(table: &str, column: &Column, side: Side) -> String {
    let fixture = FIXTURES.iter().find(|(t, c, _)| *t == table && *c == column.name);
    if let Some((_, _, expression)) = fixture {
        return expression.replace("{number}", &side.number.to_string());
    }
    match column.sql_type.as_str() {
        "uuid" => format!("'{}'", side.id),
        "text" => format!("'{}'", side.word),
        "integer" | "bigint" | "smallint" | "real" | "double precision" | "numeric" => {
            side.number.to_string()
        }
        "boolean" => "true".to_owned(),
        "timestamp with time zone" => "now()".to_owned(),
        "date" => "current_date".to_owned(),
        // As long as a SHA-256, which is what such columns hold.
        "bytea" => format!("decode(repeat('{:02x}', 32), 'hex')", side.number),
        "jsonb" => "'{}'".to_owned(),
        array if array.ends_with("[]") => "'{}'".to_owned(),
        vector if vector.contains("vec") => "'[1, 2, 3]'".to_owned(),
        other => panic!("no value of type {other} for {table}.{}; add to FIXTURES", column.name),
    }
}
