//! The failover over providers that follow scripts: who is asked, how often, what the reader sees, and what is told of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use pidima::adapters::models::failover::{BreakerSettings, RetrySettings};
use pidima::adapters::models::*;

use super::prompt;

/// What a provider does with one request.
#[derive(Clone)]
enum Act {
    Refuse(ModelError),
    Say(Vec<Result<ModelEvent, ModelError>>),
    /// Says this and then nothing more.
    Hang(Vec<ModelEvent>),
}

/// A provider that follows its acts, then repeats the last one.
struct Fake {
    acts: Mutex<VecDeque<Act>>,
    continues: bool,
    calls: AtomicUsize,
    written: Mutex<Option<String>>,
    /// Answers that are still being read.
    open: Arc<AtomicUsize>,
}

impl Fake {
    fn new(acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        Arc::new(Self {
            acts: Mutex::new(acts.into_iter().collect()),
            continues: true,
            calls: AtomicUsize::new(0),
            written: Mutex::default(),
            open: Arc::default(),
        })
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn act(&self) -> Result<ModelStream, ModelError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mut acts = self.acts.lock().unwrap();
        let act = if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() };
        self.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(Arc::clone(&self.open));
        match act.unwrap() {
            Act::Refuse(error) => Err(error),
            Act::Say(steps) => Ok(stream::iter(steps).map(move |step| (step, &open).0).boxed()),
            Act::Hang(events) => {
                let events = stream::iter(events.into_iter().map(Ok)).chain(stream::pending());
                Ok(events.map(move |step| (step, &open).0).boxed())
            }
        }
    }
}

struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ChatModel for Fake {
    fn provider(&self) -> &'static str {
        "fake"
    }

    fn model(&self) -> &'static str {
        "fake-1"
    }

    fn can_continue(&self) -> bool {
        self.continues
    }

    async fn answer(&self, _prompt: Prompt) -> Result<ModelStream, ModelError> {
        self.act()
    }

    async fn continue_answer(&self, _: Prompt, written: &str) -> Result<ModelStream, ModelError> {
        *self.written.lock().unwrap() = Some(written.to_owned());
        self.act()
    }

    async fn standalone_question(&self, _: &[Turn], question: &str) -> Result<String, ModelError> {
        Ok(question.to_owned())
    }
}

fn settings() -> FailoverSettings {
    FailoverSettings {
        total_timeout: Duration::from_secs(3),
        restart_tokens: 40,
        retry: RetrySettings {
            tries: 3,
            base: Duration::from_millis(4),
            cap: Duration::from_millis(100),
            budget_percent: 10,
            burst: 10,
        },
        breaker: BreakerSettings { least_calls: 20, ..FailoverSettings::default().breaker },
    }
}

fn registry(providers: &[&Arc<Fake>], settings: FailoverSettings) -> ModelRegistry {
    let named = providers.iter().zip(["first", "second", "third"]);
    let named =
        named.map(|(fake, name)| (name.to_owned(), Arc::clone(*fake) as Arc<dyn ChatModel>));
    ModelRegistry::new(named.collect::<Vec<_>>(), settings)
}

fn say(pieces: &[&str]) -> Vec<Result<ModelEvent, ModelError>> {
    pieces.iter().map(|piece| Ok(ModelEvent::Delta((*piece).to_owned()))).collect()
}

fn whole(pieces: &[&str]) -> Act {
    let mut steps = say(pieces);
    steps.push(Ok(ModelEvent::Finished(FinishReason::Stop)));
    Act::Say(steps)
}

fn broken(pieces: &[&str]) -> Act {
    let mut steps = say(pieces);
    steps.push(Err(ModelError::Cut));
    Act::Say(steps)
}

/// What a reader sees, and what is told.
#[derive(Debug, Default)]
struct Seen {
    /// Deltas since the last reset, joined.
    text: String,
    resets: Vec<String>,
    switches: Vec<(String, SwitchMode)>,
    attempts: Vec<Attempt>,
    usage: Option<ModelUsage>,
    finish: Option<FinishReason>,
    error: Option<ModelError>,
}

impl Seen {
    fn outcomes(&self) -> Vec<(&str, &str, &str)> {
        self.attempts
            .iter()
            .map(|it| (it.provider.as_str(), it.mode.as_str(), it.outcome.as_str()))
            .collect()
    }
}

