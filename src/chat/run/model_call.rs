//! The span of a model that writes an answer, in the words of OpenTelemetry's conventions for generative AI. It tells names
//! and counts; what the model is told and what it writes are no part of it.

use tracing::{Span, field};

use super::error::RunError;
use super::generate::Ending;
use crate::adapters::models::{ChatModel, FinishReason, Prompt};
use crate::chat::store::runs::EndedRun;
use crate::telemetry::traced;

/// Begins the span.
pub(super) fn span(model: &dyn ChatModel, prompt: &Prompt) -> Span {
    traced!(
        "chat",
        otel.name = format!("chat {}", model.model()),
        otel.kind = "client",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = provider(model.provider()),
        gen_ai.request.model = model.model(),
        gen_ai.request.max_tokens = prompt.max_output_tokens,
        gen_ai.request.temperature = f64::from(prompt.temperature),
        gen_ai.response.model = field::Empty,
        gen_ai.response.finish_reasons = field::Empty,
        gen_ai.usage.input_tokens = field::Empty,
        gen_ai.usage.output_tokens = field::Empty,
        "error.type" = field::Empty,
        otel.status_code = field::Empty,
    )
}

/// Says how it ended.
pub(super) fn end(span: &Span, ended: &EndedRun, written: &Result<Ending, RunError>) {
    if span.is_none() {
        return;
    }
    span.record("gen_ai.response.model", &*ended.model);
    span.record("gen_ai.usage.input_tokens", ended.input_tokens);
    span.record("gen_ai.usage.output_tokens", ended.output_tokens);
    match written {
        Ok(Ending::Finished(reason)) => {
            span.record("gen_ai.response.finish_reasons", finish(*reason));
        }
        Ok(_) => {
            span.record("error.type", "interrupted");
            span.record("otel.status_code", "ERROR");
        }
        Err(error) => {
            span.record("error.type", error.reason());
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// Amazon's name as the conventions have it; any other is the operator's.
fn provider(name: &str) -> &str {
    if name == "bedrock" { "aws.bedrock" } else { name }
}

fn finish(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::NoAnswer => "no_answer",
    }
}
