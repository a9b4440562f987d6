//! The one form of statements of a single round trip, in the source.

use std::path::Path;

/// How each begins: what sets the tenant comes before the rows, which depend on it.
const BEGINS: &str = "with tenant as materialized (
select set_config('app.tenant_id', $1::uuid::text, true)::uuid as tenant_id
)
select found.*
from tenant t
cross join lateral (
select";
/// How each ends.
const ENDS: &str = "offset 0\n) found";

/// Files below a folder.
fn files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.to_string_lossy().into_owned(), text));
        }
    }
}

/// Bodies of `impl TenantRead`: up to the first brace at the beginning of a line.
fn bodies(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split("\nimpl TenantRead {").skip(1);
    after.map(|rest| rest.split("\n}").next().unwrap())
}

/// What is wrong with a body.
fn faults(body: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for call in ["raw_sql", "sqlx::query(", "query_as(", "query_scalar(", "execute(", "begin"] {
        if body.contains(call) {
            faults.push(format!("{call} is no checked reading statement"));
        }
    }
    // Between the quotes of each macro stands the statement.
    for (place, _) in body.match_indices("sqlx::query") {
        let rest = &body[place..];
        let raw = rest.find("r#\"").filter(|raw| *raw < rest.find('"').unwrap());
        let statement = match raw {
            Some(raw) => rest[raw + 3..].split("\"#").next().unwrap(),
            None => rest.split('"').nth(1).unwrap(),
        };
        let lines: Vec<&str> = statement.lines().map(str::trim).collect();
        let statement = lines.join("\n");
        if !statement.starts_with(BEGINS) || !statement.ends_with(ENDS) {
            faults.push(format!("not of the form:\n{statement}"));
        }
        if statement.matches("$1").count() != 1 {
            faults.push(format!("the tenant is t.tenant_id behind the first line:\n{statement}"));
        }
    }
    faults
}

#[test]
fn each_statement_sets_the_tenant_before_it_reads() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let mut statements = 0;
    for (path, text) in &found {
        for body in bodies(text).filter(|_| !path.ends_with("db/read.rs")) {
            statements += body.matches("sqlx::query").count();
            assert_eq!(faults(body), Vec::<String>::new(), "{path}");
        }
    }
    println!("{statements} statements");
    assert!(statements >= 4, "{statements}: is this the source?");
}

#[test]
fn a_statement_of_another_form_is_found() {
    let good = format!("sqlx::query_as!(Row, \"{BEGINS}\n1\n{ENDS}\", a)");
    assert_eq!(faults(&good), Vec::<String>::new());
    for bad in [
        "sqlx::query!(\"select 1\")".to_owned(),
        good.replace("offset 0\n", ""),
        good.replace("materialized ", ""),
        good.replace("cross join lateral", "cross join"),
        good.replace("\n1\n", "\nwhere tenant_id = $1\n"),
        good.replace("sqlx::query_as!", "sqlx::query_as("),
        format!("{good}; self.connection().begin()"),
    ] {
        assert!(!faults(&bad).is_empty(), "{bad}");
    }
}
