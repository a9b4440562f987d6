//! Copies in this process. Bounded: those unused for longest go first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use hashlink::LruCache;
use tokio::time::Instant;

use super::{Cache, CacheKey, CacheSettings, Versioned};

/// What a copy takes beside its value, about.
const OVERHEAD: usize = 200;

/// Copies for one instance. Cheap to clone.
#[derive(Clone)]
pub struct LocalCache(Arc<Inner>);

struct Inner {
    settings: CacheSettings,
    kept: Mutex<Kept>,
}

struct Kept {
    by_key: LruCache<CacheKey, (Versioned, Instant)>,
    bytes: usize,
}

impl LocalCache {
    /// No copies yet.
    pub fn new(settings: CacheSettings) -> Self {
        let kept = Kept { by_key: LruCache::new_unbounded(), bytes: 0 };
        Self(Arc::new(Inner { settings, kept: Mutex::new(kept) }))
    }

    /// Bytes that the copies take, about.
    pub fn bytes(&self) -> usize {
        self.kept().bytes
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn remove(&mut self, key: &CacheKey) {
        if let Some((removed, _)) = self.by_key.remove(key) {
            self.bytes -= removed.value.len() + OVERHEAD;
        }
    }

    fn evict(&mut self, most: usize) {
        while self.bytes > most {
            let Some((_, (evicted, _))) = self.by_key.remove_lru() else { return };
            self.bytes -= evicted.value.len() + OVERHEAD;
        }
    }
}

#[async_trait]
impl Cache for LocalCache {
    async fn get(&self, key: &CacheKey) -> Option<Versioned> {
        let mut kept = self.kept();
        let (value, stored_at) = kept.by_key.get(key)?;
        if stored_at.elapsed() < self.0.settings.ttl {
            return Some(value.clone());
        }
        kept.remove(key);
        None
    }

    async fn put(&self, key: &CacheKey, value: Versioned) {
        let mut kept = self.kept();
        if kept.by_key.peek(key).is_some_and(|(there, _)| there.version >= value.version) {
            return;
        }
        kept.remove(key);
        if value.value.len() <= self.0.settings.max_value_bytes {
            kept.bytes += value.value.len() + OVERHEAD;
            kept.by_key.insert(key.clone(), (value, Instant::now()));
            kept.evict(self.0.settings.max_bytes);
        }
    }

    async fn remove(&self, key: &CacheKey) {
        self.kept().remove(key);
    }
}
