//! The named limits and how much each lets through. Whom a limit counts is the callers' business.

use std::fmt;

/// Microseconds of a minute, in which rates are given.
const MINUTE: u64 = 60_000_000;

/// Everything that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// All requests of an address, before it is known who asks.
    Address,
    /// All requests of a tenant.
    Tenant,
    /// All requests with the publishable keys of a tenant, whoever's pages they stand in.
    Public,
    /// All requests of a key, a person or an end user.
    Caller,
    /// Tries to log in, of an address.
    Login,
    /// Requests whose handling hashes a password, of a network.
    PasswordHashing,
    /// Documents sent, of a caller.
    Upload,
    /// Questions asked, of a caller.
    Ask,
    /// Questions asked with a publishable key, from all addresses together.
    PublicAsk,
    /// Searches, of a caller.
    Search,
    /// Exports, of a caller.
    Export,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 11] = [
        Self::Address,
        Self::Tenant,
        Self::Public,
        Self::Caller,
        Self::Login,
        Self::PasswordHashing,
        Self::Upload,
        Self::Ask,
        Self::PublicAsk,
        Self::Search,
        Self::Export,
    ];

    /// Its name in keys and headers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Tenant => "tenant",
            Self::Public => "public",
            Self::Caller => "caller",
            Self::Login => "login",
            Self::PasswordHashing => "password_hashing",
            Self::Upload => "upload",
            Self::Ask => "ask",
            Self::PublicAsk => "public_ask",
            Self::Search => "search",
            Self::Export => "export",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much a limit lets through. Both numbers are at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests a minute in the long run.
    pub per_minute: u32,
    /// Requests at once, after a time of rest.
    pub burst: u32,
}

impl Quota {
    /// What one of several instances may let through alone: rounded up, so that it is never nothing.
    #[must_use]
    pub fn share(self, instances: u32) -> Self {
        let instances = instances.max(1);
        Self {
            per_minute: self.per_minute.div_ceil(instances),
            burst: self.burst.div_ceil(instances),
        }
    }

    /// Microseconds after which one more request may come: rounded up, so that a minute never holds more than its rate.
    pub(super) fn interval(self) -> u64 {
        MINUTE.div_ceil(u64::from(self.per_minute.max(1)))
    }

    /// Microseconds in which a whole burst comes back.
    pub(super) fn tolerance(self) -> u64 {
        self.interval() * u64::from(self.burst.max(1))
    }

    /// Seconds in which a whole burst comes back.
    pub fn window_seconds(self) -> u64 {
        self.tolerance().div_ceil(1_000_000)
    }
}

/// The quota of each limit.
#[derive(Clone, Debug)]
pub struct Quotas(Vec<(Limit, Quota)>);

impl Quotas {
    /// The quotas that a function gives the limits.
    pub fn new(of: impl Fn(Limit) -> Quota) -> Self {
        Self(Limit::ALL.into_iter().map(|limit| (limit, of(limit))).collect())
    }

    /// The quota of a limit.
    pub fn of(&self, limit: Limit) -> Quota {
        let found = self.0.iter().find(|(name, _)| *name == limit);
        // Every limit is there: `new` walks all of them.
        found.map_or(Quota { per_minute: 1, burst: 1 }, |(_, quota)| *quota)
    }
}
