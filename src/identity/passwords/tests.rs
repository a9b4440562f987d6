//! Tests of hashing, of its queue, and of the rules.

#![expect(clippy::disallowed_methods, reason = "nobody waits for the tasks of a test when we stop")]

use super::*;

const CHEAP: ArgonSettings = ArgonSettings { memory_kib: 64, iterations: 1, lanes: 1 };
const RULES: PasswordRules = PasswordRules { min_chars: 10, max_bytes: 256 };

fn passwords(argon: ArgonSettings, threads: usize, queue: usize) -> Passwords {
    let peppers = Peppers::default();
    Passwords::new(&PasswordSettings { argon, peppers, threads, queue, rules: RULES })
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// A text of this many bytes that nobody guesses.
fn long(bytes: usize) -> String {
    let words = "gravel otter lantern 7 quince / ".repeat(bytes / 30 + 1);
    words.chars().take(bytes).collect()
}

#[tokio::test]
async fn a_password_is_taken_to_the_last_byte_with_its_spaces_and_signs() {
    let passwords = passwords(CHEAP, 1, 9);
    let head = "x".repeat(72);
    for (right, wrong) in [
        (format!("{head}a"), format!("{head}b")),
        (format!("{}a", long(255)), format!("{}b", long(255))),
        (" spaces around ".to_owned(), "spaces around".to_owned()),
        ("🦔🦔🦔 hedgehogs".to_owned(), "🦔🦔 hedgehogs".to_owned()),
        ("Caf\u{e9} au lait".to_owned(), "Cafe\u{301} au lait".to_owned()),
        ("CaseCounts".to_owned(), "casecounts".to_owned()),
    ] {
        let stored = passwords.hash(secret(&right), Lane::Known).await.expect("hashed");
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
        let verify = async |text: &str| {
            let verdict = passwords.verify(secret(text), Some(stored.clone()), Lane::Known).await;
            verdict.expect("compared")
        };
        assert_eq!(verify(&right).await, Verdict::Right { is_outdated: false }, "{right}");
        assert_eq!(verify(&wrong).await, Verdict::Wrong, "{wrong}");
        assert_eq!(verify("").await, Verdict::Wrong);
    }
}

#[tokio::test]
async fn two_hashes_of_one_password_differ() {
    let passwords = passwords(CHEAP, 1, 9);
    let one = passwords.hash(secret("the same words"), Lane::Known).await.expect("hashed");
    let two = passwords.hash(secret("the same words"), Lane::Known).await.expect("hashed");
    assert_ne!(one, two);
}

#[tokio::test]
async fn a_hash_that_costs_less_than_the_settings_say_is_outdated() {
    let base = ArgonSettings { memory_kib: 128, iterations: 2, lanes: 2 };
    let stored = passwords(base, 1, 9).hash(secret("x"), Lane::Known).await.expect("hashed");
    for (settings, outdated) in [
        (base, false),
        (ArgonSettings { memory_kib: 127, ..base }, false),
        (ArgonSettings { memory_kib: 129, ..base }, true),
        (ArgonSettings { iterations: 3, ..base }, true),
        (ArgonSettings { lanes: 3, ..base }, true),
    ] {
        let verdict = passwords(settings, 1, 9)
            .verify(secret("x"), Some(stored.clone()), Lane::Known)
            .await
            .expect("compared");
        assert_eq!(verdict, Verdict::Right { is_outdated: outdated }, "{settings:?}");
    }
}

#[tokio::test]
async fn where_nothing_is_stored_the_parameters_are_those_of_the_settings() {
    let argon = Argon::new(CHEAP, Peppers::default());
    let stored = argon.nobodys_hash();
    let verdict = argon.verify("anything", &stored, &mut Vec::new());
    assert_eq!(verdict.expect("compared"), Verdict::Wrong);
    let parsed = argon2::password_hash::phc::PasswordHash::new(&stored).expect("well-formed");
    let params = argon2::Params::try_from(&parsed).expect("parameters");
    assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (64, 1, 1));
    let verdict = passwords(CHEAP, 1, 9).verify(secret("x"), None, Lane::Stranger).await;
    assert_eq!(verdict.expect("compared"), Verdict::Wrong);
}

#[tokio::test]
async fn a_stored_text_that_is_no_hash_is_a_fault_and_no_match() {
    let passwords = passwords(CHEAP, 1, 9);
    for stored in ["", "x", "$argon2id$", "$2b$10$abcdefghijklmnopqrstuv"] {
        let verdict = passwords.verify(secret("x"), Some(stored.to_owned()), Lane::Known).await;
        assert!(matches!(verdict, Err(HashError::Unusable(_))), "{stored}: {verdict:?}");
    }
}

