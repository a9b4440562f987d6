//! Bedrock's adapter against a stand-in that others wrote: ministack, which speaks the event stream on its own account.

use futures_util::StreamExt;
use pidima::adapters::models::*;

use super::prompt;
use super::wires::bedrock_client;
use crate::support::issuers::Cognito;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_whole_with_its_count_alone_and_through_the_failover() {
    let stand_in = Cognito::shared().await;
    let model = || {
        let settings = BedrockSettings::new("anthropic.claude-3-haiku-20240307-v1:0");
        BedrockModel::with_client(settings, bedrock_client(stand_in.address()))
    };
    let outcome = super::ask(&model()).await;
    println!("ministack said: {:?}", outcome.text);
    assert_eq!(outcome.error, None);
    assert!(!outcome.text.is_empty());
    let [ModelEvent::Usage(usage), ModelEvent::Finished(FinishReason::Stop)] = outcome.others[..]
    else {
        panic!("{outcome:?}")
    };
    assert!(usage.input_tokens > 0 && usage.output_tokens > 0 && !usage.is_estimated);

    let providers = [("bedrock".to_owned(), std::sync::Arc::new(model()) as _)];
    let registry = ModelRegistry::new(providers, FailoverSettings::default());
    let events: Vec<_> = registry.in_order().answer(prompt()).await.unwrap().collect().await;
    assert_eq!(events.last(), Some(&Ok(ModelEvent::Finished(FinishReason::Stop))));
    assert!(events.contains(&Ok(ModelEvent::Usage(usage))));
}
