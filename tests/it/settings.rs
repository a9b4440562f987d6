//! Settings that stand outside the process: a file, a secret of Secrets Manager, parameters of Parameter Store, all held to
//! the same tests; what is told when one can not be read; what changes while the service runs.

mod commands;
mod faults;
mod flags;
mod place;
mod renewal;

use pidima::config::{Config, Env};

use self::place::Place;

/// Without which there are no settings at all.
const DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://pidima_app@127.0.0.1:1/pidima");

fn told(env: &Env) -> Vec<String> {
    Config::from_env(env).err().map(|error| error.faults).unwrap_or_default()
}

#[tokio::test]
async fn each_place_gives_its_settings_and_what_they_became() {
    for place in Place::all().await {
        place.put(&[DATABASE, ("PIDIMA_CHAT_PASSAGES", "7"), ("PIDIMA_FLAG_UPLOADS", "off")]).await;
        let sources = place.sources(&place.address);
        let config = Config::from_env(&sources.read().await.unwrap()).unwrap();
        assert_eq!((config.chat.passages, config.flags.uploads), (7, false), "{}", place.kind());
        assert!(config.flags.questions);
        place.put(&[DATABASE, ("PIDIMA_CHAT_PASSAGES", "9")]).await;
        let config = Config::from_env(&sources.read().await.unwrap()).unwrap();
        assert_eq!((config.chat.passages, config.flags.uploads), (9, true), "{}", place.kind());
    }
}

#[tokio::test]
async fn each_place_is_named_in_its_faults_which_are_told_all_at_once() {
    for place in Place::all().await {
        place
            .put(&[
                DATABASE,
                ("PIDIMA_CHAT_PASSAGES", "seventeen"),
                ("PIDIMA_LISTEN", "nowhere"),
                ("PIDIMA_FLAG_QUESTIONS", "perhaps"),
                ("PIDIMA_CHAT_PASAGES", "7"),
            ])
            .await;
        let faults = told(&place.sources(&place.address).read().await.unwrap());
        let names = ["PIDIMA_CHAT_PASSAGES", "PIDIMA_LISTEN", "PIDIMA_FLAG_QUESTIONS"];
        for name in names {
            let of_name: Vec<&String> = faults.iter().filter(|it| it.starts_with(name)).collect();
            assert!(!of_name.is_empty(), "{name}: {faults:?}");
            for fault in of_name {
                assert!(fault.contains(&place.of(name)), "{fault}");
            }
        }
        // A file lies beside other programs' settings; outside there are none but ours.
        let typo = faults.iter().any(|fault| fault.starts_with("PIDIMA_CHAT_PASAGES ("));
        assert_eq!(typo, place.is_outside(), "{faults:?}");
        for value in ["seventeen", "nowhere", "perhaps"] {
            let shown = faults.iter().any(|fault| fault.contains(value));
            assert_eq!(shown, !place.is_outside(), "{value}: {faults:?}");
        }
    }
}

#[tokio::test]
async fn the_machine_wins_over_secrets_and_these_over_parameters() {
    let [file, secret, parameters] = Place::all().await;
    file.put(&[DATABASE, ("PIDIMA_CHAT_PASSAGES", "1")]).await;
    secret.put(&[("PIDIMA_CHAT_PASSAGES", "2"), ("PIDIMA_CHAT_HISTORY_MESSAGES", "2")]).await;
    parameters
        .put(&[
            ("PIDIMA_CHAT_PASSAGES", "3"),
            ("PIDIMA_CHAT_HISTORY_MESSAGES", "3"),
            ("PIDIMA_CHAT_MIN_EVIDENCE", "3"),
        ])
        .await;
    let sources = pidima::app::Sources::default()
        .then_machine(file.file())
        .then_outside(vec![secret.outside(&secret.address)])
        .then_outside(vec![parameters.outside(&parameters.address)]);
    let env = sources.read().await.unwrap();
    let chat = Config::from_env(&env).unwrap().chat;
    assert_eq!((chat.passages, chat.history_messages, chat.min_evidence), (1, 2, 3));
    let hidden: Vec<String> =
        env.hidden().into_iter().map(|(name, place, by)| format!("{name} {place} {by}")).collect();
    assert_eq!(hidden.len(), 3, "{hidden:?}");
    let weak = parameters.of("PIDIMA_CHAT_HISTORY_MESSAGES");
    assert!(hidden.iter().any(|it| it.contains(weak.trim_matches(['(', ')']))), "{hidden:?}");
    // Of the same strength: nobody could tell which of the two is meant.
    let other = Place::secret().await;
    other.put(&[("PIDIMA_CHAT_PASSAGES", "4")]).await;
    let both = vec![secret.outside(&secret.address), other.outside(&other.address)];
    let sources = pidima::app::Sources::default().then_machine(file.file()).then_outside(both);
    let faults = told(&sources.read().await.unwrap());
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("stands twice"), "{faults:?}");
}

#[tokio::test]
async fn more_parameters_than_fit_on_a_page_are_read_decrypted() {
    let place = Place::parameters().await;
    let names: Vec<String> = (0..25).map(|number| format!("PIDIMA_N{number:02}")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    place.put(&pairs).await;
    let env = place.sources(&place.address).read().await.unwrap();
    let faults = told(&env);
    let unknown = faults.iter().filter(|fault| fault.contains("is no setting of this version"));
    assert_eq!(unknown.count(), 25, "{faults:?}");
}
