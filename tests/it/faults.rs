//! Ingestion under faults: whatever happens to whoever carries a document, and at whatever point of its way, the end is that of
//! the way without a fault.
//!
//! Seventeen points from receipt to ready, and one on the way out, times six faults, and every message is delivered twice.
//! The product has no place where a fault can be switched on: all is arranged from outside. A point is a trigger that waits
//! for a lock, an answer of the object store or of the embedding model that is held back, a reader's process that waits. There
//! the process is killed, stopped until another has done its work, or cut off from the database; or the service refuses.
//!
//! Compared are: documents with the version that readers find, versions, texts, passages with their hashes, order and vectors,
//! terms, counts, the audit log, what is left in line and queue, and the originals in the store. Attempts are told as they
//! were, and nothing is embedded more often than there were attempts.

mod cell;
mod house;
mod inside;
mod points;
mod process;
mod stands;
mod state;
mod table;

use futures_util::{StreamExt, stream};
use serde_json::Value;

use cell::{Run, undisturbed};
use house::House;
use points::Point;
use table::{Cell, Fault};

use crate::aws::proxy::Act;

/// Cells at once: most of their time they wait for a lease to end.
const AT_ONCE: usize = 6;

/// Runs cells; each with what was seen.
async fn run_all(cells: Vec<Cell>) -> Vec<(Cell, Run)> {
    let expected = Box::pin(undisturbed()).await.state;
    let runs = stream::iter(cells).map(|cell| async move {
        let run = tokio::spawn(Box::pin(cell.run())).await;
        (cell, run)
    });
    let runs: Vec<_> = runs.buffered(AT_ONCE).collect().await;
    let mut good = Vec::new();
    let mut faults = Vec::new();
    for (cell, run) in runs {
        match run {
            Ok(run) if run.state == expected => good.push((cell, run)),
            Ok(run) => faults.push(format!("{cell:?}: {}", differences(&expected, &run.state))),
            Err(error) => faults.push(format!("{cell:?}: {error}")),
        }
    }
    assert!(
        faults.is_empty(),
        "{} cells end in another state:\n{}",
        faults.len(),
        faults.join("\n")
    );
    good
}

/// The parts that differ.
fn differences(expected: &Value, found: &Value) -> String {
    let parts = expected.as_object().unwrap().iter();
    let parts = parts.filter(|(name, value)| found[name.as_str()] != **value);
    let parts = parts.map(|(name, value)| {
        let short = |value: &Value| value.to_string().chars().take(600).collect::<String>();
        format!("{name}: {} instead of {}", short(&found[name.as_str()]), short(value))
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// Prints the table: each point with what was seen at each fault, or the cell that stands for it.
fn print(runs: &[(Cell, Run)]) {
    println!("Seen: attempts/requests to embed/seconds. Each message was delivered twice.");
    let faults = Fault::ALL.map(Fault::name).join(" | ");
    println!("| | point | {faults} |\n|---|---|---|---|---|---|---|---|");
    for (number, point) in (1..).zip(Point::ALL) {
        let seen = Fault::ALL.map(|fault| {
            let cell = Cell { point, fault };
            let stands_for = cell.run_as();
            if stands_for != cell {
                let at = Point::ALL.iter().position(|point| *point == stands_for.point);
                return format!("as at {}", at.unwrap() + 1);
            }
            let run = runs.iter().find(|(ran, _)| *ran == cell);
            run.map_or_else(String::new, |(_, run)| {
                format!("{}/{}/{:.1}", run.attempts, run.embeddings, run.time.as_secs_f64())
            })
        });
        println!("| {number} | {} | {} |", point.name(), seen.join(" | "));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_through_the_table_ends_as_without_faults() {
    let cells = Cell::some();
    for point in Point::ALL {
        assert!(cells.iter().any(|cell| cell.point == point), "{point:?} has no cell");
    }
    for fault in Fault::ALL {
        assert!(cells.iter().filter(|cell| cell.fault == fault).count() >= 2, "{fault:?}");
    }
    assert!(cells.iter().all(|cell| cell.run_as() == *cell));
    print(&Box::pin(run_all(cells)).await);
}

/// All of it, some minutes: `cargo test --test it -- --ignored --nocapture faults::the_whole_table`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the long form: some minutes"]
async fn the_whole_table_ends_as_without_faults() {
    let cells = Cell::distinct();
    println!("{} cells, of which {} are run", Cell::all().len(), cells.len());
    print(&Box::pin(run_all(cells)).await);
}

/// What must be told apart from the state without faults.
const BREAKS: [(&str, Break); 4] = [
    ("passages of the version before stay", Break::Database(
        "set role pidima_owner;
        create function app.keep() returns trigger language plpgsql as 'begin return null; end';
        create trigger keep before delete on app.chunks for each row execute function app.keep();
        revoke execute on function app.keep() from public;
        reset role",
    )),
    ("another text is stored", Break::Database(
        "set role pidima_owner;
        create function app.change() returns trigger language plpgsql as
            $$ begin new.body := new.body || '.'; return new; end $$;
        create trigger change before insert on app.document_texts for each row execute function app.change();
        revoke execute on function app.change() from public;
        reset role",
    )),
    ("an original is not removed", Break::Store),
    ("other vectors are stored", Break::Embeddings),
];

#[derive(Clone, Copy)]
enum Break {
    Database(&'static str),
    Store,
    Embeddings,
}

/// The harness finds what it is there to find: each break is made on purpose, and the end state must differ.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_break_made_on_purpose_is_found() {
    let expected = Box::pin(undisturbed()).await.state;
    for (name, broken) in BREAKS {
        let found = Box::pin(cell::broken(broken)).await;
        assert_ne!(found, expected, "not found: {name}");
        println!("{name}: found, {}", differences(&expected, &found).split(':').next().unwrap());
    }
}

impl Break {
    async fn make(self, house: &House) {
        match self {
            Self::Database(sql) => {
                sqlx::raw_sql(sql).execute(&house.admin).await.unwrap();
            }
            Self::Store => house.store.on(|seen| {
                let removes = seen.line.starts_with("DELETE ");
                if removes { Act::Reply(204, "application/xml", Vec::new()) } else { Act::Pass }
            }),
            Self::Embeddings => house.embeddings.on(|seen| {
                let mut body = seen.json();
                for text in body["input"].as_array_mut().unwrap() {
                    *text = format!("{} ", text.as_str().unwrap()).into();
                }
                Act::Alter(body.to_string().into_bytes())
            }),
        }
    }
}
