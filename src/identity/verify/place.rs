//! Where a good credential is used from: asked on each request, also for remembered credentials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use serde_json::json;
use uuid::Uuid;

use super::{Denied, Verified, Verifier};
use crate::db;
use crate::identity::actor::RequestOrigin;
use crate::identity::credential::KeyKind;
use crate::identity::places::admits_address;
use crate::identity::store::api_keys::ApiKey;
use crate::identity::{Actor, Principal};

/// Refused uses of one key are noted in the audit log at most once in this time, by each instance.
const NOTED_EVERY: Duration = Duration::from_secs(60);
/// Keys whose last note is remembered, at most; beyond that refusals are only logged.
const REMEMBERED: usize = 10_000;
/// Characters kept of an origin that a stranger sends.
const ORIGIN_CHARS: usize = 200;

/// When a refused use of a key was last noted.
pub(super) type Noted = Arc<Mutex<HashMap<Uuid, Instant>>>;

/// Places that a credential may be used from.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// Ranges of addresses; empty for any.
    addresses: Vec<IpNet>,
    /// Web origins; absent where they do not matter.
    origins: Option<Vec<String>>,
}

impl Places {
    /// Those of a key.
    pub(super) fn of(key: &ApiKey) -> Result<Self, Denied> {
        let addresses: Result<Vec<IpNet>, _> =
            key.allowed_addresses.iter().map(|range| range.parse()).collect();
        // A range that cannot be read must not open the key to every address.
        let addresses = addresses.map_err(|error| db::Error::Inconsistent {
            table: "api_keys",
            detail: format!("{}: allowed_addresses: {error}", key.api_key_id),
        })?;
        let origins = (key.kind == KeyKind::Publishable).then(|| key.allowed_origins.clone());
        Ok(Self { addresses, origins })
    }

    /// What is wrong with the place, if anything.
    fn fault(&self, from: &RequestOrigin) -> Option<&'static str> {
        if !admits_address(&self.addresses, from.address) {
            return Some("address");
        }
        let origins = self.origins.as_ref()?;
        let is_known = from.web_origin.as_ref().is_some_and(|origin| origins.contains(origin));
        (!is_known).then_some("origin")
    }
}

impl Verifier {
    /// Passes when the credential may be used from there. The answer names no place that would be right.
    pub(super) fn check_place(
        &self,
        verified: &Verified,
        from: &RequestOrigin,
    ) -> Result<(), Denied> {
        let Some(fault) = verified.places.fault(from) else { return Ok(()) };
        let actor = Actor { request: from.clone(), ..verified.actor.clone() };
        let (Principal::ApiKey { api_key_id, .. } | Principal::EndUser { api_key_id, .. }) =
            actor.principal
        else {
            return Err(Denied::WrongPlace);
        };
        tracing::warn!(%api_key_id, fault, "credential refused from where it was used");
        if self.is_to_be_noted(api_key_id) {
            self.note_refusal(actor, api_key_id, fault);
        }
        Err(Denied::WrongPlace)
    }

    fn is_to_be_noted(&self, api_key_id: Uuid) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&api_key_id).is_some_and(|since| since.elapsed() < NOTED_EVERY) {
            return false;
        }
        if noted.len() >= REMEMBERED {
            noted.retain(|_, since| since.elapsed() < NOTED_EVERY);
        }
        if noted.len() >= REMEMBERED {
            return false;
        }
        noted.insert(api_key_id, Instant::now());
        true
    }

    fn note_refusal(&self, actor: Actor, api_key_id: Uuid, fault: &'static str) {
        let db = self.db.clone();
        self.tasks.spawn(async move {
            let origin = actor.request.web_origin.as_ref();
            let origin = origin.map(|text| text.chars().take(ORIGIN_CHARS).collect::<String>());
            let entry = actor
                .audit("api_key.refused")
                .on("api_key", api_key_id)
                .after(json!({ "wrong": fault, "origin": origin }));
            let noted = async {
                let mut tx = db.tenant(actor.tenant).await?;
                tx.append_audit(entry).await?;
                tx.commit().await
            };
            if let Err(error) = noted.await {
                tracing::warn!(%error, "noting the refusal of a credential");
            }
        });
    }
}