async fn ask(model: &Arc<dyn ChatModel>) -> Seen {
    let mut seen = Seen::default();
    let mut stream = model.answer(prompt()).await.unwrap();
    while let Some(event) = stream.next().await {
        assert!(seen.finish.is_none() && seen.error.is_none(), "something behind the end");
        match event {
            Ok(ModelEvent::Delta(text)) => seen.text.push_str(&text),
            Ok(ModelEvent::Reset { reason }) => {
                seen.text.clear();
                seen.resets.push(reason);
            }
            Ok(ModelEvent::ProviderSwitched { provider, mode, .. }) => {
                seen.switches.push((provider, mode));
            }
            Ok(ModelEvent::Attempted(attempt)) => seen.attempts.push(*attempt),
            Ok(ModelEvent::Usage(usage)) => seen.usage = Some(usage),
            Ok(ModelEvent::Guardrail(_)) => {}
            Ok(ModelEvent::Finished(reason)) => seen.finish = Some(reason),
            Err(error) => seen.error = Some(error),
        }
    }
    assert!(seen.finish.is_some() != seen.error.is_some(), "a silent end: {seen:?}");
    seen
}

#[tokio::test]
async fn before_the_first_text_a_provider_is_asked_again_and_the_reader_notices_nothing() {
    let busy = || Act::Refuse(ModelError::status(503, "busy"));
    let fake = Fake::new([busy(), broken(&[]), whole(&["At most 25. [1]"])]);
    let seen = ask(&registry(&[&fake], settings()).in_order()).await;
    assert_eq!(seen.text, "At most 25. [1]");
    assert!(seen.resets.is_empty() && seen.switches.is_empty());
    let expected = [
        ("first", "started", "refused"),
        ("first", "retried", "cut"),
        ("first", "retried", "answered"),
    ];
    assert_eq!(seen.outcomes(), expected);
    assert_eq!(seen.attempts[0].status, Some(503));
}

#[tokio::test]
async fn a_provider_is_asked_no_more_often_than_the_setting_says() {
    for tries in [1, 2, 3] {
        let fake = Fake::new([Act::Refuse(ModelError::status(500, "no"))]);
        let mut settings = settings();
        settings.retry.tries = tries;
        let seen = ask(&registry(&[&fake], settings).in_order()).await;
        assert_eq!(fake.calls(), tries as usize);
        assert_eq!(seen.error, Some(ModelError::status(500, "no")));
    }
}

