//! The look through everything: which bytes went to whom, or lie where, and whose marks are in them.

use std::path::Path;

use pidima::telemetry::metrics;

use super::marks::{self, Found, Marks, Party};
use super::stores::{self, Stored};
use super::total::{count, count_marks};
use super::wire::Exchange;
use super::{Seen, log, texts};

/// A mark where it must not be.
#[derive(Debug)]
#[expect(dead_code, reason = "printed when a test fails")]
pub struct Finding {
    /// Kind of the place.
    pub kind: &'static str,
    /// The place.
    pub place: String,
    pub mark: String,
    /// What stands around it.
    pub excerpt: String,
}

fn finding(kind: &'static str, place: &str, found: Found) -> Finding {
    let place = format!("{place} (mark of {})", found.owner);
    Finding { kind, place, mark: found.mark, excerpt: found.excerpt }
}

pub async fn through(seen: &Seen) -> Vec<Finding> {
    let stored = stores::database(&seen.database).await;
    let marks = Marks::of(seen, &stored);
    count_marks(stored.tenants.len(), marks.texts.len() + marks.ids.len());
    let mut found = Vec::new();
    for exchange in seen.exchanges.lock().unwrap().iter() {
        found.extend(response(exchange, &stored, &marks));
    }
    found.extend(models(seen, &stored, &marks));
    found.extend(queue(seen, &marks));
    found.extend(rows(&stored, &marks));
    found.extend(objects(&seen.objects, &marks));
    if let Some(url) = &seen.redis {
        found.extend(redis(&stores::redis(url).await, &stored, &marks));
    }
    found.extend(logs(seen, &marks));
    found
}

/// A response holds what belongs to whoever asked, and what they said themselves.
fn response(exchange: &Exchange, stored: &Stored, marks: &Marks) -> Vec<Finding> {
    let (headers, body) = (exchange.told_headers.lock().unwrap().clone(), exchange.told());
    let kind = if *exchange.is_stream.lock().unwrap() { "events" } else { "responses" };
    count(kind, headers.len() + body.len());
    let mut allowed = marks::asks(exchange, stored);
    allowed.extend(marks::in_secrets(&headers, stored));
    if exchange.path.starts_with("/login/") {
        allowed.extend(to_choose(&body, stored));
    }
    let said = texts::said(&format!("{}\n{}", exchange.path, exchange.asked()));
    let said = format!("{said}\n{}", texts::said(&exchange.asked()));
    let is_operator = exchange.asked_headers.contains("authorization: Bearer pdo_");
    let foreign = marks.foreign(&format!("{headers}\n{body}"), &allowed).into_iter();
    foreign
        .filter(|found| !said.contains(&found.mark))
        .filter(|found| !(is_operator && names(stored, &found.mark)))
        .map(|found| finding(kind, &exchange.path, found))
        .collect()
}

/// Tenants among which a page lets a person choose: all of them are those of one person.
fn to_choose(page: &str, stored: &Stored) -> Party {
    let ids = texts::ids(page);
    let tenants = stored.tenants.iter().map(|tenant| tenant.id);
    let listed: Party = tenants.filter(|id| ids.contains(&id.uuid())).collect();
    let of = |issuer: &str, subject: &str| {
        let own =
            stored.people.iter().filter(|(i, s, _)| (i.as_str(), s.as_str()) == (issuer, subject));
        own.map(|(_, _, tenant)| *tenant).collect::<Party>()
    };
    let is_of_one =
        stored.people.iter().any(|(i, s, _)| listed.is_subset(&of(i.as_str(), s.as_str())));
    if is_of_one { listed } else { Party::new() }
}

/// Whether it is what an operator may know: ids of what they make, and what tenants are called.
fn names(stored: &Stored, mark: &str) -> bool {
    let is_name = |name: &str| name.to_lowercase().contains(mark);
    uuid::Uuid::try_parse(mark).is_ok() || stored.tenants.iter().any(|tenant| is_name(&tenant.name))
}

/// What goes to a model belongs to one tenant: the one that asked, where that can be told.
fn models(seen: &Seen, stored: &Stored, marks: &Marks) -> Vec<Finding> {
    let mut found = Vec::new();
    for prompt in seen.prompts.lock().unwrap().iter() {
        count("prompts", prompt.text.len());
        let asking = asking(seen, stored, &prompt.question);
        let owners = if asking.len() == 1 { asking } else { marks.owners(&prompt.text) };
        let first: Party = owners.into_iter().take(1).collect();
        let foreign = marks.foreign(&prompt.text, &first).into_iter();
        found.extend(foreign.map(|found| finding("prompts", &prompt.question, found)));
    }
    for text in seen.embedded.lock().unwrap().iter() {
        count("texts to embed", text.len());
        let first: Party = marks.owners(text).into_iter().take(1).collect();
        let foreign = marks.foreign(text, &first).into_iter();
        found.extend(foreign.map(|found| finding("texts to embed", "passages", found)));
    }
    found
}

