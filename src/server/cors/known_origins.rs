//! Which origins any tenant knows: asked of the database, remembered for a few seconds, bounded in number and in the
//! questions asked at once, since strangers choose what is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use poem::http::HeaderValue;
use tokio::sync::Semaphore;

use crate::db::Db;

/// How long an answer is good: an origin that a tenant adds or removes counts within this time.
const GOOD_FOR: Duration = Duration::from_secs(5);
/// Answers remembered at once, at most.
const REMEMBERED: usize = 1_000;
/// Longest origin that is looked up, in bytes: scheme, 253 bytes of a host name and a port.
const LONGEST: usize = 270;
/// Questions to the database at once, at most.
const ASKED_AT_ONCE: usize = 2;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The memory; clones share it.
#[derive(Clone, Debug)]
pub struct KnownOrigins {
    db: Db,
    answers: Arc<Mutex<HashMap<String, (bool, Instant)>>>,
    asking: Arc<Semaphore>,
}

impl KnownOrigins {
    /// A memory of nothing.
    pub fn new(db: Db) -> Self {
        Self { db, answers: Arc::default(), asking: Arc::new(Semaphore::new(ASKED_AT_ONCE)) }
    }

    /// Whether any tenant knows the origin; not while nobody can be asked.
    pub async fn knows(&self, origin: &HeaderValue) -> bool {
        let Some(origin) = readable(origin) else { return false };
        if let Some(answer) = self.fresh(origin) {
            return answer;
        }
        tokio::time::timeout(PATIENCE, self.ask(origin)).await.unwrap_or(false)
    }

    /// Whether the origin was known when it was last asked about, without asking.
    pub fn remembers(&self, origin: &HeaderValue) -> bool {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = readable(origin).and_then(|origin| answers.get(origin));
        answer.is_some_and(|(is_known, _)| *is_known)
    }

    fn fresh(&self, origin: &str) -> Option<bool> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (is_known, since) = answers.get(origin)?;
        (since.elapsed() < GOOD_FOR).then_some(*is_known)
    }

    async fn ask(&self, origin: &str) -> bool {
        let Ok(_turn) = self.asking.acquire().await else { return false };
        // Somebody else may have asked meanwhile.
        if let Some(answer) = self.fresh(origin) {
            return answer;
        }
        let asked = async { self.db.system().await?.origin_is_known(origin).await };
        match asked.await {
            Ok(is_known) => {
                self.remember(origin, is_known);
                is_known
            }
            Err(error) => {
                tracing::debug!(%error, "asking whether an origin is known");
                false
            }
        }
    }

    fn remember(&self, origin: &str, is_known: bool) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= REMEMBERED {
            answers.retain(|_, (_, since)| since.elapsed() < GOOD_FOR);
        }
        if answers.len() >= REMEMBERED {
            // Strangers' inventions go first.
            answers.retain(|_, (is_known, _)| *is_known);
        }
        if answers.len() < REMEMBERED {
            answers.insert(origin.to_owned(), (is_known, Instant::now()));
        }
    }
}

/// An origin as browsers write it: `http://` or `https://`, a host, perhaps a port, and nothing else.
fn readable(origin: &HeaderValue) -> Option<&str> {
    let text = origin.to_str().ok().filter(|text| text.len() <= LONGEST)?;
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    (!host.is_empty() && host.bytes().all(plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_browser_writes_is_an_origin() {
        let is_readable =
            |bytes: &[u8]| readable(&HeaderValue::from_bytes(bytes).unwrap()).is_some();
        for good in ["https://docs.example.com", "http://localhost:3000", "http://[::1]:80"] {
            assert!(is_readable(good.as_bytes()), "{good}");
        }
        for bad in
            ["null", "", "https://", "https://a/b", "file://", "*", "https://a b", "https://*"]
        {
            assert!(!is_readable(bad.as_bytes()), "{bad}");
        }
        assert!(!is_readable("https://dö.example".as_bytes()));
        assert!(!is_readable(b"https://\xff\xfe"));
        let host = "h".repeat(LONGEST - "https://".len());
        assert!(is_readable(format!("https://{host}").as_bytes()));
        assert!(!is_readable(format!("https://{host}h").as_bytes()));
    }
}
