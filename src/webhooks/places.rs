//! How many deliveries this process sends at once. A receiver may be slow, and one tenant may have many slow ones: no tenant
//! has more than half of the places, and the last one is for a tenant without any, so that the others are not kept waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::kernel::ids::TenantId;

/// Places that are taken, by tenant.
#[derive(Clone, Debug)]
pub struct Places {
    most: usize,
    taken: Arc<Mutex<HashMap<TenantId, usize>>>,
}

/// A place, free again when dropped.
#[derive(Debug)]
pub struct Place {
    places: Places,
    tenant: TenantId,
}

impl Places {
    /// So many places.
    pub fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// A place for a tenant; `None` when there is none for it.
    pub fn take(&self, tenant: TenantId) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&tenant).copied().unwrap_or_default();
        let is_last = all + 1 >= self.most;
        if all >= self.most || own >= share(self.most) || (is_last && own > 0) {
            return None;
        }
        taken.insert(tenant, own + 1);
        Some(Place { places: self.clone(), tenant })
    }
}

/// Most places of a tenant.
pub(super) fn share(places: usize) -> usize {
    places.div_ceil(2)
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.tenant) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                taken.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_half_of_the_places_and_never_the_last_one_beside_others() {
        let (one, two, three) = (TenantId::generate(), TenantId::generate(), TenantId::generate());
        let places = Places::new(4);
        let first = places.take(one).expect("free");
        let second = places.take(one).expect("free");
        assert!(places.take(one).is_none());
        let others = [places.take(two).expect("free"), places.take(three).expect("free")];
        assert!(places.take(three).is_none());
        drop(first);
        assert!(places.take(one).is_none() && places.take(two).is_none(), "it is the last one");
        drop(second);
        assert!(places.take(one).is_some());
        drop(others);
        assert!(places.taken.lock().unwrap().is_empty());
        assert!(Places::new(1).take(one).is_some());
    }
}
