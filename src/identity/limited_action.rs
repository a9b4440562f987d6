//! Which limits a request of a verified caller counts for: by method and path, so that handlers need not think of it.
//! Counting is done by the adapter, and the order in which the limits are asked by the verification of callers.

use crate::adapters::limits::{Limit, LimitKey, Subject};
use crate::identity::{Actor, Principal};

/// An action that has a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitedAction {
    /// Sending a document.
    Upload,
    /// Asking a question.
    Ask,
    /// Searching.
    Search,
    /// Exporting.
    Export,
}

impl LimitedAction {
    /// The action of a request; most have no limit of their own.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        match (method, path) {
            ("POST", "/v1/documents") => Some(Self::Upload),
            ("POST", "/v1/answers") => Some(Self::Ask),
            ("POST", "/v1/search") => Some(Self::Search),
            ("POST", path) if path.starts_with("/v1/sessions/") && path.ends_with("/messages") => {
                Some(Self::Ask)
            }
            (_, path) if path.ends_with("/export") => Some(Self::Export),
            _ => None,
        }
    }

    fn limit(self) -> Limit {
        match self {
            Self::Upload => Limit::Upload,
            Self::Ask => Limit::Ask,
            Self::Search => Limit::Search,
            Self::Export => Limit::Export,
        }
    }
}

/// What a request counts for, from the narrowest: who is refused by a narrow limit takes nothing from a wide one, so that a
/// noisy key does not use up its tenant's.
pub fn limits_of(actor: &Actor, method: &str, path: &str) -> Vec<LimitKey> {
    let tenant = Some(actor.tenant);
    let own = match actor.principal {
        // One key in the pages of all readers: each of them counts for themselves.
        Principal::ApiKey { api_key_id, publishable: true, .. } => {
            Subject::IdAt(api_key_id, actor.request.address)
        }
        _ => Subject::Id(actor.id()),
    };
    let action = LimitedAction::of(method, path).map(LimitedAction::limit);
    action
        .into_iter()
        .chain([Limit::Caller])
        .map(|limit| LimitKey::new(limit, tenant, own))
        .chain([LimitKey::new(Limit::Tenant, tenant, Subject::Whole)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_much_has_a_limit_of_its_own() {
        let of = LimitedAction::of;
        assert_eq!(of("POST", "/v1/documents"), Some(LimitedAction::Upload));
        assert_eq!(of("POST", "/v1/answers"), Some(LimitedAction::Ask));
        assert_eq!(of("POST", "/v1/sessions/7/messages"), Some(LimitedAction::Ask));
        assert_eq!(of("POST", "/v1/search"), Some(LimitedAction::Search));
        assert_eq!(of("GET", "/v1/audit_events/export"), Some(LimitedAction::Export));
        for (method, path) in [
            ("GET", "/v1/documents"),
            ("GET", "/v1/sessions/7/messages"),
            ("POST", "/v1/sessions"),
            ("DELETE", "/v1/documents/7"),
        ] {
            assert_eq!(of(method, path), None, "{method} {path}");
        }
    }
}