/// With peppers by id, the current one first.
fn peppered(ids: &[(&str, u8)]) -> Argon {
    let secret = |byte: u8| vec![byte; 32].into();
    let peppers = ids.iter().map(|(id, byte)| ((*id).to_owned(), secret(*byte))).collect();
    Argon::new(CHEAP, Peppers::new(peppers))
}

#[test]
fn a_pepper_goes_into_the_hash_and_its_id_stands_in_it() {
    let mut memory = Vec::new();
    let (plain, first) = (peppered(&[]), peppered(&[("2026", 1)]));
    let stored = first.hash("the words", &mut memory).expect("hashed");
    assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1,keyid=MjAyNg$"), "{stored}");
    let right = |is_outdated| Verdict::Right { is_outdated };
    assert_eq!(first.verify("the words", &stored, &mut memory).expect("compared"), right(false));
    assert_eq!(
        first.verify("other words", &stored, &mut memory).expect("compared"),
        Verdict::Wrong
    );
    // The same id with another secret is another pepper; without the secret nobody compares at all.
    let forged = peppered(&[("2026", 2)]);
    assert_eq!(forged.verify("the words", &stored, &mut memory).expect("compared"), Verdict::Wrong);
    let unknown = plain.verify("the words", &stored, &mut memory);
    assert!(matches!(unknown, Err(HashError::Unusable(_))), "{unknown:?}");
    // A new one in front: the old hash is still good, and is to be made anew. So is one without a pepper.
    let second = peppered(&[("2027", 9), ("2026", 1)]);
    assert_eq!(second.verify("the words", &stored, &mut memory).expect("compared"), right(true));
    let bare = plain.hash("the words", &mut memory).expect("hashed");
    assert!(!bare.contains("keyid"), "{bare}");
    assert_eq!(second.verify("the words", &bare, &mut memory).expect("compared"), right(true));
    // Nobody's hash costs the same look-up.
    assert!(second.nobodys_hash().contains(",keyid=MjAyNw$"));
    let nobody = second.verify("the words", &second.nobodys_hash(), &mut memory);
    assert_eq!(nobody.expect("compared"), Verdict::Wrong);
    let told = format!("{:?}", Peppers::new(vec![("2027".to_owned(), vec![9; 32].into())]));
    assert_eq!(told, r#"["2027"]"#);
}

/// Keeps the one thread busy until what is given back is dropped.
async fn occupy(passwords: &Passwords) -> std::sync::mpsc::Sender<()> {
    let (started, has_started) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let hashers = passwords.hashers.clone();
    tokio::spawn(async move {
        let wait = move |_: &mut _| {
            started.send(()).expect("somebody waits");
            released.recv().expect_err("nothing is ever sent");
            Ok(())
        };
        hashers.run(Lane::Known, wait).await
    });
    has_started.await.expect("started");
    release
}

async fn waits(passwords: &Passwords, lane: Lane, count: usize) {
    while passwords.hashers.waiting(lane) != count {
        tokio::task::yield_now().await;
    }
}

fn hash(passwords: &Passwords, lane: Lane) -> tokio::task::JoinHandle<Result<String, HashError>> {
    let passwords = passwords.clone();
    tokio::spawn(async move { passwords.hash(secret("x"), lane).await })
}

#[tokio::test]
async fn a_lane_takes_as_many_as_its_queue_and_leaves_the_other_alone() {
    let passwords = passwords(CHEAP, 1, 2);
    let busy = occupy(&passwords).await;
    let mut waiting = vec![hash(&passwords, Lane::Stranger), hash(&passwords, Lane::Stranger)];
    waits(&passwords, Lane::Stranger, 2).await;
    let third = passwords.hash(secret("x"), Lane::Stranger).await;
    assert!(matches!(third, Err(HashError::Busy)), "{third:?}");
    waiting.push(hash(&passwords, Lane::Known));
    waits(&passwords, Lane::Known, 1).await;
    drop(busy);
    for task in waiting {
        task.await.expect("no panic").expect("hashed");
    }
    passwords.hash(secret("x"), Lane::Stranger).await.expect("there is place again");
}

#[tokio::test]
async fn who_is_known_comes_before_strangers_who_came_earlier() {
    let passwords = passwords(CHEAP, 1, 9);
    let busy = occupy(&passwords).await;
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for (lane, count) in [(Lane::Stranger, 1), (Lane::Stranger, 2), (Lane::Known, 1)] {
        let (hashers, order) = (passwords.hashers.clone(), order.clone());
        tasks.push(tokio::spawn(async move {
            let note = move |_: &mut _| {
                order.lock().expect("no panic").push(lane);
                Ok(())
            };
            hashers.run(lane, note).await
        }));
        waits(&passwords, lane, count).await;
    }
    drop(busy);
    for task in tasks {
        task.await.expect("no panic").expect("done");
    }
    assert_eq!(*order.lock().expect("no panic"), [Lane::Known, Lane::Stranger, Lane::Stranger]);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_hashed() {
    let passwords = passwords(CHEAP, 1, 1);
    let busy = occupy(&passwords).await;
    let ran = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let abandoned = {
        let (hashers, ran) = (passwords.hashers.clone(), ran.clone());
        tokio::spawn(async move {
            let work = move |_: &mut _| {
                ran.store(true, std::sync::atomic::Ordering::Release);
                Ok(())
            };
            hashers.run(Lane::Stranger, work).await
        })
    };
    waits(&passwords, Lane::Stranger, 1).await;
    abandoned.abort();
    assert!(abandoned.await.expect_err("aborted").is_cancelled());
    drop(busy);
    waits(&passwords, Lane::Stranger, 0).await;
    passwords.hash(secret("x"), Lane::Stranger).await.expect("there is place again");
    assert!(!ran.load(std::sync::atomic::Ordering::Acquire));
}

#[tokio::test]
async fn work_that_panics_is_told_and_the_thread_goes_on() {
    let passwords = passwords(CHEAP, 1, 1);
    let panics = |_: &mut _| -> Result<(), HashError> { panic!("on purpose") };
    let told = passwords.hashers.run(Lane::Known, panics).await;
    assert!(matches!(told, Err(HashError::Unusable(_))), "{told:?}");
    passwords.hash(secret("x"), Lane::Known).await.expect("hashed");
}

#[tokio::test]
async fn what_lies_in_the_memory_from_before_changes_nothing() {
    use argon2::password_hash::PasswordVerifier;
    let passwords = passwords(ArgonSettings { memory_kib: 64, iterations: 3, lanes: 2 }, 1, 9);
    for text in ["one", "two", "one"] {
        let stored = passwords.hash(secret(text), Lane::Known).await.expect("hashed");
        // The crate's own comparison takes fresh memory.
        let parsed = argon2::password_hash::phc::PasswordHash::new(&stored).expect("well-formed");
        argon2::Argon2::default().verify_password(text.as_bytes(), &parsed).expect("the same");
    }
}

#[test]
fn the_bounds_of_the_length_are_included() {
    let check = |text: &str| RULES.check_new(text, "ada@example.com");
    assert_eq!(check("gravel-ot"), Err(PasswordFault::TooShort(10)));
    assert_eq!(check("gravel-ott"), Ok(()));
    assert_eq!(check("gravel-otte"), Ok(()));
    assert_eq!(check(&long(64)), Ok(()));
    assert_eq!(check(&long(255)), Ok(()));
    assert_eq!(check(&long(256)), Ok(()));
    assert_eq!(check(&long(257)), Err(PasswordFault::TooLong(256)));
    assert_eq!(RULES.check_form(&long(257)), Err(PasswordFault::TooLong(256)));
    // Characters are counted at the low end and bytes at the high one.
    assert_eq!(check("🦔🌵🚲"), Err(PasswordFault::TooShort(10)));
    let signs = (0..64_u32).map(|n| char::from_u32(0x1_f400 + (n * n * 7 + n) % 251));
    let signs: String = signs.map(|sign| sign.expect("a character")).collect();
    assert_eq!((signs.len(), check(&signs)), (256, Ok(())));
    assert_eq!(check(&format!("{signs}.")), Err(PasswordFault::TooLong(256)));
}

#[test]
fn any_character_is_good_but_nul() {
    for good in [
        "   gravel otter  ",
        "gravel\totter\n1",
        "гравий выдра фонарь",
        "砂利 川獺 提灯 花梨 自転車",
    ] {
        assert_eq!(RULES.check_new(good, "ada@example.com"), Ok(()), "{good:?}");
    }
    for bad in ["gravel\0otter lantern", "\0"] {
        assert_eq!(RULES.check_form(bad), Err(PasswordFault::Nul), "{bad:?}");
        assert_eq!(RULES.check_new(bad, "ada@example.com"), Err(PasswordFault::Nul), "{bad:?}");
    }
}

#[test]
fn what_is_guessed_first_is_refused() {
    for common in [
        "1234567890",
        "password123",
        "Password2024",
        "qwertyuiop",
        "aaaaaaaaaaaa",
        "iloveyou123",
        "abcdefghijkl",
        "passwordpassword",
        "0987654321",
        "password!!",
    ] {
        let found = RULES.check_new(common, "grace@example.com");
        assert_eq!(found, Err(PasswordFault::Common), "{common}");
    }
}

#[test]
fn the_login_name_is_refused_within_a_password() {
    for bad in ["gracehopper-lantern", "xx GRACEHOPPER@example.com xx", "7GraceHopper7quince"] {
        let found = RULES.check_new(bad, "gracehopper@example.com");
        assert_eq!(found, Err(PasswordFault::HoldsName), "{bad}");
    }
    // A name of three letters stands in many words.
    assert_eq!(RULES.check_new("canada goose lantern", "ada@example.com"), Ok(()));
}