#[tokio::test]
async fn what_stays_refused_is_not_asked_again_but_another_provider_is() {
    let wrong_key = Fake::new([Act::Refuse(ModelError::status(401, "wrong key"))]);
    let good = Fake::new([whole(&["Yes. [1]"])]);
    let seen = ask(&registry(&[&wrong_key, &good], settings()).in_order()).await;
    assert_eq!((wrong_key.calls(), good.calls()), (1, 1));
    assert_eq!(seen.text, "Yes. [1]");
    let expected = [("first", "started", "refused"), ("second", "started", "answered")];
    assert_eq!(seen.outcomes(), expected);
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_kept_and_one_beyond_the_cap_is_not_waited_for() {
    let limited = |wait| {
        let (code, message) = (429, "slow down".to_owned());
        Act::Refuse(ModelError::Status { code, message, retry_after: Some(wait) })
    };
    let began = Instant::now();
    let patient = Fake::new([limited(Duration::from_millis(80)), whole(&["Yes."])]);
    assert_eq!(ask(&registry(&[&patient], settings()).in_order()).await.text, "Yes.");
    assert!(began.elapsed() >= Duration::from_millis(80));

    let huge = Fake::new([limited(Duration::from_secs(86_400))]);
    let good = Fake::new([whole(&["Yes."])]);
    let began = Instant::now();
    let seen = ask(&registry(&[&huge, &good], settings()).in_order()).await;
    assert_eq!((huge.calls(), seen.text.as_str()), (1, "Yes."));
    let alone = ask(&registry(&[&huge], settings()).in_order()).await;
    assert_eq!(alone.error.unwrap().retry_after(), Some(Duration::from_secs(86_400)));
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn retries_of_all_answers_together_stay_within_the_budget() {
    let fake = Fake::new([Act::Refuse(ModelError::status(500, "no"))]);
    let mut settings = settings();
    settings.retry.burst = 5;
    settings.breaker.least_calls = 10_000;
    let model = registry(&[&fake], settings).in_order();
    for _ in 0..100 {
        ask(&model).await;
    }
    let retries = fake.calls() - 100;
    assert!((5..=15).contains(&retries), "{retries}");
}

/// A text of so many tokens as the failover counts them.
fn text_of(tokens: usize) -> String {
    let text = "word".repeat(tokens);
    assert_eq!(pidima::adapters::models::tokens::estimate(&text), tokens as u64);
    text
}

#[tokio::test]
async fn with_little_shown_the_next_provider_begins_anew() {
    for shown in [1, 39] {
        let first = Fake::new([broken(&[&text_of(shown)])]);
        let second = Fake::new([whole(&["At most ", "25. [1]"])]);
        let seen = ask(&registry(&[&first, &second], settings()).in_order()).await;
        assert_eq!(seen.text, "At most 25. [1]", "{shown}");
        assert_eq!(seen.resets, ["provider_failed"]);
        assert_eq!(seen.switches, [("second".to_owned(), SwitchMode::Restarted)]);
        let expected = [("first", "started", "cut"), ("second", "restarted", "answered")];
        assert_eq!(seen.outcomes(), expected);
        assert_eq!(*second.written.lock().unwrap(), None);
    }
}

#[tokio::test]
async fn with_more_shown_the_next_provider_goes_on_where_the_text_stands() {
    for shown in [40, 41, 200] {
        let begun = format!("{} live for 90", text_of(shown));
        let first = Fake::new([broken(&[&begun])]);
        let second = Fake::new([whole(&[" days", ". [1]"])]);
        let seen = ask(&registry(&[&first, &second], settings()).in_order()).await;
        assert_eq!(seen.text, format!("{begun} days. [1]"), "{shown}");
        assert!(seen.resets.is_empty());
        assert_eq!(seen.switches, [("second".to_owned(), SwitchMode::Continued)]);
        assert_eq!(second.written.lock().unwrap().as_deref(), Some(begun.as_str()));
        assert_eq!(seen.finish, Some(FinishReason::Stop));
    }
}

#[tokio::test]
async fn nothing_is_reset_before_another_provider_really_speaks() {
    let first = Fake::new([broken(&["A few words"])]);
    let second = Fake::new([Act::Refuse(ModelError::status(503, "busy"))]);
    let seen = ask(&registry(&[&first, &second], settings()).in_order()).await;
    assert_eq!(seen.text, "A few words", "the text is kept");
    assert!(seen.resets.is_empty() && seen.switches.is_empty());
    assert_eq!(seen.error, Some(ModelError::Cut), "what broke it");
    assert_eq!(second.calls(), 1, "once text is shown nobody is asked twice");
}

#[tokio::test]
async fn a_third_provider_takes_over_from_the_second() {
    let first = Fake::new([broken(&["A few words"])]);
    let second = Fake::new([broken(&[&text_of(50)])]);
    let third = Fake::new([whole(&[" and the end. [1]"])]);
    let seen = ask(&registry(&[&first, &second, &third], settings()).in_order()).await;
    assert_eq!(seen.text, format!("{} and the end. [1]", text_of(50)));
    let modes: Vec<SwitchMode> = seen.switches.iter().map(|(_, mode)| *mode).collect();
    assert_eq!(modes, [SwitchMode::Restarted, SwitchMode::Continued]);
}

#[tokio::test]
async fn who_cannot_continue_is_not_asked_to() {
    let first = Fake::new([broken(&[&text_of(50)])]);
    let mut second = Fake::new([whole(&["Something else."])]);
    Arc::get_mut(&mut second).unwrap().continues = false;
    let seen = ask(&registry(&[&first, &second], settings()).in_order()).await;
    assert_eq!((seen.text, second.calls()), (text_of(50), 0));
    assert_eq!(seen.error, Some(ModelError::Cut));
}

#[tokio::test]
async fn white_space_is_nothing_shown() {
    let first = Fake::new([broken(&[" ", "\n\n"])]);
    let second = Fake::new([whole(&["\n", "Yes. [1]"])]);
    let mut settings = settings();
    settings.retry.tries = 1;
    let seen = ask(&registry(&[&first, &second], settings).in_order()).await;
    assert_eq!(seen.text, "\nYes. [1]");
    assert!(seen.resets.is_empty(), "there was nothing to take back");
    let blank = Fake::new([whole(&["  ", "\n"])]);
    let seen = ask(&registry(&[&blank], settings).in_order()).await;
    assert_eq!((seen.error, blank.calls()), (Some(ModelError::Empty), 1));
}

#[tokio::test]
async fn a_provider_that_stays_silent_is_left_alone_and_others_are_asked_at_once() {
    let slow = ModelError::FirstTokenTimeout(Duration::from_secs(10));
    let first = Fake::new([Act::Refuse(slow)]);
    let second = Fake::new([whole(&["Yes."])]);
    let model = registry(&[&first, &second], settings()).in_order();
    for _ in 0..8 {
        assert_eq!(ask(&model).await.text, "Yes.");
    }
    assert_eq!(first.calls(), 5, "five time-outs opened the breaker");
    let seen = ask(&model).await;
    assert_eq!(seen.outcomes()[0], ("first", "started", "skipped"));
    let alone = registry(&[&first], settings());
    for _ in 0..2 {
        ask(&alone.in_order()).await;
    }
    let error = ask(&alone.in_order()).await.error.unwrap();
    assert!(matches!(error, ModelError::Resting(_)) && error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn all_orders_of_a_registry_share_the_breakers() {
    let slow = ModelError::FirstTokenTimeout(Duration::from_secs(10));
    let first = Fake::new([Act::Refuse(slow)]);
    let second = Fake::new([whole(&["Yes."])]);
    let registry = registry(&[&first, &second], settings());
    assert_eq!(registry.names(), ["first", "second"]);
    for _ in 0..5 {
        ask(&registry.in_order()).await;
    }
    let reversed = registry.ordered(&["second".to_owned(), "first".to_owned()]).unwrap();
    assert_eq!(ask(&reversed).await.outcomes(), [("second", "started", "answered")]);
    let only = registry.ordered(&["first".to_owned()]).unwrap();
    assert!(matches!(ask(&only).await.error, Some(ModelError::Resting(_))));
    let left = registry.ordered(&["fourth".to_owned(), "second".to_owned()]).unwrap();
    assert_eq!(ask(&left).await.outcomes(), [("second", "started", "answered")]);
    assert!(registry.ordered(&["fourth".to_owned()]).is_none(), "nobody who was not named");
}

#[tokio::test]
async fn the_whole_answer_has_one_time_whoever_writes_it() {
    let first = Fake::new([Act::Hang(vec![ModelEvent::Delta("A few words".to_owned())])]);
    let second = Fake::new([whole(&["Yes."])]);
    let total_timeout = Duration::from_millis(150);
    let limited = FailoverSettings { total_timeout, ..settings() };
    let began = Instant::now();
    let seen = ask(&registry(&[&first, &second], limited).in_order()).await;
    assert_eq!(seen.error, Some(ModelError::TotalTimeout(total_timeout)));
    assert_eq!((seen.text.as_str(), second.calls()), ("A few words", 0));
    let silent = Fake::new([Act::Hang(Vec::new())]);
    let seen = ask(&registry(&[&silent], limited).in_order()).await;
    assert_eq!(seen.error, Some(ModelError::TotalTimeout(total_timeout)));
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_request_to_the_provider() {
    let fake = Fake::new([Act::Hang(vec![ModelEvent::Delta("A few words".to_owned())])]);
    let model = registry(&[&fake], settings()).in_order();
    let mut stream = model.answer(prompt()).await.unwrap();
    assert_eq!(stream.next().await, Some(Ok(ModelEvent::Delta("A few words".to_owned()))));
    assert_eq!(fake.open.load(Ordering::SeqCst), 1);
    drop(stream);
    assert_eq!(fake.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_at_a_megabyte_and_told_as_cut() {
    let piece = "x".repeat(64 * 1024);
    let endless = Fake::new([Act::Say(say(&vec![piece.as_str(); 40]))]);
    let seen = ask(&registry(&[&endless], settings()).in_order()).await;
    assert_eq!(seen.finish, Some(FinishReason::Length));
    assert!(seen.text.len() <= 1024 * 1024 + piece.len());
}

#[tokio::test]
async fn tokens_of_all_tries_are_added_up_and_marked_where_nobody_counted() {
    let counted = ModelUsage { input_tokens: 100, output_tokens: 7, ..ModelUsage::default() };
    let with_usage = || {
        Act::Say(vec![
            Ok(ModelEvent::Delta("Yes. [1]".to_owned())),
            Ok(ModelEvent::Usage(counted)),
            Ok(ModelEvent::Finished(FinishReason::Stop)),
        ])
    };
    let alone = ask(&registry(&[&Fake::new([with_usage()])], settings()).in_order()).await;
    assert_eq!(alone.usage, Some(counted));

    let cut = Fake::new([broken(&["A few words"])]);
    let both = ask(&registry(&[&cut, &Fake::new([with_usage()])], settings()).in_order()).await;
    let lost = both.attempts[0].usage.unwrap();
    assert!(lost.is_estimated && lost.input_tokens > 0 && lost.output_tokens == 3);
    assert_eq!(both.attempts[1].usage, Some(counted));
    assert_eq!(both.usage, Some(lost.plus(counted)));

    let refused = Fake::new([Act::Refuse(ModelError::status(401, "no"))]);
    let seen = ask(&registry(&[&refused], settings()).in_order()).await;
    assert_eq!(seen.attempts[0].usage, None, "a refused request costs nothing");
}
