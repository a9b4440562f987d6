//! Holds the writers' logs against the history that the service gives.

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use super::house::House;
use super::model::mark_of;
use super::writer::Operation;

/// What the check found.
#[derive(Debug, Default)]
pub struct Findings {
    operations: usize,
    questions: usize,
    answers: usize,
    partial: usize,
    unknown: usize,
    lost: Vec<String>,
    doubled: Vec<String>,
    different: Vec<String>,
    disordered: Vec<String>,
    foreign: Vec<String>,
}

impl Findings {
    pub fn lost(&self) -> usize {
        self.lost.len()
    }

    pub fn must_be_clean(&self) {
        assert!(self.questions > 0 && self.answers > 0, "nothing was acknowledged: {self}");
        let faults = [&self.lost, &self.doubled, &self.different, &self.disordered, &self.foreign];
        let all: Vec<&String> = faults.into_iter().flatten().take(20).collect();
        assert!(all.is_empty(), "{self}\n{all:#?}");
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} operations, {} questions and {} answers acknowledged ({} of them partial), {} with unknown end; lost {}, \
             doubled {}, different {}, out of order {}, foreign {}",
            self.operations,
            self.questions,
            self.answers,
            self.partial,
            self.unknown,
            self.lost.len(),
            self.doubled.len(),
            self.different.len(),
            self.disordered.len(),
            self.foreign.len()
        )
    }
}

/// Reads every session of the log through the API and compares.
pub async fn check(house: &House, operations: &[Operation]) -> Findings {
    let mut findings = Findings { operations: operations.len(), ..Findings::default() };
    let mut sessions: HashMap<&str, Vec<&Operation>> = HashMap::new();
    for operation in operations {
        sessions.entry(&operation.session_id).or_default().push(operation);
    }
    for (session_id, of_session) in sessions {
        let history = history(&house.addresses()[0], &of_session[0].tenant.key, session_id).await;
        session(&mut findings, &of_session, &history);
    }
    findings
}

async fn history(address: &str, key: &str, session_id: &str) -> Vec<Value> {
    let http = reqwest::Client::new();
    let (mut messages, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let url = format!("{address}/v1/sessions/{session_id}/messages");
        let mut request = http.get(url).bearer_auth(key).query(&[("limit", "100")]);
        if let Some(cursor) = &cursor {
            request = request.query(&[("cursor", cursor)]);
        }
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        messages.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return messages,
        }
    }
}

fn session(findings: &mut Findings, operations: &[&Operation], history: &[Value]) {
    let by_id: HashMap<&str, (usize, &Value)> = history
        .iter()
        .enumerate()
        .map(|(place, message)| (message["id"].as_str().unwrap(), (place, message)))
        .collect();
    let mut last_place = None;
    for operation in operations {
        if let Some(id) = &operation.question_id {
            findings.questions += 1;
            match by_id.get(id.as_str()) {
                None => findings.lost.push(format!("question {}", operation.mark)),
                Some((place, message)) => {
                    if message["content"] != operation.content.as_str() {
                        findings.different.push(format!("question {}", operation.mark));
                    }
                    if last_place.is_some_and(|last| last >= *place) {
                        findings.disordered.push(operation.mark.clone());
                    }
                    last_place = Some(*place);
                }
            }
        }
        if operation.vanished {
            findings.lost.push(format!("run {}", operation.mark));
        }
        if let Some(answer) = &operation.answer {
            findings.answers += 1;
            answered(findings, operation, answer, &by_id);
        }
        if operation.answer.is_none() && !operation.failed {
            findings.unknown += 1;
        }
        findings.disordered.extend(operation.misnumbered.iter().cloned());
    }
    doubles(findings, operations, history);
}

fn answered(
    findings: &mut Findings,
    operation: &Operation,
    answer: &Value,
    by_id: &HashMap<&str, (usize, &Value)>,
) {
    if answer["outcome"] == "partial" {
        findings.partial += 1;
    }
    let id = answer["message_id"].as_str().unwrap();
    match by_id.get(id) {
        None => findings.lost.push(format!("answer {}", operation.mark)),
        Some((_, message)) => {
            for field in ["content", "citations", "outcome"] {
                if message[field] != answer[field] {
                    findings.different.push(format!("{field} of the answer {}", operation.mark));
                }
            }
        }
    }
    if answer["content"] != operation.shown.as_str() {
        findings.different.push(format!(
            "shown {:?}, stored {}, {} attempts",
            operation.shown, answer["content"], operation.attempts
        ));
    }
}

/// Each mark stands in one question and at most one answer, and no mark of another writer in either.
fn doubles(findings: &mut Findings, operations: &[&Operation], history: &[Value]) {
    let mut seen: HashMap<(String, String), usize> = HashMap::new();
    for message in history {
        let content = message["content"].as_str().unwrap_or_default();
        let Some(mark) = mark_of(content) else { continue };
        let role = message["role"].as_str().unwrap_or_default().to_owned();
        *seen.entry((role, mark.to_owned())).or_default() += 1;
        if !operations.iter().any(|operation| operation.mark == mark) {
            findings.foreign.push(format!("{mark} in another's session"));
        }
    }
    for ((role, mark), count) in seen {
        if count > 1 {
            findings.doubled.push(format!("{role} {mark}: {count}"));
        }
    }
}
