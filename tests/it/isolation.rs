//! The catalogue check: silent about the migrated schema, and awake to every mistake of `isolation/mutants.sql`.

use pidima::db::isolation::{Violation, can_bypass, violations};
use sqlx::{Connection, PgConnection};

use crate::support::TestDatabase;

const CHECK: &str = include_str!("../../src/db/isolation.sql");
const MUTANTS: &str = include_str!("isolation/mutants.sql");

/// A mistake, and the rule that must notice it.
struct Mutant {
    rule: &'static str,
    name: &'static str,
    sql: &'static str,
}

#[tokio::test]
async fn the_migrated_schema_has_no_violation_and_the_service_sees_the_same() {
    let db = TestDatabase::create().await;
    let mut admin = db.admin().acquire().await.expect("an administrator's connection");
    let mut app = db.app().acquire().await.expect("a connection of the service");

    assert_eq!(violations(&mut admin).await.expect("the check runs"), Vec::<Violation>::new());
    let started = std::time::Instant::now();
    assert_eq!(violations(&mut app).await.expect("the check runs"), Vec::<Violation>::new());
    println!("the check took {:?} as the service", started.elapsed());

    assert!(can_bypass(&mut admin).await.expect("a role"), "an administrator passes policies");
    assert!(!can_bypass(&mut app).await.expect("a role"), "the service is bound by policies");
}

#[tokio::test]
async fn the_check_leaves_the_connection_as_it_was() {
    let db = TestDatabase::create().await;
    let mut app = db.app().acquire().await.expect("a connection of the service");
    let path = "select current_setting('search_path')";
    let before: String = sqlx::query_scalar(path).fetch_one(&mut *app).await.expect("a path");

    violations(&mut app).await.expect("the check runs");

    let after: String = sqlx::query_scalar(path).fetch_one(&mut *app).await.expect("a path");
    assert_eq!(before, after);
}

#[tokio::test]
async fn every_mutant_is_caught_by_its_rule_and_nothing_else_is() {
    let db = TestDatabase::create().await;
    let mut admin = db.admin().acquire().await.expect("an administrator's connection");
    let mutants = mutants();
    assert!(mutants.len() >= 60, "only {} mutants were read", mutants.len());

    let unchanged = Mutant { rule: "", name: "nothing changed", sql: "select 1" };
    assert_eq!(found_by_both(&mut admin, &unchanged).await, Vec::<String>::new());

    let mut missed = Vec::new();
    for mutant in &mutants {
        let found = found_by_both(&mut admin, mutant).await;
        if !found.iter().any(|rule| rule == mutant.rule) {
            missed.push(format!("{} {}: found {found:?}", mutant.rule, mutant.name));
        }
    }
    println!("{} of {} mutants caught", mutants.len() - missed.len(), mutants.len());
    assert!(missed.is_empty(), "missed:\n{}", missed.join("\n"));
    assert_eq!(violations(&mut admin).await.expect("the check runs"), Vec::<Violation>::new());
}

#[tokio::test]
async fn a_login_of_an_analyst_with_its_limits_is_no_violation() {
    let db = TestDatabase::create().await;
    let mut admin = db.admin().acquire().await.expect("an administrator's connection");
    let login = Mutant {
        rule: "",
        name: "a login of an analyst",
        sql: "create role analyst_sound login connection limit 4 valid until '2100-01-01' in role pidima_analyst;
            alter role analyst_sound set default_transaction_read_only = on;
            alter role analyst_sound set statement_timeout = '30s';
            alter role analyst_sound set search_path = analytics;",
    };
    assert_eq!(found_by_both(&mut admin, &login).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_check_under_another_search_path_says_that_it_cannot_be_trusted() {
    let db = TestDatabase::create().await;
    let rows: Vec<(String, String, String)> =
        sqlx::query_as(CHECK).fetch_all(&db.admin()).await.expect("the check runs");
    let told = rows
        .iter()
        .any(|(rule, object, _)| rule.starts_with("R00") && object.contains("search_path"));
    assert!(told, "found {rows:?}");
}

#[tokio::test]
async fn every_rule_has_a_mutant() {
    let rules = CHECK
        .lines()
        .filter_map(|line| line.trim().strip_prefix("('R").and_then(|rest| rest.get(..2)));
    let tested: Vec<&str> = mutants().iter().map(|mutant| &mutant.rule[1..]).collect();
    let untested: Vec<&str> = rules.filter(|rule| !tested.contains(rule)).collect();
    assert!(untested.is_empty(), "rules without a mutant: {untested:?}");
}

/// Codes of the rules that both an administrator and the service report after the mistake, which is then undone.
async fn found_by_both(admin: &mut PgConnection, mutant: &Mutant) -> Vec<String> {
    let mut transaction = admin.begin().await.expect("a transaction");
    if let Err(error) = sqlx::raw_sql(mutant.sql).execute(&mut *transaction).await {
        panic!("mutant `{}` cannot be applied: {error}", mutant.name);
    }
    let by_admin = codes(violations(&mut transaction).await.expect("the check runs"));
    // A mutant may take the role away; then there is no service to ask.
    let service: Option<String> =
        sqlx::query_scalar("select rolname::text from pg_roles where rolname = 'pidima_app'")
            .fetch_optional(&mut *transaction)
            .await
            .expect("the roles");
    let mut found = by_admin.clone();
    if service.is_some() {
        sqlx::raw_sql("set local role pidima_app").execute(&mut *transaction).await.expect("role");
        let by_app = codes(violations(&mut transaction).await.expect("the check runs"));
        assert_eq!(by_admin, by_app, "mutant `{}` looks different to the service", mutant.name);
        found = by_app;
    }
    transaction.rollback().await.expect("the mistake is undone");
    found
}

fn codes(found: Vec<Violation>) -> Vec<String> {
    let code = |violation: Violation| violation.rule.chars().take(3).collect();
    found.into_iter().map(code).collect()
}

/// The blocks of the file; each begins with `-- <rule>: <name>`, and the file with a sentence.
fn mutants() -> Vec<Mutant> {
    let block = |text: &'static str| {
        let (head, sql) = text.split_once('\n').expect("a line of SQL");
        let (rule, name) = head.split_once(": ").expect("a rule and a name");
        Mutant { rule, name, sql }
    };
    MUTANTS.split("\n-- ").skip(1).map(block).collect()
}
