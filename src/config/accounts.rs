//! Local accounts: how passwords are hashed, what they must be, and how often somebody may try.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice};

use super::Env;

/// Shortest pepper, in bytes.
const PEPPER_BYTES: usize = 32;
/// Longest id of a pepper, as the text form of hashes takes it.
const PEPPER_ID_BYTES: usize = 8;

/// Passwords and logins with them.
#[derive(Clone, Debug)]
pub struct AccountsConfig {
    /// `PIDIMA_ARGON2_MEMORY_KIB`: memory of one password hash, in KiB; default 19456 (19 MiB).
    pub argon2_memory_kib: u32,
    /// `PIDIMA_ARGON2_ITERATIONS`: passes over that memory; default 2.
    pub argon2_iterations: u32,
    /// `PIDIMA_ARGON2_LANES`: lanes of the memory; default 1.
    pub argon2_lanes: u32,
    /// `PIDIMA_PASSWORD_PEPPERS`: secrets that go into the hashes, `id:base64` each of at least 32 bytes, apart by commas, the
    /// current one first; default none.
    pub password_peppers: Vec<(String, SecretSlice<u8>)>,
    /// `PIDIMA_PASSWORD_THREADS`: passwords hashed at once; default the number of cores.
    pub password_threads: usize,
    /// `PIDIMA_PASSWORD_QUEUE`: logins that wait for a hash, beyond which they are answered with 503; default 50.
    pub password_queue: usize,
    /// `PIDIMA_PASSWORD_MIN_CHARS`: shortest new password, in characters; default 10.
    pub password_min_chars: usize,
    /// `PIDIMA_PASSWORD_MAX_BYTES`: longest password, in bytes; default 256.
    pub password_max_bytes: usize,
    /// `PIDIMA_LOGIN_ADDRESS_BURST`: failed logins that one address has at once; default 3.
    pub login_address_burst: u32,
    /// `PIDIMA_LOGIN_ADDRESS_INTERVAL_MS`: time after which an address has one more; default 20000.
    pub login_address_interval: Duration,
    /// `PIDIMA_LOGIN_ACCOUNT_BURST`: failed logins to one account from addresses that it never used; default 1800.
    pub login_account_burst: u32,
    /// `PIDIMA_LOGIN_ACCOUNT_INTERVAL_MS`: time after which there is one more for the account; default 2000.
    pub login_account_interval: Duration,
    /// `PIDIMA_PASSWORD_CHANGE_BURST`: tries to change their password that one person has at once; default 5.
    pub password_change_burst: u32,
    /// `PIDIMA_PASSWORD_CHANGE_INTERVAL_MS`: time after which that person has one more; default 60000.
    pub password_change_interval: Duration,
}

impl AccountsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        const DAY_MS: u64 = 86_400_000;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let interval = |name, default| env.millis(name, default, 1, DAY_MS);
        let burst = |name, default| env.number(name, default, 1, 1_000_000);
        let config = Self {
            argon2_memory_kib: env.number("PIDIMA_ARGON2_MEMORY_KIB", 19_456, 8, 1 << 20),
            argon2_iterations: env.number("PIDIMA_ARGON2_ITERATIONS", 2, 1, 100),
            argon2_lanes: env.number("PIDIMA_ARGON2_LANES", 1, 1, 16),
            password_peppers: peppers(env),
            password_threads: env.number("PIDIMA_PASSWORD_THREADS", cores.min(8), 1, 64),
            password_queue: env.number("PIDIMA_PASSWORD_QUEUE", 50, 1, 10_000),
            password_min_chars: env.number("PIDIMA_PASSWORD_MIN_CHARS", 10, 8, 64),
            password_max_bytes: env.number("PIDIMA_PASSWORD_MAX_BYTES", 256, 64, 1_024),
            login_address_burst: burst("PIDIMA_LOGIN_ADDRESS_BURST", 3),
            login_address_interval: interval("PIDIMA_LOGIN_ADDRESS_INTERVAL_MS", 20_000),
            login_account_burst: burst("PIDIMA_LOGIN_ACCOUNT_BURST", 1_800),
            login_account_interval: interval("PIDIMA_LOGIN_ACCOUNT_INTERVAL_MS", 2_000),
            password_change_burst: burst("PIDIMA_PASSWORD_CHANGE_BURST", 5),
            password_change_interval: interval("PIDIMA_PASSWORD_CHANGE_INTERVAL_MS", 60_000),
        };
        if config.argon2_memory_kib < 8 * config.argon2_lanes {
            env.fault(format!(
                "PIDIMA_ARGON2_MEMORY_KIB is {}: {} lanes need at least {}",
                config.argon2_memory_kib,
                config.argon2_lanes,
                8 * config.argon2_lanes
            ));
        }
        config
    }
}

