//! Sources that are away, refuse, or hold what is no setting: place and remedy are told, a value never.

use std::time::{Duration, Instant};

use pidima::adapters::settings::SourceLimits;
use serde_json::json;

use super::place::{LIMITS, Place};
use crate::aws::StandIn;
use crate::aws::proxy::{Act, FaultProxy};

/// An address where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

async fn fault(place: &Place, address: &str, limits: SourceLimits) -> String {
    let error = place.limited(address, limits).read().await.unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let [fault] = &error.faults[..] else { panic!("{error}") };
    assert!(fault.contains(place.id().trim_end_matches('/')), "{fault}");
    fault.clone()
}

#[tokio::test]
async fn what_is_not_there_is_told_with_the_setting_that_names_it() {
    let secret = Place::secret().await;
    let told = fault(&secret, &secret.address, LIMITS).await;
    assert!(told.contains("PIDIMA_SECRETS"), "{told}");
    let parameters = Place::parameters().await;
    let told = fault(&parameters, &parameters.address, LIMITS).await;
    assert!(told.contains("PIDIMA_PARAMETERS_PATH"), "{told}");
    // A file that is not there holds nothing.
    let file = Place::file_place().await;
    assert!(file.outside(NOBODY).read().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_is_told_with_the_rights_that_are_missing() {
    let proxy = FaultProxy::before(&StandIn::shared().await.address).await;
    proxy.on(|_| Act::sqs(400, "AccessDeniedException"));
    for (place, right) in [
        (Place::secret().await, "secretsmanager:GetSecretValue"),
        (Place::parameters().await, "ssm:GetParametersByPath"),
    ] {
        let told = fault(&place, &proxy.url, LIMITS).await;
        assert!(told.contains(right) && told.contains("kms:Decrypt"), "{told}");
    }
    assert_eq!(proxy.take().len(), 2, "a refusal is not tried again");
}

#[tokio::test]
async fn a_service_that_is_away_is_asked_again_and_then_told() {
    let proxy = FaultProxy::before(&StandIn::shared().await.address).await;
    for place in [Place::secret().await, Place::parameters().await] {
        let told = fault(&place, NOBODY, LIMITS).await;
        assert!(told.contains("was not reached") && told.contains("AWS_ENDPOINT_URL_"), "{told}");
        proxy.on(|_| Act::sqs(500, "InternalError"));
        let told = fault(&place, &proxy.url, LIMITS).await;
        assert!(told.contains("500"), "{told}");
        assert_eq!(proxy.take().len(), 2, "tries");
        proxy.on(|_| Act::Hang);
        let limits = SourceLimits { timeout: Duration::from_millis(300), ..LIMITS };
        let began = Instant::now();
        let told = fault(&place, &proxy.url, limits).await;
        assert!(told.contains("in time") || told.contains("within 300 ms"), "{told}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        proxy.take();
    }
}

#[tokio::test]
async fn pages_without_end_end_with_the_time() {
    let proxy = FaultProxy::before(&StandIn::shared().await.address).await;
    proxy.on(|_| Act::json(200, &json!({ "Parameters": [], "NextToken": "more" })));
    let limits = SourceLimits { timeout: Duration::from_millis(500), ..LIMITS };
    let told = fault(&Place::parameters().await, &proxy.url, limits).await;
    assert!(told.contains("within 500 ms (PIDIMA_SETTINGS_TIMEOUT_MS)"), "{told}");
    assert!(proxy.take().len() > 1, "an empty page is not the last one");
}

#[tokio::test]
async fn a_secret_that_is_no_object_of_texts_is_refused() {
    let place = Place::secret().await;
    for text in ["hunter2", r#"["hunter2"]"#, r#"{"A": {"hunter2": 1}}"#, r#"{"A": "hunter2"#] {
        place.put_text(text).await;
        let told = fault(&place, &place.address, LIMITS).await;
        assert!(told.contains("a JSON object whose keys are names of settings"), "{told}");
    }
    let proxy = FaultProxy::before(&place.address).await;
    proxy.on(|_| Act::json(200, &json!({ "SecretBinary": "aHVudGVyMg==" })));
    let told = fault(&place, &proxy.url, LIMITS).await;
    assert!(told.contains("is binary"), "{told}");
}

#[tokio::test]
async fn what_is_larger_than_the_limit_is_refused_and_what_is_as_large_is_not() {
    let limits = |max_bytes| SourceLimits { max_bytes, ..LIMITS };
    let secret = Place::secret().await;
    let text = r#"{"PIDIMA_LOG": "hunter2"}"#;
    secret.put_text(text).await;
    let parameters = Place::parameters().await;
    parameters.put(&[("PIDIMA_LOG", "hunter2"), ("PIDIMA_LISTEN", "hunter2")]).await;
    let names = ["PIDIMA_LOG", "PIDIMA_LISTEN"];
    let bytes: usize =
        names.into_iter().map(|name| parameters.id().len() + name.len() + "hunter2".len()).sum();
    for (place, bytes) in [(secret, text.len()), (parameters, bytes)] {
        for enough in [bytes, bytes + 1] {
            place.limited(&place.address, limits(enough)).read().await.unwrap();
        }
        let told = fault(&place, &place.address, limits(bytes - 1)).await;
        assert!(told.contains("PIDIMA_SETTINGS_MAX_BYTES"), "{told}");
    }
}

#[tokio::test]
async fn all_sources_that_can_not_be_read_are_told_together() {
    let (secret, parameters) = (Place::secret().await, Place::parameters().await);
    let file = Place::file_place().await;
    file.put_text("hunter2\n").await;
    let sources = pidima::app::Sources::default()
        .then_machine(file.file())
        .then_outside(vec![secret.outside(&secret.address)])
        .then_outside(vec![parameters.outside(&parameters.address)]);
    let faults = sources.read().await.unwrap_err().faults;
    assert_eq!(faults.len(), 3, "{faults:?}");
    for (fault, place) in faults.iter().zip([file, secret, parameters]) {
        assert!(fault.contains(&place.id()), "{fault}");
    }
}