/// In whose names a question was asked.
fn asking(seen: &Seen, stored: &Stored, question: &str) -> Party {
    let question = question.to_lowercase();
    let exchanges = seen.exchanges.lock().unwrap().clone();
    let asked = exchanges.iter().filter(|exchange| {
        let path = exchange.path.as_str();
        (path.contains("/answers") || path.contains("/messages"))
            && texts::said(&exchange.asked()).lines().any(|line| line == question)
    });
    asked.flat_map(|exchange| marks::asks(exchange, stored)).collect()
}

/// Messages name things by their ids, and no text of anybody.
fn queue(seen: &Seen, marks: &Marks) -> Vec<Finding> {
    let mut found = Vec::new();
    for message in seen.messages.lock().unwrap().iter() {
        let text = format!("{} {} {}", message.message_id, message.kind, message.subject_id);
        count("queue messages", text.len());
        let foreign = marks.foreign(&text, &Party::from([message.tenant])).into_iter();
        found.extend(foreign.map(|found| finding("queue messages", &message.kind, found)));
        found.extend(
            marks.texts_in(&text).into_iter().map(|f| finding("queue messages", &message.kind, f)),
        );
    }
    found
}

/// Rows hold what belongs to their tenant, or what somebody said in its name.
fn rows(stored: &Stored, marks: &Marks) -> Vec<Finding> {
    let mut found = Vec::new();
    for row in &stored.rows {
        count("rows", row.text.len());
        let foreign = marks.foreign(&row.text, &Party::from([row.tenant])).into_iter();
        let foreign = foreign.filter(|found| !marks.has_sent(row.tenant, &found.mark));
        found.extend(foreign.map(|found| finding("rows", &row.table, found)));
    }
    found
}

/// Keys of objects name their tenant and hold no text of anybody; contents are the tenant's own.
fn objects(root: &Path, marks: &Marks) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, content) in stores::objects(root) {
        count("object keys", key.len());
        count("objects", content.len());
        let mut parts = key.split('/');
        let tenant = parts.nth(1).and_then(|part| part.parse::<uuid::Uuid>().ok());
        let own: Party = tenant.into_iter().map(Into::into).collect();
        found.extend(marks.texts_in(&key).into_iter().map(|f| finding("object keys", &key, f)));
        found
            .extend(marks.foreign(&key, &own).into_iter().map(|f| finding("object keys", &key, f)));
        found
            .extend(marks.foreign(&content, &own).into_iter().map(|f| finding("objects", &key, f)));
    }
    found
}

/// What the cache keeps of a tenant stands under a key that names the tenant.
fn redis(entries: &[(String, String)], stored: &Stored, marks: &Marks) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, value) in entries {
        count("cache", key.len() + value.len());
        let own = stored.tenants.iter().map(|tenant| tenant.id);
        let own: Party = own.filter(|id| texts::ids(key).contains(&id.uuid())).collect();
        found.extend(marks.foreign(key, &own).into_iter().map(|f| finding("cache", key, f)));
        found.extend(marks.foreign(value, &own).into_iter().map(|f| finding("cache", key, f)));
    }
    found
}

/// Logs hold ids and no text of anybody, nor a credential.
fn logs(seen: &Seen, marks: &Marks) -> Vec<Finding> {
    let mut found = Vec::new();
    let told = [
        ("log lines", log::since(seen.told_from)),
        ("spans", log::spans_since(seen.told_from)),
        ("metrics", metrics::page().unwrap()),
    ];
    let secrets = secrets(seen);
    for (kind, text) in told {
        count(kind, text.len());
        let texts = marks.texts_in(&text).into_iter();
        found.extend(texts.map(|found| finding(kind, "told by the process", found)));
        for secret in secrets.iter().filter(|secret| text.contains(secret.as_str())) {
            let (place, mark) = ("a secret".to_owned(), secret.clone());
            found.push(Finding { kind, place, mark, excerpt: String::new() });
        }
    }
    found
}

/// The secret parts of keys and cookies that were sent: 40 digits and more.
fn secrets(seen: &Seen) -> Vec<String> {
    let exchanges = seen.exchanges.lock().unwrap().clone();
    let headers = exchanges.iter().flat_map(|exchange| exchange.asked_headers.lines());
    let sent =
        headers.filter(|line| line.starts_with("authorization:") || line.starts_with("cookie:"));
    let parts = sent.flat_map(|line| line.split(|letter: char| !letter.is_ascii_hexdigit()));
    let mut secrets: Vec<String> =
        parts.filter(|part| part.len() >= 40).map(str::to_owned).collect();
    secrets.sort_unstable();
    secrets.dedup();
    secrets
}