/// The peppers, none of which stands in what is told of a fault.
fn peppers(env: &Env) -> Vec<(String, SecretSlice<u8>)> {
    let name = "PIDIMA_PASSWORD_PEPPERS";
    let Some(text) = env.secret(name) else { return Vec::new() };
    let mut peppers: Vec<(String, SecretSlice<u8>)> = Vec::new();
    for (number, pepper) in text.expose_secret().split(',').enumerate() {
        let (id, secret) = pepper.trim().split_once(':').unwrap_or_default();
        let is_id = (1..=PEPPER_ID_BYTES).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match STANDARD.decode(secret) {
            Ok(secret) if is_id && secret.len() >= PEPPER_BYTES => {
                if peppers.iter().any(|(other, _)| other == id) {
                    env.fault(format!("{name} has the id {id} twice"));
                }
                peppers.push((id.to_owned(), secret.into()));
            }
            _ => env.fault(format!(
                "{name}: number {} is not id:base64 with an id of 1 to {PEPPER_ID_BYTES} letters and digits and at least \
                 {PEPPER_BYTES} bytes; take e.g. 1: and what openssl rand -base64 32 gives",
                number + 1
            )),
        }
    }
    peppers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peppers_have_ids_and_enough_bytes_and_stand_in_no_fault() {
        let read = |text: String| {
            let env = Env::from_pairs([("PIDIMA_PASSWORD_PEPPERS", text)]);
            let peppers = AccountsConfig::from_env(&env).password_peppers;
            env.finish().map(|()| peppers).map_err(|error| error.to_string())
        };
        let of = |bytes: usize| STANDARD.encode(vec![0xf3; bytes]);
        let two = read(format!("2:{}, 1:{}", of(33), of(32))).expect("two peppers");
        let ids: Vec<&str> = two.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["2", "1"]);
        assert_eq!(two[0].1.expose_secret().len(), 33);
        assert!(read(String::new()).expect("none").is_empty());
        assert!(read(format!("12345678:{}", of(32))).is_ok());
        for bad in [
            format!("1:{}", of(31)),
            format!("123456789:{}", of(32)),
            format!(":{}", of(32)),
            format!("a b:{}", of(32)),
            of(32),
            format!("1:{0},1:{0}", of(32)),
            format!("1:{},", of(32)),
            "1:not base64!".to_owned(),
        ] {
            let told = read(bad.clone()).expect_err(&bad);
            assert!(!told.contains(&of(32)[..20]) && !told.contains("base64!"), "{told}");
        }
        let debug = format!("{two:?}");
        assert!(!debug.contains("243") && !debug.contains("f3"), "{debug}");
    }

    #[test]
    fn each_lane_needs_memory() {
        let with = |memory: &str| {
            let env = Env::from_pairs([
                ("PIDIMA_ARGON2_MEMORY_KIB", memory),
                ("PIDIMA_ARGON2_LANES", "4"),
            ]);
            AccountsConfig::from_env(&env);
            env.finish().is_ok()
        };
        assert!(!with("31"));
        assert!(with("32"));
        assert!(with("33"));
    }
}
