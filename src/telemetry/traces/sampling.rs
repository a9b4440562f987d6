//! Which traces are told: those that the sender keeps, and a part of those that begin here or were left to us.

use std::fmt;
use std::str::FromStr;

use opentelemetry::trace::{Link, SpanId, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SamplingResult, ShouldSample,
};

use super::super::spans::arrived;

/// A part of all traces, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRatio(f64);

impl SampleRatio {
    /// Every trace.
    pub const ALL: Self = Self(1.0);
}

impl FromStr for SampleRatio {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ratio = text.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.map(Self).ok_or_else(|| "give a number from 0 to 1, such as 0.05".to_owned())
    }
}

impl fmt::Display for SampleRatio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Follows the parent where there is one that has decided.
#[derive(Clone, Debug)]
pub(super) struct Sampling(pub SampleRatio);

impl ShouldSample for Sampling {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let local = parent.map(|context| context.span().span_context().clone());
        let local = local.filter(|span| span.is_valid() && !span.is_remote());
        let decided = match local {
            Some(span) => Some(span.is_sampled()),
            None => arrived().and_then(|context| context.is_sampled),
        };
        match decided {
            Some(is_kept) => SamplingResult {
                decision: match is_kept {
                    true => SamplingDecision::RecordAndSample,
                    false => SamplingDecision::Drop,
                },
                attributes: Vec::new(),
                trace_state: TraceState::default(),
            },
            None => Sampler::TraceIdRatioBased(self.0.0)
                .should_sample(parent, trace_id, name, kind, attributes, links),
        }
    }
}

/// Random ids, but for a trace that arrived without a span: it keeps its id.
#[derive(Debug, Default)]
pub(super) struct ArrivedIds(RandomIdGenerator);

impl IdGenerator for ArrivedIds {
    fn new_trace_id(&self) -> TraceId {
        match arrived() {
            Some(context) => TraceId::from_bytes(context.trace_id.to_be_bytes()),
            None => self.0.new_trace_id(),
        }
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}
