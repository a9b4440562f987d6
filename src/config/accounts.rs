//! Local accounts: how passwords are hashed, what they must be, and how often somebody may try.

use std::time::Duration;

use super::Env;

/// Passwords and logins with them.
#[derive(Clone, Debug)]
pub struct AccountsConfig {
    /// `PIDIMA_ARGON2_MEMORY_KIB`: memory of one password hash, in KiB; default 19456 (19 MiB).
    pub argon2_memory_kib: u32,
    /// `PIDIMA_ARGON2_ITERATIONS`: passes over that memory; default 2.
    pub argon2_iterations: u32,
    /// `PIDIMA_ARGON2_LANES`: lanes of the memory; default 1.
    pub argon2_lanes: u32,
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

#[cfg(test)]
mod tests {
    use super::*;

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
