//! Asks a model once, and keeps what it used: also when nothing came of it, since that is paid for too.

use futures_util::StreamExt;

use crate::adapters::models::{
    Attempt, ChatModel, FinishReason, ModelError, ModelEvent, ModelUsage, Prompt, tokens,
};

/// A model that writes more than this ignores the bound it was given: the rest is not kept. It is read, since only at the end is it
/// told what was used.
const MOST_BYTES: usize = 64 * 1024;

/// What a call used.
#[derive(Debug, Default)]
pub struct Spent {
    /// Each try of a provider.
    pub attempts: Vec<Attempt>,
    /// Tokens of all tries together.
    pub usage: ModelUsage,
    /// Provider that wrote last.
    pub provider: String,
    /// Model that wrote last.
    pub model: String,
}

/// What became of a call.
#[derive(Debug)]
pub struct Reply {
    /// What it used.
    pub spent: Spent,
    /// What the model wrote; nothing when it had nothing to say or its provider withheld it.
    pub text: Result<Option<String>, ModelError>,
    /// Whether it would have written more, had it been let.
    pub is_cut: bool,
}

/// Asks a model, and reads its reply to the end.
pub async fn ask(model: &dyn ChatModel, prompt: Prompt) -> Reply {
    let prompt_tokens = tokens::estimate(&prompt.instructions)
        + prompt.history.iter().map(|turn| tokens::estimate(&turn.content)).sum::<u64>()
        + tokens::estimate(&prompt.message);
    let mut reading = Reading {
        text: String::new(),
        counted: None,
        spent: Spent {
            provider: model.provider().to_owned(),
            model: model.model().to_owned(),
            ..Spent::default()
        },
    };
    let ended = reading.read(model, prompt).await;
    let Reading { text, counted, mut spent } = reading;
    let of_attempts = spent.attempts.iter().filter_map(|attempt| attempt.usage);
    let usage = counted.or_else(|| of_attempts.reduce(ModelUsage::plus));
    spent.usage = usage.unwrap_or_else(|| {
        if text.is_empty() {
            // Nobody counted and nothing came: most likely nothing was read.
            return ModelUsage::default();
        }
        ModelUsage {
            input_tokens: prompt_tokens,
            output_tokens: tokens::estimate(&text),
            is_estimated: true,
            ..ModelUsage::default()
        }
    });
    let is_cut = ended == Ok(FinishReason::Length);
    let text = ended.and_then(|reason| match reason {
        FinishReason::NoAnswer | FinishReason::ContentFilter => Ok(None),
        // All that it was let write was thought: that says nothing of the document.
        FinishReason::Length if text.trim().is_empty() => Err(ModelError::Empty),
        FinishReason::Stop | FinishReason::Length => Ok((!text.trim().is_empty()).then_some(text)),
    });
    Reply { spent, text, is_cut }
}

struct Reading {
    text: String,
    counted: Option<ModelUsage>,
    spent: Spent,
}

impl Reading {
    async fn read(
        &mut self,
        model: &dyn ChatModel,
        prompt: Prompt,
    ) -> Result<FinishReason, ModelError> {
        let mut events = model.answer(prompt).await?;
        while let Some(event) = events.next().await {
            match event? {
                ModelEvent::Delta(delta) if self.text.len() <= MOST_BYTES => {
                    self.text.push_str(&delta);
                }
                ModelEvent::Reset { .. } => self.text.clear(),
                ModelEvent::Usage(usage) => self.counted = Some(usage),
                ModelEvent::ProviderSwitched { provider, model, .. } => {
                    self.spent.provider = provider;
                    self.spent.model = model;
                }
                ModelEvent::Attempted(attempt) => self.attempted(*attempt),
                ModelEvent::Delta(_) | ModelEvent::Guardrail(_) => {}
                ModelEvent::Finished(FinishReason::Stop) if self.text.len() > MOST_BYTES => {
                    return Ok(FinishReason::Length);
                }
                ModelEvent::Finished(reason) => return Ok(reason),
            }
        }
        if self.text.is_empty() { Err(ModelError::Empty) } else { Err(ModelError::Cut) }
    }

    fn attempted(&mut self, attempt: Attempt) {
        if attempt.outcome != "skipped" {
            self.spent.provider.clone_from(&attempt.provider);
            self.spent.model.clone_from(&attempt.model);
        }
        self.spent.attempts.push(attempt);
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use futures_util::stream;

    use super::*;
    use crate::adapters::models::{ModelStream, Turn};

    /// Says these things.
    struct Says(Vec<Result<ModelEvent, ModelError>>);

    #[async_trait]
    impl ChatModel for Says {
        fn provider(&self) -> &'static str {
            "says"
        }

        fn model(&self) -> &'static str {
            "m"
        }

