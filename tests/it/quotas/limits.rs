//! Each measure of each subject: below its limit, at it, above it; whom it concerns and whom not; when it begins anew.

use chrono::{TimeDelta, TimeZone, Utc};
use pidima::governance::{Charged, ReserveError};
use uuid::Uuid;

use super::{Asker, limit};
use crate::support::{TestApp, TestTenant};

const SUBJECTS: [&str; 4] = ["tenant", "assistant", "key", "person"];
const MEASURES: [&str; 4] = ["questions", "tokens", "cost_micro_usd", "concurrent_runs"];

fn charged() -> Charged {
    let id = || Some(Uuid::now_v7());
    Charged { assistant_id: id(), api_key_id: id(), person_id: id() }
}

/// Uses up a limit of 3 and looks whether one more is let in, with a little less, exactly so much, and more.
async fn use_up(asker: &Asker, measure: &str) {
    match measure {
        "questions" => {
            for _ in 0..3 {
                assert!(asker.ask(0, 0).await, "below the limit");
            }
            assert!(!asker.ask(0, 0).await, "at the limit");
        }
        "tokens" | "cost_micro_usd" => {
            let mut spent = 0;
            for amount in [2, 1] {
                assert!(spent < 3 && asker.ask(amount, amount).await, "below the limit");
                spent += amount;
            }
            assert!(!asker.ask(0, 0).await, "at the limit");
        }
        _ => {
            let mut open = Vec::new();
            for _ in 0..3 {
                open.push(asker.begin(0, 0).await.expect("below the limit").0);
            }
            asker.begin(0, 0).await.expect_err("at the limit");
            assert!(asker.end(open[1], 0, 0).await);
            asker.begin(0, 0).await.expect("a run has ended");
            asker.begin(0, 0).await.expect_err("at the limit again");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_measure_of_each_subject_lets_in_below_its_limit_and_refuses_at_it() {
    let app = TestApp::start().await;
    let db = &app.app.services.db;
    for subject in SUBJECTS {
        for measure in MEASURES {
            println!("{measure} of {subject}");
            let tenant = app.tenant(&format!("{subject}-{}", &measure[..4])).await;
            limit(&tenant, subject, None, measure, 3).await;
            let asker = Asker::new(db, &tenant, charged());
            use_up(&asker, measure).await;
            // Somebody else of the kind has as much, unless it is the tenant that is limited.
            let other = Asker::new(db, &tenant, charged());
            if subject == "tenant" {
                other.begin(0, 0).await.expect_err("the same tenant");
            } else {
                use_up(&other, measure).await;
            }
            let elsewhere = Asker::new(
                db,
                &app.tenant(&format!("{subject}-{measure}-b").replace('_', "-")).await,
                asker.charged,
            );
            for _ in 0..8 {
                elsewhere.begin(1_000, 1_000).await.expect("another tenant has no limit");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_limit_by_what_one_answer_used_beyond_it_and_refused_from_there() {
    let app = TestApp::start().await;
    let tenant = app.tenant("beyond").await;
    limit(&tenant, "tenant", None, "tokens", 100).await;
    let asker = Asker::new(&app.app.services.db, &tenant, charged());
    assert!(asker.ask(99, 0).await);
    assert!(asker.ask(500, 0).await, "one token was left");
    assert!(!asker.ask(1, 0).await, "599 of 100");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_nothing_refuses_everything_and_no_limit_nothing() {
    let app = TestApp::start().await;
    let db = &app.app.services.db;
    for measure in MEASURES {
        let tenant = app.tenant(&format!("zero-{}", &measure[..4])).await;
        let asker = Asker::new(db, &tenant, charged());
        assert!(asker.ask(1_000_000, 1_000_000).await, "not limited");
        limit(&tenant, "person", None, measure, 0).await;
        asker.begin(0, 0).await.expect_err("nothing is allowed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_of_ones_own_takes_the_place_of_the_one_for_each() {
    let app = TestApp::start().await;
    let tenant = app.tenant("own").await;
    let person: Uuid = tenant.as_member("member").await.member_id.unwrap();
    limit(&tenant, "person", None, "questions", 1).await;
    limit(&tenant, "person", Some(person), "questions", 3).await;
    let of = |person_id| Charged { person_id: Some(person_id), ..Charged::default() };
    let db = &app.app.services.db;
    use_up(&Asker::new(db, &tenant, of(person)), "questions").await;
    let other = Asker::new(db, &tenant, of(Uuid::now_v7()));
    assert!(other.ask(0, 0).await);
    assert!(!other.ask(0, 0).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_counts_what_was_used_before_it_was_set() {
    let app = TestApp::start().await;
    let tenant = app.tenant("before").await;
    let asker = Asker::new(&app.app.services.db, &tenant, charged());
    for _ in 0..2 {
        assert!(asker.ask(10, 10).await);
    }
    let open = asker.begin(5, 0).await.unwrap().0;
    limit(&tenant, "tenant", None, "questions", 4).await;
    let tokens = limit(&tenant, "person", None, "tokens", 26).await;
    assert!(asker.end(open, 5, 0).await, "begun before and ended after");
    assert!(asker.ask(1, 0).await, "25 of 26 tokens, 3 of 4 questions");
    assert!(!asker.ask(1, 0).await);
    tenant.delete(&format!("/v1/quotas/{}", tokens["id"].as_str().unwrap())).await.expect(204);
    assert!(!asker.ask(1, 0).await, "4 of 4 questions");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_period_begins_with_nothing_used() {
    let app = TestApp::start().await;
    let db = &app.app.services.db;
    // As far from a change of month as can be, so that the ids, which are of this moment, fit.
    let now = Utc::now();
    let eve = Utc
        .from_utc_datetime(&(now.date_naive() + TimeDelta::days(1)).and_hms_opt(0, 0, 0).unwrap());
    for (period, length) in [("minute", TimeDelta::minutes(1)), ("day", TimeDelta::days(1))] {
        let tenant = app.tenant(&format!("over-{period}")).await;
        let quota = serde_json::json!(
            { "subject": "tenant", "measure": "tokens", "period": period, "hard_limit": 10 }
        );
        tenant.post("/v1/quotas", &quota).await.expect(201);
        let last = Asker::new(db, &tenant, charged()).at(eve - TimeDelta::microseconds(1));
        let next = last.at(eve);
        assert!(last.ask(4, 0).await);
        let straddling = last.begin(5, 0).await.unwrap().0;
        assert!(last.ask(20, 0).await, "9 of 10");
        let refused = last.begin(1, 0).await.expect_err("used up");
        let ReserveError::Exceeded(quota) = refused else { panic!("{refused:?}") };
        assert_eq!(quota.resets_at, Some(eve), "{period}");
        assert!(quota.retry_after <= length.to_std().unwrap());

        assert!(next.ask(9, 0).await, "a new {period}");
        // What was asked before counts before, whenever it ends; so does what an instance with a late clock asks.
        assert!(next.end(straddling, 5_000, 0).await);
        let late = last.begin(0, 0).await;
        assert!(late.is_ok(), "9 of 10 in the {period} that runs: {late:?}");
        assert!(next.ask(1, 0).await);
        next.begin(0, 0).await.expect_err("10 of 10");
        next.at(eve + length).begin(0, 0).await.expect("and the one after");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_limit_warns_and_lets_in() {
    let app = TestApp::start().await;
    let tenant: TestTenant = app.tenant("soft").await;
    let quota = serde_json::json!(
        { "subject": "person", "measure": "questions", "period": "month", "soft_limit": 2, "hard_limit": 4 }
    );
    tenant.post("/v1/quotas", &quota).await.expect(201);
    let asker = Asker::new(&app.app.services.db, &tenant, charged());
    let mut warned = Vec::new();
    for _ in 0..4 {
        let (run, warnings) = asker.begin(0, 0).await.unwrap();
        asker.end(run, 0, 0).await;
        warned.push(warnings.len());
    }
    assert_eq!(warned, [0, 0, 1, 1]);
    asker.begin(0, 0).await.expect_err("the hard limit");
}
