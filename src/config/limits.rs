//! Rate limits: how much each lets through.

use super::Env;

/// Highest rate and burst that a limit can have.
const MOST: u32 = 1_000_000;

/// The named limits, and how many quotas there can be.
#[derive(Clone, Debug)]
pub struct LimitsConfig {
    /// `PIDIMA_LIMIT_INSTANCES`: instances that share the limits while Redis is away; default 1.
    pub limit_instances: u32,
    /// `PIDIMA_MAX_QUOTAS`: most quotas that a tenant's admins can set; default 500.
    pub max_quotas: u32,
    /// `PIDIMA_LIMIT_ADDRESS_PER_MINUTE` and `…_BURST`: all requests of an address.
    pub address_rate: RateConfig,
    /// `PIDIMA_LIMIT_TENANT_PER_MINUTE` and `…_BURST`: all requests of a tenant, but those with publishable keys.
    pub tenant_rate: RateConfig,
    /// `PIDIMA_LIMIT_PUBLIC_PER_MINUTE` and `…_BURST`: all requests with the publishable keys of a tenant.
    pub public_rate: RateConfig,
    /// `PIDIMA_LIMIT_CALLER_PER_MINUTE` and `…_BURST`: all requests of a key or a person.
    pub caller_rate: RateConfig,
    /// `PIDIMA_LIMIT_LOGIN_PER_MINUTE` and `…_BURST`: tries to log in, of an address.
    pub login_rate: RateConfig,
    /// `PIDIMA_LIMIT_PASSWORD_HASHING_PER_MINUTE` and `…_BURST`: requests that hash a password, of a network.
    pub password_hashing_rate: RateConfig,
    /// `PIDIMA_LIMIT_UPLOAD_PER_MINUTE` and `…_BURST`: documents sent, of a key or a person.
    pub upload_rate: RateConfig,
    /// `PIDIMA_LIMIT_ASK_PER_MINUTE` and `…_BURST`: questions, of a key or a person.
    pub ask_rate: RateConfig,
    /// `PIDIMA_LIMIT_PUBLIC_ASK_PER_MINUTE` and `…_BURST`: questions with a publishable key, from all addresses.
    pub public_ask_rate: RateConfig,
    /// `PIDIMA_LIMIT_SEARCH_PER_MINUTE` and `…_BURST`: searches, of a key or a person.
    pub search_rate: RateConfig,
    /// `PIDIMA_LIMIT_EXPORT_PER_MINUTE` and `…_BURST`: exports, of a key or a person.
    pub export_rate: RateConfig,
}

/// How much a limit lets through.
#[derive(Clone, Copy, Debug)]
pub struct RateConfig {
    /// Requests a minute in the long run.
    pub per_minute: u32,
    /// Requests at once.
    pub burst: u32,
}

impl LimitsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let rate = |per_minute: (&'static str, u32), burst: (&'static str, u32)| RateConfig {
            per_minute: env.number(per_minute.0, per_minute.1, 1, MOST),
            burst: env.number(burst.0, burst.1, 1, MOST),
        };
        Self {
            limit_instances: env.number("PIDIMA_LIMIT_INSTANCES", 1, 1, 1_000),
            max_quotas: env.number("PIDIMA_MAX_QUOTAS", 500, 1, 10_000),
            address_rate: rate(
                ("PIDIMA_LIMIT_ADDRESS_PER_MINUTE", 6_000),
                ("PIDIMA_LIMIT_ADDRESS_BURST", 6_000),
            ),
            tenant_rate: rate(
                ("PIDIMA_LIMIT_TENANT_PER_MINUTE", 12_000),
                ("PIDIMA_LIMIT_TENANT_BURST", 12_000),
            ),
            public_rate: rate(
                ("PIDIMA_LIMIT_PUBLIC_PER_MINUTE", 6_000),
                ("PIDIMA_LIMIT_PUBLIC_BURST", 6_000),
            ),
            caller_rate: rate(
                ("PIDIMA_LIMIT_CALLER_PER_MINUTE", 6_000),
                ("PIDIMA_LIMIT_CALLER_BURST", 6_000),
            ),
            login_rate: rate(
                ("PIDIMA_LIMIT_LOGIN_PER_MINUTE", 30),
                ("PIDIMA_LIMIT_LOGIN_BURST", 60),
            ),
            password_hashing_rate: rate(
                ("PIDIMA_LIMIT_PASSWORD_HASHING_PER_MINUTE", 120),
                ("PIDIMA_LIMIT_PASSWORD_HASHING_BURST", 240),
            ),
            upload_rate: rate(
                ("PIDIMA_LIMIT_UPLOAD_PER_MINUTE", 1_200),
                ("PIDIMA_LIMIT_UPLOAD_BURST", 2_400),
            ),
            ask_rate: rate(("PIDIMA_LIMIT_ASK_PER_MINUTE", 300), ("PIDIMA_LIMIT_ASK_BURST", 600)),
            public_ask_rate: rate(
                ("PIDIMA_LIMIT_PUBLIC_ASK_PER_MINUTE", 600),
                ("PIDIMA_LIMIT_PUBLIC_ASK_BURST", 1_200),
            ),
            search_rate: rate(
                ("PIDIMA_LIMIT_SEARCH_PER_MINUTE", 1_200),
                ("PIDIMA_LIMIT_SEARCH_BURST", 1_200),
            ),
            export_rate: rate(
                ("PIDIMA_LIMIT_EXPORT_PER_MINUTE", 30),
                ("PIDIMA_LIMIT_EXPORT_BURST", 60),
            ),
        }
    }
}