        async fn answer(&self, _prompt: Prompt) -> Result<ModelStream, ModelError> {
            Ok(stream::iter(self.0.clone()).boxed())
        }

        async fn standalone_question(
            &self,
            _history: &[Turn],
            question: &str,
        ) -> Result<String, ModelError> {
            Ok(question.to_owned())
        }
    }

    async fn asked(events: Vec<Result<ModelEvent, ModelError>>) -> Reply {
        let prompt = Prompt {
            instructions: "abcd".to_owned(),
            history: Vec::new(),
            message: "abcdefgh".to_owned(),
            passages: Vec::new(),
            question: String::new(),
            standalone_question: String::new(),
            max_output_tokens: 10,
            temperature: 0.0,
        };
        ask(&Says(events), prompt).await
    }

    fn delta(text: &str) -> Result<ModelEvent, ModelError> {
        Ok(ModelEvent::Delta(text.to_owned()))
    }

    #[tokio::test]
    async fn what_was_written_and_what_it_used_are_told_together() {
        let usage = ModelUsage::counted(30, 4, 20, 0).expect("a count");
        let ended = ModelEvent::Finished(FinishReason::Stop);
        let events = vec![delta("Of "), delta("keys."), Ok(ModelEvent::Usage(usage)), Ok(ended)];
        let reply = asked(events).await;
        assert_eq!(reply.text, Ok(Some("Of keys.".to_owned())));
        assert_eq!(reply.spent.usage, usage);
    }

    #[tokio::test]
    async fn a_reply_that_breaks_off_is_none_and_is_paid_for() {
        let reply = asked(vec![delta("Of keys"), Err(ModelError::Cut)]).await;
        assert_eq!(reply.text, Err(ModelError::Cut));
        assert_eq!((reply.spent.usage.input_tokens, reply.spent.usage.output_tokens), (3, 2));
        assert!(reply.spent.usage.is_estimated);
    }

    #[tokio::test]
    async fn a_model_that_has_nothing_to_say_has_said_nothing() {
        let ended = ModelEvent::Finished(FinishReason::NoAnswer);
        assert_eq!(asked(vec![delta("Nothing."), Ok(ended)]).await.text, Ok(None));
        assert_eq!(asked(Vec::new()).await.text, Err(ModelError::Empty));
    }

    #[tokio::test]
    async fn a_reply_that_is_far_too_long_is_cut_and_its_price_is_told() {
        let usage = ModelUsage::counted(30, 90_000, 0, 0).expect("a count");
        let attempt = Attempt {
            provider: "says".to_owned(),
            kind: "says".to_owned(),
            model: "m".to_owned(),
            mode: "started".to_owned(),
            outcome: "answered".to_owned(),
            status: None,
            first_token_ms: None,
            total_ms: 1,
            usage: Some(usage),
            guardrail: Vec::new(),
        };
        let long = "word ".repeat(MOST_BYTES / 5 + 1);
        let events = vec![
            delta(&long),
            delta("more"),
            Ok(ModelEvent::Attempted(Box::new(attempt.clone()))),
            Ok(ModelEvent::Usage(usage)),
            Ok(ModelEvent::Finished(FinishReason::Stop)),
        ];
        let reply = asked(events).await;
        assert_eq!((reply.text, reply.is_cut), (Ok(Some(long)), true));
        assert_eq!((reply.spent.usage, reply.spent.attempts), (usage, vec![attempt]));
    }

    #[tokio::test]
    async fn a_reply_that_comes_to_its_bound_is_cut_and_one_without_a_word_by_then_is_none() {
        for (reason, is_cut) in [(FinishReason::Length, true), (FinishReason::Stop, false)] {
            let reply = asked(vec![delta("Of"), Ok(ModelEvent::Finished(reason))]).await;
            assert_eq!((reply.text, reply.is_cut), (Ok(Some("Of".to_owned())), is_cut));
        }
        for (reason, text) in
            [(FinishReason::Length, Err(ModelError::Empty)), (FinishReason::Stop, Ok(None))]
        {
            let reply = asked(vec![delta(" \n"), Ok(ModelEvent::Finished(reason))]).await;
            assert_eq!(reply.text, text);
        }
    }
}
