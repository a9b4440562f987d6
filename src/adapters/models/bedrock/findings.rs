//! What a guardrail found, read out of the trace behind an answer: which policy, what of it, and what was done. The words
//! that it found stay out: they are the customer's, and often the very thing that was to be kept away.

use aws_sdk_bedrockruntime::types::{ConverseStreamTrace, GuardrailAssessment};

use crate::adapters::models::GuardrailFinding;

/// Findings that are kept of one answer.
const MOST_FINDINGS: usize = 50;
/// Longest name that is kept.
const MOST_NAME_CHARS: usize = 100;

/// The findings of a trace, those of the question first.
pub(super) fn of_trace(trace: &ConverseStreamTrace) -> Vec<GuardrailFinding> {
    let Some(guardrail) = trace.guardrail() else { return Vec::new() };
    let inputs = guardrail.input_assessment().into_iter().flat_map(|it| it.values());
    let outputs = guardrail.output_assessments().into_iter().flat_map(|it| it.values().flatten());
    let inputs = inputs.flat_map(|assessment| findings("input", assessment));
    let outputs = outputs.flat_map(|assessment| findings("output", assessment));
    inputs.chain(outputs).take(MOST_FINDINGS).collect()
}

fn findings(side: &str, assessment: &GuardrailAssessment) -> Vec<GuardrailFinding> {
    let mut found = Vec::new();
    let mut add = |policy: &str, name: &str, action: &str| {
        found.push(GuardrailFinding {
            side: side.to_owned(),
            policy: policy.to_owned(),
            name: name.chars().take(MOST_NAME_CHARS).collect(),
            action: action.to_ascii_lowercase(),
        });
    };
    for topic in assessment.topic_policy().into_iter().flat_map(|policy| policy.topics()) {
        add("topic", topic.name(), topic.action().as_str());
    }
    for filter in assessment.content_policy().into_iter().flat_map(|policy| policy.filters()) {
        add("content", filter.r#type().as_str(), filter.action().as_str());
    }
    if let Some(words) = assessment.word_policy() {
        for word in words.custom_words() {
            add("word", "custom", word.action().as_str());
        }
        for word in words.managed_word_lists() {
            add("word", word.r#type().as_str(), word.action().as_str());
        }
    }
    if let Some(information) = assessment.sensitive_information_policy() {
        for entity in information.pii_entities() {
            add("sensitive_information", entity.r#type().as_str(), entity.action().as_str());
        }
        for regex in information.regexes() {
            let name = regex.name().unwrap_or("regex");
            add("sensitive_information", name, regex.action().as_str());
        }
    }
    let grounding = assessment.contextual_grounding_policy();
    for filter in grounding.into_iter().flat_map(|policy| policy.filters()) {
        add("grounding", filter.r#type().as_str(), filter.action().as_str());
    }
    found
}
