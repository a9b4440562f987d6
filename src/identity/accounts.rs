//! Local accounts: people of a tenant who log in with an e-mail address and a password, without an outside issuer. The
//! API and the login page call it; it knows no HTTP.

mod accept_with_password;
mod change_password;
mod create_local_member;
mod end_login;
mod failures;
mod log_in;
mod login_name;
mod reset_password;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use accept_with_password::{AcceptWithPasswordError, Acceptance};
pub use change_password::{ChangePassword, ChangePasswordError};
pub use create_local_member::{
    CreateLocalMemberError, CreatedLocalMember, NewLocalMember, create_local_member,
};
pub use log_in::{LogInError, LoginAttempt};
pub use login_name::login_name;
pub use reset_password::{ResetPasswordError, reset_password};

use self::failures::Failures;
use super::Verifier;
use super::passwords::Passwords;
use super::shared_throttle::SharedThrottle;
use super::throttle::{Rate, Throttle};
use crate::adapters::redis::Redis;
use crate::db::Db;

/// How often somebody may try, and how long a login lasts.
#[derive(Clone, Copy, Debug)]
pub struct AccountSettings {
    /// Failed logins of one address.
    pub address: Rate,
    /// Failed logins to one account from addresses that it never used.
    pub account: Rate,
    /// Tries of one person to change their password.
    pub change: Rate,
    /// End of a browser session.
    pub session_lifetime: Duration,
}

/// Logs people in and changes their passwords.
#[derive(Clone, Debug)]
pub struct Accounts {
    db: Db,
    verifier: Verifier,
    passwords: Passwords,
    by_address: Arc<Throttle<Option<IpAddr>>>,
    by_account: Arc<SharedThrottle>,
    by_member: Arc<Throttle<Uuid>>,
    failures: Failures,
    session_lifetime: Duration,
}

impl Accounts {
    /// Accounts of every tenant of the database; failures are counted together with other instances where there is Redis.
    pub fn new(
        db: Db,
        verifier: Verifier,
        passwords: Passwords,
        tasks: TaskTracker,
        redis: Option<Redis>,
        settings: &AccountSettings,
    ) -> Self {
        Self {
            failures: Failures::new(db.clone(), tasks),
            db,
            verifier,
            passwords,
            by_address: Arc::new(Throttle::new(settings.address)),
            by_account: Arc::new(SharedThrottle::new(settings.account, redis)),
            by_member: Arc::new(Throttle::new(settings.change)),
            session_lifetime: settings.session_lifetime,
        }
    }

    /// Hashes passwords.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }
}

/// What counts as one address: who has an IPv6 address has the 2^64 of its network too.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address => address,
    }
}

/// The same as text that PostgreSQL reads, with the length of the prefix.
fn network_text(address: IpAddr) -> String {
    match network_of(address) {
        IpAddr::V6(network) => format!("{network}/64"),
        IpAddr::V4(address) => format!("{address}/32"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_of_version_6_count_as_one() {
        let network = |text: &str| network_of(text.parse().expect("an address"));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
