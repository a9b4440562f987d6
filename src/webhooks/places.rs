//! How many deliveries this process sends at once. A receiver may be slow, and one tenant may have many slow ones: no tenant
//! has more than half of the places, so that the others are not kept waiting by it.

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
        if all >= self.most || own >= self.most.div_ceil(2) {
            return None;
        }
        taken.insert(tenant, own + 1);
        Some(Place { places: self.clone(), tenant })
    }
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
    fn a_tenant_has_half_of_the_places_and_all_tenants_have_all() {
        let (one, two, three) = (TenantId::generate(), TenantId::generate(), TenantId::generate());
        let places = Places::new(4);
        let first = places.take(one).expect("free");
        let second = places.take(one).expect("free");
        assert!(places.take(one).is_none());
        let others = [places.take(two).expect("free"), places.take(three).expect("free")];
        assert!(places.take(three).is_none());
        drop(first);
        assert!(places.take(one).is_some());
        drop((second, others));
        assert!(places.taken.lock().unwrap().is_empty());
        assert!(Places::new(1).take(one).is_some());
    }
}
